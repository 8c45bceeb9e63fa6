import type { Pool } from 'pg';
import { withSingleValues } from '#mapping';
import { checkSize, foldName, foldResource, type Resource, type SchemaSet } from '#scim';
import { newId } from '#identifier';
import { arrive, leave } from './activity';
import { admit, type TakeNote } from './admission';
import { appendEvents, type EventDraft } from '../log/event-log';
import { memberEvent } from './group-events';
import { groupsAsMeant } from './namesakes';
import { mappedProfile } from '../resource/mapped-user';
import { type Policy, policyForUsers, policyOf } from '../rules/policy';
import { emailKeysOf, sameJson } from '../resource/profile';
import { prepared, type Queryable, violates } from '#postgres';
import { type GroupRow, groupColumns, groupOf, storeGroupCounts, type StoredGroup } from '../resource/stored-group';
import { NoSeatLeft } from '../rules/seats';
import { addressHashes, selectUser, type StoredUser, userJson, userOf } from '../resource/stored-user';
import { type DirectoryPool, type DirectoryScope, type DirectoryTransaction, inDirectory } from '../writing/transaction';
import { userEvents } from './user-events';

/** No such user in this directory. */
export class UserNotFound extends Error {
  constructor(readonly id: string) {
    super('there is no such user in this directory');
  }
}

export class UserNameTaken extends Error {
  constructor(
    readonly userName: string,
    readonly externalId: string | null,
  ) {
    super(`another user of this directory already has the userName ${JSON.stringify(userName)}`);
  }
}

/** @throws UserNotFound */
export async function findUser(db: Queryable, directory: DirectoryScope, id: string): Promise<StoredUser> {
  const [row] = await selectUser.run(db, [directory.id, id]);
  if (!row) throw new UserNotFound(id);
  return userOf(row);
}

const insertUser = prepared<never, StoredColumns & { environmentId: string; organizationId: string }>(
  'insert_user',
  `
  insert into users (directory_id, id, user_name_key, external_id, display_name, active, email_keys, resource, folded, profile, version, updated_at, resource_bytes, profile_bytes,
                     environment_id, organization_id, created_at, active_since)
  values (:directoryId, :id, :userNameKey, :externalId, :displayName, :active, :emailKeys, :resource, :folded, :profile, :version, :updatedAt, :resourceBytes, :profileBytes, :environmentId, :organizationId, :updatedAt, :updatedAt)`,
);

/**
 * Creates a user, as the directory's mapping and rules have it. `note` is told what was let through all the same.
 *
 * @throws UserNameTaken, NoSeatLeft, ScimError where a rule refuses the user or it is too large
 */
export async function createUser(
  pool: DirectoryPool,
  directory: DirectoryScope & { schemas: SchemaSet },
  requestId: string,
  sent: Resource,
  note: TakeNote = () => {},
): Promise<StoredUser> {
  checkSize('User', sent);
  return uniqueUserName(
    pool,
    directory,
    sent,
    inDirectory(
      pool,
      directory,
      requestId,
      async (tx) => {
        const policy = await policyForUsers(tx);
        const resource = withSingleValues(policy.mapping, sent, policy.schemas);
        const mapped = mappedProfile(policy.mapping, policy.schemas, { resource, groups: [] });
        await admit(tx, policy, { ...mapped, resource }, note);
        const { profile } = mapped;
        const besides = profile.active ? await arriveUnlessThere(tx, policy, resource) : [];
        const user: StoredUser = {
          id: newId(),
          resource,
          profile,
          groups: [],
          version: tx.sequence + 1,
          createdAt: tx.now,
          updatedAt: tx.now,
        };
        const { environmentId, organizationId } = directory;
        tx.write(insertUser, { ...columnsOf(directory, user), environmentId, organizationId });
        appendEvents(tx, [{ type: 'user.created', data: (version) => ({ user: userJson(directory, { ...user, version }) }) }, ...besides]);
        return user;
      },
      { seats: true, only: `new ${foldName(userNameOf(sent))}` },
    ),
  );
}

/** Where no seat is left, whoever is there already is told that: they need none, and their identity provider is about to match them. */
async function arriveUnlessThere(tx: DirectoryTransaction, policy: Policy, resource: Resource): Promise<EventDraft[]> {
  try {
    return arrive(tx, policy);
  } catch (error) {
    if (!(error instanceof NoSeatLeft)) throw error;
    const userName = userNameOf(resource);
    const [holder] = await tx.read(userNameHolder, [tx.directory.id, foldName(userName)]);
    throw holder ? new UserNameTaken(userName, holder.external_id) : error;
  }
}

// :isRenamed: the user is called otherwise by now, and so wants a name that nobody else has. Who is not keeps the key that they have,
// where it is one of an older kind and the new one is somebody else's (keyNamesAgain).
const updateUser = prepared<never, StoredColumns & { isRenamed: boolean }>(
  'update_user',
  `
  update users
     set user_name_key = case when user_name_key = :userNameKey or :isRenamed then :userNameKey
                              when exists (select 1 from users where directory_id = :directoryId and user_name_key = :userNameKey) then user_name_key
                              else :userNameKey end,
         external_id = :externalId,
         display_name = :displayName,
         active_since = case when active = :active then active_since else :updatedAt end,
         active = :active,
         email_keys = :emailKeys,
         resource = :resource,
         folded = :folded,
         profile = :profile,
         resource_bytes = :resourceBytes,
         profile_bytes = :profileBytes,
         version = :version,
         updated_at = :updatedAt
   where directory_id = :directoryId
     and id = :id`,
);

/**
 * Applies one change to a user and appends the events that it causes, in one transaction.
 *
 * `change` is pure and is given the user as it is under the lock; what it throws rolls everything back. A change that makes
 * no difference stores nothing and appends nothing: RFC 7644 §3.5.2.1 says such a request must not move lastModified.
 *
 * @throws UserNotFound, UserNameTaken, NoSeatLeft, BrakeEngaged, ScimError where a rule refuses what the user would be, or it has become too large
 */
export async function changeUser(
  pool: DirectoryPool,
  directory: DirectoryScope & { schemas: SchemaSet },
  requestId: string,
  id: string,
  change: (before: StoredUser) => Resource,
  note: TakeNote = () => {},
): Promise<StoredUser> {
  let attempted: Resource = {};
  const changed = inDirectory(
    pool,
    directory,
    requestId,
    async (tx) => {
      void policyOf(tx); // on its way together with the user
      const [row] = await tx.read(selectUser, [directory.id, id]);
      if (!row) throw new UserNotFound(id);
      const before = userOf(row);
      const policy = await policyForUsers(tx);

      const resource = withSingleValues(policy.mapping, change(before), policy.schemas, before.resource);
      if (sameJson(resource, before.resource)) return before;
      checkSize('User', resource, before.resource);
      attempted = resource;

      const [groups = []] = await groupsAsMeant(tx, policy.mapping, [before]);
      const mapped = mappedProfile(policy.mapping, policy.schemas, { resource, groups });
      await admit(tx, policy, { ...mapped, resource }, note);
      const after: StoredUser = { ...before, resource, profile: mapped.profile, updatedAt: tx.now };
      const [wasActive, isActive] = [before.profile.active, after.profile.active];
      const besides = wasActive === isActive ? [] : isActive ? arrive(tx, policy) : await leave(tx, policy, { id, wasActive });
      const drafts = userEvents(directory, before, after);
      after.version = tx.sequence + drafts.length;
      const isRenamed = foldName(userNameOf(resource)) !== foldName(userNameOf(before.resource));
      tx.write(updateUser, { ...columnsOf(directory, after), isRenamed });
      appendEvents(tx, [...drafts, ...besides]);
      return after;
    },
    { seats: true, only: id },
  );
  return uniqueUserName(pool, directory, () => attempted, changed);
}

// A deleted user's memberships go with it: there is nobody left whose version they could hold up.
const deleteUserRow = prepared(
  'delete_user',
  `
  with memberships as (
    delete from memberships
     where directory_id = $1
       and member_id = $2
  ), departed as (
    delete from users
     where directory_id = $1
       and id = $2
    returning environment_id, organization_id, directory_id, id, email_keys, user_name_key
  )
  insert into departed_users (environment_id, organization_id, directory_id, user_id, email_hashes, departed_at)
  select environment_id, organization_id, directory_id, id, ${addressHashes}, $3
    from departed`,
);

const groupsOfUser = prepared<GroupRow>(
  'groups_of_member',
  `
  select ${groupColumns}
    from memberships m
    join groups gr on gr.directory_id = m.directory_id and gr.id = m.group_id
   where m.directory_id = $1
     and m.member_id = $2
     and m.present
   order by gr.id`,
);

/**
 * Deletes a user: it leaves its groups first, one event each.
 *
 * `precondition` is given the version under the lock and may throw.
 *
 * @throws UserNotFound, BrakeEngaged
 */
export async function deleteUser(
  pool: DirectoryPool,
  directory: DirectoryScope,
  requestId: string,
  id: string,
  precondition: (version: number) => void,
): Promise<void> {
  await inDirectory(
    pool,
    directory,
    requestId,
    async (tx) => {
      void policyOf(tx);
      const [row] = await tx.read(selectUser, [directory.id, id]);
      if (!row) throw new UserNotFound(id);
      const user = userOf(row);
      const policy = await policyForUsers(tx);
      precondition(user.version);
      const besides = await leave(tx, policy, { id, wasActive: user.profile.active });

      const groups = (await tx.read(groupsOfUser, [directory.id, id])).map(groupOf);
      tx.write(deleteUserRow, [directory.id, id, tx.now]);
      const left: StoredUser = { ...user, groups: [...user.groups], updatedAt: tx.now };
      appendEvents(tx, leaveGroups(tx, directory, groups, left));
      appendEvents(tx, [
        { type: 'user.deleted', data: (version) => ({ user: userJson(directory, { ...left, groups: [], version }) }) },
        ...besides,
      ]);
    },
    { seats: true },
  );
}

function leaveGroups(tx: DirectoryTransaction, directory: DirectoryScope, groups: StoredGroup[], user: StoredUser): EventDraft[] {
  if (groups.length === 0) return [];
  const first = tx.sequence + 1;
  const after = groups.map((group, i) => ({ ...group, memberCount: group.memberCount - 1, version: first + i, updatedAt: tx.now }));
  storeGroupCounts(tx, after);
  return after.map((group, i) => {
    const remaining = user.groups.filter(({ id }) => !after.slice(0, i + 1).some((leaving) => leaving.id === id));
    return memberEvent(directory, 'removed', group, { type: 'User', user: { ...user, groups: remaining } });
  });
}

const userNameHolder = prepared<{ external_id: string | null }>(
  'user_name_holder',
  `
  select external_id
    from users
   where directory_id = $1
     and user_name_key = $2`,
);

/** Translates the refusal by the unique index. Whoever holds the name is looked up for the caller, who may know them. */
async function uniqueUserName<T>(
  pool: Pool,
  directory: DirectoryScope,
  resource: Resource | (() => Resource),
  written: Promise<T>,
): Promise<T> {
  try {
    return await written;
  } catch (error) {
    if (!violates(error, 'users_user_name')) throw error;
    const userName = userNameOf(typeof resource === 'function' ? resource() : resource);
    const [holder] = await userNameHolder.run(pool, [directory.id, foldName(userName)]);
    throw new UserNameTaken(userName, holder?.external_id ?? null);
  }
}

/** What is stored of a user: itself, and what it is found by. */
interface StoredColumns {
  directoryId: string;
  id: string;
  userNameKey: string;
  externalId: string | null;
  displayName: string;
  active: boolean;
  emailKeys: string[];
  resource: string;
  folded: string;
  profile: string;
  resourceBytes: number;
  profileBytes: number;
  version: number;
  updatedAt: Date;
}

function columnsOf(directory: DirectoryScope & { schemas: SchemaSet }, user: StoredUser): StoredColumns {
  const { resource } = user;
  const [resourceText, profileText] = [JSON.stringify(resource), JSON.stringify(user.profile)];
  return {
    directoryId: directory.id,
    id: user.id,
    userNameKey: foldName(userNameOf(resource)),
    externalId: typeof resource.externalId === 'string' ? resource.externalId : null,
    displayName: typeof resource.displayName === 'string' ? resource.displayName : userNameOf(resource),
    active: user.profile.active,
    emailKeys: emailKeysOf(resource),
    resource: resourceText,
    folded: JSON.stringify(foldResource(resource, 'User', directory.schemas)),
    profile: profileText,
    resourceBytes: Buffer.byteLength(resourceText),
    profileBytes: Buffer.byteLength(profileText),
    version: user.version,
    updatedAt: user.updatedAt,
  };
}

function userNameOf(resource: Resource): string {
  return typeof resource.userName === 'string' ? resource.userName : '';
}
