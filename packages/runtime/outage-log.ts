import type { Pool } from 'pg';
import { isOutage, isPoolFull, isReadOnly } from '#postgres';
import type { Logger } from './log';

// What has begun, by the first failure: a database that answers others is not away.
const outage = {
  begun: 'an outage of the database has begun: what fails for it is counted, and told when it is over',
  over: 'the outage of the database is over',
  unfinished: 'the process ends during an outage of the database',
};
const fullPool: typeof outage = {
  begun:
    'all connections of this process are in use, and whoever needs one waits in vain: what fails for it is counted, and told when it is over',
  over: 'connections are free again',
  unfinished: 'the process ends while all of its connections are in use',
};

/**
 * Tells of an outage of the database by two lines, however much fails meanwhile: that it has begun, with the first failure, and that it
 * is over, with how long it took and how much failed of what. Of a full pool it tells likewise, and calls it that. A fault of ours is
 * neither: it has a line of its own, at error.
 *
 * It is over when the database answers and nothing has failed for `quietMs`.
 */
export class OutageLog {
  readonly #log: Logger;
  readonly #pool: () => Pool;
  readonly #quietMs: number;
  readonly #lookEveryMs: number;
  #begun: number | undefined;
  #words = outage;
  #latest = 0;
  #failed: Record<string, number> = {};
  #looking: NodeJS.Timeout | undefined;
  #isAsking = false;
  #broken: { first: Error; count: number; telling: NodeJS.Timeout } | undefined;

  /** `pool` is asked for when an outage may be over: it tells the log of its connections, and may be made after it. */
  constructor(log: Logger, pool: () => Pool, { quietMs = 5_000, lookEveryMs = 1_000 } = {}) {
    this.#log = log;
    this.#pool = pool;
    this.#quietMs = quietMs;
    this.#lookEveryMs = lookEveryMs;
  }

  /** Counts a failure that an outage explains, and says whether it is one. `what` failed, in the plural: `requests`. */
  counts(error: unknown, what: string): boolean {
    if (!isOutage(error)) return false;
    if (isReadOnly(error)) return true; // the watch of the database says when that begins and ends
    this.#latest = performance.now();
    if (this.#begun === undefined) {
      this.#begun = this.#latest;
      this.#words = isPoolFull(error) ? fullPool : outage;
      this.#looking = setInterval(() => void this.#look(), this.#lookEveryMs);
      this.#looking.unref();
      this.#log.warn({ err: error, failed: what }, this.#words.begun);
    }
    this.#count(what, 1);
    return true;
  }

  /** A warning of its own for what is no outage. */
  warn(error: unknown, what: string, sentence: string, more: object = {}): void {
    if (!this.counts(error, what)) this.#log.warn({ ...more, err: error }, sentence);
  }

  /** Connections break together, and nothing may fail for it: those of one second are one line, and none in an outage. */
  connectionBroke(error: Error): void {
    if (this.#broken) {
      this.#broken.count += 1;
      return;
    }
    const telling = setTimeout(() => this.#tellOfBroken(), 1_000);
    telling.unref();
    this.#broken = { first: error, count: 1, telling };
  }

  /** What is under way is told of as it stands. */
  stop(): void {
    clearInterval(this.#looking);
    if (this.#broken) this.#tellOfBroken();
    if (this.#begun !== undefined) this.#log.warn(this.#sum(), this.#words.unfinished);
    this.#begun = undefined;
  }

  async #look(): Promise<void> {
    if (this.#isAsking || performance.now() - this.#latest < this.#quietMs) return;
    this.#isAsking = true;
    const asked = performance.now();
    const answers = await this.#pool()
      .query('select 1')
      .then(
        () => true,
        () => false,
      );
    this.#isAsking = false;
    if (!answers || this.#begun === undefined || this.#latest > asked) return;
    clearInterval(this.#looking);
    this.#log.warn(this.#sum(), this.#words.over);
    this.#begun = undefined;
    this.#failed = {};
  }

  #sum(): object {
    return { seconds: Math.round((performance.now() - (this.#begun ?? 0)) / 100) / 10, failed: this.#failed };
  }

  #count(what: string, times: number): void {
    this.#failed[what] = (this.#failed[what] ?? 0) + times;
  }

  #tellOfBroken(): void {
    if (!this.#broken) return;
    const { first, count, telling } = this.#broken;
    clearTimeout(telling);
    this.#broken = undefined;
    if (this.#begun !== undefined) this.#count('connections', count);
    else this.#log.warn({ err: first, connections: count }, 'connections to the database broke');
  }
}
