import type { Pool } from 'pg';
import type { DisabledReason } from '../endpoint/endpoint';
import { prepared } from '#postgres';
import { longestRetryAfterSeconds, probeDelaysSeconds } from '../attempt/retry-schedule';

/**
 * What happened to an endpoint that its people may want to hear of. They are its state and a mail, not events of the log.
 */
export type Notice =
  | { kind: 'endpoint_failing'; environmentId: string; endpointId: string; url: string; failingSince: Date; hours: number }
  | { kind: 'endpoint_disabled'; environmentId: string; endpointId: string; url: string; reason: DisabledReason; failingSince: Date | null }
  | { kind: 'endpoint_recovered'; environmentId: string; endpointId: string; url: string };

/**
 * The state of an endpoint as a whole, beside that of its lanes.
 *
 *   closed ── 5 different events in a row that the endpoint itself failed ──▶ open
 *   open   ── next_probe_at: one lane is let through; it fails ─────────────▶ open, for longer
 *   open   ── … it succeeds ────────────────────────────────────────────────▶ closed, admitting 2, 4, 8 … lanes
 *
 * A dead endpoint with a thousand directories would otherwise be a thousand lanes that each wait for a timeout. The same event
 * failing again and again does not open it: its own lane waits anyhow, and the endpoint's other directories must not.
 */
const opensAfter = 5;

/** Warned of failing after so many hours; disabled after five days of it. */
const warningHours = [1, 24, 72];
const disabledAfterDays = 5;

// The endpoint must have had its chances: what ends its five days is not the first blip after four quiet ones.
const disabledFromAttempt = 6;

interface FailureRow {
  environment_id: string;
  url: string;
  failing_since: Date;
  open: boolean;
  closed: boolean;
  disabled: boolean;
  warned: number | null;
}

const noteFailed = prepared<
  FailureRow,
  { endpointId: string; byEndpoint: boolean; attempt: number; probing: boolean; probeDelays: number[]; askedSeconds: number | null }
>(
  'note_endpoint_failure',
  `
  with before as materialized (
    select e.*,
           :byEndpoint::boolean and :attempt::int = 1 as counts,
           coalesce(e.failing_since, now()) as since
      from webhook_endpoints e
     where e.id = :endpointId
       and e.deleted_at is null
       and e.disabled_at is null
       for no key update
  ), decided as (
    select b.*,
           -- An answer of any kind shows that the endpoint lives.
           case when not :byEndpoint then 0 else b.consecutive_failures + b.counts::int end as failures,
           b.since <= now() - interval '${disabledAfterDays} days' and :attempt >= ${disabledFromAttempt} as disables,
           (select count(*)::int
              from unnest(array[${warningHours.join(', ')}]) as h (hours)
             where b.since <= now() - h.hours * interval '1 hour') as warnings_due
      from before b
  ), changed as (
    update webhook_endpoints e
       set failing_since = d.since,
           consecutive_failures = d.failures,
           open_since = case when not :byEndpoint then null
                             when d.failures >= ${opensAfter} then coalesce(e.open_since, now())
                             else e.open_since end,
           failed_probes = case when not :byEndpoint then 0 when :probing then e.failed_probes + 1 else e.failed_probes end,
           next_probe_at = case when not :byEndpoint then null
                                when :probing and e.open_since is not null
                                  then now() + interval '1 second' * coalesce(:askedSeconds, (:probeDelays::float8[])[least(e.failed_probes + 2, array_length(:probeDelays, 1))])
                                when d.failures >= ${opensAfter} and e.open_since is null
                                  then now() + interval '1 second' * coalesce(:askedSeconds, (:probeDelays::float8[])[1])
                                else e.next_probe_at end,
           admitted = case when not :byEndpoint then case when e.open_since is null then e.admitted else 2 end
                           when e.admitted is not null or d.failures >= ${opensAfter} then 1 end,
           slow_until = case when :byEndpoint then now() + interval '5 minutes' else e.slow_until end,
           warnings = greatest(e.warnings, d.warnings_due),
           disabled_at = case when d.disables then now() end,
           disabled_reason = case when d.disables then 'failing' end,
           version = e.version + d.disables::int
      from decided d
     where e.id = d.id
    returning e.environment_id, e.url, e.failing_since, e.open_since is not null as open,
              d.open_since is not null and e.open_since is null as closed, d.disables as disabled,
              case when d.warnings_due > d.warnings then (array[${warningHours.join(', ')}])[d.warnings_due] end as warned
  )
  select *
    from changed`,
);

/**
 * Notes a failed attempt at an endpoint.
 *
 * @param failure `byEndpoint`: its own fault, and not that it refused an event; `attempt`: of that event, from 1; `probing`: the
 * lane was let through an open breaker; `retryAfterSeconds`: what the endpoint asked for.
 * @returns whether its breaker is open (or it is disabled) now, and what is to be told.
 */
export async function noteFailure(
  pool: Pool,
  endpointId: string,
  failure: { byEndpoint: boolean; attempt: number; probing: boolean; retryAfterSeconds?: number | undefined },
): Promise<{ open: boolean; notices: Notice[] }> {
  const asked = failure.retryAfterSeconds === undefined ? null : Math.min(Math.max(failure.retryAfterSeconds, 1), 3_600);
  const [row] = await noteFailed.run(pool, {
    endpointId,
    byEndpoint: failure.byEndpoint,
    attempt: failure.attempt,
    probing: failure.probing,
    probeDelays: probeDelaysSeconds(),
    askedSeconds: asked,
  });
  if (!row) return { open: true, notices: [] };
  if (row.closed) await release(pool, endpointId);
  const about = { environmentId: row.environment_id, endpointId, url: row.url };
  const notices: Notice[] = [];
  if (row.disabled) notices.push({ kind: 'endpoint_disabled', ...about, reason: 'failing', failingSince: row.failing_since });
  else if (row.warned !== null) notices.push({ kind: 'endpoint_failing', ...about, failingSince: row.failing_since, hours: row.warned });
  return { open: row.open || row.disabled, notices };
}

interface SuccessRow {
  environment_id: string;
  url: string;
  was_open: boolean;
  was_warned: boolean;
}

const noteSucceeded = prepared<SuccessRow>(
  'note_endpoint_success',
  `
  with before as materialized (
    select *
      from webhook_endpoints
     where id = $1
       for no key update
  )
  update webhook_endpoints e
     set consecutive_failures = 0,
         failing_since = null,
         warnings = 0,
         last_success_at = now(),
         open_since = null,
         next_probe_at = null,
         failed_probes = 0,
         admitted = case when b.open_since is not null then 2
                         when b.admitted * 2 < b.max_parallel then b.admitted * 2 end
    from before b
   where e.id = b.id
  returning e.environment_id, e.url, b.open_since is not null as was_open, b.warnings > 0 as was_warned`,
);

// What waited for the endpoint alone waits no longer; what the endpoint refused, or asked to have later, keeps its time.
const releaseHeldBack = prepared(
  'release_held_back_lanes',
  `
  with held_back as (
    select endpoint_id, directory_id
      from lanes
     where endpoint_id = $1
       and held_back
       and leased = 0
       and next_attempt_at > now()
     order by directory_id
       for no key update skip locked
  )
  update lanes l
     set next_attempt_at = now()
    from held_back h
   where l.endpoint_id = h.endpoint_id
     and l.directory_id = h.directory_id`,
);

const releaseWaiting = prepared(
  'release_waiting_asides',
  `
  with waiting as (
    select endpoint_id, event_id
      from delivery_exceptions
     where endpoint_id = $1
       and next_attempt_at > now()
       and refusals = 0
     order by event_id
       for no key update skip locked
  )
  update delivery_exceptions x
     set next_attempt_at = now()
    from waiting w
   where x.endpoint_id = w.endpoint_id
     and x.event_id = w.event_id`,
);

async function release(pool: Pool, endpointId: string): Promise<void> {
  await releaseHeldBack.run(pool, [endpointId]);
  await releaseWaiting.run(pool, [endpointId]);
}

/** Notes a success of an endpoint that was in trouble, or not heard of for a while; closes its breaker. */
export async function noteSuccess(pool: Pool, endpointId: string): Promise<Notice[]> {
  const [row] = await noteSucceeded.run(pool, [endpointId]);
  if (row?.was_open) await release(pool, endpointId);
  return row?.was_warned ? [{ kind: 'endpoint_recovered', environmentId: row.environment_id, endpointId, url: row.url }] : [];
}

const disableGone = prepared<{ environment_id: string; url: string; failing_since: Date | null }>(
  'disable_endpoint_gone',
  `
  update webhook_endpoints
     set disabled_at = now(),
         disabled_reason = 'gone',
         failing_since = coalesce(failing_since, now()),
         version = version + 1
   where id = $1
     and disabled_at is null
     and deleted_at is null
  returning environment_id, url, failing_since`,
);

/** 410: the endpoint says that it is there no more. */
export async function noteGone(pool: Pool, endpointId: string): Promise<Notice[]> {
  const [row] = await disableGone.run(pool, [endpointId]);
  if (!row) return [];
  return [
    {
      kind: 'endpoint_disabled',
      environmentId: row.environment_id,
      endpointId,
      url: row.url,
      reason: 'gone',
      failingSince: row.failing_since,
    },
  ];
}

const markSlow = prepared(
  'mark_endpoint_slow',
  `
  update webhook_endpoints
     set slow_until = now() + interval '5 minutes'
   where id = $1
     and (slow_until is null or slow_until < now() + interval '4 minutes')`,
);

/** Notes that an endpoint took long to answer: for five minutes its deliveries are kept apart from those of quick ones. */
export async function noteSlow(pool: Pool, endpointId: string): Promise<void> {
  await markSlow.run(pool, [endpointId]);
}

// No probe waits longer than an endpoint may ask for ($1), and no breaker was opened later than now.
const pullBack = prepared(
  'pull_back_probes',
  `
  with locked as (
    select id
      from webhook_endpoints
     where deleted_at is null
       and next_probe_at > now() + interval '5 seconds'
       and (next_probe_at > now() + interval '5 seconds' + interval '1 second' * $1::float8
            or open_since > now() + interval '5 seconds')
     order by id
       for no key update skip locked
  )
  update webhook_endpoints e
     set next_probe_at = now(),
         open_since = least(e.open_since, now())
    from locked k
   where e.id = k.id
  returning e.id`,
);

/** Has endpoints probed now whose time for it lies further ahead than it can: see `pullBackTimes`. Answers how many there were. */
export async function pullBackProbes(pool: Pool): Promise<number> {
  return (await pullBack.run(pool, [longestRetryAfterSeconds])).length;
}
