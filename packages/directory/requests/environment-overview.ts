import type { Pool } from 'pg';
import { idAt } from '#identifier';
import { prepared } from '#postgres';
import type { Provider } from '../resource/told-directory';

/** What an environment has, and how it is. */
export interface DirectoryCounts {
  organizations: number;
  directories: number;
  /** Of the directories: not called yet. */
  pending: number;
  disabled: number;
  activeUsers: number;
}

const countDirectoriesOf = prepared<{
  organizations: number;
  directories: number;
  pending: number;
  disabled: number;
  active_users: number;
}>(
  'count_directories',
  `
  select (select count(*) from organizations where environment_id = $1 and deleted_at is null) as organizations,
         count(*) as directories,
         count(*) filter (where not disabled and activated_at is null) as pending,
         count(*) filter (where disabled) as disabled,
         (select count(*)
            from organizations o
            join users u on u.organization_id = o.id and u.active
           where o.environment_id = $1
             and o.deleted_at is null) as active_users
    from directories
   where environment_id = $1
     and deleted_at is null`,
);

export async function countDirectories(pool: Pool, { environmentId }: { environmentId: string }): Promise<DirectoryCounts> {
  const [row] = await countDirectoriesOf.run(pool, [environmentId]);
  return {
    organizations: row?.organizations ?? 0,
    directories: row?.directories ?? 0,
    pending: row?.pending ?? 0,
    disabled: row?.disabled ?? 0,
    activeUsers: row?.active_users ?? 0,
  };
}

/** A directory of which requests have failed. */
export interface FailingDirectory {
  id: string;
  name: string;
  organizationId: string;
  organizationName: string;
  provider: Provider;
  failed: number;
  lastRequestAt: Date | null;
}

const selectFailingDirectories = prepared<FailingDirectory>(
  'failing_directories',
  `
  select d.id, d.name, d.organization_id as "organizationId", o.name as "organizationName", d.provider, f.failed,
         d.last_request_at as "lastRequestAt"
    from directories d
    join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id
   cross join lateral (select count(*) as failed
                         from requests r
                        where r.directory_id = d.id
                          and r.environment_id = d.environment_id
                          and r.outcome = 'failed'
                          and r.id >= $2) f
   where d.environment_id = $1
     and d.deleted_at is null
     and d.last_request_at >= $3
     and f.failed > 0
   order by f.failed desc, d.id
   limit 20`,
);

/** Directories of which something failed since a time, the worst first. */
export async function listFailingDirectories(
  pool: Pool,
  { environmentId, since }: { environmentId: string; since: Date },
): Promise<FailingDirectory[]> {
  return selectFailingDirectories.run(pool, [environmentId, idAt(since), since]);
}
