import type { Pool } from 'pg';
import type { OutageLog } from '#runtime';
import { noteCredentialUses, type UsedCredential } from '#directory';
import { presentTime } from '#identifier';

const everyMs = 1_000;

/**
 * Keeps the note of when each credential was last used off the path of the requests: the latest use of each is gathered, and
 * written with the others a second later. What a crash catches unwritten is lost, and right again with the next use.
 */
export class RecentUses {
  readonly #pool: Pool;
  readonly #outages: OutageLog;
  #latest = new Map<string, { credential: UsedCredential; at: Date }>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(pool: Pool, outages: OutageLog) {
    this.#pool = pool;
    this.#outages = outages;
  }

  add(credential: UsedCredential): void {
    this.#latest.set(credential.id, { credential, at: presentTime() });
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
    const uses = [...this.#latest.values()];
    this.#latest = new Map();
    if (uses.length === 0) return;
    this.#writing = this.#writing
      .then(() => noteCredentialUses(this.#pool, uses))
      .catch((error: unknown) => {
        this.#outages.warn(error, 'notes of used credentials', 'when credentials were last used could not be noted', {
          credentials: uses.length,
        });
      });
  }
}
