import type { Pool } from 'pg';
import { isSecretOf, issueSecret, type Keyring, rowIdOfSecret } from '#credential';
import { newId } from '#identifier';
import { getDirectory } from '../rules/directories';
import { firstId, prepared } from '#postgres';
import { type DirectoryPool, inDirectory } from '../writing/transaction';

export const grantTypes = ['client_credentials', 'authorization_code'] as const;
export type GrantType = (typeof grantTypes)[number];

/** What an IdP calls itself by when it asks for an access token to one directory. */
export interface OAuthClient {
  /** Its client_id as well. */
  id: string;
  grantType: GrantType;
  /** Exactly where codes may be sent; none of a client_credentials client. */
  redirectUris: string[];
  /** One, or two while the secret is being changed; oldest first. */
  secrets: { createdAt: Date; expiresAt: Date | null }[];
  createdAt: Date;
  /** To within some seconds: of its secret, or of a token that it was given. */
  lastUsedAt: Date | null;
}

export interface IssuedOAuthClient extends OAuthClient {
  /** `cws_…`. Shown once; only its hash is kept. */
  secret: string;
}

const insertClient = prepared<
  never,
  { id: string; environmentId: string; directoryId: string; grantType: GrantType; redirectUris: string[]; now: Date }
>(
  'insert_oauth_client',
  `
  insert into oauth_clients (id, environment_id, directory_id, grant_type, redirect_uris, created_at)
  values (:id, :environmentId, :directoryId, :grantType, :redirectUris, :now)`,
);

const insertSecret = prepared(
  'insert_oauth_client_secret',
  `
  insert into oauth_client_secrets (id, client_id, hash, created_at, expiry_set_at)
  values ($1, $2, $3, $4, $4)`,
);

/** Makes a client of a directory. Any number may live at once. `undefined` where the environment has no such directory. */
export async function createOAuthClient(
  pool: DirectoryPool,
  keyring: Keyring,
  query: { environmentId: string; directoryId: string; grantType: GrantType; redirectUris: string[] },
): Promise<IssuedOAuthClient | undefined> {
  const directory = await getDirectory(pool, query);
  if (!directory) return undefined;
  const { grantType, redirectUris } = query;
  const [id, secretId] = [newId(), newId()];
  const { secret, hash } = issueSecret(keyring, 'cws', secretId);
  return inDirectory(pool, directory, null, async (tx) => {
    await tx.locked();
    tx.write(insertClient, { id, environmentId: directory.environmentId, directoryId: directory.id, grantType, redirectUris, now: tx.now });
    tx.write(insertSecret, [secretId, id, hash, tx.now]);
    return { id, grantType, redirectUris, secret, secrets: [{ createdAt: tx.now, expiresAt: null }], createdAt: tx.now, lastUsedAt: null };
  });
}

interface ClientRow {
  id: string;
  grant_type: GrantType;
  redirect_uris: string[];
  created_at: Date;
  last_used_at: Date | null;
  secret_created_at: Date[];
  secret_expires_at: (Date | null)[];
}

const selectClients = prepared<ClientRow>(
  'list_oauth_clients',
  `
  select c.id, c.grant_type, c.redirect_uris, c.created_at, c.last_used_at,
         array(select s.created_at from oauth_client_secrets s where s.client_id = c.id and ${live('s')} order by s.id) as secret_created_at,
         array(select s.expires_at from oauth_client_secrets s where s.client_id = c.id and ${live('s')} order by s.id) as secret_expires_at
    from oauth_clients c
   where c.environment_id = $1
     and c.directory_id = $2
     and c.id > $3
   order by c.id
   limit $4`,
);

/** The clients of a directory by age, from after the id `after`; `undefined` where the environment has no such directory. */
export async function listOAuthClients(
  pool: Pool,
  query: { environmentId: string; directoryId: string; limit: number; after?: string | undefined },
): Promise<OAuthClient[] | undefined> {
  if (!(await getDirectory(pool, query))) return undefined;
  const rows = await selectClients.run(pool, [query.environmentId, query.directoryId, query.after ?? firstId, query.limit]);
  return rows.map((row) => ({
    id: row.id,
    grantType: row.grant_type,
    redirectUris: row.redirect_uris,
    secrets: row.secret_created_at.map((createdAt, i) => ({ createdAt, expiresAt: row.secret_expires_at[i] ?? null })),
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }));
}

const deleteClient = prepared<{ id: string }>(
  'delete_oauth_client',
  `
  delete from oauth_clients
   where environment_id = $1
     and directory_id = $2
     and id = $3
  returning id`,
);

/** Deletes a client. Its secrets, grants and tokens end with it, at once. False where the directory has no such client. */
export async function deleteOAuthClient(
  pool: Pool,
  query: { environmentId: string; directoryId: string; clientId: string },
): Promise<boolean> {
  return (await deleteClient.run(pool, [query.environmentId, query.directoryId, query.clientId])).length > 0;
}

const clientOfDirectory = prepared<{ id: string }>(
  'oauth_client_of_directory',
  `
  select id
    from oauth_clients
   where environment_id = $1
     and directory_id = $2
     and id = $3`,
);

// All but the newest: two may live at once, so a third ends the first.
const endEarlierSecrets = prepared(
  'end_earlier_oauth_client_secrets',
  `
  delete from oauth_client_secrets
   where client_id = $1
     and ($2::double precision = 0 or id <> (select max(s.id::text)::uuid from oauth_client_secrets s where s.client_id = $1))`,
);

const shortenSecret = prepared(
  'shorten_oauth_client_secret',
  `
  update oauth_client_secrets
     set expires_at = $2::timestamptz + make_interval(secs => $3),
         expiry_set_at = $2
   where client_id = $1
     and (expires_at is null or expires_at > $2::timestamptz + make_interval(secs => $3))`,
);

/**
 * Gives a client another secret. The one before it works for `overlapSeconds` more; two at most live at once. Tokens that were
 * given before live on. `undefined` where the directory has no such client.
 */
export async function rotateOAuthClientSecret(
  pool: DirectoryPool,
  keyring: Keyring,
  query: { environmentId: string; directoryId: string; clientId: string; overlapSeconds: number },
): Promise<{ secret: string } | undefined> {
  const directory = await getDirectory(pool, query);
  if (!directory) return undefined;
  const secretId = newId();
  const { secret, hash } = issueSecret(keyring, 'cws', secretId);
  return inDirectory(pool, directory, null, async (tx) => {
    const [client] = await tx.read(clientOfDirectory, [query.environmentId, query.directoryId, query.clientId]);
    if (!client) return undefined;
    tx.write(endEarlierSecrets, [client.id, query.overlapSeconds]);
    tx.write(shortenSecret, [client.id, tx.now, query.overlapSeconds]);
    tx.write(insertSecret, [secretId, client.id, hash, tx.now]);
    return { secret };
  });
}

const clientBySecret = prepared<{ id: string; grant_type: GrantType; redirect_uris: string[]; hash: Buffer }>(
  'oauth_client_by_secret',
  `
  select c.id, c.grant_type, c.redirect_uris, s.hash
    from oauth_client_secrets s
    join oauth_clients c on c.id = s.client_id
    join directories d on d.id = c.directory_id
   where s.id = $1
     and ${live('s')}
     and c.id = $2
     and c.directory_id = $3
     and d.deleted_at is null`,
);

/** A client as it asks for tokens. */
export interface CallingClient {
  id: string;
  directoryId: string;
  grantType: GrantType;
  redirectUris: string[];
}

/** The client of that very directory whose secret this is. What this installation did not make is not looked up. */
export async function authenticateOAuthClient(
  pool: Pool,
  keyring: Keyring,
  given: { directoryId: string; clientId: string; secret: string },
): Promise<CallingClient | undefined> {
  const secretId = rowIdOfSecret(keyring, 'cws', given.secret);
  if (secretId === undefined) return undefined;
  const [row] = await clientBySecret.run(pool, [secretId, given.clientId, given.directoryId]);
  if (!row || !isSecretOf(given.secret, row.hash)) return undefined;
  return { id: row.id, directoryId: given.directoryId, grantType: row.grant_type, redirectUris: row.redirect_uris };
}

const clientById = prepared<{ id: string; grant_type: GrantType; redirect_uris: string[] }>(
  'oauth_client_by_id',
  `
  select c.id, c.grant_type, c.redirect_uris
    from oauth_clients c
    join directories d on d.id = c.directory_id
   where c.id = $1
     and c.directory_id = $2
     and d.deleted_at is null`,
);

/** A client of a directory as its IdP names it to a browser: nothing is proved by that. */
export async function findOAuthClient(pool: Pool, query: { directoryId: string; clientId: string }): Promise<CallingClient | undefined> {
  const [row] = await clientById.run(pool, [query.clientId, query.directoryId]);
  return row && { id: row.id, directoryId: query.directoryId, grantType: row.grant_type, redirectUris: row.redirect_uris };
}

function live(alias: string): string {
  return `(${alias}.expires_at is null or ${alias}.expires_at > now())`;
}
