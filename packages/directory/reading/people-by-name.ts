import type { Pool } from 'pg';
import { bounds } from '#bounds';
import { parsePublicId, publicId } from '#identifier';
import { isWithin, lastId, prepared, weighed } from '#postgres';

/** A user as a list shows one: enough to find somebody by, without the resource. */
export interface ListedUser {
  id: string;
  user_name: string;
  display_name: string | null;
  email: string | null;
  active: boolean;
  updated_at: string;
}

/** A group as a list shows one. */
export interface ListedGroup {
  id: string;
  display_name: string;
  member_count: number;
  updated_at: string;
}

interface Paged {
  environmentId: string;
  directoryId: string;
  limit: number;
  /** The key after which to go on. */
  after: string | undefined;
  /** Looked for anywhere in the names and addresses. */
  search: string | undefined;
}

const usersByName = prepared<
  {
    id: string;
    key: string;
    user_name: string;
    display_name: string | null;
    email: string | null;
    active: boolean;
    updated_at: Date;
    matched: number;
  },
  { environmentId: string; directoryId: string; after: string; search: string | null; active: boolean | null; limit: number }
>(
  'users_by_name',
  `
  select u.id, u.user_name_key as key, u.profile->>'user_name' as user_name, u.display_name, u.profile->>'email' as email, u.active, u.updated_at,
         u.matched
    from ${weighed(
      `
          select u.*, 1000 + coalesce(octet_length(u.display_name), 0) as size
            from users u
            join directories d on d.id = u.directory_id and d.deleted_at is null
           where u.environment_id = :environmentId
             and u.directory_id = :directoryId
             and u.user_name_key > :after
             and (:search::text is null
                  or strpos(u.user_name_key, :search) > 0
                  or strpos(lower(u.display_name), :search) > 0
                  or strpos(array_to_string(u.email_keys, ' '), :search) > 0)
             and (:active::boolean is null or u.active = :active)
           order by u.user_name_key
           limit :limit`,
      'l.user_name_key',
    )} u
   where ${isWithin('u', bounds.pageBytes)}
   order by u.user_name_key`,
);

/**
 * A directory's users in the order of their user names, a page at a time: each page is one walk on along the index of names. A
 * search walks further, past whoever does not match.
 */
export async function listPeople(
  pool: Pool,
  query: Paged & { active: boolean | undefined },
): Promise<{ data: ListedUser[]; next: string | null }> {
  const rows = await usersByName.run(pool, {
    environmentId: query.environmentId,
    directoryId: query.directoryId,
    after: query.after ?? '',
    search: folded(query.search),
    active: query.active ?? null,
    limit: query.limit + 1,
  });
  const page = rows.slice(0, query.limit);
  return {
    data: page.map((row) => ({
      id: publicId('usr', row.id),
      user_name: row.user_name,
      display_name: row.display_name,
      email: row.email,
      active: row.active,
      updated_at: row.updated_at.toISOString(),
    })),
    next: rows.length > query.limit || (rows[0]?.matched ?? 0) > rows.length ? (page.at(-1)?.key ?? null) : null,
  };
}

const groupsByName = prepared<{ id: string; key: string; display_name: string; member_count: number; updated_at: Date }>(
  'groups_by_name',
  `
  select g.id, g.display_name_key as key, g.display_name, g.member_count, g.updated_at
    from groups g
    join directories d on d.id = g.directory_id and d.deleted_at is null
   where g.environment_id = $1
     and g.directory_id = $2
     and (g.display_name_key, g.id) > ($3, $6::uuid)
     and ($4::text is null or strpos(g.display_name_key, $4) > 0)
   order by g.display_name_key, g.id
   limit $5`,
);

/** A directory's groups in the order of their names, of one name the oldest first, a page at a time. */
export async function listGroupNames(pool: Pool, query: Paged): Promise<{ data: ListedGroup[]; next: string | null }> {
  const { name: after, id: afterId } = placeOf(query.after);
  const rows = await groupsByName.run(pool, [
    query.environmentId,
    query.directoryId,
    after,
    folded(query.search),
    query.limit + 1,
    afterId,
  ]);
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    data: page.map((row) => ({
      id: publicId('grp', row.id),
      display_name: row.display_name,
      member_count: row.member_count,
      updated_at: row.updated_at.toISOString(),
    })),
    next: rows.length > query.limit && last ? `${last.key}\n${publicId('grp', last.id)}` : null,
  };
}

/** A name and an id, which may be of several groups and of one. */
function placeOf(after = ''): { name: string; id: string } {
  const end = after.lastIndexOf('\n');
  const id = parsePublicId('grp', after.slice(end + 1));
  return id === undefined ? { name: after, id: lastId } : { name: after.slice(0, end), id };
}

function folded(search: string | undefined): string | null {
  const text = search?.normalize('NFC').trim().toLowerCase();
  return text ? text : null;
}
