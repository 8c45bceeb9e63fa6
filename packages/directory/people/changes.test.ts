import { newId } from '#identifier';
import { coreSchemas, type Resource } from '#scim';
import { testDatabase } from '#testing';
import {
  activateDirectory,
  changeDirectory,
  changeGroup,
  changeUser,
  createDirectory,
  createGroup,
  createOrganization,
  createUser,
  deleteDirectory,
  deleteGroup,
  deleteOrganization,
  deleteUser,
  DirectoryGone,
  findGroup,
  findUser,
  getDirectory,
  GroupNameTaken,
  type ResolvedMemberChange,
  type ScimDirectory,
  type StoredGroup,
  type StoredUser,
  UnknownMember,
  UserNameTaken,
  UserNotFound,
} from '../index';
import type { DirectoryPool } from '../writing/transaction';

let pool: DirectoryPool;

beforeAll(async () => {
  ({ pool } = await testDatabase());
});

async function aDirectory(): Promise<ScimDirectory> {
  const environmentId = newId();
  await pool.query('insert into environments (id, name) values ($1, $2)', [environmentId, 'test']);
  await pool.query('insert into feed_heads (environment_id) values ($1)', [environmentId]);
  const organization = await createOrganization(pool, { environmentId, name: 'Acme', externalId: 'acme' });
  const directory = await createDirectory(pool, { environmentId, organizationId: organization.id, provider: 'entra' });
  return { ...directory!, schemas: coreSchemas };
}

const request = newId();

function aUser(directory: ScimDirectory, userName: string, more: Resource = {}): Promise<StoredUser> {
  return createUser(pool, directory, request, { userName, active: true, ...more });
}

function aGroup(directory: ScimDirectory, displayName: string, members: StoredUser[] = []): Promise<StoredGroup> {
  return createGroup(
    pool,
    directory,
    request,
    { displayName },
    members.map(({ id }) => ({ id, type: 'User' })),
  );
}

function setMembers(directory: ScimDirectory, group: StoredGroup, memberChanges: ResolvedMemberChange[]): Promise<StoredGroup> {
  return changeGroup(pool, directory, request, group.id, ({ resource }) => ({ resource, memberChanges }));
}

interface Logged {
  sequence: number;
  type: string;
  data: {
    user?: { id: string; version: number; groups: { display_name: string }[]; active: boolean };
    group?: { display_name: string; member_count: number; version: number };
    previous?: object;
  };
}

async function log(directory: ScimDirectory): Promise<Logged[]> {
  const { rows } = await pool.query<Logged>('select sequence, type, data from events where directory_id = $1 order by sequence', [
    directory.id,
  ]);
  expect(rows.map((row) => row.sequence)).toEqual(rows.map((_, i) => i + 1)); // dense, whatever the case is about
  return rows;
}

const types = async (directory: ScimDirectory): Promise<string[]> => (await log(directory)).map((event) => event.type);

const add = (...members: StoredUser[]): ResolvedMemberChange => ({ kind: 'add', members: members.map(({ id }) => ({ id, type: 'User' })) });
const remove = (...members: StoredUser[]): ResolvedMemberChange => ({
  kind: 'remove',
  members: members.map(({ id }) => ({ id, type: 'User' })),
});

describe('users', () => {
  test('a change tells what it changed, as it was, and the version is the sequence of the event that told it', async () => {
    const directory = await aDirectory();
    const user = await aUser(directory, 'ada@acme.com', { title: 'Engineer' });
    const changed = await changeUser(pool, directory, request, user.id, ({ resource }) => ({ ...resource, title: 'Lead' }));

    expect(user.version).toBe(1);
    expect(changed.version).toBe(2);
    const [, updated] = await log(directory);
    expect(updated).toMatchObject({ type: 'user.updated', data: { user: { title: 'Lead', version: 2 }, previous: { title: 'Engineer' } } });
    expect(updated!.data.previous).toEqual({ title: 'Engineer' });
    expect(await findUser(pool, directory, user.id)).toEqual(changed);
  });

  test('a change that changes nothing makes no event and moves no time', async () => {
    const directory = await aDirectory();
    const user = await aUser(directory, 'ada@acme.com');
    const same = await changeUser(pool, directory, request, user.id, ({ resource }) => ({ ...resource }));
    expect(same).toEqual(user);
    expect(await types(directory)).toEqual(['user.created']);
  });

  test('a request that changes active and something else makes both events, user.updated first', async () => {
    const directory = await aDirectory();
    const user = await aUser(directory, 'ada@acme.com', { title: 'Engineer' });
    await changeUser(pool, directory, request, user.id, ({ resource }) => ({ ...resource, title: 'None', active: false }));
    await changeUser(pool, directory, request, user.id, ({ resource }) => ({ ...resource, active: true }));
    const events = await log(directory);
    expect(events.map((event) => event.type)).toEqual(['user.created', 'user.updated', 'user.deactivated', 'user.reactivated']);
    expect(events[1]!.data.previous).toEqual({ title: 'Engineer' });
    expect(events[2]!.data).toMatchObject({ previous: { active: true }, user: { version: 3, active: false } });
  });

  test('what only SCIM knows is told as raw', async () => {
    const directory = await aDirectory();
    const user = await aUser(directory, 'ada@acme.com', { nickName: 'A' });
    await changeUser(pool, directory, request, user.id, ({ resource }) => ({ ...resource, nickName: 'B' }));
    expect((await log(directory))[1]!.data.previous).toEqual({ raw: { nickName: 'A' } });
  });

  test('of many that claim one userName at once, in whatever case, one gets it', async () => {
    const directory = await aDirectory();
    const results = await Promise.allSettled(
      ['É@x', 'é@x', 'É@X', 'é@X'].map((userName) => aUser(directory, userName, { externalId: userName })),
    );
    const refused = results.filter((result) => result.status === 'rejected').map((result): unknown => result.reason);
    expect(refused).toHaveLength(3);
    expect(refused.every((reason) => reason instanceof UserNameTaken && reason.externalId !== null)).toBe(true);
    expect(await types(directory)).toEqual(['user.created']);
  });

  test('a rename to a taken userName is refused, and nothing of the change stays', async () => {
    const directory = await aDirectory();
    await aUser(directory, 'ada@acme.com');
    const user = await aUser(directory, 'bob@acme.com');
    await expect(
      changeUser(pool, directory, request, user.id, ({ resource }) => ({ ...resource, userName: 'ADA@acme.com', title: 'x' })),
    ).rejects.toThrow(UserNameTaken);
    expect(await findUser(pool, directory, user.id)).toEqual(user);
    expect(await types(directory)).toEqual(['user.created', 'user.created']);
  });

  test('changes of one user at once all hold', async () => {
    const directory = await aDirectory();
    const user = await aUser(directory, 'ada@acme.com');
    const names = Array.from({ length: 20 }, (_, i) => `attribute${i}`);
    await Promise.all(
      names.map((name) => changeUser(pool, directory, request, user.id, ({ resource }) => ({ ...resource, [name]: 'set' }))),
    );
    const after = await findUser(pool, directory, user.id);
    expect(names.every((name) => after.resource[name] === 'set')).toBe(true);
    expect(after.version).toBe(21);
  });

  test('a deleted user leaves its groups first, and its name is free again', async () => {
    const directory = await aDirectory();
    const user = await aUser(directory, 'ada@acme.com');
    const group = await aGroup(directory, 'Eng', [user]);
    await deleteUser(pool, directory, request, user.id, () => {});
    const events = await log(directory);
    expect(events.map((event) => event.type)).toEqual([
      'user.created',
      'group.created',
      'group.member_added',
      'group.member_removed',
      'user.deleted',
    ]);
    expect(events[3]!.data).toMatchObject({ group: { member_count: 0, version: 4 }, user: { version: 4, groups: [] } });
    expect(events[4]!.data).toMatchObject({ user: { version: 5 } });
    expect((await findGroup(pool, directory, group.id)).memberCount).toBe(0);
    await expect(findUser(pool, directory, user.id)).rejects.toThrow(UserNotFound);
    expect((await aUser(directory, 'ada@acme.com')).id).not.toBe(user.id);
  });
});

describe('groups', () => {
  test('a membership moves the versions of both, and of nobody else', async () => {
    const directory = await aDirectory();
    const [ada, bob] = [await aUser(directory, 'ada'), await aUser(directory, 'bob')];
    const group = await aGroup(directory, 'Eng');
    const after = await setMembers(directory, group, [add(ada)]);

    expect(after).toMatchObject({ version: 4, memberCount: 1 });
    expect(await findUser(pool, directory, ada.id)).toMatchObject({ version: 4, groups: [{ id: group.id, displayName: 'Eng' }] });
    expect(await findUser(pool, directory, bob.id)).toEqual(bob);
    expect((await log(directory))[3]!.data).toMatchObject({
      group: { display_name: 'Eng', member_count: 1, version: 4 },
      user: { version: 4, groups: [{ display_name: 'Eng' }] },
    });
  });

  test('only the difference is told: who is removed and added in one request has not moved', async () => {
    const directory = await aDirectory();
    const [ada, bob, eve] = [await aUser(directory, 'ada'), await aUser(directory, 'bob'), await aUser(directory, 'eve')];
    const group = await aGroup(directory, 'Eng', [ada, bob]);
    const before = (await types(directory)).length;
    await setMembers(directory, group, [remove(ada, bob, eve), add(ada)]);
    await setMembers(directory, group, [
      {
        kind: 'replace',
        members: [
          { id: eve.id, type: 'User' },
          { id: ada.id, type: 'User' },
        ],
      },
    ]);
    await setMembers(directory, group, [
      {
        kind: 'replace',
        members: [
          { id: eve.id, type: 'User' },
          { id: ada.id, type: 'User' },
        ],
      },
    ]);
    expect((await types(directory)).slice(before)).toEqual(['group.member_removed', 'group.member_added']);
  });

  test('a user that left a group keeps the version that leaving gave it, also when the group is gone', async () => {
    const directory = await aDirectory();
    const user = await aUser(directory, 'ada');
    const group = await aGroup(directory, 'Eng', [user]);
    await deleteGroup(pool, directory, request, group.id, () => {});
    expect(await types(directory)).toEqual([
      'user.created',
      'group.created',
      'group.member_added',
      'group.member_removed',
      'group.deleted',
    ]);
    expect(await findUser(pool, directory, user.id)).toMatchObject({ version: 4, groups: [] });
  });

  test('a stranger among the members refuses the whole change', async () => {
    const directory = await aDirectory();
    const elsewhere = await aUser(await aDirectory(), 'eve');
    const user = await aUser(directory, 'ada');
    const group = await aGroup(directory, 'Eng');
    await expect(setMembers(directory, group, [add(user, elsewhere)])).rejects.toThrow(UnknownMember);
    expect(await findGroup(pool, directory, group.id)).toEqual(group);
    expect(await types(directory)).toEqual(['user.created', 'group.created']);
  });

  test('a group may be a member, and is told as one', async () => {
    const directory = await aDirectory();
    const inner = await aGroup(directory, 'Inner');
    const outer = await createGroup(pool, directory, request, { displayName: 'Outer' }, [{ id: inner.id, type: 'Group' }]);
    expect((await log(directory)).at(-1)).toMatchObject({
      type: 'group.member_added',
      data: { member_group: { display_name: 'Inner', version: 3 } },
    });
    expect((await findGroup(pool, directory, inner.id)).version).toBe(3);
    await deleteGroup(pool, directory, request, inner.id, () => {});
    expect((await findGroup(pool, directory, outer.id)).memberCount).toBe(0);
    expect((await types(directory)).slice(3)).toEqual(['group.member_removed', 'group.deleted']);
  });

  test('a taken displayName is refused, also together with members', async () => {
    const directory = await aDirectory();
    const user = await aUser(directory, 'ada');
    await aGroup(directory, 'Eng');
    await expect(aGroup(directory, 'ENG', [user])).rejects.toThrow(GroupNameTaken);
    expect(await types(directory)).toEqual(['user.created', 'group.created']);
  });

  test('thousands of members are changed in one request, each told once, in order', async () => {
    const directory = await aDirectory();
    const users = await Promise.all(Array.from({ length: 1_200 }, (_, i) => aUser(directory, `user${i}`)));
    const group = await aGroup(directory, 'All', users);
    expect(group.memberCount).toBe(1_200);
    const kept = users.slice(0, 100);
    const after = await setMembers(directory, group, [{ kind: 'replace', members: kept.map(({ id }) => ({ id, type: 'User' })) }]);
    expect(after.memberCount).toBe(100);
    const events = await log(directory);
    const removed = events.filter((event) => event.type === 'group.member_removed');
    expect(new Set(removed.map((event) => event.data.user!.id)).size).toBe(1_100);
    expect(removed.every((event) => event.data.user!.version === event.sequence && event.data.group!.version === event.sequence)).toBe(
      true,
    );
    expect(removed.map((event) => event.data.group!.member_count)).toEqual(removed.map((_, i) => 1_199 - i));
    expect(after.version).toBe(events.length);
  });
});

describe('directories', () => {
  test('the first accepted request activates a directory, once', async () => {
    const directory = await aDirectory();
    await Promise.all(Array.from({ length: 5 }, () => activateDirectory(pool, directory, request)));
    expect(await types(directory)).toEqual(['directory.activated']);
    expect((await getDirectory(pool, { environmentId: directory.environmentId, directoryId: directory.id }))?.state).toBe('active');
  });

  test('disabling is told once, and nothing of it while it stays so', async () => {
    const directory = await aDirectory();
    const query = { environmentId: directory.environmentId, directoryId: directory.id };
    await changeDirectory(pool, { ...query, changes: { disabled: true } });
    await changeDirectory(pool, { ...query, changes: { disabled: true, name: 'Other' } });
    expect(await types(directory)).toEqual(['directory.disabled']);
  });

  test('a deleted directory makes one event, and takes nothing any more', async () => {
    const directory = await aDirectory();
    await aUser(directory, 'ada');
    expect(await deleteDirectory(pool, { environmentId: directory.environmentId, directoryId: directory.id })).toBe(true);
    expect(await deleteDirectory(pool, { environmentId: directory.environmentId, directoryId: directory.id })).toBe(false);
    await expect(aUser(directory, 'bob')).rejects.toThrow(DirectoryGone);
    expect(await types(directory)).toEqual(['user.created', 'directory.deleted']);
  });

  test('deleting an organization deletes its directories', async () => {
    const directory = await aDirectory();
    const query = { environmentId: directory.environmentId, organizationId: directory.organizationId };
    expect(await deleteOrganization(pool, query)).toBe(true);
    expect(await deleteOrganization(pool, query)).toBe(false);
    expect(await types(directory)).toEqual(['directory.deleted']);
    expect(await getDirectory(pool, { environmentId: directory.environmentId, directoryId: directory.id })).toBeUndefined();
  });

  test("another environment's directory is not there", async () => {
    const [one, other] = [await aDirectory(), await aDirectory()];
    expect(await getDirectory(pool, { environmentId: other.environmentId, directoryId: one.id })).toBeUndefined();
    expect(await deleteDirectory(pool, { environmentId: other.environmentId, directoryId: one.id })).toBe(false);
  });
});
