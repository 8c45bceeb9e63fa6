import type { Pool } from 'pg';
import type { ResourceType } from '#scim';
import { firstId, prepared } from '#postgres';
import type { StoredGroup } from '../resource/stored-group';
import type { DirectoryScope } from '../writing/transaction';

export interface GroupMember {
  id: string;
  type: ResourceType;
  display: string | null;
}

/** Some members of a group. */
export interface MembersPart {
  groupId: string;
  members: GroupMember[];
}

type MemberRow = GroupMember & { group_id: string };

// Names by subqueries, one member at a time: joined, of a directory that PostgreSQL knows nothing of yet, every member could be
// compared with every user.
const memberColumns = `
         m.group_id, m.member_id as id, m.member_type as type,
         case m.member_type
           when 'User' then (select u.display_name from users u where u.directory_id = m.directory_id and u.id = m.member_id)
           else (select g.display_name from groups g where g.directory_id = m.directory_id and g.id = m.member_id)
         end as display`;

const membersOfGroup = prepared<MemberRow>(
  'members_of_group',
  `
  select ${memberColumns}
    from memberships m
   where m.directory_id = $1
     and m.group_id = $2
     and m.present
     and m.member_id > $3
   order by m.member_id
   limit $4`,
);

const membersOfGroups = prepared<MemberRow>(
  'members_of_groups',
  `
  select ${memberColumns}
    from memberships m
   where m.directory_id = $1
     and m.group_id = any ($2::uuid[])
     and m.present
   order by m.group_id, m.member_id`,
);

const membersReadAtOnce = 5_000;

/**
 * The members of groups, each group's in the order in which they were made, some thousand at a time: a group may come in several
 * parts, and one that has none does not come. Many small groups are read together.
 */
export async function* readMembers(
  pool: Pool,
  directory: DirectoryScope,
  groups: readonly Pick<StoredGroup, 'id' | 'memberCount'>[],
): AsyncGenerator<MembersPart, void> {
  let together: string[] = [];
  let expected = 0;
  for (const { id, memberCount } of groups) {
    if (expected + memberCount > membersReadAtOnce) {
      yield* membersTogether(pool, directory, together);
      together = [];
      expected = 0;
    }
    if (memberCount > membersReadAtOnce) {
      yield* membersInParts(pool, directory, id);
    } else if (memberCount > 0) {
      together.push(id);
      expected += memberCount;
    }
  }
  yield* membersTogether(pool, directory, together);
}

async function* membersTogether(pool: Pool, directory: DirectoryScope, groupIds: string[]): AsyncGenerator<MembersPart, void> {
  if (groupIds.length === 0) return;
  const byGroup = new Map<string, GroupMember[]>(groupIds.map((id) => [id, []]));
  for (const { group_id: groupId, ...member } of await membersOfGroups.run(pool, [directory.id, groupIds]))
    byGroup.get(groupId)?.push(member);
  for (const [groupId, members] of byGroup) if (members.length > 0) yield { groupId, members };
}

async function* membersInParts(pool: Pool, directory: DirectoryScope, groupId: string): AsyncGenerator<MembersPart, void> {
  for (let last = firstId; ;) {
    const rows = await membersOfGroup.run(pool, [directory.id, groupId, last, membersReadAtOnce]);
    const end = rows.at(-1);
    if (!end) return;
    yield { groupId, members: rows.map(({ id, type, display }) => ({ id, type, display })) };
    if (rows.length < membersReadAtOnce) return;
    last = end.id;
  }
}
