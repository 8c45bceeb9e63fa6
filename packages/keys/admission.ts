import { randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { type Keyring, SealBroken } from '#credential';
import { inTransaction } from '#postgres';
import { sealedColumns } from './sealed-columns';

/** The key is not this database's. The message is one sentence for whoever started the process, and says what to restore. */
export class KeyRefused extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'KeyRefused';
  }
}

// Any constant will do as long as nothing else locks it: "keys" in ASCII.
const admissionLock = 0x6b657973;

/**
 * Makes sure that a keyring is the one that this database's values are sealed with, and gives it the installation's own keys. To be
 * called before anything is sealed, opened or marked.
 *
 * The database remembers the fingerprint of every key that something in it may be sealed with, and the keyring must have them all.
 * A database that remembers none learns the first one after something has been opened with it, or where nothing is there to
 * open: a wrong key must not make itself the right one.
 *
 * @param origin where ENCRYPTION_KEY came from, as a person would say it.
 * @throws KeyRefused
 */
export async function admitKeys(pool: Pool, keyring: Keyring, origin = 'ENCRYPTION_KEY'): Promise<void> {
  // The usual start writes nothing, and so needs no database that takes writes.
  const usual = await readKeys(pool, keyring, origin);
  if (usual.known.includes(keyring.fingerprint)) return;
  await inTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [admissionLock]);
    // Once more, under the lock: each statement sees what was committed before it began.
    const { known } = await readKeys(client, keyring, origin);
    if (known.length === 0) await recordFirstKeys(client, keyring, origin);
    await client.query('insert into encryption_keys (fingerprint) values ($1) on conflict do nothing', [keyring.fingerprint]);
  });
}

/**
 * Whether this database has anything that only the right key opens or knows: one that was made a moment ago cannot be it.
 */
export async function isKeyNeeded(db: Queryable): Promise<boolean> {
  return (await knownFingerprints(db)).length > 0 || (await isAnythingMarked(db)) || (await someSealed(db)).length > 0;
}

type Queryable = Pick<Pool | PoolClient, 'query'>;

/** Looks at what the database remembers; where that is anything, the keyring has the installation's keys from now on. */
async function readKeys(db: Queryable, keyring: Keyring, origin: string): Promise<{ known: string[] }> {
  const known = await knownFingerprints(db);
  if (known.length === 0) return { known };
  const missing = known.filter((fingerprint) => !keyring.fingerprints.includes(fingerprint));
  if (missing.length > 0) throw new KeyRefused(refusal(missing, known, keyring, origin));

  const { rows } = await db.query<{ name: string; sealed: Buffer }>('select name, sealed from installation_keys');
  const key = (name: string): Buffer => {
    const row = rows.find((one) => one.name === name);
    if (!row) throw new KeyRefused(`The installation's ${name} key is missing in the database: restore the table installation_keys.`);
    return keyring.decrypt(row.sealed, `installation_key:${name}`);
  };
  keyring.markWith({ marking: key('marking'), succession: key('succession') });
  return { known };
}

function refusal(missing: string[], known: string[], keyring: Keyring, origin: string): string {
  const names = missing.map(short).join(', ');
  if (known.some((fingerprint) => keyring.fingerprints.includes(fingerprint)))
    return (
      `This database still has values that are encrypted with another key (${names}): put that one into ENCRYPTION_KEY_PREVIOUS ` +
      `until "npm run reencrypt" has ended.`
    );
  return (
    `${origin} holds another key (${short(keyring.fingerprint)}) than the one that this database's secrets are encrypted with ` +
    `(${names}): restore that one from where it is kept, and nothing is lost.`
  );
}

async function recordFirstKeys(client: PoolClient, keyring: Keyring, origin: string): Promise<void> {
  const sealed = await someSealed(client);
  const openedWith = sealed.flatMap(({ value, context }) => fingerprintOf(keyring, value, context) ?? []);
  if (sealed.length > 0 && openedWith.length === 0) {
    throw new KeyRefused(
      `${origin} holds a key (${short(keyring.fingerprint)}) that opens nothing of what is encrypted in this database: restore the one ` +
        'that it was used with from where it is kept, and nothing is lost.',
    );
  }
  const first = openedWith[0] ?? keyring.fingerprint;
  const marks = (sealed.length > 0 || (await isAnythingMarked(client)) ? keyring.derivedMarks(first) : undefined) ??
    // Nobody holds anything yet that must be known again: keys that follow from nothing.
    { marking: randomBytes(32), succession: randomBytes(32) };
  for (const fingerprint of new Set(openedWith))
    await client.query('insert into encryption_keys (fingerprint) values ($1) on conflict do nothing', [fingerprint]);
  for (const [name, key] of Object.entries(marks))
    await client.query('insert into installation_keys (name, sealed) values ($1, $2)', [
      name,
      keyring.encrypt(key, `installation_key:${name}`),
    ]);
  keyring.markWith(marks);
}

async function knownFingerprints(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ fingerprint: string }>('select fingerprint from encryption_keys order by used_since, fingerprint');
  return rows.map(({ fingerprint }) => fingerprint);
}

// More than one of each: a single one may be damaged, and must not keep the right key out.
const triedOfEach = 10;

async function someSealed(db: Queryable): Promise<{ value: Buffer; context: string }[]> {
  const found: { value: Buffer; context: string }[] = [];
  for (const { table, column, key, context } of sealedColumns) {
    const { rows } = await db.query<{ value: Buffer; key: string[] }>(
      `select ${column} as value, array[${key.map((name) => `${name}::text`).join(', ')}] as key
         from ${table}
        where ${column} is not null
        order by ${key.join(', ')} desc
        limit ${triedOfEach}`,
    );
    found.push(...rows.map((row) => ({ value: row.value, context: context(...row.key) })));
  }
  return found;
}

const markedTables = ['bearer_tokens', 'oauth_client_secrets', 'oauth_access_tokens', 'oauth_grants', 'setup_links', 'setup_sessions'];

async function isAnythingMarked(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    `select ${markedTables.map((table) => `exists (select from ${table})`).join(' or ')} as found`,
  );
  return rows[0]?.found ?? false;
}

function fingerprintOf(keyring: Keyring, value: Buffer, context: string): string | undefined {
  try {
    return keyring.sealedWith(value, context);
  } catch (error) {
    if (error instanceof SealBroken) return undefined;
    throw error;
  }
}

/** As much of a fingerprint as a person compares. */
export function short(fingerprint: string): string {
  return fingerprint.slice(0, 8);
}
