import type { Pool } from 'pg';
import { hashSecret, isSecretOf, issueSecret, type Keyring, rowIdOfSecret } from '#credential';
import { newId } from '#identifier';
import { type DirectoryRow, directoryColumns, directoryOf } from '../rules/directories';
import type { CallingClient } from './oauth-clients';
import { prepared, type Queryable } from '#postgres';
import type { KnownSchemas } from '../writing/known-rules';
import { extensionsOfDirectory } from '../rules/schema-extensions';
import type { Authenticated } from './tokens';

/** What the holder of an access token is told. Entra asks for 1 to 6 hours. */
export const accessTokenSeconds = 3_600;

// A little longer than it is told, so that the hour is whole however long the answer was on its way.
export const accessTokenKeptSeconds = accessTokenSeconds + 30;

const insertAccessToken = prepared<{ id: string }>(
  'insert_oauth_access_token',
  `
  insert into oauth_access_tokens (id, directory_id, client_id, hash, expires_at)
  select $1, directory_id, id, $3, now() + make_interval(secs => ${accessTokenKeptSeconds})
    from oauth_clients
   where id = $2
  returning id`,
);

/** Gives a client an access token to its directory (RFC 6749 §4.4). `undefined` where the client has gone in the meantime. */
export async function issueAccessToken(pool: Pool, keyring: Keyring, client: CallingClient): Promise<string | undefined> {
  const id = newId();
  const { secret, hash } = issueSecret(keyring, 'cwa', id);
  const [row] = await insertAccessToken.run(pool, [id, client.id, hash]);
  return row && secret;
}

const accessTokenRow = prepared<Omit<DirectoryRow, 'has_bearer_token'> & { hash: Buffer; client_id: string; extensions: string | null }>(
  'oauth_access_token',
  `
  select t.hash, t.client_id, ${directoryColumns}, ${extensionsOfDirectory}
    from oauth_access_tokens t
    join directories d on d.id = t.directory_id
    join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id
   where t.id = $2
     and t.directory_id = $1
     and t.expires_at > now()
     and d.deleted_at is null`,
);

/**
 * The directory that an access token opens, if it is a live token of that very directory. The row is read on every request: it
 * goes with its client and its grant, and so does the way in.
 */
export async function authenticateAccessToken(
  db: Queryable,
  keyring: Keyring,
  schemas: KnownSchemas,
  directoryId: string,
  token: string,
): Promise<Authenticated | undefined> {
  const tokenId = rowIdOfSecret(keyring, 'cwa', token);
  if (tokenId === undefined) return undefined;
  const [row] = await accessTokenRow.run(db, [directoryId, tokenId]);
  if (!row || !isSecretOf(token, row.hash)) return undefined;
  return {
    directory: { ...directoryOf({ ...row, has_bearer_token: false }), schemas: schemas.of(row.extensions) },
    credential: { kind: 'oauth_client', id: row.client_id },
  };
}

const deleteAccessToken = prepared(
  'delete_oauth_access_token',
  `
  delete from oauth_access_tokens
   where id = $1
     and client_id = $2
     and hash = $3`,
);

/** Ends one access token, if it is the client's own. */
export async function revokeAccessToken(pool: Pool, keyring: Keyring, client: CallingClient, token: string): Promise<void> {
  const tokenId = rowIdOfSecret(keyring, 'cwa', token);
  if (tokenId !== undefined) await deleteAccessToken.run(pool, [tokenId, client.id, hashSecret(token)]);
}

const expired = [
  prepared(
    'forget_expired_access_tokens',
    `
    delete from oauth_access_tokens
     where id = any (array(select id from oauth_access_tokens where expires_at < $1 order by expires_at limit $2))`,
  ),
  prepared(
    'forget_expired_grants',
    `
    delete from oauth_grants
     where id = any (array(select id from oauth_grants where expires_at < $1 order by expires_at limit $2))`,
  ),
  prepared(
    'forget_expired_client_secrets',
    `
    delete from oauth_client_secrets
     where id = any (array(select id from oauth_client_secrets where expires_at < $1 order by expires_at limit $2))`,
  ),
  prepared(
    'forget_expired_bearer_tokens',
    `
    delete from bearer_tokens
     where id = any (array(select id from bearer_tokens where expires_at < $1 order by expires_at limit $2))`,
  ),
];

/** Deletes credentials that have expired, at most `limit` of each kind a call. Answers whether there may be more. */
export async function forgetExpiredCredentials(pool: Pool, now: Date, limit = 1_000): Promise<boolean> {
  let more = false;
  for (const statement of expired) {
    const forgotten = await statement.change(pool, [now, limit]);
    more ||= forgotten === limit;
  }
  return more;
}
