import { randomBytes } from 'node:crypto';
import {
  createEnvironment,
  createSetupLink,
  ensureFirstMember,
  invite,
  openSession,
  openSetupSession,
  requestPasswordReset,
} from '#accounts';
import { BearerTokens, Keyring } from '#credential';
import { type CallingClient, createDirectory, createOAuthClient, createOrganization, issueAccessToken, issueBearerToken } from '#directory';
import { publicId } from '#identifier';
import { createLog, loadConfig } from '#runtime';
import { aMailServer, createTestDatabase, eventually, type MailServer, type TestDatabase } from '#testing';
import { startWorker } from './worker';

const encryptionKey = randomBytes(32);
const keyring = new Keyring(encryptionKey);

let db: TestDatabase;
let server: MailServer;
let environmentId: string;
let memberId: string;
let directoryId: string;

beforeEach(async () => {
  db = await createTestDatabase();
  server = await aMailServer();
  environmentId = (await createEnvironment(db.pool, { name: 'Vendor' })).id;
  await ensureFirstMember(db.pool, { email: 'ops@vendor.example', password: 'long enough for a test' });
  memberId = (await db.pool.query<{ id: string }>('select id from members')).rows[0]?.id ?? '';
  const organization = await createOrganization(db.pool, { environmentId, name: 'Acme', contacts: ['it@acme.com'] });
  directoryId =
    (await createDirectory(db.pool, { environmentId, organizationId: organization.id, name: 'Acme Entra', provider: 'entra' }))?.id ?? '';
});

afterEach(() => server.close());

/** A worker works until the condition holds. */
async function working(condition: () => Promise<boolean>): Promise<void> {
  const config = loadConfig({
    DATABASE_URL: db.url,
    ENCRYPTION_KEY: encryptionKey.toString('base64'),
    SMTP_URL: server.url,
    MAIL_FROM: 'Causeway <causeway@broker.example>',
  });
  const worker = await startWorker({
    config,
    log: createLog('fatal', 'worker'),
    mail: { gatherMs: 100, quietMs: 1_000 },
    upkeepAfterMs: 0,
  });
  try {
    await eventually(condition);
  } finally {
    await worker.stop();
  }
}

const idsIn = async (table: string): Promise<string[]> =>
  (await db.pool.query<{ id: string }>(`select id from ${table}`)).rows.map(({ id }) => id);

test('the worker tells of a credential that is about to end, in the log and by mail', async () => {
  const made = await issueBearerToken(db.pool, new BearerTokens(keyring, { atMost: 10 }), {
    environmentId,
    directoryId,
    name: 'okta 2026',
    expiresInSeconds: 30 * 86_400,
  });
  // Twenty days pass.
  await db.pool.query(
    "update bearer_tokens set expires_at = expires_at - interval '20 days', expiry_set_at = expiry_set_at - interval '20 days'",
  );
  await working(async () => server.received.length === 2);
  expect(server.received.map(({ to }) => to.join()).sort()).toEqual(['it@acme.com', 'ops@vendor.example']);
  expect(server.received[0]?.text).toContain('The bearer token “okta 2026”');
  const { rows: events } = await db.pool.query<{ token: string }>(
    "select data->'credential'->>'id' as token from events where type = 'credential.expiring'",
  );
  expect(events).toEqual([{ token: publicId('tok', made?.id ?? '') }]);
});

test('the worker forgets every credential, session and link that has ended, and none that lives', async () => {
  const tokens = new BearerTokens(keyring, { atMost: 10 });
  const client = await createOAuthClient(db.pool, keyring, {
    environmentId,
    directoryId,
    grantType: 'client_credentials',
    redirectUris: [],
  });
  const calling: CallingClient = { id: client?.id ?? '', directoryId, grantType: 'client_credentials', redirectUris: [] };
  const living = new Map<string, string[]>();
  for (const round of ['lives', 'ends']) {
    await issueBearerToken(db.pool, tokens, { environmentId, directoryId, name: round, expiresInSeconds: 3_600 });
    await issueAccessToken(db.pool, keyring, calling);
    await openSession(db.pool, { memberId, userAgent: null });
    await invite(db.pool, { environmentId, email: `${round}@example.com`, role: 'viewer', invitedBy: memberId });
    const link = await createSetupLink(db.pool, keyring, { environmentId, directoryId, expiresInSeconds: 3_600 });
    await openSetupSession(db.pool, keyring, link.token);
    if (round === 'lives') for (const table of ended) living.set(table, await idsIn(table));
  }
  await requestPasswordReset(db.pool, { email: 'ops@vendor.example' });
  for (const table of ended)
    await db.pool.query(`update ${table} set expires_at = now() - interval '1 second' where id <> all ($1::uuid[])`, [living.get(table)]);
  expect(await Promise.all(ended.map(async (table) => (await idsIn(table)).length))).toEqual([2, 2, 2, 3, 2, 2]);
  await working(async () => (await Promise.all(ended.map(idsIn))).every((ids) => ids.length === 1));
  for (const table of ended) expect([table, await idsIn(table)]).toEqual([table, living.get(table)]);
});

const ended = ['bearer_tokens', 'oauth_access_tokens', 'member_sessions', 'member_links', 'setup_links', 'setup_sessions'];
