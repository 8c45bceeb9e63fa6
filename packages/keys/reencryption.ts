import type { Pool } from 'pg';
import { type Keyring, SealBroken } from '#credential';
import { inTransaction } from '#postgres';
import { admitKeys, KeyRefused, short } from './admission';
import { type SealedColumn, sealedColumns } from './sealed-columns';

export interface ReencryptionProgress {
  /** Such as `webhook_secrets.secret`. */
  column: string;
  /** Values looked at so far, of how many. */
  done: number;
  total: number;
  /** The first time, or one of those that look for what was written meanwhile. */
  isFirst: boolean;
}

export interface Reencrypted {
  /** False: told to stop before the end. What has been done is done; another run goes on. */
  finished: boolean;
  /** Values that were encrypted with another key, and are with the present one now. */
  changed: number;
  /** What none of the keys opens: its column and row. */
  broken: string[];
}

/**
 * Seals everything anew that was sealed with another key than the keyring's first, and then has the database forget the others.
 *
 * May be run while everything goes on, since whoever has the old keys too opens both; stopped at any moment; and run again: what is
 * sealed anew is not touched a second time. It goes over everything until there was nothing left to do, so that what was written
 * meanwhile is not left behind.
 *
 * @throws KeyRefused where the keyring is not this database's, or processes still seal with another key.
 */
export async function reencrypt(
  pool: Pool,
  keyring: Keyring,
  { onProgress, stop }: { onProgress: (progress: ReencryptionProgress) => void; stop: AbortSignal },
): Promise<Reencrypted> {
  await refuseBesideOthers(pool, keyring);
  await admitKeys(pool, keyring);
  let changed = 0;
  const broken = new Set<string>();
  for (let isFirst = true; ; isFirst = false) {
    let changedNow = 0;
    for (const column of sealedColumns) {
      changedNow += await reencryptColumn(pool, keyring, column, {
        onProgress: (progress) => onProgress({ ...progress, isFirst }),
        onBroken: (row) => void broken.add(row),
        stop,
      });
      if (stop.aborted) return { finished: false, changed: changed + changedNow, broken: [...broken] };
    }
    changed += changedNow;
    if (changedNow === 0) break;
  }
  await refuseBesideOthers(pool, keyring);
  await pool.query('delete from encryption_keys where fingerprint <> $1', [keyring.fingerprint]);
  return { finished: true, changed, broken: [...broken] };
}

const batch = 200;

async function reencryptColumn(
  pool: Pool,
  keyring: Keyring,
  { table, column, key, context }: SealedColumn,
  on: { onProgress: (progress: Omit<ReencryptionProgress, 'isFirst'>) => void; onBroken: (row: string) => void; stop: AbortSignal },
): Promise<number> {
  const {
    rows: [counted],
  } = await pool.query<{ total: number }>(`select count(*) as total from ${table} where ${column} is not null`);
  const total = counted?.total ?? 0;
  const place = key.map((_, i) => `$${i + 1}`).join(', ');
  let changed = 0;
  let done = 0;
  let after: string[] | undefined;
  while (!on.stop.aborted) {
    const { rows } = await pool.query<{ value: Buffer; key: string[] }>(
      `select ${column} as value, array[${key.map((name) => `${name}::text`).join(', ')}] as key
         from ${table}
        where ${column} is not null
              ${after ? `and (${key.join(', ')}) > (${place})` : ''}
        order by ${key.join(', ')}
        limit ${batch}`,
      after ?? [],
    );
    changed += await inTransaction(pool, async (client) => {
      const updates = rows.flatMap((row) => {
        const anew = sealedAnew(keyring, row.value, context(...row.key), () => on.onBroken(`${table}.${column} of ${row.key.join(', ')}`));
        if (!anew) return [];
        // Whoever has written another value meanwhile has sealed it themselves.
        return client.query(
          `update ${table} set ${column} = $${key.length + 2} where (${key.join(', ')}) = (${place}) and ${column} = $${key.length + 1}`,
          [...row.key, row.value, anew],
        );
      });
      return (await Promise.all(updates)).length;
    });
    done += rows.length;
    if (total > 0) on.onProgress({ column: `${table}.${column}`, done, total: Math.max(total, done) });
    if (rows.length < batch) break;
    after = rows.at(-1)?.key;
  }
  return changed;
}

function sealedAnew(keyring: Keyring, value: Buffer, context: string, onBroken: () => void): Buffer | undefined {
  try {
    if (keyring.sealedWith(value, context) === keyring.fingerprint) return undefined;
    return keyring.encrypt(keyring.decrypt(value, context), context);
  } catch (error) {
    if (!(error instanceof SealBroken)) throw error;
    onBroken();
    return undefined;
  }
}

/** Each process shows which key it seals with in the name of its connection: `causeway watch, key 1a2b3c4d`. */
export function watchName(keyring: Keyring): string {
  return `causeway watch, key ${short(keyring.fingerprint)}`;
}

/** A process that still seals with another key would go on doing so, and lose what it seals with the key. */
async function refuseBesideOthers(pool: Pool, keyring: Keyring): Promise<void> {
  const { rows } = await pool.query<{ key: string; processes: number }>(
    `select coalesce(substring(application_name from 'key ([0-9a-f]+)$'), 'unknown') as key, count(*) as processes
       from pg_stat_activity
      where datname = current_database()
        and application_name like 'causeway watch%'
        and application_name <> $1
      group by 1`,
    [watchName(keyring)],
  );
  if (rows.length === 0) return;
  const others = rows.map(({ key, processes }) => `${processes} with ${key}`).join(', ');
  throw new KeyRefused(
    `Brokers or workers still encrypt with another key than ${short(keyring.fingerprint)} (${others}): start them again with the new ` +
      'ENCRYPTION_KEY and the old one in ENCRYPTION_KEY_PREVIOUS, and then run this again.',
  );
}
