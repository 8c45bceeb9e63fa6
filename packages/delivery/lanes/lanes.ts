import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { EventType } from '#directory';
import type { AttemptRecord } from '../attempt/attempt';
import type { Ordering } from '../endpoint/endpoint';
import { Grouped } from './grouped';
import { leaseSeconds } from './lease';
import { inOneFlush, prepared } from '#postgres';

export interface LaneName {
  endpointId: string;
  directoryId: string;
}

/** A lane that this process holds: it alone sends, until its lease ends. */
export interface HeldLane extends LaneName {
  environmentId: string;
  epoch: number;
  /** Events up to this sequence are done with. */
  cursor: number;
  /** The last event owed, as far as is known. */
  head: number;
  /** Of the event at the front: failed attempts, those of them that were its own fault, and since when. */
  attempt: number;
  refusals: number;
  refusedSince: Date | null;
  /** How many requests may be under way in it. More than one only where order does not matter. */
  units: number;
  ordering: Ordering;
  /** Of the endpoint. */
  version: number;
  /** The endpoint's breaker is open and this is its probe. */
  probing: boolean;
  /** When the lease was last renewed, by performance.now(). */
  renewedAt: number;
  /** The database's time: this, plus performance.now(). */
  clockMs: number;
}

/** `crowded`: it is due, but its endpoint has as many requests under way as it may. */
export type Claim = { kind: 'held'; lane: HeldLane } | { kind: 'nothing' } | { kind: 'crowded' };

/** An event that leaves its lane undelivered. From then on it is an aside. */
export interface SetAside {
  eventId: string;
  sequence: number;
  position: number;
  type: EventType;
  state: 'waiting' | 'parked';
  refusals: number;
  /** Until it is tried again. */
  delaySeconds: number;
}

export interface Ack {
  lane: HeldLane;
  /** Everything up to it is done with. */
  sequence: number;
  /** Nothing is known to come after it: the lane is let go unless something has. */
  last: boolean;
  /** Let it go in any case, so that others have their turn. */
  yield: boolean;
  attempts: AttemptRecord[];
  setAside: SetAside[];
}

export type Acked =
  /** Somebody else holds the lane by now, or its cursor was set elsewhere: nothing was written. */
  | { kind: 'fenced' }
  | {
      kind: 'acked';
      head: number;
      /** False: it was let go. */
      held: boolean;
      /** Something is owed still; where it was let go, somebody must be told. */
      more: boolean;
      /** Another lane of the endpoint is due and nobody holds it. Known only where the lane was let go. */
      othersWait: boolean;
      version: number;
      /** The endpoint's row remembers failures, or has not heard of a success for a while. */
      successIsNews: boolean;
    };

/** The lanes in PostgreSQL, where the truth is: claim, renew, ack, fail, let go. Only the holder of the newest epoch writes. */
export class Lanes {
  readonly #claims: Grouped<Wanted, Claim>;
  readonly #acks: Grouped<Ack, Acked>;

  constructor(private readonly pool: Pool) {
    this.#claims = new Grouped((wanted) => claimLanes(pool, wanted), { atOnce: 2, items: 100 });
    // One at a time: while it waits for the disk, the next one gathers.
    this.#acks = new Grouped((acks) => ackLanes(pool, acks), { atOnce: 1, items: 100 });
  }

  claim(name: LaneName): Promise<Claim> {
    return this.#claims.submit(name);
  }

  /** Claims the lane of an endpoint that has waited the longest. */
  claimNext(endpointId: string): Promise<Claim> {
    return this.#claims.submit({ endpointId, directoryId: undefined });
  }

  /**
   * Moves a lane's cursor and records what led to it, in one transaction that other lanes' acks may share.
   *
   * Tried again by itself where the database could not be asked: what is not acked is sent a second time. An ack that had
   * arrived after all finds the cursor moved, and is fenced.
   */
  async ack(ack: Ack): Promise<Acked> {
    try {
      return await this.#acks.submit(ack);
    } catch {
      return await this.#ackAlone(ack);
    }
  }

  async #ackAlone(ack: Ack): Promise<Acked> {
    for (const waitMs of [0, 200, 800]) {
      try {
        if (waitMs > 0) await delay(waitMs);
        const [acked] = await ackLanes(this.pool, [ack]);
        if (acked) return acked;
      } catch {
        // Once more, and the last time for whoever is to hear why.
      }
    }
    await delay(2_000);
    const [acked] = await ackLanes(this.pool, [ack]);
    return acked ?? { kind: 'fenced' };
  }

  /** False: the lane is not ours any more. */
  async renew(lane: HeldLane): Promise<boolean> {
    const renewed = await renewLease.run(this.pool, [lane.endpointId, lane.directoryId, lane.epoch, lane.cursor]);
    lane.renewedAt = performance.now();
    return renewed.length > 0;
  }

  /**
   * Records a failed attempt of the event at the front, and lets the lane go until it is tried again. False: fenced.
   *
   * `heldBack`: it waits for nothing but the endpoint, and may go on as soon as that answers again.
   */
  async fail(
    lane: HeldLane,
    failure: { record: AttemptRecord; refused: boolean; heldBack: boolean; delaySeconds: number },
  ): Promise<boolean> {
    const { record } = failure;
    const failed = await failLane.run(this.pool, {
      endpointId: lane.endpointId,
      directoryId: lane.directoryId,
      epoch: lane.epoch,
      cursor: lane.cursor,
      refused: failure.refused,
      heldBack: failure.heldBack,
      delaySeconds: failure.delaySeconds,
      id: record.id,
      eventId: record.eventId,
      at: record.at,
      status: record.status,
      durationMs: record.durationMs,
      error: record.error,
      responseBody: record.responseBody,
    });
    return failed.length > 0;
  }

  /** Lets a lane go as it is. Does nothing where somebody else holds it. */
  async release(lane: HeldLane): Promise<void> {
    await releaseLane.run(this.pool, [lane.endpointId, lane.directoryId, lane.epoch]);
  }
}

/** Without a directory: whichever lane of the endpoint has waited the longest. */
interface Wanted {
  endpointId: string;
  directoryId: string | undefined;
}

// As many for each endpoint as are asked for: lanes that end together must not all go for the same one.
const longestWaiting = prepared<{ endpoint_id: string; directory_id: string }>(
  'longest_waiting_lanes',
  `
  select w.endpoint_id, l.directory_id
    from unnest($1::uuid[], $2::int[]) as w (endpoint_id, lanes)
   cross join lateral (select n.directory_id
                         from lanes n
                        where n.endpoint_id = w.endpoint_id
                          and n.next_attempt_at <= now()
                          and (n.leased = 0 or n.lease_until < now())
                        order by n.next_attempt_at
                        limit w.lanes) l`,
);

// Those who claim lanes of one endpoint stand in line here, so that what the next statement counts stays true until the
// commit. "no key": whoever inserts a lane, the sequencer that is, does not wait.
const lockEndpoints = prepared(
  'lock_webhook_endpoints',
  `
  select id
    from webhook_endpoints
   where id = any ($1::uuid[])
   order by id
     for no key update`,
);

interface ClaimRow {
  endpoint_id: string;
  directory_id: string;
  environment_id: string;
  admitted: boolean;
  lease_epoch: number;
  cursor_sequence: number;
  head_sequence: number;
  attempt: number;
  refusals: number;
  refused_since: Date | null;
  units: number;
  ordering: Ordering;
  version: number;
  probing: boolean;
  now: Date;
}

// Lanes are locked in the order of their key by everybody who locks several, so that nobody waits in a circle. One that finds
// its endpoint busy loses its doorbell and is rung again by whoever lets a lane go, or by the sweep.
const claim = prepared<ClaimRow>(
  'claim_lanes',
  `
  with wanted as materialized (
    select l.endpoint_id, l.directory_id, l.next_attempt_at, l.attempt, l.head_sequence - l.cursor_sequence as pending
      from unnest($1::uuid[], $2::uuid[]) as w (endpoint_id, directory_id)
      join lanes l on l.endpoint_id = w.endpoint_id and l.directory_id = w.directory_id
     where l.next_attempt_at <= now()
       and (l.leased = 0 or l.lease_until < now())
     order by l.endpoint_id, l.directory_id
       for no key update of l
  ), endpoints as (
    select e.id, e.version, e.ordering,
           e.open_since is not null as probing,
           case when e.open_since is null then least(e.max_parallel, e.admitted) else 1 end as capacity,
           (select coalesce(sum(b.leased), 0)
              from lanes b
             where b.endpoint_id = e.id
               and b.leased > 0
               and b.lease_until > now())
           + (select count(*)
                from delivery_exceptions x
               where x.endpoint_id = e.id
                 and x.next_attempt_at is not null
                 and x.lease_until > now()) as busy
      from webhook_endpoints e
     where e.id = any ($1::uuid[])
       and e.disabled_at is null
       and e.deleted_at is null
       and (e.open_since is null or e.next_probe_at <= now())
  ), sized as (
    select w.*, e.version, e.ordering, e.probing, e.capacity - e.busy as free,
           case e.ordering when 'none' then least(w.pending, greatest(1, e.capacity / 2)) else 1 end as units
      from wanted w
      join endpoints e on e.id = w.endpoint_id
  ), ranked as (
    select s.*,
           -- A probe by an event that has not failed yet says the most.
           sum(s.units) over (partition by s.endpoint_id
                              order by s.probing and s.attempt > 0, s.next_attempt_at, s.directory_id) <= s.free as admitted
      from sized s
  )
  update lanes l
     set leased = case when r.admitted then r.units else 0 end,
         lease_until = case when r.admitted then clock_timestamp() + interval '${leaseSeconds} seconds' end,
         lease_epoch = l.lease_epoch + 1,
         enqueued_at = case when r.admitted then l.enqueued_at end
    from ranked r
   where l.endpoint_id = r.endpoint_id
     and l.directory_id = r.directory_id
  returning l.endpoint_id, l.directory_id, l.environment_id, r.admitted, l.lease_epoch, l.cursor_sequence, l.head_sequence, l.attempt, l.refusals,
            l.refused_since, r.units, r.ordering, r.version, r.probing, clock_timestamp() as now`,
);

async function claimLanes(pool: Pool, wanted: Wanted[]): Promise<Claim[]> {
  const names = await namesOf(pool, wanted);
  const endpointIds = [...new Set(names.map(({ endpointId }) => endpointId))];
  const rows =
    names.length === 0
      ? []
      : await inOneFlush(pool, async (client) => {
          const [, claimed] = await Promise.all([
            lockEndpoints.run(client, [endpointIds]),
            claim.run(client, [names.map(({ endpointId }) => endpointId), names.map(({ directoryId }) => directoryId)]),
          ]);
          return claimed;
        });
  const renewedAt = performance.now();
  const left = new Map(rows.map((row) => [keyOf({ endpointId: row.endpoint_id, directoryId: row.directory_id }), row]));
  const answers: (Claim | undefined)[] = wanted.map(({ endpointId, directoryId }) => {
    if (directoryId === undefined) return undefined;
    const key = keyOf({ endpointId, directoryId });
    const row = left.get(key);
    // Two bells of one lane may have come together: only one of them is answered with it.
    left.delete(key);
    return row ? claimOf(row, renewedAt) : { kind: 'nothing' };
  });
  const others = [...left.values()].sort((a, b) => Number(b.admitted) - Number(a.admitted));
  return answers.map((answer, i) => {
    if (answer) return answer;
    const at = others.findIndex((row) => row.endpoint_id === wanted[i]?.endpointId);
    const [row] = at === -1 ? [] : others.splice(at, 1);
    return row ? claimOf(row, renewedAt) : { kind: 'nothing' };
  });
}

/** The lanes to be claimed, each once: those that are named, and for the rest those that have waited the longest. */
async function namesOf(pool: Pool, wanted: Wanted[]): Promise<LaneName[]> {
  const names = new Map<string, LaneName>();
  const open = new Map<string, number>();
  for (const { endpointId, directoryId } of wanted) {
    if (directoryId === undefined) open.set(endpointId, (open.get(endpointId) ?? 0) + 1);
    else names.set(keyOf({ endpointId, directoryId }), { endpointId, directoryId });
  }
  if (open.size === 0) return [...names.values()];

  // Those that are named may be among them, so that many more are looked for.
  const found = await longestWaiting.run(pool, [[...open.keys()], [...open.values()].map((lanes) => lanes + names.size)]);
  for (const { endpoint_id: endpointId, directory_id: directoryId } of found) {
    const name = { endpointId, directoryId };
    const left = open.get(endpointId) ?? 0;
    if (left === 0 || names.has(keyOf(name))) continue;
    names.set(keyOf(name), name);
    open.set(endpointId, left - 1);
  }
  return [...names.values()];
}

function keyOf({ endpointId, directoryId }: LaneName): string {
  return `${endpointId} ${directoryId}`;
}

function claimOf(row: ClaimRow, renewedAt: number): Claim {
  if (!row.admitted) return { kind: 'crowded' };
  return {
    kind: 'held',
    lane: {
      endpointId: row.endpoint_id,
      directoryId: row.directory_id,
      environmentId: row.environment_id,
      epoch: row.lease_epoch,
      cursor: row.cursor_sequence,
      head: row.head_sequence,
      attempt: row.attempt,
      refusals: row.refusals,
      refusedSince: row.refused_since,
      units: row.units,
      ordering: row.ordering,
      version: row.version,
      probing: row.probing,
      renewedAt,
      clockMs: row.now.getTime() - renewedAt,
    },
  };
}

interface AckRow {
  n: number;
  head: number;
  held: boolean;
  more: boolean;
  others_wait: boolean;
  version: number;
  success_is_news: boolean;
}

/** As columns: what is acknowledged, the attempts that were made for it, and what was set aside. `ns` say which acknowledgement. */
interface AckValues {
  ns: number[];
  endpointIds: string[];
  directoryIds: string[];
  epochs: number[];
  previous: number[];
  sequences: number[];
  lasts: boolean[];
  yields: boolean[];
  attemptNs: number[];
  attemptIds: string[];
  attemptEventIds: string[];
  ats: Date[];
  statuses: (number | null)[];
  durationsMs: number[];
  errors: (string | null)[];
  responseBodies: (string | null)[];
  asideNs: number[];
  asideEventIds: string[];
  asideSequences: number[];
  asidePositions: number[];
  asideTypes: string[];
  asideStates: string[];
  asideRefusals: number[];
  delaysSeconds: (number | null)[];
}

const ack = prepared<AckRow, AckValues>(
  'ack_lanes',
  `
  with acks as (
    select *
      from unnest(:ns::int[], :endpointIds::uuid[], :directoryIds::uuid[], :epochs::bigint[],
                  :previous::bigint[], :sequences::bigint[], :lasts::boolean[], :yields::boolean[])
        as a (n, endpoint_id, directory_id, epoch, previous, sequence, last, yields)
  ), held as materialized (
    select a.*, l.head_sequence as head
      from acks a
      join lanes l on l.endpoint_id = a.endpoint_id and l.directory_id = a.directory_id
     where l.lease_epoch = a.epoch
       and l.cursor_sequence = a.previous
       and l.leased > 0
     order by l.endpoint_id, l.directory_id
       for no key update of l
  ), decided as (
    select h.*, h.head > h.sequence as more, e.version,
           (h.last and h.head <= h.sequence) or h.yields or e.disabled_at is not null or e.deleted_at is not null as ends,
           e.consecutive_failures > 0 or e.failing_since is not null or e.open_since is not null or e.admitted is not null
             or e.last_success_at is null or e.last_success_at < now() - interval '1 minute' as success_is_news
      from held h
      join webhook_endpoints e on e.id = h.endpoint_id
  ), moved as (
    update lanes l
       set cursor_sequence = d.sequence,
           attempt = 0,
           refusals = 0,
           refused_since = null,
           held_back = false,
           leased = case when d.ends then 0 else l.leased end,
           lease_until = case when not d.ends then clock_timestamp() + interval '${leaseSeconds} seconds' end,
           enqueued_at = case when not d.ends then l.enqueued_at when d.more and d.yields then now() end,
           next_attempt_at = case when not d.more then null when d.yields then now() else l.next_attempt_at end
      from decided d
     where l.endpoint_id = d.endpoint_id
       and l.directory_id = d.directory_id
    returning d.n, l.endpoint_id, l.directory_id, l.environment_id, d.head, not d.ends as held, d.more, d.version, d.success_is_news
  ), attempts as (
    insert into delivery_attempts (id, environment_id, endpoint_id, event_id, at, status, duration_ms, error, response_body)
    select t.id, m.environment_id, m.endpoint_id, t.event_id, t.at, t.status, t.duration_ms, t.error, t.response_body
      from unnest(:attemptNs::int[], :attemptIds::uuid[], :attemptEventIds::uuid[], :ats::timestamptz[],
                  :statuses::int[], :durationsMs::real[], :errors::text[], :responseBodies::text[])
        as t (n, id, event_id, at, status, duration_ms, error, response_body)
      join moved m on m.n = t.n
  ), set_aside as (
    insert into delivery_exceptions as x
           (endpoint_id, event_id, environment_id, directory_id, sequence, position, type, kind, state, attempt, refusals, refused_since, next_attempt_at)
    select m.endpoint_id, t.event_id, m.environment_id, m.directory_id, t.sequence, t.position, t.type, 'lane', t.state, 1, t.refusals,
           case when t.refusals > 0 then now() end,
           case when t.state = 'waiting' then now() + t.delay_seconds * interval '1 second' end
      from unnest(:asideNs::int[], :asideEventIds::uuid[], :asideSequences::bigint[], :asidePositions::bigint[],
                  :asideTypes::text[], :asideStates::text[], :asideRefusals::int[], :delaysSeconds::float8[])
        as t (n, event_id, sequence, position, type, state, refusals, delay_seconds)
      join moved m on m.n = t.n
    on conflict (endpoint_id, event_id) do update
       set kind = 'lane', state = excluded.state, once = false, attempt = excluded.attempt, refusals = excluded.refusals,
           refused_since = excluded.refused_since, next_attempt_at = excluded.next_attempt_at,
           lease_epoch = x.lease_epoch + 1, lease_until = null
  )
  select m.n, m.head, m.held, m.more, m.version, m.success_is_news,
         not m.held and exists (select 1
                                  from lanes w
                                 where w.endpoint_id = m.endpoint_id
                                   and w.next_attempt_at <= now()
                                   and w.leased = 0
                                   and w.directory_id <> m.directory_id) as others_wait
    from moved m`,
);

async function ackLanes(pool: Pool, acks: Ack[]): Promise<Acked[]> {
  const attempts = acks.flatMap((a, n) => a.attempts.map((record) => ({ n, ...record })));
  const setAside = acks.flatMap((a, n) => a.setAside.map((aside) => ({ n, ...aside })));
  const rows = await ack.run(pool, {
    ns: acks.map((_, n) => n),
    endpointIds: acks.map(({ lane }) => lane.endpointId),
    directoryIds: acks.map(({ lane }) => lane.directoryId),
    epochs: acks.map(({ lane }) => lane.epoch),
    previous: acks.map(({ lane }) => lane.cursor),
    sequences: acks.map(({ sequence }) => sequence),
    lasts: acks.map(({ last }) => last),
    yields: acks.map((a) => a.yield),
    attemptNs: attempts.map(({ n }) => n),
    attemptIds: attempts.map(({ id }) => id),
    attemptEventIds: attempts.map(({ eventId }) => eventId),
    ats: attempts.map(({ at }) => at),
    statuses: attempts.map(({ status }) => status),
    durationsMs: attempts.map(({ durationMs }) => durationMs),
    errors: attempts.map(({ error }) => error),
    responseBodies: attempts.map(({ responseBody }) => responseBody),
    asideNs: setAside.map(({ n }) => n),
    asideEventIds: setAside.map(({ eventId }) => eventId),
    asideSequences: setAside.map(({ sequence }) => sequence),
    asidePositions: setAside.map(({ position }) => position),
    asideTypes: setAside.map(({ type }) => type),
    asideStates: setAside.map(({ state }) => state),
    asideRefusals: setAside.map(({ refusals }) => refusals),
    delaysSeconds: setAside.map(({ delaySeconds }) => delaySeconds),
  });
  const renewedAt = performance.now();
  const acked = new Map(rows.map((row) => [row.n, row]));
  return acks.map(({ lane, sequence }, n) => {
    const row = acked.get(n);
    if (!row) return { kind: 'fenced' };
    Object.assign(lane, {
      cursor: sequence,
      head: row.head,
      version: row.version,
      probing: false,
      attempt: 0,
      refusals: 0,
      refusedSince: null,
      renewedAt,
    });
    return {
      kind: 'acked',
      head: row.head,
      held: row.held,
      more: row.more,
      othersWait: row.others_wait,
      version: row.version,
      successIsNews: row.success_is_news,
    };
  });
}

const renewLease = prepared(
  'renew_lane',
  `
  update lanes
     set lease_until = clock_timestamp() + interval '${leaseSeconds} seconds'
   where endpoint_id = $1
     and directory_id = $2
     and lease_epoch = $3
     and cursor_sequence = $4
     and leased > 0
  returning lease_epoch`,
);

const failLane = prepared<
  never,
  {
    endpointId: string;
    directoryId: string;
    epoch: number;
    cursor: number;
    refused: boolean;
    heldBack: boolean;
    delaySeconds: number;
    id: string;
    eventId: string;
    at: Date;
    status: number | null;
    durationMs: number;
    error: string | null;
    responseBody: string | null;
  }
>(
  'fail_lane',
  `
  with failed as (
    update lanes
       set attempt = attempt + 1,
           refusals = refusals + :refused::boolean::int,
           refused_since = case when :refused then coalesce(refused_since, now()) else refused_since end,
           held_back = :heldBack,
           next_attempt_at = clock_timestamp() + :delaySeconds::float8 * interval '1 second',
           leased = 0,
           lease_until = null,
           enqueued_at = null
     where endpoint_id = :endpointId
       and directory_id = :directoryId
       and lease_epoch = :epoch
       and cursor_sequence = :cursor
       and leased > 0
    returning environment_id, endpoint_id
  )
  insert into delivery_attempts (id, environment_id, endpoint_id, event_id, at, status, duration_ms, error, response_body)
  select :id::uuid, environment_id, endpoint_id, :eventId::uuid, :at::timestamptz, :status::int,
         :durationMs::real, :error::text, :responseBody::text
    from failed
  returning id`,
);

const releaseLane = prepared(
  'release_lane',
  `
  update lanes
     set leased = 0,
         lease_until = null,
         enqueued_at = null
   where endpoint_id = $1
     and directory_id = $2
     and lease_epoch = $3
     and leased > 0`,
);
