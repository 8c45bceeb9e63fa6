import type { Pool } from 'pg';
import { prepared } from '#postgres';

/** Somebody whom the identity provider has sent. */
export interface Arrival {
  user_name: string;
  display_name: string | null;
  at: string;
}

const selectArrivals = prepared<{ which: 'first' | 'newest'; user_name: string; display_name: string | null; created_at: Date }>(
  'arrivals',
  `
  (select 'first' as which, profile->>'user_name' as user_name, display_name, created_at
     from users
    where environment_id = $1
      and directory_id = $2
    order by id
    limit 1)
   union all
  (select 'newest', profile->>'user_name', display_name, created_at
     from users
    where environment_id = $1
      and directory_id = $2
    order by id desc
    limit 5)`,
);

/** The first user of a directory, and its newest ones, the newest first. */
export async function arrivalsIn(
  pool: Pool,
  { environmentId, directoryId }: { environmentId: string; directoryId: string },
): Promise<{ first: Arrival | null; newest: Arrival[] }> {
  const rows = await selectArrivals.run(pool, [environmentId, directoryId]);
  const of = (which: 'first' | 'newest'): Arrival[] =>
    rows
      .filter((row) => row.which === which)
      .map((row) => ({ user_name: row.user_name, display_name: row.display_name, at: row.created_at.toISOString() }));
  return { first: of('first')[0] ?? null, newest: of('newest') };
}
