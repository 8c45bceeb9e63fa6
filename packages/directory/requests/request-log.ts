import type { Pool } from 'pg';
import { publicId } from '#identifier';
import type { Provider } from '../resource/told-directory';
import type { RefusedRequest } from '../log/event-data';
import { appendEvents } from '../log/event-log';
import { explainRequest } from './explanation';
import { noteRefusedDepartures } from './refused-departures';
import { alwaysKept, keepAttributes, keptAttributes, type UsedAttributes } from './kept-attributes';
import { bounds } from '#bounds';
import { type BytePage, bytePage, isWithin, lastId, type OfPage, prepared, weighed } from '#postgres';
import { type DirectoryPool, type DirectoryScope, inDirectory } from '../writing/transaction';

/** One SCIM exchange, for whoever must find out what the IdP did. Secrets in its bodies are masked before they come here. */
export interface RequestToRecord {
  id: string;
  environmentId: string;
  directoryId: string;
  at: Date;
  method: string;
  /** Below the base URL, with the query string. */
  path: string;
  status: number;
  scimType: string | null;
  detail: string | null;
  /** What was tolerated or ignored, in words. */
  notes: string[];
  durationMs: number;
  userAgent: string | null;
  requestBody: unknown;
  responseBody: unknown;
}

export type RecordedRequest = RequestToRecord & {
  outcome: 'succeeded' | 'failed';
  /** Of a failed one: what happened, in plain words, and what puts it right in that identity provider. */
  explanation: string | null;
  fix: string | null;
};

const insertRequests = prepared<
  never,
  {
    ids: string[];
    environmentIds: string[];
    directoryIds: string[];
    ats: Date[];
    methods: string[];
    paths: string[];
    statuses: number[];
    outcomes: string[];
    scimTypes: (string | null)[];
    details: (string | null)[];
    notes: string[];
    durationsMs: number[];
    userAgents: (string | null)[];
    requestBodies: (string | null)[];
    responseBodies: (string | null)[];
  }
>(
  'insert_requests',
  `
  insert into requests (id, environment_id, directory_id, at, method, path, status, outcome, scim_type, detail, notes, duration_ms, user_agent, request_body, response_body)
  select r.id, r.environment_id, r.directory_id, r.at, r.method, r.path, r.status, r.outcome, r.scim_type, r.detail,
         array(select json_array_elements_text(r.notes::json)), r.duration_ms, r.user_agent, r.request_body::json, r.response_body::json
    from unnest(:ids::uuid[], :environmentIds::uuid[], :directoryIds::uuid[], :ats::timestamptz[], :methods::text[], :paths::text[], :statuses::int[], :outcomes::text[], :scimTypes::text[],
                :details::text[], :notes::text[], :durationsMs::real[], :userAgents::text[], :requestBodies::text[], :responseBodies::text[])
      as r (id, environment_id, directory_id, at, method, path, status, outcome, scim_type, detail, notes, duration_ms, user_agent, request_body, response_body)`,
);

/** Keeps many requests in one statement, of their bodies no more than `keptAttributes`. Called beside the requests, never within one. */
export async function recordRequests(pool: Pool, requests: readonly RequestToRecord[], used: UsedAttributes): Promise<void> {
  if (requests.length === 0) return;
  const kept = await keptAttributes(
    pool,
    requests.map((r) => r.directoryId),
    used,
  );
  await insertRequests.run(pool, {
    ids: requests.map((r) => r.id),
    environmentIds: requests.map((r) => r.environmentId),
    directoryIds: requests.map((r) => r.directoryId),
    ats: requests.map((r) => r.at),
    methods: requests.map((r) => r.method),
    paths: requests.map((r) => r.path),
    statuses: requests.map((r) => r.status),
    outcomes: requests.map((r) => outcomeOf(r.status)),
    scimTypes: requests.map((r) => r.scimType),
    details: requests.map((r) => r.detail),
    notes: requests.map((r) => JSON.stringify(r.notes)),
    durationsMs: requests.map((r) => r.durationMs),
    userAgents: requests.map((r) => r.userAgent),
    requestBodies: requests.map((r) => textOf(keepAttributes(r.requestBody, kept.get(r.directoryId) ?? alwaysKept))),
    responseBodies: requests.map((r) => textOf(r.responseBody)),
  });
}

function outcomeOf(status: number): RecordedRequest['outcome'] {
  return status < 400 ? 'succeeded' : 'failed';
}

function textOf(body: unknown): string | null {
  return body === undefined || body === null ? null : JSON.stringify(body);
}

interface RequestRow {
  id: string;
  environment_id: string;
  directory_id: string;
  at: Date;
  method: string;
  path: string;
  status: number;
  outcome: RecordedRequest['outcome'];
  scim_type: string | null;
  detail: string | null;
  notes: string[];
  duration_ms: number;
  user_agent: string | null;
  request_body: unknown;
  response_body: unknown;
  provider: Provider;
}

const selectRequests = prepared<RequestRow & OfPage>(
  'list_requests',
  `
  select r.id, r.environment_id, r.directory_id, r.at, r.method, r.path, r.status, r.outcome, r.scim_type, r.detail, r.notes,
         r.duration_ms, r.user_agent, r.request_body, r.response_body, r.provider, r.matched
    from ${weighed(
      `
          select r.*, d.provider,
                 octet_length(r.path) + coalesce(octet_length(r.request_body::text), 0) + coalesce(octet_length(r.response_body::text), 0) as size
            from directories d
            join requests r on r.directory_id = d.id
           where d.environment_id = $1
             and d.id = $2
             and d.deleted_at is null
             and r.id < $3
             and ($4::text is null or r.outcome = $4)
           order by r.id desc
           limit $5`,
      'l.id desc',
    )} r
   where ${isWithin('r', bounds.pageBytes)}
   order by r.id desc`,
);

const directoryOfRequests = prepared<{ id: string }>(
  'directory_of_requests',
  `
  select id
    from directories
   where environment_id = $1
     and id = $2
     and deleted_at is null`,
);

/** Newest first, from before the id `before`; `undefined` where the environment has no such directory. */
export async function listRequests(
  pool: Pool,
  query: { environmentId: string; directoryId: string; limit: number; before?: string | undefined; outcome?: string | undefined },
): Promise<BytePage<RecordedRequest> | undefined> {
  const { environmentId, directoryId } = query;
  if ((await directoryOfRequests.run(pool, [environmentId, directoryId])).length === 0) return undefined;
  const rows = await selectRequests.run(pool, [environmentId, directoryId, query.before ?? lastId, query.outcome ?? null, query.limit]);
  return bytePage(rows, (row) => ({
    id: row.id,
    environmentId: row.environment_id,
    directoryId: row.directory_id,
    at: row.at,
    method: row.method,
    path: row.path,
    status: row.status,
    outcome: row.outcome,
    scimType: row.scim_type,
    detail: row.detail,
    notes: row.notes,
    durationMs: row.duration_ms,
    userAgent: row.user_agent,
    requestBody: row.request_body,
    responseBody: row.response_body,
    explanation: null,
    fix: null,
    ...explainRequest({
      provider: row.provider,
      method: row.method,
      path: row.path,
      status: row.status,
      scimType: row.scim_type,
      detail: row.detail,
    }),
  }));
}

/** Logs `provisioning.failed`: the write that was refused, and why. */
export async function recordFailure(
  pool: DirectoryPool,
  directory: DirectoryScope,
  failed: {
    requestId: string;
    method: string;
    path: string;
    status: number;
    scimType: string | null;
    detail: string;
    resource: RefusedRequest['resource'];
    /** Whom it was to deactivate or delete, whether they are here or not. */
    departing?: readonly string[];
  },
): Promise<void> {
  await inDirectory(pool, directory, failed.requestId, async (tx) => {
    await tx.locked();
    const refusesDeparture = await noteRefusedDepartures(tx, failed.departing ?? [], failed.requestId);
    appendEvents(tx, [
      {
        type: 'provisioning.failed',
        data: () => ({
          request: {
            id: publicId('req', failed.requestId),
            method: failed.method,
            path: failed.path,
            status: failed.status,
            scim_type: failed.scimType,
            detail: failed.detail,
            resource: failed.resource,
            ...(refusesDeparture && { deactivation_refused: true }),
          },
        }),
      },
    ]);
  });
}
