import type { Pool } from 'pg';
import { prepared } from '#postgres';

/** Whether an endpoint gets its events: `failingSince` set, it does not; `disabledAt` set, it is sent none. */
export interface EndpointState {
  id: string;
  url: string;
  disabledAt: Date | null;
  disabledReason: string | null;
  failingSince: Date | null;
}

const selectStates = prepared<EndpointState>(
  'endpoint_states',
  `
  select id, url, disabled_at as "disabledAt", disabled_reason as "disabledReason", failing_since as "failingSince"
    from webhook_endpoints
   where environment_id = $1
     and deleted_at is null
   order by id desc`,
);

/** All endpoints of an environment, the newest first. */
export async function listEndpointStates(pool: Pool, { environmentId }: { environmentId: string }): Promise<EndpointState[]> {
  return selectStates.run(pool, [environmentId]);
}
