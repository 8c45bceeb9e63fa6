/** Paging by cursor (RFC 9865). */
import { anError, aScimDirectory, listUrn, type Reply, type ScimUnderTest, searchUrn, seen } from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

async function users(...userNames: string[]): Promise<void> {
  for (const userName of userNames) await scim.aUser({ userName });
}

/** The names of every page, following nextCursor. */
async function pages(query: Record<string, string | number>, endpoint = '/Users'): Promise<string[][]> {
  const all: string[][] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined && all.length < 50;) {
    const reply: Reply = await scim.query(endpoint, { ...query, cursor });
    expect([reply.status, reply.text]).toEqual([200, reply.text]);
    all.push(reply.body.Resources.map((resource: Record<string, string>) => resource.userName ?? resource.displayName));
    cursor = reply.body.nextCursor;
  }
  return all;
}

const nextOf = async (query: Record<string, string | number>): Promise<string> =>
  (await scim.query('/Users', { ...query, cursor: '' })).body.nextCursor;

/** A cursor with one of its fields changed, as somebody might who has looked into it. */
function forged(cursor: string, change: (fields: unknown[]) => unknown): string {
  const fields: unknown[] = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  return Buffer.from(JSON.stringify(change(fields))).toString('base64url');
}

test('§16 the first page has an empty cursor, the last one no nextCursor, and nobody is missed', async () => {
  await users('a', 'b', 'c', 'd', 'e');
  const first = await scim.get('/Users?cursor&count=2');
  expect(first.body).toEqual({
    schemas: [listUrn],
    totalResults: 5,
    itemsPerPage: 2,
    nextCursor: expect.stringMatching(/^[A-Za-z0-9._~-]+$/),
    Resources: [expect.anything(), expect.anything()],
  });
  expect((await scim.get('/Users?cursor=&count=2')).body.Resources).toEqual(first.body.Resources);
  expect(await pages({ count: 2 })).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  expect(await pages({ count: 5 })).toEqual([['a', 'b', 'c', 'd', 'e']]);
  const last = await scim.query('/Users', { cursor: '', count: 5 });
  expect(last.body).not.toHaveProperty('nextCursor');
  expect(last.body).not.toHaveProperty('startIndex');
});

test('§16 a list of nothing has no nextCursor', async () => {
  expect((await scim.get('/Users?cursor')).body).toEqual({ schemas: [listUrn], totalResults: 0, itemsPerPage: 0, Resources: [] });
  await users('a');
  expect((await scim.query('/Users', { cursor: '', count: 0 })).body).toMatchObject({ totalResults: 1, Resources: [] });
  expect((await scim.query('/Users', { cursor: '', count: -3 })).body).toMatchObject({ totalResults: 1, itemsPerPage: 0 });
});

test('§16 cursors go with filters, sorting and projections, for users and groups', async () => {
  for (const [i, title] of ['x', undefined, 'y', 'X', undefined, 'z'].entries())
    await scim.aUser({ userName: `u${i}`, ...(title && { title }), emails: [{ value: `${9 - i}@x` }] });
  expect(await pages({ count: 2, filter: 'title pr' })).toEqual([
    ['u0', 'u2'],
    ['u3', 'u5'],
  ]);
  expect(await pages({ count: 2, sortBy: 'title' })).toEqual([
    ['u0', 'u3'],
    ['u2', 'u5'],
    ['u1', 'u4'],
  ]);
  expect(await pages({ count: 2, sortBy: 'title', sortOrder: 'descending' })).toEqual([
    ['u1', 'u4'],
    ['u5', 'u2'],
    ['u0', 'u3'],
  ]);
  expect(await pages({ count: 1, sortBy: 'title', sortOrder: 'descending' })).toEqual([['u1'], ['u4'], ['u5'], ['u2'], ['u0'], ['u3']]);
  expect(await pages({ count: 4, sortBy: 'emails.value', attributes: 'userName' })).toEqual([
    ['u5', 'u4', 'u3', 'u2'],
    ['u1', 'u0'],
  ]);
  expect(await pages({ count: 4, sortBy: 'meta.created', sortOrder: 'descending' })).toEqual([
    ['u5', 'u4', 'u3', 'u2'],
    ['u1', 'u0'],
  ]);
  expect(await pages({ count: 4, sortBy: 'id' })).toEqual([
    ['u0', 'u1', 'u2', 'u3'],
    ['u4', 'u5'],
  ]);
  for (const displayName of ['b', 'a', 'c']) await scim.aGroup({ displayName });
  expect(await pages({ count: 2, sortBy: 'displayName' }, '/Groups')).toEqual([['a', 'b'], ['c']]);
});

test('§16 a cursor holds its place, whoever comes and goes meanwhile', async () => {
  await users('a', 'b', 'c', 'd', 'e');
  const first = await scim.query('/Users', { cursor: '', count: 2 });
  await scim.delete(`/Users/${first.body.Resources[0].id}`);
  await scim.delete(`/Users/${first.body.Resources[1].id}`);
  await users('f');
  const second = await scim.query('/Users', { cursor: first.body.nextCursor, count: 2 });
  expect(second.body.Resources.map(({ userName }: { userName: string }) => userName)).toEqual(['c', 'd']);
});

test('§16 a cursor of another query is invalidCursor', async () => {
  await users('a', 'b', 'c');
  const cursor = await nextOf({ count: 1 });
  for (const query of [{ filter: 'userName pr' }, { sortBy: 'userName' }] as Record<string, string>[])
    expect([query, seen(await scim.query('/Users', { ...query, cursor, count: 1 }))]).toEqual([query, anError(400, 'invalidCursor')]);
  expect(seen(await scim.query('/Groups', { cursor, count: 1 }))).toEqual(anError(400, 'invalidCursor'));
  const sorted = await nextOf({ count: 1, sortBy: 'userName' });
  expect(seen(await scim.query('/Users', { cursor: sorted, count: 1, sortBy: 'userName', sortOrder: 'descending' }))).toEqual(
    anError(400, 'invalidCursor'),
  );
});

test('§16 a cursor with another count is invalidCount', async () => {
  await users('a', 'b', 'c');
  const cursor = await nextOf({ count: 1 });
  expect(seen(await scim.query('/Users', { cursor, count: 2 }))).toEqual(anError(400, 'invalidCount'));
  expect((await scim.query('/Users', { cursor: '', count: 5_000 })).body.itemsPerPage).toBe(3);
});

test('§16 what is no cursor is invalidCursor, however it was made', async () => {
  await users('a', 'b', 'c');
  for (const sortBy of ['', 'userName', 'meta.created', 'title']) {
    const query = { count: 1, ...(sortBy && { sortBy }) };
    const cursor = await nextOf(query);
    const forgeries = [
      'x',
      '%20',
      'a b',
      'é',
      'x'.repeat(2_000),
      cursor.slice(0, -4),
      `${cursor}AAAA`,
      Buffer.from('null').toString('base64url'),
      Buffer.from('[1]').toString('base64url'),
      forged(cursor, (fields) => [...fields, 1]),
      forged(cursor, ([, ...fields]) => [9, ...fields]),
      ...[null, 5, 'x', {}, [], '\u0000', "'"].map((id) => forged(cursor, (fields) => fields.map((field, i) => (i === 4 ? id : field)))),
      ...[5, {}, [], false].map((key) => forged(cursor, (fields) => fields.map((field, i) => (i === 5 ? key : field)))),
    ];
    for (const forgery of forgeries)
      expect([sortBy, forgery, seen(await scim.query('/Users', { ...query, cursor: forgery }))]).toEqual([
        sortBy,
        forgery,
        anError(400, 'invalidCursor'),
      ]);
    for (const key of ['not a time', '\u0000', '\ud800', '9e99', '', '2026-99-99', 'infinity', null]) {
      const reply = await scim.query('/Users', {
        ...query,
        cursor: forged(cursor, (fields) => fields.map((field, i) => (i === 5 ? key : field))),
      });
      expect([sortBy, key, [200, 400].includes(reply.status), reply.text]).toEqual([sortBy, key, true, reply.text]);
      if (reply.status === 400) expect(seen(reply)).toEqual(anError(400, 'invalidCursor'));
    }
  }
});

test('§16 a cursor that is too old is expiredCursor', async () => {
  await users('a', 'b', 'c');
  const { cursorTimeout } = (await scim.get('/ServiceProviderConfig')).body.pagination;
  const cursor = await nextOf({ count: 1 });
  const aged = (seconds: number): string =>
    forged(cursor, (fields) => fields.map((field, i) => (i === 3 ? Number(field) - seconds : field)));
  expect(seen(await scim.query('/Users', { count: 1, cursor: aged(cursorTimeout + 5) }))).toEqual(anError(400, 'expiredCursor'));
  expect((await scim.query('/Users', { count: 1, cursor: aged(cursorTimeout - 60) })).status).toBe(200);
});

test('§16 a cursor is of use however long the filter and the values sorted by are', async () => {
  const long = 'é"\\'.repeat(1_000);
  for (const userName of ['a', 'b', 'c', 'd']) await scim.aUser({ userName, title: userName < 'c' ? long : `${long}${userName}` });
  const filter = `title pr and not (title eq "${'x'.repeat(3_900)}")`;
  expect(await pages({ count: 1, filter, sortBy: 'title' })).toEqual([['a'], ['b'], ['c'], ['d']]);
  expect(await pages({ count: 1, filter, sortBy: 'title', sortOrder: 'descending' })).toEqual([['d'], ['c'], ['a'], ['b']]);
});

test('§16 a cursor is of use in the directory that gave it alone', async () => {
  const other = await aScimDirectory();
  for (const one of [scim, other]) for (const name of ['a', 'b', 'c']) await one.aUser({ userName: name });
  for (const one of [scim, other]) for (const name of ['a', 'b', 'c']) await one.aGroup({ displayName: name });
  for (const [endpoint, name] of [
    ['/Users', 'userName'],
    ['/Groups', 'displayName'],
  ] as const) {
    const queries: Record<string, string | number>[] = [{ count: 1 }, { count: 1, sortBy: name }, { count: 1, filter: `${name} pr` }];
    for (const query of queries) {
      const cursor: string = (await scim.query(endpoint, { ...query, cursor: '' })).body.nextCursor;
      expect((await scim.query(endpoint, { ...query, cursor })).status).toBe(200);
      expect([query, seen(await other.query(endpoint, { ...query, cursor }))]).toEqual([query, anError(400, 'invalidCursor')]);
      const search = { schemas: [searchUrn], ...query, cursor };
      expect(seen(await other.post(`${endpoint}/.search`, search))).toEqual(anError(400, 'invalidCursor'));
    }
  }
});

test('§16 cursor and startIndex together are refused', async () => {
  expect(seen(await scim.query('/Users', { cursor: '', startIndex: 1 }))).toEqual(anError(400, 'invalidValue'));
});

test('§16 a search request takes a cursor too', async () => {
  await users('a', 'b', 'c');
  const first = await scim.post('/Users/.search', { schemas: [searchUrn], cursor: '', count: 2, filter: 'userName pr' });
  const second = await scim.post('/Users/.search', {
    schemas: [searchUrn],
    cursor: first.body.nextCursor,
    count: 2,
    filter: 'userName pr',
  });
  expect([first, second].map(({ body }) => body.Resources.map(({ userName }: { userName: string }) => userName))).toEqual([
    ['a', 'b'],
    ['c'],
  ]);
  expect(second.body).not.toHaveProperty('nextCursor');
  expect((await scim.query('/Users', { cursor: first.body.nextCursor, count: 2, filter: 'userName pr' })).body).toEqual(second.body);
});

test('§16 without a parameter lists are paged by index, as announced', async () => {
  await users('a');
  expect((await scim.get('/Users')).body).toMatchObject({ startIndex: 1 });
  expect((await scim.get('/ServiceProviderConfig')).body.pagination).toMatchObject({
    cursor: true,
    index: true,
    defaultPaginationMethod: 'index',
  });
});
