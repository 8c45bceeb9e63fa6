/** Those who come to a directory while it is held are made in one transaction. What is asked here is that nobody can tell. */
import { type Resource, ScimError } from '#scim';
import { eventually, testDatabase } from '#testing';
import { aMappedDirectory, type MappedDirectory, request } from '../people/a-mapped-directory';
import { BrakeEngaged, changeUser, NoSeatLeft, setBrake, type StoredUser, UnknownMember, UserNameTaken, UserNotFound } from '../index';
import { type DirectoryPool, inDirectory } from './transaction';

let pool: DirectoryPool;

beforeAll(async () => {
  ({ pool } = await testDatabase());
});

/** Makes calls while somebody else holds the directory, so that all but the first wait together; and how many transactions they took. */
async function meanwhile<T>(
  { directory }: MappedDirectory,
  call: () => Promise<T>[],
): Promise<{ results: PromiseSettledResult<T>[]; transactions: number }> {
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select 1 from directory_heads where directory_id = $1 for no key update', [directory.id]);
  const before = await transactionsOf(directory.id);
  const calls = Promise.allSettled(call());
  await eventually(async () => (await lockers()) > 0);
  await holder.query('rollback');
  holder.release();
  return { results: await calls, transactions: (await transactionsOf(directory.id)) - before };
}

/** How many transactions the directory's events were written by. */
async function transactionsOf(directoryId: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(distinct xmin::text) as count from events where directory_id = $1', [
    directoryId,
  ]);
  return rows[0]?.count ?? 0;
}

function change({ directory }: MappedDirectory, user: StoredUser, make: (before: Resource) => Resource): Promise<StoredUser> {
  return changeUser(pool, directory, request, user.id, ({ resource }) => make(resource));
}

async function lockers(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}

const failures = (results: PromiseSettledResult<unknown>[]): unknown[] =>
  results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `one of many ${i}`);

test('changes that wait together share a commit, and each has events of its own, in the order in which they came', async () => {
  const mapped = await aMappedDirectory();
  const { results, transactions } = await meanwhile(mapped, () => names(10).map((name) => mapped.create(name)));
  expect(failures(results)).toEqual([]);
  expect(transactions).toBe(2);
  const log = await mapped.log();
  expect(log.map(({ sequence, type }) => [sequence, type])).toEqual(names(10).map((_, i) => [i + 1, 'user.created']));
  expect(results.map((result) => result.status === 'fulfilled' && result.value.version)).toEqual(names(10).map((_, i) => i + 1));
});

test('one whose name is taken is refused alone', async () => {
  const mapped = await aMappedDirectory();
  const { results } = await meanwhile(mapped, () => ['ada', 'bob', 'ADA', 'cyd', 'dan'].map((name) => mapped.create(name)));
  expect(failures(results)).toEqual([expect.any(UserNameTaken)]);
  expect((await mapped.log()).map(({ sequence, data }) => [sequence, data.user?.user_name])).toEqual([
    [1, 'ada'],
    [2, 'bob'],
    [3, 'cyd'],
    [4, 'dan'],
  ]);
});

test('one who is refused by what they are refuses nobody else', async () => {
  const mapped = await aMappedDirectory();
  const [ada, bob] = [await mapped.create('ada'), await mapped.create('bob')];
  const refusal = new ScimError(412, undefined, 'not this version');
  const { results, transactions } = await meanwhile(mapped, () => [
    mapped.create('cyd'),
    mapped.change(ada, { title: 'Lead' }),
    change(mapped, bob, () => {
      throw refusal;
    }),
    mapped.change({ ...bob, id: '01990000-0000-7000-8000-000000000000' }, { title: 'nobody' }),
    mapped.create('dan'),
  ]);
  expect(failures(results)).toEqual([refusal, expect.any(UserNotFound)]);
  expect(transactions).toBe(2);
  // Of users who have nothing to do with each other, whoever is read first comes first.
  expect(
    (await mapped.log())
      .slice(2)
      .map(({ type, data }) => `${type} ${data.user.user_name}`)
      .sort(),
  ).toEqual(['user.created cyd', 'user.created dan', 'user.updated ada']);
});

test('one who fails half way takes back what they drew and counted, and nobody else is refused for it', async () => {
  const mapped = await aMappedDirectory();
  const halfWay = new Error('half way');
  const { results } = await meanwhile<unknown>(mapped, () => [
    mapped.create('ada'),
    mapped.create('bob'),
    inDirectory(
      pool,
      mapped.directory,
      request,
      async (tx) => {
        await tx.locked();
        tx.countActive(1);
        tx.drawSequences(3);
        throw halfWay;
      },
      { only: 'somebody' },
    ),
    mapped.create('cyd'),
  ]);
  expect(failures(results)).toEqual([halfWay]);
  expect((await mapped.log()).map(({ sequence, data }) => [sequence, data.user.user_name])).toEqual([
    [1, 'ada'],
    [2, 'bob'],
    [3, 'cyd'],
  ]);
  const { rows } = await pool.query('select sequence, active_users from directory_heads where directory_id = $1', [mapped.directory.id]);
  expect(rows).toEqual([{ sequence: 3, active_users: 3 }]);
});

test('several changes of one user come one after the other', async () => {
  const mapped = await aMappedDirectory();
  const ada = await mapped.create('ada');
  const { results } = await meanwhile(mapped, () =>
    ['a', 'b', 'c', 'd'].map((letter) =>
      change(mapped, ada, (before) => ({ ...before, title: `${typeof before.title === 'string' ? before.title : ''}${letter}` })),
    ),
  );
  expect(failures(results)).toEqual([]);
  expect((await mapped.find(ada)).resource.title).toBe('abcd');
});

test('of users and of their groups each sees what came before', async () => {
  const mapped = await aMappedDirectory();
  const [ada, group] = [await mapped.create('ada'), await mapped.group('Eng')];
  const { results } = await meanwhile<unknown>(mapped, () => [
    mapped.change(ada, { title: 'a' }),
    mapped.members(group, 'add', [ada]),
    mapped.change(ada, { title: 'b' }),
    mapped.remove(ada),
    mapped.create('bob'),
  ]);
  expect(failures(results)).toEqual([]);
  expect(
    (await mapped.log()).slice(2).map(({ type, data }) => [type, data.user?.user_name, data.user?.groups.length, data.group?.member_count]),
  ).toEqual([
    ['user.updated', 'ada', 0, undefined],
    ['group.member_added', 'ada', 1, 1],
    ['user.updated', 'ada', 1, undefined],
    ['group.member_removed', 'ada', 0, 0],
    ['user.deleted', 'ada', 0, undefined],
    ['user.created', 'bob', 0, undefined],
  ]);
});

test('a seat is given to one of those who wait for it', async () => {
  const mapped = await aMappedDirectory({ seatLimit: 3 });
  const { results } = await meanwhile(mapped, () => names(8).map((name) => mapped.create(name)));
  expect(failures(results)).toEqual(names(5).map(() => expect.any(NoSeatLeft)));
});

test('the brake counts each of those who leave together', async () => {
  const mapped = await aMappedDirectory();
  const users: StoredUser[] = [];
  for (const name of names(6)) users.push(await mapped.create(name));
  const { directory } = mapped;
  await setBrake(pool, {
    environmentId: directory.environmentId,
    directoryId: directory.id,
    limits: { maxUsers: 3, maxPercent: null, windowSeconds: 60 },
    requestId: directory.id,
  });
  const { results } = await meanwhile(mapped, () => users.map((user) => mapped.change(user, { active: false })));
  expect(failures(results)).toEqual(names(3).map(() => expect.any(BrakeEngaged)));
});

test('of a change of members that is refused half way nothing stays', async () => {
  const mapped = await aMappedDirectory();
  const [ada, group] = [await mapped.create('ada'), await mapped.group('Eng')];
  const stranger = { ...ada, id: '01990000-0000-7000-8000-000000000000' };
  const { results } = await meanwhile<unknown>(mapped, () => [
    mapped.create('bob'),
    mapped.create('cyd'),
    mapped.members(group, 'add', [ada, stranger]),
    mapped.create('dan'),
  ]);
  expect(failures(results)).toEqual([expect.any(UnknownMember)]);
  expect((await mapped.find(ada)).groups).toEqual([]);
  expect(await mapped.types()).toEqual(['user.created', 'group.created', 'user.created', 'user.created', 'user.created']);
});

describe('what PostgreSQL rolls back for the sake of others', () => {
  /** From now on a user of that name is refused so many times. */
  async function refusing(userName: string, code: string, times: number): Promise<void> {
    await pool.query(`
      create table if not exists refusals (user_name text, code text, times bigint);
      create sequence if not exists tries;
      create or replace function refuse() returns trigger language plpgsql as $$
        declare ordered refusals;
        begin
          select * into ordered from refusals where user_name = new.user_name_key;
          if found and nextval('tries') <= ordered.times then raise exception 'as ordered' using errcode = ordered.code; end if;
          return new;
        end $$;
      create or replace trigger refuse before insert on users for each row execute function refuse();
      delete from refusals`);
    await pool.query("select setval('tries', 1, false)");
    await pool.query('insert into refusals values ($1, $2, $3)', [userName, code, times]);
  }
  const tries = async (): Promise<number> =>
    (await pool.query<{ tries: number }>('select last_value as tries from tries')).rows[0]?.tries ?? 0;
  afterAll(() => pool.query('drop trigger refuse on users'));

  test.each(['40001', '40P01'])('is made again, and so are those who shared its commit (%s)', async (code) => {
    const mapped = await aMappedDirectory();
    await refusing('cyd', code, 3);
    const { results } = await meanwhile(mapped, () => ['ada', 'bob', 'cyd', 'dan'].map((name) => mapped.create(name)));
    expect(failures(results)).toEqual([]);
    expect((await mapped.log()).map(({ sequence, data }) => [sequence, data.user.user_name])).toEqual([
      [1, 'ada'],
      [2, 'bob'],
      [3, 'cyd'],
      [4, 'dan'],
    ]);
    expect(await tries()).toBe(4);
  });

  test('is given up after three times more, and nobody else is refused for it', async () => {
    const mapped = await aMappedDirectory();
    await refusing('cyd', '40P01', 1_000);
    const { results } = await meanwhile(mapped, () => ['ada', 'bob', 'cyd', 'dan'].map((name) => mapped.create(name)));
    expect(failures(results)).toEqual([expect.objectContaining({ code: '40P01' })]);
    expect((await mapped.log()).map(({ data }) => data.user.user_name)).toEqual(['ada', 'bob', 'dan']);
    expect(await tries()).toBe(4);
  });
});
