import type { Pool } from 'pg';
import { type BytePage, bytePage, isWithin, type OfPage, prepared, weighed } from '#postgres';
import { type EventRow, type LoggedEvent, loggedEvent } from './event';
import { pageColumns, readFeedHead, weighedColumns } from './event-log';
import { bounds } from '#bounds';

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
 * Reads the log backwards, no more than a page's bytes at once. A filter looks through stretches of bounded length, so that what is rare, or not there, costs a bounded
 * time: then the page may hold less than its limit, and say where to go on.
 */
export async function readNewestEvents(pool: Pool, query: NewestQuery): Promise<NewestEvents> {
  const { head, oldest } = await readFeedHead(pool, query.environmentId);
  const events: string[] = [];
  let bytesLeft: number = bounds.pageBytes;
  let before = Math.min(query.before ?? head + 1, head + 1);

  for (let stretches = 0; stretches < stretchesAtMost && before > oldest; stretches++) {
    const { rows, isCut } = await readStretch(pool, query, before, query.limit - events.length, bytesLeft);
    events.push(...rows.map(({ json }) => json));
    for (const { json } of rows) bytesLeft -= Buffer.byteLength(json);
    const last = rows.at(-1);
    if (last && (events.length === query.limit || isCut || bytesLeft <= 0))
      return { events, next: last.position > oldest ? last.position : null, head };
    before = Math.max(before - stretch, oldest);
  }
  return { events, next: before > oldest ? before : null, head };
}

const stretchBackwards = prepared<
  EventRow & OfPage,
  {
    environmentId: string;
    before: number;
    types: string[] | null;
    organizationId: string | null;
    directoryId: string | null;
    subject: string | null;
    limit: number;
    bytes: number;
  }
>(
  'newest_events',
  `
  select ${pageColumns}
    from ${weighed(
      `
          select ${weighedColumns}
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
      'l.position desc',
    )} p
   where ${isWithin('p', ':bytes::bigint')}
   order by p.position desc`,
);

async function readStretch(pool: Pool, query: NewestQuery, before: number, limit: number, bytes: number): Promise<BytePage<LoggedEvent>> {
  const rows = await stretchBackwards.run(pool, {
    environmentId: query.environmentId,
    before,
    types: query.types ?? null,
    organizationId: query.organizationId ?? null,
    directoryId: query.directoryId ?? null,
    subject: query.subject ?? null,
    limit,
    bytes,
  });
  return bytePage(rows, loggedEvent);
}
