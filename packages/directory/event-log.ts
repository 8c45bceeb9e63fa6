import type { Pool } from 'pg';
import { newId } from '#identifier';
import { type EventRow, type EventType, type LoggedEvent, loggedEvent } from './event';
import { prepared } from './prepared';
import type { DirectoryTransaction } from './transaction';

/** An event to be appended. `data` is given the event's own sequence, because the version of what changed is that number. */
export interface EventDraft {
  type: EventType;
  data: (sequence: number) => object;
}

/**
 * Appends events to the log, in the transaction that makes them true, and returns the last one's sequence.
 *
 * They stand in the log if and only if that transaction commits; they get their position, and can be read, once the
 * sequencer has seen them.
 */
export function appendEvents(tx: DirectoryTransaction, drafts: EventDraft[]): number {
  if (drafts.length === 0) return tx.sequence;
  const first = tx.drawSequences(drafts.length);
  tx.append(drafts.map((draft, i) => ({ id: newId(), sequence: first + i, type: draft.type, data: JSON.stringify(draft.data(first + i)) })));
  return tx.sequence;
}

const eventColumns = `
         e.id, f.type, f.environment_id, f.organization_id, e.organization_external_id, f.directory_id,
         f.position, f.sequence, e.occurred_at, e.request_id, e.data::text as data`;

const feedHead = prepared<{ position: number; oldest_position: number; epoch: number }>('feed_head', `
  select position, oldest_position, epoch
    from feed_heads
   where environment_id = $1`);

/** Where an environment's log ends and begins; `oldest` is head + 1 while nothing is kept. */
export async function readFeedHead(pool: Pool, environmentId: string): Promise<{ head: number; oldest: number; epoch: number }> {
  const [row] = await feedHead.run(pool, [environmentId]);
  return { head: row?.position ?? 0, oldest: row?.oldest_position ?? 1, epoch: row?.epoch ?? 1 };
}

const feedPage = prepared<EventRow>('feed_page', `
  select ${eventColumns}
    from event_feed f
    join events e on e.id = f.event_id
   where f.environment_id = $1
     and f.position > $2
   order by f.position
   limit $3`);

// The scan is bounded before it is filtered: a filter that matches nothing costs the same each time, and never reads the
// same stretch twice.
const filteredFeedPage = prepared<EventRow>('filtered_feed_page', `
  select ${eventColumns}
    from (select *
            from event_feed
           where environment_id = $1
             and position > $2
             and position <= $2 + $4
           order by position) f
    join events e on e.id = f.event_id
   where ($5::text[] is null or f.type = any ($5))
     and ($6::uuid is null or f.organization_id = $6)
     and ($7::uuid is null or f.directory_id = $7)
   order by f.position
   limit $3`);

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
 * Reads an environment's log in the order of positions. The one reader: polling, streams and consumers call it.
 *
 * The caller compares `oldest` with `after`: what lies before `oldest` is no longer kept.
 */
export async function readEvents(pool: Pool, query: EventQuery): Promise<EventPage> {
  // The head is read first: what it says is committed by the time the page is read.
  const { head, oldest, epoch } = await readFeedHead(pool, query.environmentId);
  const { environmentId, after, limit, types, organizationId, directoryId } = query;
  const filtered = types !== undefined || organizationId !== undefined || directoryId !== undefined;
  const rows = filtered
    ? await filteredFeedPage.run(pool, [environmentId, after, limit, scannedAtMost, types ?? null, organizationId ?? null, directoryId ?? null])
    : await feedPage.run(pool, [environmentId, after, limit]);
  const events = rows.map(loggedEvent);
  const last = events.at(-1)?.position ?? after;
  const scannedTo = events.length === limit || !filtered ? last : Math.max(last, Math.min(after + scannedAtMost, head));
  return { events, scannedTo, head: Math.max(head, last), oldest, epoch };
}

const directoryPage = prepared<EventRow>('directory_events', `
  select ${eventColumns}
    from event_feed f
    join events e on e.id = f.event_id
   where f.directory_id = $1
     and f.sequence > $2
     and f.sequence <= $3
     and ($5::text[] is null or f.type = any ($5))
   order by f.sequence
   limit $4`);

/** One directory's events in the order of sequences, published ones alone: what a webhook carries can be polled already. */
export async function readDirectoryEvents(
  pool: Pool,
  query: { directoryId: string; after: number; upTo: number; limit: number; types?: string[] | null | undefined },
): Promise<LoggedEvent[]> {
  const rows = await directoryPage.run(pool, [query.directoryId, query.after, query.upTo, query.limit, query.types ?? null]);
  return rows.map(loggedEvent);
}

const eventById = prepared<EventRow>('event_by_id', `
  select ${eventColumns}
    from events e
    join event_feed f on f.directory_id = e.directory_id and f.sequence = e.sequence
   where e.environment_id = $1
     and e.id = $2`);

/** A published event of an environment. */
export async function findEvent(pool: Pool, environmentId: string, eventId: string): Promise<LoggedEvent | undefined> {
  const [row] = await eventById.run(pool, [environmentId, eventId]);
  return row && loggedEvent(row);
}

const leastRewind = prepared<{ position: number | null }>('least_rewind', `
  select min(position) as position
    from feed_rewinds
   where environment_id = $1
     and epoch > $2`);

/**
 * The position from which a cursor of an earlier epoch goes on: positions above it may by now stand for other events than
 * those that its holder saw.
 */
export async function safePosition(pool: Pool, cursor: { environmentId: string; epoch: number; position: number }): Promise<number> {
  const [row] = await leastRewind.run(pool, [cursor.environmentId, cursor.epoch]);
  return Math.min(cursor.position, row?.position ?? cursor.position);
}

/**
 * Begins a new epoch in every environment: to be called once after the database was set back (a restore to a point in
 * time, a standby promoted with loss), before events are read again. Answers how many environments there are.
 */
export async function rewindFeeds(pool: Pool): Promise<number> {
  const { rowCount } = await pool.query(`
    with rewound as (
      update feed_heads
         set epoch = epoch + 1
      returning environment_id, epoch, position
    )
    insert into feed_rewinds (environment_id, epoch, position)
    select environment_id, epoch, position
      from rewound`);
  return rowCount ?? 0;
}
