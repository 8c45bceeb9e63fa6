import { randomBytes } from 'node:crypto';
import { createEnvironment, ensureFirstMember } from '#accounts';
import { BearerTokens, Keyring } from '#credential';
import { sequenceBatch } from '#delivery';
import {
  announceExpiringCredentials,
  changeUser,
  createDirectory,
  createOrganization,
  createUser,
  type Directory,
  deleteDirectory,
  issueBearerToken,
  recordFailure,
  releaseBrake,
  setBrake,
} from '#directory';
import { newId } from '#identifier';
import { type Mail, sendDueMails, smtpMailer } from '#notify';
import { coreSchemas } from '#scim';
import { aMailServer, createTestDatabase, freePort, type MailServer, type TestDatabase } from '#testing';
import { mailNotice, writeMails } from './mail';

const times = { gatherMs: 60_000, quietMs: 3_600_000 };
const contacts = ['it@acme.com', 'boss@acme.com'];
const vendor = 'ops@vendor.example';
const everybody = [...contacts, vendor].sort();

let db: TestDatabase;
let server: MailServer;
const servers: MailServer[] = [];
let directory: Directory;
let givenUp: [Mail, string][];
let delays: string[];

beforeEach(async () => {
  db = await createTestDatabase();
  server = await aMailServer();
  servers.push(server);
  givenUp = [];
  delays = [];
  const { id: environmentId } = await createEnvironment(db.pool, { name: 'Vendor' });
  await ensureFirstMember(db.pool, { email: vendor, password: 'long enough for a test' });
  const organization = await createOrganization(db.pool, { environmentId, name: 'Acme', contacts: [...contacts, 'IT@acme.com'] });
  const made = await createDirectory(db.pool, { environmentId, organizationId: organization.id, name: 'Acme Entra', provider: 'entra' });
  if (!made) throw new Error('no directory');
  directory = made;
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((one) => one.close()));
});

function fail(userName: string, detail = `userType: "${userName}" is not one of "Premium", "Standard". Change it.`): Promise<void> {
  return recordFailure(db.pool, directory, {
    requestId: newId(),
    method: 'POST',
    path: '/Users',
    status: 400,
    scimType: 'invalidValue',
    detail,
    resource: { userName },
  });
}

/** What the worker does every few seconds, at a time of the test's choosing: answers what has come in since. */
async function round(atMs = 0, url = server.url) {
  while ((await sequenceBatch(db.pool))?.full) {
    // until nothing waits for its position
  }
  await writeMails(db.pool, times, new Date(Date.now() + atMs));
  const mailer = smtpMailer({ url, from: 'Causeway <causeway@broker.example>' });
  await sendDueMails(
    db.pool,
    mailer,
    {
      onGivenUp: (mail, reason) => givenUp.push([mail, reason]),
      onDelay: (reason) => delays.push(reason),
    },
    new AbortController().signal,
  );
  mailer.close();
  return server.received.splice(0);
}

const subjects = (mails: { headers: Map<string, string> }[]) => [...new Set(mails.map(({ headers }) => headers.get('subject')))];

describe('provisioning that fails', () => {
  test('a thousand failures are one mail to each reader, and one more when it is over', async () => {
    for (let i = 0; i < 50; i += 1) await Promise.all(Array.from({ length: 20 }, (_, k) => fail(`user${i * 20 + k}@acme.com`)));
    await fail('bob@acme.com', 'members: there is no user.');
    expect(await round()).toEqual([]); // others may come
    const begun = await round(times.gatherMs);
    expect(begun.map(({ to }) => to.join()).sort()).toEqual(everybody);
    expect(subjects(begun)).toEqual(['Acme: 1,001 changes from Acme Entra could not be made']);
    const { text, headers, from } = begun[0]!;
    expect(text).toMatch(
      /^Since \d{4}-\d\d-\d\d \d\d:\d\d UTC, 1,001 changes that the identity provider of Acme sent to the directory “Acme Entra” were refused\./,
    );
    expect(text).toMatch(
      /\d+ × {2}userType: "user\d+@acme\.com" is not one of "Premium", "Standard"\. Change it\.\n {5}What to do: Change the value .*Attribute mapping/,
    );
    expect(text.match(/For example: POST \/Users of user\d+@acme\.com \(req_[0-9a-f]{32}\)/g)).toHaveLength(3);
    expect([from, headers.get('from'), headers.get('auto-submitted')]).toEqual([
      'causeway@broker.example',
      'Causeway <causeway@broker.example>',
      'auto-generated',
    ]);

    await fail('cyd@acme.com');
    expect(await round(times.quietMs - 1_000)).toEqual([]); // not over, and told already
    const over = await round(times.quietMs + 60_000);
    expect(over.map(({ to }) => to.join()).sort()).toEqual(everybody);
    expect(subjects(over)).toEqual(['Acme: changes from Acme Entra are being made again']);
    expect(over[0]!.text).toContain('there were 1002.');

    await fail('dan@acme.com');
    expect(subjects(await round(times.gatherMs))).toEqual(['Acme: 1 change from Acme Entra could not be made']);
  });

  test('says how many were to leave, and are here still', async () => {
    const ada = await createUser(db.pool, { ...directory, schemas: coreSchemas }, newId(), { userName: 'ada@acme.com', active: true });
    const refused = { method: 'PATCH', path: '/Users/x', status: 400, scimType: 'invalidPath', detail: 'No.', resource: null };
    await recordFailure(db.pool, directory, { requestId: newId(), ...refused, departing: [ada.id] });
    await fail('bob@acme.com');
    expect((await round(times.gatherMs))[0]!.text).toContain(
      'Of these, 1 change was to deactivate or delete somebody, who is active still.',
    );
  });

  test('is told once by several workers at once', async () => {
    await fail('ada@acme.com');
    await sequenceBatch(db.pool);
    const now = new Date(Date.now() + times.gatherMs);
    await Promise.all(Array.from({ length: 5 }, () => writeMails(db.pool, times, now)));
    expect((await round(times.gatherMs)).map(({ to }) => to.join()).sort()).toEqual(everybody);
    const { rows } = await db.pool.query('select failures from provisioning_troubles');
    expect(rows).toEqual([{ failures: 1 }]);
  });

  test('of a directory that is gone is told to nobody', async () => {
    await fail('ada@acme.com');
    await deleteDirectory(db.pool, { environmentId: directory.environmentId, directoryId: directory.id });
    expect(await round(times.gatherMs)).toEqual([]);
    expect(await round(times.quietMs + times.gatherMs)).toEqual([]);
    expect((await db.pool.query('select 1 from provisioning_troubles')).rows).toEqual([]);
  });
});

test('the brake: a mail when it engages and one when it is released, to the vendor and to the IT admins', async () => {
  const users = [];
  for (const userName of ['a', 'b', 'c'])
    users.push(await createUser(db.pool, { ...directory, schemas: coreSchemas }, newId(), { userName, active: true }));
  const scope = { environmentId: directory.environmentId, directoryId: directory.id, requestId: newId() };
  await setBrake(db.pool, { ...scope, limits: { maxUsers: 2, maxPercent: 90, windowSeconds: 7_200 } });
  for (const { id } of users.slice(0, 2))
    await changeUser(db.pool, { ...directory, schemas: coreSchemas }, newId(), id, ({ resource }) => ({ ...resource, active: false }));
  const engaged = await round();
  expect(engaged.map(({ to }) => to.join()).sort()).toEqual(everybody);
  expect(subjects(engaged)).toEqual(['Acme: Acme Entra removes many users; it has been stopped']);
  expect(engaged[0]!.text).toContain(
    '2 users had been deactivated or deleted within a short time. The limit is 2 users or 90 % of the users within 2 h. 1 user is still active.',
  );
  expect(await round()).toEqual([]);
  await releaseBrake(db.pool, scope);
  expect(subjects(await round())).toEqual(['Acme: the brake of Acme Entra is released']);
});

test('a credential that is about to end', async () => {
  const tokens = new BearerTokens(new Keyring(randomBytes(32)), { atMost: 10 });
  await issueBearerToken(db.pool, tokens, {
    environmentId: directory.environmentId,
    directoryId: directory.id,
    name: 'okta 2026',
    expiresInSeconds: 30 * 86_400,
  });
  await announceExpiringCredentials(db.pool, new Date(Date.now() + 20 * 86_400_000));
  const mails = await round();
  expect(mails.map(({ to }) => to.join()).sort()).toEqual(everybody);
  expect(mails[0]!.headers.get('subject')).toMatch(/^Acme: a credential of Acme Entra ends on \d{4}-\d\d-\d\d$/);
  expect(mails[0]!.text).toMatch(
    /^The bearer token “okta 2026” of the directory “Acme Entra” of Acme ends at .* UTC\.\n\nIt has never been used\./,
  );
});

test('a webhook endpoint that was disabled is told to the vendor’s people alone', async () => {
  const { environmentId } = directory;
  await mailNotice(db.pool, {
    kind: 'endpoint_disabled',
    environmentId,
    endpointId: newId(),
    url: 'https://vendor.example/hooks',
    reason: 'gone',
    failingSince: null,
  });
  const [mail, ...more] = await round();
  expect([mail?.to, more]).toEqual([[vendor], []]);
  expect(mail?.headers.get('subject')).toBe('The webhook endpoint at vendor.example has been disabled');
  expect(mail?.text).toContain('it answered 410');
});

test('what an identity provider or a vendor calls something ends no header', async () => {
  await db.pool.query(`update organizations set name = E'Acme\\r\\nBcc: evil@example.com\\r\\n\\r\\nHi'`);
  await fail('x\r\n\r\n.\r\nMAIL FROM:<evil@example.com>');
  const [mail] = await round(times.gatherMs);
  expect(mail?.headers.get('subject')).toBe('Acme Bcc: evil@example.com Hi: 1 change from Acme Entra could not be made');
  expect(mail?.headers.has('bcc')).toBe(false);
  expect(mail?.to).toHaveLength(1);
});

describe('a mail server', () => {
  test('that cannot be reached is tried again later, under the same Message-ID, and loses nothing', async () => {
    await fail('ada@acme.com');
    const port = await freePort();
    expect(await round(times.gatherMs, `smtp://user:hush@127.0.0.1:${port}`)).toEqual([]);
    expect(delays).toHaveLength(3);
    expect(delays.join()).not.toContain('hush');
    const { rows } = await db.pool.query(
      `select id, attempts, next_attempt_at > now() + interval '50 seconds' as later from mails order by id`,
    );
    expect(rows.map(({ attempts, later }) => [attempts, later])).toEqual([
      [1, true],
      [1, true],
      [1, true],
    ]);
    expect(await round()).toEqual([]);
    await db.pool.query('update mails set next_attempt_at = now()');
    const mails = await round();
    expect(mails.map(({ headers }) => headers.get('message-id')).sort((a, b) => String(a).localeCompare(String(b)))).toEqual(
      rows.map(({ id }) => `<${id}@broker.example>`),
    );
    expect((await db.pool.query('select 1 from mails')).rows).toEqual([]);
  });

  test('gets what waits for longer than anything can: the clock was set back since', async () => {
    await fail('ada@acme.com');
    await round(times.gatherMs, `smtp://127.0.0.1:${await freePort()}`);
    await db.pool.query(`update mails set next_attempt_at = now() + interval '6 hours'`);
    expect(await round()).toEqual([]);
    await db.pool.query(`update mails set next_attempt_at = now() + interval '7 hours'`);
    expect(await round()).toHaveLength(3);
  });

  test('that will not have somebody is not asked again, and the others get theirs', async () => {
    server.refused.add('boss@acme.com');
    await fail('ada@acme.com');
    expect((await round(times.gatherMs)).map(({ to }) => to.join()).sort()).toEqual(['it@acme.com', vendor]);
    expect(givenUp.map(([{ to }]) => to)).toEqual(['boss@acme.com']);
    expect((await db.pool.query('select 1 from mails')).rows).toEqual([]);
  });

  test('that asks for user and password gets them; the wrong ones are tried again, not given up', async () => {
    const strict = await aMailServer({ login: { user: 'causeway', pass: 'p@ss:word' } });
    servers.push(strict);
    await fail('ada@acme.com');
    await round(times.gatherMs, strict.url.replace('p%40ss', 'nope'));
    expect([givenUp, delays.length]).toEqual([[], 3]);
    await db.pool.query('update mails set next_attempt_at = now()');
    await round(0, strict.url);
    expect(strict.received.map(({ to }) => to.join()).sort()).toEqual(everybody);
  });
});
