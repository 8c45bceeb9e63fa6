import type { Pool, PoolClient } from 'pg';
import { prepared } from '#postgres';

/** Where each directory stood at a place in the log: the sequence of its last event up to there. */
export interface Starts {
  directoryIds: string[];
  sequences: number[];
}

const selectStarts = prepared<{ directory_id: string; sequence: number }>(
  'lane_starts',
  `
  select p.directory_id,
         coalesce((select f.sequence
                     from event_feed f
                    where f.directory_id = p.directory_id
                      and f.position <= $4
                    order by f.sequence desc
                    limit 1), 0) as sequence
    from directory_published p
   where p.environment_id = $1
     and ($2::uuid is null or p.organization_id = $2)
     and ($3::uuid is null or p.directory_id = $3)
     and $4 >= (select h.oldest_position from feed_heads h where h.environment_id = $1)`,
);

/**
 * Looks up where the directories of an environment stood after a position. What lies before a position that was given does not
 * change, so this needs no lock; it reads as many rows as there are events after it.
 *
 * A directory that is missing stood at 0: it has come since, or all that is kept comes after the position.
 */
export async function startsAfter(
  pool: Pool,
  query: { environmentId: string; organizationId: string | null; directoryId?: string | undefined; after: number },
): Promise<Starts> {
  const rows = await selectStarts.run(pool, [query.environmentId, query.organizationId, query.directoryId ?? null, query.after]);
  return { directoryIds: rows.map((row) => row.directory_id), sequences: rows.map((row) => row.sequence) };
}

// What an existing lane has not been through yet is still before it: its cursor goes back, never on.
const setBack = prepared<
  never,
  {
    environmentId: string;
    organizationId: string | null;
    endpointId: string;
    directoryId: string | null;
    directoryIds: string[];
    sequences: number[];
  }
>(
  'set_back_lanes',
  `
  insert into lanes as l (endpoint_id, directory_id, environment_id, start_sequence, cursor_sequence, head_sequence, next_attempt_at)
  select :endpointId::uuid, p.directory_id, p.environment_id, coalesce(s.sequence, 0), coalesce(s.sequence, 0), p.sequence, now()
    from directory_published p
    left join unnest(:directoryIds::uuid[], :sequences::bigint[]) as s (directory_id, sequence) on s.directory_id = p.directory_id
   where p.environment_id = :environmentId
     and (:organizationId::uuid is null or p.organization_id = :organizationId)
     and (:directoryId::uuid is null or p.directory_id = :directoryId)
     and p.sequence > coalesce(s.sequence, 0)
   order by p.directory_id
  on conflict (endpoint_id, directory_id) do update
     set start_sequence = least(l.start_sequence, excluded.start_sequence),
         cursor_sequence = least(l.cursor_sequence, excluded.cursor_sequence),
         head_sequence = greatest(l.head_sequence, excluded.head_sequence),
         attempt = case when l.cursor_sequence > excluded.cursor_sequence then 0 else l.attempt end,
         refusals = case when l.cursor_sequence > excluded.cursor_sequence then 0 else l.refusals end,
         refused_since = case when l.cursor_sequence > excluded.cursor_sequence then null else l.refused_since end,
         next_attempt_at = case when l.cursor_sequence > excluded.cursor_sequence or l.next_attempt_at is null then now() else l.next_attempt_at end,
         enqueued_at = null`,
);

/**
 * Makes the lanes of an endpoint that are not there yet, and sets back those that are, to where their directories stood. To be
 * called under the feed's lock.
 */
export async function insertLanes(
  client: PoolClient,
  lanes: { environmentId: string; organizationId: string | null; endpointId: string; directoryId?: string | undefined; starts: Starts },
): Promise<void> {
  await setBack.run(client, {
    environmentId: lanes.environmentId,
    organizationId: lanes.organizationId,
    endpointId: lanes.endpointId,
    directoryId: lanes.directoryId ?? null,
    directoryIds: lanes.starts.directoryIds,
    sequences: lanes.starts.sequences,
  });
}
