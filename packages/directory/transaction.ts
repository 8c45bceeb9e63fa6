import type { Pool, PoolClient, QueryResultRow } from 'pg';
import { type Prepared, prepared } from './prepared';

/** What a writer must know of the directory that it writes to. Loaded with the credential, once for each request. */
export interface DirectoryScope {
  id: string;
  environmentId: string;
  organizationId: string;
  organizationExternalId: string | null;
}

/** The directory is gone: deleted while the request was on its way. */
export class DirectoryGone extends Error {
  constructor(readonly directoryId: string) {
    super('this directory has been deleted');
  }
}

/** An organization's seats were set while a change of its users was on its way: the change begins again, and locks them. */
export class SeatsWereSet extends Error {
  constructor() {
    super('the seats of the organization were set at this very moment');
  }
}

interface Head {
  sequence: number;
  active_users: number;
  now: Date;
}

const lockHead = prepared<Head>('lock_directory_head', `
  select h.sequence, h.active_users, date_trunc('milliseconds', clock_timestamp()) as now
    from directory_heads h
   where h.directory_id = $1
     for no key update`);

// No row where the organization has no limit: then its directories do not wait for one another.
const lockSeats = prepared<{ organization_id: string }>('lock_organization_seats', `
  select s.organization_id
    from organization_seats s
   where s.organization_id = $1
     for no key update`);

/**
 * One transaction on one directory, and the only handle that `appendEvents` accepts; only `inDirectory` makes one.
 *
 * `read` waits for rows. `write` does not: what a change writes travels together with its events and the commit, in one
 * round trip, and a refusal by a constraint comes out of `inDirectory` as the error of that statement.
 */
export class DirectoryTransaction {
  #locked: Promise<Head>;
  #head: Head | undefined;
  #writes: Promise<unknown>[] = [];
  #sequence = 0;
  #activeUsers = 0;
  #holdsSeats = false;

  constructor(
    readonly client: PoolClient,
    readonly directory: DirectoryScope,
    /** The SCIM or API request that causes the change; stands in its events. */
    readonly requestId: string | null,
    { seats }: Locks,
  ) {
    // Submitted first: whoever counts seats in another directory of the organization is waited for before this one is held.
    const seatsLocked = seats ? lockSeats.run(client, [directory.organizationId]) : [];
    this.#locked = Promise.all([lockHead.run(client, [directory.id]), seatsLocked]).then(([[head], locked]) => {
      if (!head) throw new DirectoryGone(directory.id);
      this.#head = head;
      this.#sequence = head.sequence;
      this.#activeUsers = head.active_users;
      this.#holdsSeats = locked.length > 0;
      return head;
    });
    this.#locked.catch(() => {}); // waited for below, by everyone who needs it
  }

  /** Waits until this transaction holds the directory. From then on every statement sees all that was committed. */
  async locked(): Promise<void> {
    await this.#locked;
  }

  /** The database's clock at the moment the directory was locked, so that times never run backwards within it. */
  get now(): Date {
    if (!this.#head) throw new Error('the directory is not locked yet: await locked() or a read first');
    return this.#head.now;
  }

  /** Whether the organization's seats are set, and locked by this transaction. */
  get holdsSeats(): boolean {
    return this.#holdsSeats;
  }

  /** How many users of the directory are active, by this transaction or before it. */
  get activeUsers(): number {
    return this.#activeUsers;
  }

  /** Counts a user who becomes active (1), or ceases to be or to exist (-1). Stored with the sequence: each is told by an event. */
  countActive(change: 1 | -1): void {
    this.#activeUsers += change;
  }

  /** The sequence of the last event appended, by this transaction or before it. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Draws the next `count` sequences; the first of them is returned. They are given back if the transaction fails. */
  drawSequences(count: number): number {
    const first = this.#sequence + 1;
    this.#sequence += count;
    return first;
  }

  /** Submitted behind the lock without waiting for it: the server runs them in order, each with a snapshot of its own. */
  read<Row extends QueryResultRow>(statement: Prepared<Row>, values: unknown[]): Promise<Row[]> {
    const rows = this.#afterLock(statement.run(this.client, values));
    rows.catch(() => {}); // whoever submits several may meet the refusal of another first
    return rows;
  }

  async #afterLock<Row>(rows: Promise<Row[]>): Promise<Row[]> {
    rows.catch(() => {});
    await this.#locked;
    try {
      return await rows;
    } catch (error) {
      await firstRefusal(this.#writes); // where an earlier write was refused, this read only met its aborted transaction
      throw error;
    }
  }

  write(statement: Prepared<QueryResultRow>, values: unknown[]): void {
    const done = statement.run(this.client, values);
    done.catch(() => {});
    this.#writes.push(done);
  }

  /** Waits for the writes so far: bounds what is in memory when a change writes in many batches. */
  async flush(): Promise<void> {
    const writes = this.#writes;
    this.#writes = [];
    await firstRefusal(writes);
  }

  /** For `inDirectory` alone. */
  async commit(): Promise<void> {
    const advanced = this.#sequence > (this.#head?.sequence ?? 0)
      ? [advanceHead.run(this.client, [this.directory.id, this.#sequence, this.#activeUsers])]
      : [];
    await firstRefusal([...this.#writes, ...advanced, this.client.query('commit')]);
  }
}

const advanceHead = prepared('advance_directory_head', `
  update directory_heads
     set sequence = $2,
         active_users = $3
   where directory_id = $1`);

/** Waits for all; throws the error of the first that failed, since the later ones only say that the transaction is aborted. */
async function firstRefusal(pending: Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(pending)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

/** What a transaction locks besides its directory. */
export interface Locks {
  /** The organization's seats, where it has any: for a change of who is active. Locked before the directory. */
  seats?: boolean;
}

const beginsAtMost = 5;

/**
 * Runs one change to one directory in one transaction.
 *
 * Takes the directory's head row first, so that the writers of one directory stand in line, whatever they touch: no two
 * of them can deadlock, and each sees everything that the one before it committed. Others wait for this transaction's
 * commit, so nothing slow may happen in it. Where an organization's seats are locked too, they are locked before.
 *
 * What `change` throws rolls everything back. It is run once, unless it throws SeatsWereSet: then it is begun again.
 */
export async function inDirectory<T>(
  pool: Pool,
  directory: DirectoryScope,
  requestId: string | null,
  change: (tx: DirectoryTransaction) => Promise<T>,
  locks: Locks = {},
): Promise<T> {
  for (let begun = 1; ; begun += 1) {
    try {
      return await runInDirectory(pool, directory, requestId, change, locks);
    } catch (error) {
      if (!(error instanceof SeatsWereSet) || begun === beginsAtMost) throw error;
    }
  }
}

async function runInDirectory<T>(
  pool: Pool,
  directory: DirectoryScope,
  requestId: string | null,
  change: (tx: DirectoryTransaction) => Promise<T>,
  locks: Locks,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const begun = client.query('begin');
    begun.catch(() => {});
    const tx = new DirectoryTransaction(client, directory, requestId, locks);
    try {
      await begun;
      const result = await change(tx);
      await tx.locked();
      await tx.commit();
      return result;
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => { broken = failure; });
      throw error;
    }
  } finally {
    client.release(broken);
  }
}
