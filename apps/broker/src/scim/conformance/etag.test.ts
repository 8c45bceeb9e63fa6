/** Versions and conditional requests (RFC 7644 §3.14, RFC 9110 §13). */
import { anError, aScimDirectory, type ScimUnderTest, seen } from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

test('§11 the ETag is meta.version, of users and groups, and changes with them', async () => {
  const user = await scim.aUser();
  for (const path of [`/Users/${user.id}`, `/Groups/${(await scim.aGroup({ members: [{ value: user.id }] })).id}`]) {
    const { body, headers } = await scim.get(path);
    expect(headers.get('etag')).toBe(body.meta.version);
    expect(body.meta.version).toMatch(/^W\/"\d+"$/);
    const patched = await scim.patch(path, [{ op: 'add', path: 'externalId', value: 'x' }]);
    expect(patched.headers.get('etag')).toBe(patched.body.meta.version);
    expect(patched.body.meta.version).not.toBe(body.meta.version);
  }
  expect((await scim.get('/Users')).headers.get('etag')).toBeNull();
});

test('§11 If-None-Match with the version, in any form, is answered 304 without a body', async () => {
  const user = await scim.aUser();
  const { version } = user.meta;
  for (const tag of [version, version.slice(2), '*', `"x", ${version}`, `W/"x",${version}`]) {
    const reply = await scim.get(`/Users/${user.id}`, { 'if-none-match': tag });
    expect([tag, reply.status, reply.text, reply.headers.get('etag')]).toEqual([tag, 304, '', version]);
  }
  for (const tag of ['W/"x"', '', 'x', '"'] as const)
    expect([tag, (await scim.get(`/Users/${user.id}`, { 'if-none-match': tag })).status]).toEqual([tag, 200]);
});

test('§11 If-Match lets pass who knows the version, and others not: 412', async () => {
  const user = await scim.aUser();
  const group = await scim.aGroup();
  const change = [{ op: 'add', path: 'externalId', value: 'x' }];
  for (const resource of [user, group]) {
    const path = resource.meta.location.slice(scim.baseUrl.length);
    for (const tag of ['W/"x"', '"0"', 'x', 'W/"1', `${resource.meta.version}0`]) {
      expect([tag, seen(await scim.patch(path, change, { 'if-match': tag }))]).toEqual([tag, anError(412)]);
      expect([tag, seen(await scim.delete(path, { 'if-match': tag }))]).toEqual([tag, anError(412)]);
    }
    expect((await scim.get(path)).body).toEqual(resource);
    expect((await scim.patch(path, change, { 'if-match': `"x", ${resource.meta.version}` })).status).toBe(200);
    expect((await scim.patch(path, change, { 'if-match': '*' })).status).toBe(200);
    expect(seen(await scim.patch(path, change, { 'if-match': resource.meta.version }))).toEqual(anError(412));
    expect((await scim.patch(path, change)).status).toBe(200);
  }
});

test('§11 a change of members moves the version of the group, and of the member', async () => {
  const user = await scim.aUser();
  const group = await scim.aGroup();
  await scim.patch(`/Groups/${group.id}`, [{ op: 'add', path: 'members', value: [{ value: user.id }] }]);
  expect(seen(await scim.put(`/Groups/${group.id}`, { displayName: 'x' }, { 'if-match': group.meta.version }))).toEqual(anError(412));
  expect(seen(await scim.put(`/Users/${user.id}`, { userName: 'x' }, { 'if-match': user.meta.version }))).toEqual(anError(412));
});

test('§11 of many who change what they read at once, one gets through', async () => {
  const user = await scim.aUser();
  const replies = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      scim.patch(`/Users/${user.id}`, [{ op: 'replace', path: 'title', value: `${i}` }], { 'if-match': user.meta.version }),
    ),
  );
  expect(replies.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
});

test('§11 a bulk operation’s version is its If-Match', async () => {
  const user = await scim.aUser();
  const operation = (version: string) => ({
    method: 'PATCH',
    path: `/Users/${user.id}`,
    version,
    data: { Operations: [{ op: 'add', path: 'title', value: 'x' }] },
  });
  const { body } = await scim.post('/Bulk', {
    Operations: [operation('W/"0"'), operation(user.meta.version), operation(user.meta.version)],
  });
  expect(body.Operations.map(({ status }: { status: string }) => status)).toEqual(['412', '200', '412']);
});
