/** What holds for every request (RFC 7644 §3 and §3.12, RFC 7643 §2 and §3, RFC 6750). */
import { identityProvider } from '#testing';
import {
  anError,
  aScimDirectory,
  enterpriseUrn,
  errorUrn,
  groupUrn,
  nobody,
  noGroup,
  patchUrn,
  type Reply,
  type ScimUnderTest,
  seen,
  theBroker,
  userUrn,
} from './a-scim-directory';
import { rawRequest } from './a-raw-request';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

async function raw(method: string, path: string, headers: Record<string, string>, body?: string | Buffer): Promise<Reply> {
  return rawRequest(scim, method, path, headers, body);
}

test('G1 every answer that has a body is application/scim+json, without a charset', async () => {
  const user = await scim.aUser();
  const replies = [
    await scim.get('/Users'),
    await scim.get(`/Users/${user.id}`),
    await scim.get('/Schemas'),
    await scim.get('/ServiceProviderConfig'),
    await scim.get(`/Users/${nobody}`),
    await scim.post('/Users', {}),
    await scim.post('/Users', { userName: 'x' }),
    await scim.get('/Nope'),
    await scim.get('/Me'),
    await scim.put(`/Users/${user.id}`, { userName: 'y' }),
    await scim.patch(`/Users/${user.id}`, [{ op: 'add', path: 'title', value: 'x' }]),
    await scim.send({ method: 'GET', path: '/Users', headers: { authorization: 'Bearer x' } }),
  ];
  expect(replies.map((reply) => reply.headers.get('content-type'))).toEqual(replies.map(() => 'application/scim+json'));
  const empty = await scim.delete(`/Users/${user.id}`);
  expect([empty.status, empty.text, empty.headers.get('content-type')]).toEqual([204, '', null]);
});

test('G2 a body is read as SCIM JSON, with a charset or without, as plain JSON, and without a Content-Type', async () => {
  const types = [
    'application/scim+json',
    'application/scim+json; charset=utf-8',
    'application/scim+json;charset=UTF-8',
    'application/json',
    'Application/JSON; charset=utf-8',
    undefined,
  ];
  for (const [i, type] of types.entries()) {
    const reply = await raw(
      'POST',
      '/Users',
      type === undefined ? {} : { 'content-type': type },
      JSON.stringify({ schemas: [userUrn], userName: `é${i}` }),
    );
    expect([type, reply.status, reply.body.userName]).toEqual([type, 201, `é${i}`]);
  }
});

test.each([
  'text/plain',
  'application/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/scim+json; charset=utf-99',
])('G2 a body of %s is refused with 415', async (type) => {
  expect(seen(await raw('POST', '/Users', { 'content-type': type }, JSON.stringify({ userName: 'x' })))).toEqual(anError(415));
});

test('G3 whatever is accepted, the answer is application/scim+json', async () => {
  for (const accept of [
    'application/scim+json',
    'application/json',
    '*/*',
    'application/scim+json, application/json;q=0.9',
    'text/html',
    undefined,
  ]) {
    const reply = await raw('GET', '/Users', accept === undefined ? {} : { accept });
    expect([accept, reply.status, reply.headers.get('content-type')]).toEqual([accept, 200, 'application/scim+json']);
  }
});

test('G4 an error has schemas, a string status, a detail, perhaps a scimType, and nothing else', async () => {
  const user = await scim.aUser({ userName: 'ada@acme.com' });
  expect(seen(await scim.get(`/Users/${nobody}`))).toEqual(anError(404));
  expect(seen(await scim.post('/Users', { schemas: [userUrn] }))).toEqual(anError(400, 'invalidValue'));
  expect(seen(await scim.post('/Users', { schemas: [userUrn], userName: 'ada@acme.com' }))).toEqual(anError(409, 'uniqueness'));
  expect(seen(await scim.query('/Users', { filter: 'x' }))).toEqual(anError(400, 'invalidFilter'));
  expect(seen(await scim.patch(`/Users/${user.id}`, [{ op: 'remove' }]))).toEqual(anError(400, 'noTarget'));
  expect(seen(await scim.put(`/Users/${user.id}`, { userName: 'x' }, { 'if-match': 'W/"99999"' }))).toEqual(anError(412));
});

test('G5 without a valid token every path answers 401, with a challenge and an error in SCIM shape', async () => {
  const { call } = await theBroker();
  const everywhere: [string, string][] = [
    ['GET', '/Users'],
    ['GET', '/ServiceProviderConfig'],
    ['GET', '/Schemas'],
    ['GET', '/ResourceTypes'],
    ['POST', '/Bulk'],
    ['POST', '/.search'],
    ['POST', '/Users/.search'],
    ['GET', '/Nope'],
    ['GET', '/Me'],
    ['GET', ''],
    ['DELETE', `/Users/${nobody}`],
  ];
  const refusedWith = async (token: string | undefined, error: string): Promise<void> => {
    const stranger = identityProvider({ baseUrl: scim.url, ...(token !== undefined && { token }) });
    for (const [method, path] of everywhere) {
      const reply = await stranger.send({ method, path, ...(method === 'POST' && { body: {} }) });
      expect([path, seen(reply)]).toEqual([path, anError(401)]);
      expect(reply.headers.get('www-authenticate')).toBe(`Bearer realm="Causeway SCIM"${error}`);
    }
  };
  await refusedWith(undefined, '');
  await refusedWith('wrong', ', error="invalid_token"');
  await call('DELETE', `/v1/directories/${scim.id}/bearer_token`);
  await refusedWith(scim.token, ', error="invalid_token"');
});

test("G6 a directory's token, ids and members are nothing in another directory", async () => {
  const other = await aScimDirectory();
  const theirs = await other.aUser({ userName: 'ada@acme.com', externalId: '1' });
  const theirGroup = await other.aGroup({ displayName: 'Eng' });
  expect((await scim.post('/Users', { userName: 'ada@acme.com', externalId: '1' })).status).toBe(201);
  expect((await scim.post('/Groups', { displayName: 'Eng' })).status).toBe(201);
  for (const path of [`/Users/${theirs.id}`, `/Groups/${theirGroup.id}`]) {
    expect(seen(await scim.get(path))).toEqual(anError(404));
    expect(seen(await scim.delete(path))).toEqual(anError(404));
  }
  expect(seen(await scim.post('/Groups', { displayName: 'G', members: [{ value: theirs.id }] }))).toEqual(anError(400, 'invalidValue'));
  expect(await scim.matching(`id eq "${theirs.id}"`)).toEqual([]);
  expect((await other.send({ method: 'GET', path: '/Users', headers: { authorization: `Bearer ${scim.token}` } })).status).toBe(401);
});

test.each([
  '{',
  '{"userName": "x"',
  '{"userName": }',
  '[]',
  '[{"userName":"x"}]',
  '"x"',
  '5',
  'null',
  'true',
  '',
  ' ',
  '{"userName":"x"}}',
  '\u0000',
  'userName=x',
])('G7 a body that is no JSON object is invalidSyntax: %j', async (body) => {
  expect(seen(await scim.post('/Users', body))).toEqual(anError(400, 'invalidSyntax'));
});

test('G7 a body that is not what its encoding says is refused in SCIM shape', async () => {
  const gzip = { 'content-type': 'application/scim+json', 'content-encoding': 'gzip' };
  expect(seen(await raw('POST', '/Users', gzip, '{"userName":"x"}'))).toEqual(anError(400, 'invalidSyntax'));
  expect(seen(await raw('POST', '/Users', { ...gzip, 'content-encoding': 'rot13' }, '{"userName":"x"}'))).toEqual(anError(415));
});

test('G8 a body that is too large gets 413, announced or not', async () => {
  const body = JSON.stringify({ userName: 'x', title: 'x'.repeat(2 * 1024 * 1024) });
  const announced = await raw(
    'POST',
    '/Users',
    { 'content-type': 'application/scim+json', 'content-length': String(Buffer.byteLength(body)) },
    body,
  );
  expect(seen(announced)).toEqual(anError(413));
  const chunked = await raw('POST', '/Users', { 'content-type': 'application/scim+json', 'transfer-encoding': 'chunked' }, body);
  expect(seen(chunked)).toEqual(anError(413));
  expect(announced.body.detail).toContain('2 MiB');
});

test('G9 what is not there is 404, in SCIM shape', async () => {
  const user = await scim.aUser();
  for (const path of [
    '/Nope',
    '/Nope/1',
    `/Users/${nobody}`,
    `/Groups/${noGroup}`,
    '/Users/1',
    `/Users/${user.id}/emails`,
    '/Users/a/b/c',
    `/Groups/${user.id}`,
    '/ResourceTypes/Device',
    '/Schemas/urn:x',
    '/ServiceProviderConfig/1',
    '/Nope?filter=x',
    '/Bulk/1',
  ]) {
    expect([path, seen(await scim.get(path))]).toEqual([path, anError(404)]);
  }
});

test('G10 a method that an endpoint does not have is 405, and Allow names those that it has', async () => {
  const user = await scim.aUser();
  const cases: [string, string, string][] = [
    ['POST', `/Users/${user.id}`, 'GET, PUT, PATCH, DELETE'],
    ['DELETE', '/Users', 'GET, POST'],
    ['PUT', '/Users', 'GET, POST'],
    ['PATCH', '/Groups', 'GET, POST'],
    ['PUT', '/Schemas', 'GET'],
    ['POST', '/ServiceProviderConfig', 'GET'],
    ['GET', '/Bulk', 'POST'],
    ['GET', '/.search', 'POST'],
    ['GET', '/Users/.search', 'POST'],
    ['OPTIONS', '/Users', 'GET, POST'],
    ['POST', '', 'GET'],
  ];
  for (const [method, path, allow] of cases) {
    const reply = await scim.send({ method, path, ...(['POST', 'PUT', 'PATCH'].includes(method) && { body: {} }) });
    expect([method, path, seen(reply), reply.headers.get('allow')]).toEqual([method, path, anError(405), allow]);
  }
  expect((await scim.get(`/Users/${user.id}`)).body).toEqual(user);
});

test('G10 HEAD answers as GET does, without the body', async () => {
  const user = await scim.aUser();
  for (const path of ['/Users', `/Users/${user.id}`, '/Schemas', `/Users/${nobody}`]) {
    const [get, head] = [await scim.get(path), await scim.send({ method: 'HEAD', path })];
    const headersOf = (reply: Reply): unknown[] =>
      ['content-type', 'content-length', 'etag', 'location'].map((name) => reply.headers.get(name));
    expect([path, head.status, head.text, headersOf(head)]).toEqual([path, get.status, '', headersOf(get)]);
  }
});

test('G11 names, URNs, operators and operations count whatever their case', async () => {
  const created = await scim.post('/Users', {
    SCHEMAS: [userUrn.toUpperCase()],
    USERNAME: 'ada@acme.com',
    Name: { GIVENNAME: 'Ada' },
    [enterpriseUrn.toUpperCase()]: { DEPARTMENT: 'R&D' },
  });
  expect(created).toMatchObject({
    status: 201,
    body: {
      schemas: [userUrn, enterpriseUrn],
      userName: 'ada@acme.com',
      name: { givenName: 'Ada' },
      [enterpriseUrn]: { department: 'R&D' },
    },
  });
  const { id } = created.body;
  for (const filter of [
    'USERNAME Eq "ada@acme.com"',
    `${userUrn.toUpperCase()}:userName EQ "ada@acme.com"`,
    'NAME.GivenName sW "A" AND Active PR',
    `${enterpriseUrn.toUpperCase()}:Department eq "r&d"`,
    'NOT (userName eq "x")',
  ]) {
    expect([filter, await scim.matching(filter)]).toEqual([filter, ['ada@acme.com']]);
  }
  expect((await scim.query(`/Users/${id}`, { attributes: 'NAME.GIVENNAME' })).body).toEqual({
    schemas: [userUrn],
    id,
    name: { givenName: 'Ada' },
  });
  const patched = await scim.patch(`/Users/${id}`, {
    SCHEMAS: [patchUrn],
    operations: [
      { OP: 'RePlace', PATH: 'NICKNAME', Value: 'a' },
      { op: 'ADD', path: `${enterpriseUrn.toUpperCase()}:COSTCENTER`, value: '1' },
    ],
  });
  expect(patched.body).toMatchObject({ nickName: 'a', [enterpriseUrn]: { department: 'R&D', costCenter: '1' } });
  expect((await scim.get(`/users/${id}`)).body).toEqual(patched.body);
});

test('G12 the order of schemas has no effect, and one that nobody knows keeps its data', async () => {
  const unknown = 'urn:acme:params:scim:schemas:extension:badge:2.0:User';
  const reply = await scim.post('/Users', { userName: 'a', [unknown]: { number: 7, Levels: ['a', 'B'] }, schemas: [unknown, userUrn] });
  expect(reply).toMatchObject({ status: 201, body: { [unknown]: { number: 7, Levels: ['a', 'B'] } } });
  expect(reply.body.schemas).toEqual([userUrn, unknown]);
  expect((await scim.get(`/Users/${reply.body.id}`)).body).toEqual(reply.body);
});

test("G12 Microsoft's group URN and SCIM 1's are tolerated, and so are none and one that is listed twice", async () => {
  const microsoft = 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group';
  for (const [i, schemas] of [[groupUrn, microsoft], ['urn:scim:schemas:core:1.0'], [], [groupUrn, groupUrn], undefined].entries()) {
    const reply = await scim.post('/Groups', { ...(schemas && { schemas }), displayName: `G${i}` });
    expect([schemas, reply.status, reply.body.schemas]).toEqual([schemas, 201, [groupUrn]]);
  }
});

test("G12 another type's schema, or what is no list of URNs, is invalidSyntax", async () => {
  for (const schemas of [[groupUrn], 'x', [5], {}]) {
    expect([schemas, seen(await scim.post('/Users', { schemas, userName: 'x' }))]).toEqual([schemas, anError(400, 'invalidSyntax')]);
  }
});

test('G13 schemas lists every extension that has data, and no longer once it has none', async () => {
  const user = await scim.aUser({ [enterpriseUrn]: { department: 'R&D' } });
  expect(user.schemas).toEqual([userUrn, enterpriseUrn]);
  expect((await scim.query(`/Users/${user.id}`, { attributes: 'userName' })).body.schemas).toEqual([userUrn]);
  const emptied = await scim.patch(`/Users/${user.id}`, [{ op: 'remove', path: `${enterpriseUrn}:department` }]);
  expect(emptied.body.schemas).toEqual([userUrn]);
  expect(emptied.body).not.toHaveProperty([enterpriseUrn]);
});

test('G14 null, an empty array and nothing are the same: unassigned, and not shown', async () => {
  const reply = await scim.post('/Users', {
    schemas: [userUrn],
    userName: 'a',
    title: null,
    emails: [],
    name: {},
    nickName: '',
    phoneNumbers: null,
    [enterpriseUrn]: null,
    roles: [{ value: null, type: 'x' }],
  });
  expect(reply.status).toBe(201);
  expect(Object.keys(reply.body).sort()).toEqual(['active', 'id', 'meta', 'schemas', 'userName']);
  expect(reply.text).not.toContain('null');
});

test('G15 dates are whole: date and time to the millisecond, in UTC', async () => {
  const { meta } = await scim.aUser();
  for (const date of [meta.created, meta.lastModified]) expect(date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('G16 parameters that nobody knows are ignored', async () => {
  const user = await scim.aUser();
  expect((await scim.get('/Users?foo=1&aadOptscim062020')).body.totalResults).toBe(1);
  expect((await scim.get(`/Users/${user.id}?foo=1&foo=2`)).body).toEqual(user);
  expect((await scim.get('?aadOptscim062020&count=0')).body.totalResults).toBe(1);
});

test('G17 parameters without a value are as if they had not been sent', async () => {
  const user = await scim.aUser();
  const whole = (await scim.get('/Users')).body;
  for (const query of [
    'attributes=',
    'filter=',
    'excludedAttributes=',
    'sortBy=',
    'sortOrder=',
    'count=',
    'startIndex=',
    'attributes',
    'filter&count',
  ]) {
    expect([query, (await scim.get(`/Users?${query}`)).body]).toEqual([query, whole]);
  }
  expect((await scim.get(`/Users/${user.id}?attributes=&excludedAttributes=`)).body).toEqual(user);
});

test('G18 in a query + and %20 are spaces, %2B is a plus, and quotes may be raw', async () => {
  await scim.aUser({ userName: 'a+b c@acme.com' });
  for (const query of [
    'filter=userName+eq+"a%2Bb+c%40acme.com"',
    'filter=userName%20eq%20%22a%2Bb%20c@acme.com%22',
    'filter=userName eq "a%2Bb c@acme.com"',
  ]) {
    expect([query, (await scim.get(`/Users?${query}`)).body.totalResults]).toEqual([query, 1]);
  }
  expect((await scim.get('/Users?filter=userName+eq+"a+b+c%40acme.com"')).body.totalResults).toBe(0);
});

test('G19 a parameter that is sent twice, or mangled, is refused; a filter is never overlooked', async () => {
  const filter = 'userName%20eq%20%22x%22';
  await scim.aUser();
  for (const [query, scimType] of [
    [`filter=${filter}&filter=${filter}`, 'invalidFilter'],
    [`filter[x]=${filter}`, 'invalidFilter'],
    [`filter[]=${filter}`, 'invalidFilter'],
    ['count=1&count=2', 'invalidSyntax'],
    ['attributes=userName&attributes=title', 'invalidSyntax'],
    ['sortBy=userName&sortBy=title', 'invalidSyntax'],
    ['cursor=&cursor=', 'invalidSyntax'],
  ])
    expect([query, seen(await scim.get(`/Users?${query}`))]).toEqual([query, anError(400, scimType)]);
  expect((await scim.get(`/Users?Filter=${filter}`)).body.totalResults).toBe(0);
  expect((await scim.get(`/Users?FILTER=${filter}&STARTINDEX=5`)).body).toMatchObject({ totalResults: 0, startIndex: 5 });
});

test('G19 a query of more than 8 KB is refused or read, and breaks nothing', async () => {
  await scim.aUser();
  expect(seen(await scim.query('/Users', { filter: `userName eq "${'x'.repeat(9_000)}"` }))).toEqual(anError(400, 'invalidFilter'));
  expect(seen(await scim.get(`/Users?attributes=${'x,'.repeat(4_500)}`))).toEqual(anError(400, 'invalidValue'));
  expect((await scim.query('/Users', { foo: 'x'.repeat(9_000) })).body.totalResults).toBe(1);
});

test('G21 a slash at the end, or a doubled one, makes no difference, and nothing is redirected', async () => {
  const user = await scim.aUser();
  for (const path of ['/Users/', '//Users', '/Users//']) expect((await scim.get(path)).body.totalResults).toBe(1);
  expect((await scim.get(`/Users/${user.id}/`)).body).toEqual(user);
  expect((await scim.get('/')).status).toBe(200);
  expect((await scim.get('/ServiceProviderConfig/')).status).toBe(200);
});

test('G22 another version of the protocol is not there', async () => {
  const { url } = await theBroker();
  for (const version of ['v1', 'v1.1', 'v3', '']) {
    const reply = await fetch(`${url}/scim/${version}/${scim.id}/Users`, {
      redirect: 'manual',
      headers: { authorization: `Bearer ${scim.token}` },
    });
    expect([version, reply.status]).toEqual([version, 404]);
  }
  expect(errorUrn).toContain(':2.0:');
});
