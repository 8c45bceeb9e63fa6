import type { Client, Pool } from 'pg';
import { prepared } from '#postgres';

const channel = 'causeway_feed';

const notify = prepared(
  'notify_feed',
  `
  select pg_notify('${channel}', id)
    from unnest($1::text[]) as e (id)`,
);

/**
 * Tells those who listen that environments' logs have grown: at most once in 20 ms, and never in the transaction that has
 * grown them, since a NOTIFY holds a lock of the whole cluster until its commit.
 */
export class FeedNotices {
  readonly #grown = new Set<string>();
  #sending: Promise<void> | undefined;

  /** `onError`: a notice was lost. Whoever waits asks for themselves now and then. */
  constructor(
    private readonly pool: Pool,
    private readonly onError: (error: unknown) => void,
  ) {}

  tell(environmentIds: readonly string[]): void {
    for (const id of environmentIds) this.#grown.add(id);
    this.#sending ??= this.#send();
  }

  /** Waits until all is told. */
  async stop(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    while (this.#grown.size > 0) {
      const ids = [...this.#grown];
      this.#grown.clear();
      try {
        // PostgreSQL folds what is equal within one transaction, and this statement is one of its own.
        await notify.run(this.pool, [ids]);
      } catch (error) {
        this.onError(error);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // In the same breath as the look above, or what is told in between would wait for the next.
    this.#sending = undefined;
  }
}

export interface FeedListener {
  /** False while the connection is being made again: ask the log itself now and then. */
  readonly listening: boolean;
  stop(): Promise<void>;
}

/**
 * Hears that an environment's log has grown, milliseconds after it has: what wakes clients that wait for events.
 *
 * `connect` makes a connection of its own, connected, outside of any pool; it is made anew for as long as it takes when it breaks.
 * `onEnvironment` is called with `undefined` each time it was (re)made: something may have been missed.
 */
export function listenToFeed(connect: () => Promise<Client>, onEnvironment: (environmentId: string | undefined) => void): FeedListener {
  return new ReconnectingListener(connect, onEnvironment);
}

const firstWaitMs = 100;
const longestWaitMs = 5_000;

class ReconnectingListener implements FeedListener {
  #client: Client | undefined;
  #stopping = false;
  #endRest: (() => void) | undefined;
  readonly #running: Promise<void>;
  listening = false;

  constructor(
    private readonly connect: () => Promise<Client>,
    private readonly onEnvironment: (environmentId: string | undefined) => void,
  ) {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endRest?.();
    await this.#client?.end().catch(() => {});
    await this.#running;
  }

  async #run(): Promise<void> {
    let waitMs = firstWaitMs;
    while (!this.#stopping) {
      try {
        await this.#listen(() => {
          waitMs = firstWaitMs;
        });
      } catch {
        // Tried again below: while the database is away there is nothing to hear.
      }
      this.listening = false;
      if (this.#stopping) return;
      await this.#rest(waitMs);
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    }
  }

  async #listen(onListening: () => void): Promise<void> {
    const client = await this.connect();
    this.#client = client;
    const ended = new Promise<void>((resolve) => {
      client.once('end', () => resolve());
      client.on('error', () => resolve());
    });
    try {
      if (this.#stopping) return;
      client.on('notification', (notice) => {
        if (notice.channel === channel && notice.payload) this.onEnvironment(notice.payload);
      });
      await client.query(`listen ${channel}`);
      onListening();
      this.listening = true;
      this.onEnvironment(undefined);
      await ended;
    } finally {
      this.#client = undefined;
      await client.end().catch(() => {});
    }
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endRest = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
