/** What else is sent, and where the sources disagree. */
import { anError, aScimDirectory, enterpriseUrn, groupUrn, noGroup, nobody, type ScimUnderTest, seen, userUrn } from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

test('§21 jumpcloud: a test user and a test group are created and deleted again', async () => {
  const user = await scim.aUser({ userName: 'jumpcloud-test', active: true });
  const group = await scim.aGroup({ displayName: 'jumpcloud-test', members: [{ value: user.id }] });
  expect(
    (await scim.patch(`/Groups/${group.id}`, [{ op: 'remove', path: 'members', value: [{ value: user.id }] }])).body,
  ).not.toHaveProperty('members');
  expect([(await scim.delete(`/Users/${user.id}`)).status, (await scim.delete(`/Groups/${group.id}`)).status]).toEqual([204, 204]);
});

test('§21 onelogin: SCIM 1’s URN, nulls and empty addresses do no harm', async () => {
  const reply = await scim.post('/Users', {
    schemas: ['urn:scim:schemas:core:1.0', 'urn:scim:schemas:extension:enterprise:1.0'],
    userName: 'ada',
    name: { givenName: 'Ada', familyName: null },
    title: null,
    addresses: [{}],
    emails: [{ value: 'a@b.c', type: 'work', primary: true }],
    phoneNumbers: [{ value: null, type: 'work' }],
    [enterpriseUrn]: { department: null },
  });
  expect([reply.status, Object.keys(reply.body).sort()]).toEqual([201, ['active', 'emails', 'id', 'meta', 'name', 'schemas', 'userName']]);
});

test('§21 cyberark: single discovery documents, one user at a time, PUT and PATCH', async () => {
  for (const path of [
    '/ServiceProviderConfig',
    '/ResourceTypes/User',
    '/ResourceTypes/Group',
    `/Schemas/${userUrn}`,
    `/Schemas/${groupUrn}`,
    `/Schemas/${enterpriseUrn}`,
    '/Users?count=1',
  ])
    expect([path, (await scim.get(path)).status]).toEqual([path, 200]);
});

test('§21 authentik: its chunks go by bulk.maxOperations, it lists groups without a count, and removes members one by one', async () => {
  const { bulk, patch } = (await scim.get('/ServiceProviderConfig')).body;
  expect([bulk.maxOperations >= 1, patch.supported]).toEqual([true, true]);
  const user = await scim.aUser();
  const group = await scim.aGroup({ displayName: 'A' });
  await scim.patch(`/Groups/${group.id}`, [{ op: 'add', path: 'members', value: [{ value: user.id }] }]);
  expect((await scim.get('/Groups?startIndex=1')).body.Resources[0].members).toHaveLength(1);
  const whole = (await scim.get(`/Groups/${group.id}`)).body;
  expect((await scim.patch(`/Groups/${group.id}`, [{ op: 'replace', value: { ...whole, displayName: 'B' } }])).body).toMatchObject({
    displayName: 'B',
    members: whole.members,
  });
  expect(
    (await scim.patch(`/Groups/${group.id}`, [{ op: 'remove', path: 'members', value: [{ value: user.id }] }])).body,
  ).not.toHaveProperty('members');
  expect(
    (
      await scim.send({
        method: 'POST',
        path: '/Groups',
        body: { displayName: 'B' },
        headers: { 'content-type': 'application/json', accept: 'application/json' },
      })
    ).status,
  ).toBe(409);
});

test('§21 keycloak: active as text in a value without a path', async () => {
  const user = await scim.aUser();
  expect((await scim.patch(`/Users/${user.id}`, [{ op: 'replace', value: { active: 'false' } }])).body.active).toBe(false);
});

test('§21 scimgateway: no schemas, null arrays, an empty attributes parameter, and groups looked up by their members', async () => {
  const user = (await scim.post('/Users', { userName: 'a', emails: null, password: null })).body;
  const group = (await scim.post('/Groups', { displayName: 'g', members: [{ value: user.id }] })).body;
  expect((await scim.get('/Users?attributes=')).body.Resources).toHaveLength(1);
  expect((await scim.query('/Groups', { filter: `members.value eq "${user.id}"`, attributes: 'id,displayName' })).body.Resources).toEqual([
    { schemas: [groupUrn], id: group.id, displayName: 'g' },
  ]);
  expect((await scim.patch(`/Users/${user.id}`, { Operations: [{ op: 'replace', value: { title: 'x' } }] })).status).toBe(200);
});

test('§21 rippling, ping, google: a creation sent twice, a match by whatever is unique, a probe', async () => {
  const body = { userName: 'ada', externalId: 'e1', emails: [{ value: 'ada@acme.com', primary: true }] };
  expect([(await scim.post('/Users', body)).status, (await scim.post('/Users', body)).status]).toEqual([201, 409]);
  for (const filter of [
    'userName eq "ada"',
    'externalId eq "e1"',
    'emails.value eq "ada@acme.com"',
    'emails[value eq "ada@acme.com"]',
    'emails[primary eq true].value eq "ADA@acme.com"',
  ])
    expect([filter, await scim.matching(filter)]).toEqual([filter, ['ada']]);
  expect((await scim.get('/Users?count=1')).body.itemsPerPage).toBe(1);
});

test('§22 a PATCH of a user, and of a group, is answered with it', async () => {
  const [user, group] = [await scim.aUser(), await scim.aGroup()];
  expect((await scim.patch(`/Users/${user.id}`, [{ op: 'add', path: 'title', value: 'x' }])).body).toMatchObject({
    id: user.id,
    title: 'x',
  });
  expect((await scim.patch(`/Groups/${group.id}`, [{ op: 'add', path: 'externalId', value: 'x' }])).body).toMatchObject({
    id: group.id,
    externalId: 'x',
  });
});

test('§22 statuses are strings, in errors and in bulk answers', async () => {
  expect((await scim.get(`/Users/${nobody}`)).body.status).toBe('404');
  expect((await scim.post('/Bulk', { Operations: [{ method: 'DELETE', path: `/Groups/${noGroup}` }] })).body.Operations[0]).toMatchObject({
    status: '404',
    response: { status: '404' },
  });
});

test('§22 a missing displayName is invalidValue', async () => {
  expect(seen(await scim.post('/Groups', { schemas: [groupUrn] }))).toEqual(anError(400, 'invalidValue'));
});

test('§22 replacing a complex attribute joins it, as the RFC has it', async () => {
  const user = await scim.aUser({ name: { givenName: 'a', familyName: 'b' } });
  expect((await scim.patch(`/Users/${user.id}`, [{ op: 'replace', path: 'name', value: { givenName: 'c' } }])).body.name).toEqual({
    givenName: 'c',
    familyName: 'b',
  });
});

test('§22 extensions are kept, what no schema knows is ignored', async () => {
  const user = await scim.aUser({ 'urn:x:y:2.0:User': { z: 1 }, unknown: 'x' });
  expect([user['urn:x:y:2.0:User'], user.unknown]).toEqual([{ z: 1 }, undefined]);
});

test('§22 members may be bare ids', async () => {
  const user = await scim.aUser();
  expect((await scim.aGroup({ members: [user.id] })).members).toHaveLength(1);
});

test('§22 a value path that matches nothing makes the value where its type is a known one, and is noTarget elsewhere', async () => {
  const user = await scim.aUser();
  expect(
    (await scim.patch(`/Users/${user.id}`, [{ op: 'replace', path: 'emails[type eq "work"].value', value: 'a@b.c' }])).body.emails,
  ).toEqual([{ type: 'work', value: 'a@b.c' }]);
  expect(seen(await scim.patch(`/Users/${user.id}`, [{ op: 'replace', path: 'emails[type eq "nonexistent"].value', value: 'x' }]))).toEqual(
    anError(400, 'noTarget'),
  );
});

test('§22 the media type has no charset, and discovery needs a credential', async () => {
  for (const path of ['/ServiceProviderConfig', '/Schemas', '/ResourceTypes']) {
    expect((await scim.get(path)).headers.get('content-type')).toBe('application/scim+json');
    expect(seen(await scim.get(path, { authorization: 'Bearer nobody' }))).toEqual(anError(401));
  }
});
