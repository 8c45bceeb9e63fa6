import type { Pool } from 'pg';
import { prepared } from '#postgres';
import { type EventRow, type LoggedEvent, loggedEvent } from './event';
import { eventColumns, readFeedHead } from './event-log';

/** What a page of the log, read backwards, is asked for. */
export interface NewestQuery {
  environmentId: string;
  /** The position before which to read; without it, from the end of the log. */
  before: number | undefined;
  types: string[] | undefined;
  organizationId: string | undefined;
  directoryId: string | undefined;
  /** `usr_…` or `grp_…`: only events that tell of this one. */
  subject: string | undefined;
  limit: number;
}

/** The events' own JSON, as API and webhook have it, newest first, and where to go on; null: the log begins there. */
export interface NewestEvents {
  events: string[];
  next: number | null;
  /** The end of the log, from which it can be followed. */
  head: number;
}

const stretch = 5_000;
const stretchesAtMost = 20;

/**
 * Reads the log backwards. A filter looks through stretches of bounded length, so that what is rare, or not there, costs a bounded
 * time: then the page may hold less than its limit, and say where to go on.
 */
export async function readNewestEvents(pool: Pool, query: NewestQuery): Promise<NewestEvents> {
  const { head, oldest } = await readFeedHead(pool, query.environmentId);
  const events: string[] = [];
  let before = Math.min(query.before ?? head + 1, head + 1);

  for (let stretches = 0; stretches < stretchesAtMost && before > oldest; stretches++) {
    const read = await readStretch(pool, query, before, query.limit - events.length);
    events.push(...read.map(({ json }) => json));
    const last = read.at(-1);
    if (last && events.length === query.limit) return { events, next: last.position > oldest ? last.position : null, head };
    before = Math.max(before - stretch, oldest);
  }
  return { events, next: before > oldest ? before : null, head };
}

const stretchBackwards = prepared<
  EventRow,
  {
    environmentId: string;
    before: number;
    types: string[] | null;
    organizationId: string | null;
    directoryId: string | null;
    subject: string | null;
    limit: number;
  }
>(
  'newest_events',
  `
  select ${eventColumns}
    from (select *
            from event_feed
           where environment_id = :environmentId
             and position < :before
             and position >= :before - ${stretch}
             and (:types::text[] is null or type = any (:types))
             and (:organizationId::uuid is null or organization_id = :organizationId)
             and (:directoryId::uuid is null or directory_id = :directoryId)
           order by position desc) f
    join events e on e.id = f.event_id
   -- The text is searched before it is parsed: almost no event is the one's that is looked for.
   where :subject::text is null
      or (strpos(e.data::text, :subject) > 0
          and :subject in (e.data->'user'->>'id', e.data->'group'->>'id', e.data->'member_group'->>'id'))
   order by f.position desc
   limit :limit`,
);

async function readStretch(pool: Pool, query: NewestQuery, before: number, limit: number): Promise<LoggedEvent[]> {
  const rows = await stretchBackwards.run(pool, {
    environmentId: query.environmentId,
    before,
    types: query.types ?? null,
    organizationId: query.organizationId ?? null,
    directoryId: query.directoryId ?? null,
    subject: query.subject ?? null,
    limit,
  });
  return rows.map(loggedEvent);
}
