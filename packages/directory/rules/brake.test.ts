import { newId } from '#identifier';
import { testDatabase } from '#testing';
import { aMappedDirectory, type MappedDirectory, request } from '../people/a-mapped-directory';
import { BrakeEngaged, type BrakeLimits, getBrake, releaseBrake, setBrake, type StoredUser } from '../index';
import type { DirectoryPool } from '../writing/transaction';

let pool: DirectoryPool;

beforeAll(async () => {
  ({ pool } = await testDatabase());
});

const scope = ({ directory }: MappedDirectory) => ({ environmentId: directory.environmentId, directoryId: directory.id });
const set = (mapped: MappedDirectory, limits: Partial<BrakeLimits> | null) =>
  setBrake(pool, {
    ...scope(mapped),
    limits: limits && { maxUsers: null, maxPercent: null, windowSeconds: 3_600, ...limits },
    requestId: request,
  });
const release = (mapped: MappedDirectory) => releaseBrake(pool, { ...scope(mapped), requestId: request });
const users = (mapped: MappedDirectory, count: number, of = 'u') =>
  Promise.all(Array.from({ length: count }, (_, i) => mapped.create(`${of}${i}`)));
const off = (mapped: MappedDirectory, user: StoredUser) => mapped.change(user, { active: false });

async function left(calls: Promise<unknown>[]): Promise<number> {
  const results = await Promise.allSettled(calls);
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(BrakeEngaged);
  return results.filter(({ status }) => status === 'fulfilled').length;
}

test('is off unless it is set', async () => {
  const mapped = await aMappedDirectory();
  expect(await getBrake(pool, scope(mapped))).toBeNull();
  expect(await left((await users(mapped, 5)).map((user) => off(mapped, user)))).toBe(5);
  expect(await getBrake(pool, { ...scope(mapped), directoryId: newId() })).toBeUndefined();
});

test('as many as the limit leave; the last of them engages it; whoever comes after stays, and nothing is stored of the try', async () => {
  const mapped = await aMappedDirectory();
  const [a, b, c, d, e] = await users(mapped, 5);
  await set(mapped, { maxUsers: 2 });
  await off(mapped, a!);
  await mapped.remove(b!);
  const before = await mapped.log();
  expect(before.slice(5).map(({ type }) => type)).toEqual(['user.deactivated', 'user.deleted', 'directory.brake_engaged']);
  expect(before.at(-1)?.data.brake).toEqual({
    max_users: 2,
    max_percent: null,
    window_seconds: 3_600,
    engaged_at: expect.stringMatching(/Z$/),
    departures: 2,
    active_users: 3,
  });
  await expect(mapped.change(c!, { active: false, title: 'x' })).rejects.toThrow(BrakeEngaged);
  await expect(mapped.remove(d!)).rejects.toThrow(BrakeEngaged);
  expect(await mapped.log()).toEqual(before);
  expect(await mapped.find(c!)).toEqual(c);

  // Everything else goes on.
  await mapped.change(e!, { title: 'x' });
  await mapped.change(a!, { active: true });
  await mapped.create('new');
});

test('released, the next try passes, and the count begins anew', async () => {
  const mapped = await aMappedDirectory();
  const [a, b, c, d] = await users(mapped, 4);
  await set(mapped, { maxUsers: 2 });
  for (const user of [a!, b!]) await off(mapped, user);
  await expect(off(mapped, c!)).rejects.toThrow(BrakeEngaged);
  expect(await getBrake(pool, scope(mapped))).toMatchObject({ engagedAt: expect.any(Date), departures: 2 });
  expect(await release(mapped)).toMatchObject({ engagedAt: null, departures: 0 });
  expect(await release(mapped)).toMatchObject({ engagedAt: null });
  await off(mapped, c!);
  await off(mapped, d!);
  expect((await mapped.types()).slice(4)).toEqual([
    'user.deactivated',
    'user.deactivated',
    'directory.brake_engaged',
    'directory.brake_released',
    'user.deactivated',
    'user.deactivated',
    'directory.brake_engaged',
  ]);
});

test('somebody who is deactivated and then deleted leaves once', async () => {
  const mapped = await aMappedDirectory();
  const [a, b] = await users(mapped, 3);
  await set(mapped, { maxUsers: 2 });
  await off(mapped, a!);
  await mapped.remove(a!);
  expect(await getBrake(pool, scope(mapped))).toMatchObject({ engagedAt: null, departures: 1 });
  await off(mapped, b!);
  expect(await getBrake(pool, scope(mapped))).toMatchObject({ engagedAt: expect.any(Date), departures: 2 });
});

test('a share is of those who were active when the window began', async () => {
  const mapped = await aMappedDirectory();
  const all = await users(mapped, 20);
  await set(mapped, { maxPercent: 25 });
  for (const user of all.slice(0, 4)) await off(mapped, user);
  expect(await getBrake(pool, scope(mapped))).toMatchObject({ engagedAt: null, departures: 4 });
  await off(mapped, all[4]!);
  await expect(off(mapped, all[5]!)).rejects.toThrow(BrakeEngaged);
});

test('who left before the window does not count', async () => {
  const mapped = await aMappedDirectory();
  const all = await users(mapped, 6);
  await set(mapped, { maxUsers: 3, windowSeconds: 60 });
  for (const user of all.slice(0, 2)) await off(mapped, user);
  await pool.query(`update brake_departures set at = at - interval '61 seconds' where directory_id = $1`, [mapped.directory.id]);
  for (const user of all.slice(2, 4)) await off(mapped, user);
  expect(await getBrake(pool, scope(mapped))).toMatchObject({ engagedAt: null, departures: 2 });
  await off(mapped, all[4]!);
  await expect(off(mapped, all[5]!)).rejects.toThrow(BrakeEngaged);
});

test('under a lower limit it engages at once, and taken away it is released', async () => {
  const mapped = await aMappedDirectory();
  const all = await users(mapped, 5);
  await set(mapped, { maxUsers: 4 });
  for (const user of all.slice(0, 2)) await off(mapped, user);
  expect(await set(mapped, { maxUsers: 2 })).toMatchObject({ engagedAt: expect.any(Date), departures: 2 });
  expect(await set(mapped, { maxUsers: 50 })).toMatchObject({ engagedAt: expect.any(Date) });
  expect(await set(mapped, null)).toBeNull();
  expect((await mapped.types()).slice(7)).toEqual(['directory.brake_engaged', 'directory.brake_released']);
  await off(mapped, all[2]!);
});

test('of sixty who are to leave at once exactly as many do as may, and one event tells that it was engaged', async () => {
  const mapped = await aMappedDirectory();
  const all = await users(mapped, 60);
  await set(mapped, { maxUsers: 17 });
  expect(await left(all.map((user, i) => (i % 3 === 0 ? mapped.remove(user) : off(mapped, user))))).toBe(17);
  expect((await mapped.types()).filter((type) => type.startsWith('directory.brake'))).toEqual(['directory.brake_engaged']);
  const { rows } = await pool.query(
    'select count(*) as active, (select active_users from directory_heads where directory_id = $1) as counted from users where directory_id = $1 and active',
    [mapped.directory.id],
  );
  expect(rows[0]).toEqual({ active: 43, counted: 43 });
});
