/** Queries by POST …/.search (RFC 7644 §3.4.3). */
import { anError, aScimDirectory, listUrn, type Reply, type ScimUnderTest, searchUrn, seen, userUrn } from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

const search = (body: object, endpoint = '/Users'): Promise<Reply> => scim.post(`${endpoint}/.search`, { schemas: [searchUrn], ...body });

test('§7 a search answers as the same query by GET', async () => {
  for (const userName of ['c', 'a', 'b']) await scim.aUser({ userName, title: 'x', externalId: userName });
  const request = {
    filter: 'title eq "x"',
    attributes: ['userName', 'title'],
    sortBy: 'userName',
    sortOrder: 'descending',
    startIndex: 2,
    count: 1,
  };
  const reply = await search(request);
  expect([reply.status, reply.headers.get('location')]).toEqual([200, null]);
  expect(reply.body).toEqual((await scim.query('/Users', { ...request, attributes: 'userName,title' })).body);
  expect(reply.body).toMatchObject({ schemas: [listUrn], totalResults: 3, startIndex: 2, itemsPerPage: 1, Resources: [{ userName: 'b' }] });
  expect((await search({ excludedAttributes: ['meta', 'title'] })).body).toEqual(
    (await scim.query('/Users', { excludedAttributes: 'meta,title' })).body,
  );
  expect((await search({})).body).toEqual((await scim.get('/Users')).body);
});

test('§7 there is one for groups, and one at the root', async () => {
  const user = await scim.aUser({ displayName: 'same' });
  const group = await scim.aGroup({ displayName: 'Same', members: [{ value: user.id }] });
  expect((await search({}, '/Groups')).body.Resources).toEqual([group]);
  expect((await search({ filter: 'displayName eq "SAME"' }, '')).body.Resources.map(({ id }: { id: string }) => id)).toEqual([
    user.id,
    group.id,
  ]);
  expect((await search({ filter: `members.value eq "${user.id}"`, attributes: ['displayName'] }, '/Groups')).body.totalResults).toBe(1);
});

test('§7 numbers are taken as in a query: less than 1 is 1, less than 0 is 0', async () => {
  for (let i = 0; i < 2; i += 1) await scim.aUser();
  expect((await search({ startIndex: 0, count: -1 })).body).toEqual({
    schemas: [listUrn],
    totalResults: 2,
    startIndex: 1,
    itemsPerPage: 0,
    Resources: [],
  });
  expect((await search({ startIndex: 9 })).body).toMatchObject({ startIndex: 9, totalResults: 2, Resources: [] });
  expect((await search({ count: 1_000_000 })).body.itemsPerPage).toBe(2);
  expect((await search({ count: null, filter: null, attributes: null })).body.itemsPerPage).toBe(2);
});

test('§7 a search request may lack its schemas, as a resource may', async () => {
  await scim.aUser({ userName: 'lacking' });
  for (const body of [{}, { schemas: [] }, { schemas: null }])
    expect((await scim.post('/Users/.search', { ...body, filter: 'userName eq "lacking"' })).body).toMatchObject({ totalResults: 1 });
});

test('§7 what is no search request is invalidSyntax', async () => {
  for (const body of [{ schemas: [userUrn] }, { schemas: searchUrn }, { filter: 'userName pr', Filter: 'title pr' }]) {
    expect([body, seen(await scim.post('/Users/.search', body))]).toEqual([body, anError(400, 'invalidSyntax')]);
  }
  expect(seen(await scim.post('/Users/.search', '[]'))).toEqual(anError(400, 'invalidSyntax'));
});

test('§7 a value of another type is refused', async () => {
  for (const body of [
    { count: '5' },
    { count: 1.5 },
    { startIndex: true },
    { startIndex: 2 ** 60 },
    { attributes: [5] },
    { attributes: {} },
    { sortBy: 5 },
    { sortBy: 'userName', sortOrder: 'up' },
  ]) {
    expect([body, seen(await search(body))]).toEqual([body, anError(400, 'invalidValue')]);
  }
  expect(seen(await search({ filter: 5 }))).toEqual(anError(400, 'invalidFilter'));
  expect(seen(await search({ filter: 'x' }))).toEqual(anError(400, 'invalidFilter'));
});

test('§7 attributes may be one string, and names are of any case', async () => {
  const user = await scim.aUser({ title: 'x' });
  expect((await scim.post('/users/.Search', { SCHEMAS: [searchUrn], ATTRIBUTES: 'title, USERNAME' })).body.Resources).toEqual([
    { schemas: [userUrn], id: user.id, userName: user.userName, title: 'x' },
  ]);
});

test('§7 a search changes nothing and makes no event', async () => {
  await search({ filter: 'x' });
  expect(await scim.events()).toEqual([]);
});
