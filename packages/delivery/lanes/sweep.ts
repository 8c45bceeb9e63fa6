import type { Pool } from 'pg';
import type { Bell } from './drain';
import { prepared } from '#postgres';

interface BellRow {
  endpoint_id: string;
  directory_id: string;
  slow: boolean;
}

/** Of a row `r`: no bell was rung for it, or one that must have been lost; or one in the future, of a clock that was set back since. */
const isSilent = (r: string): string => `
  (${r}.enqueued_at is null or ${r}.enqueued_at < now() - interval '5 seconds' or ${r}.enqueued_at > now() + interval '5 seconds')`;

// From the endpoints to their due lanes, as many as each may take in: one that is disabled, resting or full costs one look.
// Of one whose breaker is open a single lane, rather one whose event has not failed yet. A lane that somebody has just locked
// is being seen to.
const sweepLanes = prepared<BellRow>(
  'sweep_lanes',
  `
  with endpoints as (
    select e.id, e.open_since is not null as probing, coalesce(e.slow_until > now(), false) as slow,
           case when e.open_since is null then least(e.max_parallel, e.admitted) else 1 end
           - (select coalesce(sum(b.leased), 0)
                from lanes b
               where b.endpoint_id = e.id
                 and b.leased > 0
                 and b.lease_until > now()) as free
      from webhook_endpoints e
     where e.disabled_at is null
       and e.deleted_at is null
       and (e.open_since is null or e.next_probe_at <= now())
  ), due as (
    select e.id as endpoint_id, d.directory_id, e.slow
      from endpoints e
     cross join lateral (select l.directory_id
                           from lanes l
                          where l.endpoint_id = e.id
                            and l.next_attempt_at <= now()
                            and (l.leased = 0 or l.lease_until < now())
                            and ${isSilent('l')}
                          order by l.next_attempt_at
                          limit greatest(0, e.free)) d
     where not e.probing
    union all
    select e.id, d.directory_id, e.slow
      from endpoints e
     cross join lateral (select l.directory_id
                           from lanes l
                          where l.endpoint_id = e.id
                            and l.next_attempt_at <= now()
                            and (l.leased = 0 or l.lease_until < now())
                          order by l.attempt > 0, l.next_attempt_at
                          limit 1) d
     where e.probing
       and e.free > 0
    limit 1000
  ), locked as (
    select l.endpoint_id, l.directory_id, d.slow
      from due d
      join lanes l on l.endpoint_id = d.endpoint_id and l.directory_id = d.directory_id
       for no key update of l skip locked
  )
  update lanes l
     set enqueued_at = now()
    from locked k
   where l.endpoint_id = k.endpoint_id
     and l.directory_id = k.directory_id
  returning l.endpoint_id, l.directory_id, k.slow`,
);

const sweepAsides = prepared<{ endpoint_id: string; slow: boolean }>(
  'sweep_asides',
  `
  with due as (
    select x.endpoint_id, x.event_id, coalesce(e.slow_until > now(), false) as slow
      from webhook_endpoints e
     cross join lateral (select x.endpoint_id, x.event_id
                           from delivery_exceptions x
                          where x.endpoint_id = e.id
                            and x.next_attempt_at <= now()
                            and (x.lease_until is null or x.lease_until < now())
                            and ${isSilent('x')}
                            and (x.once or e.open_since is null or e.next_probe_at <= now())
                          order by x.next_attempt_at
                          limit 100) x
     where e.disabled_at is null
       and e.deleted_at is null
     limit 1000
  ), locked as (
    select x.endpoint_id, x.event_id, d.slow
      from due d
      join delivery_exceptions x on x.endpoint_id = d.endpoint_id and x.event_id = d.event_id
       for no key update of x skip locked
  ), rung as (
    update delivery_exceptions x
       set enqueued_at = now()
      from locked k
     where x.endpoint_id = k.endpoint_id
       and x.event_id = k.event_id
    returning x.endpoint_id, k.slow
  )
  select distinct endpoint_id, slow
    from rung`,
);

/**
 * Finds what is due and not being seen to: its doorbell was lost, its holder died, its time to be tried again has come, or it was
 * asked for by hand. Safe to run anywhere at any time; what it returns is to be rung for.
 */
export async function sweep(pool: Pool): Promise<Bell[]> {
  const [lanes, asides] = await Promise.all([sweepLanes.run(pool, []), sweepAsides.run(pool, [])]);
  return [
    ...lanes.map((row) => ({ endpointId: row.endpoint_id, directoryId: row.directory_id, slow: row.slow })),
    ...asides.map((row) => ({ endpointId: row.endpoint_id, directoryId: null, slow: row.slow })),
  ];
}
