import type { Pool } from 'pg';
import { readFeedHeads } from '#directory';

interface Watched {
  /** The last position that this process knows of. */
  head: number;
  watchers: number;
  waiting: Set<(hasGrown: boolean) => void>;
  /** Of those, who wait until the next beat. */
  untilBeat: Set<(hasGrown: boolean) => void>;
  /** Intervals since it is watched. */
  intervals: number;
}

/**
 * Wakes those who wait for events. One LISTEN connection says which environment's log has grown; one query then asks how far,
 * for all who wait for it. In case that connection misses something the same query runs once a second, for all environments
 * that anybody waits for. A waiting client by itself costs no query, and one that waits for the beat no timer.
 *
 * The beat is an environment's own, every so many intervals: those who follow it do then together what must be done now and then.
 */
export class FeedWatch {
  readonly #pool: Pool;
  readonly #askAgainMs: number;
  readonly #intervalsToABeat: number;
  readonly #environments = new Map<string, Watched>();
  readonly #heard = new Set<string>();
  #asking: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;
  #stopped = false;

  constructor(pool: Pool, { askAgainMs = 1_000, beatMs = 15_000 }: { askAgainMs?: number; beatMs?: number } = {}) {
    this.#pool = pool;
    this.#askAgainMs = askAgainMs;
    this.#intervalsToABeat = Math.max(1, Math.round(beatMs / askAgainMs));
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
    const watched = this.#environments.get(environmentId) ?? newlyWatched();
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

  /**
   * Waits until the log of a watched environment is known to go beyond `head`, and says whether it does: for `ms` at most, where that is
   * undefined until the environment's next beat; or until the signal or `stop`.
   */
  async beyond(environmentId: string, head: number, ms: number | undefined, signal: AbortSignal): Promise<boolean> {
    const watched = this.#environments.get(environmentId);
    if (!watched) throw new Error('beyond() outside watching()');
    advance(watched, head);
    if (watched.head > head) return true;
    if (this.#stopped || signal.aborted) return false;

    return new Promise((resolve) => {
      const done = (hasGrown: boolean): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
        watched.waiting.delete(done);
        watched.untilBeat.delete(done);
        resolve(hasGrown);
      };
      const leave = (): void => done(false);
      const timer = ms === undefined ? undefined : setTimeout(leave, ms);
      signal.addEventListener('abort', leave);
      watched.waiting.add(done);
      if (ms === undefined) watched.untilBeat.add(done);
    });
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Wakes everybody, for good: whoever asks to wait from now on does not. Ends when its last query has. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { waiting } of this.#environments.values()) end(waiting, false);
    await this.#underWay;
  }

  #askAgain(): void {
    for (const [id, watched] of this.#environments) {
      watched.intervals += 1;
      if (watched.intervals % this.#intervalsToABeat === 0) end(watched.untilBeat, false);
      if (watched.waiting.size > 0) this.#heard.add(id);
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
  end(watched.waiting, true);
}

/** Whoever waits for a log that was set back would wait for what others have seen already: they are to read, and are told. */
function setBack(watched: Watched, position: number): void {
  watched.head = position;
  end(watched.waiting, true);
}

function end(waiting: Watched['waiting'], hasGrown: boolean): void {
  for (const done of waiting) done(hasGrown);
}

function newlyWatched(): Watched {
  return { head: 0, watchers: 0, waiting: new Set(), untilBeat: new Set(), intervals: 0 };
}
