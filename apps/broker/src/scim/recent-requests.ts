import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { OutageLog } from '#runtime';
import { noteLastRequests, recordRequests, type RequestToRecord, type UsedAttributes } from '#directory';

// A second's worth at full load, and what is kept when the database falls behind or is away.
const writtenAtOnce = 200;
const keptAtMost = 5_000;
const everyMs = 100;

/**
 * Keeps the request log off the path of the requests: they are gathered and written some at a time, a tenth of a second
 * later. It is for finding out what an IdP did, not part of any promise: what a crash catches unwritten is lost, and under
 * a flood the oldest give way.
 */
export class RecentRequests {
  readonly #pool: Pool;
  readonly #log: Logger;
  readonly #outages: OutageLog;
  readonly #used: UsedAttributes;
  #waiting: RequestToRecord[] = [];
  #last = new Map<string, Date>();
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(pool: Pool, log: Logger, outages: OutageLog, used: UsedAttributes) {
    this.#pool = pool;
    this.#used = used;
    this.#log = log;
    this.#outages = outages;
  }

  /** `accepted`: the request had a right to be made, so that the directory has been called. */
  add(request: RequestToRecord, accepted: boolean): void {
    if (this.#waiting.length >= keptAtMost) {
      this.#waiting.shift();
      this.#dropped += 1;
    }
    this.#waiting.push(request);
    if (accepted) this.#last.set(request.directoryId, request.at);
    this.#timer ??= setTimeout(() => this.#flush(), everyMs);
  }

  /** Writes what is left. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#flush();
    await this.#writing;
  }

  #flush(): void {
    this.#timer = undefined;
    this.#writing = this.#writing
      .then(() => this.#write())
      .catch((error: unknown) => {
        this.#outages.warn(error, 'writes of the request log', 'the request log could not be written', { lost: this.#waiting.length });
      });
  }

  async #write(): Promise<void> {
    if (this.#dropped > 0) {
      this.#log.warn({ dropped: this.#dropped }, 'more requests than the request log can keep up with');
      this.#dropped = 0;
    }
    const last = this.#last;
    this.#last = new Map();
    while (this.#waiting.length > 0) await recordRequests(this.#pool, this.#waiting.splice(0, writtenAtOnce), this.#used);
    if (last.size > 0) await noteLastRequests(this.#pool, last);
  }
}
