import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { createSetupLink, ensureFirstMember, openSession, requestPasswordReset } from '#accounts';
import { BearerTokens, Keyring } from '#credential';
import { createEndpoint } from '#delivery';
import { createUser, issueBearerToken, type ScimDirectory } from '#directory';
import { newId } from '#identifier';
import {
  aDirectory,
  clocksCanBeWrong,
  createTestDatabase,
  eventually,
  freePort,
  identityProvider,
  projectFolder,
  type RunningProcess,
  startProcess,
  startVendor,
  type TestDatabase,
  wrongClock,
} from '#testing';

const encryptionKey = randomBytes(32);
const keyring = new Keyring(encryptionKey);

let db: TestDatabase;
let directory: ScimDirectory;

beforeEach(async () => {
  db = await createTestDatabase();
  ({ directory } = await aDirectory({ db }));
});

const settings = (): Record<string, string> => ({
  DATABASE_URL: db.url,
  ENCRYPTION_KEY: encryptionKey.toString('base64'),
  WEBHOOK_ALLOWED_CIDRS: '127.0.0.0/8',
});

/** A worker as `npm run worker` starts it, but for its upkeep, which is due at once instead of in a minute. */
const startWorker = (env: Record<string, string>): Promise<RunningProcess> =>
  startProcess({
    command: [
      process.execPath,
      '-e',
      `const { createLog, loadConfig } = require('#runtime');
       const { startWorker } = require(${JSON.stringify(path.join(projectFolder, 'dist/apps/worker/src/worker.js'))});
       startWorker({ config: loadConfig(process.env), log: createLog('info', 'worker'), upkeepAfterMs: 0 });`,
    ],
    env: { ...settings(), ...env },
    ready: /worker started/,
  });

/** A partition of long ago, which upkeep drops: by its end one knows that upkeep has been. */
async function anOldPartition(): Promise<void> {
  await db.pool.query('create table delivery_attempts_20200106 (like delivery_attempts including all)');
  await db.pool.query(`
    alter table delivery_attempts attach partition delivery_attempts_20200106
      for values from ('016f7843-fc00-0000-0000-000000000000') to ('016f9c4f-3800-0000-0000-000000000000')`);
}

async function partitions(): Promise<string[]> {
  const { rows } = await db.pool.query<{ name: string }>(`
    select c.relname as name
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
     where i.inhparent = any (array['events', 'requests', 'delivery_attempts']::regclass[])
     order by 1`);
  return rows.map(({ name }) => name);
}

const count = async (table: string): Promise<number> =>
  (await db.pool.query<{ n: number }>(`select count(*) as n from ${table}`)).rows[0]?.n ?? 0;

const day = 86_400;
const withClocks = clocksCanBeWrong() ? test : test.skip;

withClocks.each(['+800d', '-800d'])(
  'a worker whose clock is %s off forgets what is old by the database, and nothing else; and it delivers',
  async (offset) => {
    await issueBearerToken(db.pool, new BearerTokens(keyring, { atMost: 10 }), {
      environmentId: directory.environmentId,
      directoryId: directory.id,
      name: 'okta',
      expiresInSeconds: 60 * day,
    });
    await createSetupLink(db.pool, keyring, {
      environmentId: directory.environmentId,
      directoryId: directory.id,
      expiresInSeconds: day,
    });
    await ensureFirstMember(db.pool, { email: 'ada@vendor.example', password: 'long enough for a test' });
    const memberId = (await db.pool.query<{ id: string }>('select id from members')).rows[0]?.id ?? '';
    await openSession(db.pool, { memberId, userAgent: null });
    await requestPasswordReset(db.pool, { email: 'ada@vendor.example' });
    const vendor = await startVendor();
    const { secret } = await createEndpoint(db.pool, keyring, {
      environmentId: directory.environmentId,
      url: vendor.url,
      allowedCidrs: ['127.0.0.0/8'],
    });
    const before = await partitions();
    await anOldPartition();

    const worker = await startWorker(wrongClock(offset));
    const dropped = await eventually(() => worker.log().find(({ dropped }) => dropped !== undefined) ?? false);
    expect(dropped).toMatchObject({ level: 'warn', dropped: [{ name: 'delivery_attempts_20200106', bytes: expect.any(Number) }] });
    expect(await partitions()).toEqual(before);
    expect(await Promise.all(['bearer_tokens', 'setup_links', 'member_sessions', 'member_links'].map(count))).toEqual([1, 1, 1, 1]);

    await createUser(db.pool, directory, newId(), { userName: 'ada@acme.com' });
    await eventually(() => vendor.received.length === 1);
    // By the receiver's clock, which is right, the signature is of now.
    expect(vendor.events(secret)).toMatchObject([{ type: 'user.created' }]);
    await eventually(async () => (await count('delivery_attempts')) === 1);
    await eventually(
      async () => (await db.pool.query('select from lanes where cursor_sequence = head_sequence and leased = 0')).rowCount === 1,
    );
    expect(worker.log().filter(({ clock_skew_seconds: skew }) => skew !== undefined)).toMatchObject([
      { level: 'warn', msg: expect.stringContaining('more than a minute') },
    ]);
    await worker.kill();
  },
);

withClocks('a broker whose clock is 800 days off writes as ever, and says so in /readyz, by a metric and in the log', async () => {
  const { token } = (await issueBearerToken(db.pool, new BearerTokens(keyring, { atMost: 10 }), {
    environmentId: directory.environmentId,
    directoryId: directory.id,
    name: 'okta',
  }))!;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const broker = await startProcess({
    script: 'dist/apps/broker/src/main.js',
    env: { ...settings(), ...wrongClock('+800d'), PORT: String(port), SCIM_RATE_LIMIT: '0' },
    ready: /"listening"/,
  });
  const idp = identityProvider({ baseUrl: `${url}/scim/v2/dir_${directory.id.replaceAll('-', '')}`, token });
  const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada@acme.com' };
  expect(await idp.post('/Users', body)).toMatchObject({ status: 201 });
  await eventually(async () => (await count('requests')) === 1);
  const { rows } = await db.pool.query(
    `select (select extract(epoch from now() - at) < 60 from requests) as request,
            (select extract(epoch from now() - occurred_at) < 60 from events where type = 'user.created') as event`,
  );
  expect(rows).toEqual([{ request: true, event: true }]);

  const readyz = await fetch(`${url}/readyz`);
  const { status, clock_skew_seconds: skew } = (await readyz.json()) as { status: string; clock_skew_seconds: number };
  expect([readyz.status, status, Math.round(skew / 60)]).toEqual([200, 'ready', 800 * 24 * 60]);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const [, shown] = /^causeway_clock_skew_seconds (\d+)/m.exec(metrics) ?? [];
  expect(Math.round(Number(shown) / 60)).toBe(800 * 24 * 60);
  expect(metrics).toMatch(/^causeway_database_writable 1$/m);
  expect(broker.log()).toContainEqual(expect.objectContaining({ level: 'warn', clock_skew_seconds: expect.any(Number) }));
  expect(await broker.stop()).toEqual({ code: 0, signal: null });
});

test('a process whose clock is right says nothing of it', async () => {
  const port = await freePort();
  const broker = await startProcess({
    script: 'dist/apps/broker/src/main.js',
    env: { ...settings(), PORT: String(port) },
    ready: /"listening"/,
  });
  expect(await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()).toEqual({
    status: 'ready',
    parts: { database: { state: 'ok' }, schema: { state: 'ok' } },
  });
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toMatch(/^causeway_clock_skew_seconds -?0(\.\d+)?$/m);
  expect(broker.log().filter(({ level }) => level !== 'info')).toEqual([]);
  await broker.stop();
});
