import type { Pool } from 'pg';
import { idAt, publicId } from '#identifier';
import { prepared } from '#postgres';

/** What an endpoint answered last. */
export interface LastAttempt {
  event_id: string;
  at: string;
  status: number | null;
  error: string | null;
  response_body: string | null;
}

const dayMs = 86_400_000;

const newestAttempt = prepared<{
  event_id: string;
  at: Date;
  status: number | null;
  error: string | null;
  response_body: string | null;
}>(
  'last_attempt',
  `
  select event_id, at, status, error, left(response_body, 2000) as response_body
    from delivery_attempts
   where endpoint_id = $2
     and environment_id = $1
     and id >= $3
   order by id desc
   limit 1`,
);

/** The newest attempt at an endpoint in the last day, of which a failing one has many; null where there is none, or no such endpoint. */
export async function lastAttemptOf(
  pool: Pool,
  { environmentId, endpointId, now }: { environmentId: string; endpointId: string; now: Date },
): Promise<LastAttempt | null> {
  const [row] = await newestAttempt.run(pool, [environmentId, endpointId, idAt(new Date(now.getTime() - dayMs))]);
  return row ? { ...row, event_id: publicId('evt', row.event_id), at: row.at.toISOString() } : null;
}
