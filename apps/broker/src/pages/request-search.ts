import type { Pool } from 'pg';
import { explainRequest, type Provider } from '#directory';
import { idAt, parsePublicId, publicId } from '#identifier';

/** A SCIM exchange as a list shows one. */
export interface ListedRequest {
  id: string;
  directory_id: string;
  at: string;
  method: string;
  path: string;
  status: number;
  outcome: 'succeeded' | 'failed';
  scim_type: string | null;
  detail: string | null;
  duration_ms: number;
  /** Whom it was about, as the body says: a userName or a displayName. */
  subject: string | null;
}

/** The same, whole. */
export interface WholeRequest extends ListedRequest {
  /** Of a failed one: what happened, in plain words, and what puts it right in that identity provider. */
  explanation: string | null;
  fix: string | null;
  notes: string[];
  user_agent: string | null;
  request_body: unknown;
  response_body: unknown;
  /** What it changed. */
  events: { id: string; type: string; sequence: number }[];
}

interface RequestRow {
  id: string;
  directory_id: string;
  at: Date;
  method: string;
  path: string;
  status: number;
  outcome: 'succeeded' | 'failed';
  scim_type: string | null;
  detail: string | null;
  duration_ms: number;
  subject: string | null;
}

const columns = `
         r.id, r.directory_id, r.at, r.method, r.path, r.status, r.outcome, r.scim_type, r.detail, r.duration_ms,
         case when json_typeof(r.request_body) = 'object'
              then coalesce(r.request_body->>'userName', r.request_body->>'displayName') end as subject`;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

// More directories than this are called so seldom by themselves that the newest requests are not theirs.
const directoriesAtMost = 500;

/**
 * The newest requests of an environment, or of one of its directories, from before the id `before`. Of each directory its own
 * newest are taken by index, and then the newest of them all.
 */
export async function findRequests(
  pool: Pool,
  query: {
    environmentId: string;
    directoryId: string | undefined;
    outcome: 'succeeded' | 'failed' | undefined;
    method: string | undefined;
    /** Anywhere in the path or in the reason of the failure. */
    search: string | undefined;
    /** What `next` of the page before was. */
    before: string | undefined;
    limit: number;
  },
): Promise<{ data: ListedRequest[]; next: string | null }> {
  const { rows } = await pool.query<RequestRow>({
    name: query.outcome === 'failed' ? 'console_failed_requests' : 'console_requests',
    text: `
      select ${columns}
        from (select id
                from directories
               where environment_id = $1
                 and deleted_at is null
                 and ($2::uuid is null or id = $2)
                 and last_request_at is not null
               order by last_request_at desc
               limit ${directoriesAtMost}) d
       cross join lateral (select *
                             from requests
                            where directory_id = d.id
                              and id < $3
                              ${query.outcome === 'failed' ? `and outcome = 'failed'` : ''}
                              and ($4::text is null or outcome = $4)
                              and ($5::text is null or method = $5)
                              and ($6::text is null or strpos(lower(path), $6) > 0 or strpos(lower(coalesce(detail, '')), $6) > 0
                                   or strpos(lower(request_body::text), $6) > 0)
                            order by id desc
                            limit $7) r
       order by r.id desc
       limit $7`,
    values: [
      query.environmentId,
      query.directoryId ?? null,
      query.before !== undefined && uuid.test(query.before) ? query.before : lastId,
      query.outcome ?? null,
      query.method ?? null,
      query.search?.trim().toLowerCase() || null,
      query.limit + 1,
    ],
  });
  const page = rows.slice(0, query.limit);
  const data = page.map(listed);
  await nameSubjects(pool, query.environmentId, data);
  return { data, next: rows.length > query.limit ? (page.at(-1)?.id ?? null) : null };
}

/** Of requests that say whom they are about by an id alone, as most do, tells the name that goes with it, while there is one. */
async function nameSubjects(pool: Pool, environmentId: string, requests: ListedRequest[]): Promise<void> {
  const idOf = (request: ListedRequest): string | undefined => {
    const [, prefix, digits] = /^\/\w+\/(usr|grp)_([0-9a-f]{32})\b/.exec(request.path) ?? [];
    return prefix && parsePublicId(prefix === 'usr' ? 'usr' : 'grp', `${prefix}_${digits}`);
  };
  const ids = [...new Set(requests.flatMap((request) => (request.subject === null ? (idOf(request) ?? []) : [])))];
  if (ids.length === 0) return;
  const { rows } = await pool.query<{ id: string; name: string }>({
    name: 'console_names_of_subjects',
    text: `
      select id, profile->>'user_name' as name
        from users
       where environment_id = $1
         and id = any ($2::uuid[])
       union all
      select id, display_name
        from groups
       where environment_id = $1
         and id = any ($2::uuid[])`,
    values: [environmentId, ids],
  });
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  for (const request of requests) request.subject ??= names.get(idOf(request) ?? '') ?? null;
}

/** One request, with its bodies and the events that it made; `undefined` where the environment has none such, or no longer. */
export async function findRequest(
  pool: Pool,
  { environmentId, requestId }: { environmentId: string; requestId: string },
): Promise<WholeRequest | undefined> {
  const { rows } = await pool.query<
    RequestRow & { provider: Provider; notes: string[]; user_agent: string | null; request_body: unknown; response_body: unknown }
  >({
    name: 'console_request',
    text: `
      select ${columns}, r.notes, r.user_agent, r.request_body, r.response_body, d.provider
        from requests r
        join directories d on d.id = r.directory_id
       where r.id = $2
         and r.environment_id = $1`,
    values: [environmentId, requestId],
  });
  const [row] = rows;
  if (!row) return undefined;
  const request = listed(row);
  await nameSubjects(pool, environmentId, [request]);
  return {
    ...request,
    explanation: null,
    fix: null,
    ...explainRequest({ ...request, provider: row.provider, scimType: row.scim_type }),
    notes: row.notes,
    user_agent: row.user_agent,
    request_body: row.request_body,
    response_body: row.response_body,
    events: await eventsOf(pool, environmentId, row),
  };
}

// Ids rise with time: what a request made was made while it was under way, so its events lie in a short range of the log.
async function eventsOf(pool: Pool, environmentId: string, request: RequestRow): Promise<WholeRequest['events']> {
  const end = idAt(new Date(request.at.getTime() + request.duration_ms + 5_000));
  const { rows } = await pool.query<{ id: string; type: string; sequence: number }>({
    name: 'console_events_of_request',
    text: `
      select id, type, sequence
        from events
       where id >= $3
         and id < $4
         and environment_id = $1
         and request_id = $2
       order by sequence
       limit 100`,
    values: [environmentId, request.id, idAt(new Date(request.at.getTime() - 5_000)), end],
  });
  return rows.map(({ id, type, sequence }) => ({ id: publicId('evt', id), type, sequence }));
}

function listed(row: RequestRow): ListedRequest {
  return {
    id: publicId('req', row.id),
    directory_id: publicId('dir', row.directory_id),
    at: row.at.toISOString(),
    method: row.method,
    path: row.path,
    status: row.status,
    outcome: row.outcome,
    scim_type: row.scim_type,
    detail: row.detail,
    duration_ms: row.duration_ms,
    subject: row.subject,
  };
}
