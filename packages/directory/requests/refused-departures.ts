/** Who was to be deactivated or deleted, and is there still because the request was refused. */
import type { Pool } from 'pg';
import { publicId } from '#identifier';
import { prepared } from '#postgres';
import type { DirectoryTransaction } from '../writing/transaction';

const upsertDepartures = prepared<{ user_id: string }>(
  'note_refused_departures',
  `
  insert into refused_departures as r (directory_id, user_id, refused_at, request_id)
  select u.directory_id, u.id, $3, $4
    from users u
   where u.directory_id = $1
     and u.id = any ($2::uuid[])
     and u.active
  on conflict (directory_id, user_id) do update
     set refused_at = excluded.refused_at,
         request_id = excluded.request_id
  returning user_id`,
);

/** Notes those of some users who are active, and answers whether there are any: nobody departs who is not here. */
export async function noteRefusedDepartures(tx: DirectoryTransaction, userIds: readonly string[], requestId: string): Promise<boolean> {
  if (userIds.length === 0) return false;
  const noted = await tx.writeAndRead(upsertDepartures, [tx.directory.id, userIds, tx.now, requestId]);
  return noted.length > 0;
}

export interface RefusedDeparture {
  user_id: string;
  user_name: string;
  refused_at: string;
  request_id: string;
}

const selectDepartures = prepared<{ user_id: string; user_name: string; refused_at: Date; request_id: string }>(
  'refused_departures',
  `
  select r.user_id, u.profile->>'user_name' as user_name, r.refused_at, r.request_id
    from refused_departures r
    join users u on u.directory_id = r.directory_id and u.id = r.user_id
   where u.environment_id = $1
     and r.directory_id = $2
     and u.active
     and r.refused_at >= u.active_since
   order by r.refused_at desc
   limit 20`,
);

/** Those who are active still, the last one first. */
export async function listRefusedDepartures(
  pool: Pool,
  { environmentId, directoryId }: { environmentId: string; directoryId: string },
): Promise<RefusedDeparture[]> {
  const rows = await selectDepartures.run(pool, [environmentId, directoryId]);
  return rows.map((row) => ({
    user_id: publicId('usr', row.user_id),
    user_name: row.user_name,
    refused_at: row.refused_at.toISOString(),
    request_id: publicId('req', row.request_id),
  }));
}
