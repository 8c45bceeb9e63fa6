import type { Pool } from 'pg';
import { idAt, parsePublicId, publicId } from '#identifier';
import { lastId, prepared } from '#postgres';
import type { Provider } from '../resource/told-directory';
import { explainRequest } from './explanation';

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

// More directories than this are called so seldom by themselves that the newest requests are not theirs.
const directoriesAtMost = 500;

interface Search {
  environmentId: string;
  directoryId: string | null;
  before: string;
  outcome: 'succeeded' | 'failed' | null;
  method: string | null;
  search: string | null;
  limit: number;
}

const requestsBefore = (name: string, condition: string) =>
  prepared<RequestRow, Search>(
    name,
    `
  select ${columns}
    from (select id
            from directories
           where environment_id = :environmentId
             and deleted_at is null
             and (:directoryId::uuid is null or id = :directoryId)
             and last_request_at is not null
           order by last_request_at desc
           limit ${directoriesAtMost}) d
   cross join lateral (select *
                         from requests
                        where directory_id = d.id
                          and environment_id = :environmentId
                          and id < :before
                          ${condition}
                          and (:outcome::text is null or outcome = :outcome)
                          and (:method::text is null or method = :method)
                          and (:search::text is null or strpos(lower(path), :search) > 0 or strpos(lower(coalesce(detail, '')), :search) > 0
                               or strpos(lower(request_body::text), :search) > 0)
                        order by id desc
                        limit :limit) r
   order by r.id desc
   limit :limit`,
  );

const newestRequests = requestsBefore('newest_requests', '');
// There is an index of those that failed, which a condition that may not hold would not be served by.
const newestFailures = requestsBefore('newest_failed_requests', `and outcome = 'failed'`);

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
  const rows = await (query.outcome === 'failed' ? newestFailures : newestRequests).run(pool, {
    environmentId: query.environmentId,
    directoryId: query.directoryId ?? null,
    before: query.before !== undefined && uuid.test(query.before) ? query.before : lastId,
    outcome: query.outcome ?? null,
    method: query.method ?? null,
    search: query.search?.trim().toLowerCase() || null,
    limit: query.limit + 1,
  });
  const page = rows.slice(0, query.limit);
  const data = page.map(listed);
  await nameSubjects(pool, query.environmentId, data);
  return { data, next: rows.length > query.limit ? (page.at(-1)?.id ?? null) : null };
}

const namesOfSubjects = prepared<{ id: string; name: string }>(
  'names_of_subjects',
  `
  select id, profile->>'user_name' as name
    from users
   where environment_id = $1
     and id = any ($2::uuid[])
   union all
  select id, display_name
    from groups
   where environment_id = $1
     and id = any ($2::uuid[])`,
);

/** Of requests that say whom they are about by an id alone, as most do, tells the name that goes with it, while there is one. */
async function nameSubjects(pool: Pool, environmentId: string, requests: ListedRequest[]): Promise<void> {
  const idOf = (request: ListedRequest): string | undefined => {
    const [, prefix, digits] = /^\/\w+\/(usr|grp)_([0-9a-f]{32})\b/.exec(request.path) ?? [];
    return prefix && parsePublicId(prefix === 'usr' ? 'usr' : 'grp', `${prefix}_${digits}`);
  };
  const ids = [...new Set(requests.flatMap((request) => (request.subject === null ? (idOf(request) ?? []) : [])))];
  if (ids.length === 0) return;
  const rows = await namesOfSubjects.run(pool, [environmentId, ids]);
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  for (const request of requests) request.subject ??= names.get(idOf(request) ?? '') ?? null;
}

const wholeRequest = prepared<
  RequestRow & { provider: Provider; notes: string[]; user_agent: string | null; request_body: unknown; response_body: unknown }
>(
  'whole_request',
  `
  select ${columns}, r.notes, r.user_agent, r.request_body, r.response_body, d.provider
    from requests r
    join directories d on d.id = r.directory_id
   where r.id = $2
     and r.environment_id = $1`,
);

/** One request, with its bodies and the events that it made; `undefined` where the environment has none such, or no longer. */
export async function findRequest(
  pool: Pool,
  { environmentId, requestId }: { environmentId: string; requestId: string },
): Promise<WholeRequest | undefined> {
  const [row] = await wholeRequest.run(pool, [environmentId, requestId]);
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

const eventsOfRequest = prepared<{ id: string; type: string; sequence: number }>(
  'events_of_request',
  `
  select id, type, sequence
    from events
   where id >= $3
     and id < $4
     and environment_id = $1
     and request_id = $2
   order by sequence
   limit 100`,
);

// Ids rise with time: what a request made was made while it was under way, so its events lie in a short range of the log.
async function eventsOf(pool: Pool, environmentId: string, request: RequestRow): Promise<WholeRequest['events']> {
  const end = idAt(new Date(request.at.getTime() + request.duration_ms + 5_000));
  const rows = await eventsOfRequest.run(pool, [environmentId, request.id, idAt(new Date(request.at.getTime() - 5_000)), end]);
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
