import type { Pool } from 'pg';
import { prepared } from '#postgres';

const erase = prepared(
  'erase_attempts',
  `
  update delivery_attempts a
     set response_body = '[erased]'
    from webhook_endpoints e
   where e.environment_id = $1
     and a.endpoint_id = e.id
     and a.event_id = any ($2::uuid[])
     and a.response_body is not null`,
);

/** Erases what endpoints answered to events, which may repeat what stood in them; that they answered, and when, stays. */
export async function eraseAttempts(pool: Pool, about: { environmentId: string; eventIds: string[] }): Promise<void> {
  await erase.run(pool, [about.environmentId, about.eventIds]);
}
