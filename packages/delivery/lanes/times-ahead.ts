import type { Pool } from 'pg';
import { prepared } from '#postgres';
import { longestDelaysSeconds, longestRetryAfterSeconds } from '../attempt/retry-schedule';
import { pullBackProbes } from '../record/breaker';
import { leaseSeconds } from './lease';

/** How many rows had times that they cannot have. */
export interface PulledBack {
  lanes: number;
  asides: number;
  endpoints: number;
}

/**
 * Pulls back what lies further ahead than it can by rule: the database's clock was set back, by a failover to a server whose own is
 * behind, say, and what was due in a moment would wait as long as the clock went back.
 *
 * A retry counts as due. A lease begins anew rather than end: its holder may be at work, and a second one would send the same event beside it.
 * To be called every few seconds, by any number of processes: within a lease and a sweep of the next call all goes on.
 */
export async function pullBackTimes(pool: Pool): Promise<PulledBack> {
  const [lanes, asides, endpoints] = await Promise.all([
    pullBackLanes.run(pool, [longestDelaysSeconds, longestRetryAfterSeconds]),
    pullBackAsides.run(pool, [longestRetryAfterSeconds]),
    pullBackProbes(pool),
  ]);
  return { lanes: lanes.length, asides: asides.length, endpoints };
}

// Clocks are set by a little all the time, and a statement may be older than what it sees; what lies ahead by no more comes by itself.
const slack = `interval '5 seconds'`;

/** Of a row `r`: whether its lease lies further ahead than one can that was given or renewed by now. */
const leasedAhead = (r: string): string => `coalesce(${r}.lease_until > now() + interval '${leaseSeconds} seconds' + ${slack}, false)`;

/** Of a row `r`: it says itself that it was written later than now. */
const writtenAhead = (r: string, column: string): string => `coalesce(${r}.${column} > now() + ${slack}, false)`;

// One that has not failed is due as soon as it owes something; one that waits for its endpoint alone waits as scheduled after so many
// failures ($1); any other as long as an endpoint may ask for ($2), at most.
const pullBackLanes = prepared(
  'pull_back_lanes',
  `
  with ahead as (
    select l.endpoint_id, l.directory_id
      from lanes l
     where l.leased > 0
       and ${leasedAhead('l')}
    union
    select d.endpoint_id, d.directory_id
      from webhook_endpoints e
     cross join lateral (select l.endpoint_id, l.directory_id
                           from lanes l
                          where l.endpoint_id = e.id
                            and l.next_attempt_at > now() + ${slack}
                            and (l.next_attempt_at > now() + ${slack} + interval '1 second'
                                                     * case when l.attempt = 0 then 0
                                                            when l.held_back then ($1::float8[])[least(l.attempt, array_length($1, 1))]
                                                            else $2::float8 end
                                 or ${writtenAhead('l', 'refused_since')})) d
     where e.deleted_at is null
  ), locked as (
    select l.endpoint_id, l.directory_id
      from ahead a
      join lanes l on l.endpoint_id = a.endpoint_id and l.directory_id = a.directory_id
     order by l.endpoint_id, l.directory_id
       for no key update of l skip locked
  )
  update lanes l
     set next_attempt_at = least(l.next_attempt_at, now()),
         refused_since = least(l.refused_since, now()),
         lease_until = case when l.leased > 0 then now() + interval '${leaseSeconds} seconds' end,
         enqueued_at = null
    from locked k
   where l.endpoint_id = k.endpoint_id
     and l.directory_id = k.directory_id
  returning l.directory_id`,
);

// Of an endpoint that refuses everything there may be very many; those that lie the furthest ahead are looked at each time.
const farthest = 1_000;

const pullBackAsides = prepared(
  'pull_back_asides',
  `
  with locked as (
    select x.endpoint_id, x.event_id
      from webhook_endpoints e
     cross join lateral (select f.*
                           from delivery_exceptions f
                          where f.endpoint_id = e.id
                            and f.next_attempt_at is not null
                          order by f.next_attempt_at desc
                          limit ${farthest}) f
      join delivery_exceptions x on x.endpoint_id = f.endpoint_id and x.event_id = f.event_id
     where e.deleted_at is null
       and (${leasedAhead('f')}
            or (f.next_attempt_at > now() + ${slack}
                and (f.next_attempt_at > now() + ${slack} + interval '1 second' * case when f.once then 0 else $1::float8 end
                     or ${writtenAhead('f', 'refused_since')}
                     or ${writtenAhead('f', 'created_at')})))
     order by x.endpoint_id, x.event_id
       for no key update of x skip locked
  )
  update delivery_exceptions x
     set next_attempt_at = least(x.next_attempt_at, now()),
         refused_since = least(x.refused_since, now()),
         created_at = least(x.created_at, now()),
         lease_until = case when x.lease_until is not null then least(x.lease_until, now() + interval '${leaseSeconds} seconds') end,
         enqueued_at = null
    from locked k
   where x.endpoint_id = k.endpoint_id
     and x.event_id = k.event_id
  returning x.event_id`,
);
