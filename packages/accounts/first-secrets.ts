import type { Pool, PoolClient } from 'pg';
import { hashSecret, type Keyring, SealBroken, verifyPassword } from '#credential';
import { inTransaction, prepared, type Queryable } from '#postgres';

/** What the first start has made and nobody has seen. */
export interface FirstSecrets {
  environment?: { id: string; apiKey: string };
  member?: { email: string; password: string };
}

/** Who can sign in to the console. */
export interface SignIns {
  /** The oldest few. */
  emails: string[];
  /** How many there are besides. */
  more: number;
}

const countUnshown = prepared<{ unshown: number }>(
  'count_unshown_secrets',
  `
  select count(*) as unshown
    from unshown_secrets`,
);

const lockUnshown = prepared<UnshownRow>(
  'lock_unshown_secrets',
  `
  select s.kind, s.sealed, s.environment_id as "environmentId", m.email, m.password_hash as "passwordHash"
    from unshown_secrets s
    left join members m on m.id = s.member_id
     for update of s skip locked`,
);

const forgetShown = prepared(
  'forget_shown_secrets',
  `
  delete from unshown_secrets
   where kind = any ($1)`,
);

/**
 * Shows the secrets that the first start made, where they have not been shown, and then forgets them. `show` is called once, also
 * where there is nothing to show; what it throws, or the end of the process, leaves them for the next start.
 *
 * Of several processes that start at once one shows them.
 */
export async function showFirstSecrets(pool: Pool, keyring: Keyring, show: (secrets: FirstSecrets) => Promise<void>): Promise<void> {
  const [counted] = await countUnshown.run(pool, []);
  if (counted?.unshown === 0) return show({});
  await inTransaction(pool, async (client) => {
    const rows = await lockUnshown.run(client, []);
    const secrets: FirstSecrets = {};
    for (const row of rows) Object.assign(secrets, await stillGood(client, keyring, row));
    await show(secrets);
    await forgetShown.run(client, [rows.map(({ kind }) => kind)]);
  });
}

interface UnshownRow {
  kind: 'api_key' | 'password';
  sealed: Buffer;
  environmentId: string | null;
  email: string | null;
  passwordHash: string | null;
}

const findKeyByHash = prepared<{ id: string }>(
  'find_unshown_api_key',
  `
  select id
    from api_keys
   where environment_id = $1
     and hash = $2`,
);

/** A secret that has been revoked or changed meanwhile is not shown. */
async function stillGood(client: PoolClient, keyring: Keyring, row: UnshownRow): Promise<FirstSecrets> {
  const secret = opened(keyring, row);
  if (secret === undefined) return {};
  if (row.email !== null) {
    return (await verifyPassword(secret, row.passwordHash ?? undefined)) ? { member: { email: row.email, password: secret } } : {};
  }
  if (row.environmentId === null) return {};
  const [key] = await findKeyByHash.run(client, [row.environmentId, hashSecret(secret)]);
  return key ? { environment: { id: row.environmentId, apiKey: secret } } : {};
}

function opened(keyring: Keyring, { kind, sealed }: UnshownRow): string | undefined {
  try {
    return keyring.decrypt(sealed, contextOf(kind)).toString();
  } catch (error) {
    if (error instanceof SealBroken) return undefined;
    throw error;
  }
}

const insertUnshownApiKey = prepared(
  'insert_unshown_api_key',
  `
  insert into unshown_secrets (kind, environment_id, sealed)
  values ('api_key', $1, $2)`,
);

/** Keeps the random key of the first environment until it has been shown. */
export async function keepUnshownApiKey(db: Queryable, keyring: Keyring, of: { environmentId: string; apiKey: string }): Promise<void> {
  await insertUnshownApiKey.run(db, [of.environmentId, keyring.encrypt(of.apiKey, contextOf('api_key'))]);
}

/** A random first password, as it is kept until it has been shown. */
export function sealUnshownPassword(keyring: Keyring, password: string): Buffer {
  return keyring.encrypt(password, contextOf('password'));
}

function contextOf(kind: UnshownRow['kind']): string {
  return `unshown_secret:${kind}`;
}

const namedAtMost = 3;

const selectSignIns = prepared<{ email: string; total: number }>(
  'select_sign_ins',
  `
  select email, count(*) over () as total
    from members
   order by created_at, id
   limit ${namedAtMost}`,
);

export async function whoSignsIn(pool: Pool): Promise<SignIns> {
  const rows = await selectSignIns.run(pool, []);
  return { emails: rows.map(({ email }) => email), more: Math.max(0, (rows[0]?.total ?? 0) - rows.length) };
}
