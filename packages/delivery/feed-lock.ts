import type { Pool, PoolClient } from 'pg';
import { inTransaction, prepared } from '#postgres';

/** The end of an environment's log, which stands still while it is held. */
export interface HeldFeed {
  client: PoolClient;
  environmentId: string;
  /** The last position given. */
  head: number;
  /** The oldest position kept. */
  oldest: number;
}

const lockFeed = prepared<{ position: number; oldest_position: number }>(
  'lock_feed',
  `
  select position, oldest_position
    from feed_heads
   where environment_id = $1
     for no key update`,
);

/**
 * Runs `work` between two positions of an environment's log: the sequencer gives none and marks no lane meanwhile. What is
 * owed to an endpoint changes only here, so nothing is missed and nothing is owed twice over.
 */
export async function underFeedLock<T>(pool: Pool, environmentId: string, work: (feed: HeldFeed) => Promise<T>): Promise<T> {
  return inTransaction(pool, async (client) => {
    const [feed] = await lockFeed.run(client, [environmentId]);
    if (!feed) throw new Error(`the environment ${environmentId} has no feed`);
    return work({ client, environmentId, head: feed.position, oldest: feed.oldest_position });
  });
}
