import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { giveNewPassword } from '#accounts';
import { BearerTokens, Keyring } from '#credential';
import { newId } from '#identifier';
import { createLog, ensureDatabase, migrate, startEmbeddedPostgres } from '#runtime';
import { createTestDatabase, eventually, freePort } from '#testing';
import { aBroker, aConfig, caller } from './a-broker';
import { type Broker, startBroker, type Welcome } from './broker';

const log = createLog('fatal', 'test');

test('the first start makes one environment and shows its key once, however many brokers start at once', async () => {
  const { url: databaseUrl, pool } = await createTestDatabase();
  const config = aConfig({ databaseUrl });
  const brokers = await Promise.all([1, 2, 3].map(() => startBroker({ config, log })));
  const [made, ...more] = brokers.flatMap(({ bootstrap }) => (bootstrap ? [bootstrap] : []));
  expect([made, more]).toEqual([
    { environmentId: expect.stringMatching(/^env_[0-9a-f]{32}$/), apiKey: expect.stringMatching(/^cwk_[\w-]{43}$/) },
    [],
  ]);
  for (const { url } of brokers) expect((await caller(url, made?.apiKey ?? '')('GET', '/v1/organizations')).status).toBe(200);
  expect((await pool.query('select name from environments')).rows).toEqual([{ name: 'default' }]);
  await Promise.all(brokers.map((broker) => broker.stop()));

  const again = await startBroker({ config, log });
  expect(again.bootstrap).toBeUndefined();
  await again.stop();
});

test('what the first start made is shown once, at the next start where it was not shown at this one', async () => {
  const { url: databaseUrl, pool } = await createTestDatabase();
  const config = aConfig({ databaseUrl, bootstrapAdminEmail: 'ada@vendor.example' });
  const shownBy = async (broker: Broker): Promise<Welcome[]> => {
    const shown: Welcome[] = [];
    await broker.welcome(async (welcome) => void shown.push(welcome));
    return shown;
  };
  const signIns = { emails: ['ada@vendor.example'], more: 0 };

  const first = await startBroker({ config, log });
  const { apiKey = '', environmentId } = first.bootstrap ?? {};
  await expect(first.welcome(() => Promise.reject(new Error('nobody reads it')))).rejects.toThrow('nobody reads it');
  await first.stop();

  const [second, beside] = await Promise.all([startBroker({ config, log }), startBroker({ config, log })]);
  const both = (await Promise.all([shownBy(second), shownBy(beside)])).flat();
  expect(both).toHaveLength(2);
  expect(both).toContainEqual({
    bootstrap: { environmentId, apiKey },
    firstMember: { email: 'ada@vendor.example', password: expect.stringMatching(/^\w{20}$/) },
    signIns,
  });
  expect(both).toContainEqual({ signIns });
  expect(await shownBy(second)).toEqual([{ signIns }]);
  expect((await pool.query('select 1 from unshown_secrets')).rowCount).toBe(0);
  await Promise.all([second.stop(), beside.stop()]);
});

test('a secret that was revoked or changed before it was shown is not shown', async () => {
  const { url: databaseUrl, pool } = await createTestDatabase();
  const config = aConfig({ databaseUrl, bootstrapAdminEmail: 'ada@vendor.example' });
  const broker = await startBroker({ config, log });
  await giveNewPassword(pool, { email: 'ada@vendor.example' });
  await pool.query('delete from api_keys');
  const shown: Welcome[] = [];
  await broker.welcome(async (welcome) => void shown.push(welcome));
  expect(shown).toEqual([{ signIns: { emails: ['ada@vendor.example'], more: 0 } }]);
  await broker.stop();
});

test('a key that the operator chose works, and is not told', async () => {
  const apiKey = `cwk_${'A-_z'.repeat(10)}`;
  const broker = await aBroker({ bootstrapApiKey: apiKey });
  expect(broker.bootstrap).toEqual({ environmentId: expect.any(String) });
  expect((await broker.call('GET', '/v1/organizations', { key: apiKey })).status).toBe(200);
});

test('stopping answers those who wait at once, ends what is under way, and takes nothing new', async () => {
  const { url: databaseUrl } = await createTestDatabase();
  const broker = await startBroker({ config: aConfig({ databaseUrl }), log });
  const call = caller(broker.url, broker.bootstrap?.apiKey ?? '');
  const waiting = [1, 2, 3].map(() => call('GET', '/v1/events?wait=30'));
  const stream = fetch(`${broker.url}/v1/events/stream`, { headers: { Authorization: `Bearer ${broker.bootstrap?.apiKey}` } }).then(
    (response) => response.text(),
  );
  await new Promise((resolve) => setTimeout(resolve, 300));

  // What is not answered by itself is cut off, after a third of the time that they wait.
  await broker.stop();
  for (const { status, body } of await Promise.all(waiting)) expect([status, body.data]).toEqual([200, []]);
  await stream;
  await expect(call('GET', '/livez')).rejects.toThrow('fetch failed');
});

test('while Redis is away it is ready, and says what is missing', async () => {
  const { url: databaseUrl } = await createTestDatabase();
  const broker = await startBroker({ config: aConfig({ databaseUrl, redisUrl: `redis://127.0.0.1:${await freePort()}` }), log });
  const { status, body } = await caller(broker.url, '')('GET', '/readyz');
  await broker.stop();
  expect([status, body.parts]).toEqual([200, { database: { state: 'ok' }, schema: { state: 'ok' }, queue: { state: 'unreachable' } }]);
});

test('while the database is away it lives, is not ready and answers 503; when it is back all goes on', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-away-'));
  const options = { directory: path.join(folder, 'postgresql'), initdbFlags: ['--no-sync'], onLog: () => {} };
  let server = await startEmbeddedPostgres(options);
  let broker: Broker | undefined;
  try {
    await ensureDatabase(server, 'causeway');
    await migrate(server.url('causeway'));
    broker = await startBroker({ config: aConfig({ databaseUrl: server.url('causeway') }), log });
    const call = caller(broker.url, broker.bootstrap?.apiKey ?? '');
    expect((await call('GET', '/v1/organizations')).status).toBe(200);

    await server.stop();
    const api = await call('GET', '/v1/organizations');
    expect([api.status, api.body.code, api.headers.get('retry-after')]).toEqual([503, 'unavailable', '5']);
    const token = new BearerTokens(new Keyring(aConfig({}).encryptionKey), { atMost: 10 });
    const scim = await call('GET', '/scim/v2/dir_00000000000000000000000000000000/Users', { key: (await token.issue(newId())).token });
    expect(scim.status).toBe(401); // no token of ours: turned away before the database is asked
    await eventually(async () => (await call('GET', '/readyz')).status === 503);
    expect((await call('GET', '/readyz')).body.parts).toEqual({ database: { state: 'unreachable' } });
    expect((await call('GET', '/livez')).status).toBe(200);

    server = await startEmbeddedPostgres(options);
    await eventually(async () => (await call('GET', '/v1/organizations')).status === 200);
    await eventually(async () => (await call('GET', '/readyz')).status === 200);
  } finally {
    await broker?.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

test('a database that is not there is one sentence', async () => {
  const config = aConfig({ databaseUrl: 'postgres://someone:secret@127.0.0.1:1/nothing' });
  await expect(startBroker({ config, log })).rejects.toThrow(
    /^The database "nothing" at 127\.0\.0\.1:1 \(DATABASE_URL\) cannot be used: nothing listens there\.$/,
  );
});

test('a port in use is one sentence, and leaves nothing behind', async () => {
  const broker = await aBroker();
  const port = Number(new URL(broker.url).port);
  const { url: databaseUrl, pool } = await createTestDatabase();
  await expect(startBroker({ config: aConfig({ databaseUrl, port }), log })).rejects.toThrow(/^Port \d+ of 127\.0\.0\.1 is in use/);
  const { rows } = await pool.query(
    "select 1 from pg_stat_activity where application_name like 'causeway%' and datname = current_database()",
  );
  expect(rows).toEqual([]);
  expect((await pool.query('select 1 from environments')).rowCount).toBe(0);
});
