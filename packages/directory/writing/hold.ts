import type { PoolClient, QueryResultRow } from 'pg';
import { type Prepared, prepared, type Transaction } from '#postgres';
import { DatabaseSetBack, type LogMemory } from './log-memory';
import type { KnownRules } from './known-rules';

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
  epoch: string;
  active_users: number;
  now: Date;
}

export const lockHead = prepared<Head>(
  'lock_directory_head',
  `
  select h.sequence, h.active_users,
         -- Of a directory that an older release has made: in the epoch of its environment.
         coalesce(h.epoch, (select f.epoch_name
                              from directories d
                              join feed_heads f on f.environment_id = d.environment_id
                             where d.id = h.directory_id), '1') as epoch,
         date_trunc('milliseconds', clock_timestamp()) as now
    from directory_heads h
   where h.directory_id = $1
     for no key update`,
);

// No row where the organization has no limit: then its directories do not wait for one another.
const lockSeats = prepared<{ organization_id: string }>(
  'lock_organization_seats',
  `
  select s.organization_id
    from organization_seats s
   where s.organization_id = $1
     for no key update`,
);

/** A change cannot share its transaction with others: it is begun again in one of its own. */
export class MustBeAlone extends Error {
  constructor() {
    super('this change needs a transaction of its own');
  }
}

/**
 * A transaction that holds one directory: its client, its lock, and what is counted under it. One change is made in it, or
 * several that waited for the directory at the same time (`Line`).
 */
export class Hold {
  readonly #locked: Promise<Head>;
  #head: Head | undefined;
  #writes: Promise<unknown>[] = [];
  #events: AppendedEvent[] = [];
  /** How far the events have been written. */
  #written = 0;
  sequence = 0;
  activeUsers = 0;
  holdsSeats = false;

  constructor(
    private readonly begun: Transaction<PoolClient>,
    readonly known: KnownRules,
    readonly memory: LogMemory,
    readonly directory: DirectoryScope,
    /** Whether several changes are made in it. */
    readonly isShared: boolean,
    { seats }: Locks,
  ) {
    const { client } = begun;
    // Submitted first: whoever counts seats in another directory of the organization is waited for before this one is held.
    const seatsLocked = seats ? lockSeats.run(client, [directory.organizationId]) : [];
    this.#locked = Promise.all([lockHead.run(client, [directory.id]), seatsLocked]).then(([[head], locked]) => {
      if (!head) throw new DirectoryGone(directory.id);
      if (memory.isAheadOfDirectory(directory.id, head)) throw new DatabaseSetBack();
      this.#head = head;
      this.#written = head.sequence;
      this.sequence = head.sequence;
      this.activeUsers = head.active_users;
      this.holdsSeats = locked.length > 0;
      return head;
    });
    this.#locked.catch(() => {}); // waited for below, by everyone who needs it
  }

  get client(): PoolClient {
    return this.begun.client;
  }

  async locked(): Promise<void> {
    await this.#locked;
  }

  get now(): Date {
    if (!this.#head) throw new Error('the directory is not locked yet: await locked() or a read first');
    return this.#head.now;
  }

  async read<Row extends QueryResultRow, Values extends object>(statement: Prepared<Row, Values>, values: Values): Promise<Row[]> {
    const rows = statement.run(this.client, values);
    rows.catch(() => {});
    await this.#locked;
    try {
      return await rows;
    } catch (error) {
      await firstRefusal(this.#writes); // where an earlier write was refused, this read only met its aborted transaction
      throw error;
    }
  }

  write<Values extends object>(statement: Prepared<QueryResultRow, Values>, values: Values): void {
    const done = statement.run(this.client, values);
    done.catch(() => {});
    this.#writes.push(done);
  }

  append(events: AppendedEvent[]): void {
    this.#events.push(...events);
  }

  async flush(): Promise<void> {
    this.#writeEvents();
    const writes = this.#writes;
    this.#writes = [];
    await firstRefusal(writes);
  }

  async commit(): Promise<void> {
    await this.#locked;
    this.#writeEvents();
    await firstRefusal([...this.#writes, this.begun.commit()]);
    const { id, environmentId } = this.directory;
    if (this.#head) this.memory.noteSequence(id, { environmentId, epoch: this.#head.epoch, sequence: this.sequence });
  }

  /** All that were appended since the last time, and how far the directory has come by them, in one statement. */
  #writeEvents(): void {
    const events = this.#events;
    if (this.sequence === this.#written) return;
    this.#events = [];
    this.#written = this.sequence;
    const { id, environmentId, organizationId } = this.directory;
    this.write(insertEvents, {
      environmentId,
      organizationId,
      directoryId: id,
      now: this.now,
      sequence: this.sequence,
      activeUsers: this.activeUsers,
      ids: events.map((event) => event.id),
      sequences: events.map((event) => event.sequence),
      types: events.map((event) => event.type),
      data: events.map((event) => event.data),
      requestIds: events.map((event) => event.requestId),
      organizationExternalIds: events.map((event) => event.organizationExternalId),
      epoch: this.#head?.epoch ?? null,
    });
  }
}

/** An event as it is written: `data` is the text of its JSON. */
export interface AppendedEvent {
  id: string;
  sequence: number;
  type: string;
  data: string;
  requestId: string | null;
  organizationExternalId: string | null;
}

const insertEvents = prepared<
  never,
  {
    environmentId: string;
    organizationId: string;
    directoryId: string;
    now: Date;
    sequence: number;
    activeUsers: number;
    ids: string[];
    sequences: number[];
    types: string[];
    data: string[];
    requestIds: (string | null)[];
    organizationExternalIds: (string | null)[];
    epoch: string | null;
  }
>(
  'insert_events',
  `
  with drafts as (
    select *
      from unnest(:ids::uuid[], :sequences::bigint[], :types::text[], :data::text[], :requestIds::uuid[], :organizationExternalIds::text[]) as d (id, sequence, type, data, request_id, organization_external_id)
  ), logged as (
    insert into events (id, environment_id, organization_id, organization_external_id, directory_id, sequence, type, occurred_at, request_id, data, bytes, epoch)
    select d.id, :environmentId, :organizationId, d.organization_external_id, :directoryId, d.sequence, d.type, :now, d.request_id, d.data::json, octet_length(d.data), :epoch::text
      from drafts d
  ), advanced as (
    update directory_heads
       set sequence = :sequence,
           active_users = :activeUsers
     where directory_id = :directoryId
  )
  insert into event_outbox (environment_id, organization_id, directory_id, sequence, event_id, type, created_at)
  select :environmentId, :organizationId, :directoryId, d.sequence, d.id, d.type, clock_timestamp()
    from drafts d
   order by d.sequence`,
);

/**
 * One change to one directory, and the only handle that `appendEvents` accepts; only `inDirectory` makes one.
 *
 * `read` waits for rows. `write` does not: what a change writes travels together with its events and the commit, in one
 * round trip, and a refusal by a constraint comes out of `inDirectory` as the error of that statement.
 */
export class DirectoryTransaction {
  readonly #hold: Hold;
  readonly #company: SharedReads;
  #hasChanged = false;

  constructor(
    hold: Hold,
    readonly directory: DirectoryScope,
    /** The SCIM or API request that causes the change; stands in its events. */
    readonly requestId: string | null,
    /** The same for all who are made side by side. */
    company = new SharedReads(),
  ) {
    this.#hold = hold;
    this.#company = company;
  }

  /** What the process knows of the rules already. */
  get known(): KnownRules {
    return this.#hold.known;
  }

  /**
   * Reads what the directory's own rows say: once for all who are made side by side, since what one of them has read holds for
   * the others.
   */
  readOnce<T>(read: (tx: DirectoryTransaction) => Promise<T>): Promise<T> {
    return this.#company.once(read, this);
  }

  get client(): PoolClient {
    return this.#hold.client;
  }

  /** Waits until this transaction holds the directory. From then on every statement sees all that was committed. */
  async locked(): Promise<void> {
    await this.#hold.locked();
  }

  /** The database's clock at the moment the directory was locked, so that times never run backwards within it. */
  get now(): Date {
    return this.#hold.now;
  }

  /** Whether other changes are made in the same transaction: then what they have counted may not be in the database yet. */
  get isShared(): boolean {
    return this.#hold.isShared;
  }

  /** Whether the organization's seats are set, and locked by this transaction. */
  get holdsSeats(): boolean {
    return this.#hold.holdsSeats;
  }

  /** Whether the change has written, counted or drawn anything: then it cannot fail without taking the others of its transaction with it. */
  get hasChanged(): boolean {
    return this.#hasChanged;
  }

  /** How many users of the directory are active, by this transaction or before it. */
  get activeUsers(): number {
    return this.#hold.activeUsers;
  }

  /** Counts a user who becomes active (1), or ceases to be or to exist (-1). Stored with the sequence: each is told by an event. */
  countActive(change: 1 | -1): void {
    this.#hasChanged = true;
    this.#hold.activeUsers += change;
  }

  /** The sequence of the last event appended, by this transaction or before it. */
  get sequence(): number {
    return this.#hold.sequence;
  }

  /** Draws the next `count` sequences; the first of them is returned. They are given back if the transaction fails. */
  drawSequences(count: number): number {
    this.#hasChanged = true;
    const first = this.#hold.sequence + 1;
    this.#hold.sequence += count;
    return first;
  }

  /** Submitted behind the lock without waiting for it: the server runs them in order, each with a snapshot of its own. */
  read<Row extends QueryResultRow, Values extends object>(statement: Prepared<Row, Values>, values: Values): Promise<Row[]> {
    const rows = this.#hold.read(statement, values);
    rows.catch(() => {}); // whoever submits several may meet the refusal of another first
    return rows;
  }

  /** The same for a statement that changes what it answers. */
  writeAndRead<Row extends QueryResultRow, Values extends object>(statement: Prepared<Row, Values>, values: Values): Promise<Row[]> {
    this.#hasChanged = true;
    return this.read(statement, values);
  }

  write<Values extends object>(statement: Prepared<QueryResultRow, Values>, values: Values): void {
    this.#hasChanged = true;
    this.#hold.write(statement, values);
  }

  /** For `appendEvents` alone. */
  append(events: Pick<AppendedEvent, 'id' | 'sequence' | 'type' | 'data'>[]): void {
    const {
      requestId,
      directory: { organizationExternalId },
    } = this;
    this.#hold.append(events.map((event) => ({ ...event, requestId, organizationExternalId })));
  }

  /** Waits for the writes so far: bounds what is in memory when a change writes in many batches. */
  async flush(): Promise<void> {
    await this.#hold.flush();
  }
}

/** What changes that are made side by side have read of the directory's own rows. */
export class SharedReads {
  readonly #read = new Map<unknown, Promise<unknown>>();

  once<T>(read: (tx: DirectoryTransaction) => Promise<T>, tx: DirectoryTransaction): Promise<T> {
    let result = this.#read.get(read) as Promise<T> | undefined; // what stands under a function is what it gave
    if (!result) {
      result = read(tx);
      result.catch(() => {}); // whoever asks early may meet the refusal of something else first
      this.#read.set(read, result);
    }
    return result;
  }
}

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

/** How a change gets along with others that wait for the same directory. */
export interface Company extends Locks {
  /** The one thing that it reads and changes, and nothing else of the directory: changes of others may be under way beside it. */
  only?: string;
}
