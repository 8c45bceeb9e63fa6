/** /Me, the statuses and scimTypes of errors, and the URNs of messages (RFC 7644 §3.11, §3.12 and §8). */
import {
  anError,
  aScimDirectory,
  bulkUrn,
  errorUrn,
  groupUrn,
  listUrn,
  nobody,
  type Reply,
  type ScimUnderTest,
  searchUrn,
  seen,
  theBroker,
  userUrn,
} from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

test('§13 Me is not supported, whatever is asked of it: 501', async () => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    for (const path of ['/Me', '/me', '/Me?attributes=userName']) {
      expect([method, seen(await scim.send({ method, path, ...(['POST', 'PUT', 'PATCH'].includes(method) && { body: {} }) }))]).toEqual([
        method,
        anError(501),
      ]);
    }
  }
});

test('§14 every scimType comes with its status, and others come without one', async () => {
  const user = await scim.aUser({ userName: 'ada' });
  const path = `/Users/${user.id}`;
  const { call } = await theBroker();
  const cases: [Reply, number, string?][] = [
    [await scim.query('/Users', { filter: 'x' }), 400, 'invalidFilter'],
    [await scim.post('/Users', { userName: 'ada' }), 409, 'uniqueness'],
    [await scim.patch(path, [{ op: 'replace', path: 'id', value: 'x' }]), 400, 'mutability'],
    [await scim.post('/Users', '{'), 400, 'invalidSyntax'],
    [await scim.patch(path, [{ op: 'add', path: 'nope', value: 'x' }]), 400, 'invalidPath'],
    [await scim.patch(path, [{ op: 'remove' }]), 400, 'noTarget'],
    [await scim.post('/Users', {}), 400, 'invalidValue'],
    [await scim.query('/Users', { cursor: 'x' }), 400, 'invalidCursor'],
    [await scim.get(`/Users/${nobody}`), 404],
    [await scim.query('/Schemas', { filter: 'id pr' }), 403],
    [await scim.put(path, { userName: 'x' }, { 'if-match': 'W/"0"' }), 412],
    [await scim.send({ method: 'POST', path: '/Users', body: 'x', headers: { 'content-type': 'text/plain' } }), 415],
    [await scim.get('/Me'), 501],
    [await scim.send({ method: 'DELETE', path: '/Users' }), 405],
    [await scim.send({ method: 'GET', path: '/Users', headers: { authorization: '' } }), 401],
  ];
  for (const [reply, status, scimType] of cases) expect(seen(reply)).toEqual(anError(status, scimType));
  await call('PATCH', `/v1/directories/${scim.id}`, { body: { state: 'disabled' } });
  expect(seen(await scim.get('/Users'))).toEqual(anError(403));
  expect(seen(await scim.post('/Users', { userName: 'b' }))).toEqual(anError(403));
});

test('§15 messages and resources have the URNs that the RFC gives them', async () => {
  const user = await scim.aUser();
  const group = await scim.aGroup();
  const schemasOf = ({ body }: Reply): unknown => body.schemas;
  expect(user.schemas).toEqual([userUrn]);
  expect(group.schemas).toEqual([groupUrn]);
  expect(schemasOf(await scim.get('/Users'))).toEqual([listUrn]);
  expect(schemasOf(await scim.post('/Users/.search', { schemas: [searchUrn] }))).toEqual([listUrn]);
  expect(schemasOf(await scim.get(`/Users/${nobody}`))).toEqual([errorUrn]);
  expect(schemasOf(await scim.post('/Bulk', { schemas: [bulkUrn], Operations: [{ method: 'DELETE', path: '/Users/x' }] }))).toEqual([
    'urn:ietf:params:scim:api:messages:2.0:BulkResponse',
  ]);
  expect(schemasOf(await scim.get('/ServiceProviderConfig'))).toEqual(['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig']);
  expect(schemasOf(await scim.get('/ResourceTypes/User'))).toEqual(['urn:ietf:params:scim:schemas:core:2.0:ResourceType']);
  expect(schemasOf(await scim.get(`/Schemas/${userUrn}`))).toEqual(['urn:ietf:params:scim:schemas:core:2.0:Schema']);
});

test('§17 events as RFC 9967 has them are not announced, and Prefer: respond-async is ignored', async () => {
  const reply = await scim.post('/Users', { userName: 'a' }, { prefer: 'respond-async' });
  expect([reply.status, reply.headers.get('preference-applied'), reply.headers.get('set-txn')]).toEqual([201, null, null]);
  expect((await scim.get('/ServiceProviderConfig')).body).not.toHaveProperty('securityEvents');
});
