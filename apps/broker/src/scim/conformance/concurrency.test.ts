/** Several requests at once: every one of them holds, or is refused, and none is lost (RFC 7644 §3.5.2, C5, P3). */
import { anError, aScimDirectory, type Reply, type ScimUnderTest, seen } from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

const statuses = (replies: Reply[]): number[] => replies.map(({ status }) => status).sort((a, b) => a - b);
const times = <T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));

test('concurrency: two PATCHes of one user at once both hold', async () => {
  for (let i = 0; i < 5; i += 1) {
    const user = await scim.aUser();
    const path = `/Users/${user.id}`;
    const replies = await Promise.all([
      scim.patch(path, [{ op: 'add', path: 'title', value: 't' }]),
      scim.patch(path, [{ op: 'add', path: 'nickName', value: 'n' }]),
      scim.patch(path, [{ op: 'add', path: 'emails', value: [{ value: 'a@b' }] }]),
      scim.patch(path, [{ op: 'add', path: 'emails', value: [{ value: 'c@d' }] }]),
    ]);
    expect(statuses(replies)).toEqual([200, 200, 200, 200]);
    const { body } = await scim.get(path);
    expect([body.title, body.nickName, body.emails.map(({ value }: { value: string }) => value).sort()]).toEqual([
      't',
      'n',
      ['a@b', 'c@d'],
    ]);
  }
});

test('concurrency: members that are added and removed at once are all added and all removed', async () => {
  const users: string[] = [];
  for (let i = 0; i < 20; i += 1) users.push((await scim.aUser()).id);
  const group = await scim.aGroup({ members: users.slice(10).map((value) => ({ value })) });
  const replies = await times(20, (i) =>
    scim.patch(`/Groups/${group.id}`, [
      i < 10 ? { op: 'add', path: 'members', value: [{ value: users[i] }] } : { op: 'remove', path: `members[value eq "${users[i]}"]` },
    ]),
  );
  expect(new Set(statuses(replies))).toEqual(new Set([200]));
  expect((await scim.get(`/Groups/${group.id}`)).body.members.map(({ value }: { value: string }) => value)).toEqual(users.slice(0, 10));
  expect(new Set(replies.map(({ headers }) => headers.get('etag'))).size).toBe(20);
});

test('C5 of many who POST one userName at once, in whatever case, one gets 201 and the others 409', async () => {
  const replies = await times(12, (i) => scim.post('/Users', { userName: i % 2 ? 'ÉLODIE@acme.com' : 'élodie@ACME.com' }));
  expect(statuses(replies)).toEqual([201, ...Array.from({ length: 11 }, () => 409)]);
  for (const reply of replies.filter(({ status }) => status === 409)) expect(seen(reply)).toEqual(anError(409, 'uniqueness'));
  expect((await scim.get('/Users')).body.totalResults).toBe(1);
});

test('C6 of many who POST one group at once one gets 201', async () => {
  expect(statuses(await times(8, () => scim.post('/Groups', { displayName: 'Eng' })))).toEqual([
    201,
    ...Array.from({ length: 7 }, () => 409),
  ]);
});

test('P20 of two who rename to one name at once one gets it', async () => {
  for (let i = 0; i < 5; i += 1) {
    const [a, b] = [await scim.aUser(), await scim.aUser()];
    const replies = await Promise.all(
      [a, b].map(({ id }) => scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'userName', value: `wanted-${i}` }])),
    );
    expect(statuses(replies)).toEqual([200, 409]);
    expect(await scim.matching(`userName eq "wanted-${i}"`)).toHaveLength(1);
  }
});

test('concurrency: a PATCH and a DELETE end in one of the two orders', async () => {
  const ends = new Set<string>();
  for (let i = 0; i < 20; i += 1) {
    const user = await scim.aUser();
    const before = (await scim.events()).length;
    const patch = () => scim.patch(`/Users/${user.id}`, [{ op: 'replace', path: 'title', value: 'x' }]);
    const remove = () => scim.delete(`/Users/${user.id}`);
    const [first, second] = i % 2 ? [patch, remove] : [remove, patch];
    const [one, other] = await Promise.all([first(), second()]);
    const [patched, removed] = i % 2 ? [one, other] : [other, one];
    expect(removed.status).toBe(204);
    const events = (await scim.events()).slice(before);
    expect([patched.status, events]).toEqual(patched.status === 200 ? [200, ['user.updated', 'user.deleted']] : [404, ['user.deleted']]);
    ends.add(String(patched.status));
    expect((await scim.get(`/Users/${user.id}`)).status).toBe(404);
  }
  expect(ends.size).toBeGreaterThan(0);
});

test('concurrency: somebody who is added to a group while being deleted is in no group afterwards', async () => {
  for (let i = 0; i < 10; i += 1) {
    const [user, group] = [await scim.aUser(), await scim.aGroup()];
    const [added, removed] = await Promise.all([
      scim.patch(`/Groups/${group.id}`, [{ op: 'add', path: 'members', value: [{ value: user.id }] }]),
      scim.delete(`/Users/${user.id}`),
    ]);
    expect([200, 400]).toContain(added.status);
    expect(removed.status).toBe(204);
    expect((await scim.get(`/Groups/${group.id}`)).body).not.toHaveProperty('members');
    expect(await scim.matching(`members.value eq "${user.id}"`, '/Groups')).toEqual([]);
  }
});

test('concurrency: two DELETEs, one 204 and one 404', async () => {
  for (const path of [`/Users/${(await scim.aUser()).id}`, `/Groups/${(await scim.aGroup()).id}`])
    expect(statuses(await times(3, () => scim.delete(path)))).toEqual([204, 404, 404]);
});

test('concurrency: PUTs of a group’s members end with the members of one of them', async () => {
  const users: string[] = [];
  for (let i = 0; i < 12; i += 1) users.push((await scim.aUser()).id);
  const group = await scim.aGroup();
  const sets = [users.slice(0, 6), users.slice(3, 9), users.slice(6)];
  expect(
    statuses(
      await times(6, (i) =>
        scim.put(`/Groups/${group.id}`, { displayName: group.displayName, members: sets[i % 3]!.map((value) => ({ value })) }),
      ),
    ),
  ).toEqual([200, 200, 200, 200, 200, 200]);
  const members: string[] = (await scim.get(`/Groups/${group.id}`)).body.members.map(({ value }: { value: string }) => value);
  expect(sets).toContainEqual(members);
  const events = await scim.events();
  expect(
    events.filter((type) => type === 'group.member_added').length - events.filter((type) => type === 'group.member_removed').length,
  ).toBe(6);
});
