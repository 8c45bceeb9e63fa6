import { ask, prepared, type Queryable } from '#postgres';

/** What a statement saw, as PostgreSQL tells it: all transactions before `xmax` but those under way. */
export interface Snapshot {
  xmax: string;
  /** The transactions before `xmax` that were under way, separated by commas. */
  xip: string;
}

/** Where to look for the events of an environment: behind an id, and besides among what a snapshot has not seen. */
export interface WaitingPlace {
  after: number;
  unseenBy: Snapshot;
}

interface LookRow extends Snapshot {
  storage: string;
  environment_ids: string[];
  first_ids: number[];
}

/** What the statement sees that asks for it. */
export const snapshotColumns = `
         pg_snapshot_xmax(pg_current_snapshot())::text as xmax,
         array_to_string(array(select pg_snapshot_xip(pg_current_snapshot())), ',') as xip`;

// What is stored elsewhere from one look to the next was truncated, or put back from a backup.
const lookColumns = (events: string): string => `
  select pg_relation_filenode('event_outbox')::text as storage, ${snapshotColumns},
         coalesce(array_agg(w.environment_id), '{}') as environment_ids, coalesce(array_agg(w.first_id), '{}') as first_ids
    from (${events}) w`;

// A walk from environment to environment along the index, however many events each of them has.
const lookAtAll = prepared<LookRow>(
  'look_at_all_waiting_events',
  lookColumns(`
  with recursive waiting as (
    (select environment_id, id
       from event_outbox
      order by environment_id, id
      limit 1)
    union all
    select n.environment_id, n.id
      from waiting w
     cross join lateral (select o.environment_id, o.id
                           from event_outbox o
                          where o.environment_id > w.environment_id
                          order by o.environment_id, o.id
                          limit 1) n
  )
  select environment_id, id as first_id
    from waiting`),
);

// Two conditions, and not one with "or", and no others ("offset 0" keeps them out), so that each is asked of the index by transactions: by any
// other what has been taken out would be walked over.
const unseen = (xmax: string, xip: string): string => `
  (select environment_id, id
     from event_outbox
    where xid >= ${xmax}
   offset 0)
  union all
  (select environment_id, id
     from event_outbox
    where xid = any (string_to_array(${xip}, ',')::xid8[])
   offset 0)`;

const lookAtNew = prepared<LookRow>(
  'look_at_new_waiting_events',
  lookColumns(`
  select environment_id, min(id) as first_id
    from (${unseen('$1::xid8', '$2')}) o
   group by environment_id`),
);

/**
 * The ids of the events that wait in an environment, the first ones of them in any order: `feed` has its `environment_id` and its place. To be
 * taken in the order of ids.
 */
export const waitingIds = (feed: string, limit: string): string => `
  (select id
     from event_outbox
    where environment_id = ${feed}.environment_id
      and id > ${feed}.after
    order by id
    limit ${limit})
  union all
  select u.id
    from (${unseen(`${feed}.xmax`, `${feed}.xip`)}) u
   where u.environment_id = ${feed}.environment_id
     and u.id <= ${feed}.after`;

/**
 * Which environments have events that wait for positions, as one session of the database knows it. It remembers what it has seen, so that each
 * look costs as much as has come since the last, also where a snapshot that somebody keeps open holds all that was ever taken out.
 *
 * An event that has not been seen is of a transaction that the last look did not see: it was under way, or has begun since. Sequences of ids say
 * nothing of that: of two transactions the one with the greater ids may be committed first.
 */
export class WaitingEvents {
  readonly #places = new Map<string, WaitingPlace>();
  #last: { snapshot: Snapshot; storage: string } | undefined;

  /** To be called once in a session. */
  async begin(session: Queryable): Promise<void> {
    // Its statistics say that the table is empty, which it is nearly always: then PostgreSQL would read it whole, with all that was taken out.
    await ask(session, { text: 'set enable_seqscan = off' });
  }

  /** All environments that have something, or had when somebody else was at it. */
  async look(session: Queryable): Promise<ReadonlyMap<string, WaitingPlace>> {
    const last = this.#last;
    let [row] = last ? await lookAtNew.run(session, [last.snapshot.xmax, last.snapshot.xip]) : await lookAtAll.run(session, []);
    if (last && row?.storage !== last.storage) {
      this.#places.clear();
      [row] = await lookAtAll.run(session, []);
    }
    if (!row) throw new Error('a look answered no row');
    const { xmax, xip, storage } = row;
    for (const [i, environmentId] of row.environment_ids.entries()) {
      const first = row.first_ids[i];
      if (first !== undefined && !this.#places.has(environmentId))
        this.#places.set(environmentId, { after: first - 1, unseenBy: { xmax, xip } });
    }
    this.#last = { snapshot: { xmax, xip }, storage };
    return this.#places;
  }

  /** Of these environments everything that a snapshot saw was taken, but, where `left` says so, for what comes after an id. */
  taken(environmentIds: Iterable<string>, unseenBy: Snapshot, left: ReadonlyMap<string, number>): void {
    for (const environmentId of environmentIds) {
      const after = left.get(environmentId);
      if (after === undefined) this.#places.delete(environmentId);
      else this.#places.set(environmentId, { after, unseenBy });
    }
  }
}
