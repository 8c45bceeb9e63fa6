import type { Pool } from 'pg';
import type { BearerTokens } from '#credential';
import { newId } from '#identifier';
import { type DirectoryRow, directoryColumns, directoryOf, getDirectory, type ScimDirectory } from '../rules/directories';
import { firstId, prepared, type Queryable } from '#postgres';
import type { KnownSchemas } from '../writing/known-rules';
import { extensionsOfDirectory } from '../rules/schema-extensions';
import { type DirectoryPool, inDirectory } from '../writing/transaction';

/** What proved who calls: a bearer token, or the OAuth client that an access token was given to. */
export interface UsedCredential {
  kind: 'bearer_token' | 'oauth_client';
  id: string;
}

/** Whose IdP calls, and by what. */
export interface Authenticated {
  directory: ScimDirectory;
  credential: UsedCredential;
}

/** A live bearer token, as far as it may be shown again. */
export interface BearerToken {
  id: string;
  /** Null: the one that `replaceBearerToken` replaces. */
  name: string | null;
  createdAt: Date;
  expiresAt: Date | null;
  /** To within some seconds. */
  lastUsedAt: Date | null;
}

export interface IssuedToken extends BearerToken {
  /** `cwt_…`. Shown once; only its bcrypt hash is kept. */
  token: string;
}

const insertToken = prepared<
  never,
  { id: string; environmentId: string; directoryId: string; name: string | null; hash: string; now: Date; expiresInSeconds: number | null }
>(
  'insert_bearer_token',
  `
  insert into bearer_tokens (id, environment_id, directory_id, name, hash, created_at, expiry_set_at, expires_at)
  values (:id, :environmentId, :directoryId, :name, :hash, :now::timestamptz, :now, :now + make_interval(secs => :expiresInSeconds))`,
);

const endUnnamedTokens = prepared(
  'end_unnamed_bearer_tokens',
  `
  delete from bearer_tokens
   where directory_id = $1
     and name is null
     and ($3::double precision = 0 or expires_at <= $2::timestamptz)`,
);

const shortenUnnamedTokens = prepared(
  'shorten_unnamed_bearer_tokens',
  `
  update bearer_tokens
     set expires_at = $2::timestamptz + make_interval(secs => $3),
         expiry_set_at = $2
   where directory_id = $1
     and name is null
     and (expires_at is null or expires_at > $2::timestamptz + make_interval(secs => $3))`,
);

/**
 * Gives a directory a new bearer token, to be shown this once. The unnamed ones before it end at once, or after
 * `expirePreviousInSeconds`; named ones live on. `undefined` where the environment has no such directory.
 */
export async function replaceBearerToken(
  pool: DirectoryPool,
  tokens: BearerTokens,
  query: { environmentId: string; directoryId: string; expirePreviousInSeconds?: number | undefined },
): Promise<{ token: string } | undefined> {
  const directory = await getDirectory(pool, query);
  if (!directory) return undefined;
  const id = newId();
  const { token, hash } = await tokens.issue(id);
  const overlap = query.expirePreviousInSeconds ?? 0;
  // Under the directory's lock: of two replacements at once the later one must see, and end, the earlier one's token.
  await inDirectory(pool, directory, null, async (tx) => {
    await tx.locked();
    tx.write(endUnnamedTokens, [directory.id, tx.now, overlap]);
    tx.write(shortenUnnamedTokens, [directory.id, tx.now, overlap]);
    tx.write(insertToken, {
      id,
      environmentId: directory.environmentId,
      directoryId: directory.id,
      name: null,
      hash,
      now: tx.now,
      expiresInSeconds: null,
    });
  });
  return { token };
}

/**
 * Gives a directory one more bearer token, which lives beside the others until it expires or is revoked by itself. `undefined`
 * where the environment has no such directory.
 */
export async function issueBearerToken(
  pool: DirectoryPool,
  tokens: BearerTokens,
  query: { environmentId: string; directoryId: string; name: string; expiresInSeconds?: number | undefined },
): Promise<IssuedToken | undefined> {
  const directory = await getDirectory(pool, query);
  if (!directory) return undefined;
  const id = newId();
  const { token, hash } = await tokens.issue(id);
  const { name, expiresInSeconds } = query;
  return inDirectory(pool, directory, null, async (tx) => {
    await tx.locked();
    tx.write(insertToken, {
      id,
      environmentId: directory.environmentId,
      directoryId: directory.id,
      name,
      hash,
      now: tx.now,
      expiresInSeconds: expiresInSeconds ?? null,
    });
    const expiresAt = expiresInSeconds === undefined ? null : new Date(tx.now.getTime() + expiresInSeconds * 1_000);
    return { id, name, token, createdAt: tx.now, expiresAt, lastUsedAt: null };
  });
}

const selectTokens = prepared<{ id: string; name: string | null; created_at: Date; expires_at: Date | null; last_used_at: Date | null }>(
  'list_bearer_tokens',
  `
  select id, name, created_at, expires_at, last_used_at
    from bearer_tokens
   where environment_id = $1
     and directory_id = $2
     and id > $3
     and (expires_at is null or expires_at > now())
   order by id
   limit $4`,
);

/** The live bearer tokens of a directory by age, from after the id `after`; `undefined` where there is no such directory. */
export async function listBearerTokens(
  pool: Pool,
  query: { environmentId: string; directoryId: string; limit: number; after?: string | undefined },
): Promise<BearerToken[] | undefined> {
  if (!(await getDirectory(pool, query))) return undefined;
  const rows = await selectTokens.run(pool, [query.environmentId, query.directoryId, query.after ?? firstId, query.limit]);
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  }));
}

const deleteToken = prepared<{ id: string }>(
  'revoke_bearer_token',
  `
  delete from bearer_tokens
   where environment_id = $1
     and directory_id = $2
     and id = $3
  returning id`,
);

/** Ends one bearer token; it is refused from the next request on. False where the directory has no such token. */
export async function revokeBearerToken(
  pool: Pool,
  query: { environmentId: string; directoryId: string; tokenId: string },
): Promise<boolean> {
  return (await deleteToken.run(pool, [query.environmentId, query.directoryId, query.tokenId])).length > 0;
}

const deleteTokens = prepared(
  'revoke_bearer_tokens',
  `
  delete from bearer_tokens
   where environment_id = $1
     and directory_id = $2`,
);

/** Ends every bearer token of a directory, named or not. False where the environment has no such directory. */
export async function revokeBearerTokens(pool: DirectoryPool, query: { environmentId: string; directoryId: string }): Promise<boolean> {
  const directory = await getDirectory(pool, query);
  if (!directory) return false;
  // Under the same lock: one that is being made at this moment is either there by now, or made afterwards.
  await inDirectory(pool, directory, null, async (tx) => {
    await tx.locked();
    tx.write(deleteTokens, [query.environmentId, query.directoryId]);
  });
  return true;
}

const tokenRow = prepared<Omit<DirectoryRow, 'has_bearer_token'> & { hash: string; extensions: string | null }>(
  'bearer_token',
  `
  select t.hash, ${directoryColumns}, ${extensionsOfDirectory}
    from bearer_tokens t
    join directories d on d.id = t.directory_id and d.environment_id = t.environment_id
    join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id
   where t.directory_id = $1
     and t.id = $2
     and (t.expires_at is null or t.expires_at > now())
     and d.deleted_at is null`,
);

/**
 * The directory that a bearer token opens, if it is a live token of that very directory.
 *
 * The row is read on every request, so that a replaced or revoked token is refused from the next one on, by every
 * process; bcrypt is paid once for each token and process (`BearerTokens`).
 */
export async function authenticateBearer(
  db: Queryable,
  tokens: BearerTokens,
  schemas: KnownSchemas,
  directoryId: string,
  token: string,
): Promise<Authenticated | undefined> {
  const tokenId = tokens.rowIdOf(token);
  if (!tokenId) return undefined;
  const [row] = await tokenRow.run(db, [directoryId, tokenId]);
  if (!row || !(await tokens.verify(token, row.hash))) return undefined;
  return {
    directory: { ...directoryOf({ ...row, has_bearer_token: true }), schemas: schemas.of(row.extensions) },
    credential: { kind: 'bearer_token', id: tokenId },
  };
}
