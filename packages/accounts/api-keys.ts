import type { Pool, PoolClient } from 'pg';
import { generateApiKey, hashSecret, isApiKey } from '#credential';
import { newId } from '#identifier';
import { noteWhereWritable, prepared } from '#postgres';

export interface ApiKey {
  id: string;
  name: string;
  createdAt: Date;
  /** To within five minutes. */
  lastUsedAt: Date | null;
}

export interface IssuedApiKey extends ApiKey {
  /** `cwk_…`. Shown once; only its hash is kept. */
  secret: string;
}

/** Who calls: the environment that a key opens, and which key it was. */
export interface Caller {
  environmentId: string;
  keyId: string;
}

const findApiKey = prepared<Caller & { stale: boolean }>(
  'authenticate_api_key',
  `
  select id as "keyId",
         environment_id as "environmentId",
         last_used_at is null or last_used_at < now() - interval '5 minutes' as stale
    from api_keys
   where hash = $1`,
);

/**
 * Whose key this is; `undefined` for anything that is no key, or no longer one.
 *
 * Asks the database every time, one read by the hash's unique index: a revoked key is refused from the next request on, on every
 * process. When it was last used is written once in five minutes for each key, not on every request.
 */
export async function authenticateApiKey(pool: Pool, secret: string): Promise<Caller | undefined> {
  if (!isApiKey(secret)) return undefined;

  const [row] = await findApiKey.run(pool, [hashSecret(secret)]);
  if (!row) return undefined;
  if (row.stale) await noteWhereWritable(noteUse(pool, row.keyId));
  return { environmentId: row.environmentId, keyId: row.keyId };
}

/** Makes another key to an environment. */
export async function issueApiKey(pool: Pool, { environmentId, name }: { environmentId: string; name: string }): Promise<IssuedApiKey> {
  const secret = generateApiKey();
  return { ...(await addApiKey(pool, { environmentId, name, secret })), secret };
}

const selectApiKeys = prepared<ApiKey>(
  'select_api_keys',
  `
  select id, name, created_at as "createdAt", last_used_at as "lastUsedAt"
    from api_keys
   where environment_id = $1
     and ($3::uuid is null or id > $3)
   order by id
   limit $2`,
);

/** An environment's keys by age, at most `limit`, after the one whose id is `after`. */
export async function listApiKeys(
  pool: Pool,
  { environmentId, limit, after }: { environmentId: string; limit: number; after?: string | undefined },
): Promise<ApiKey[]> {
  return selectApiKeys.run(pool, [environmentId, limit, after ?? null]);
}

const selectApiKey = prepared(
  'has_api_key',
  `
  select 1
    from api_keys
   where environment_id = $1
     and id = $2`,
);

/** Whether a key that was good a while ago still is. */
export async function hasApiKey(pool: Pool, { environmentId, keyId }: Caller): Promise<boolean> {
  return (await selectApiKey.run(pool, [environmentId, keyId])).length === 1;
}

const deleteApiKey = prepared(
  'delete_api_key',
  `
  delete from api_keys
   where environment_id = $1
     and id = $2`,
);

/** Ends a key at once. Answers whether the environment had it. */
export async function revokeApiKey(pool: Pool, { environmentId, keyId }: { environmentId: string; keyId: string }): Promise<boolean> {
  return (await deleteApiKey.change(pool, [environmentId, keyId])) === 1;
}

const insertApiKey = prepared<ApiKey>(
  'insert_api_key',
  `
  insert into api_keys (id, environment_id, name, hash)
  values ($1, $2, $3, $4)
  returning id, name, created_at as "createdAt", last_used_at as "lastUsedAt"`,
);

/** Keeps a key's hash. For this package alone: outside, keys are made by `issueApiKey`, which makes the secret too. */
export async function addApiKey(
  db: Pool | PoolClient,
  { environmentId, name, secret }: { environmentId: string; name: string; secret: string },
): Promise<ApiKey> {
  const [row] = await insertApiKey.run(db, [newId(), environmentId, name, hashSecret(secret)]);
  if (!row) throw new Error('an insert returned no row');
  return row;
}

const noteUseOfApiKey = prepared(
  'note_use_of_api_key',
  `
  update api_keys
     set last_used_at = now()
   where id = $1
     and (last_used_at is null or last_used_at < now() - interval '5 minutes')`,
);

async function noteUse(pool: Pool, keyId: string): Promise<void> {
  // The condition again: of requests that arrive together, one writes.
  await noteUseOfApiKey.run(pool, [keyId]);
}
