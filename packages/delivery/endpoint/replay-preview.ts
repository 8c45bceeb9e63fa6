import type { Pool } from 'pg';
import type { Keyring } from '#credential';
import { idAt } from '#identifier';
import { prepared } from '#postgres';
import { getEndpoint } from './endpoints';

const countedAtMost = 1_000_000;

const eventsToReplay = prepared<
  { events: number; first_id: string | null },
  { environmentId: string; firstId: string; directoryId: string | null; organizationId: string | null; eventTypes: string[] | null }
>(
  'replay_preview',
  `
  select count(*) as events, (array_agg(event_id order by position))[1] as first_id
    from (select event_id, position
            from event_feed
           where environment_id = :environmentId
             and event_id >= :firstId
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
    firstId: idAt(query.since ?? new Date(0)),
    directoryId: query.directoryId ?? null,
    organizationId: endpoint.organizationId,
    eventTypes: endpoint.eventTypes,
  });
  const firstId = row?.first_id;
  return {
    events: row?.events ?? 0,
    capped: row?.events === countedAtMost,
    // The first 48 bits of an id are when it was made.
    first_at: firstId ? new Date(Number.parseInt(firstId.replaceAll('-', '').slice(0, 12), 16)).toISOString() : null,
  };
}
