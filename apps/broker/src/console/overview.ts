import type { Pool } from 'pg';
import { listEndpointStates } from '#delivery';
import { countDirectories, countEvents, listFailingDirectories, type Provider } from '#directory';
import { publicId } from '#identifier';

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
    provider: Provider;
    failed: number;
    last_request_at: string | null;
  }[];
  /** Endpoints that do not get their events. */
  failing_endpoints: { id: string; url: string; state: 'failing' | 'disabled'; reason: string | null; since: string | null }[];
}

const dayMs = 86_400_000;

export async function overviewOf(pool: Pool, { environmentId, now }: { environmentId: string; now: Date }): Promise<Overview> {
  const since = new Date(now.getTime() - dayMs);
  const [count, failing, endpoints, events] = await Promise.all([
    countDirectories(pool, { environmentId }),
    listFailingDirectories(pool, { environmentId, since }),
    listEndpointStates(pool, { environmentId }),
    countEvents(pool, { environmentId, since }),
  ]);
  const { directories: total, pending, disabled } = count;
  const notWell = endpoints.filter(({ disabledAt, failingSince }) => disabledAt ?? failingSince);
  return {
    organizations: count.organizations,
    directories: { total, pending, disabled, active: total - pending - disabled },
    active_users: count.activeUsers,
    endpoints: {
      total: endpoints.length,
      failing: notWell.filter(({ disabledAt }) => !disabledAt).length,
      disabled: notWell.filter(({ disabledAt }) => disabledAt).length,
    },
    events: { total: events.total, last_day: events.since },
    failing_directories: failing.map((directory) => ({
      id: publicId('dir', directory.id),
      name: directory.name,
      organization_id: publicId('org', directory.organizationId),
      organization_name: directory.organizationName,
      provider: directory.provider,
      failed: directory.failed,
      last_request_at: directory.lastRequestAt && directory.lastRequestAt.toISOString(),
    })),
    failing_endpoints: notWell.slice(0, 20).map((endpoint) => ({
      id: publicId('we', endpoint.id),
      url: endpoint.url,
      state: endpoint.disabledAt ? 'disabled' : 'failing',
      reason: endpoint.disabledReason,
      since: (endpoint.disabledAt ?? endpoint.failingSince)?.toISOString() ?? null,
    })),
  };
}
