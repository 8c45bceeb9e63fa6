import type { Pool } from 'pg';
import { idAt, publicId } from '#identifier';
import { prepared } from '#postgres';
import type { Provider } from '../resource/told-directory';
import { listSharedGroupNames, type SharedGroupName } from '../reading/shared-names';
import { explainRequest } from './explanation';
import { listRefusedDepartures, type RefusedDeparture } from './refused-departures';

/** How a directory has been doing for the last 24 hours. */
export interface DirectoryHealth {
  users: number;
  active_users: number;
  groups: number;
  /** Requests; `operations_capped`: at least so many. */
  operations: number;
  operations_capped: boolean;
  failed: number;
  last_success_at: string | null;
  last_failure_at: string | null;
  /** What failed, the commonest first: alike ones counted together, each with its newest request. */
  failures: Failure[];
  /** Who was to leave, whenever that was, and is active still because the request was refused; the last one first. */
  refused_departures: RefusedDeparture[];
  /** Names that several groups have. */
  shared_group_names: SharedGroupName[];
}

export interface Failure {
  status: number;
  scim_type: string | null;
  method: string;
  /** `Users`, `Groups`, … */
  resource: string;
  detail: string | null;
  count: number;
  last_at: string;
  request_id: string;
  subject: string | null;
  /** What happened, in plain words, and what puts it right in that identity provider. */
  explanation: string | null;
  fix: string | null;
}

const countedAtMost = 100_000;
const lookedAtAtMost = 2_000;
const dayMs = 86_400_000;

const selectHealth = prepared<{
  provider: Provider;
  users: number;
  active_users: number;
  groups: number;
  operations: number;
  failed: number;
  last_success_at: Date | null;
  last_failure_at: Date | null;
}>(
  'directory_health',
  `
  select d.provider,
         (select count(*) from users where directory_id = d.id) as users,
         (select count(*) from users where directory_id = d.id and active) as active_users,
         (select count(*) from groups where directory_id = d.id) as groups,
         (select count(*)
            from (select 1
                    from requests
                   where directory_id = d.id
                     and id >= $3
                   limit ${countedAtMost}) r) as operations,
         (select count(*)
            from requests
           where directory_id = d.id
             and id >= $3
             and outcome = 'failed') as failed,
         (select at
            from requests
           where directory_id = d.id
             and outcome = 'succeeded'
           order by id desc
           limit 1) as last_success_at,
         (select at
            from requests
           where directory_id = d.id
             and outcome = 'failed'
           order by id desc
           limit 1) as last_failure_at
    from directories d
   where d.environment_id = $1
     and d.id = $2
     and d.deleted_at is null`,
);

/** `undefined` where the environment has no such directory. */
export async function directoryHealth(
  pool: Pool,
  { environmentId, directoryId, now }: { environmentId: string; directoryId: string; now: Date },
): Promise<DirectoryHealth | undefined> {
  const since = idAt(new Date(now.getTime() - dayMs));
  const [row] = await selectHealth.run(pool, [environmentId, directoryId, since]);
  if (!row) return undefined;
  const [failures, refusedDepartures, sharedNames] = await Promise.all([
    row.failed === 0 ? [] : failuresOf(pool, { environmentId, directoryId, provider: row.provider, since }),
    listRefusedDepartures(pool, { environmentId, directoryId }),
    listSharedGroupNames(pool, { environmentId, directoryId }),
  ]);
  return {
    users: row.users,
    active_users: row.active_users,
    groups: row.groups,
    operations: row.operations,
    operations_capped: row.operations === countedAtMost,
    failed: row.failed,
    last_success_at: row.last_success_at && row.last_success_at.toISOString(),
    last_failure_at: row.last_failure_at && row.last_failure_at.toISOString(),
    failures,
    refused_departures: refusedDepartures,
    shared_group_names: sharedNames,
  };
}

const selectFailures = prepared<{
  status: number;
  scim_type: string | null;
  method: string;
  resource: string;
  detail: string | null;
  count: number;
  last_at: Date;
  request_id: string;
  subject: string | null;
}>(
  'directory_failures',
  `
  with failed as (
    select id, at, status, scim_type, method, split_part(ltrim(path, '/'), '/', 1) as place, detail,
           case when json_typeof(request_body) = 'object' then coalesce(request_body->>'userName', request_body->>'displayName') end as subject
      from requests
     where directory_id = $2
       and environment_id = $1
       and id >= $3
       and outcome = 'failed'
     order by id desc
     limit ${lookedAtAtMost}
  )
  select status, scim_type, method, split_part(place, '?', 1) as resource, count(*) as count, max(at) as last_at,
         (array_agg(detail order by id desc))[1] as detail,
         (array_agg(id order by id desc))[1] as request_id,
         (array_agg(subject order by id desc))[1] as subject
    from failed
   group by status, scim_type, method, split_part(place, '?', 1), regexp_replace(coalesce(detail, ''), '"[^"]*"', '"…"', 'g')
   order by count(*) desc, max(at) desc
   limit 10`,
);

// Names and ids in quotes are what differs between failures that are alike.
async function failuresOf(
  pool: Pool,
  { environmentId, directoryId, provider, since }: { environmentId: string; directoryId: string; provider: Provider; since: string },
): Promise<Failure[]> {
  const rows = await selectFailures.run(pool, [environmentId, directoryId, since]);
  return rows.map((row) => ({
    ...row,
    last_at: row.last_at.toISOString(),
    request_id: publicId('req', row.request_id),
    explanation: null,
    fix: null,
    ...explainRequest({ ...row, provider, path: `/${row.resource}`, scimType: row.scim_type }),
  }));
}
