/** Bulk operations (RFC 7644 §3.7). */
import {
  anError,
  aScimDirectory,
  bulkUrn,
  enterpriseUrn,
  errorUrn,
  nobody,
  type Reply,
  type ScimUnderTest,
  seen,
} from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

const bulk = (operations: unknown[], more: object = {}): Promise<Reply> =>
  scim.post('/Bulk', { schemas: [bulkUrn], ...more, Operations: operations });
const post = (bulkId: string, data: object, path = '/Users'): object => ({ method: 'POST', path, bulkId, data });
const group = (bulkId: string, displayName: string, ...members: string[]): object =>
  post(bulkId, { displayName, members: members.map((value) => ({ value })) }, '/Groups');
const statuses = ({ body }: Reply): string[] => body.Operations.map(({ status }: { status: string }) => status);
const idOf = ({ location }: { location: string }): string => location.slice(location.lastIndexOf('/') + 1);

test('§12 Bulk does every operation, and answers each with method, bulkId, location, version and a string status', async () => {
  const user = await scim.aUser({ userName: 'ada' });
  const other = await scim.aUser({ userName: 'bob' });
  const reply = await bulk([
    post('one', { userName: 'new' }),
    { method: 'put', path: `/Users/${user.id}`, data: { userName: 'ADA', title: 'x' } },
    { method: 'PATCH', path: `/Users/${user.id}`, bulkId: 'p', data: { Operations: [{ op: 'add', path: 'nickName', value: 'n' }] } },
    { method: 'DELETE', path: `/Users/${other.id}` },
  ]);
  const after = (await scim.get(`/Users/${user.id}`)).body;
  const [created] = reply.body.Operations;
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkResponse'],
    Operations: [
      { method: 'POST', bulkId: 'one', location: expect.stringMatching(/\/Users\/usr_/), version: expect.any(String), status: '201' },
      { method: 'PUT', location: user.meta.location, version: expect.any(String), status: '200' },
      { method: 'PATCH', bulkId: 'p', location: user.meta.location, version: after.meta.version, status: '200' },
      { method: 'DELETE', location: other.meta.location, status: '204' },
    ],
  });
  expect((await scim.get(`/Users/${idOf(created)}`)).body).toMatchObject({
    userName: 'new',
    meta: { version: created.version, location: created.location },
  });
  expect(after).toMatchObject({ userName: 'ADA', title: 'x', nickName: 'n' });
  expect((await scim.events()).slice(2)).toEqual(['user.created', 'user.updated', 'user.updated', 'user.deleted']);
});

test('§12 Bulk answers what failed with its error, and goes on', async () => {
  const user = await scim.aUser({ userName: 'ada' });
  const { body } = await bulk([
    post('1', { userName: 'ada' }),
    post('2', {}),
    { method: 'DELETE', path: `/Users/${nobody}` },
    { method: 'PATCH', path: `/Users/${user.id}`, data: { Operations: [{ op: 'remove' }] } },
    post('3', { userName: 'fine' }),
  ]);
  const error = (status: string, scimType?: string): object => ({
    status,
    response: { schemas: [errorUrn], status, ...(scimType && { scimType }), detail: expect.any(String) },
  });
  expect(body.Operations).toEqual([
    { method: 'POST', bulkId: '1', ...error('409', 'uniqueness') },
    { method: 'POST', bulkId: '2', ...error('400', 'invalidValue') },
    { method: 'DELETE', location: `${scim.baseUrl}/Users/${nobody}`, ...error('404') },
    { method: 'PATCH', location: user.meta.location, ...error('400', 'noTarget') },
    { method: 'POST', bulkId: '3', location: expect.any(String), version: expect.any(String), status: '201' },
  ]);
});

test('§12 Bulk refuses an operation that cannot be one, by itself', async () => {
  const user = await scim.aUser();
  const reply = await bulk([
    { method: 'POST', path: '/Users', data: { userName: 'a' } },
    { method: 'GET', path: `/Users/${user.id}` },
    { method: 'POST', path: `/Users/${user.id}`, bulkId: 'x', data: {} },
    { method: 'DELETE', path: '/Users' },
    { method: 'PUT', path: `/Users/${user.id}` },
    { method: 'POST', path: '/Nope', bulkId: 'y', data: {} },
    { method: 'JUMP', path: '/Users' },
    { path: '/Users' },
    5,
    null,
    { method: 'POST', path: '/Bulk', bulkId: 'z', data: {} },
    { method: 'PATCH', path: `/Users/${user.id}`, data: 5 },
  ]);
  expect(statuses(reply)).toEqual(['400', '405', '405', '405', '400', '404', '400', '400', '400', '400', '404', '400']);
  expect(reply.body.Operations[0].response.scimType).toBe('invalidValue');
  // Of the writes among them the vendor is told; what is no method, or not there, is none.
  expect((await scim.events()).slice(1)).toEqual(['POST', 'POST', 'DELETE', 'PUT', 'PATCH'].map(() => 'provisioning.failed'));
});

test('§12 Bulk resolves bulkIds in data and in paths, forwards and backwards', async () => {
  const reply = await bulk([
    group('g', 'Eng', 'bulkId:u', 'bulkId:v'),
    post('u', { userName: 'u', [enterpriseUrn]: { manager: { value: 'bulkId:v' } } }),
    post('v', { userName: 'v' }),
    { method: 'PATCH', path: '/Groups/bulkId:g', data: { Operations: [{ op: 'remove', path: 'members[value eq "bulkId:v"]' }] } },
    { method: 'PUT', path: '/Users/bulkId:v', data: { userName: 'v', title: 'x' } },
  ]);
  expect(statuses(reply)).toEqual(['201', '201', '201', '200', '200']);
  const [g, u, v] = reply.body.Operations.map(idOf);
  expect((await scim.get(`/Groups/${g}`)).body.members.map(({ value }: { value: string }) => value)).toEqual([u]);
  expect((await scim.get(`/Users/${u}`)).body[enterpriseUrn].manager.value).toBe(v);
  expect((await scim.get(`/Users/${v}`)).body.title).toBe('x');
});

test('§12 Bulk makes groups that are members of each other', async () => {
  const reply = await bulk([group('a', 'A', 'bulkId:b'), group('b', 'B', 'bulkId:c'), group('c', 'C', 'bulkId:a')]);
  expect(statuses(reply)).toEqual(['201', '201', '201']);
  const [a, b, c] = reply.body.Operations.map(idOf);
  for (const [id, member] of [
    [a, b],
    [b, c],
    [c, a],
  ]) {
    const { body, headers } = await scim.get(`/Groups/${id}`);
    expect(body.members.map(({ value }: { value: string }) => value)).toEqual([member]);
    expect(reply.body.Operations.find((entry: { location: string }) => idOf(entry) === id).version).toBeDefined();
    expect(headers.get('etag')).toBe(body.meta.version);
  }
});

test('§12 Bulk answers 409 for a reference to what failed, or to nothing', async () => {
  const reply = await bulk([
    post('u', {}),
    group('g', 'G', 'bulkId:u'),
    group('h', 'H', 'bulkId:nobody'),
    { method: 'DELETE', path: '/Users/bulkId:u' },
  ]);
  expect(statuses(reply)).toEqual(['400', '409', '409', '409']);
  expect(await scim.matching('displayName pr', '/Groups')).toEqual([]);
});

test('§12 Bulk stops after failOnErrors errors, and says nothing of the rest', async () => {
  const operations = [
    post('1', { userName: 'a' }),
    post('2', {}),
    post('3', { userName: 'b' }),
    post('4', {}),
    post('5', { userName: 'c' }),
  ];
  expect(statuses(await bulk(operations, { failOnErrors: 1 }))).toEqual(['201', '400']);
  expect(await scim.matching('userName pr')).toEqual(['a']);
  expect(statuses(await bulk(operations.slice(1), { failOnErrors: 2 }))).toEqual(['400', '201', '400']);
  expect(await scim.matching('userName pr')).toEqual(['a', 'b']);
});

test('§12 Bulk of more operations than maxOperations, or of more bytes than maxPayloadSize, is 413 and does nothing', async () => {
  const { maxOperations, maxPayloadSize } = (await scim.get('/ServiceProviderConfig')).body.bulk;
  const tooMany = await bulk(Array.from({ length: maxOperations + 1 }, (_, i) => post(`${i}`, { userName: `u${i}` })));
  expect(seen(tooMany)).toEqual(anError(413));
  expect(tooMany.body.detail).toContain(String(maxOperations));
  const tooLarge = await bulk([post('1', { userName: 'a', title: 'x'.repeat(maxPayloadSize) })]);
  expect(seen(tooLarge)).toEqual(anError(413));
  expect(tooLarge.body.detail).toContain(String(maxPayloadSize));
  const farTooLarge = await bulk([post('1', { userName: 'a', title: 'x'.repeat(maxPayloadSize * 5) })]);
  expect(seen(farTooLarge)).toEqual(anError(413));
  expect(farTooLarge.body.detail).toContain(String(maxPayloadSize));
  expect((await scim.get('/Users')).body.totalResults).toBe(0);
  expect(statuses(await bulk(Array.from({ length: maxOperations }, (_, i) => post(`${i}`, { userName: `u${i}` }))))).toHaveLength(
    maxOperations,
  );
}, 60_000);

test('§12 Bulk without operations, or with what are none, is refused as a whole', async () => {
  for (const body of [
    {},
    { schemas: [bulkUrn] },
    { Operations: [] },
    { Operations: {} },
    { schemas: [errorUrn], Operations: [post('1', { userName: 'a' })] },
  ]) {
    expect([body, seen(await scim.post('/Bulk', body))]).toEqual([body, anError(400, 'invalidSyntax')]);
  }
  expect(seen(await bulk([post('1', { userName: 'a' }), post('1', { userName: 'b' })]))).toEqual(anError(400, 'invalidValue'));
  expect(seen(await bulk([post('1', { userName: 'a' })], { failOnErrors: 'x' }))).toEqual(anError(400, 'invalidValue'));
  expect((await scim.get('/Users')).body.totalResults).toBe(0);
});

test('§12 Bulk is not atomic, and each of its operations is', async () => {
  const user = await scim.aUser({ title: 'x' });
  const reply = await bulk([
    {
      method: 'PATCH',
      path: `/Users/${user.id}`,
      data: {
        Operations: [
          { op: 'replace', path: 'title', value: 'y' },
          { op: 'remove', path: 'userName' },
        ],
      },
    },
    { method: 'PATCH', path: `/Users/${user.id}`, data: { Operations: [{ op: 'add', path: 'nickName', value: 'n' }] } },
  ]);
  expect(statuses(reply)).toEqual(['400', '200']);
  expect((await scim.get(`/Users/${user.id}`)).body).toMatchObject({ title: 'x', nickName: 'n' });
});
