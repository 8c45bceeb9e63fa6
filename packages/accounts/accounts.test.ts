import { randomBytes } from 'node:crypto';
import { Keyring } from '#credential';
import { testDatabase } from '#testing';
import { newId } from '#identifier';
import {
  authenticateApiKey,
  bootstrap,
  createEnvironment,
  hasApiKey,
  issueApiKey,
  listApiKeys,
  listEnvironments,
  revokeApiKey,
} from './index';

test('a new environment has an empty feed and a key that opens it', async () => {
  const { pool } = await testDatabase();
  const environment = await createEnvironment(pool, { name: 'production' });

  expect(await authenticateApiKey(pool, environment.apiKey)).toEqual({ environmentId: environment.id, keyId: expect.any(String) });
  const { rows } = await pool.query('select position, oldest_position, epoch from feed_heads where environment_id = $1', [environment.id]);
  expect(rows).toEqual([{ position: 0, oldest_position: 1, epoch: 1 }]);
});

test('only the hash of a key is kept', async () => {
  const { pool } = await testDatabase();
  const { apiKey } = await createEnvironment(pool, { name: 'x' });
  const { rows } = await pool.query<{ row: string }>('select k::text as row from api_keys k');
  for (const { row } of rows) expect(row).not.toContain(apiKey.slice(4));
});

test('a key opens its own environment, until it is revoked by that environment', async () => {
  const { pool } = await testDatabase();
  const [one, other] = [await createEnvironment(pool, { name: 'one' }), await createEnvironment(pool, { name: 'other' })];
  const key = await issueApiKey(pool, { environmentId: one.id, name: 'ci' });
  const caller = { environmentId: one.id, keyId: key.id };

  expect(await authenticateApiKey(pool, key.secret)).toEqual(caller);
  expect(await hasApiKey(pool, caller)).toBe(true);
  expect(await revokeApiKey(pool, { environmentId: other.id, keyId: key.id })).toBe(false);
  expect(await authenticateApiKey(pool, key.secret)).toEqual(caller);

  expect(await revokeApiKey(pool, caller)).toBe(true);
  expect(await authenticateApiKey(pool, key.secret)).toBeUndefined();
  expect(await hasApiKey(pool, caller)).toBe(false);
  expect(await revokeApiKey(pool, caller)).toBe(false);
});

test.each([
  '',
  'cwk_',
  'cwk_short',
  'cwt_00000000000000000000000000000000',
  `cwk_${'x'.repeat(40)}`,
  `cwk_${'é'.repeat(40)}`,
  'cwk_\u0000'.padEnd(50, 'x'),
])('%j opens nothing', async (secret) => {
  const { pool } = await testDatabase();
  expect(await authenticateApiKey(pool, secret)).toBeUndefined();
});

test('when a key was last used is written once in five minutes', async () => {
  const { pool } = await testDatabase();
  const { id, apiKey } = await createEnvironment(pool, { name: 'x' });
  const lastUsed = async () => (await listApiKeys(pool, { environmentId: id, limit: 1 }))[0]?.lastUsedAt;
  expect(await lastUsed()).toBeNull();
  await Promise.all([1, 2, 3].map(() => authenticateApiKey(pool, apiKey)));
  const first = await lastUsed();
  expect(first).toBeInstanceOf(Date);
  await authenticateApiKey(pool, apiKey);
  expect(await lastUsed()).toEqual(first);

  await pool.query("update api_keys set last_used_at = now() - interval '6 minutes' where environment_id = $1", [id]);
  await authenticateApiKey(pool, apiKey);
  expect((await lastUsed())?.getTime()).toBeGreaterThanOrEqual(first?.getTime() ?? Infinity);
});

test('keys and environments are listed by age, from after a given one', async () => {
  const { pool } = await testDatabase();
  const environment = await createEnvironment(pool, { name: 'listed' });
  for (const name of ['a', 'b']) await issueApiKey(pool, { environmentId: environment.id, name });
  const all = await listApiKeys(pool, { environmentId: environment.id, limit: 10 });
  expect(all.map(({ name }) => name)).toEqual(['first key', 'a', 'b']);
  expect(await listApiKeys(pool, { environmentId: environment.id, limit: 1, after: all[0]?.id })).toEqual([all[1]]);
  expect(await listApiKeys(pool, { environmentId: newId(), limit: 10 })).toEqual([]);
  expect((await listEnvironments(pool, { limit: 10, after: environment.id })).length).toBe(0);
});

test('where there is an environment, nothing is bootstrapped', async () => {
  const { pool } = await testDatabase();
  await createEnvironment(pool, { name: 'x' });
  expect(await bootstrap(pool, new Keyring(randomBytes(32)), {})).toBeUndefined();
});
