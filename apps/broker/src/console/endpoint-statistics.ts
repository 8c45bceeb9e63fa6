import type { Pool } from 'pg';
import { getEndpoint } from '#delivery';
import type { Keyring } from '#credential';
import { idAt } from '#identifier';

/** How a webhook endpoint has been answering, in equal stretches of time. */
export interface EndpointStatistics {
  hours: number;
  attempts: number;
  succeeded: number;
  /** Events owed to it and not delivered yet; `pending_capped`: at least so many. */
  pending: number;
  pending_capped: boolean;
  parked: number;
  buckets: Bucket[];
}

export interface Bucket {
  /** When it begins. */
  at: string;
  attempts: number;
  succeeded: number;
  /** Of those that were answered, in milliseconds. */
  median_ms: number | null;
  p95_ms: number | null;
}

const bucketsWanted = 48;
const countedAtMost = 10_000;

/** @throws EndpointNotFound */
export async function endpointStatistics(
  pool: Pool,
  keyring: Keyring,
  { environmentId, endpointId, hours, now }: { environmentId: string; endpointId: string; hours: number; now: Date },
): Promise<EndpointStatistics> {
  await getEndpoint(pool, keyring, { environmentId, endpointId });
  const bucketMs = (hours * 3_600_000) / bucketsWanted;
  const end = Math.ceil(now.getTime() / bucketMs) * bucketMs;
  const begin = end - bucketsWanted * bucketMs;

  const [attempts, owed] = await Promise.all([
    pool.query<{ bucket: number; attempts: number; succeeded: number; median_ms: number | null; p95_ms: number | null }>({
      name: 'console_endpoint_attempts',
      text: `
        select floor((extract(epoch from at) * 1000 - $3) / $4)::int as bucket, count(*) as attempts, count(*) filter (where error is null) as succeeded,
               percentile_cont(0.5) within group (order by duration_ms) filter (where status is not null) as median_ms,
               percentile_cont(0.95) within group (order by duration_ms) filter (where status is not null) as p95_ms
          from delivery_attempts
         where endpoint_id = $1
           and id >= $2
         group by 1`,
      values: [endpointId, idAt(new Date(begin)), begin, bucketMs],
    }),
    pool.query<{ pending: number; parked: number }>({
      name: 'console_endpoint_backlog',
      text: `
        select (select count(*)
                  from (select 1
                          from lanes l
                          join event_feed f on f.directory_id = l.directory_id and f.sequence > l.cursor_sequence and f.sequence <= l.head_sequence
                         where l.endpoint_id = $1
                           and l.next_attempt_at is not null
                         limit ${countedAtMost}) p)
               + (select count(*) from delivery_exceptions where endpoint_id = $1 and state = 'waiting') as pending,
               (select count(*) from delivery_exceptions where endpoint_id = $1 and state = 'parked') as parked`,
      values: [endpointId],
    }),
  ]);

  const byBucket = new Map(attempts.rows.map((row) => [row.bucket, row]));
  const buckets = Array.from({ length: bucketsWanted }, (_, i) => {
    const row = byBucket.get(i);
    return {
      at: new Date(begin + i * bucketMs).toISOString(),
      attempts: row?.attempts ?? 0,
      succeeded: row?.succeeded ?? 0,
      median_ms: row?.median_ms ?? null,
      p95_ms: row?.p95_ms ?? null,
    };
  });
  const [backlog] = owed.rows;
  return {
    hours,
    attempts: sum(buckets.map((bucket) => bucket.attempts)),
    succeeded: sum(buckets.map((bucket) => bucket.succeeded)),
    pending: backlog?.pending ?? 0,
    pending_capped: (backlog?.pending ?? 0) >= countedAtMost,
    parked: backlog?.parked ?? 0,
    buckets,
  };
}

/** How many events a replay would send again: from a time, or from the beginning, to now. @throws EndpointNotFound */
export async function countReplay(
  pool: Pool,
  keyring: Keyring,
  query: { environmentId: string; endpointId: string; since: Date | undefined; directoryId: string | undefined },
): Promise<{ events: number; capped: boolean; first_at: string | null }> {
  const { environmentId, endpointId } = query;
  const endpoint = await getEndpoint(pool, keyring, { environmentId, endpointId });
  const countedHere = 1_000_000;
  const { rows } = await pool.query<{ events: number; first_id: string | null }>({
    name: 'console_replay_preview',
    text: `
      select count(*) as events, (array_agg(event_id order by position))[1] as first_id
        from (select event_id, position
                from event_feed
               where environment_id = $1
                 and event_id >= $2
                 and ($3::uuid is null or directory_id = $3)
                 and ($4::uuid is null or organization_id = $4)
                 and ($5::text[] is null or type = any ($5))
               limit ${countedHere}) f`,
    values: [environmentId, idAt(query.since ?? new Date(0)), query.directoryId ?? null, endpoint.organizationId, endpoint.eventTypes],
  });
  const [row] = rows;
  const firstId = row?.first_id;
  return {
    events: row?.events ?? 0,
    capped: row?.events === countedHere,
    // The first 48 bits of an id are when it was made.
    first_at: firstId ? new Date(Number.parseInt(firstId.replaceAll('-', '').slice(0, 12), 16)).toISOString() : null,
  };
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
