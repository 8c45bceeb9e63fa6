import { eventually } from '#testing';
import { aBroker, type TestBroker, type TestDirectory } from '../a-broker';

const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';
const patchOp = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group';

let broker: TestBroker;
let directory: TestDirectory;
const ids: string[] = [];
let groupId: string;

beforeAll(async () => {
  broker = await aBroker();
  broker.sequence();
  directory = await broker.aDirectory();
  for (const name of ['ada', 'bob', 'cyd', 'dee', 'eve']) {
    const { body } = await directory.idp.post('/Users', {
      schemas: [userSchema],
      userName: `${name}@acme.com`,
      externalId: name,
      active: name !== 'eve',
      name: { givenName: name, familyName: 'Lovelace' },
      emails: [{ value: `${name}@acme.com`, type: 'work', primary: true }],
    });
    ids.push((body as { id: string }).id);
  }
  const { body } = await directory.idp.post('/Groups', {
    schemas: [groupSchema],
    displayName: 'Eng',
    members: [{ value: ids[0] }, { value: ids[1] }],
  });
  groupId = (body as { id: string }).id;
});

test('a user has the shape that events have, and the id that SCIM has', async () => {
  const user = (await broker.call('GET', `/v1/directory_users/${ids[0]}`)).body;
  expect(user).toMatchObject({
    id: ids[0],
    directory_id: directory.id,
    organization_id: directory.organizationId,
    external_id: 'ada',
    user_name: 'ada@acme.com',
    active: true,
    email: 'ada@acme.com',
    emails: [{ value: 'ada@acme.com', type: 'work', primary: true }],
    given_name: 'ada',
    family_name: 'Lovelace',
    groups: [{ id: groupId, display_name: 'Eng' }],
    roles: [],
    attributes: {},
  });
  const events = await eventually(async () => {
    const { data } = (await broker.call('GET', '/v1/events?types=group.member_added')).body;
    return data.length === 2 && data;
  });
  const [told] = events.filter((event: { data: { user: { id: string } } }) => event.data.user.id === ids[0]);
  expect(told.data.user).toEqual(user);
});

test('users are listed page by page, and every page tells the place in the log from before the first', async () => {
  const first = (await broker.call('GET', `/v1/directories/${directory.id}/users?limit=2`)).body;
  const { body: late } = await directory.idp.post('/Users', { schemas: [userSchema], userName: 'late@acme.com' });
  const seen: string[] = first.data.map(({ id }: { id: string }) => id);
  for (let cursor = first.next_cursor; cursor !== null;) {
    const page = (await broker.call('GET', `/v1/directories/${directory.id}/users?limit=2&cursor=${cursor}`)).body;
    expect(page.events_cursor).toBe(first.events_cursor);
    seen.push(...page.data.map(({ id }: { id: string }) => id));
    cursor = page.next_cursor;
  }
  const lateId = (late as { id: string }).id;
  expect(seen).toEqual([...ids, lateId]);

  const { data } = (await broker.call('GET', `/v1/events?after=${first.events_cursor}&types=user.created&wait=5`)).body;
  expect(data.map((event: { data: { user: { id: string } } }) => event.data.user.id)).toEqual([lateId]);
  await directory.idp.delete(`/Users/${lateId}`);
});

test.each([
  ['email=ADA@acme.com', [0]],
  ['user_name=Bob@Acme.com', [1]],
  ['external_id=cyd', [2]],
  ['external_id=CYD', []],
  ['active=false', [4]],
  ['active=true&limit=2', [0, 1]],
  ['email=nobody@acme.com', []],
])('users are filtered by ?%s', async (query, expected) => {
  const { data } = (await broker.call('GET', `/v1/directories/${directory.id}/users?${query}`)).body;
  expect(data.map(({ id }: { id: string }) => ids.indexOf(id))).toEqual(expected);
});

test("users are filtered by their group, and what is no group's id is a mistake", async () => {
  const { data } = (await broker.call('GET', `/v1/directories/${directory.id}/users?group_id=${groupId}`)).body;
  expect(data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
  for (const query of ['group_id=Eng', 'active=1', 'email=%00']) {
    expect((await broker.call('GET', `/v1/directories/${directory.id}/users?${query}`)).body.errors[0].parameter).toBe(query.split('=')[0]);
  }
});

test('a group is listed, read, and its members are given whole', async () => {
  const list = (await broker.call('GET', `/v1/directories/${directory.id}/groups`)).body;
  expect(list).toEqual({
    data: [expect.objectContaining({ id: groupId, display_name: 'Eng', member_count: 2 })],
    next_cursor: null,
    events_cursor: expect.any(String),
  });
  expect((await broker.call('GET', `/v1/directory_groups/${groupId}`)).body).toEqual(list.data[0]);

  const first = (await broker.call('GET', `/v1/directory_groups/${groupId}/members?limit=1`)).body;
  const second = (await broker.call('GET', `/v1/directory_groups/${groupId}/members?limit=1&cursor=${first.next_cursor}`)).body;
  const user = (id?: string) => broker.call('GET', `/v1/directory_users/${id}`).then(({ body }) => ({ type: 'user', ...body }));
  expect([first.data, second.data, second.next_cursor]).toEqual([[await user(ids[0])], [await user(ids[1])], null]);
});

test('access is told by e-mail address, in any case', async () => {
  const access = async (email: string) =>
    (await broker.call('GET', `/v1/access?email=${email}&organization_id=${directory.organizationId}`)).body;
  expect(await access('Ada@ACME.com')).toEqual({ status: 'active', since: expect.any(String), user_id: ids[0] });
  expect((await access('eve@acme.com')).status).toBe('deactivated');
  expect(await access('nobody@acme.com')).toEqual({ status: 'unknown', since: null, user_id: null });
  expect((await broker.call('GET', '/v1/access?email=ada@acme.com')).body.errors).toEqual([
    { parameter: 'organization_id', detail: 'is required' },
  ]);
});

test('access is told by a userName that is an address, where no e-mail address was sent; not by any other', async () => {
  const { id: directoryId, organizationId, idp } = await broker.aDirectory();
  const make = async (userName: string): Promise<string> =>
    ((await idp.post('/Users', { schemas: [userSchema], userName })).body as { id: string }).id;
  const access = async (email: string) =>
    (await broker.call('GET', `/v1/access?email=${email}&organization_id=${organizationId}`)).body.status;
  const [grace, joan] = [await make('Grace@Acme.com'), await make('joan@acme.com')];
  await make('jdoe');
  expect(await Promise.all(['grace@acme.com', 'jdoe', 'joan@acme.com'].map(access))).toEqual(['active', 'unknown', 'active']);
  await idp.patch(`/Users/${grace}`, { schemas: [patchOp], Operations: [{ op: 'replace', value: { active: false } }] });
  expect(await access('grace@acme.com')).toBe('deactivated');
  await idp.delete(`/Users/${joan}`);
  expect(await access('joan@acme.com')).toBe('deleted');
  await broker.call('DELETE', `/v1/directories/${directoryId}`);
  expect(await Promise.all(['grace@acme.com', 'jdoe'].map(access))).toEqual(['deleted', 'unknown']);
});

test('somebody whose userName is an address, and who has no other, is found by it; blanks around names and addresses count for nothing', async () => {
  const { id, organizationId, idp } = await broker.aDirectory();
  const make = async (user: object): Promise<string> =>
    ((await idp.post('/Users', { schemas: [userSchema], ...user })).body as { id: string }).id;
  const grace = await make({ userName: ' Grace@Acme.com ' });
  const joan = await make({ userName: 'jdoe', emails: [{ type: 'work', value: '\tJoan@acme.com ' }] });
  const both = await make({ userName: 'two@acme.com', emails: [{ value: 'other@acme.com' }] });
  const found = async (query: string): Promise<string[]> =>
    (await broker.call('GET', `/v1/directories/${id}/users?${query}`)).body.data.map((user: { id: string }) => user.id);
  expect(await found('email=grace@acme.com')).toEqual([grace]);
  expect(await found('email=%20GRACE@acme.com%20&user_name=grace@acme.com')).toEqual([grace]);
  expect(await found('email=joan@acme.com')).toEqual([joan]);
  expect(await found('email=jdoe')).toEqual([]);
  expect([await found('email=two@acme.com'), await found('email=other@acme.com')]).toEqual([[both], [both]]);
  const access = async (email: string) =>
    (await broker.call('GET', `/v1/access?email=${encodeURIComponent(email)}&organization_id=${organizationId}`)).body.user_id;
  expect([await access(' grace@acme.com'), await access('joan@acme.com\t')]).toEqual([grace, joan]);
  expect((await broker.call('GET', `/v1/directory_users/${grace}`)).body).toMatchObject({
    user_name: 'Grace@Acme.com',
    raw: { userName: ' Grace@Acme.com ' },
  });
  expect((await broker.call('GET', `/v1/directory_users/${joan}`)).body).toMatchObject({
    email: 'Joan@acme.com',
    emails: [{ type: 'work', value: 'Joan@acme.com' }],
  });
});

test('what a deleted directory held is not found any more', async () => {
  const other = await broker.aDirectory();
  const { body } = await other.idp.post('/Users', { schemas: [userSchema], userName: 'x' });
  const { id } = body as { id: string };
  await broker.call('DELETE', `/v1/directories/${other.id}`);
  expect((await broker.call('GET', `/v1/directory_users/${id}`)).status).toBe(404);
  expect((await broker.call('GET', `/v1/directories/${other.id}/users`)).status).toBe(404);
  expect((await other.idp.get('/Users')).status).toBe(401);
});
