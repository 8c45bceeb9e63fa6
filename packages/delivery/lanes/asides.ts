import type { Pool } from 'pg';
import type { AttemptRecord } from '../attempt/attempt';
import { inTransaction, prepared } from '#postgres';
import { leaseSeconds } from './lease';

/**
 * A delivery that was set aside, held by this process. An aside stands in no lane and holds nothing up: an event of ordering `none` that
 * failed, a parked one, one that is sent again by hand, a test event. Asides are the rows of delivery_exceptions.
 */
export interface HeldAside {
  endpointId: string;
  environmentId: string;
  eventId: string;
  kind: 'lane' | 'again' | 'test';
  epoch: number;
  /** Asked for by hand: one attempt, whatever comes of it. */
  once: boolean;
  /** The JSON of a test event. */
  testEvent: string | null;
  attempt: number;
  refusals: number;
  refusedSince: Date | null;
  createdAt: Date;
  /** Of the endpoint. */
  version: number;
  probing: boolean;
  /** The database's time: this, plus performance.now(). */
  clockMs: number;
}

export type AsideResult = { kind: 'delivered' } | { kind: 'parked' } | { kind: 'retried'; refused: boolean; delaySeconds: number };

const lockEndpoint = prepared(
  'lock_webhook_endpoint',
  `
  select id
    from webhook_endpoints
   where id = $1
     for no key update`,
);

interface ClaimRow {
  environment_id: string;
  event_id: string;
  kind: 'lane' | 'again' | 'test';
  lease_epoch: number;
  once: boolean;
  test_event: string | null;
  attempt: number;
  refusals: number;
  refused_since: Date | null;
  created_at: Date;
  version: number;
  probing: boolean;
  now: Date;
}

// What was asked for by hand does not wait for the breaker: to see how the endpoint fares is why it was asked for.
const claim = prepared<ClaimRow>(
  'claim_asides',
  `
  with endpoint as (
    select e.id, e.version, e.open_since is not null as probing,
           e.open_since is null or e.next_probe_at <= now() as open_for_all,
           case when e.open_since is null then least(e.max_parallel, e.admitted) else 1 end
           - (select coalesce(sum(b.leased), 0)
                from lanes b
               where b.endpoint_id = e.id
                 and b.leased > 0
                 and b.lease_until > now())
           - (select count(*)
                from delivery_exceptions x
               where x.endpoint_id = e.id
                 and x.next_attempt_at is not null
                 and x.lease_until > now()) as free
      from webhook_endpoints e
     where e.id = $1
       and e.disabled_at is null
       and e.deleted_at is null
  ), due as (
    select x.endpoint_id, x.event_id, e.version, e.probing
      from endpoint e
      join delivery_exceptions x on x.endpoint_id = e.id
     where x.next_attempt_at <= now()
       and (x.lease_until is null or x.lease_until < now())
       and (x.once or e.open_for_all)
     order by x.once desc, x.next_attempt_at
     limit (select greatest(0, least(free, 8)) from endpoint)
       for no key update of x skip locked
  )
  update delivery_exceptions x
     set lease_until = clock_timestamp() + interval '${leaseSeconds} seconds',
         lease_epoch = x.lease_epoch + 1
    from due d
   where x.endpoint_id = d.endpoint_id
     and x.event_id = d.event_id
  returning x.environment_id, x.event_id, x.kind, x.lease_epoch, x.once, x.test_event, x.attempt, x.refusals, x.refused_since, x.created_at,
            d.version, d.probing, clock_timestamp() as now`,
);

/** Claims what is due of an endpoint's asides, as far as its `max_parallel` lets it. */
export async function claimAsides(pool: Pool, endpointId: string): Promise<HeldAside[]> {
  const rows = await inTransaction(pool, async (client) => {
    const [, claimed] = await Promise.all([lockEndpoint.run(client, [endpointId]), claim.run(client, [endpointId])]);
    return claimed;
  });
  return rows.map((row) => ({
    endpointId,
    environmentId: row.environment_id,
    eventId: row.event_id,
    kind: row.kind,
    epoch: row.lease_epoch,
    once: row.once,
    testEvent: row.test_event,
    attempt: row.attempt,
    refusals: row.refusals,
    refusedSince: row.refused_since,
    createdAt: row.created_at,
    version: row.version,
    probing: row.probing,
    clockMs: row.now.getTime() - performance.now(),
  }));
}

type Settled = AttemptRecord & { endpointId: string; epoch: number };

const record = `
  insert into delivery_attempts (id, environment_id, endpoint_id, event_id, at, status, duration_ms, error, response_body)
  select :id::uuid, environment_id, endpoint_id, event_id, :at::timestamptz, :status::int, :durationMs::real, :error::text, :responseBody::text
    from done
  returning id`;

// A test event stays, to be looked at; of the others the lane's cursor says that they are delivered.
const finish = prepared<object, Settled>(
  'finish_aside',
  `
  with gone as (
    delete from delivery_exceptions
     where endpoint_id = :endpointId
       and event_id = :eventId
       and lease_epoch = :epoch
       and kind <> 'test'
    returning environment_id, endpoint_id, event_id
  ), kept as (
    update delivery_exceptions
       set state = 'succeeded',
           next_attempt_at = null,
           lease_until = null
     where endpoint_id = :endpointId
       and event_id = :eventId
       and lease_epoch = :epoch
       and kind = 'test'
    returning environment_id, endpoint_id, event_id
  ), done as (
    select * from gone
    union all
    select * from kept
  )
  ${record}`,
);

// An event that was sent again though it had been delivered stays delivered, whatever came of it now.
const park = prepared<object, Settled>(
  'park_aside',
  `
  with gone as (
    delete from delivery_exceptions
     where endpoint_id = :endpointId
       and event_id = :eventId
       and lease_epoch = :epoch
       and kind = 'again'
    returning environment_id, endpoint_id, event_id
  ), kept as (
    update delivery_exceptions
       set state = 'parked',
           next_attempt_at = null,
           lease_until = null,
           attempt = attempt + 1
     where endpoint_id = :endpointId
       and event_id = :eventId
       and lease_epoch = :epoch
       and kind <> 'again'
    returning environment_id, endpoint_id, event_id
  ), done as (
    select * from gone
    union all
    select * from kept
  )
  ${record}`,
);

const retry = prepared<object, Settled & { refused: boolean; delaySeconds: number }>(
  'retry_aside',
  `
  with done as (
    update delivery_exceptions
       set attempt = attempt + 1,
           refusals = refusals + :refused::boolean::int,
           refused_since = case when :refused then coalesce(refused_since, now()) else refused_since end,
           next_attempt_at = clock_timestamp() + :delaySeconds::float8 * interval '1 second',
           lease_until = null,
           enqueued_at = null
     where endpoint_id = :endpointId
       and event_id = :eventId
       and lease_epoch = :epoch
    returning environment_id, endpoint_id, event_id
  )
  ${record}`,
);

/** Records an attempt at one, and what it means. False: somebody else has it by now, and nothing was written. */
export async function settleAside(pool: Pool, held: HeldAside, attempt: AttemptRecord, result: AsideResult): Promise<boolean> {
  const settled = { ...attempt, endpointId: held.endpointId, epoch: held.epoch };
  switch (result.kind) {
    case 'delivered':
      return (await finish.run(pool, settled)).length > 0;
    case 'parked':
      return (await park.run(pool, settled)).length > 0;
    case 'retried':
      return (await retry.run(pool, { ...settled, refused: result.refused, delaySeconds: result.delaySeconds })).length > 0;
  }
}

const release = prepared(
  'release_aside',
  `
  update delivery_exceptions
     set lease_until = null,
         enqueued_at = null
   where endpoint_id = $1
     and event_id = $2
     and lease_epoch = $3`,
);

export async function releaseAside(pool: Pool, held: HeldAside): Promise<void> {
  await release.run(pool, [held.endpointId, held.eventId, held.epoch]);
}

const drop = prepared(
  'drop_aside',
  `
  delete from delivery_exceptions
   where endpoint_id = $1
     and event_id = $2
     and lease_epoch = $3`,
);

/** Forgets one whose event is no longer kept. */
export async function dropAside(pool: Pool, held: HeldAside): Promise<void> {
  await drop.run(pool, [held.endpointId, held.eventId, held.epoch]);
}
