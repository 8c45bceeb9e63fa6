import type { Pool } from 'pg';
import type { Keyring } from '#credential';
import { prepared } from '#postgres';
import { getEndpoint } from './endpoints';
import { positionBefore } from './replay';

const countedAtMost = 1_000_000;

const eventsToReplay = prepared<
  { events: number; first_at: Date | null },
  { environmentId: string; after: number; directoryId: string | null; organizationId: string | null; eventTypes: string[] | null }
>(
  'replay_preview',
  `
  select count(*) as events,
         (select e.occurred_at
            from events e
           where e.id = (array_agg(f.event_id order by f.position))[1]) as first_at
    from (select event_id, position
            from event_feed
           where environment_id = :environmentId
             and position > :after
             and (:directoryId::uuid is null or directory_id = :directoryId)
             and (:organizationId::uuid is null or organization_id = :organizationId)
             and (:eventTypes::text[] is null or type = any (:eventTypes))
           limit ${countedAtMost}) f`,
);

/** How many events a replay would send again: from a time, or from the beginning, to now. @throws EndpointNotFound */
export async function countReplay(
  pool: Pool,
  keyring: Keyring,
  query: { environmentId: string; endpointId: string; since: Date | undefined; directoryId: string | undefined },
): Promise<{ events: number; capped: boolean; first_at: string | null }> {
  const { environmentId, endpointId } = query;
  const endpoint = await getEndpoint(pool, keyring, { environmentId, endpointId });
  const [row] = await eventsToReplay.run(pool, {
    environmentId,
    after: query.since ? await positionBefore(pool, environmentId, query.since) : 0,
    directoryId: query.directoryId ?? null,
    organizationId: endpoint.organizationId,
    eventTypes: endpoint.eventTypes,
  });
  return {
    events: row?.events ?? 0,
    capped: row?.events === countedAtMost,
    first_at: row?.first_at ? row.first_at.toISOString() : null,
  };
}
