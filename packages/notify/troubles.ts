/** Provisioning that fails in a directory: told once when it begins, and once when it is over, however often it fails between. */
import type { Pool, PoolClient } from 'pg';
import { prepared } from '#postgres';

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

const upsertTroubles = prepared<
  never,
  {
    directoryIds: string[];
    environmentIds: string[];
    firstAt: Date[];
    lastAt: Date[];
    firstSequences: number[];
    lastSequences: number[];
    counts: number[];
  }
>(
  'note_failures',
  `
  insert into provisioning_troubles as t (directory_id, environment_id, began_at, last_at, first_sequence, last_sequence, failures)
  select f.directory_id, f.environment_id, f.first_at, f.last_at, f.first_sequence, f.last_sequence, f.failures
    from unnest(:directoryIds::uuid[], :environmentIds::uuid[], :firstAt::timestamptz[], :lastAt::timestamptz[],
                :firstSequences::bigint[], :lastSequences::bigint[], :counts::int[])
      as f (directory_id, environment_id, first_at, last_at, first_sequence, last_sequence, failures)
  on conflict (directory_id) do update
     set last_at = excluded.last_at,
         last_sequence = excluded.last_sequence,
         failures = t.failures + excluded.failures`,
);

export async function noteFailures(client: PoolClient, failures: readonly Failures[]): Promise<void> {
  if (failures.length === 0) return;
  await upsertTroubles.run(client, {
    directoryIds: failures.map((f) => f.directoryId),
    environmentIds: failures.map((f) => f.environmentId),
    firstAt: failures.map((f) => f.firstAt),
    lastAt: failures.map((f) => f.lastAt),
    firstSequences: failures.map((f) => f.firstSequence),
    lastSequences: failures.map((f) => f.lastSequence),
    counts: failures.map((f) => f.count),
  });
}

const selectDueTroubles = prepared<Trouble>(
  'due_troubles',
  `
  select environment_id as "environmentId", directory_id as "directoryId", began_at as "beganAt", last_at as "lastAt",
         first_sequence as "firstSequence", last_sequence as "lastSequence", failures,
         case when told_at is null then 'begins' else 'over' end as news
    from provisioning_troubles
   where (told_at is null and began_at <= $1)
      or (told_at is not null and last_at <= $2)
   order by began_at
   limit 200`,
);

/** What there is to tell: troubles that have begun `gatherMs` ago, and those in which nothing has failed for `quietMs`. */
export async function dueTroubles(
  pool: Pool,
  { now, gatherMs, quietMs }: { now: Date; gatherMs: number; quietMs: number },
): Promise<Trouble[]> {
  return selectDueTroubles.run(pool, [new Date(now.getTime() - gatherMs), new Date(now.getTime() - quietMs)]);
}

const markTroubleTold = prepared(
  'mark_trouble_told',
  `
  update provisioning_troubles
     set told_at = $2
   where directory_id = $1
     and told_at is null`,
);

/** Notes that people have been told that it begins. False: another process has told them. */
export async function markTold(client: PoolClient, { directoryId, now }: { directoryId: string; now: Date }): Promise<boolean> {
  return (await markTroubleTold.change(client, [directoryId, now])) === 1;
}

const deleteTrouble = prepared(
  'end_trouble',
  `
  delete from provisioning_troubles
   where directory_id = $1
     and last_at = $2`,
);

/** Forgets a trouble that is over. False: it is not, since something failed meanwhile; or another process has forgotten it. */
export async function endTrouble(client: PoolClient, { directoryId, lastAt }: { directoryId: string; lastAt: Date }): Promise<boolean> {
  return (await deleteTrouble.change(client, [directoryId, lastAt])) === 1;
}
