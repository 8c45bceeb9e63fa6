import type { Pool, PoolClient } from 'pg';
import { alwaysTold, DatabaseSetBack, endsBefore, epochColumns, epochOf, type EpochRow, type FeedEpoch, type LogMemory } from '#directory';
import type { Bell } from './drain';
import { inTransactionOn, isOutage, prepared } from '#postgres';
import { snapshotColumns, WaitingEvents, waitingIds, type WaitingPlace } from './waiting-events';

/** What one batch did. */
export interface SequencedBatch {
  /** The environments whose log has grown. */
  environmentIds: string[];
  events: number;
  /** How long the oldest of them had waited, in milliseconds. */
  oldestMs: number;
  /** Lanes that have work now and that nobody has been told of. */
  bells: Bell[];
  /** More may be waiting. */
  full: boolean;
}

// "no key", or every writer whose rows refer to this one would wait. Skipped: another sequencer is at it.
const lockFeeds = prepared<{ environment_id: string; position: number } & EpochRow>(
  'lock_feeds',
  `
  select h.environment_id, h.position, ${epochColumns}
    from feed_heads h
   where h.environment_id = any ($1::uuid[])
   order by h.environment_id
     for no key update skip locked`,
);

interface BatchRow {
  environment_ids: string[];
  events: number;
  oldest_ms: number;
  bells: { endpoint_id: string; directory_id: string; slow: boolean }[];
  /** The last event of each environment, and how many were taken. */
  ends: { environment_id: string; position: number; id: string; outbox_id: number; taken: number }[];
  xmax: string;
  xip: string;
}

// It must see all that was committed while the lock was waited for, so it is a statement of its own, in read committed.
// Within a directory the ids of the outbox rise with the sequences, and what is visible of it has no hole: the next sequence is
// drawn only after the one before it is committed. So to number by id is to number in order.
const sequence = prepared<
  BatchRow,
  { environmentIds: string[]; positions: number[]; afters: number[]; xmaxs: string[]; xips: string[]; limit: number }
>(
  'sequence_events',
  `
  with feeds as (
    select *
      from unnest(:environmentIds::uuid[], :positions::bigint[], :afters::bigint[], :xmaxs::xid8[], :xips::text[])
           as f (environment_id, position, after, xmax, xip)
  ), batch as (
    delete from event_outbox
     where id = any (array(select p.id
                             from feeds f
                            cross join lateral (select o.id
                                                  from (${waitingIds('f', ':limit')}) o
                                                 order by o.id
                                                 limit :limit) p))
    returning id, environment_id, organization_id, directory_id, sequence, event_id, type, created_at
  ), numbered as (
    select b.*, f.position + row_number() over (partition by b.environment_id order by b.id) as position
      from batch b
      join feeds f on f.environment_id = b.environment_id
  ), feed as (
    insert into event_feed (environment_id, position, organization_id, directory_id, sequence, event_id, type)
    select environment_id, position, organization_id, directory_id, sequence, event_id, type
      from numbered
  ), advanced as (
    update feed_heads h
       set position = n.last
      from (select environment_id, max(position) as last from numbered group by environment_id) n
     where h.environment_id = n.environment_id
  ), kinds as (
    select environment_id, organization_id, directory_id, type, min(sequence) as first, max(sequence) as last
      from batch
     group by environment_id, organization_id, directory_id, type
  ), published as (
    insert into directory_published (directory_id, environment_id, organization_id, sequence)
    select directory_id, environment_id, organization_id, max(last)
      from kinds
     group by directory_id, environment_id, organization_id
    on conflict (directory_id) do update
       set sequence = excluded.sequence
  ), owed as (
    -- Disabled endpoints too: they keep their place, and enabling one again needs nothing.
    select e.id as endpoint_id, k.directory_id, e.environment_id, min(k.first) as first, max(k.last) as last,
           e.disabled_at is null and e.open_since is null as rings
      from kinds k
      join webhook_endpoints e on e.environment_id = k.environment_id
     where e.deleted_at is null
       and (e.organization_id is null or e.organization_id = k.organization_id)
       and (e.event_types is null or k.type = any (e.event_types) or k.type = '${alwaysTold}')
     group by e.id, k.directory_id
  ), marked as (
    -- A lane that is not there yet begins before the first event that it owes: all earlier ones were not owed, or there
    -- would be one. In the order of their key, as everybody locks lanes.
    insert into lanes as l (endpoint_id, directory_id, environment_id, start_sequence, cursor_sequence, head_sequence, next_attempt_at, enqueued_at)
    select endpoint_id, directory_id, environment_id, first - 1, first - 1, last, now(), case when rings then now() end
      from owed
     order by endpoint_id, directory_id
    on conflict (endpoint_id, directory_id) do update
       set head_sequence = greatest(l.head_sequence, excluded.head_sequence),
           next_attempt_at = coalesce(l.next_attempt_at, excluded.next_attempt_at),
           enqueued_at = case when l.enqueued_at is null and l.leased = 0 and coalesce(l.next_attempt_at, now()) <= now()
                              then excluded.enqueued_at
                              else l.enqueued_at end
    returning l.endpoint_id, l.directory_id, l.enqueued_at
  )
  select coalesce(array_agg(distinct b.environment_id), '{}') as environment_ids,
         count(*) as events,
         coalesce(extract(epoch from clock_timestamp() - min(b.created_at)) * 1000, 0)::float8 as oldest_ms,
         (select coalesce(json_agg(e), '[]')
            from (select distinct on (environment_id) environment_id, position, event_id as id, id as outbox_id,
                         count(*) over (partition by environment_id) as taken
                    from numbered
                   order by environment_id, position desc) e) as ends,
         ${snapshotColumns},
         (select coalesce(json_agg(json_build_object('endpoint_id', m.endpoint_id, 'directory_id', m.directory_id,
                                                     'slow', coalesce(e.slow_until > now(), false))), '[]')
            from marked m
            join webhook_endpoints e on e.id = m.endpoint_id
           where m.enqueued_at = now()) as bells
    from batch b`,
);

export interface SequenceOptions {
  /** At most so many for each environment. */
  limit?: number;
  /** What this process has seen of the logs. */
  memory?: LogMemory | undefined;
  /** What this process has seen of the events that wait, in each of its sessions. */
  waiting?: WeakMap<PoolClient, WaitingEvents>;
}

/**
 * Gives the committed events of all environments their positions, and marks the lanes that owe them, in one transaction. `undefined`
 * where nothing waits, or others are at it.
 *
 * Any number of processes may call it at once: an environment's positions are given under the lock of its feed head, which is
 * held to the commit, so positions become visible in their order.
 */
export async function sequenceBatch(pool: Pool, options: SequenceOptions = {}): Promise<SequencedBatch | undefined> {
  const { limit = 500, memory, waiting = new WeakMap<PoolClient, WaitingEvents>() } = options;
  if (memory?.isSetBack) throw new DatabaseSetBack();
  const client = await pool.connect();
  let failure: unknown;
  try {
    // What was seen in another session may be another database's by now.
    const ofSession = waiting.get(client) ?? new WaitingEvents();
    if (!waiting.has(client)) await ofSession.begin(client);
    waiting.set(client, ofSession);
    return await sequenceWaiting({ client, waiting: ofSession, limit, memory });
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    client.release(failure instanceof DatabaseSetBack || isOutage(failure));
  }
}

interface Session {
  client: PoolClient;
  waiting: WaitingEvents;
  limit: number;
  memory: LogMemory | undefined;
}

async function sequenceWaiting(session: Session): Promise<SequencedBatch | undefined> {
  const places = new Map(await session.waiting.look(session.client));
  if (places.size === 0) return undefined;
  try {
    return await sequenceEnvironments(session, places);
  } catch (error) {
    // One environment that cannot be served, for whatever reason, must not hold up the others.
    if (places.size === 1 || error instanceof DatabaseSetBack) throw error;
    return await eachByItself(session, places);
  }
}

async function sequenceEnvironments(session: Session, places: ReadonlyMap<string, WaitingPlace>): Promise<SequencedBatch | undefined> {
  const { client, waiting, limit, memory } = session;
  let feeds: { environmentId: string; epoch: FeedEpoch; position: number; place: WaitingPlace }[] = [];
  const batch = await inTransactionOn(client, async () => {
    const locked = await lockFeeds.run(client, [[...places.keys()]]);
    feeds = locked.flatMap((row) => {
      const place = places.get(row.environment_id);
      return place ? [{ environmentId: row.environment_id, epoch: epochOf(row), position: row.position, place }] : [];
    });
    if (feeds.length === 0) return undefined;
    // Positions that others have seen are not given a second time.
    if (feeds.some(({ environmentId, epoch, position }) => endsBefore({ epoch, head: position }, memory?.seenOf(environmentId))))
      throw new DatabaseSetBack();
    const [row] = await sequence.run(client, {
      environmentIds: feeds.map(({ environmentId }) => environmentId),
      positions: feeds.map(({ position }) => position),
      afters: feeds.map(({ place }) => place.after),
      xmaxs: feeds.map(({ place }) => place.unseenBy.xmax),
      xips: feeds.map(({ place }) => place.unseenBy.xip),
      limit,
    });
    return row;
  });
  if (!batch) return undefined;

  const left = new Map(batch.ends.filter(({ taken }) => taken >= limit).map((end) => [end.environment_id, end.outbox_id]));
  waiting.taken(
    feeds.map(({ environmentId }) => environmentId),
    batch,
    left,
  );
  const epochs = new Map(feeds.map(({ environmentId, epoch }) => [environmentId, epoch]));
  for (const { environment_id: environmentId, ...end } of batch.ends) {
    const epoch = epochs.get(environmentId);
    if (epoch) memory?.noteEvents(environmentId, epoch, [end]);
  }
  // Events may have been taken by another sequencer between the look and the lock.
  if (batch.events === 0) return undefined;
  return {
    environmentIds: batch.environment_ids,
    events: batch.events,
    oldestMs: batch.oldest_ms,
    bells: batch.bells.map((bell) => ({ endpointId: bell.endpoint_id, directoryId: bell.directory_id, slow: bell.slow })),
    full: left.size > 0,
  };
}

async function eachByItself(session: Session, places: ReadonlyMap<string, WaitingPlace>): Promise<SequencedBatch | undefined> {
  const whole: SequencedBatch = { environmentIds: [], events: 0, oldestMs: 0, bells: [], full: false };
  const failures: unknown[] = [];
  for (const one of places) {
    try {
      const batch = await sequenceEnvironments(session, new Map([one]));
      if (!batch) continue;
      whole.environmentIds.push(...batch.environmentIds);
      whole.bells.push(...batch.bells);
      whole.events += batch.events;
      whole.oldestMs = Math.max(whole.oldestMs, batch.oldestMs);
      whole.full ||= batch.full;
    } catch (error) {
      failures.push(error);
    }
  }
  // Told only where nothing was done: the rest is told when nothing else waits, and what was done must be rung for.
  if (whole.events === 0 && failures.length > 0)
    throw new AggregateError(failures, 'events of some environments could not be given positions');
  return whole.events === 0 ? undefined : whole;
}

export interface SequencerOptions {
  pool: Pool;
  /** What this process has seen of the logs: in a database that was set back no positions are given before a new epoch. */
  memory?: LogMemory;
  /** Told of each batch once it is committed: to ring, to wake those who wait, to count. */
  onBatch: (batch: SequencedBatch) => void;
  onError: (error: unknown) => void;
}

// Half of it is what an event waits on average. Busy: something came within the last two seconds.
const busyPollMs = 20;
const idlePollMs = 75;
const busyForMs = 2_000;
const afterErrorMs = 1_000;

/** Sequences as long as it runs. No leader is needed: sequencers that meet step aside for each other. */
export class Sequencer {
  readonly #waiting = new WeakMap<PoolClient, WaitingEvents>();
  #running: Promise<void> | undefined;
  #stopping = false;
  #rest: { timer: NodeJS.Timeout; end: () => void } | undefined;

  constructor(private readonly options: SequencerOptions) {}

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends after the batch that is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.wake();
    await this.#running;
  }

  /** Has it look now. */
  wake(): void {
    if (!this.#rest) return;
    clearTimeout(this.#rest.timer);
    this.#rest.end();
  }

  async #run(): Promise<void> {
    let lastBatchAt = -Infinity;
    while (!this.#stopping) {
      let restMs = performance.now() - lastBatchAt < busyForMs ? busyPollMs : idlePollMs;
      try {
        const batch = await sequenceBatch(this.options.pool, { memory: this.options.memory, waiting: this.#waiting });
        if (batch) {
          lastBatchAt = performance.now();
          restMs = batch.full ? 0 : busyPollMs;
          this.options.onBatch(batch);
        }
      } catch (error) {
        this.options.onError(error);
        restMs = afterErrorMs;
      }
      if (restMs > 0 && !this.#stopping) await this.#sleep(restMs);
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#rest = undefined;
        resolve();
      };
      this.#rest = { timer: setTimeout(end, ms), end };
    });
  }
}
