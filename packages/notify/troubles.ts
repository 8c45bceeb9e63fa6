/** Provisioning that fails in a directory: told once when it begins, and once when it is over, however often it fails between. */
import type { Pool, PoolClient } from 'pg';

/** Some failures of one directory. */
export interface Failures {
  environmentId: string;
  directoryId: string;
  count: number;
  firstAt: Date;
  lastAt: Date;
  firstSequence: number;
  lastSequence: number;
}

export interface Trouble {
  environmentId: string;
  directoryId: string;
  beganAt: Date;
  lastAt: Date;
  firstSequence: number;
  lastSequence: number;
  failures: number;
  /** `begins`: nobody has been told yet; `over`: there has been none for a while. */
  news: 'begins' | 'over';
}

export async function noteFailures(client: PoolClient, failures: readonly Failures[]): Promise<void> {
  if (failures.length === 0) return;
  await client.query({
    name: 'note_failures',
    text: `
      insert into provisioning_troubles as t (directory_id, environment_id, began_at, last_at, first_sequence, last_sequence, failures)
      select f.directory_id, f.environment_id, f.first_at, f.last_at, f.first_sequence, f.last_sequence, f.failures
        from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::int[])
          as f (directory_id, environment_id, first_at, last_at, first_sequence, last_sequence, failures)
      on conflict (directory_id) do update
         set last_at = excluded.last_at,
             last_sequence = excluded.last_sequence,
             failures = t.failures + excluded.failures`,
    values: [
      failures.map((f) => f.directoryId),
      failures.map((f) => f.environmentId),
      failures.map((f) => f.firstAt),
      failures.map((f) => f.lastAt),
      failures.map((f) => f.firstSequence),
      failures.map((f) => f.lastSequence),
      failures.map((f) => f.count),
    ],
  });
}

/** What there is to tell: troubles that have begun `gatherMs` ago, and those in which nothing has failed for `quietMs`. */
export async function dueTroubles(
  pool: Pool,
  { now, gatherMs, quietMs }: { now: Date; gatherMs: number; quietMs: number },
): Promise<Trouble[]> {
  const { rows } = await pool.query<Trouble>({
    name: 'due_troubles',
    text: `
      select environment_id as "environmentId", directory_id as "directoryId", began_at as "beganAt", last_at as "lastAt",
             first_sequence as "firstSequence", last_sequence as "lastSequence", failures,
             case when told_at is null then 'begins' else 'over' end as news
        from provisioning_troubles
       where (told_at is null and began_at <= $1)
          or (told_at is not null and last_at <= $2)
       order by began_at
       limit 200`,
    values: [new Date(now.getTime() - gatherMs), new Date(now.getTime() - quietMs)],
  });
  return rows;
}

/** Notes that people have been told that it begins. False: another process has told them. */
export async function markTold(client: PoolClient, { directoryId, now }: { directoryId: string; now: Date }): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'mark_trouble_told',
    text: `
      update provisioning_troubles
         set told_at = $2
       where directory_id = $1
         and told_at is null`,
    values: [directoryId, now],
  });
  return rowCount === 1;
}

/** Forgets a trouble that is over. False: it is not, since something failed meanwhile; or another process has forgotten it. */
export async function endTrouble(client: PoolClient, { directoryId, lastAt }: { directoryId: string; lastAt: Date }): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'end_trouble',
    text: `
      delete from provisioning_troubles
       where directory_id = $1
         and last_at = $2`,
    values: [directoryId, lastAt],
  });
  return rowCount === 1;
}
