import type { Pool } from 'pg';
import type { Keyring } from '#credential';
import { idAt } from '#identifier';
import { prepared } from '#postgres';
import { getEndpoint } from '../endpoint/endpoints';

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

const attemptsByTime = prepared<
  { bucket: number; attempts: number; succeeded: number; median_ms: number | null; p95_ms: number | null },
  { environmentId: string; endpointId: string; firstId: string; beginMs: number; bucketMs: number }
>(
  'endpoint_attempts',
  `
  select floor((extract(epoch from at) * 1000 - :beginMs) / :bucketMs)::int as bucket,
         count(*) as attempts,
         count(*) filter (where error is null) as succeeded,
         percentile_cont(0.5) within group (order by duration_ms) filter (where status is not null) as median_ms,
         percentile_cont(0.95) within group (order by duration_ms) filter (where status is not null) as p95_ms
    from delivery_attempts
   where endpoint_id = :endpointId
     and environment_id = :environmentId
     and id >= :firstId
   group by 1`,
);

const backlogOfEndpoint = prepared<{ pending: number; parked: number }>(
  'endpoint_backlog',
  `
  select (select count(*)
            from (select 1
                    from lanes l
                    join event_feed f on f.directory_id = l.directory_id and f.sequence > l.cursor_sequence and f.sequence <= l.head_sequence
                   where l.endpoint_id = $2
                     and l.environment_id = $1
                     and l.next_attempt_at is not null
                   limit ${countedAtMost}) p)
         + (select count(*) from delivery_exceptions where endpoint_id = $2 and environment_id = $1 and state = 'waiting') as pending,
         (select count(*) from delivery_exceptions where endpoint_id = $2 and environment_id = $1 and state = 'parked') as parked`,
);

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

  const [attempts, [backlog]] = await Promise.all([
    attemptsByTime.run(pool, { environmentId, endpointId, firstId: idAt(new Date(begin)), beginMs: begin, bucketMs }),
    backlogOfEndpoint.run(pool, [environmentId, endpointId]),
  ]);

  const byBucket = new Map(attempts.map((row) => [row.bucket, row]));
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

function sum(numbers: number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
