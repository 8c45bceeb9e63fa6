import type { Pool } from 'pg';
import { idAt, newId } from '#identifier';
import { type EventRow, type LoggedEvent, loggedEvent } from './event';
import type { EventData, EventType } from './event-data';
import { bounds } from '#bounds';
import { prepared } from '#postgres';
import { type BytePage, bytePage, isWithin, type OfPage, weighed } from '../reading/page-bytes';
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

/** Of the feed `f` and the log `e`, what an `EventRow` is, but for its data. */
const headColumns = `
         e.id, f.type, f.environment_id, f.organization_id, e.organization_external_id, f.directory_id,
         f.position, f.sequence, e.occurred_at, e.request_id`;

export const eventColumns = `${headColumns}, e.data::text as data`;

/** What a page that is ended by its bytes is made of, and of such a page `p` what an `EventRow` is. */
export const weighedColumns = `${headColumns}, e.data as stored, coalesce(e.bytes, octet_length(e.data::text)) as size`;
export const pageColumns = `
         p.id, p.type, p.environment_id, p.organization_id, p.organization_external_id, p.directory_id,
         p.position, p.sequence, p.occurred_at, p.request_id, p.stored::text as data, p.matched`;

const feedHead = prepared<{ position: number; oldest_position: number; epoch: number }>(
  'feed_head',
  `
  select position, oldest_position, epoch
    from feed_heads
   where environment_id = $1`,
);

/** Where an environment's log ends and begins; `oldest` is head + 1 while nothing is kept. */
export async function readFeedHead(pool: Pool, environmentId: string): Promise<{ head: number; oldest: number; epoch: number }> {
  const [row] = await feedHead.run(pool, [environmentId]);
  return { head: row?.position ?? 0, oldest: row?.oldest_position ?? 1, epoch: row?.epoch ?? 1 };
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

interface FeedRow extends EventRow, OfPage {
  head: number;
  oldest: number;
  epoch: number;
}

/** A page of the log beside its head, as of one moment; where the page is empty, the head alone. */
const withHead = (page: string): string => `
  select h.position as head, h.oldest_position as oldest, h.epoch, p.*
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
           where (:types::text[] is null or f.type = any (:types))
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
  types?: string[] | undefined;
  organizationId?: string | undefined;
  directoryId?: string | undefined;
}

export interface EventPage {
  events: LoggedEvent[];
  /** Everything up to this position has been looked at: where the next cursor stands, also when nothing matched. */
  scannedTo: number;
  head: number;
  oldest: number;
  epoch: number;
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
  const { head, oldest, epoch } = rows[0] ?? { head: 0, oldest: 1, epoch: 1 };
  const { rows: events, isCut } = bytePage(
    rows.filter(({ id }) => id !== null),
    loggedEvent,
  );
  const last = events.at(-1)?.position ?? after;
  const scannedTo = events.length === limit || isCut || !filtered ? last : Math.max(last, Math.min(after + scannedAtMost, head));
  return { events, scannedTo, head: Math.max(head, last), oldest, epoch };
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
                                  and (q.types is null or f.type = any (string_to_array(q.types, ',')))
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

const leastRewind = prepared<{ position: number | null }>(
  'least_rewind',
  `
  select min(position) as position
    from feed_rewinds
   where environment_id = $1
     and epoch > $2`,
);

/**
 * The position from which a cursor of an earlier epoch goes on: positions above it may by now stand for other events than
 * those that its holder saw.
 */
export async function safePosition(pool: Pool, cursor: { environmentId: string; epoch: number; position: number }): Promise<number> {
  const [row] = await leastRewind.run(pool, [cursor.environmentId, cursor.epoch]);
  return Math.min(cursor.position, row?.position ?? cursor.position);
}

const rewind = prepared(
  'rewind_feeds',
  `
  with rewound as (
    update feed_heads
       set epoch = epoch + 1
    returning environment_id, epoch, position
  )
  insert into feed_rewinds (environment_id, epoch, position)
  select environment_id, epoch, position
    from rewound`,
);

/**
 * Begins a new epoch in every environment: to be called once after the database was set back (a restore to a point in
 * time, a standby promoted with loss), before events are read again. Answers how many environments there are.
 */
export async function rewindFeeds(pool: Pool): Promise<number> {
  return rewind.change(pool, []);
}
