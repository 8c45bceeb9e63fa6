import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { createSetupLink, openSetupSession } from '#accounts';
import { issueSecret, Keyring, rowIdOfSecret, SealBroken } from '#credential';
import { createEndpoint, getEndpoint } from '#delivery';
import { newId } from '#identifier';
import { aDirectory, createTestDatabase } from '#testing';
import { admitKeys, isKeyNeeded, KeyRefused, reencrypt, sealedColumns } from './index';

const [a, b, c] = [randomBytes(32), randomBytes(32), randomBytes(32)];
const fingerprint = (key: Buffer): string => new Keyring(key).fingerprint;
const wait = { onProgress: () => {}, stop: new AbortController().signal };

async function fingerprints(pool: Pool): Promise<string[]> {
  return (await pool.query<{ fingerprint: string }>('select fingerprint from encryption_keys')).rows.map((row) => row.fingerprint);
}

/** A database as the release before left it: something is sealed with the key, a link is marked by what follows from it, and nothing says so. */
async function anOlderDatabase(key: Buffer) {
  const db = await createTestDatabase();
  const { directory } = await aDirectory({ db });
  const { environmentId, id: directoryId } = directory;
  const { endpoint, secret } = await createEndpoint(db.pool, new Keyring(key), {
    environmentId,
    url: 'https://vendor.example/hook',
    headers: { 'x-key': 'value' },
    allowedCidrs: [],
  });
  const link = await createSetupLink(db.pool, new Keyring(key), { environmentId, directoryId, expiresInSeconds: 3_600 });
  return { ...db, environmentId, directoryId, endpointId: endpoint.id, secret, link: link.token };
}

const headersOf = async ({ pool, environmentId, endpointId }: Awaited<ReturnType<typeof anOlderDatabase>>, keyring: Keyring) =>
  (await getEndpoint(pool, keyring, { environmentId, endpointId })).headers;

test('a wrong key does not make itself the right one, and the right one is admitted by what it opens', async () => {
  const { pool, link } = await anOlderDatabase(a);
  expect(await isKeyNeeded(pool)).toBe(true);
  await expect(admitKeys(pool, new Keyring(b))).rejects.toThrow(
    `ENCRYPTION_KEY holds a key (${fingerprint(b).slice(0, 8)}) that opens nothing of what is encrypted in this database`,
  );
  expect(await fingerprints(pool)).toEqual([]);

  const keyring = new Keyring(a);
  await admitKeys(pool, keyring);
  expect(await fingerprints(pool)).toEqual([fingerprint(a)]);
  // What the release before gave away is known, and what is given away now that release knows too: it may still run beside this one.
  expect(await openSetupSession(pool, keyring, link)).toBeDefined();
  expect(rowIdOfSecret(new Keyring(a), 'cwt', issueSecret(keyring, 'cwt', newId()).secret)).toBeDefined();

  await expect(admitKeys(pool, new Keyring(b), '/data/encryption-key')).rejects.toThrow(
    new KeyRefused(
      `/data/encryption-key holds another key (${fingerprint(b).slice(0, 8)}) than the one that this database's secrets are encrypted with (${fingerprint(a).slice(0, 8)}): restore that one from where it is kept, and nothing is lost.`,
    ),
  );
});

test('one damaged value does not keep the right key out', async () => {
  const { pool, environmentId } = await anOlderDatabase(a);
  await createEndpoint(pool, new Keyring(a), { environmentId, url: 'https://vendor.example/2', allowedCidrs: [] });
  await pool.query("update webhook_secrets set secret = '\\x01' where id = (select max(id::text)::uuid from webhook_secrets)");
  await admitKeys(pool, new Keyring(a));
  expect(await fingerprints(pool)).toEqual([fingerprint(a)]);
});

test('of two first starts with different keys on a new database one is refused', async () => {
  const { pool } = await createTestDatabase();
  expect(await isKeyNeeded(pool)).toBe(false);
  const outcomes = await Promise.allSettled([admitKeys(pool, new Keyring(a)), admitKeys(pool, new Keyring(b))]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await fingerprints(pool)).toHaveLength(1);
});

test('on a new database marks follow from no ENCRYPTION_KEY, and are the same for every process', async () => {
  const { pool } = await createTestDatabase();
  const [one, other] = [new Keyring(a), new Keyring(a)];
  await admitKeys(pool, one);
  await admitKeys(pool, other);
  const { secret } = issueSecret(one, 'cwt', newId());
  expect(rowIdOfSecret(other, 'cwt', secret)).toBeDefined();
  expect(rowIdOfSecret(new Keyring(a), 'cwt', secret)).toBeUndefined();
  expect(one.successionOf('x')).toEqual(other.successionOf('x'));
});

test('a new key reads what the former one wrote, writes itself, and after reencrypt is enough alone', async () => {
  const db = await anOlderDatabase(a);
  const { pool, link, directoryId, environmentId } = db;
  await admitKeys(pool, new Keyring(a));

  const both = new Keyring(b, [a]);
  await admitKeys(pool, both);
  expect(await headersOf(db, both)).toEqual({ 'x-key': 'value' });
  expect(await openSetupSession(pool, both, link)).toBeDefined();
  // From now on there may be values of either key: nobody starts with one of them alone.
  await expect(admitKeys(pool, new Keyring(a))).rejects.toThrow(/ENCRYPTION_KEY_PREVIOUS until "npm run reencrypt" has ended/);
  await expect(admitKeys(pool, new Keyring(b))).rejects.toThrow(/ENCRYPTION_KEY_PREVIOUS until "npm run reencrypt" has ended/);

  // While everything goes on: one more value of the former key, from a process that is about to be replaced.
  const seen: string[] = [];
  const { endpoint: late } = await createEndpoint(pool, new Keyring(a), {
    environmentId,
    url: 'https://vendor.example/late',
    headers: { 'x-late': 'yes' },
    allowedCidrs: [],
  });
  const done = await reencrypt(pool, both, { ...wait, onProgress: ({ column, done, total }) => seen.push(`${column} ${done}/${total}`) });
  expect(done).toEqual({ finished: true, changed: 2 * 3 + 2, broken: [] });
  expect(seen).toContain('webhook_secrets.private_key 2/2');

  const alone = new Keyring(b);
  await admitKeys(pool, alone);
  expect(await headersOf(db, alone)).toEqual({ 'x-key': 'value' });
  expect(await headersOf({ ...db, endpointId: late.id }, alone)).toEqual({ 'x-late': 'yes' });
  expect(await openSetupSession(pool, alone, link)).toBeDefined();
  const { token } = await createSetupLink(pool, new Keyring(a), { environmentId, directoryId, expiresInSeconds: 60 });
  expect(await openSetupSession(pool, alone, token)).toBeDefined(); // marks do not change with the key
  await expect(admitKeys(pool, new Keyring(a))).rejects.toThrow(KeyRefused);
  expect(await reencrypt(pool, alone, wait)).toEqual({ finished: true, changed: 0, broken: [] });
});

test('reencrypt can be stopped, and goes on', async () => {
  const db = await anOlderDatabase(a);
  const { pool, environmentId } = db;
  const former = new Keyring(a);
  const answers = Array.from({ length: 1_000 }, (_, i) => `answer ${i}`);
  await pool.query(
    `insert into idempotency_keys (environment_id, key, request_hash, status, response)
     select $1, key, '', 200, response from unnest($2::text[], $3::bytea[]) as given (key, response)`,
    [environmentId, answers, answers.map((key) => former.encrypt(key, `idempotent_answer:${environmentId}:${key}`))],
  );
  const both = new Keyring(b, [c, a]);
  const stop = new AbortController();
  const stopped = await reencrypt(pool, both, {
    onProgress: ({ column, done }) => {
      if (column === 'idempotency_keys.response' && done >= 400) stop.abort();
    },
    stop: stop.signal,
  });
  expect(stopped).toMatchObject({ finished: false, broken: [] });
  expect(stopped.changed).toBeGreaterThanOrEqual(400);
  await expect(admitKeys(pool, new Keyring(b))).rejects.toThrow(KeyRefused);

  const rest = await reencrypt(pool, both, wait);
  expect(rest).toMatchObject({ finished: true, broken: [] });
  expect(stopped.changed + rest.changed).toBe(1_000 + 3);
  const alone = new Keyring(b);
  await admitKeys(pool, alone);
  const { rows } = await pool.query<{ key: string; response: Buffer }>('select key, response from idempotency_keys');
  expect(rows.every(({ key, response }) => alone.decrypt(response, `idempotent_answer:${environmentId}:${key}`).toString() === key)).toBe(
    true,
  );
});

test('what no key opens is named and left alone, and holds nothing up', async () => {
  const { pool, secret, endpointId } = await anOlderDatabase(a);
  await admitKeys(pool, new Keyring(a));
  await pool.query("update webhook_endpoints set headers = '\\x01' where id = $1", [endpointId]);
  expect(secret).toMatch(/^whsec_/);
  expect(await reencrypt(pool, new Keyring(b, [a]), wait)).toEqual({
    finished: true,
    changed: 4,
    broken: [`webhook_endpoints.headers of ${endpointId}`],
  });
  await admitKeys(pool, new Keyring(b));
});

const inTheClear = ['setup_appearances.logo'];

test('every column of bytes in the schema is a hash, a picture, or among those that are encrypted anew', async () => {
  const { pool } = await createTestDatabase();
  const { rows } = await pool.query<{ name: string }>(`
    select table_name || '.' || column_name as name
      from information_schema.columns
     where table_schema = 'public'
       and udt_name in ('bytea', '_bytea')
       and column_name !~ 'hash(es)?$'
       and not exists (select from pg_inherits where inhrelid = format('%I', table_name)::regclass)
     order by 1`);
  expect(rows.map(({ name }) => name).filter((name) => !inTheClear.includes(name))).toEqual(
    sealedColumns.map(({ table, column }) => `${table}.${column}`).sort(),
  );
});

test('a value opens for its own row alone, whichever of the keys it was sealed with', () => {
  const both = new Keyring(b, [a]);
  const sealed = new Keyring(a).encrypt('x', 'row:1');
  expect(both.decrypt(sealed, 'row:1').toString()).toBe('x');
  expect([both.sealedWith(sealed, 'row:1'), both.sealedWith(both.encrypt('x', 'row:1'), 'row:1')]).toEqual([
    fingerprint(a),
    fingerprint(b),
  ]);
  expect(() => both.decrypt(sealed, 'row:2')).toThrow(SealBroken);
});
