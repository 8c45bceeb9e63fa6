import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from './log';
import { createPool } from './postgres';

export interface DatabaseWatchOptions {
  databaseUrl: string;
  log: Logger;
  /** Where its gauges go. */
  registry: Registry;
  /** What `pg_stat_activity` shows. Default: `causeway watch`. */
  applicationName?: string;
  /** How often it looks. Default: 2 s. */
  everyMs?: number;
}

/** What /readyz says beside the state of each part: what somebody should see to, though nothing stops for it. */
export interface DatabaseNotices {
  database?: 'read_only';
  /** Of this process' clock: how far it is ahead of the database's, or behind (negative). */
  clock_skew_seconds?: number;
}

/**
 * Begins to look at a database, every two seconds: what time it is there, and whether it takes writes. Resolves once it has looked.
 *
 * A clock that is more than a minute from the database's is told of at once and every hour; that the database takes no writes when
 * it begins, and when it is over.
 */
export async function watchDatabase(options: DatabaseWatchOptions): Promise<DatabaseWatch> {
  const watch = new DatabaseWatch(options);
  await watch.look();
  watch.start();
  return watch;
}

const toleratedMs = 60_000;
const tellAgainAfterMs = 3_600_000;

export class DatabaseWatch {
  readonly #pool: pg.Pool;
  readonly #log: Logger;
  readonly #registry: Registry;
  readonly #everyMs: number;
  readonly #stopping = new AbortController();
  /** What the database's clock, and the one of this process that nobody can set, showed at the same moment. */
  #seen: { database: number; monotonic: number } | undefined;
  #readOnly = false;
  #toldOfClock = -Infinity;
  #watching: Promise<void> = Promise.resolve();

  constructor({ databaseUrl, log, registry, applicationName = 'causeway watch', everyMs = 2_000 }: DatabaseWatchOptions) {
    // A connection of its own: it must see what is so while all the others are in use. A new one every ten seconds, because that a
    // database takes no writes may hold for new connections alone.
    this.#pool = createPool(databaseUrl, {
      max: 1,
      applicationName,
      onError: () => {}, // whoever needs the database says that it is away
      maxLifetimeSeconds: 10,
      statementTimeoutMs: 5_000,
    });
    this.#log = log;
    this.#registry = registry;
    this.#everyMs = everyMs;
    this.#showGauges();
  }

  /** The present by the database's clock, in milliseconds since 1970. Until it has been asked once: by this process'. */
  readonly now = (): number => (this.#seen ? this.#seen.database + performance.now() - this.#seen.monotonic : Date.now());

  get readOnly(): boolean {
    return this.#readOnly;
  }

  get clockSkewSeconds(): number {
    return Math.round(Date.now() - this.now()) / 1_000;
  }

  notices(): DatabaseNotices {
    return {
      ...(this.#readOnly && { database: 'read_only' }),
      ...(this.#clockIsWrong && { clock_skew_seconds: this.clockSkewSeconds }),
    };
  }

  start(): void {
    this.#watching = this.#watch();
  }

  /** Asks now. A database that does not answer leaves things as they were. */
  async look(): Promise<void> {
    const asked = performance.now();
    const found = await this.#pool
      // In a transaction of its own this shows what the server, the database or the role imposes; on a standby it is always on.
      .query<{ now: Date; readOnly: boolean }>({
        name: 'look_at_database',
        text: `select clock_timestamp() as now, current_setting('transaction_read_only') = 'on' as "readOnly"`,
      })
      .catch(() => undefined);
    const [row] = found?.rows ?? [];
    if (!row) return;
    const answered = performance.now();
    // The answer is as old as half its way, give or take as much: one that was long under way tells less than the one before.
    if (!this.#seen || answered - asked < 1_000) this.#seen = { database: row.now.getTime(), monotonic: (asked + answered) / 2 };
    this.#tellOfClock();
    this.#tellOfWrites(row.readOnly);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    for (const name of gauges) this.#registry.removeSingleMetric(name);
    await this.#pool.end();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(this.#everyMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.look();
    }
  }

  get #clockIsWrong(): boolean {
    return Math.abs(Date.now() - this.now()) > toleratedMs;
  }

  #tellOfClock(): void {
    if (!this.#clockIsWrong) {
      if (this.#toldOfClock !== -Infinity) this.#log.info("this process' clock is right again");
      this.#toldOfClock = -Infinity;
    } else if (performance.now() - this.#toldOfClock > tellAgainAfterMs) {
      this.#toldOfClock = performance.now();
      this.#log.warn(
        { clock_skew_seconds: this.clockSkewSeconds },
        "this process' clock is more than a minute from the database's, by which all goes that is kept or forgotten: set it right",
      );
    }
  }

  #tellOfWrites(readOnly: boolean): void {
    if (readOnly && !this.#readOnly)
      this.#log.error('the database takes no writes (a standby, or a full disk): reads go on, and writes are answered 503');
    if (!readOnly && this.#readOnly) this.#log.error('the database takes writes again');
    this.#readOnly = readOnly;
  }

  #showGauges(): void {
    const registers = [this.#registry];
    // Of two watches in one process, as tests have them, the later one is shown.
    for (const name of gauges) this.#registry.removeSingleMetric(name);
    const skew: Gauge = new Gauge({
      name: 'causeway_clock_skew_seconds',
      help: "How far this process' clock is ahead of the database's; negative: behind",
      registers,
      collect: () => skew.set(this.clockSkewSeconds),
    });
    const writable: Gauge = new Gauge({
      name: 'causeway_database_writable',
      help: '1: the database takes writes; 0: it is a standby, or read-only',
      registers,
      collect: () => writable.set(this.#readOnly ? 0 : 1),
    });
  }
}

const gauges = ['causeway_clock_skew_seconds', 'causeway_database_writable'];
