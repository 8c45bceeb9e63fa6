import type { Pool } from 'pg';
import { idAt, newId } from '#identifier';
import { type EpochRow, epochColumns, epochOf, type FeedEpoch, firstEpoch } from '../writing/epoch';
import { type EventRow, type LoggedEvent, loggedEvent } from './event';
import { alwaysTold, type EventData, type EventType } from './event-data';
import { bounds } from '#bounds';
import { type BytePage, bytePage, isWithin, type OfPage, prepared, weighed } from '#postgres';
import type { DirectoryTransaction } from '../writing/transaction';

/** An event to be appended. `data` is given the event's own sequence, because the version of what changed is that number. */
export type EventDraft<Type extends EventType = EventType> = {
  [T in Type]: { type: T; data: (sequence: number) => EventData[T] };
}[Type];

/**
 * Appends events to the log, in the transaction that makes them true, and returns the last one's sequence.
 *
 * They stand in the log if and only if that transaction commits; they get their position, and can be read, once the
 * sequencer has seen them.
 */
export function appendEvents(tx: DirectoryTransaction, drafts: EventDraft[]): number {
  if (drafts.length === 0) return tx.sequence;
  const first = tx.drawSequences(drafts.length);
  tx.append(
    drafts.map((draft, i) => ({ id: newId(), sequence: first + i, type: draft.type, data: JSON.stringify(draft.data(first + i)) })),
  );
  return tx.sequence;
}

/**
 * Of the feed `f` and the log `e`, what an `EventRow` is, but for its data. What was appended before there were epochs, or by a release that
 * knows of none, is of the one that the log was in at its position.
 */
const headColumns = `
         e.id, f.type, f.environment_id, f.organization_id, e.organization_external_id, f.directory_id,
         f.position, f.sequence, e.occurred_at, e.request_id,
         coalesce(e.epoch, (select r.name
                              from feed_rewinds r
                             where r.environment_id = f.environment_id
                               and r.name is not null
                               and r.head < f.position
                             order by r.epoch desc
                             limit 1), '1') as epoch`;

export const eventColumns = `${headColumns}, e.data::text as data`;

/** What a page that is ended by its bytes is made of, and of such a page `p` what an `EventRow` is. */
export const weighedColumns = `${headColumns}, e.data as stored, coalesce(e.bytes, octet_length(e.data::text)) as size`;
export const pageColumns = `
         p.id, p.type, p.environment_id, p.organization_id, p.organization_external_id, p.directory_id,
         p.position, p.sequence, p.occurred_at, p.request_id, p.epoch, p.stored::text as data, p.matched`;

const feedHead = prepared<{ position: number; oldest_position: number } & EpochRow>(
  'feed_head',
  `
  select h.position, h.oldest_position, ${epochColumns}
    from feed_heads h
   where h.environment_id = $1`,
);

/** Where an environment's log ends and begins, and in which epoch. */
export interface FeedEnds {
  head: number;
  /** Head + 1 while nothing is kept. */
  oldest: number;
  epoch: FeedEpoch;
}

export async function readFeedHead(pool: Pool, environmentId: string): Promise<FeedEnds> {
  const [row] = await feedHead.run(pool, [environmentId]);
  return row ? { head: row.position, oldest: row.oldest_position, epoch: epochOf(row) } : { head: 0, oldest: 1, epoch: firstEpoch };
}

const feedHeads = prepared<{ environmentId: string; head: number }>(
  'feed_heads',
  `
  select environment_id as "environmentId", position as head
    from feed_heads
   where environment_id = any ($1::uuid[])`,
);

/** Where the logs of several environments end. */
export async function readFeedHeads(pool: Pool, environmentIds: string[]): Promise<{ environmentId: string; head: number }[]> {
  return feedHeads.run(pool, [environmentIds]);
}

const countFeed = prepared<{ total: number; since: number }>(
  'count_feed',
  `
  select h.position as total,
         -- Positions have no gaps, so the distance is the count. Of a day with less than so many events the first one is found at once.
         (select count(*)
            from (select 1
                    from event_feed f
                   where f.environment_id = $1
                     and f.position > h.position - 100000
                     and f.event_id >= $2) d) as since
    from feed_heads h
   where h.environment_id = $1`,
);

/** How many events an environment has had, and how many of them, up to 100,000, since a time. */
export async function countEvents(
  pool: Pool,
  { environmentId, since }: { environmentId: string; since: Date },
): Promise<{ total: number; since: number }> {
  const [row] = await countFeed.run(pool, [environmentId, idAt(since)]);
  return row ?? { total: 0, since: 0 };
}

interface FeedRow extends EventRow, EpochRow, OfPage {
  head: number;
  oldest: number;
}

/** A page of the log beside its head, as of one moment; where the page is empty, the head alone. */
const withHead = (page: string): string => `
  select h.position as head, h.oldest_position as oldest, ${epochColumns}, p.*
    from feed_heads h
    left join lateral (${page}) p on true
   where h.environment_id = :environmentId
   order by p.position`;

const feedPage = prepared<FeedRow, { environmentId: string; after: number; limit: number }>(
  'feed_page',
  withHead(`
  select ${pageColumns}
    from ${weighed(
      `
          select ${weighedColumns}
            from event_feed f
            join events e on e.id = f.event_id
           where f.environment_id = :environmentId
             and f.position > :after
           order by f.position
           limit :limit`,
      'l.position',
    )} p
   where ${isWithin('p', bounds.pageBytes)}`),
);

// The scan is bounded before it is filtered: a filter that matches nothing costs the same each time, and never reads the
// same stretch twice.
const filteredFeedPage = prepared<
  FeedRow,
  {
    environmentId: string;
    after: number;
    limit: number;
    scannedAtMost: number;
    types: string[] | null;
    organizationId: string | null;
    directoryId: string | null;
  }
>(
  'filtered_feed_page',
  withHead(`
  select ${pageColumns}
    from ${weighed(
      `
          select ${weighedColumns}
            from (select *
                    from event_feed
                   where environment_id = :environmentId
                     and position > :after
                     and position <= :after + :scannedAtMost
                   order by position) f
            join events e on e.id = f.event_id
           where (:types::text[] is null or f.type = any (:types) or f.type = '${alwaysTold}')
             and (:organizationId::uuid is null or f.organization_id = :organizationId)
             and (:directoryId::uuid is null or f.directory_id = :directoryId)
           order by f.position
           limit :limit`,
      'l.position',
    )} p
   where ${isWithin('p', bounds.pageBytes)}`),
);

export interface EventQuery {
  environmentId: string;
  /** The position after which to read. */
  after: number;
  limit: number;
  /** Besides those that are always told. */
  types?: string[] | undefined;
  organizationId?: string | undefined;
  directoryId?: string | undefined;
}

export interface EventPage extends FeedEnds {
  events: LoggedEvent[];
  /** Everything up to this position has been looked at: where the next cursor stands, also when nothing matched. */
  scannedTo: number;
}

const scannedAtMost = 5_000;

/**
 * Reads an environment's log in the order of positions. The one reader: polling, streams and consumers call it. A page may end before
 * its limit because it would be too large: `scannedTo` is where to go on.
 *
 * The caller compares `oldest` with `after`: what lies before `oldest` is no longer kept.
 */
export async function readEvents(pool: Pool, query: EventQuery): Promise<EventPage> {
  const { environmentId, after, limit, types, organizationId, directoryId } = query;
  const filtered = types !== undefined || organizationId !== undefined || directoryId !== undefined;
  const rows = filtered
    ? await filteredFeedPage.run(pool, {
        environmentId,
        after,
        limit,
        scannedAtMost,
        types: types ?? null,
        organizationId: organizationId ?? null,
        directoryId: directoryId ?? null,
      })
    : await feedPage.run(pool, { environmentId, after, limit });
  const [row] = rows;
  const { head, oldest } = row ?? { head: 0, oldest: 1 };
  const { rows: events, isCut } = bytePage(
    rows.filter(({ id }) => id !== null),
    loggedEvent,
  );
  const last = events.at(-1)?.position ?? after;
  const scannedTo = events.length === limit || isCut || !filtered ? last : Math.max(last, Math.min(after + scannedAtMost, head));
  return { events, scannedTo, head: Math.max(head, events.at(-1)?.position ?? 0), oldest, epoch: row ? epochOf(row) : firstEpoch };
}

/** A stretch of one directory's log, by sequences. */
export interface DirectoryStretch {
  directoryId: string;
  after: number;
  upTo: number;
  limit: number;
  /** `null`: all. */
  types: string[] | null;
}

const directoryPages = prepared<
  EventRow & OfPage & { n: number },
  { ns: number[]; directoryIds: string[]; afters: number[]; upTos: number[]; limits: number[]; types: (string | null)[] }
>(
  'directory_pages',
  `
  select q.n, p.*
    from unnest(:ns::int[], :directoryIds::uuid[], :afters::bigint[], :upTos::bigint[], :limits::int[], :types::text[])
         as q (n, directory_id, after, up_to, at_most, types)
   cross join lateral (select ${pageColumns}
                         from ${weighed(
                           `
                               select ${weighedColumns}
                                 from event_feed f
                                 join events e on e.id = f.event_id
                                where f.directory_id = q.directory_id
                                  and f.sequence > q.after
                                  and f.sequence <= q.up_to
                                  and (q.types is null or f.type = any (string_to_array(q.types, ',')) or f.type = '${alwaysTold}')
                                order by f.sequence
                                limit q.at_most`,
                           'l.sequence',
                         )} p
                        where ${isWithin('p', bounds.lanePageBytes)}) p
   order by q.n, p.sequence`,
);

/** Directories' events in the order of sequences, a list for each stretch; published ones alone: what a webhook carries can be polled already. */
export async function readDirectoryPages(pool: Pool, stretches: readonly DirectoryStretch[]): Promise<BytePage<LoggedEvent>[]> {
  const rows = await directoryPages.run(pool, {
    ns: stretches.map((_, n) => n),
    directoryIds: stretches.map(({ directoryId }) => directoryId),
    afters: stretches.map(({ after }) => after),
    upTos: stretches.map(({ upTo }) => upTo),
    limits: stretches.map(({ limit }) => limit),
    types: stretches.map(({ types }) => types && types.join()),
  });
  const pages: (typeof rows)[] = stretches.map(() => []);
  for (const row of rows) pages[row.n]?.push(row);
  return pages.map((page) => bytePage(page, loggedEvent));
}

const eventById = prepared<EventRow>(
  'event_by_id',
  `
  select ${eventColumns}
    from events e
    join event_feed f on f.directory_id = e.directory_id and f.sequence = e.sequence
   where e.environment_id = $1
     and e.id = $2`,
);

/** A published event of an environment. */
export async function findEvent(pool: Pool, environmentId: string, eventId: string): Promise<LoggedEvent | undefined> {
  const [row] = await eventById.run(pool, [environmentId, eventId]);
  return row && loggedEvent(row);
}
