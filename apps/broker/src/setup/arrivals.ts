import type { Pool } from 'pg';

/** Somebody whom the identity provider has sent. */
export interface Arrival {
  user_name: string;
  display_name: string | null;
  at: string;
}

/** The first user of a directory, and its newest ones, the newest first. */
export async function arrivalsIn(
  pool: Pool,
  { environmentId, directoryId }: { environmentId: string; directoryId: string },
): Promise<{ first: Arrival | null; newest: Arrival[] }> {
  const { rows } = await pool.query<{ which: 'first' | 'newest'; user_name: string; display_name: string | null; created_at: Date }>({
    name: 'setup_arrivals',
    text: `
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
    values: [environmentId, directoryId],
  });
  const of = (which: 'first' | 'newest'): Arrival[] =>
    rows
      .filter((row) => row.which === which)
      .map((row) => ({ user_name: row.user_name, display_name: row.display_name, at: row.created_at.toISOString() }));
  return { first: of('first')[0] ?? null, newest: of('newest') };
}
