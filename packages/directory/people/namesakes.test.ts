import { parseMapping } from '#mapping';
import { testDatabase } from '#testing';
import { GroupNameTaken, previewMapping, type StoredUser } from '../index';
import { aMappedDirectory, type MappedDirectory, remapAll } from './a-mapped-directory';

const admins = { roles: { rules: [{ role: 'admin', group: 'Admins' }] } };

async function rolesOf(mapped: MappedDirectory, ...users: StoredUser[]): Promise<(string | undefined)[]> {
  return Promise.all(users.map(async (user) => (await mapped.find(user)).profile.roles[0]?.role));
}

/** What came after the events that there were. */
async function since(mapped: MappedDirectory, before: number): Promise<string[]> {
  return (await mapped.log())
    .slice(before)
    .map(({ type, data }) => [type, data.user?.user_name ?? data.group?.display_name, data.user?.roles[0]?.role].filter(Boolean).join(' '));
}

test('a role rule that names a group means the oldest of that name', async () => {
  const mapped = await aMappedDirectory({ mapping: admins });
  const [ada, bob, cyd] = [await mapped.create('ada'), await mapped.create('bob'), await mapped.create('cyd')];
  const first = await mapped.group('Admins', [ada], { externalId: 'one' });
  const second = await mapped.group('ADMINS', [bob, cyd], { externalId: 'two' });
  expect(await rolesOf(mapped, ada, bob, cyd)).toEqual(['admin', undefined, undefined]);
  await mapped.members(second, 'add', [ada]);
  await mapped.members(first, 'add', [cyd]);
  expect(await rolesOf(mapped, ada, bob, cyd)).toEqual(['admin', undefined, 'admin']);
  expect((await mapped.find(cyd)).profile.roles).toEqual([
    { role: 'admin', rule: 0, group_id: expect.stringContaining(first.id.slice(-12)) },
  ]);
  // A change of the user alone looks no further than one of the group.
  expect((await mapped.change(bob, { title: 'Lead' })).profile.roles).toEqual([]);
  await mapped.members(first, 'remove', [ada]);
  expect(await rolesOf(mapped, ada, bob, cyd)).toEqual([undefined, undefined, 'admin']);
});

test('where the oldest goes, the next one gives the role, and whoever is in both keeps it without a word', async () => {
  const mapped = await aMappedDirectory({ mapping: admins });
  const [ada, bob, cyd] = [await mapped.create('ada'), await mapped.create('bob'), await mapped.create('cyd')];
  const first = await mapped.group('Admins', [ada, cyd], { externalId: 'one' });
  await mapped.group('Admins', [bob, cyd], { externalId: 'two' });
  await mapped.group('Admins', [], { externalId: 'three' });
  const before = (await mapped.types()).length;
  await mapped.removeGroup(first);
  expect(await rolesOf(mapped, ada, bob, cyd)).toEqual([undefined, 'admin', 'admin']);
  const told = await since(mapped, before);
  // Of cyd, who is an admin still, it is told that another group makes them one.
  expect(told.filter((line) => line.startsWith('user.updated'))).toEqual([
    'user.updated ada',
    'user.updated cyd admin',
    'user.updated bob admin',
  ]);
});

test('a group that is renamed takes the meaning of its name along, and gives way to an older one', async () => {
  const mapped = await aMappedDirectory({
    mapping: {
      roles: {
        mode: 'many',
        rules: [
          { role: 'admin', group: 'Admins' },
          { role: 'seller', group: 'Sales' },
        ],
      },
    },
  });
  const [ada, bob] = [await mapped.create('ada'), await mapped.create('bob')];
  const first = await mapped.group('Admins', [ada], { externalId: 'one' });
  const second = await mapped.group('Admins', [bob], { externalId: 'two' });
  await mapped.rename(first, 'Sales');
  expect(await rolesOf(mapped, ada, bob)).toEqual(['seller', 'admin']);
  await mapped.rename(first, 'admins');
  expect(await rolesOf(mapped, ada, bob)).toEqual(['admin', undefined]);
  const before = await mapped.types();
  await mapped.rename(second, 'ADMINS');
  expect((await mapped.types()).slice(before.length)).toEqual(['group.updated']);
  await mapped.rename(second, 'Sales');
  expect(await rolesOf(mapped, ada, bob)).toEqual(['admin', 'seller']);
});

test('a rule may name a group by its externalId, whatever it is called, and follows it', async () => {
  const mapped = await aMappedDirectory({ mapping: { roles: { rules: [{ role: 'admin', group_external_id: 'Two' }] } } });
  const [ada, bob] = [await mapped.create('ada'), await mapped.create('bob')];
  const first = await mapped.group('Admins', [ada], { externalId: 'one' });
  const second = await mapped.group('Admins', [bob], { externalId: 'Two' });
  expect(await rolesOf(mapped, ada, bob)).toEqual([undefined, 'admin']);
  await mapped.rename(second, 'Sales');
  expect(await rolesOf(mapped, ada, bob)).toEqual([undefined, 'admin']);
  await mapped.changeGroup(second, { externalId: 'two' });
  expect(await rolesOf(mapped, ada, bob)).toEqual([undefined, undefined]);
  await mapped.changeGroup(first, { externalId: 'Two' });
  expect(await rolesOf(mapped, ada, bob)).toEqual(['admin', undefined]);
});

test('a mapping that is saved, or tried, means the same', async () => {
  const mapped = await aMappedDirectory();
  const other = await aMappedDirectory({ of: mapped.directory });
  const { pool } = await testDatabase();
  const [ada, bob] = [await mapped.create('ada'), await mapped.create('bob')];
  const cyd = await other.create('cyd');
  await mapped.group('Admins', [ada], { externalId: 'one' });
  await mapped.group('Admins', [bob], { externalId: 'two' });
  await other.group('Admins', [cyd], { externalId: 'three' });
  const { environmentId } = mapped.directory;
  const preview = await previewMapping(pool, { environmentId }, parseMapping(admins));
  expect(preview?.examples.map(({ user, after }) => [user.userName, after.roles[0]?.role])).toEqual([
    ['ada', 'admin'],
    ['cyd', 'admin'],
  ]);
  await remapAll(environmentId, await mapped.map(admins));
  expect(await rolesOf(mapped, ada, bob)).toEqual(['admin', undefined]);
  expect(await rolesOf(other, cyd)).toEqual(['admin']);
});

test('a group is refused where its name is another’s, unless both have an externalId, and each its own', async () => {
  const mapped = await aMappedDirectory();
  await mapped.group('Admins', [], { externalId: 'one' });
  await expect(mapped.group('admins')).rejects.toEqual(new GroupNameTaken('admins', 'one'));
  await expect(mapped.group('admins', [], { externalId: 'one' })).rejects.toEqual(new GroupNameTaken('admins', 'one'));
  const second = await mapped.group('admins', [], { externalId: 'two' });
  await expect(mapped.changeGroup(second, { externalId: 'one' })).rejects.toEqual(new GroupNameTaken('admins', 'one'));
});

test('a ring of groups, and one in itself, are taken as they are told, and told to end once each', async () => {
  const mapped = await aMappedDirectory({ mapping: admins });
  const ada = await mapped.create('ada');
  const [one, two] = [await mapped.group('Admins', [ada]), await mapped.group('Sales')];
  await mapped.nest(one, one);
  await mapped.nest(one, two);
  await mapped.nest(two, one);
  expect(await rolesOf(mapped, ada)).toEqual(['admin']);
  const before = (await mapped.log()).length;
  await mapped.removeGroup(one);
  const told = (await mapped.log()).slice(before);
  const left = told
    .filter(({ type }) => type === 'group.member_removed')
    .map(({ data }) => [data.group.display_name, data.user?.user_name ?? data.member_group.display_name]);
  expect(left.map(String).sort()).toEqual(['Admins,Admins', 'Admins,Sales', 'Admins,ada', 'Sales,Admins']);
  expect(told.at(-1)?.type).toBe('group.deleted');
});
