/** Replacing a resource: PUT (RFC 7644 §3.5.1). */
import { anError, aScimDirectory, enterpriseUrn, nobody, noGroup, type ScimUnderTest, seen, theBroker, userUrn } from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

test('U1 what is not sent is cleared; but active stays', async () => {
  const user = await scim.aUser({ userName: 'ada', title: 'x', emails: [{ value: 'a@b.c' }], active: false, externalId: '1' });
  const reply = await scim.put(`/Users/${user.id}`, { schemas: [userUrn], userName: 'ada', nickName: 'n' });
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual({
    schemas: [userUrn],
    id: user.id,
    userName: 'ada',
    nickName: 'n',
    active: false,
    meta: { ...user.meta, lastModified: reply.body.meta.lastModified, version: reply.headers.get('etag') },
  });
  expect((await scim.get(`/Users/${user.id}`)).body).toEqual(reply.body);
  expect((await scim.put(`/Users/${user.id}`, { userName: 'ada', active: true })).body.active).toBe(true);
});

test('U2 what is read-only is ignored, another id included', async () => {
  const user = await scim.aUser();
  const group = await scim.aGroup();
  const reply = await scim.put(`/Users/${user.id}`, {
    id: nobody,
    userName: 'b',
    meta: { created: 'x', resourceType: 'Group' },
    groups: [{ value: group.id }],
  });
  expect(reply).toMatchObject({
    status: 200,
    body: { id: user.id, userName: 'b', meta: { created: user.meta.created, resourceType: 'User' } },
  });
  expect(reply.body).not.toHaveProperty('groups');
});

test('U3 an immutable attribute may be set once, and then only to what it is', async () => {
  const { call } = await theBroker();
  const urn = 'urn:acme:params:scim:schemas:extension:immutable:2.0:User';
  await call('PUT', `/v1/schema_extensions/${urn}`, {
    body: { resource_type: 'User', attributes: [{ name: 'badge', mutability: 'immutable' }, { name: 'other' }] },
  });
  const user = await scim.aUser();
  const put = (extension?: object) => scim.put(`/Users/${user.id}`, { userName: 'a', ...(extension && { [urn]: extension }) });
  expect((await put({ badge: '1' })).body[urn]).toEqual({ badge: '1' });
  expect((await put({ badge: '1', other: 'x' })).body[urn]).toEqual({ badge: '1', other: 'x' });
  expect(seen(await put({ badge: '2' }))).toEqual(anError(400, 'mutability'));
  expect((await put()).body[urn]).toEqual({ badge: '1' });
  expect(seen(await scim.patch(`/Users/${user.id}`, [{ op: 'replace', path: `${urn}:badge`, value: '2' }]))).toEqual(
    anError(400, 'mutability'),
  );
  await call('DELETE', `/v1/schema_extensions/${urn}`);
});

test('U4 what is required must be sent', async () => {
  const user = await scim.aUser({ title: 'x' });
  const group = await scim.aGroup();
  for (const body of [{}, { title: 'y' }, { userName: '' }, { userName: null }])
    expect(seen(await scim.put(`/Users/${user.id}`, body))).toEqual(anError(400, 'invalidValue'));
  expect(seen(await scim.put(`/Groups/${group.id}`, { members: [] }))).toEqual(anError(400, 'invalidValue'));
  expect((await scim.get(`/Users/${user.id}`)).body).toEqual(user);
});

test('U5 an id that is not there is 404, and nothing is created', async () => {
  for (const path of [`/Users/${nobody}`, '/Users/ada', `/Groups/${noGroup}`])
    expect(seen(await scim.put(path, { userName: 'ada', displayName: 'ada' }))).toEqual(anError(404));
  expect((await scim.get('/')).body.totalResults).toBe(0);
});

test("U6 another's userName is refused; its own in another case is not", async () => {
  await scim.aUser({ userName: 'bob' });
  const user = await scim.aUser({ userName: 'ada', title: 'x' });
  expect(seen(await scim.put(`/Users/${user.id}`, { userName: 'BOB' }))).toEqual(anError(409, 'uniqueness'));
  expect((await scim.get(`/Users/${user.id}`)).body).toEqual(user);
  expect((await scim.put(`/Users/${user.id}`, { userName: 'ADA' })).body.userName).toBe('ADA');
  await scim.aGroup({ displayName: 'one' });
  expect(seen(await scim.put(`/Groups/${(await scim.aGroup()).id}`, { displayName: 'One' }))).toEqual(anError(409, 'uniqueness'));
});

test('U7 a password that is left out, or sent, changes nothing', async () => {
  const user = await scim.aUser({ userName: 'ada', password: 'one' });
  const { password: _none, ...body } = user;
  expect((await scim.put(`/Users/${user.id}`, body)).body).toEqual(user);
  expect((await scim.put(`/Users/${user.id}`, { ...body, password: 'two' })).body).toEqual(user);
});

test('U8 an extension that is left out is cleared, and its URN with it', async () => {
  const user = await scim.aUser({ userName: 'ada', [enterpriseUrn]: { department: 'x' } });
  const { body } = await scim.put(`/Users/${user.id}`, { schemas: [userUrn, enterpriseUrn], userName: 'ada', active: true });
  expect(body.schemas).toEqual([userUrn]);
  expect(body).not.toHaveProperty([enterpriseUrn]);
});

test('U9 a PUT of what was read changes nothing: neither time nor version, and makes no event', async () => {
  const manager = await scim.aUser();
  const user = await scim.aUser({
    userName: 'ada',
    name: { givenName: 'A' },
    emails: [{ value: 'a@b.c', primary: true, type: 'work' }],
    [enterpriseUrn]: { department: 'x', manager: { value: manager.id } },
    'urn:x:y:2.0:User': { a: [1, { b: 'c' }] },
  });
  const group = await scim.aGroup({ members: [{ value: user.id }, { value: manager.id }] });
  const nested = await scim.aGroup({ members: [{ value: group.id }] });
  const events = await scim.events();
  for (const path of [`/Users/${user.id}`, `/Groups/${group.id}`, `/Groups/${nested.id}`]) {
    const { body } = await scim.get(path);
    const again = await scim.put(path, body);
    expect([again.status, again.body]).toEqual([200, body]);
  }
  expect(await scim.events()).toEqual(events);
});

test('U10 Okta puts what it read, changed, with id, groups, meta and password in it', async () => {
  const user = await scim.aUser({ userName: 'ada', name: { givenName: 'A', familyName: 'B' }, active: true });
  await scim.aGroup({ members: [{ value: user.id }] });
  const { body } = await scim.get(`/Users/${user.id}`);
  const put = await scim.put(`/Users/${user.id}`, { ...body, name: { ...body.name, familyName: 'C' }, active: false, password: 'x' });
  expect(put.body).toMatchObject({ active: false, name: { familyName: 'C' }, groups: body.groups });
  expect((await scim.events()).slice(-2)).toEqual(['user.updated', 'user.deactivated']);
});

test('U11 a group that is put without members has none', async () => {
  const user = await scim.aUser();
  const group = await scim.aGroup({ members: [{ value: user.id }] });
  const { body } = await scim.put(`/Groups/${group.id}`, { displayName: group.displayName });
  expect(body).not.toHaveProperty('members');
  expect((await scim.get(`/Users/${user.id}`)).body).not.toHaveProperty('groups');
});

test('U11 a group that is put with members has those', async () => {
  const [a, b, c] = [await scim.aUser(), await scim.aUser(), await scim.aUser()];
  const group = await scim.aGroup({ members: [{ value: a.id }, { value: b.id }] });
  const { body } = await scim.put(`/Groups/${group.id}`, { displayName: 'New', members: [{ value: b.id }, { value: c.id }] });
  expect(body.members.map(({ value }: { value: string }) => value)).toEqual([b.id, c.id]);
  expect((await scim.events()).slice(-3)).toEqual(['group.updated', 'group.member_removed', 'group.member_added']);
});

test('U12 If-Match is heeded', async () => {
  const user = await scim.aUser({ userName: 'ada' });
  expect(seen(await scim.put(`/Users/${user.id}`, { userName: 'b' }, { 'if-match': 'W/"0"' }))).toEqual(anError(412));
  expect((await scim.put(`/Users/${user.id}`, { userName: 'b' }, { 'if-match': user.meta.version })).status).toBe(200);
  expect(seen(await scim.put(`/Users/${user.id}`, { userName: 'c' }, { 'if-match': user.meta.version }))).toEqual(anError(412));
});
