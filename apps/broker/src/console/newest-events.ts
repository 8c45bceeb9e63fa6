import type { Pool } from 'pg';
import { readFeedHead } from '#directory';
import { publicId } from '#identifier';

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

interface Row {
  position: number;
  json: string;
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
    const rows = await readStretch(pool, query, before, query.limit - events.length);
    events.push(...rows.map(({ json }) => json));
    const last = rows.at(-1);
    if (last && events.length === query.limit) return { events, next: last.position > oldest ? last.position : null, head };
    before = Math.max(before - stretch, oldest);
  }
  return { events, next: before > oldest ? before : null, head };
}

async function readStretch(pool: Pool, query: NewestQuery, before: number, limit: number): Promise<Row[]> {
  const { rows } = await pool.query<Omit<Row, 'json'> & EventColumns>({
    name: 'console_newest_events',
    text: `
      select f.position, f.event_id, f.type, f.organization_id, f.directory_id, f.sequence, e.organization_external_id, e.occurred_at, e.request_id,
             e.data::text as data
        from (select *
                from event_feed
               where environment_id = $1
                 and position < $2
                 and position >= $2 - ${stretch}
                 and ($3::text[] is null or type = any ($3))
                 and ($4::uuid is null or organization_id = $4)
                 and ($5::uuid is null or directory_id = $5)
               order by position desc) f
        join events e on e.id = f.event_id
       -- The text is searched before it is parsed: almost no event is the one's that is looked for.
       where $6::text is null
          or (strpos(e.data::text, $6) > 0
              and $6 in (e.data->'user'->>'id', e.data->'group'->>'id', e.data->'member_group'->>'id'))
       order by f.position desc
       limit $7`,
    values: [
      query.environmentId,
      before,
      query.types ?? null,
      query.organizationId ?? null,
      query.directoryId ?? null,
      query.subject ?? null,
      limit,
    ],
  });
  return rows.map((row) => ({ position: row.position, json: jsonOf(row) }));
}

interface EventColumns {
  event_id: string;
  type: string;
  organization_id: string;
  directory_id: string;
  sequence: number;
  organization_external_id: string | null;
  occurred_at: Date;
  request_id: string | null;
  data: string;
}

function jsonOf(row: EventColumns & { position: number }): string {
  const head = JSON.stringify({
    id: publicId('evt', row.event_id),
    type: row.type,
    occurred_at: row.occurred_at.toISOString(),
    organization_id: publicId('org', row.organization_id),
    organization_external_id: row.organization_external_id,
    directory_id: publicId('dir', row.directory_id),
    position: row.position,
    sequence: row.sequence,
    request_id: row.request_id === null ? null : publicId('req', row.request_id),
  });
  return `${head.slice(0, -1)},"data":${row.data}}`;
}
