import { aDirectory, testDatabase } from '#testing';
import { aMappedDirectory, type MappedDirectory } from '../people/a-mapped-directory';
import { changeOrganization, deleteDirectory, getOrganization, NoSeatLeft, type OrganizationChanges, UserNameTaken } from '../index';
import type { DirectoryPool } from '../writing/transaction';

let pool: DirectoryPool;

beforeAll(async () => {
  ({ pool } = await testDatabase());
});

const ids = ({ directory }: MappedDirectory) => ({ environmentId: directory.environmentId, organizationId: directory.organizationId });

async function used(mapped: MappedDirectory): Promise<number | undefined> {
  return (await getOrganization(pool, ids(mapped)))?.seatsUsed;
}

async function set(mapped: MappedDirectory, changes: OrganizationChanges): Promise<void> {
  await changeOrganization(pool, { ...ids(mapped), changes });
}

async function seatEvents(mapped: MappedDirectory): Promise<[string, unknown][]> {
  return (await mapped.log()).filter(({ type }) => type.startsWith('seats.')).map(({ type, data }) => [type, data.seats]);
}

/** How many of some calls came through; the others were refused for want of a seat. */
async function cameThrough(calls: Promise<unknown>[]): Promise<number> {
  const results = await Promise.allSettled(calls);
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(NoSeatLeft);
  return results.filter(({ status }) => status === 'fulfilled').length;
}

test('active users are counted on every way in and out', async () => {
  const mapped = await aMappedDirectory();
  const [ada, bob] = [await mapped.create('ada'), await mapped.create('bob')];
  await mapped.create('cyd', { active: false });
  expect(await used(mapped)).toBe(2);
  await mapped.change(ada, { active: false, title: 'x' });
  await mapped.change(ada, { title: 'y' });
  expect(await used(mapped)).toBe(1);
  await mapped.change(ada, { active: true });
  await mapped.remove(bob);
  await mapped.remove(await mapped.change(ada, { active: false }));
  expect(await used(mapped)).toBe(0);
});

test('what was refused for another reason is not counted', async () => {
  const mapped = await aMappedDirectory({ seatLimit: 5 });
  await mapped.create('ada');
  await expect(mapped.create('Ada')).rejects.toThrow(UserNameTaken);
  expect(await used(mapped)).toBe(1);
});

test('`reject`: the one too many is refused on creation and on reactivation, in all directories together, and nothing of it stays', async () => {
  const one = await aMappedDirectory({ seatLimit: 2 });
  const other = await aMappedDirectory({ of: one.directory });
  const [ada] = [await one.create('ada'), await other.create('bob')];
  await expect(one.create('cyd')).rejects.toEqual(new NoSeatLeft(2, 2, null));
  const cyd = await one.create('cyd', { active: false });
  await expect(one.change(cyd, { active: true, title: 'x' })).rejects.toMatchObject({ used: 2, limit: 2 });
  expect((await one.find(cyd)).profile).toMatchObject({ active: false, title: null });
  await one.change(ada, { active: false });
  await one.change(cyd, { active: true });
  expect(await used(one)).toBe(2);
});

test('whoever is there already is told that, and not that there is no seat', async () => {
  const mapped = await aMappedDirectory({ seatLimit: 1 });
  await mapped.create('ada', { externalId: '7' });
  await expect(mapped.create('ADA')).rejects.toEqual(new UserNameTaken('ADA', '7'));
});

test('nobody is thrown out when the limit is lowered: they stay, leave, and nobody else comes', async () => {
  const mapped = await aMappedDirectory({ seatLimit: 3 });
  const users = [await mapped.create('ada'), await mapped.create('bob'), await mapped.create('cyd')];
  await set(mapped, { seatLimit: 1 });
  await mapped.change(users[0]!, { title: 'x' });
  expect(await used(mapped)).toBe(3);
  await expect(mapped.create('dan')).rejects.toMatchObject({ used: 3, limit: 1 });
  await mapped.change(users[0]!, { active: false });
  await expect(mapped.change(users[0]!, { active: true })).rejects.toMatchObject({ used: 2, limit: 1 });
});

test('at 80 % and at 100 % an event tells it once, behind that of the user; and again after it had fallen', async () => {
  const mapped = await aMappedDirectory({ seatLimit: 5 });
  const users = [];
  for (const name of ['a', 'b', 'c', 'd', 'e']) users.push(await mapped.create(name));
  const told = { limit: 5, mode: 'reject', ceiling: null };
  expect(await seatEvents(mapped)).toEqual([
    ['seats.threshold_reached', { ...told, used: 4, percent: 80 }],
    ['seats.threshold_reached', { ...told, used: 5, percent: 100 }],
  ]);
  expect((await mapped.types()).slice(3, 7)).toEqual([
    'user.created',
    'seats.threshold_reached',
    'user.created',
    'seats.threshold_reached',
  ]);
  await mapped.change(users[0]!, { active: false });
  await mapped.change(users[0]!, { active: true });
  expect((await seatEvents(mapped)).slice(2)).toEqual([['seats.threshold_reached', { ...told, used: 5, percent: 100 }]]);
  await set(mapped, { seatLimit: 6 });
  await mapped.create('f');
  expect((await seatEvents(mapped)).slice(3).map(([, seats]) => seats)).toEqual([
    { ...told, limit: 6, used: 6, percent: 80 },
    { ...told, limit: 6, used: 6, percent: 100 },
  ]);
});

test('`expand`: the limit grows with whoever comes, with an event each, up to the ceiling', async () => {
  const mapped = await aMappedDirectory({ seatLimit: 1, seatMode: 'expand', seatCeiling: 3 });
  for (const name of ['a', 'b', 'c']) await mapped.create(name);
  await expect(mapped.create('d')).rejects.toEqual(new NoSeatLeft(3, 3, 3));
  expect(await getOrganization(pool, ids(mapped))).toMatchObject({ seatLimit: 3, seatsUsed: 3 });
  expect((await seatEvents(mapped)).filter(([type]) => type === 'seats.expanded').map(([, seats]) => seats)).toEqual([
    { limit: 2, previous_limit: 1, ceiling: 3, used: 2, mode: 'expand' },
    { limit: 3, previous_limit: 2, ceiling: 3, used: 3, mode: 'expand' },
  ]);
});

test('`observe`: everybody comes in, and the thresholds are told', async () => {
  const mapped = await aMappedDirectory({ seatLimit: 1, seatMode: 'observe' });
  for (const name of ['a', 'b', 'c']) await mapped.create(name);
  expect(await used(mapped)).toBe(3);
  expect((await seatEvents(mapped)).map(([, seats]) => seats)).toMatchObject([
    { used: 1, percent: 80 },
    { used: 1, percent: 100 },
  ]);
});

test('a directory that is deleted gives its seats back', async () => {
  const one = await aMappedDirectory({ seatLimit: 1 });
  const other = await aMappedDirectory({ of: one.directory });
  await one.create('ada');
  await expect(other.create('bob')).rejects.toThrow(NoSeatLeft);
  await deleteDirectory(pool, { environmentId: one.directory.environmentId, directoryId: one.directory.id });
  await other.create('bob');
  expect(await used(other)).toBe(1);
});

describe('exactly as many come in as there are seats', () => {
  test('of forty who are created at once in four directories', async () => {
    const one = await aMappedDirectory({ seatLimit: 11 });
    const directories = [one, ...(await Promise.all([1, 2, 3].map(() => aMappedDirectory({ of: one.directory }))))];
    const calls = Array.from({ length: 40 }, (_, i) => directories[i % 4]!.create(`u${i}`));
    expect(await cameThrough(calls)).toBe(11);
    expect(await used(one)).toBe(11);
    const told = (await Promise.all(directories.map(seatEvents))).flat();
    expect(told.map(([, seats]) => seats)).toEqual(
      expect.arrayContaining([expect.objectContaining({ used: 9, percent: 80 }), expect.objectContaining({ used: 11, percent: 100 })]),
    );
    expect(told).toHaveLength(2);
  });

  test('of some who are created and some who are reactivated, while others leave', async () => {
    const one = await aMappedDirectory({ seatLimit: 12 });
    const other = await aMappedDirectory({ of: one.directory });
    const leaving = await Promise.all(Array.from({ length: 10 }, (_, i) => one.create(`leaving${i}`)));
    const back = await Promise.all(Array.from({ length: 15 }, (_, i) => other.create(`back${i}`, { active: false })));
    const leave = Promise.all(leaving.map((user, i) => (i % 2 === 0 ? one.change(user, { active: false }) : one.remove(user))));
    const came = await cameThrough([
      ...back.map((user) => other.change(user, { active: true })),
      ...Array.from({ length: 15 }, (_, i) => one.create(`new${i}`)),
    ]);
    await leave;
    expect(await used(one)).toBe(came);
    expect(came).toBeGreaterThanOrEqual(2);
    expect(await cameThrough(Array.from({ length: 15 }, (_, i) => other.create(`late${i}`)))).toBe(12 - came);
  });

  test('where they are expanded up to a ceiling, each step once', async () => {
    const one = await aMappedDirectory({ seatLimit: 3, seatMode: 'expand', seatCeiling: 9 });
    const other = await aMappedDirectory({ of: one.directory });
    expect(await cameThrough(Array.from({ length: 24 }, (_, i) => (i % 2 ? one : other).create(`u${i}`)))).toBe(9);
    const steps = (await Promise.all([one, other].map(seatEvents)))
      .flat()
      .filter(([type]) => type === 'seats.expanded')
      .map(([, seats]) => (seats as { limit: number }).limit);
    expect(steps.sort((a, b) => a - b)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  test('where the limit is set while they are on their way in, and taken away and set again', async () => {
    for (let round = 0; round < 8; round += 1) {
      const one = await aMappedDirectory();
      const other = await aMappedDirectory({ of: one.directory });
      const first = Array.from({ length: 10 }, (_, i) => (i % 2 ? one : other).create(`u${i}`));
      const limit = set(one, { seatLimit: 6 });
      const second = Array.from({ length: 10 }, (_, i) => (i % 2 ? one : other).create(`v${i}`));
      const came = await cameThrough([...first, ...second]);
      await limit;
      // Those who came before the limit may be more than it, and then nobody came after it.
      expect(await used(one)).toBe(came);
      await set(one, { seatLimit: null });
      const third = Array.from({ length: 6 }, (_, i) => (i % 2 ? one : other).create(`w${i}`));
      await Promise.all([set(one, { seatLimit: came + 3 }), cameThrough(third)]);
      const now = (await used(one)) ?? 0;
      expect(now).toBe(came + (await Promise.allSettled(third)).filter(({ status }) => status === 'fulfilled').length);
      expect(await cameThrough(Array.from({ length: 8 }, (_, i) => (i % 2 ? one : other).create(`x${i}`)))).toBe(
        Math.max(0, came + 3 - now),
      );
    }
  });

  test('where directories are made while the limit is set', async () => {
    const one = await aMappedDirectory();
    const organization = await getOrganization(pool, ids(one));
    const making = Promise.all(Array.from({ length: 5 }, () => aMappedDirectory({ of: one.directory })));
    await set(one, { seatLimit: 4 });
    const directories = await making;
    await aDirectory({ organization: organization! });
    expect(await cameThrough(directories.flatMap((directory, d) => [directory.create(`a${d}`), directory.create(`b${d}`)]))).toBe(4);
  });
});

test('directories of an organization without a limit do not wait for one another', async () => {
  const one = await aMappedDirectory();
  const other = await aMappedDirectory({ of: one.directory });
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select 1 from directory_heads where directory_id = $1 for no key update', [one.directory.id]);
  await other.create('ada');
  await holder.query('rollback');
  holder.release();
});
