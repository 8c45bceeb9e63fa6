/** How much a user, or a group, may hold. */
import { bounds } from '#bounds';
import { anError, aScimDirectory, bulkUrn, type ScimUnderTest, seen, theBroker, userUrn, uuidOf } from './a-scim-directory';

let scim: ScimUnderTest;
beforeAll(async () => {
  scim = await aScimDirectory();
});

const text = (bytes: number): string => 'x'.repeat(bytes);
const tooLarge = anError(400, 'invalidValue');
const roles = (count: number) => Array.from({ length: count }, (_, i) => ({ type: String(i), value: text(60_000) }));

test('G23 a value of more than 64 KiB is refused, naming its attribute, however it is sent', async () => {
  const user = await scim.aUser({ title: text(bounds.textBytes) });
  const title = text(bounds.textBytes + 1);
  const bulk = [{ method: 'PATCH', path: `/Users/${user.id}`, data: { Operations: [{ op: 'replace', path: 'title', value: title }] } }];
  const replies = [
    await scim.post('/Users', { schemas: [userUrn], userName: 'too-large', title }),
    await scim.put(`/Users/${user.id}`, { ...user, title }),
    await scim.patch(`/Users/${user.id}`, [{ op: 'replace', path: 'title', value: title }]),
    await scim.post('/Groups', { displayName: 'too-large', 'urn:acme:any': { title } }),
  ];
  expect(replies.map(seen)).toEqual(replies.map(() => tooLarge));
  expect(replies.map(({ body }) => /^(urn:acme:any:)?title has 65537 bytes/.test(body.detail))).toEqual([true, true, true, true]);
  const { body } = await scim.post('/Bulk', { schemas: [bulkUrn], Operations: bulk });
  expect(body.Operations[0]).toMatchObject({ status: '400', response: { scimType: 'invalidValue' } });
  expect((await scim.get(`/Users/${user.id}`)).body.title).toHaveLength(bounds.textBytes);
});

test('G23 a user of more than 1 MiB is refused, also where it grows to that by and by', async () => {
  expect(seen(await scim.post('/Users', { schemas: [userUrn], userName: 'many', roles: roles(18) }))).toEqual(tooLarge);
  const user = await scim.aUser({ roles: roles(10) });
  const more = roles(18).slice(10);
  const grown = await scim.patch(`/Users/${user.id}`, [{ op: 'add', path: 'roles', value: more }]);
  expect(seen(grown)).toEqual(tooLarge);
  expect(grown.body.detail).toContain('roles alone has');
});

test('G23 who was too large before there were bounds can be changed, deactivated and made smaller, but not enlarged', async () => {
  const { db } = await theBroker();
  const user = await scim.aUser({ title: 'x', active: true });
  await db.pool.query(
    `update users set resource = jsonb_set(resource::jsonb, '{title}', to_jsonb(repeat('x', 2000000)))::json where id = $1`,
    [uuidOf(user.id)],
  );
  const patch = async (path: string, value: unknown) => (await scim.patch(`/Users/${user.id}`, [{ op: 'replace', path, value }])).status;
  expect(await patch('active', false)).toBe(200);
  expect(await patch('nickName', 'Ada')).toBe(400); // that makes more of it
  expect(await patch('title', text(1_900_000))).toBe(200);
  expect(await patch('nickName', 'Ada')).toBe(400);
  expect(await patch('active', true)).toBe(200);
  expect(await patch('title', text(1_900_001))).toBe(400);
  expect(await patch('title', text(100))).toBe(200);
  expect(await patch('nickName', 'Ada')).toBe(200);
  expect(await patch('title', text(70_000))).toBe(400);
});

test('G8 the body of a request about a user may have 2 MiB, and that about a group more', async () => {
  const body = JSON.stringify({ userName: 'padded', schemas: [userUrn] });
  const fits = body.padEnd(bounds.userBodyBytes);
  expect((await scim.post('/Users', fits)).status).toBe(201);
  const user = await scim.aUser();
  for (const [method, path] of [
    ['POST', '/Users'],
    ['PUT', `/users/${user.id}`],
    ['PATCH', `/Users/${user.id}`],
  ] as const) {
    const reply = await scim.send({ method, path, body: `${fits} ` });
    expect(seen(reply)).toEqual(anError(413));
    expect(reply.body.detail).toContain('2 MiB');
  }
  expect((await scim.post('/Groups', JSON.stringify({ displayName: 'padded' }).padEnd(bounds.userBodyBytes + 1))).status).toBe(201);
});

test('G23 what is told of a refused write is short, however long it was', async () => {
  const other = await aScimDirectory();
  const long = text(900_000);
  expect((await other.post('/Users', { schemas: [userUrn], userName: long, externalId: long })).status).toBe(400);
  const bulk = { schemas: [bulkUrn], Operations: [{ method: 'POST', path: `/Users/${long}`, bulkId: '1', data: { userName: 'x' } }] };
  expect((await other.post('/Bulk', bulk)).status).toBe(200);
  const { db } = await theBroker();
  const { rows } = await db.pool.query<{ bytes: number }>(
    `select octet_length(data::text) as bytes from events where directory_id = $1 and type = 'provisioning.failed'`,
    [uuidOf(other.id)],
  );
  expect(rows.map(({ bytes }) => bytes < 10_000)).toEqual([true, true]);
});

test('D1 documentationUri leads to a page that has the limits in figures', async () => {
  const { documentationUri } = (await scim.get('/ServiceProviderConfig')).body;
  expect(documentationUri).toBe(new URL('/docs/limits', scim.baseUrl).href);
  const page = await fetch(new URL(new URL(documentationUri).pathname, scim.url));
  const shown = await page.text();
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  for (const figure of ['65,536', '262,144', '1,048,576', '2,097,152', '16,777,216']) expect(shown).toContain(`(${figure} bytes)`);
});
