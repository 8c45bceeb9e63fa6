import type { Pool } from 'pg';
import { forgetExpiredAccess } from '#accounts';
import { forgetEvents, forgetLeftovers } from '#delivery';
import { announceExpiringCredentials, type DirectoryPool, forgetExpiredCredentials, purgeDeletedDirectories } from '#directory';
import { type Config, databaseTime, dropPartitionsOlderThan, type DroppedPartition, ensurePartitions } from '#runtime';

const dayMs = 86_400_000;

// Any constant will do as long as nothing else locks it: "upkeep" in ASCII.
const upkeepLock = '0x75706b656570';

/** What was done, for the log. */
export interface Upkeep {
  /** Names of partitions. */
  made: string[];
  dropped: DroppedPartition[];
  /** How many events can be read no more. */
  forgotten: number;
}

/**
 * What must be done now and then: partitions made before they are needed, and dropped once their time is over; events forgotten
 * before that. Of several workers one does it, and the others have nothing to do.
 *
 * How old something is, the database says: a worker whose clock is wrong forgets nothing too soon.
 */
export async function upkeep(pool: Pool, retention: Config['retention']): Promise<Upkeep | undefined> {
  const keeper = await pool.connect();
  try {
    const { rows } = await keeper.query<{ ours: boolean }>('select pg_try_advisory_lock($1) as ours', [BigInt(upkeepLock)]);
    if (!rows[0]?.ours) return undefined;
    try {
      return await keepUp(pool, retention);
    } finally {
      await keeper.query('select pg_advisory_unlock($1)', [BigInt(upkeepLock)]);
    }
  } finally {
    keeper.release();
  }
}

async function keepUp(pool: Pool, { eventsDays, attemptsDays, requestsDays }: Config['retention']): Promise<Upkeep> {
  const made = await ensurePartitions(pool);
  const now = await databaseTime(pool);
  const ago = (days: number): Date => new Date(now.getTime() - days * dayMs);
  const forgotten = await forgetEvents(pool, { before: ago(eventsDays) });
  await forgetLeftovers(pool, { attemptsBefore: ago(attemptsDays) });
  const dropped = [
    // A day later: see forgetEvents.
    ...(await dropPartitionsOlderThan(pool, 'events', eventsDays + 1)),
    ...(await dropPartitionsOlderThan(pool, 'requests', requestsDays)),
    ...(await dropPartitionsOlderThan(pool, 'delivery_attempts', attemptsDays)),
  ];
  return { made, dropped, forgotten };
}

/** Tells of credentials that are about to end by themselves, and forgets those, and the sessions and links, that have. */
export async function endCredentials(pool: DirectoryPool, stop: AbortSignal): Promise<void> {
  const now = await databaseTime(pool);
  await announceExpiringCredentials(pool, now);
  while (!stop.aborted && (await forgetExpiredCredentials(pool, now))) {
    // Each batch is a transaction of its own.
  }
  await forgetExpiredAccess(pool, now);
}

const purgedAtOnce = 1_000;

/** Removes the users and groups of deleted directories, in batches, for as long as there are any and nobody says stop. */
export async function purge(pool: Pool, stop: AbortSignal): Promise<void> {
  while (!stop.aborted && (await purgeDeletedDirectories(pool, purgedAtOnce))) {
    // Each batch is a transaction of its own.
  }
}
