/** What vendors read of directories by the API: the same users and groups that the events carry, as they are now. */
import type { Pool } from 'pg';
import { bounds } from '#bounds';
import { foldCase, foldName } from '#scim';
import { publicId } from '#identifier';
import { type BytePage, bytePage, firstId, isWithin, type OfPage, prepared, weighed } from '#postgres';
import { type GroupJson, type GroupRow, groupColumns, groupJson, groupOf } from '../resource/stored-group';
import { type UserJson, type UserRow, userColumns, userGroups, userJson, userOf } from '../resource/stored-user';

interface Owned {
  directory_id: string;
  organization_id: string;
}

const directoryExists = prepared<{ id: string }>(
  'directory_exists',
  `
  select id
    from directories
   where environment_id = $1
     and id = $2
     and deleted_at is null`,
);

// As it is published: itself, under `raw`, and its profile.
const userSize = `coalesce(u.resource_bytes, octet_length(u.resource::text)) + coalesce(u.profile_bytes, octet_length(u.profile::text))`;

const selectUsers = prepared<
  UserRow & Owned & OfPage,
  {
    environmentId: string;
    directoryId: string;
    after: string;
    email: string | null;
    userName: string | null;
    externalId: string | null;
    groupId: string | null;
    active: boolean | null;
    limit: number;
  }
>(
  'list_users',
  `
  select ${userColumns}, u.directory_id, u.organization_id, u.matched
    from ${weighed(
      `
          select u.*, ${userSize} as size
            from users u
           where u.environment_id = :environmentId
             and u.directory_id = :directoryId
             and u.id > :after
             and (:email::text is null or u.email_keys @> array[:email] or (:email like '%@%' and u.user_name_key = :email))
             and (:userName::text is null or u.user_name_key = :userName)
             and (:externalId::text is null or u.external_id = :externalId)
             and (:groupId::uuid is null or exists (select 1
                                                from memberships m
                                               where m.directory_id = u.directory_id
                                                 and m.group_id = :groupId
                                                 and m.member_id = u.id
                                                 and m.present))
             and (:active::boolean is null or u.active = :active)
           order by u.id
           limit :limit`,
      'l.id',
    )} u ${userGroups}
   where ${isWithin('u', bounds.pageBytes)}
   order by u.id`,
);

/** A directory's users, oldest first, from after the id `after`, a page of them; `undefined` where the environment has no such directory. */
export async function listUsers(
  pool: Pool,
  query: {
    environmentId: string;
    directoryId: string;
    limit: number;
    after?: string | undefined;
    email?: string | undefined;
    userName?: string | undefined;
    externalId?: string | undefined;
    groupId?: string | undefined;
    active?: boolean | undefined;
  },
): Promise<BytePage<UserJson> | undefined> {
  const { environmentId, directoryId } = query;
  if ((await directoryExists.run(pool, [environmentId, directoryId])).length === 0) return undefined;
  const rows = await selectUsers.run(pool, {
    environmentId,
    directoryId,
    after: query.after ?? firstId,
    email: query.email === undefined ? null : foldName(query.email),
    userName: query.userName === undefined ? null : foldName(query.userName),
    externalId: query.externalId ?? null,
    groupId: query.groupId ?? null,
    active: query.active ?? null,
    limit: query.limit,
  });
  return bytePage(rows, publishedUser);
}

const selectUserById = prepared<UserRow & Owned>(
  'get_user',
  `
  select ${userColumns}, u.directory_id, u.organization_id
    from users u ${userGroups}
    join directories d on d.id = u.directory_id and d.deleted_at is null
   where u.environment_id = $1
     and u.id = $2`,
);

export async function getUser(pool: Pool, query: { environmentId: string; userId: string }): Promise<UserJson | undefined> {
  const [row] = await selectUserById.run(pool, [query.environmentId, query.userId]);
  return row && publishedUser(row);
}

const groupSize = `coalesce(gr.resource_bytes, octet_length(gr.resource::text))`;

const selectGroups = prepared<GroupRow & Owned & OfPage>(
  'list_groups',
  `
  select ${groupColumns}, gr.directory_id, gr.organization_id, gr.matched
    from ${weighed(
      `
          select gr.*, ${groupSize} as size
            from groups gr
           where gr.environment_id = $1
             and gr.directory_id = $2
             and gr.id > $3
           order by gr.id
           limit $4`,
      'l.id',
    )} gr
   where ${isWithin('gr', bounds.pageBytes)}
   order by gr.id`,
);

/** A directory's groups, oldest first, from after the id `after`; `undefined` where the environment has no such directory. */
export async function listGroups(
  pool: Pool,
  query: { environmentId: string; directoryId: string; limit: number; after?: string | undefined },
): Promise<BytePage<GroupJson> | undefined> {
  const { environmentId, directoryId } = query;
  if ((await directoryExists.run(pool, [environmentId, directoryId])).length === 0) return undefined;
  const rows = await selectGroups.run(pool, [environmentId, directoryId, query.after ?? firstId, query.limit]);
  return bytePage(rows, publishedGroup);
}

const selectGroupById = prepared<GroupRow & Owned>(
  'get_group',
  `
  select ${groupColumns}, gr.directory_id, gr.organization_id
    from groups gr
    join directories d on d.id = gr.directory_id and d.deleted_at is null
   where gr.environment_id = $1
     and gr.id = $2`,
);

export async function getGroup(pool: Pool, query: { environmentId: string; groupId: string }): Promise<GroupJson | undefined> {
  const [row] = await selectGroupById.run(pool, [query.environmentId, query.groupId]);
  return row && publishedGroup(row);
}

const memberPage = prepared<{ id: string; type: 'User' | 'Group' } & OfPage>(
  'list_group_members',
  `
  select m.id, m.type, m.matched
    from ${weighed(
      `
          select m.member_id as id, m.member_type as type,
                 coalesce((select ${userSize} from users u where u.directory_id = m.directory_id and u.id = m.member_id),
                          (select ${groupSize} from groups gr where gr.directory_id = m.directory_id and gr.id = m.member_id), 0) as size
            from memberships m
           where m.directory_id = $1
             and m.group_id = $2
             and m.present
             and m.member_id > $3
           order by m.member_id
           limit $4`,
      'l.id',
    )} m
   where ${isWithin('m', bounds.pageBytes)}
   order by m.id`,
);

const usersOfDirectory = prepared<UserRow & Owned>(
  'published_users_by_ids',
  `
  select ${userColumns}, u.directory_id, u.organization_id
    from users u ${userGroups}
   where u.environment_id = $1
     and u.directory_id = $2
     and u.id = any ($3::uuid[])`,
);

const groupsOfDirectory = prepared<GroupRow & Owned>(
  'published_groups_by_ids',
  `
  select ${groupColumns}, gr.directory_id, gr.organization_id
    from groups gr
   where gr.environment_id = $1
     and gr.directory_id = $2
     and gr.id = any ($3::uuid[])`,
);

/** A member of a group: a user, or a group in it. */
export type MemberJson = (UserJson & { type: 'user' }) | (GroupJson & { type: 'group' });

/** A group's members, each whole, from after the id `after`; `undefined` where the environment has no such group. */
export async function listGroupMembers(
  pool: Pool,
  query: { environmentId: string; groupId: string; limit: number; after?: string | undefined },
): Promise<BytePage<MemberJson> | undefined> {
  const { environmentId, groupId } = query;
  const [group] = await selectGroupById.run(pool, [environmentId, groupId]);
  if (!group) return undefined;
  const members: MemberJson[] = [];
  // Whoever is deleted between the two reads leaves a gap, which the next of the group fill: a short page means the end.
  for (let after = query.after ?? firstId; members.length < query.limit;) {
    const wanted = query.limit - members.length;
    const page = await memberPage.run(pool, [group.directory_id, groupId, after, wanted]);
    const idsOf = (type: string): string[] => page.filter((member) => member.type === type).map((member) => member.id);
    const [users, groups] = await Promise.all([
      usersOfDirectory.run(pool, [environmentId, group.directory_id, idsOf('User')]),
      groupsOfDirectory.run(pool, [environmentId, group.directory_id, idsOf('Group')]),
    ]);
    const found = new Map<string, MemberJson>();
    for (const row of users) found.set(row.id, { type: 'user', ...publishedUser(row) });
    for (const row of groups) found.set(row.id, { type: 'group', ...publishedGroup(row) });
    members.push(...page.map(({ id }) => found.get(id)).filter((member) => member !== undefined));
    if ((page[0]?.matched ?? 0) > page.length && members.length > 0) return { rows: members, isCut: true };
    if (page.length < wanted && (page[0]?.matched ?? 0) === page.length) break;
    after = page.at(-1)!.id;
  }
  return { rows: members, isCut: false };
}

/** Whether somebody may come in, by an e-mail address, or by a userName that is one. */
export interface Access {
  status: 'active' | 'deactivated' | 'deleted' | 'unknown';
  since: Date | null;
  userId: string | null;
}

// $4: what the address was hashed as before ß and ss, and full-width letters and plain ones, were told apart as they are now.
const accessOf = prepared<{ status: Access['status']; since: Date; user_id: string }>(
  'access',
  `
  with known as (
    select u.directory_id, u.id, u.active, u.active_since
      from users u
     where u.environment_id = $1
       and u.organization_id = $2
       and u.email_keys @> array[$3]
    union all
    select u.directory_id, u.id, u.active, u.active_since
      from directories d
      join users u on u.directory_id = d.id and u.user_name_key = $3
     where d.environment_id = $1
       and d.organization_id = $2
       and $3 like '%@%'
  )
  select case when d.deleted_at is not null then 'deleted' when k.active then 'active' else 'deactivated' end as status,
         coalesce(d.deleted_at, k.active_since) as since, k.id as user_id
    from known k
    join directories d on d.id = k.directory_id
   union all
  select 'deleted', p.departed_at, p.user_id
    from departed_users p
   where p.environment_id = $1
     and p.organization_id = $2
     and p.email_hashes && array[sha256(convert_to($3, 'UTF8')), sha256(convert_to($4, 'UTF8'))]
   order by status, since desc
   limit 1`,
); // 'active' < 'deactivated' < 'deleted': the most active one, and of those the latest

const organizationExists = prepared<{ id: string }>(
  'organization_exists',
  `
  select id
    from organizations
   where environment_id = $1
     and id = $2
     and deleted_at is null`,
);

/** Of several users with this address the most active; `undefined` where the environment has no such organization. */
export async function findAccess(
  pool: Pool,
  query: { environmentId: string; organizationId: string; email: string },
): Promise<Access | undefined> {
  const { environmentId, organizationId } = query;
  if ((await organizationExists.run(pool, [environmentId, organizationId])).length === 0) return undefined;
  const [row] = await accessOf.run(pool, [environmentId, organizationId, foldName(query.email), foldCase(query.email)]);
  return row
    ? { status: row.status, since: row.since, userId: publicId('usr', row.user_id) }
    : { status: 'unknown', since: null, userId: null };
}

function publishedUser(row: UserRow & Owned): UserJson {
  return userJson({ id: row.directory_id, organizationId: row.organization_id }, userOf(row));
}

function publishedGroup(row: GroupRow & Owned): GroupJson {
  return groupJson({ id: row.directory_id, organizationId: row.organization_id }, groupOf(row));
}
