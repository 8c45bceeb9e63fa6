import { foldCase, matches, parseFilter, coreSchemas } from '#scim';
import { publicId } from '#identifier';
import { inTransaction } from '#postgres';
import { testDatabase } from '#testing';
import { keyNamesAgain, type StoredUser, UserNameTaken } from '../index';
import { listUsers } from '../reading/published';
import { aMappedDirectory, type MappedDirectory } from './a-mapped-directory';

/** A user as the release before stored them: under keys by foldCase, blanks and all. */
async function anOldUser(mapped: MappedDirectory, userName: string, emails: string[] = []): Promise<StoredUser> {
  const { pool } = await testDatabase();
  const user = await mapped.create(`in the making ${Math.random()}`, { emails: emails.map((value) => ({ value })) });
  await pool.query(
    `update users
        set user_name_key = $2, email_keys = $3, resource = $4,
            folded = folded || jsonb_build_object('username', $2::text, 'emails', $5::jsonb)
      where id = $1`,
    [
      user.id,
      foldCase(userName),
      emails.map(foldCase),
      JSON.stringify({ ...user.resource, userName }),
      JSON.stringify(emails.map((value) => ({ value: foldCase(value) }))),
    ],
  );
  return user;
}

async function keysOf(users: StoredUser[]): Promise<{ key: string; emails: string[]; folded: unknown }[]> {
  const { pool } = await testDatabase();
  const { rows } = await pool.query<{ id: string; key: string; emails: string[]; folded: any }>(
    'select id, user_name_key as key, email_keys as emails, folded from users where id = any ($1)',
    [users.map(({ id }) => id)],
  );
  return users.map(({ id }) => {
    const row = rows.find((one) => one.id === id)!;
    return { key: row.key, emails: row.emails, folded: row.folded.username };
  });
}

const again = async () => inTransaction((await testDatabase()).pool, keyNamesAgain);

test('users who were stored under keys of an older kind get those of today, and a second time changes nothing', async () => {
  const mapped = await aMappedDirectory();
  const users = [
    await anOldUser(mapped, 'fußball@acme.test', ['fußball@acme.test']),
    await anOldUser(mapped, ' Ada@acme.test ', [' Ada@acme.test', 'ada@home.test']),
    await anOldUser(mapped, 'ＢＯＢ'),
    await anOldUser(mapped, 'cyd o’neil', ['ｃyd@acme.test']),
    await anOldUser(mapped, 'Dan Smith', ['dan@acme.test']),
  ];
  const before = await mapped.types();
  expect(await again()).toEqual([]);
  const keys = await keysOf(users);
  expect(keys).toEqual([
    { key: 'fußball@acme.test', emails: ['fußball@acme.test'], folded: 'fußball@acme.test' },
    { key: 'ada@acme.test', emails: ['ada@acme.test', 'ada@home.test'], folded: 'ada@acme.test' },
    { key: 'bob', emails: [], folded: 'bob' },
    { key: 'cyd o’neil', emails: ['cyd@acme.test'], folded: 'cyd o’neil' },
    { key: 'dan smith', emails: ['dan@acme.test'], folded: 'dan smith' },
  ]);
  expect(await again()).toEqual([]);
  expect(await keysOf(users)).toEqual(keys);
  expect(await mapped.types()).toEqual(before);
  // From here on the other one can come.
  await mapped.create('fussball@acme.test');
});

test('whoever moves to the key of somebody who moves on gets it', async () => {
  const mapped = await aMappedDirectory();
  const [wide, sharp] = [await anOldUser(mapped, 'ｆussball'), await anOldUser(mapped, 'fußball')];
  expect(await again()).toEqual([]);
  expect((await keysOf([wide, sharp])).map(({ key }) => key)).toEqual(['fussball', 'fußball']);
});

test('two who would be the same keep what they have, are told of, and can still be changed, but for taking the other’s name', async () => {
  const mapped = await aMappedDirectory();
  const other = await aMappedDirectory();
  const pairs = [
    [await anOldUser(mapped, 'ada'), await anOldUser(mapped, 'ａｄａ')],
    [await anOldUser(mapped, ' bob'), await anOldUser(mapped, 'bob\u00a0'), await anOldUser(mapped, '\tbob')],
    [await anOldUser(mapped, 'ｄan'), await anOldUser(mapped, 'dan')],
  ];
  const alone = await anOldUser(other, 'ａｄａ');
  const ids = (users: StoredUser[]): string =>
    users
      .map(({ id }) => publicId('usr', id))
      .sort()
      .join(' ');
  const told = await again();
  expect(told.map(({ userIds }) => [...userIds].sort().join(' ')).sort()).toEqual(pairs.map(ids).sort());
  expect(told.map(({ directoryId }) => directoryId)).toEqual(pairs.map(() => publicId('dir', mapped.directory.id)));
  expect((await keysOf(pairs.flat())).map(({ key }) => key)).toEqual(['ada', 'ａｄａ', ' bob', 'bob\u00a0', '\tbob', 'ｄan', 'dan']);
  expect((await keysOf([alone]))[0]?.key).toBe('ada');

  const [ada, wide] = pairs[0]!;
  for (const user of [ada!, wide!]) expect((await mapped.change(user, { active: false })).profile.active).toBe(false);
  expect((await keysOf([ada!, wide!])).map(({ key }) => key)).toEqual(['ada', 'ａｄａ']);
  await mapped.create('eve');
  await expect(mapped.change(wide!, { userName: 'ＥＶＥ' })).rejects.toThrow(UserNameTaken);
  // Once the other is gone the next change gives the key of today.
  await mapped.remove(ada!);
  await mapped.change(wide!, { title: 'Countess' });
  expect((await keysOf([wide!]))[0]?.key).toBe('ada');
});

test('userNames and addresses are compared and published without blanks around them, and stored as they were sent', async () => {
  const mapped = await aMappedDirectory();
  const { pool } = await testDatabase();
  const userName = ' Ada@acme.test\u00a0';
  const ada = await mapped.create(userName, {
    emails: [
      { value: '\tada@home.test ', type: 'home' },
      { value: '  ', primary: true },
    ],
  });
  expect(ada.resource.userName).toBe(userName);
  expect(ada.profile).toMatchObject({
    user_name: 'Ada@acme.test',
    email: 'ada@home.test',
    emails: [
      { value: 'ada@home.test', type: 'home' },
      { value: '', primary: true },
    ],
  });
  await expect(mapped.create('ada@ACME.test')).rejects.toThrow(UserNameTaken);
  const { environmentId, id: directoryId } = mapped.directory;
  const found = async (query: { email?: string; userName?: string }): Promise<number | undefined> =>
    (await listUsers(pool, { environmentId, directoryId, limit: 10, ...query }))?.rows.length;
  for (const address of ['ada@home.test', ' ADA@HOME.TEST', 'ada@acme.test '])
    expect([address, await found({ email: address })]).toEqual([address, 1]);
  expect(await found({ userName: '  ada@acme.test' })).toBe(1);
  for (const text of [
    'userName eq "ada@acme.test"',
    'userName eq " ADA@acme.test"',
    'emails.value eq "ada@home.test"',
    'userName sw "ada"',
  ])
    expect([text, matches(parseFilter(text, 'User', coreSchemas), ada.resource)]).toEqual([text, true]);
});
