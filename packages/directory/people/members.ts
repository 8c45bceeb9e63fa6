import { locationOf, type MemberChange, matches } from '#scim';
import { publicId } from '#identifier';
import { appendEvents } from '../log/event-log';
import { type Member, memberEvent } from './group-events';
import { policyOf } from '../rules/policy';
import { firstId, prepared } from '#postgres';
import { type GroupRow, groupColumns, groupOf, type StoredGroup } from '../resource/stored-group';
import { remapMembers } from './remap';
import { selectUser, type UserRow, userColumns, userGroups, userOf } from '../resource/stored-user';
import type { DirectoryTransaction } from '../writing/transaction';

/** A member as a request names it. */
export interface MemberIdentity {
  id: string;
  type: 'User' | 'Group';
}

/** A member is not in this directory; the request that names it is refused whole. */
export class UnknownMember extends Error {
  constructor(readonly value: string) {
    super(`there is no user or group ${JSON.stringify(value)} in this directory, so it cannot be a member`);
  }
}

/** What a change of members means, once the ids that an IdP sent are known to be of our making. */
export type ResolvedMemberChange =
  | { kind: 'add' | 'remove' | 'replace'; members: MemberIdentity[] }
  | { kind: 'remove_all' }
  /** `baseUrl`: members can be asked for by their URI, which the directory's base URL begins. */
  | (Extract<MemberChange, { kind: 'remove_where' }> & { baseUrl: string });

// What is in memory at once: some megabytes, however large the group.
const membersAtOnce = 5_000;
const eventsAtOnce = 500;

/**
 * Changes a group's members and appends an event for each that left or came, those who left first. Answers the group with
 * its new count and version; the caller stores it. `isLeaving`: the group itself is about to go.
 *
 * The changes are folded into one difference first, so that only what differs in the end is written and told. Members are
 * rows: the cost follows the difference, not the size of the group.
 *
 * @throws UnknownMember
 */
export async function changeMembers(
  tx: DirectoryTransaction,
  group: StoredGroup,
  changes: ResolvedMemberChange[],
  isLeaving = false,
): Promise<StoredGroup> {
  if (changes.length === 0) return group;
  void policyOf(tx);
  const { everybodyLeaves, leaving, coming } = await difference(tx, group, changes);

  let after = group;
  const tell = async (change: 'added' | 'removed', moved: MovedRow[], users?: Promise<UserRow[]>): Promise<void> => {
    moved.sort((a, b) => a.version - b.version);
    for (let i = 0; i < moved.length; i += eventsAtOnce) {
      after = await tellMembers(tx, after, change, moved.slice(i, i + eventsAtOnce), users);
    }
    await remapMembers(
      tx,
      moved.filter((row) => row.member_type === 'User').map((row) => row.member_id),
      isLeaving ? group.id : undefined,
    );
  };

  // Of a few it is read in the same round trip who they are by then.
  const whoFew = (ids: string[]): Promise<UserRow[]> | undefined => {
    if (ids.length === 1) return tx.read(selectUser, [tx.directory.id, ids[0]]);
    return ids.length <= eventsAtOnce ? tx.read(usersByIds, [tx.directory.id, ids]) : undefined;
  };

  if (everybodyLeaves) {
    const staying = [...coming.keys()];
    for (let last = firstId; ;) {
      const moved = await tx.writeAndRead(endMembershipsBut, {
        directoryId: tx.directory.id,
        groupId: group.id,
        staying,
        after: last,
        version: tx.sequence,
        now: tx.now,
        limit: membersAtOnce,
      });
      await tell('removed', moved);
      if (moved.length < membersAtOnce) break;
      last = moved.reduce((greatest, { member_id }) => (member_id > greatest ? member_id : greatest), last);
    }
  } else {
    for (const ids of inChunks([...leaving], membersAtOnce)) {
      const [only, ...others] = ids;
      const moved =
        others.length === 0
          ? tx.writeAndRead(endMembership, [tx.directory.id, group.id, only, tx.sequence, tx.now])
          : tx.writeAndRead(endMemberships, [tx.directory.id, group.id, ids, tx.sequence, tx.now]);
      const users = whoFew(ids);
      await tell('removed', await moved, users);
    }
  }
  for (const members of inChunks([...coming.values()], membersAtOnce)) {
    const ids = members.map(({ id }) => id);
    const types = members.map(({ type }) => type);
    const unknown = tx.read(unknownMember, [tx.directory.id, ids, types]);
    const moved = tx.writeAndRead(beginMemberships, {
      directoryId: tx.directory.id,
      groupId: group.id,
      ids,
      types,
      version: tx.sequence,
      now: tx.now,
    });
    const users = whoFew(ids);
    const [stranger] = await unknown;
    if (stranger) {
      await moved;
      throw new UnknownMember(publicId(stranger.type === 'User' ? 'usr' : 'grp', stranger.id));
    }
    await tell('added', await moved, users);
  }
  return after;
}

interface Difference {
  /** Everybody leaves who is not among those who come. */
  everybodyLeaves: boolean;
  leaving: Set<string>;
  coming: Map<string, MemberIdentity>;
}

/** What the changes, one after the other, come to. */
async function difference(tx: DirectoryTransaction, group: StoredGroup, changes: ResolvedMemberChange[]): Promise<Difference> {
  let everybodyLeaves = false;
  const leaving = new Set<string>();
  const coming = new Map<string, MemberIdentity>();
  for (const change of changes) {
    switch (change.kind) {
      case 'add':
        for (const member of change.members) {
          leaving.delete(member.id);
          coming.set(member.id, member);
        }
        break;
      case 'remove':
        for (const { id } of change.members) {
          coming.delete(id);
          leaving.add(id);
        }
        break;
      case 'remove_all':
      case 'replace':
        everybodyLeaves = true;
        leaving.clear();
        coming.clear();
        if (change.kind === 'replace') for (const member of change.members) coming.set(member.id, member);
        break;
      case 'remove_where': {
        const added = [...coming.keys()];
        for await (const member of describedMembers(tx, everybodyLeaves ? null : group.id, added)) {
          const value = publicId(member.type === 'User' ? 'usr' : 'grp', member.id);
          const described = { value, type: member.type, display: member.display, $ref: locationOf(change.baseUrl, member.type, value) };
          if (!matches(change.filter, described)) continue;
          coming.delete(member.id);
          leaving.add(member.id);
        }
      }
    }
  }
  return { everybodyLeaves, leaving, coming };
}

const describeMembers = prepared<{ id: string; type: 'User' | 'Group'; display: string }>(
  'describe_members',
  `
  select c.id, c.type, coalesce(u.display_name, g.display_name, '') as display
    from (select member_id as id, member_type as type
            from memberships
           where directory_id = $1
             and group_id = $2
             and present
             and member_id > $4
           union
          select id, case when (select groups.id from groups where directory_id = $1 and groups.id = k.id) is null then 'User' else 'Group' end
            from unnest($3::uuid[]) as k (id)
           where id > $4) c
    left join users u on u.directory_id = $1 and u.id = c.id
    left join groups g on g.directory_id = $1 and g.id = c.id
   order by c.id
   limit 1000`,
);

async function* describedMembers(
  tx: DirectoryTransaction,
  groupId: string | null,
  added: string[],
): AsyncGenerator<{ id: string; type: 'User' | 'Group'; display: string }> {
  for (let last = firstId; ;) {
    const rows = await tx.read(describeMembers, [tx.directory.id, groupId, added, last]);
    yield* rows;
    if (rows.length < 1000) return;
    last = rows.at(-1)!.id;
  }
}

interface MovedRow {
  member_id: string;
  member_type: 'User' | 'Group';
  /** The sequence of the event that tells of it. */
  version: number;
}

// Who leaves is found first, once, and its rows then by where they lie. Joined to the table again by its keys, each could be compared
// with each: of a directory that is new, PostgreSQL knows nothing and expects one row.
const endMemberships = prepared<MovedRow>(
  'end_memberships',
  `
  with leaving as materialized (
    select ctid as row, row_number() over (order by member_id) as n
      from memberships
     where directory_id = $1
       and group_id = $2
       and member_id = any ($3::uuid[])
       and present
  )
  update memberships m
     set present = false,
         version = $4 + l.n,
         changed_at = $5
    from leaving l
   where m.ctid = l.row
  returning m.member_id, m.member_type, m.version`,
);

// One that leaves by itself, which is what most requests ask for. Of an array PostgreSQL makes a plan each time, since it might be long.
const endMembership = prepared<MovedRow>(
  'end_membership',
  `
  update memberships
     set present = false,
         version = $4 + 1,
         changed_at = $5
   where directory_id = $1
     and group_id = $2
     and member_id = $3
     and present
  returning member_id, member_type, version`,
);

// "not in" is hashed whatever the array's length is thought to be; as an anti-join it might compare each with each.
const endMembershipsBut = prepared<
  MovedRow,
  { directoryId: string; groupId: string; staying: string[]; after: string; version: number; now: Date; limit: number }
>(
  'end_memberships_but',
  `
  with leaving as materialized (
    select ctid as row, row_number() over (order by member_id) as n
      from memberships
     where directory_id = :directoryId
       and group_id = :groupId
       and member_id > :after
       and present
       and member_id not in (select unnest(:staying::uuid[]))
     order by member_id
     limit :limit
  )
  update memberships m
     set present = false,
         version = :version + l.n,
         changed_at = :now
    from leaving l
   where m.ctid = l.row
  returning m.member_id, m.member_type, m.version`,
);

// Each is looked up by its key. By "exists" the plan for any number of them would hash all users of the directory first: 40 ms
// of 120,000, for one new member.
const unknownMember = prepared<MemberIdentity & { id: string }>(
  'unknown_member',
  `
  select w.id, w.type
    from unnest($2::uuid[], $3::text[]) as w (id, type)
   where case w.type
           when 'User' then (select u.id from users u where u.directory_id = $1 and u.id = w.id)
           else (select g.id from groups g where g.directory_id = $1 and g.id = w.id)
         end is null
   limit 1`,
);

const beginMemberships = prepared<
  MovedRow,
  { directoryId: string; groupId: string; ids: string[]; types: string[]; version: number; now: Date }
>(
  'begin_memberships',
  `
  with staying as materialized (
    select member_id
      from memberships
     where directory_id = :directoryId
       and group_id = :groupId
       and member_id = any (:ids::uuid[])
       and present
  )
  insert into memberships (directory_id, group_id, member_id, member_type, present, version, changed_at)
  select :directoryId, :groupId, w.id, w.type, true, :version + row_number() over (order by w.id), :now
    from unnest(:ids::uuid[], :types::text[]) as w (id, type)
   where w.id not in (select member_id from staying)
  on conflict (directory_id, group_id, member_id) do update
     set present = true,
         version = excluded.version,
         changed_at = excluded.changed_at
  returning member_id, member_type, version`,
);

const usersByIds = prepared<UserRow>(
  'users_by_ids',
  `
  select ${userColumns}
    from users u ${userGroups}
   where u.directory_id = $1
     and u.id = any ($2::uuid[])`,
);

const groupsByIds = prepared<GroupRow>(
  'groups_by_ids',
  `
  select ${groupColumns}
    from groups gr
   where gr.directory_id = $1
     and gr.id = any ($2::uuid[])`,
);

const moveGroupVersions = prepared(
  'move_group_versions',
  `
  update groups gr
     set version = n.version,
         updated_at = $2
    from unnest($3::uuid[], $4::bigint[]) as n (id, version)
   where gr.directory_id = $1
     and gr.id = n.id`,
);

/** Appends the events of members whose rows have been written with the sequences that these events will have. */
async function tellMembers(
  tx: DirectoryTransaction,
  before: StoredGroup,
  change: 'added' | 'removed',
  moved: MovedRow[],
  known?: Promise<UserRow[]>,
): Promise<StoredGroup> {
  const idsOf = (type: string): string[] => moved.filter((row) => row.member_type === type).map((row) => row.member_id);
  const groupIds = idsOf('Group');
  const [users, groups] = await Promise.all([
    known ?? tx.read(usersByIds, [tx.directory.id, idsOf('User')]),
    groupIds.length > 0 ? tx.read(groupsByIds, [tx.directory.id, groupIds]) : [],
  ]);
  const members = new Map<string, Member>();
  for (const row of users) members.set(row.id, { type: 'User', user: userOf(row) });
  for (const row of groups) members.set(row.id, { type: 'Group', group: { ...groupOf(row), updatedAt: tx.now } });

  let group = before;
  const drafts = moved.map((row) => {
    const member = members.get(row.member_id);
    if (!member) throw new Error(`membership of ${row.member_id}, who is not in the directory`);
    group = { ...group, memberCount: group.memberCount + (change === 'added' ? 1 : -1), version: row.version, updatedAt: tx.now };
    return memberEvent(tx.directory, change, group, member);
  });
  if (groupIds.length > 0) {
    const movedGroups = moved.filter((row) => row.member_type === 'Group');
    tx.write(moveGroupVersions, [tx.directory.id, tx.now, groupIds, movedGroups.map((row) => row.version)]);
  }
  appendEvents(tx, drafts);
  if (drafts.length === eventsAtOnce) await tx.flush(); // there may be many more
  return group;
}

function* inChunks<T>(all: T[], size: number): Generator<T[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}
