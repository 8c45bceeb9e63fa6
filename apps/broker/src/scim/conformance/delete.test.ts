/** Deleting (RFC 7644 §3.6). */
import { anError, aScimDirectory, enterpriseUrn, nobody, noGroup, type ScimUnderTest, seen } from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

test('§10 DELETE answers 204 with nothing, and from then on the id is not there', async () => {
  for (const path of [`/Users/${(await scim.aUser()).id}`, `/Groups/${(await scim.aGroup()).id}`]) {
    const reply = await scim.delete(path);
    expect([reply.status, reply.text]).toEqual([204, '']);
    expect(seen(await scim.get(path))).toEqual(anError(404));
    expect(seen(await scim.put(path, { userName: 'x', displayName: 'x' }))).toEqual(anError(404));
    expect(seen(await scim.patch(path, [{ op: 'add', path: 'externalId', value: 'x' }]))).toEqual(anError(404));
    expect(seen(await scim.delete(path))).toEqual(anError(404));
  }
});

test('§10 DELETE of what was never there is 404', async () => {
  for (const path of [`/Users/${nobody}`, `/Groups/${noGroup}`, '/Users/x']) expect(seen(await scim.delete(path))).toEqual(anError(404));
});

test('§10 DELETE takes a user out of lists, filters and groups; a manager’s id stays as it was sent', async () => {
  const user = await scim.aUser({ userName: 'gone' });
  const report = await scim.aUser({ [enterpriseUrn]: { manager: { value: user.id } } });
  const group = await scim.aGroup({ members: [{ value: user.id }, { value: report.id }] });
  await scim.delete(`/Users/${user.id}`);
  expect(await scim.matching('userName eq "gone"')).toEqual([]);
  expect((await scim.get('/Users')).body.totalResults).toBe(1);
  expect((await scim.get(`/Groups/${group.id}`)).body.members.map(({ value }: { value: string }) => value)).toEqual([report.id]);
  expect(await scim.matching(`members.value eq "${user.id}"`, '/Groups')).toEqual([]);
  expect((await scim.get(`/Users/${report.id}`)).body[enterpriseUrn].manager.value).toBe(user.id);
  expect((await scim.events()).slice(-2)).toEqual(['group.member_removed', 'user.deleted']);
});

test('§10 DELETE frees the name, and who takes it has another id', async () => {
  const user = await scim.aUser({ userName: 'ada', externalId: '1' });
  await scim.delete(`/Users/${user.id}`);
  const again = await scim.aUser({ userName: 'ada', externalId: '1' });
  expect(again.id).not.toBe(user.id);
  const group = await scim.aGroup({ displayName: 'g' });
  await scim.delete(`/Groups/${group.id}`);
  expect((await scim.aGroup({ displayName: 'g' })).id).not.toBe(group.id);
});

test('§10 DELETE of a group takes it out of its members, and out of the groups that it is in', async () => {
  const user = await scim.aUser();
  const group = await scim.aGroup({ members: [{ value: user.id }] });
  const parent = await scim.aGroup({ members: [{ value: group.id }] });
  expect((await scim.get(`/Users/${user.id}`)).body.groups).toEqual([
    { value: group.id, $ref: group.meta.location, display: group.displayName, type: 'direct' },
  ]);
  await scim.delete(`/Groups/${group.id}`);
  expect((await scim.get(`/Users/${user.id}`)).body).not.toHaveProperty('groups');
  expect((await scim.get(`/Groups/${parent.id}`)).body).not.toHaveProperty('members');
  expect(await scim.matching(`groups.value eq "${group.id}"`)).toEqual([]);
});

test('§10 DELETE heeds If-Match', async () => {
  const user = await scim.aUser();
  expect(seen(await scim.delete(`/Users/${user.id}`, { 'if-match': 'W/"0"' }))).toEqual(anError(412));
  expect((await scim.delete(`/Users/${user.id}`, { 'if-match': user.meta.version })).status).toBe(204);
});
