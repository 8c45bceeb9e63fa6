import type { ClientBase, Pool, PoolClient } from 'pg';
import { CommitUnanswered, isSessionEnd, isUnanswered } from './outage';
import { triedAgain } from './tried-again';

/**
 * Runs `work` in one transaction. It is sent together with what `work` sends first, so `work` may send several statements
 * without waiting for each; what it throws rolls everything back. Where PostgreSQL does so by itself, for the sake of others, `work`
 * runs again.
 */
export function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return triedAgain(() =>
    transaction(pool, async (begun) => {
      const result = await work(begun.client);
      await begun.commit();
      return result;
    }),
  );
}

/**
 * The same in one round trip, for statements that need nothing of one another's answers: `send` sends them all before it waits.
 * Where one fails, PostgreSQL makes the commit a rollback.
 */
export function inOneFlush<T>(pool: Pool, send: (client: PoolClient) => Promise<T>): Promise<T> {
  return triedAgain(() =>
    transaction(pool, async (begun) => {
      const sent = [send(begun.client), begun.commit()] as const;
      await Promise.allSettled(sent);
      await Promise.all(sent);
      return sent[0];
    }),
  );
}

/** The same on a connection that belongs to no pool, or that the caller has taken from one already. */
export function inTransactionOn<Client extends ClientBase, T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
  return triedAgain(async () => {
    const begun = new Transaction(client);
    try {
      await begun.isBegun; // a client of its own may not take a statement before the last is answered
      const result = await work(client);
      await begun.commit();
      return result;
    } catch (error) {
      await begun.rollback();
      throw begun.failureOf(error);
    }
  });
}

/** One transaction on one client, for those who send its commit together with what they write last. Nothing tries it again. */
export async function transaction<T>(pool: Pool, work: (begun: Transaction<PoolClient>) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  const begun = new Transaction(client);
  let isUsable = true;
  try {
    return await work(begun);
  } catch (error) {
    isUsable = await begun.rollback();
    throw begun.failureOf(error);
  } finally {
    client.release(!isUsable);
  }
}

/** A transaction that has been begun: `begin` is on its way, and what is sent from now on travels with it. */
export class Transaction<Client extends ClientBase> {
  readonly isBegun: Promise<unknown>;
  #ended: Promise<unknown> | undefined;
  #commitIsSent = false;
  #commitFailure: unknown;

  constructor(readonly client: Client) {
    this.isBegun = client.query('begin');
    this.isBegun.catch(() => {}); // where it cannot even be begun, the statements behind it tell
  }

  /** Sent at once, behind what was sent before. Where one of those has failed PostgreSQL rolls back, and this throws. */
  async commit(): Promise<void> {
    const committed = this.client.query('commit');
    this.#ended = committed;
    this.#commitIsSent = true;
    committed.catch((failure: unknown) => {
      this.#commitFailure = failure;
    });
    // PostgreSQL answers "rollback", and no error, to the commit of a transaction that a statement has failed in.
    if ((await committed).command !== 'COMMIT') throw new Error('the transaction was rolled back: a statement in it had failed');
  }

  /**
   * What the failure of the work is to its caller. Where the commit was on its way when the connection broke, nobody knows whether it
   * was made. What the server has refused of the statements before it says that it was not.
   */
  failureOf(error: unknown): unknown {
    const isUnknown = this.#commitIsSent && (isUnanswered(error) || (error === this.#commitFailure && isSessionEnd(error)));
    return isUnknown ? new CommitUnanswered(error) : error;
  }

  /** After a failure. Whether the client may be used again: not one that cannot even roll back. */
  async rollback(): Promise<boolean> {
    // A commit ends a transaction whatever it is answered: a second end would be met with a warning in the server's log.
    this.#ended ??= this.client.query('rollback');
    return this.#ended.then(
      () => true,
      () => false,
    );
  }
}
