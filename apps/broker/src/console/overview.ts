import type { Pool } from 'pg';
import { idAt, publicId } from '#identifier';

/** An environment at a glance. */
export interface Overview {
  organizations: number;
  directories: { total: number; pending: number; active: number; disabled: number };
  active_users: number;
  endpoints: { total: number; failing: number; disabled: number };
  events: { total: number; last_day: number };
  /** Directories of which something failed in the last 24 hours, the worst first. */
  failing_directories: {
    id: string;
    name: string;
    organization_id: string;
    organization_name: string;
    provider: string;
    failed: number;
    last_request_at: string | null;
  }[];
  /** Endpoints that do not get their events. */
  failing_endpoints: { id: string; url: string; state: 'failing' | 'disabled'; reason: string | null; since: string | null }[];
}

const dayMs = 86_400_000;

export async function overviewOf(pool: Pool, { environmentId, now }: { environmentId: string; now: Date }): Promise<Overview> {
  const since = idAt(new Date(now.getTime() - dayMs));
  const [counts, directories, endpoints, feed] = await Promise.all([
    pool.query<{ organizations: number; directories: number; pending: number; disabled: number; active_users: number }>({
      name: 'console_overview_counts',
      text: `
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
      values: [environmentId],
    }),
    pool.query<{
      id: string;
      name: string;
      organization_id: string;
      organization_name: string;
      provider: string;
      failed: number;
      last_request_at: Date | null;
    }>({
      name: 'console_failing_directories',
      text: `
        select d.id, d.name, d.organization_id, o.name as organization_name, d.provider, f.failed, d.last_request_at
          from directories d
          join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id
         cross join lateral (select count(*) as failed
                               from requests r
                              where r.directory_id = d.id
                                and r.outcome = 'failed'
                                and r.id >= $2) f
         where d.environment_id = $1
           and d.deleted_at is null
           and d.last_request_at >= $3
           and f.failed > 0
         order by f.failed desc, d.id
         limit 20`,
      values: [environmentId, since, new Date(now.getTime() - dayMs)],
    }),
    pool.query<{ id: string; url: string; disabled_at: Date | null; disabled_reason: string | null; failing_since: Date | null }>({
      name: 'console_overview_endpoints',
      text: `
        select id, url, disabled_at, disabled_reason, failing_since
          from webhook_endpoints
         where environment_id = $1
           and deleted_at is null
         order by id desc`,
      values: [environmentId],
    }),
    pool.query<{ position: number; last_day: number }>({
      name: 'console_overview_feed',
      text: `
        select h.position,
               -- Positions have no gaps, so the distance is the count. Of a day with less than so many events the first one is found at once.
               (select count(*)
                  from (select 1
                          from event_feed f
                         where f.environment_id = $1
                           and f.position > h.position - 100000
                           and f.event_id >= $2) d) as last_day
          from feed_heads h
         where h.environment_id = $1`,
      values: [environmentId, since],
    }),
  ]);

  const [count] = counts.rows;
  const total = count?.directories ?? 0;
  const pending = count?.pending ?? 0;
  const disabled = count?.disabled ?? 0;
  const notWell = endpoints.rows.filter((row) => row.disabled_at ?? row.failing_since);
  return {
    organizations: count?.organizations ?? 0,
    directories: { total, pending, disabled, active: total - pending - disabled },
    active_users: count?.active_users ?? 0,
    endpoints: {
      total: endpoints.rows.length,
      failing: notWell.filter((row) => !row.disabled_at).length,
      disabled: notWell.filter((row) => row.disabled_at).length,
    },
    events: { total: feed.rows[0]?.position ?? 0, last_day: feed.rows[0]?.last_day ?? 0 },
    failing_directories: directories.rows.map((row) => ({
      ...row,
      id: publicId('dir', row.id),
      organization_id: publicId('org', row.organization_id),
      last_request_at: row.last_request_at && row.last_request_at.toISOString(),
    })),
    failing_endpoints: notWell.slice(0, 20).map((row) => ({
      id: publicId('we', row.id),
      url: row.url,
      state: row.disabled_at ? 'disabled' : 'failing',
      reason: row.disabled_reason,
      since: (row.disabled_at ?? row.failing_since)?.toISOString() ?? null,
    })),
  };
}
