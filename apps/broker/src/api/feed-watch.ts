import type { Pool } from 'pg';
import { readFeedHeads } from '#directory';

interface Watched {
  /** The last position that this process knows of. */
  head: number;
  watchers: number;
  waiting: Set<() => void>;
}

/**
 * Wakes those who wait for events. One LISTEN connection says which environment's log has grown; one query then asks how far,
 * for all who wait for it. In case that connection misses something the same query runs once a second, for all environments
 * that anybody waits for. A waiting client by itself costs no query.
 */
export class FeedWatch {
  readonly #pool: Pool;
  readonly #askAgainMs: number;
  readonly #environments = new Map<string, Watched>();
  readonly #heard = new Set<string>();
  #asking: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;
  #stopped = false;

  constructor(pool: Pool, { askAgainMs = 1000 }: { askAgainMs?: number } = {}) {
    this.#pool = pool;
    this.#askAgainMs = askAgainMs;
  }

  /** An environment's log has grown; `undefined`: any may have, since the connection that tells was lost for a while. */
  heard(environmentId: string | undefined): void {
    for (const id of environmentId === undefined ? this.#environments.keys() : [environmentId]) {
      if (this.#environments.has(id)) this.#heard.add(id);
    }
    this.#askSoon();
  }

  /**
   * Runs `work` while this environment is watched. To miss nothing, read the log inside `work`, and wait with the head
   * that was read.
   */
  async watching<T>(environmentId: string, work: () => Promise<T>): Promise<T> {
    const watched = this.#environments.get(environmentId) ?? { head: 0, watchers: 0, waiting: new Set() };
    this.#environments.set(environmentId, watched);
    watched.watchers += 1;
    this.#asking ??= setInterval(() => this.#askAgain(), this.#askAgainMs);
    try {
      return await work();
    } finally {
      watched.watchers -= 1;
      if (watched.watchers === 0) this.#environments.delete(environmentId);
      if (this.#environments.size === 0) {
        clearInterval(this.#asking);
        this.#asking = undefined;
      }
    }
  }

  /** Waits until the log of a watched environment is known to go beyond `head`, for `ms` at most, or until the signal or `stop`. */
  async beyond(environmentId: string, head: number, ms: number, signal: AbortSignal): Promise<void> {
    const watched = this.#environments.get(environmentId);
    if (!watched) throw new Error('beyond() outside watching()');
    advance(watched, head);
    if (watched.head > head || this.#stopped || signal.aborted) return;

    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        watched.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      watched.waiting.add(done);
    });
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Wakes everybody, for good: whoever asks to wait from now on does not. Ends when its last query has. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const watched of this.#environments.values()) wake(watched);
    await this.#underWay;
  }

  #askAgain(): void {
    for (const [id, { waiting }] of this.#environments) {
      if (waiting.size > 0) this.#heard.add(id);
    }
    this.#askSoon();
  }

  // What is heard while a query runs is asked by the next one: however fast a log grows, one query is under way.
  #askSoon(): void {
    if (this.#heard.size === 0 || this.#underWay) return;
    this.#underWay = this.#ask([...this.#heard]).finally(() => {
      this.#underWay = undefined;
      this.#askSoon();
    });
    this.#heard.clear();
  }

  async #ask(environmentIds: string[]): Promise<void> {
    try {
      for (const { environmentId, head } of await readFeedHeads(this.#pool, environmentIds)) {
        const watched = this.#environments.get(environmentId);
        if (!watched) continue;
        if (head < watched.head) setBack(watched, head);
        else advance(watched, head);
      }
    } catch {
      // Asked again in a second; those who wait ask the database themselves when their time is up, and are told.
    }
  }
}

function advance(watched: Watched, position: number): void {
  if (watched.head >= position) return;
  watched.head = position;
  wake(watched);
}

/** Whoever waits for a log that was set back would wait for what others have seen already: they are to read, and are told. */
function setBack(watched: Watched, position: number): void {
  watched.head = position;
  wake(watched);
}

function wake(watched: Watched): void {
  for (const done of watched.waiting) done();
}
