import type { Pool } from 'pg';
import { alwaysTold, type EventType } from '#directory';
import { idAt, timeOf } from '#identifier';
import { DeliveryNotFound, EndpointDisabled, EndpointNotFound, InvalidDeliveryCursor } from '../endpoint/endpoint';
import { prepared } from '#postgres';

/** One event owed to one endpoint, and how that went. */
export interface Delivery {
  eventId: string;
  type: EventType;
  /** `null`: a test event. */
  directoryId: string | null;
  /** 0: a test event, which stands in no log. */
  sequence: number;
  test: boolean;
  state: DeliveryState;
  /** `null` where nothing is planned, or where it waits for an earlier one of its directory. */
  nextAttemptAt: Date | null;
  /** The latest ones, oldest first. */
  attempts: Attempt[];
}

export type DeliveryState = 'pending' | 'succeeded' | 'parked';

/** One HTTP POST. */
export interface Attempt {
  at: Date;
  /** `null`: nothing was answered. */
  status: number | null;
  durationMs: number;
  /** In plain words; `null` for one that succeeded. */
  error: string | null;
  /** The first 64 KiB (in a list: the first 2 KiB) of what was answered. */
  responseBody: string | null;
}

// Deliveries are no rows: that one event is owed follows from the log and the endpoint's filters, and that it is done with from
// its lane's cursor. Only what was set aside has a row of its own, in delivery_exceptions.

interface DeliveryRow {
  event_id: string;
  type: EventType;
  directory_id: string | null;
  sequence: number;
  position: number;
  test: boolean;
  state: DeliveryState;
  next_attempt_at: Date | null;
}

/** Of `event_feed f`: whether the newest filter of the endpoint that speaks of it wants it. */
const isOwed = (f: string): string => `
         coalesce((select w.event_types is null or ${f}.type = any (w.event_types) or ${f}.type = '${alwaysTold}'
                     from webhook_filters w
                    where w.endpoint_id = :endpointId
                      and ${f}.position >= w.from_position
                      and (w.directory_id is null or w.directory_id = ${f}.directory_id)
                    order by w.id desc
                    limit 1), false)`;

/** Of `event_feed f`, `lanes l`, `delivery_exceptions x` (perhaps none) and `webhook_endpoints e`. */
const deliveryColumns = `
         f.event_id, f.type, f.directory_id, f.sequence, f.position, false as test,
         case when x.state = 'waiting' then 'pending'
              when x.state is not null then x.state
              when f.sequence <= l.cursor_sequence then 'succeeded'
              else 'pending' end as state,
         case when e.disabled_at is not null then null
              when x.state is not null then x.next_attempt_at
              when f.sequence > l.cursor_sequence
               and not exists (select 1
                                 from event_feed g
                                where g.directory_id = f.directory_id
                                  and g.sequence > l.cursor_sequence
                                  and g.sequence < f.sequence
                                  and ${isOwed('g')})
              then greatest(l.next_attempt_at, e.next_probe_at) end as next_attempt_at`;

const asideColumns = `
         x.event_id, x.type, x.directory_id, x.sequence, x.position, x.kind = 'test' as test,
         case x.state when 'waiting' then 'pending' else x.state end as state,
         case when e.disabled_at is null then x.next_attempt_at end as next_attempt_at`;

/** So many of an endpoint's deliveries from a place on. */
interface From extends Place {
  environmentId: string;
  endpointId: string;
  limit: number;
}

/** Whether a row comes after the place. */
const afterPlace = (row: string, test: string): string =>
  `(${row}.position, ${test}, ${row}.event_id) < (:position::bigint, :test::boolean, :eventId::uuid)`;

const scanned = 5_000;

const scanFeed = prepared<DeliveryRow, From & { onlySucceeded: boolean }>(
  'deliveries_in_feed',
  `
  select ${deliveryColumns}
    from (select *
            from event_feed
           where environment_id = :environmentId
             and position <= :position
             and position > :position - ${scanned}
           order by position desc) f
    join webhook_endpoints e on e.environment_id = :environmentId and e.id = :endpointId
    join lanes l on l.endpoint_id = :endpointId and l.directory_id = f.directory_id and f.sequence > l.start_sequence
    left join delivery_exceptions x on x.endpoint_id = :endpointId and x.event_id = f.event_id
   where ${afterPlace('f', 'false')}
     and ${isOwed('f')}
     and (not :onlySucceeded::boolean or (f.sequence <= l.cursor_sequence and x.state is null))
   order by f.position desc
   limit :limit`,
);

const scanTests = prepared<DeliveryRow, From & { onlySucceeded: boolean }>(
  'test_deliveries',
  `
  select ${asideColumns}
    from delivery_exceptions x
    join webhook_endpoints e on e.environment_id = :environmentId and e.id = :endpointId
   where x.environment_id = :environmentId
     and x.endpoint_id = :endpointId
     and x.kind = 'test'
     and ${afterPlace('x', 'true')}
     and (not :onlySucceeded::boolean or x.state = 'succeeded')
   order by x.position desc, x.event_id desc
   limit :limit`,
);

// Within a directory the order of positions is that of sequences, so each lane gives its newest ones by index.
const scanPending = prepared<DeliveryRow, From>(
  'pending_deliveries',
  `
  select ${deliveryColumns}
    from webhook_endpoints e
    join lanes l on l.endpoint_id = e.id and l.next_attempt_at is not null
   cross join lateral (select n.*
                         from event_feed n
                        where n.directory_id = l.directory_id
                          and n.sequence > l.cursor_sequence
                          and n.sequence <= l.head_sequence
                          and ${afterPlace('n', 'false')}
                          and ${isOwed('n')}
                        order by n.sequence desc
                        limit :limit) f
    left join delivery_exceptions x on x.endpoint_id = :endpointId and x.event_id = f.event_id
   where e.environment_id = :environmentId
     and e.id = :endpointId
     and x.state is null
   order by f.position desc
   limit :limit`,
);

const scanAsides = prepared<DeliveryRow, From & { state: string }>(
  'asides_in_state',
  `
  select ${asideColumns}
    from delivery_exceptions x
    join webhook_endpoints e on e.environment_id = :environmentId and e.id = :endpointId
   where x.environment_id = :environmentId
     and x.endpoint_id = :endpointId
     and x.state = :state
     and ${afterPlace('x', `x.kind = 'test'`)}
   order by x.position desc, x.kind = 'test' desc, x.event_id desc
   limit :limit`,
);

const selectScope = prepared<{ position: number; oldest_position: number; disabled: boolean }>(
  'deliveries_scope',
  `
  select h.position, h.oldest_position, e.disabled_at is not null as disabled
    from webhook_endpoints e
    join feed_heads h on h.environment_id = e.environment_id
   where e.environment_id = $1
     and e.id = $2
     and e.deleted_at is null`,
);

/**
 * Newest first. A page may hold fewer than `limit`, or none, and still have a `next`: a state that is rare is looked for in
 * bounded stretches of the log.
 *
 * @throws EndpointNotFound, InvalidDeliveryCursor
 */
export async function listDeliveries(
  db: Pool,
  query: { environmentId: string; endpointId: string; limit: number; state?: DeliveryState | undefined; cursor?: string | undefined },
): Promise<{ deliveries: Delivery[]; next: string | null }> {
  const { environmentId, endpointId, limit, state } = query;
  const [scope] = await selectScope.run(db, [environmentId, endpointId]);
  if (!scope) throw new EndpointNotFound(endpointId);
  const place = query.cursor === undefined ? { position: scope.position, test: true, eventId: lastId } : decodePlace(query.cursor);

  const from = { environmentId, endpointId, ...place, limit: limit + 1 };
  let found: DeliveryRow[];
  let scannedTo = 0; // the whole of it
  switch (state) {
    case 'parked':
      found = await scanAsides.run(db, { ...from, state: 'parked' });
      break;
    case 'pending': {
      const [lanes, asides] = await Promise.all([scanPending.run(db, from), scanAsides.run(db, { ...from, state: 'waiting' })]);
      found = [...lanes, ...asides];
      break;
    }
    default: {
      const onlySucceeded = state === 'succeeded';
      const [feed, tests] = await Promise.all([
        scanFeed.run(db, { ...from, onlySucceeded }),
        scanTests.run(db, { ...from, onlySucceeded }),
      ]);
      scannedTo = place.position - scanned;
      found = [...feed, ...tests].filter((row) => row.position > scannedTo);
    }
  }
  found.sort(newestFirst);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const next =
    found.length > limit && last
      ? encodePlace({ position: last.position, test: last.test, eventId: last.event_id })
      : scannedTo >= scope.oldest_position
        ? encodePlace({ position: scannedTo, test: true, eventId: lastId })
        : null;
  return { deliveries: await withAttempts(db, { environmentId, endpointId, rows: page, shownBody: 2_048 }), next };
}

const selectDelivery = prepared<DeliveryRow, { environmentId: string; endpointId: string; eventId: string }>(
  'get_delivery',
  `
  select ${deliveryColumns}
    from events v
    join event_feed f on f.directory_id = v.directory_id and f.sequence = v.sequence
    join webhook_endpoints e on e.environment_id = :environmentId and e.id = :endpointId
    join lanes l on l.endpoint_id = :endpointId and l.directory_id = f.directory_id and f.sequence > l.start_sequence
    left join delivery_exceptions x on x.endpoint_id = :endpointId and x.event_id = f.event_id
   where v.environment_id = :environmentId
     and v.id = :eventId
     and ${isOwed('f')}`,
);

const selectAside = prepared<DeliveryRow>(
  'get_aside',
  `
  select ${asideColumns}
    from delivery_exceptions x
    join webhook_endpoints e on e.environment_id = $1 and e.id = $2
   where x.environment_id = $1
     and x.endpoint_id = $2
     and x.event_id = $3`,
);

/** @throws EndpointNotFound, DeliveryNotFound */
export async function getDelivery(db: Pool, query: { environmentId: string; endpointId: string; eventId: string }): Promise<Delivery> {
  const { environmentId, endpointId } = query;
  const row = await findRow(db, query);
  const [delivery] = await withAttempts(db, { environmentId, endpointId, rows: [row], shownBody: 65_536 });
  if (!delivery) throw new DeliveryNotFound(query.eventId);
  return delivery;
}

async function findRow(db: Pool, query: { environmentId: string; endpointId: string; eventId: string }): Promise<DeliveryRow> {
  const { environmentId, endpointId, eventId } = query;
  const [[scope], [aside], [delivery]] = await Promise.all([
    selectScope.run(db, [environmentId, endpointId]),
    selectAside.run(db, [environmentId, endpointId, eventId]),
    selectDelivery.run(db, { environmentId, endpointId, eventId }),
  ]);
  if (!scope) throw new EndpointNotFound(endpointId);
  const row = aside ?? delivery;
  if (!row) throw new DeliveryNotFound(eventId);
  return row;
}

const retryLane = prepared(
  'retry_lane_now',
  `
  with endpoint as (
    update webhook_endpoints
       set next_probe_at = now()
     where environment_id = $1
       and id = $2
       and open_since is not null
  )
  update lanes
     set next_attempt_at = now(),
         enqueued_at = null
   where environment_id = $1
     and endpoint_id = $2
     and directory_id = $3
     and next_attempt_at is not null
     and leased = 0`,
);

const retryAside = prepared(
  'retry_aside_now',
  `
  update delivery_exceptions
     set once = once or state <> 'waiting',
         state = 'waiting',
         next_attempt_at = now(),
         enqueued_at = null
   where environment_id = $1
     and endpoint_id = $2
     and event_id = $3
     and (lease_until is null or lease_until < now())`,
);

const sendAgain = prepared<
  never,
  {
    environmentId: string;
    endpointId: string;
    eventId: string;
    directoryId: string | null;
    sequence: number;
    position: number;
    type: string;
  }
>(
  'send_again',
  `
  insert into delivery_exceptions (endpoint_id, event_id, environment_id, directory_id, sequence, position, type, kind, state, once, next_attempt_at)
  values (:endpointId, :eventId, :environmentId, :directoryId, :sequence, :position, :type, 'again', 'waiting', true, now())
  on conflict (endpoint_id, event_id) do nothing`,
);

/**
 * Sends it again now. One that waits for its turn is not sent before it: the first of its directory is tried now instead.
 *
 * @throws EndpointNotFound, DeliveryNotFound, EndpointDisabled
 */
export async function retryDelivery(db: Pool, query: { environmentId: string; endpointId: string; eventId: string }): Promise<Delivery> {
  const { environmentId, endpointId, eventId } = query;
  const [scope] = await selectScope.run(db, [environmentId, endpointId]);
  if (!scope) throw new EndpointNotFound(endpointId);
  if (scope.disabled) throw new EndpointDisabled(endpointId);

  const [aside] = await selectAside.run(db, [environmentId, endpointId, eventId]);
  const row = aside ?? (await findRow(db, query));
  if (aside) await retryAside.run(db, [environmentId, endpointId, eventId]);
  else if (row.state === 'pending') await retryLane.run(db, [environmentId, endpointId, row.directory_id]);
  else
    await sendAgain.run(db, {
      environmentId,
      endpointId,
      eventId,
      directoryId: row.directory_id,
      sequence: row.sequence,
      position: row.position,
      type: row.type,
    });
  return getDelivery(db, query);
}

interface AttemptRow {
  event_id: string;
  at: Date;
  status: number | null;
  duration_ms: number;
  error: string | null;
  response_body: string | null;
}

const attemptsShown = 20;

const selectAttempts = prepared<AttemptRow>(
  'attempts_of_deliveries',
  `
  select event_id, at, status, duration_ms, error, left(response_body, $5) as response_body
    from (select a.*, row_number() over (partition by a.event_id order by a.id desc) as age
            from delivery_attempts a
           where a.environment_id = $1
             and a.endpoint_id = $2
             and a.event_id = any ($3::uuid[])
             and a.id >= $4) a
   where age <= ${attemptsShown}
   order by id`,
);

async function withAttempts(
  db: Pool,
  of: { environmentId: string; endpointId: string; rows: DeliveryRow[]; shownBody: number },
): Promise<Delivery[]> {
  if (of.rows.length === 0) return [];
  const eventIds = of.rows.map((row) => row.event_id);
  // No attempt is older than its event, whose id tells its age: older partitions need not be looked at. Clocks may differ.
  const oldest = eventIds.reduce((a, b) => (a < b ? a : b));
  const since = new Date(timeOf(oldest).getTime() - 86_400_000);
  const attempts = await selectAttempts.run(db, [of.environmentId, of.endpointId, eventIds, idAt(since), of.shownBody]);
  const byEvent = new Map<string, Attempt[]>();
  for (const row of attempts) {
    const list = byEvent.get(row.event_id) ?? [];
    byEvent.set(row.event_id, list);
    list.push({ at: row.at, status: row.status, durationMs: row.duration_ms, error: row.error, responseBody: row.response_body });
  }
  return of.rows.map((row) => ({
    eventId: row.event_id,
    type: row.type,
    directoryId: row.directory_id,
    sequence: row.sequence,
    test: row.test,
    state: row.state,
    nextAttemptAt: row.next_attempt_at,
    attempts: byEvent.get(row.event_id) ?? [],
  }));
}

/** A place in a list of deliveries: after that row. A test event stands on the position that was the newest when it was made. */
interface Place {
  position: number;
  test: boolean;
  eventId: string;
}

const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

function newestFirst(a: DeliveryRow, b: DeliveryRow): number {
  return b.position - a.position || Number(b.test) - Number(a.test) || (a.event_id < b.event_id ? 1 : -1);
}

function encodePlace({ position, test, eventId }: Place): string {
  return Buffer.from(`${position}.${test ? 1 : 0}.${eventId}`).toString('base64url');
}

function decodePlace(cursor: string): Place {
  const [, position, test, eventId] =
    /^(\d{1,16})\.([01])\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (position === undefined || eventId === undefined || !Number.isSafeInteger(Number(position))) throw new InvalidDeliveryCursor();
  return { position: Number(position), test: test === '1', eventId };
}
