import type { Pool } from 'pg';
import { forgetExpiredAccess } from '#accounts';
import { forgetEvents, forgetLeftovers } from '#delivery';
import { announceExpiringCredentials, type DirectoryPool, forgetExpiredCredentials, purgeDeletedDirectories } from '#directory';
import { type Config, dropPartitionsBefore, ensurePartitions } from '#runtime';

const dayMs = 86_400_000;

// Any constant will do as long as nothing else locks it: "upkeep" in ASCII.
const upkeepLock = '0x75706b656570';

/**
 * What must be done now and then: partitions made before they are needed, and dropped once their time is over; events forgotten
 * before that. Of several workers one does it, and the others have nothing to do. Answers what was done, for the log.
 */
export async function upkeep(
  pool: Pool,
  retention: Config['retention'],
  now: Date,
): Promise<{ made: string[]; dropped: string[]; forgotten: number } | undefined> {
  const keeper = await pool.connect();
  try {
    const { rows } = await keeper.query<{ ours: boolean }>('select pg_try_advisory_lock($1) as ours', [BigInt(upkeepLock)]);
    if (!rows[0]?.ours) return undefined;
    try {
      return await keepUp(pool, retention, now);
    } finally {
      await keeper.query('select pg_advisory_unlock($1)', [BigInt(upkeepLock)]);
    }
  } finally {
    keeper.release();
  }
}

async function keepUp(
  pool: Pool,
  retention: Config['retention'],
  now: Date,
): Promise<{ made: string[]; dropped: string[]; forgotten: number }> {
  const ago = (days: number): Date => new Date(now.getTime() - days * dayMs);
  const made = await ensurePartitions(pool, now);
  const forgotten = await forgetEvents(pool, { before: ago(retention.eventsDays) });
  await forgetLeftovers(pool, { attemptsBefore: ago(retention.attemptsDays) });
  const dropped = [
    // A day later: see forgetEvents.
    ...(await dropPartitionsBefore(pool, 'events', ago(retention.eventsDays + 1))),
    ...(await dropPartitionsBefore(pool, 'requests', ago(retention.requestsDays))),
    ...(await dropPartitionsBefore(pool, 'delivery_attempts', ago(retention.attemptsDays))),
  ];
  return { made, dropped, forgotten };
}

/** Tells of credentials that are about to end by themselves, and forgets those, and the sessions and links, that have. */
export async function endCredentials(pool: DirectoryPool, stop: AbortSignal, now: Date): Promise<void> {
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
