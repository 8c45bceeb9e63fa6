import type { Pool, PoolClient } from 'pg';
import { EndpointNotFound } from './endpoint';
import { prepared } from '#postgres';
import { insertLanes, startsAfter } from './starts';
import { underFeedLock } from '../feed-lock';

const selectScope = prepared<{ organization_id: string | null }>(
  'replay_scope',
  `
  select organization_id
    from webhook_endpoints
   where environment_id = $1
     and id = $2
     and deleted_at is null`,
);

// What it is owed from here on is decided by what it asks for today: newer rows win, and those that this one covers go.
const coverFilters = prepared(
  'cover_webhook_filters',
  `
  with covered as (
    delete from webhook_filters
     where environment_id = $1
       and endpoint_id = $2
       and from_position > $3
       and ($4::uuid is null or directory_id = $4)
  )
  insert into webhook_filters (environment_id, endpoint_id, directory_id, from_position, event_types)
  select environment_id, id, $4, $3 + 1, event_types
    from webhook_endpoints
   where environment_id = $1
     and id = $2`,
);

// They are sent again in their lanes, so nothing of them goes its own way.
const forgetAsides = prepared(
  'forget_replayed_asides',
  `
  delete from delivery_exceptions
   where environment_id = $1
     and endpoint_id = $2
     and kind <> 'test'
     and position > $3
     and ($4::uuid is null or directory_id = $4)`,
);

const bumpVersion = prepared(
  'bump_replayed_endpoint',
  `
  update webhook_endpoints
     set version = version + 1
   where environment_id = $1
     and id = $2
     and deleted_at is null
  returning id`,
);

/**
 * Has an endpoint get everything from a place in the log on again, in order; without `since` from the oldest kept event, with
 * `directoryId` of that directory alone. It gets what it asks for today, also from before it did, or was.
 *
 * @throws EndpointNotFound
 */
export async function replay(
  db: Pool,
  query: {
    environmentId: string;
    endpointId: string;
    /** A time: events that occurred then or later. A position: events after it. */
    since?: Date | { after: number } | undefined;
    directoryId?: string | undefined;
  },
): Promise<void> {
  const { environmentId, endpointId, since, directoryId } = query;
  const [scope] = await selectScope.run(db, [environmentId, endpointId]);
  if (!scope) throw new EndpointNotFound(endpointId);
  const organizationId = scope.organization_id;
  const after = since === undefined ? 0 : since instanceof Date ? await positionBefore(db, environmentId, since) : since.after;
  const starts = await startsAfter(db, { environmentId, organizationId, directoryId, after });

  await underFeedLock(db, environmentId, async ({ client }) => {
    const values = [environmentId, endpointId, after, directoryId ?? null];
    await lockForReplay(client, environmentId, endpointId);
    await coverFilters.run(client, values);
    await forgetAsides.run(client, values);
    await insertLanes(client, { environmentId, organizationId, endpointId, directoryId, starts });
  });
}

/** The endpoint's row before its lanes, as everybody locks them. */
async function lockForReplay(client: PoolClient, environmentId: string, endpointId: string): Promise<void> {
  const bumped = await bumpVersion.run(client, [environmentId, endpointId]);
  if (bumped.length === 0) throw new EndpointNotFound(endpointId);
}

const timeAt = prepared<{ occurred_at: Date }>(
  'time_at_position',
  `
  select e.occurred_at
    from event_feed f
    join events e on e.id = f.event_id
   where f.environment_id = $1
     and f.position = $2`,
);

const firstSince = prepared<{ position: number }>(
  'first_position_since',
  `
  select f.position
    from event_feed f
    join events e on e.id = f.event_id
   where f.environment_id = $1
     and f.position > $2
     and e.occurred_at >= $3
   order by f.position
   limit 1`,
);

const feedEnds = prepared<{ position: number; oldest_position: number }>(
  'feed_ends',
  `
  select position, oldest_position
    from feed_heads
   where environment_id = $1`,
);

// Longer than any transaction can take, and so than any event can wait for its position.
const slackMs = 10 * 60_000;

/** The position before the first event that occurred at a time or later; the head where none has. */
export async function positionBefore(db: Pool, environmentId: string, time: Date): Promise<number> {
  const [ends] = await feedEnds.run(db, [environmentId]);
  if (!ends) return 0;
  // Positions nearly rise with the times of events, which are the database's, so that one well before the time can be found by halves; from
  // there the first one is looked for in order. Ids say when a broker thought it was, which is nothing to go by.
  const wellBefore = new Date(time.getTime() - slackMs);
  let low = ends.oldest_position - 1;
  let high = ends.position + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const [event] = await timeAt.run(db, [environmentId, middle]);
    if (event && event.occurred_at < wellBefore) low = middle;
    else high = middle;
  }
  const [first] = await firstSince.run(db, [environmentId, low, time]);
  return first ? first.position - 1 : ends.position;
}
