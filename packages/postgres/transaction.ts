import type { Pool, PoolClient } from 'pg';

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
