import type { Pool } from 'pg';
import { checkSize, foldCase, foldResource, type Resource, type SchemaSet } from '#scim';
import { newId } from '#identifier';
import { appendEvents } from '../log/event-log';
import { groupCreated, groupDeleted, groupUpdated, memberEvent } from './group-events';
import { oldestBut } from './namesakes';
import { changeMembers, type MemberIdentity, type ResolvedMemberChange } from './members';
import { policyOf } from '../rules/policy';
import { prepared, type Queryable, violates } from '#postgres';
import { sameJson } from '../resource/profile';
import { remapGroup } from './remap';
import { type GroupRow, groupColumns, groupOf, storeGroupCounts, type StoredGroup } from '../resource/stored-group';
import { type DirectoryPool, type DirectoryScope, type DirectoryTransaction, inDirectory } from '../writing/transaction';

/** No such group in this directory. */
export class GroupNotFound extends Error {
  constructor(readonly id: string) {
    super('there is no such group in this directory');
  }
}

export class GroupNameTaken extends Error {
  constructor(
    readonly displayName: string,
    readonly externalId: string | null,
  ) {
    super(`another group of this directory already has the displayName ${JSON.stringify(displayName)}`);
  }
}

const selectGroup = prepared<GroupRow>(
  'group',
  `
  select ${groupColumns}
    from groups gr
   where gr.directory_id = $1
     and gr.id = $2`,
);

/** @throws GroupNotFound */
export async function findGroup(db: Queryable, directory: DirectoryScope, id: string): Promise<StoredGroup> {
  const [row] = await selectGroup.run(db, [directory.id, id]);
  if (!row) throw new GroupNotFound(id);
  return groupOf(row);
}

const insertGroup = prepared<never, StoredColumns & { environmentId: string; organizationId: string }>(
  'insert_group',
  `
  insert into groups (directory_id, id, display_name, display_name_key, external_id, resource, folded, version, updated_at, resource_bytes,
                      environment_id, organization_id, created_at)
  values (:directoryId, :id, :displayName, :displayNameKey, :externalId, :resource, :folded, :version, :updatedAt, :resourceBytes, :environmentId, :organizationId, :updatedAt)`,
);

/** Creates a group, and then its members as if they had been added one by one. @throws GroupNameTaken, UnknownMember, ScimError where it is too large */
export async function createGroup(
  pool: DirectoryPool,
  directory: DirectoryScope & { schemas: SchemaSet },
  requestId: string,
  resource: Resource,
  members: MemberIdentity[],
): Promise<StoredGroup> {
  checkSize('Group', resource);
  return uniqueDisplayName(
    pool,
    directory,
    () => resource,
    inDirectory(pool, directory, requestId, async (tx) => {
      const [holder] = await tx.read(holderOfName, nameOf(directory, resource, null));
      if (holder) throw new GroupNameTaken(displayNameOfGroup(resource), holder.external_id);
      const group: StoredGroup = {
        id: newId(),
        resource,
        memberCount: 0,
        version: tx.sequence + 1,
        createdAt: tx.now,
        updatedAt: tx.now,
      };
      const { environmentId, organizationId } = directory;
      tx.write(insertGroup, { ...columnsOf(directory, group), environmentId, organizationId });
      appendEvents(tx, [groupCreated(directory, group)]);
      if (members.length === 0) return group;
      const after = await changeMembers(tx, group, [{ kind: 'add', members }]);
      storeGroupCounts(tx, [after]);
      return after;
    }),
  );
}

const updateGroup = prepared<never, StoredColumns>(
  'update_group',
  `
  update groups
     set display_name = :displayName,
         display_name_key = :displayNameKey,
         external_id = :externalId,
         resource = :resource,
         folded = :folded,
         resource_bytes = :resourceBytes,
         version = :version,
         updated_at = :updatedAt
   where directory_id = :directoryId
     and id = :id`,
);

/**
 * Applies one change to a group and its members, in one transaction: first the group's own attributes, then who left, then who
 * came. Only what differs in the end makes events: a member that one request removes and adds again has not moved.
 *
 * `change` is pure and is given the group as it is under the lock; what it throws rolls everything back.
 *
 * @throws GroupNotFound, GroupNameTaken, UnknownMember, ScimError where the group has become too large
 */
export async function changeGroup(
  pool: DirectoryPool,
  directory: DirectoryScope & { schemas: SchemaSet },
  requestId: string,
  id: string,
  change: (before: StoredGroup) => { resource: Resource; memberChanges: ResolvedMemberChange[] },
): Promise<StoredGroup> {
  let attempted: Resource = {};
  const changed = inDirectory(pool, directory, requestId, async (tx) => {
    void policyOf(tx); // on its way together with the group
    const [row] = await tx.read(selectGroup, [directory.id, id]);
    if (!row) throw new GroupNotFound(id);
    const before = groupOf(row);

    const { resource, memberChanges } = change(before);
    let group = before;
    const isNamedOtherwise = displayNameOfGroup(resource) !== displayNameOfGroup(before.resource);
    const isKnownOtherwise = resource.externalId !== before.resource.externalId;
    if (!sameJson(resource, before.resource)) {
      checkSize('Group', resource, before.resource);
      attempted = resource;
      if (isNamedOtherwise || isKnownOtherwise) {
        const [holder] = await tx.read(holderOfName, nameOf(directory, resource, id));
        if (holder) throw new GroupNameTaken(displayNameOfGroup(resource), holder.external_id);
      }
      group = { ...before, resource, version: tx.sequence + 1, updatedAt: tx.now };
      tx.write(updateGroup, columnsOf(directory, group));
      appendEvents(tx, [groupUpdated(directory, before, group)]);
    }
    const after = await changeMembers(tx, group, memberChanges);
    if (isNamedOtherwise || isKnownOtherwise) await remapGroup(tx, id);
    if (isNamedOtherwise) await remapNamesakes(tx, id, [before.resource, resource]);
    if (after.version !== group.version) storeGroupCounts(tx, [after]);
    return after;
  });
  return uniqueDisplayName(pool, directory, () => attempted, changed);
}

const parentsOfGroup = prepared<GroupRow>(
  'parents_of_group',
  `
  select ${groupColumns}
    from memberships m
    join groups gr on gr.directory_id = m.directory_id and gr.id = m.group_id
   where m.directory_id = $1
     and m.member_id = $2
     and m.group_id <> $2 -- in itself it is as one of its members, and has left by then
     and m.present
   order by gr.id`,
);

// Its memberships stay, ended: they hold up its members' versions.
const deleteGroupRow = prepared(
  'delete_group',
  `
  with as_member as (
    delete from memberships
     where directory_id = $1
       and member_id = $2
  )
  delete from groups
   where directory_id = $1
     and id = $2`,
);

/** Deletes a group: its members leave it first, and it leaves the groups that it is in. @throws GroupNotFound */
export async function deleteGroup(
  pool: DirectoryPool,
  directory: DirectoryScope,
  requestId: string,
  id: string,
  precondition: (version: number) => void,
): Promise<void> {
  await inDirectory(pool, directory, requestId, async (tx) => {
    const [row] = await tx.read(selectGroup, [directory.id, id]);
    if (!row) throw new GroupNotFound(id);
    const group = groupOf(row);
    precondition(group.version);

    const parents = (await tx.read(parentsOfGroup, [directory.id, id])).map(groupOf);
    const emptied = await changeMembers(tx, group, [{ kind: 'remove_all' }], true);
    const first = tx.sequence + 1;
    const left = parents.map((parent, i) => ({ ...parent, memberCount: parent.memberCount - 1, version: first + i, updatedAt: tx.now }));
    if (left.length > 0) storeGroupCounts(tx, left);
    appendEvents(
      tx,
      left.map((parent) => memberEvent(directory, 'removed', parent, { type: 'Group', group: emptied })),
    );
    tx.write(deleteGroupRow, [directory.id, id]);
    appendEvents(tx, [groupDeleted(directory, { ...emptied, updatedAt: tx.now })]);
    await remapNamesakes(tx, id, [group.resource]);
  });
}

/** Maps the members of other groups anew whose name a mapping has come to mean them by, or no longer does. */
async function remapNamesakes(tx: DirectoryTransaction, id: string, named: readonly Resource[]): Promise<void> {
  if (!(await policyOf(tx)).readsGroups) return;
  const names = named.map((resource) => foldCase(displayNameOfGroup(resource)));
  for (const namesake of await oldestBut(tx, names, id)) await remapGroup(tx, namesake);
}

/**
 * Identity providers know their groups apart by externalIds, and may well have two of one name. But where the two have the same, or
 * one has none, nobody can tell which of them a name means, and the second is most likely the first, sent again.
 */
const holderOfName = prepared<
  { external_id: string | null },
  { directoryId: string; displayNameKey: string; externalId: string | null; except: string | null }
>(
  'holder_of_display_name',
  `
  select external_id
    from groups
   where directory_id = :directoryId
     and display_name_key = :displayNameKey
     and (external_id is null or :externalId::text is null or external_id = :externalId)
     and id is distinct from :except
   order by external_id = :externalId desc nulls last
   limit 1`,
);

function nameOf(directory: DirectoryScope, resource: Resource, except: string | null) {
  const { externalId } = resource;
  return {
    directoryId: directory.id,
    displayNameKey: foldCase(displayNameOfGroup(resource)),
    externalId: typeof externalId === 'string' ? externalId : null,
    except,
  };
}

async function uniqueDisplayName<T>(pool: Pool, directory: DirectoryScope, resource: () => Resource, written: Promise<T>): Promise<T> {
  try {
    return await written;
  } catch (error) {
    if (!violates(error, 'groups_display_name')) throw error;
    const [holder] = await holderOfName.run(pool, nameOf(directory, resource(), null));
    throw new GroupNameTaken(displayNameOfGroup(resource()), holder?.external_id ?? null);
  }
}

/** What is stored of a group: itself, and what it is found by. */
interface StoredColumns {
  directoryId: string;
  id: string;
  displayName: string;
  displayNameKey: string;
  externalId: string | null;
  resource: string;
  resourceBytes: number;
  folded: string;
  version: number;
  updatedAt: Date;
}

function columnsOf(directory: DirectoryScope & { schemas: SchemaSet }, group: StoredGroup): StoredColumns {
  const { resource } = group;
  const displayName = displayNameOfGroup(resource);
  const text = JSON.stringify(resource);
  return {
    directoryId: directory.id,
    id: group.id,
    displayName,
    displayNameKey: foldCase(displayName),
    externalId: typeof resource.externalId === 'string' ? resource.externalId : null,
    resource: text,
    resourceBytes: Buffer.byteLength(text),
    folded: JSON.stringify(foldResource(resource, 'Group', directory.schemas)),
    version: group.version,
    updatedAt: group.updatedAt,
  };
}

function displayNameOfGroup(resource: Resource): string {
  return typeof resource.displayName === 'string' ? resource.displayName : '';
}
