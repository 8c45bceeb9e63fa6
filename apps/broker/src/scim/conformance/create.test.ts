/** Creating resources: POST /Users and /Groups (RFC 7644 §3.3). */
import fc from 'fast-check';
import { anError, aScimDirectory, enterpriseUrn, groupUrn, nobody, type ScimUnderTest, seen, theBroker, userUrn } from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

test('C1 a creation answers 201 with the whole resource, where it is, and its version', async () => {
  for (const [endpoint, body] of [
    ['/Users', { schemas: [userUrn], userName: 'ada@acme.com', name: { givenName: 'Ada' } }],
    ['/Groups', { schemas: [groupUrn], displayName: 'Eng' }],
  ] as const) {
    const reply = await scim.post(endpoint, body);
    expect(reply).toMatchObject({ status: 201, body });
    expect(reply.headers.get('location')).toBe(`${scim.baseUrl}${endpoint}/${reply.body.id}`);
    expect(reply.body.meta.location).toBe(reply.headers.get('location'));
    expect(reply.body.meta.version).toBe(reply.headers.get('etag'));
    expect((await scim.get(`${endpoint}/${reply.body.id}`)).body).toEqual(reply.body);
  }
});

test('C1 the answer heeds attributes and excludedAttributes', async () => {
  const only = await scim.post('/Users?attributes=userName', { userName: 'a', title: 'x' });
  expect(only.body).toEqual({ schemas: [userUrn], id: only.body.id, userName: 'a' });
  const without = await scim.post('/Users?excludedAttributes=title,meta', { userName: 'b', title: 'x' });
  expect(without.body).toEqual({ schemas: [userUrn], id: without.body.id, userName: 'b', active: true });
});

test('C2 id and meta are the server’s: what is sent for them is ignored', async () => {
  const user = await scim.aUser({
    id: 'mine',
    meta: { resourceType: 'Group', created: '2001-01-01T00:00:00Z', location: 'x', version: 'x' },
  });
  expect(user.id).toMatch(/^usr_[0-9a-f]{32}$/);
  expect(user.meta).toMatchObject({ resourceType: 'User', created: user.meta.lastModified });
  expect(user.meta.created.startsWith('2001')).toBe(false);
  expect((await scim.aGroup({ id: 'x' })).meta.resourceType).toBe('Group');
});

test('C3 externalId is shown as sent, never made up, and not unique', async () => {
  expect(await scim.aUser()).not.toHaveProperty('externalId');
  expect((await scim.aUser({ externalId: 'Ext 1' })).externalId).toBe('Ext 1');
  expect((await scim.aUser({ externalId: 'Ext 1' })).externalId).toBe('Ext 1');
  expect(await scim.matching('externalId eq "Ext 1"')).toHaveLength(2);
  expect(await scim.matching('externalId eq "ext 1"')).toEqual([]);
});

test('C4 what is required must be there, be no empty string, and be of its type', async () => {
  for (const body of [
    {},
    { userName: '' },
    { userName: '  ' },
    { userName: null },
    { userName: 1.5 },
    { userName: true },
    { userName: { a: 1 } },
    { userName: ['a', 'b'] },
    { displayName: 'x' },
  ]) {
    expect([body, seen(await scim.post('/Users', { schemas: [userUrn], ...body }))]).toEqual([body, anError(400, 'invalidValue')]);
  }
  for (const body of [{}, { displayName: '' }, { displayName: null }, { displayName: true }, { members: [] }]) {
    expect([body, seen(await scim.post('/Groups', { schemas: [groupUrn], ...body }))]).toEqual([body, anError(400, 'invalidValue')]);
  }
  expect((await scim.post('/Users', { userName: 'without schemas' })).status).toBe(201);
  expect(await scim.events()).toEqual([...Array.from({ length: 14 }, () => 'provisioning.failed'), 'user.created']);
});

test('C5 a userName that is taken is refused, whatever its case', async () => {
  await scim.aUser({ userName: 'Élodie@Acme.com' });
  for (const userName of ['Élodie@Acme.com', 'ÉLODIE@ACME.COM', 'élodie@acme.com', 'E\u0301lodie@acme.com']) {
    expect([userName, seen(await scim.post('/Users', { schemas: [userUrn], userName }))]).toEqual([userName, anError(409, 'uniqueness')]);
  }
});

test.each([
  ['fußball@acme.test', 'fussball@acme.test'],
  ['oﬃce', 'office'],
  ['οδός', 'οδόσ'],
])('C5, F5 userNames that only a full case folding takes for one are two people: %s, %s', async (one, other) => {
  const first = await scim.aUser({ userName: one });
  expect(await scim.matching(`userName eq "${other}"`)).toEqual([]);
  const second = await scim.aUser({ userName: other });
  for (const [name, { id }] of [
    [one, first],
    [other, second],
  ]) {
    const found = await scim.query('/Users', { filter: `userName eq "${name}"` });
    expect([name, found.body.Resources.map((user: { id: string }) => user.id)]).toEqual([name, [id]]);
  }
  expect(seen(await scim.patch(`/Users/${second.id}`, [{ op: 'replace', path: 'userName', value: one }]))).toEqual(
    anError(409, 'uniqueness'),
  );
});

test.each(['ａｄａ＠ａｃｍｅ．ｔｅｓｔ', 'ＡＤＡ@acme.test', ' ada@acme.test', 'ada@acme.test\u00a0', '\tADA@acme.test\n'])(
  'C5 full-width letters and blanks around a userName make nobody another one: %j',
  async (userName) => {
    const made = await scim.aUser({ userName });
    expect(made.userName).toBe(userName);
    expect(seen(await scim.post('/Users', { schemas: [userUrn], userName: 'ada@acme.test' }))).toEqual(anError(409, 'uniqueness'));
    for (const asked of ['ada@acme.test', userName, ' ADA@acme.test '])
      expect([
        asked,
        await scim.query('/Users', { filter: `userName eq ${JSON.stringify(asked)}` }).then(({ body }) => body.totalResults),
      ]).toEqual([asked, 1]);
  },
);

test('C6 a displayName of a group that is taken is refused, whatever its case', async () => {
  await scim.aGroup({ displayName: 'Éngineering' });
  expect(seen(await scim.post('/Groups', { displayName: 'éNGINEERING' }))).toEqual(anError(409, 'uniqueness'));
  expect((await scim.post('/Users', { userName: 'a', displayName: 'Éngineering' })).status).toBe(201);
});

test('C6 two groups may have one displayName where both have an externalId, and each its own', async () => {
  const first = await scim.aGroup({ displayName: 'Éngineering', externalId: 'one' });
  const second = await scim.aGroup({ displayName: 'éNGINEERING', externalId: 'two' });
  for (const externalId of ['one', 'two', undefined, ''])
    expect([externalId, seen(await scim.post('/Groups', { displayName: 'Éngineering', externalId }))]).toEqual([
      externalId,
      anError(409, 'uniqueness'),
    ]);
  const third = await scim.aGroup({ displayName: 'Éngineering', externalId: 'TWO' });
  const ids = async (filter: string): Promise<string[]> =>
    (await scim.query('/Groups', { filter })).body.Resources.map(({ id }: { id: string }) => id);
  expect(await ids('displayName eq "éngineering"')).toEqual([first.id, second.id, third.id]);
  expect(await ids('displayName eq "éngineering" and externalId eq "two"')).toEqual([second.id]);

  const other = await scim.aGroup({ displayName: 'Sales', externalId: 'one' });
  const named = await scim.aGroup({ displayName: 'Marketing' });
  const rename = (id: string, displayName: string) =>
    scim.patch(`/Groups/${id}`, [{ op: 'replace', path: 'displayName', value: displayName }]);
  for (const { id } of [other, named]) expect(seen(await rename(id, 'Éngineering'))).toEqual(anError(409, 'uniqueness'));
  const known = (id: string, op: object) => scim.patch(`/Groups/${id}`, [{ path: 'externalId', ...op }]);
  expect(seen(await known(second.id, { op: 'replace', value: 'one' }))).toEqual(anError(409, 'uniqueness'));
  expect(seen(await known(second.id, { op: 'remove' }))).toEqual(anError(409, 'uniqueness'));
  expect(seen(await scim.put(`/Groups/${second.id}`, { displayName: 'Éngineering' }))).toEqual(anError(409, 'uniqueness'));
  expect((await known(named.id, { op: 'add', value: 'four' })).status).toBe(200);
  expect((await rename(named.id, 'Éngineering')).status).toBe(200);
  expect((await rename(first.id, 'ÉNGINEERING')).status).toBe(200);
  expect((await scim.query('/Groups', { filter: 'displayName eq "éngineering"', count: 1, cursor: '' })).body).toMatchObject({
    totalResults: 4,
  });
});

test('C6 of two groups of one displayName that come at once one is refused unless they differ in externalId', async () => {
  const make = (externalId?: string) => scim.post('/Groups', { displayName: 'Sales', ...(externalId && { externalId }) });
  const statuses = async (made: Promise<{ status: number }>[]): Promise<number[]> =>
    (await Promise.all(made)).map(({ status }) => status).sort((a, b) => a - b);
  expect(await statuses([make('a'), make('b'), make('c')])).toEqual([201, 201, 201]);
  expect(await statuses([make('d'), make('d'), make()])).toEqual([201, 409, 409]);
});

test('C7 what is read-only is ignored in a body', async () => {
  const group = await scim.aGroup();
  const user = await scim.aUser({ groups: [{ value: group.id }], meta: {}, id: 'x' });
  expect(user).not.toHaveProperty('groups');
  expect((await scim.post('/Users', { userName: 'okta', groups: [] })).status).toBe(201);
});

test('C8 a password is accepted, and is nowhere to be seen', async () => {
  const { call, db } = await theBroker();
  const secret = 'correct horse battery staple';
  const user = await scim.aUser({ password: secret });
  const replies = [
    await scim.get(`/Users/${user.id}`),
    await scim.get('/Users'),
    await scim.query('/Users', { attributes: 'password' }),
    await scim.query(`/Users/${user.id}`, { attributes: 'password,userName' }),
    await scim.patch(`/Users/${user.id}`, [{ op: 'replace', path: 'password', value: secret }]),
    await scim.patch(`/Users/${user.id}`, [{ op: 'replace', value: { password: secret } }]),
    await scim.put(`/Users/${user.id}`, { userName: user.userName, password: secret }),
    await scim.post('/Users', { password: secret }),
    await scim.post('/Bulk', {
      Operations: [{ method: 'POST', path: '/Users', bulkId: '1', data: { userName: 'bulk', password: secret } }],
    }),
  ];
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 200, 400, 200]);
  for (const { text } of [...replies, { text: JSON.stringify(user) }]) expect(text).not.toContain(secret);
  for (const filter of [`password eq "${secret}"`, 'password pr', 'password sw "c"', `${userUrn}:password pr`])
    expect(seen(await scim.query('/Users', { filter }))).toEqual(anError(400, 'invalidFilter'));
  expect(seen(await scim.query('/Users', { sortBy: 'password' }))).toEqual(anError(400, 'invalidPath'));

  while ((await call('GET', `/v1/directories/${scim.id}/requests?limit=100`)).body.data.length < 15)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const { rows } = await db.pool.query<{ text: string }>(`
    select (select string_agg(r::text, ' ') from requests r) || (select string_agg(e::text, ' ') from events e) || (select string_agg(u::text, ' ') from users u) as text`);
  expect(rows[0]!.text).toContain(user.userName);
  expect(rows[0]!.text).not.toContain(secret);
});

test('C9 a core attribute that no schema has is ignored, and told in the request log', async () => {
  const { call } = await theBroker();
  const user = await scim.aUser({ dispalyName: 'x', 'urn:okta:x:1.0:user:custom': { a: 1 } });
  expect(user).not.toHaveProperty('dispalyName');
  expect(user['urn:okta:x:1.0:user:custom']).toEqual({ a: 1 });
  const notes = async (): Promise<string[]> => (await call('GET', `/v1/directories/${scim.id}/requests`)).body.data[0]?.notes ?? [];
  while ((await notes()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await notes()).toEqual(['ignored unknown attribute dispalyName']);
});

test('C10 a boolean may be its text', async () => {
  const user = await scim.aUser({
    active: 'False',
    emails: [{ value: 'a@b.c', primary: 'true' }],
    roles: [{ value: 'x', primary: 'True' }],
  });
  expect(user).toMatchObject({ active: false, emails: [{ primary: true }], roles: [{ primary: true }] });
  expect(await scim.matching('active eq false and roles[primary eq true]')).toHaveLength(1);
});

test('C11 a manager who is nobody’s id is kept', async () => {
  const user = await scim.aUser({ [enterpriseUrn]: { manager: { value: 'CYKQWKOFNTWC' } } });
  expect(user[enterpriseUrn]).toEqual({ manager: { value: 'CYKQWKOFNTWC' } });
});

test('C12 URLs, locales and time zones are kept as they are, right or not', async () => {
  const odd = {
    profileUrl: 'MFGMUGTYPBKA',
    photos: [{ value: 'no url', type: 'photo' }],
    timezone: 'Mars/Olympus',
    locale: 'NNRDFXPHOXUY',
    preferredLanguage: '??',
  };
  expect(await scim.aUser(odd)).toMatchObject(odd);
});

test('C13 two primary values are refused', async () => {
  const emails = [
    { value: 'a@b.c', primary: true },
    { value: 'd@e.f', primary: true },
  ];
  expect(seen(await scim.post('/Users', { userName: 'a', emails }))).toEqual(anError(400, 'invalidValue'));
  expect(seen(await scim.put(`/Users/${(await scim.aUser()).id}`, { userName: 'a', emails }))).toEqual(anError(400, 'invalidValue'));
});

test('C14 the same value of the same type is kept once', async () => {
  const user = await scim.aUser({
    emails: [
      { value: 'a@b.c', type: 'work' },
      { value: 'a@b.c', type: 'work', primary: true },
      { value: 'a@b.c', type: 'home' },
    ],
  });
  expect(user.emails).toEqual([
    { value: 'a@b.c', type: 'work', primary: true },
    { value: 'a@b.c', type: 'home' },
  ]);
});

test('C15 a group may be created without members, and with each of them once; a stranger is refused', async () => {
  const user = await scim.aUser();
  expect(await scim.aGroup({ members: [] })).not.toHaveProperty('members');
  const group = await scim.aGroup({ members: [{ value: user.id }, { value: user.id, display: 'x' }, { value: user.id, type: 'User' }] });
  expect(group.members).toEqual([{ value: user.id, $ref: `${scim.baseUrl}/Users/${user.id}`, display: user.userName, type: 'User' }]);
  for (const value of [nobody, 'x', group.meta.version, 'grp_00000000000000000000000000000000']) {
    expect([value, seen(await scim.post('/Groups', { displayName: 'strange', members: [{ value: user.id }, { value }] }))]).toEqual([
      value,
      anError(400, 'invalidValue'),
    ]);
  }
  expect(await scim.matching('displayName eq "strange"', '/Groups')).toEqual([]);
});

test('C16 a creation that is sent again is refused, and a filter finds what the first one made', async () => {
  const body = { schemas: [userUrn], userName: 'ada@acme.com', externalId: '1' };
  const first = await scim.post('/Users', body);
  expect(seen(await scim.post('/Users', body))).toEqual(anError(409, 'uniqueness'));
  expect((await scim.query('/Users', { filter: 'userName eq "ada@acme.com"' })).body.Resources).toEqual([first.body]);
  expect(await scim.events()).toEqual(['user.created']);
});

test('C17 what is sent is shown again, character for character', async () => {
  const odd = [
    ' leading',
    'trailing ',
    'a\tb\nc',
    'É',
    'e\u0301',
    'ﬁ',
    'ß',
    'İ',
    '\u{1f469}\u200d\u{1f680}',
    '"\\/\b\f',
    '\u200f',
    '<b>&amp;',
    "';--",
    '%_',
    '\u2028',
    '\ufeff',
    '\u0001',
    '\uffff',
    '0',
    'null',
    'true',
    '1e3',
  ];
  const written = {
    displayName: odd.join('|'),
    emails: odd.map((value, i) => ({ value, type: `t${i}` })),
    title: odd[0],
    name: { formatted: odd.join('') },
    [enterpriseUrn]: { department: ' É ', costCenter: '007' },
  };
  const user = await scim.aUser({ userName: '  É lodie ', ...written });
  expect((await scim.get(`/Users/${user.id}`)).body).toMatchObject({ userName: '  É lodie ', ...written });
});

test('C17 and so is an extension whatever its URN, and a PUT of what is read changes nothing', async () => {
  const extensions = {
    'urn:acme:x': { a: '1' },
    'urn:acme:schemas:ext.v1.2': { B: [true] },
    'URN:Acme:2.0:User': { c: { D: 5 } },
    'http://acme.com/schemas/1.0': { e: 'f' },
    'urn:ietf:params:scim:schemas:extension:2.0:Metadata': { costCenter: 'x' },
  };
  const user = await scim.aUser(extensions);
  expect(user).toMatchObject(extensions);
  expect(user.schemas).toEqual([userUrn, ...Object.keys(extensions)]);
  expect((await scim.put(`/Users/${user.id}`, user)).body).toEqual(user);
});

test('C17 and so is whatever an undeclared extension holds', async () => {
  const urn = 'urn:acme:params:scim:schemas:extension:any:2.0:User';
  const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => !/[\0\p{Cs}]/u.test(value));
  const leaf = fc.oneof(
    text,
    fc.integer(),
    fc.boolean(),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((value) => (!Number.isInteger(value) || Number.isSafeInteger(value)) && !Object.is(value, -0)),
  );
  const value = fc.oneof(
    leaf,
    fc.array(leaf, { minLength: 1, maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9]{0,8}$/), leaf, { minKeys: 1, maxKeys: 4 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), value, { minKeys: 1, maxKeys: 5 }), async (data) => {
      const sent: unknown = JSON.parse(JSON.stringify(data));
      const user = await scim.aUser({ [urn]: sent });
      expect((await scim.get(`/Users/${user.id}`)).body[urn]).toEqual(sent);
    }),
    { numRuns: 60 },
  );
});

test('C18 ids are opaque, short, fit a URL, and are never given again', async () => {
  const seenIds = new Set<string>();
  for (let i = 0; i < 5; i += 1) {
    const { id } = await scim.aUser({ userName: 'again@acme.com' });
    expect(id).toMatch(/^usr_[0-9a-f]{32}$/);
    expect(seenIds.has(id)).toBe(false);
    seenIds.add(id);
    await scim.delete(`/Users/${id}`);
  }
});
