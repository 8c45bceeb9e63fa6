import type { Pool } from 'pg';
import { publicId } from '#identifier';
import { prepared } from '#postgres';

/** A name that several groups of a directory have, and the oldest of them, which a role rule means by it. */
export interface SharedGroupName {
  display_name: string;
  groups: number;
  oldest_id: string;
}

const selectSharedNames = prepared<{ display_name: string; groups: number; id: string }>(
  'shared_group_names',
  `
  select g.display_name, n.groups, g.id
    from (select display_name_key as key, count(*) as groups
            from groups
           where directory_id = $2
           group by display_name_key
          having count(*) > 1
           order by display_name_key
           limit 20) n
   cross join lateral (select display_name, id
                         from groups
                        where environment_id = $1
                          and directory_id = $2
                          and display_name_key = n.key
                        order by created_at, id
                        limit 1) g
   order by n.key`,
);

export async function listSharedGroupNames(
  pool: Pool,
  { environmentId, directoryId }: { environmentId: string; directoryId: string },
): Promise<SharedGroupName[]> {
  const rows = await selectSharedNames.run(pool, [environmentId, directoryId]);
  return rows.map(({ display_name, groups, id }) => ({ display_name, groups, oldest_id: publicId('grp', id) }));
}
