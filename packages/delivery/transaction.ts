import type { Pool, PoolClient } from 'pg';
import { prepared } from './prepared';

/**
 * Runs `work` in one transaction. It is sent together with what `work` sends first, so `work` may send several statements
 * without waiting for each; what it throws rolls everything back.
 */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const begun = client.query('begin');
    begun.catch(() => {}); // told below, or by the statements behind it
    const result = await work(client);
    await begun;
    await client.query('commit');
    return result;
  } catch (error) {
    // A connection that cannot even roll back is not given to the next caller.
    await client.query('rollback').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * The same in one round trip, for statements that need nothing of one another's answers: `send` sends them all before it waits.
 * Where one fails, PostgreSQL makes the commit a rollback.
 */
export async function inOneFlush<T>(pool: Pool, send: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  const sent = [client.query('begin'), send(client), client.query('commit')] as const;
  const ended = await Promise.allSettled(sent);
  client.release(ended[2].status === 'rejected');
  await Promise.all(sent);
  return sent[1];
}

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
