import type { Pool } from 'pg';
import { prepared } from '#postgres';

/** How far behind things are, all environments together. */
export interface Backlog {
  /** The age of the oldest event that has no position yet, in milliseconds; 0 where all have. */
  oldestUnsequencedMs: number;
  /** Lanes that owe something. */
  dirtyLanes: number;
  /** Of them, those that wait because their first event has failed. */
  blockedLanes: number;
}

const selectBacklog = prepared<{ oldest_ms: number | null; dirty: number; blocked: number }>(
  'delivery_backlog',
  `
  select (select extract(epoch from now() - o.created_at)::float8 * 1000
            from event_outbox o
           order by o.id
           limit 1) as oldest_ms,
         count(*) as dirty,
         count(*) filter (where l.attempt > 0) as blocked
    from lanes l
   where l.next_attempt_at is not null`,
);

export async function readBacklog(pool: Pool): Promise<Backlog> {
  const [row] = await selectBacklog.run(pool, []);
  return { oldestUnsequencedMs: Math.max(0, row?.oldest_ms ?? 0), dirtyLanes: row?.dirty ?? 0, blockedLanes: row?.blocked ?? 0 };
}
