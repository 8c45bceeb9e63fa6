/** Reading and listing resources, and paging by index (RFC 7644 §3.4.1 and §3.4.2). */
import {
  anError,
  aScimDirectory,
  enterpriseUrn,
  groupUrn,
  listUrn,
  nobody,
  type ScimUnderTest,
  seen,
  theBroker,
  userUrn,
} from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

async function aFewUsers(count: number): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < count; i += 1) names.push((await scim.aUser()).userName);
  return names;
}

const namesIn = (body: { Resources: { userName: string }[] }): string[] => body.Resources.map(({ userName }) => userName);

test('R1 a resource is read by its id, with its Location; one that is not there, or no longer, is 404', async () => {
  const user = await scim.aUser();
  const reply = await scim.get(`/Users/${user.id}`);
  expect([reply.status, reply.body, reply.headers.get('location')]).toEqual([200, user, user.meta.location]);
  expect(seen(await scim.get(`/Users/${nobody}`))).toEqual(anError(404));
  await scim.delete(`/Users/${user.id}`);
  expect(seen(await scim.get(`/Users/${user.id}`))).toEqual(anError(404));
});

test('R2 a list of nothing is 200, with an empty Resources', async () => {
  const empty = { schemas: [listUrn], totalResults: 0, startIndex: 1, itemsPerPage: 0, Resources: [] };
  expect(await scim.get('/Users')).toMatchObject({ status: 200, body: empty });
  expect((await scim.get('/Users')).body).toEqual(empty);
  expect((await scim.get('/Groups')).body).toEqual(empty);
  await scim.aUser();
  expect((await scim.query('/Users', { filter: 'userName eq "nobody"' })).body).toEqual(empty);
});

test('R3 startIndex counts from 1: missing, 0 or negative, it is 1', async () => {
  const names = await aFewUsers(3);
  for (const startIndex of ['', '0', '-5', '1']) {
    const { body } = await scim.query('/Users', { startIndex, count: 2 });
    expect([startIndex, body.startIndex, namesIn(body)]).toEqual([startIndex, 1, names.slice(0, 2)]);
  }
  expect((await scim.query('/Users', { startIndex: 2 })).body).toMatchObject({ startIndex: 2, itemsPerPage: 2, totalResults: 3 });
});

test('R4 count 0 only counts', async () => {
  await aFewUsers(2);
  expect((await scim.query('/Users', { count: 0 })).body).toEqual({
    schemas: [listUrn],
    totalResults: 2,
    startIndex: 1,
    itemsPerPage: 0,
    Resources: [],
  });
  expect((await scim.query('/Users', { count: 0, filter: 'userName sw "user-1"' })).body.totalResults).toBe(1);
});

test('R5 a negative count is 0', async () => {
  await aFewUsers(1);
  expect((await scim.query('/Users', { count: -1 })).body).toEqual({
    schemas: [listUrn],
    totalResults: 1,
    startIndex: 1,
    itemsPerPage: 0,
    Resources: [],
  });
});

test('R6 a page has count resources at most, and never more than the largest page', async () => {
  await aFewUsers(3);
  expect((await scim.query('/Users', { count: 2 })).body.Resources).toHaveLength(2);
  expect(await scim.query('/Users', { count: 1_000_000 })).toMatchObject({ status: 200, body: { itemsPerPage: 3 } });
  const operations = (offset: number): object[] =>
    Array.from({ length: 1000 }, (_, i) => ({ method: 'POST', path: '/Users', bulkId: `${i}`, data: { userName: `bulk-${offset + i}` } }));
  expect((await scim.post('/Bulk', { Operations: operations(0) })).status).toBe(200);
  const { pagination } = (await scim.get('/ServiceProviderConfig')).body;
  expect((await scim.query('/Users', { count: 5000 })).body).toMatchObject({ itemsPerPage: pagination.maxPageSize, totalResults: 1003 });
  expect((await scim.get('/Users')).body.itemsPerPage).toBe(pagination.defaultPageSize);
}, 120_000);

test('R7 a page past the end is empty, and still counts', async () => {
  await aFewUsers(2);
  expect((await scim.query('/Users', { startIndex: 7 })).body).toEqual({
    schemas: [listUrn],
    totalResults: 2,
    startIndex: 7,
    itemsPerPage: 0,
    Resources: [],
  });
});

test('R8 what is no number is refused', async () => {
  for (const value of ['abc', '1.5', '1e2', '%']) {
    for (const name of ['count', 'startIndex'])
      expect([name, value, seen(await scim.query('/Users', { [name]: value }))]).toEqual([name, value, anError(400, 'invalidValue')]);
  }
});

test('R9 itemsPerPage is how many there are in this page', async () => {
  await aFewUsers(3);
  for (const [startIndex, expected] of [
    [1, 2],
    [3, 1],
    [4, 0],
  ] as const) {
    const { body } = await scim.query('/Users', { startIndex, count: 2 });
    expect([body.itemsPerPage, body.Resources.length]).toEqual([expected, expected]);
  }
});

test('R10 paging through sees everything once, in the same order, in whole numbers', async () => {
  const names = await aFewUsers(13);
  const paged: string[] = [];
  for (let startIndex = 1; startIndex <= 13; startIndex += 5) {
    const { body } = await scim.query('/Users', { startIndex, count: 5 });
    for (const name of ['totalResults', 'startIndex', 'itemsPerPage']) expect(Number.isInteger(body[name])).toBe(true);
    paged.push(...namesIn(body));
    // Whoever is changed keeps the place.
    await scim.patch(`/Users/${body.Resources[0].id}`, [{ op: 'add', path: 'title', value: String(startIndex) }]);
  }
  expect(paged).toEqual(names);
});

test('R11 lists heed attributes and excludedAttributes', async () => {
  const user = await scim.aUser({ title: 'x', [enterpriseUrn]: { department: 'y' } });
  expect((await scim.query('/Users', { attributes: 'title' })).body.Resources).toEqual([{ schemas: [userUrn], id: user.id, title: 'x' }]);
  const { title: _title, meta: _meta, ...rest } = user;
  expect((await scim.query('/Users', { excludedAttributes: 'title,meta' })).body.Resources).toEqual([rest]);
});

test('R12 a query at the root finds users and groups', async () => {
  const user = await scim.aUser({ userName: 'eng', displayName: 'Eng', externalId: 'x' });
  const group = await scim.aGroup({ displayName: 'Eng', members: [{ value: user.id }] });
  const shownUser = (await scim.get(`/Users/${user.id}`)).body;
  const find = async (filter: string): Promise<unknown[]> => (await scim.query('/', { filter })).body.Resources;
  expect((await scim.get('/')).body).toEqual({
    schemas: [listUrn],
    totalResults: 2,
    startIndex: 1,
    itemsPerPage: 2,
    Resources: [shownUser, group],
  });
  expect(await find('meta.resourceType eq "User"')).toEqual([shownUser]);
  expect(await find('meta.resourceType eq "Group"')).toEqual([group]);
  expect(await find('displayName eq "eng"')).toEqual([shownUser, group]);
  expect(await find('userName eq "eng"')).toEqual([shownUser]);
  expect(await find('not (userName eq "eng")')).toEqual([group]);
  expect(await find(`members.value eq "${user.id}" or externalId eq "x"`)).toEqual([shownUser, group]);
  expect((await scim.query('/', { startIndex: 2, count: 1 })).body).toMatchObject({
    totalResults: 2,
    startIndex: 2,
    Resources: [{ id: group.id }],
  });
  expect((await scim.query('/', { startIndex: 3 })).body).toMatchObject({ totalResults: 2, startIndex: 3, Resources: [] });
  expect((await scim.query('/', { count: 0 })).body).toMatchObject({ totalResults: 2, Resources: [] });
  expect((await scim.query('/', { attributes: 'displayName' })).body.Resources).toEqual([
    { schemas: [userUrn], id: user.id, displayName: 'Eng' },
    { schemas: [groupUrn], id: group.id, displayName: 'Eng' },
  ]);
  expect(seen(await scim.query('/', { filter: 'nope eq "x"' }))).toEqual(anError(400, 'invalidFilter'));
});

test('R13 totalResults counts what the filter selects, not the page', async () => {
  await aFewUsers(12);
  expect((await scim.query('/Users', { filter: 'userName sw "user-1"', count: 2 })).body).toMatchObject({
    totalResults: 4,
    itemsPerPage: 2,
  });
  expect((await scim.query('/Users', { filter: 'userName sw "user-1"', count: 2, startIndex: 4 })).body).toMatchObject({
    totalResults: 4,
    itemsPerPage: 1,
  });
});

test('R14 users who are not active are found like others', async () => {
  const user = await scim.aUser({ userName: 'gone', active: false });
  expect((await scim.get(`/Users/${user.id}`)).body.active).toBe(false);
  expect(await scim.matching('userName eq "gone"')).toEqual(['gone']);
  expect(namesIn((await scim.get('/Users')).body)).toEqual(['gone']);
});

test('R15 a query that takes too long is refused with tooMany', async () => {
  const { db } = await theBroker();
  await scim.aUser();
  const client = await db.pool.connect();
  try {
    // Held up by a lock it takes as long as it likes, until it is cancelled: which is what PostgreSQL does when its time is up.
    await client.query('begin');
    await client.query('lock table users in access exclusive mode');
    const reply = scim.query('/Users', { filter: 'title co "x"' });
    const cancelled = async (): Promise<boolean> => {
      const { rowCount } = await db.pool.query(`
        select pg_cancel_backend(pid)
          from pg_stat_activity
         where datname = current_database()
           and wait_event_type = 'Lock'
           and query like '%from users u%'`);
      return (rowCount ?? 0) > 0;
    };
    while (!(await cancelled())) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen(await reply)).toEqual(anError(400, 'tooMany'));
  } finally {
    await client.query('rollback');
    client.release();
  }
  expect((await scim.get('/Users')).status).toBe(200);
});

test('R16 parameters that are for lists are ignored where one resource is read', async () => {
  const user = await scim.aUser();
  expect((await scim.query(`/Users/${user.id}`, { filter: 'x', count: 'y', startIndex: '-', sortBy: '?', cursor: '!' })).body).toEqual(
    user,
  );
});
