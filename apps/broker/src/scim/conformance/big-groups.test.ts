/** Groups of thousands, and the limits of what one request may carry. The tests share a directory of 12,000 users. */
import { maxAttributeChanges, maxValues } from '#scim';
import { largeUserId, manyUsers } from './a-large-directory';
import { anError, aScimDirectory, groupUrn, type Reply, type ScimUnderTest, seen, theBroker } from './a-scim-directory';

let scim: ScimUnderTest;

const members = (from: number, to: number): { value: string }[] =>
  Array.from({ length: to - from }, (_, i) => ({ value: largeUserId(from + i) }));
const valuesOf = ({ body }: Reply): string[] => (body.members ?? []).map(({ value }: { value: string }) => value);
const namesOnly = '?attributes=displayName';

const template = { userName: 'template', displayName: 'template', emails: [{ value: 'template@acme.com' }] };

beforeAll(async () => {
  const { db } = await theBroker();
  // What PostgreSQL has counted is another directory: of one that is new it knows nothing while it is filled, which is when it matters.
  const other = await aScimDirectory();
  await manyUsers(db.pool, await other.aUser(template), 500);
  await other.post('/Groups', { displayName: 'counted', members: members(0, 500) });
  await db.pool.query('analyze');

  scim = await aScimDirectory();
  await manyUsers(db.pool, await scim.aUser(template), 12_000);
});

/** How many events of a type there are; reading them all would be slow. */
async function count(type: string): Promise<number> {
  return (await scim.events()).filter((one) => one === type).length;
}

test('big groups: 5,000 members are created with the group, shown, and told of one by one', async () => {
  const before = await count('group.member_added');
  const created = await scim.post('/Groups', { displayName: 'created', members: members(0, 5_000) });
  expect([created.status, valuesOf(created)]).toEqual([201, members(0, 5_000).map(({ value }) => value)]);
  expect(created.body.members[4_321]).toEqual({
    value: largeUserId(4_321),
    $ref: `${scim.baseUrl}/Users/${largeUserId(4_321)}`,
    display: 'person-4321',
    type: 'User',
  });
  expect((await scim.get(`/Groups/${created.body.id}`)).body).toEqual(created.body);
  expect(await count('group.member_added')).toBe(before + 5_000);
  expect((await scim.get(`/Users/${largeUserId(4_321)}`)).body.groups).toEqual([
    { value: created.body.id, $ref: created.body.meta.location, display: 'created', type: 'direct' },
  ]);
}, 120_000);

test('P1, §22 a PATCH of a large group is answered 204 with its version and place, unless something was asked for', async () => {
  const { body: group } = await scim.post('/Groups?excludedAttributes=members', { displayName: 'patched', members: members(0, 5_000) });
  const path = `/Groups/${group.id}`;
  const added = await scim.patch(path, [{ op: 'add', path: 'members', value: [{ value: largeUserId(5_000) }] }]);
  expect([added.status, added.text, added.headers.get('location')]).toEqual([204, '', group.meta.location]);
  expect((await scim.get(path)).headers.get('etag')).toBe(added.headers.get('etag'));
  const asked = await scim.patch(`${path}${namesOnly}`, [{ op: 'remove', path: `members[value eq "${largeUserId(0)}"]` }]);
  expect([asked.status, asked.body]).toEqual([200, { schemas: [groupUrn], id: group.id, displayName: 'patched' }]);
  const whole = await scim.patch(`${path}?attributes=members`, [{ op: 'remove', path: 'members', value: [{ value: largeUserId(1) }] }]);
  expect(valuesOf(whole)).toEqual(members(2, 5_001).map(({ value }) => value));
}, 120_000);

test('P27 one operation, or one for each, changes thousands of members in one request', async () => {
  const { body: group } = await scim.post('/Groups', { displayName: 'many operations' });
  const path = `/Groups/${group.id}`;
  const before = await count('group.member_removed');
  expect(
    (
      await scim.patch(
        path,
        members(0, 3_000).map((member) => ({ op: 'add', path: 'members', value: [member] })),
      )
    ).status,
  ).toBe(204);
  expect((await scim.patch(path, [{ op: 'add', path: 'members', value: members(2_000, 6_000) }])).status).toBe(204);
  expect((await scim.patch(path, [{ op: 'Remove', path: 'members', value: members(0, 2_500) }])).status).toBe(204);
  expect(valuesOf(await scim.get(path))).toEqual(members(2_500, 6_000).map(({ value }) => value));
  const last = await scim.patch(
    path,
    members(2_503, 6_000).map(({ value }) => ({ op: 'remove', path: `members[value eq "${value}"]` })),
  );
  expect([last.status, valuesOf(last)]).toEqual([200, members(2_500, 2_503).map(({ value }) => value)]);
  expect(await count('group.member_removed')).toBe(before + 5_997);
}, 120_000);

test('U11 a PUT of thousands of members is one difference: only who comes and who leaves is told', async () => {
  const { body: group } = await scim.post('/Groups', { displayName: 'put' });
  const put = (from: number, to: number) => scim.put(`/Groups/${group.id}${namesOnly}`, { displayName: 'put', members: members(from, to) });
  expect((await put(0, 8_000)).status).toBe(200);
  const [added, removed] = [await count('group.member_added'), await count('group.member_removed')];
  expect((await put(0, 8_000)).status).toBe(200);
  expect((await put(5, 8_003)).status).toBe(200);
  expect([(await count('group.member_added')) - added, (await count('group.member_removed')) - removed]).toEqual([3, 5]);
  expect((await put(8_003, 12_000)).status).toBe(200);
  expect(valuesOf(await scim.get(`/Groups/${group.id}`))).toEqual(members(8_003, 12_000).map(({ value }) => value));
  expect((await scim.put(`/Groups/${group.id}`, { displayName: 'put' })).body).not.toHaveProperty('members');
}, 180_000);

test('P3 one stranger among thousands refuses them all', async () => {
  const { body: group } = await scim.post('/Groups', { displayName: 'all or none', members: members(0, 10) });
  const refused = await scim.patch(`/Groups/${group.id}`, [
    { op: 'add', path: 'members', value: [...members(0, 7_000), { value: largeUserId(50_000) }] },
  ]);
  expect(seen(refused)).toEqual(anError(400, 'invalidValue'));
  expect(refused.body.detail).toContain(largeUserId(50_000));
  expect(valuesOf(await scim.get(`/Groups/${group.id}`))).toEqual(members(0, 10).map(({ value }) => value));
}, 120_000);

test('§10 DELETE of a group of thousands: everybody leaves first', async () => {
  const { body: group } = await scim.post('/Groups?attributes=displayName', { displayName: 'deleted', members: members(0, 5_500) });
  const before = await count('group.member_removed');
  expect((await scim.delete(`/Groups/${group.id}`)).status).toBe(204);
  expect(await count('group.member_removed')).toBe(before + 5_500);
  expect((await scim.events()).at(-1)).toBe('group.deleted');
}, 120_000);

test('A4 lists of large groups are whole, with members and without', async () => {
  const own = await aScimDirectory();
  // The same ids as in the other directories: a user is found by the directory and the id.
  await manyUsers((await theBroker()).db.pool, await own.aUser({ userName: 'template' }), 6_000);
  for (const [displayName, to] of [
    ['six thousand', 6_000],
    ['none', 0],
    ['three', 3],
    ['fifty-five hundred', 5_500],
    ['two', 2],
  ] as const)
    await own.post('/Groups?attributes=displayName', { displayName, members: members(0, to) });
  const { body, headers } = await own.get('/Groups');
  expect(
    body.Resources.map((group: { displayName: string; members?: unknown[] }) => [group.displayName, group.members?.length ?? 0]),
  ).toEqual([
    ['six thousand', 6_000],
    ['none', 0],
    ['three', 3],
    ['fifty-five hundred', 5_500],
    ['two', 2],
  ]);
  expect([body.totalResults, body.itemsPerPage, headers.get('content-type')]).toEqual([5, 5, 'application/scim+json']);
  expect((await own.get('/Groups?excludedAttributes=members')).body.Resources).toEqual(
    body.Resources.map(({ members: _members, ...rest }: Record<string, unknown>) => rest),
  );
  expect((await own.get('/Groups?attributes=members.value&count=1')).body.Resources[0].members).toEqual(members(0, 6_000));
  expect(
    (await own.query('/', { filter: 'displayName eq "six thousand" or userName eq "template"' })).body.Resources.map(
      (one: { members?: unknown[] }) => one.members?.length,
    ),
  ).toEqual([undefined, 6_000]);
  const head = await own.send({ method: 'HEAD', path: '/Groups' });
  expect([head.status, head.text]).toEqual([200, '']);
}, 180_000);

test('big groups: a client that goes away in the middle of a long answer harms nobody', async () => {
  const { body: group } = await scim.post('/Groups?attributes=displayName', { displayName: 'cut off', members: members(0, 12_000) });
  for (let i = 0; i < 5; i += 1) {
    const gone = new AbortController();
    const response = await fetch(`${scim.url}/Groups/${group.id}`, {
      signal: gone.signal,
      headers: { authorization: `Bearer ${scim.token}` },
    });
    await response.body?.getReader().read();
    gone.abort();
  }
  expect(valuesOf(await scim.get(`/Groups/${group.id}`))).toHaveLength(12_000);
}, 120_000);

test('F19 membership in a large group can be asked for', async () => {
  const { body: group } = await scim.post('/Groups?attributes=displayName', { displayName: 'asked for', members: members(100, 6_100) });
  expect(
    (await scim.query('/Groups', { filter: `id eq "${group.id}" and members eq "${largeUserId(4_000)}"`, excludedAttributes: 'members' }))
      .body.totalResults,
  ).toBe(1);
  expect(
    (await scim.query('/Groups', { filter: `id eq "${group.id}" and members eq "${largeUserId(7_000)}"`, excludedAttributes: 'members' }))
      .body.totalResults,
  ).toBe(0);
  expect(
    (await scim.query('/Users', { filter: `groups.value eq "${group.id}"`, count: 1, attributes: 'userName' })).body.totalResults,
  ).toBe(6_000);
  expect(
    (await scim.query('/Users', { filter: `not (groups.value eq "${group.id}")`, count: 1, attributes: 'userName' })).body.totalResults,
  ).toBe(6_001);
}, 120_000);

test('G8 a body of more than 16 MiB is refused with 413, whatever it is for', async () => {
  const huge = JSON.stringify({ displayName: 'huge', members: Array.from({ length: 350_000 }, (_, i) => ({ value: largeUserId(i) })) });
  expect(Buffer.byteLength(huge)).toBeGreaterThan(16 * 1024 * 1024);
  for (const [method, path] of [
    ['POST', '/Groups'],
    ['PUT', `/Groups/${(await scim.aGroup()).id}`],
  ] as const)
    expect(seen(await scim.send({ method, path, body: huge }))).toEqual(anError(413));
}, 120_000);

test('P27 a PATCH may change so many attributes and give one so many values, and is refused beyond', async () => {
  const user = await scim.aUser();
  const titles = (length: number) => Array.from({ length }, (_, i) => ({ op: 'replace', path: 'title', value: String(i) }));
  expect(seen(await scim.patch(`/Users/${user.id}`, titles(maxAttributeChanges + 1)))).toEqual(anError(413));
  expect((await scim.patch(`/Users/${user.id}`, titles(maxAttributeChanges))).body).toMatchObject({
    title: String(maxAttributeChanges - 1),
  });
  const values = (length: number) => Array.from({ length }, (_, i) => ({ value: `${i}@acme.com` }));
  expect(seen(await scim.patch(`/Users/${user.id}`, [{ op: 'add', path: 'emails', value: values(maxValues + 1) }]))).toEqual(
    anError(400, 'invalidValue'),
  );
  expect((await scim.patch(`/Users/${user.id}`, [{ op: 'add', path: 'emails', value: values(maxValues) }])).body.emails).toHaveLength(
    maxValues,
  );
  expect(seen(await scim.patch(`/Users/${user.id}`, [{ op: 'add', path: 'emails', value: [{ value: 'more@acme.com' }] }]))).toEqual(
    anError(400, 'invalidValue'),
  );
});
