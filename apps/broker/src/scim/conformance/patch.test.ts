/** Changing a resource: PATCH (RFC 7644 §3.5.2). */
import { statementsOf } from '#testing';
import {
  anError,
  aScimDirectory,
  enterpriseUrn,
  groupUrn,
  nobody,
  noGroup,
  patchUrn,
  type Reply,
  type ScimUnderTest,
  seen,
  userUrn,
} from './a-scim-directory';

let scim: ScimUnderTest;
let user: Record<string, any>;
let path: string;

beforeEach(async () => {
  scim = await aScimDirectory();
  user = await scim.aUser({
    userName: 'ada',
    title: 'Engineer',
    name: { givenName: 'Ada', familyName: 'L' },
    active: true,
    emails: [
      { value: 'ada@acme.com', type: 'work', primary: true },
      { value: 'ada@home.org', type: 'home' },
    ],
    [enterpriseUrn]: { department: 'R&D', manager: { value: 'm' } },
  });
  path = `/Users/${user.id}`;
});

const patch = (...operations: object[]): Promise<Reply> => scim.patch(path, operations);

async function changed(...operations: object[]): Promise<Reply['body']> {
  const reply = await patch(...operations);
  expect([operations, reply.status, reply.text]).toEqual([operations, 200, reply.text]);
  expect((await scim.get(path)).body).toEqual(reply.body);
  return reply.body;
}

async function refused(scimType: string, ...operations: unknown[]): Promise<void> {
  const before = (await scim.get(path)).body;
  expect([operations, seen(await scim.patch(path, operations))]).toEqual([operations, anError(400, scimType)]);
  expect((await scim.get(path)).body).toEqual(before);
}

test('P1 a PATCH answers 200 with the whole resource, its place and its version', async () => {
  const reply = await patch({ op: 'replace', path: 'title', value: 'Lead' });
  expect([reply.status, reply.headers.get('etag'), reply.headers.get('location')]).toEqual([
    200,
    reply.body.meta.version,
    user.meta.location,
  ]);
  expect(reply.body).toEqual({
    ...user,
    title: 'Lead',
    meta: { ...user.meta, lastModified: reply.body.meta.lastModified, version: reply.body.meta.version },
  });
  const group = await scim.aGroup();
  expect(
    (await scim.patch(`/Groups/${group.id}`, [{ op: 'add', path: 'members', value: [{ value: user.id }] }])).body.members,
  ).toHaveLength(1);
});

test('P2 operations must be there and be of the right form', async () => {
  for (const body of [
    {},
    { schemas: [patchUrn] },
    { Operations: [] },
    { Operations: {} },
    { Operations: 'x' },
    { Operations: [5] },
    { Operations: [null] },
    { Operations: [{}] },
    { Operations: [{ path: 'title', value: 'x' }] },
    { Operations: [{ op: 'move', path: 'title' }] },
    { Operations: [{ op: 5, path: 'title' }] },
    { Operations: [{ op: 'add', path: 'title' }] },
    { Operations: [{ op: 'replace', path: 'title' }] },
    { schemas: [userUrn], Operations: [{ op: 'add', path: 'title', value: 'x' }] },
  ])
    expect([body, seen(await scim.patch(path, body))]).toEqual([body, anError(400, 'invalidSyntax')]);
  for (const body of [
    { Operations: [{ op: 'add', path: 'title', value: 'a' }] },
    { schemas: [patchUrn], operations: [{ op: 'add', path: 'title', value: 'b' }] },
  ])
    expect((await scim.patch(path, body)).status).toBe(200);
});

test('P3 all operations hold or none', async () => {
  await refused('noTarget', { op: 'replace', path: 'title', value: 'x' }, { op: 'remove' });
  await refused('invalidPath', { op: 'replace', path: 'title', value: 'x' }, { op: 'add', path: 'nope', value: 'x' });
  await refused('mutability', { op: 'replace', path: 'active', value: false }, { op: 'replace', path: 'id', value: 'x' });
  await refused(
    'noTarget',
    { op: 'replace', path: 'title', value: 'x' },
    { op: 'replace', path: 'emails[type eq "nonexistent"].value', value: 'x' },
  );
  const group = await scim.aGroup();
  const reply = await scim.patch(`/Groups/${group.id}`, [
    { op: 'replace', path: 'displayName', value: 'x' },
    { op: 'add', path: 'members', value: [{ value: user.id }] },
    { op: 'add', path: 'members', value: [{ value: nobody }] },
  ]);
  expect(seen(reply)).toEqual(anError(400, 'invalidValue'));
  expect((await scim.get(`/Groups/${group.id}`)).body).toEqual(group);
  expect((await scim.get(path)).body).toEqual(user);
});

test('P4 later operations see what earlier ones did', async () => {
  expect(
    (
      await changed(
        { op: 'add', path: 'emails', value: [{ value: 'x@y.z', type: 'other' }] },
        { op: 'replace', path: 'emails[type eq "other"].value', value: 'q@y.z' },
        { op: 'remove', path: 'emails[type eq "home"]' },
      )
    ).emails.map(({ value }: { value: string }) => value),
  ).toEqual(['ada@acme.com', 'q@y.z']);
  const group = await scim.aGroup();
  const { body } = await scim.patch(`/Groups/${group.id}`, [
    { op: 'add', path: 'members', value: [{ value: user.id }] },
    { op: 'remove', path: `members[value eq "${user.id}"]` },
  ]);
  expect(body).toEqual(group);
});

test('P5 add replaces a single value, joins a complex one, and appends to several', async () => {
  const body = await changed(
    { op: 'add', path: 'title', value: 'Lead' },
    { op: 'add', path: 'name', value: { middleName: 'B' } },
    { op: 'add', path: 'emails', value: [{ value: 'x@y.z', type: 'other' }] },
  );
  expect(body).toMatchObject({ title: 'Lead', name: { givenName: 'Ada', familyName: 'L', middleName: 'B' } });
  expect(body.emails).toEqual([...user.emails, { value: 'x@y.z', type: 'other' }]);
});

test('P5 adding what is there already changes nothing, not even the time', async () => {
  const events = await scim.events();
  for (const operation of [
    { op: 'add', path: 'title', value: 'Engineer' },
    { op: 'add', path: 'emails', value: [{ value: 'ada@home.org', type: 'home' }] },
    { op: 'add', path: 'name', value: { givenName: 'Ada' } },
    { op: 'add', value: { active: true } },
    { op: 'add', path: `${enterpriseUrn}:department`, value: 'R&D' },
  ])
    expect([operation, (await patch(operation)).body]).toEqual([operation, user]);
  expect(await scim.events()).toEqual(events);
});

test('P6 without a path the value is an object of attributes, each of which follows the same rules', async () => {
  const added = await changed({ op: 'add', value: { title: 'Lead', emails: [{ value: 'x@y.z' }], name: { middleName: 'B' } } });
  expect(added.emails).toHaveLength(3);
  expect(added.name).toEqual({ givenName: 'Ada', familyName: 'L', middleName: 'B' });
  const replaced = await changed({ op: 'replace', value: { emails: [{ value: 'only@y.z' }], name: { familyName: 'K' } } });
  expect(replaced.emails).toEqual([{ value: 'only@y.z' }]);
  expect(replaced.name).toEqual({ givenName: 'Ada', familyName: 'K', middleName: 'B' });
});

test('P7 replacing what is not there adds it', async () => {
  expect(
    await changed({ op: 'replace', path: 'nickName', value: 'a' }, { op: 'replace', path: 'roles', value: [{ value: 'r' }] }),
  ).toMatchObject({ nickName: 'a', roles: [{ value: 'r' }] });
});

test('P8 replacing a complex value keeps the parts that are not named', async () => {
  expect((await changed({ op: 'replace', path: 'name', value: { familyName: 'K' } })).name).toEqual({ givenName: 'Ada', familyName: 'K' });
});

test('P9 replacing several values without a filter replaces them all; one may stand alone', async () => {
  expect((await changed({ op: 'replace', path: 'emails', value: [{ value: 'a@x' }, { value: 'b@x' }] })).emails).toEqual([
    { value: 'a@x' },
    { value: 'b@x' },
  ]);
  expect((await changed({ op: 'replace', path: 'emails', value: { value: 'c@x', type: 'work' } })).emails).toEqual([
    { value: 'c@x', type: 'work' },
  ]);
});

test('P10 with a filter the chosen values are replaced, or their sub-attribute', async () => {
  expect(
    (await changed({ op: 'replace', path: 'emails[type eq "work"]', value: { value: 'new@acme.com', display: 'W' } })).emails[0],
  ).toEqual({ value: 'new@acme.com', type: 'work', primary: true, display: 'W' });
  expect(
    (await changed({ op: 'replace', path: 'emails[value ew "org" or value ew "com"].display', value: 'D' })).emails.map(
      ({ display }: { display: string }) => display,
    ),
  ).toEqual(['D', 'D']);
});

test('P11 a value that no filter chose is made where its type is a known one, or for primary; else noTarget', async () => {
  expect((await changed({ op: 'replace', path: 'phoneNumbers[type eq "mobile"].value', value: '5' })).phoneNumbers).toEqual([
    { type: 'mobile', value: '5' },
  ]);
  expect((await changed({ op: 'add', path: 'addresses[type eq "work"].locality', value: 'London' })).addresses).toEqual([
    { type: 'work', locality: 'London' },
  ]);
  expect((await changed({ op: 'replace', path: 'roles[primary eq "True"].value', value: 'r' })).roles).toEqual([
    { primary: true, value: 'r' },
  ]);
  expect((await changed({ op: 'add', path: 'ims[type eq "mine" and display eq "x"].value', value: 'i' })).ims).toEqual([
    { type: 'mine', display: 'x', value: 'i' },
  ]);
  await refused('noTarget', { op: 'replace', path: 'emails[type eq "nonexistent"].value', value: 'x' });
  await refused('noTarget', { op: 'replace', path: 'emails[value eq "nobody@x"].display', value: 'x' });
  await refused('noTarget', { op: 'add', path: 'emails[type co "x"].value', value: 'x' });
});

test('P12 remove needs a path', async () => {
  await refused('noTarget', { op: 'remove' });
  await refused('noTarget', { op: 'remove', value: { title: 'x' } });
  await refused('noTarget', { op: 'remove', path: '' });
});

test('P13 remove takes away single values, all values, chosen ones, their parts, and extensions', async () => {
  expect(await changed({ op: 'remove', path: 'title' })).not.toHaveProperty('title');
  expect((await changed({ op: 'remove', path: 'name.givenName' })).name).toEqual({ familyName: 'L' });
  expect((await changed({ op: 'remove', path: 'emails[type eq "work"].primary' })).emails[0]).toEqual({
    value: 'ada@acme.com',
    type: 'work',
  });
  expect((await changed({ op: 'remove', path: 'emails[type eq "work"]' })).emails).toEqual([{ value: 'ada@home.org', type: 'home' }]);
  expect(await changed({ op: 'remove', path: 'emails' })).not.toHaveProperty('emails');
  expect((await changed({ op: 'remove', path: `${enterpriseUrn}:manager` }))[enterpriseUrn]).toEqual({ department: 'R&D' });
  const bare = await changed({ op: 'remove', path: enterpriseUrn });
  expect(bare).not.toHaveProperty([enterpriseUrn]);
  expect(bare.schemas).toEqual([userUrn]);
});

test('P14 removing what is not there is a success that changes nothing', async () => {
  const group = await scim.aGroup({ members: [{ value: user.id }] });
  const before = (await scim.get(path)).body;
  for (const target of [
    'nickName',
    'name.middleName',
    'emails[type eq "other"]',
    'emails[type eq "other"].value',
    'urn:nobody:knows:2.0:User',
    'urn:nobody:knows:2.0:User:x',
    'roles',
  ])
    expect([target, (await patch({ op: 'remove', path: target })).body]).toEqual([target, before]);
  for (const target of [`members[value eq "${nobody}"]`, 'members[value eq "x"]', 'members[display eq "x"]']) {
    expect([target, (await scim.patch(`/Groups/${group.id}`, [{ op: 'remove', path: target }])).body]).toEqual([target, group]);
  }
});

test('P15 what is required cannot be removed, and what is read-only not be changed', async () => {
  await refused('mutability', { op: 'remove', path: 'userName' });
  for (const target of ['id', 'meta', 'meta.created', 'groups', 'groups[value eq "x"]']) {
    await refused('mutability', { op: 'remove', path: target });
    await refused('mutability', { op: 'replace', path: target, value: 'x' });
    await refused('mutability', { op: 'add', path: target, value: 'x' });
  }
  const group = await scim.aGroup();
  expect(seen(await scim.patch(`/Groups/${group.id}`, [{ op: 'remove', path: 'displayName' }]))).toEqual(anError(400, 'mutability'));
});

test('P15 but in a value without a path what is read-only is ignored, as Okta and authentik send it', async () => {
  const group = await scim.aGroup();
  expect(
    (
      await scim.patch(`/Groups/${group.id}`, [
        { op: 'replace', value: { id: group.id, displayName: 'New', schemas: [groupUrn], meta: { resourceType: 'Group' } } },
      ])
    ).body,
  ).toMatchObject({ id: group.id, displayName: 'New' });
});

test('P16 a path that is malformed, or names what there is not, is invalidPath', async () => {
  for (const target of [
    'emails[type eq "work"',
    'emails[',
    '..',
    'name.',
    '.name',
    'emails[0]',
    'emails[]',
    'nope',
    'name.nope',
    'emails.nope',
    'emails[type eq "work"].nope',
    `${userUrn}:nope`,
    'emails[type eq "work"]value',
    'user name',
    'title[value eq "x"]',
    'name.givenName.x',
  ]) {
    await refused('invalidPath', { op: 'replace', path: target, value: 'x' });
  }
  for (const target of [
    'emails[type regex "x"]',
    'emails[nope eq "x"]',
    'emails[type eq work]',
    "emails[type eq 'work']",
    'emails[type eq]',
    'emails[type eq "x" and]',
  ])
    await refused('invalidFilter', { op: 'replace', path: target, value: { value: 'x' } });
  await refused('invalidPath', { op: 'add', path: 5, value: 'x' });
  expect(await changed({ op: 'replace', value: { nope: 'x', title: 'Y' } })).toMatchObject({ title: 'Y' });
});

test('P17 a value of the wrong type is invalidValue; a boolean may be its text', async () => {
  for (const [target, value] of [
    ['active', 'banana'],
    ['active', 1],
    ['active', {}],
    ['addresses', 'x'],
    ['emails', 5],
    ['emails', [true]],
    ['name', 5],
    ['name', 'x'],
    ['title', {}],
    ['title', 1.5],
    ['title', 2 ** 53],
    ['title', ['a', 'b']],
    ['emails[type eq "work"].primary', 'x'],
    ['emails[type eq "work"]', 5],
    [enterpriseUrn, 5],
    ['userName', ''],
  ] as const) {
    await refused('invalidValue', { op: 'replace', path: target, value });
  }
  await refused('invalidValue', { op: 'replace', value: 5 });
  await refused('invalidValue', { op: 'add', value: { active: 'x' } });
  for (const [text, value] of [
    ['False', false],
    ['TRUE', true],
    ['false', false],
    ['true', true],
  ] as const)
    expect((await changed({ op: 'replace', path: 'active', value: text })).active).toBe(value);
});

test('P18 making one value primary makes the others not', async () => {
  const primaries = (body: Reply['body']): unknown[] => body.emails.map(({ primary }: { primary?: boolean }) => primary);
  expect(primaries(await changed({ op: 'replace', path: 'emails[type eq "home"].primary', value: true }))).toEqual([false, true]);
  expect(primaries(await changed({ op: 'add', path: 'emails', value: [{ value: 'x@y.z', primary: true }] }))).toEqual([false, false, true]);
  await refused('invalidValue', {
    op: 'replace',
    path: 'emails',
    value: [
      { value: 'a', primary: true },
      { value: 'b', primary: true },
    ],
  });
});

test('P19 an attribute with a URN brings its URN into schemas', async () => {
  const plain = await scim.aUser();
  const { body } = await scim.patch(`/Users/${plain.id}`, [
    { op: 'add', path: `${enterpriseUrn}:costCenter`, value: '1' },
    { op: 'add', path: 'urn:acme:x:2.0:User:y', value: 'z' },
  ]);
  expect(body.schemas).toEqual([userUrn, enterpriseUrn, 'urn:acme:x:2.0:User']);
  expect(body).toMatchObject({ [enterpriseUrn]: { costCenter: '1' }, 'urn:acme:x:2.0:User': { y: 'z' } });
});

test('P20 a name that is taken is refused, and nothing of the request holds', async () => {
  await scim.aUser({ userName: 'bob' });
  expect(seen(await patch({ op: 'replace', path: 'title', value: 'x' }, { op: 'replace', path: 'userName', value: 'BOB' }))).toEqual(
    anError(409, 'uniqueness'),
  );
  expect((await scim.get(path)).body).toEqual(user);
  await scim.aGroup({ displayName: 'one' });
  const group = await scim.aGroup({ displayName: 'two' });
  expect(
    seen(
      await scim.patch(`/Groups/${group.id}`, [
        { op: 'add', path: 'members', value: [{ value: user.id }] },
        { op: 'replace', value: { displayName: 'ONE' } },
      ]),
    ),
  ).toEqual(anError(409, 'uniqueness'));
  expect((await scim.get(`/Groups/${group.id}`)).body).toEqual(group);
});

test('P21 paths may have URNs, of any case', async () => {
  const body = await changed(
    { op: 'REPLACE', path: `${userUrn}:name.givenName`, value: 'B' },
    { op: 'Add', path: `${enterpriseUrn.toUpperCase()}:MANAGER.value`, value: 'n' },
    { op: 'replace', path: enterpriseUrn, value: { division: 'D' } },
    { op: 'replace', path: `${userUrn}:emails[type eq "work"].value`, value: 'w@x' },
  );
  expect(body).toMatchObject({
    name: { givenName: 'B' },
    emails: [{ value: 'w@x' }, {}],
    [enterpriseUrn]: { department: 'R&D', division: 'D', manager: { value: 'n' } },
  });
  await refused('invalidPath', { op: 'replace', path: `${enterpriseUrn}.manager`, value: 'x' });
});

test('P22 names in a value without a path may be paths themselves', async () => {
  const body = await changed({
    op: 'replace',
    value: {
      'name.givenName': 'B',
      [`${enterpriseUrn}:department`]: 'Y',
      'emails[type eq "work"].value': 'z@x',
      [enterpriseUrn]: { division: 'D' },
      'urn:acme:x:2.0:User:y': 'z',
    },
  });
  expect(body).toMatchObject({
    name: { givenName: 'B', familyName: 'L' },
    emails: [{ value: 'z@x' }, {}],
    [enterpriseUrn]: { department: 'Y', division: 'D' },
    'urn:acme:x:2.0:User': { y: 'z' },
  });
});

test('P23 "" and null clear an attribute, but not one that is required', async () => {
  expect(await changed({ op: 'replace', path: 'title', value: '' })).not.toHaveProperty('title');
  expect((await changed({ op: 'add', path: 'name.givenName', value: null })).name).toEqual({ familyName: 'L' });
  expect((await changed({ op: 'replace', path: `${enterpriseUrn}:manager`, value: { value: '' } }))[enterpriseUrn]).toEqual({
    department: 'R&D',
  });
  expect(await changed({ op: 'replace', path: 'emails', value: [] })).not.toHaveProperty('emails');
  expect(await changed({ op: 'replace', value: { name: null, [`${enterpriseUrn}:department`]: '' } })).toMatchObject({
    schemas: [userUrn],
  });
  expect((await changed({ op: 'replace', path: 'active', value: null })).active).toBe(true);
  await refused('invalidValue', { op: 'replace', path: 'userName', value: '' });
  await refused('invalidValue', { op: 'replace', path: 'userName', value: null });
});

test('P23 what changes nothing makes no event: active that is removed or emptied, {}, another order, primary: false where it was absent', async () => {
  const [work, home] = user['emails'];
  const events = await scim.events();
  for (const operation of [
    { op: 'remove', path: 'active' },
    { op: 'replace', path: 'active', value: null },
    { op: 'replace', path: 'name', value: {} },
    { op: 'replace', path: enterpriseUrn, value: {} },
    { op: 'replace', path: 'emails', value: [home, work] },
    { op: 'replace', path: 'emails[type eq "home"].primary', value: 'False' },
  ])
    expect(await changed(operation)).toEqual(user);
  expect(await scim.events()).toEqual(events);
  expect((await scim.query('/Users', { filter: 'active eq true and active pr' })).body.totalResults).toBe(1);
});

test('P24 a single value may stand in an array, a complex one be its JSON', async () => {
  const body = await changed(
    { op: 'Add', path: `${enterpriseUrn}:manager`, value: [{ $ref: 'http://x/Users/M2', value: 'M2' }] },
    { op: 'replace', path: 'title', value: ['Lead'] },
    { op: 'Add', path: 'roles', value: [{ value: '{"id":"1","value":"r","displayName":"R"}' }] },
  );
  expect(body).toMatchObject({
    title: 'Lead',
    [enterpriseUrn]: { manager: { value: 'M2' } },
    roles: [{ value: '{"id":"1","value":"r","displayName":"R"}' }],
  });
  expect((await changed({ op: 'add', path: `${enterpriseUrn}:manager`, value: 'M3' }))[enterpriseUrn].manager).toEqual({ value: 'M3' });
});

describe('members', () => {
  let group: Record<string, any>;
  let others: string[];

  beforeEach(async () => {
    others = [];
    for (let i = 0; i < 4; i += 1) others.push((await scim.aUser()).id);
    group = await scim.aGroup({ members: [{ value: others[0] }, { value: others[1] }] });
  });

  const members = async (...operations: object[]): Promise<string[]> => {
    const reply = await scim.patch(`/Groups/${group.id}`, operations);
    expect([operations, reply.status, reply.text]).toEqual([operations, 200, reply.text]);
    return (reply.body.members ?? []).map(({ value }: { value: string }) => value);
  };

  test('P25 members are added in every form that is sent', async () => {
    const [a, b, c, d] = others;
    expect(await members({ op: 'add', path: 'members', value: [{ value: c }] })).toEqual([a, b, c]);
    expect(await members({ op: 'remove', path: `members[value eq "${c}"]` })).toEqual([a, b]);
    for (const value of [
      { value: c },
      [c],
      [{ $ref: null, value: c }],
      [{ value: c, display: 'x', type: 'User' }],
      JSON.stringify([{ value: c }]),
      c,
    ]) {
      expect([value, await members({ op: 'Add', path: 'members', value })]).toEqual([value, [a, b, c]]);
      expect(await members({ op: 'Remove', path: 'members', value: [{ value: c }] })).toEqual([a, b]);
    }
    expect(await members({ op: 'add', value: { members: [{ value: c }, { value: d }] } })).toEqual([a, b, c, d]);
  });

  test('P25 a remove with a value takes only those out, and one without takes all', async () => {
    const [a, b, c, d] = others;
    await members({ op: 'add', path: 'members', value: [{ value: c }, { value: d }] });
    expect(await members({ op: 'Remove', path: 'members', value: [{ $ref: null, value: a }] })).toEqual([b, c, d]);
    expect(await members({ op: 'remove', path: 'members', value: [b] })).toEqual([c, d]);
    expect(await members({ op: 'remove', path: 'members', value: [] })).toEqual([c, d]);
    expect(await members({ op: 'remove', path: `members[value eq "${c}" or value eq "${a}"]` })).toEqual([d]);
    expect(await members({ op: 'add', path: 'members', value: [{ value: a }] })).toEqual([a, d]);
    expect(await members({ op: 'remove', path: 'members' })).toEqual([]);
  });

  test('P25 replacing members replaces them all; none empties the group', async () => {
    const [, b, c] = others;
    expect(await members({ op: 'replace', path: 'members', value: [{ value: c }, { value: b, display: 'x' }] })).toEqual([b, c]);
    expect(await members({ op: 'replace', value: { members: [{ value: c }] } })).toEqual([c]);
    expect(await members({ op: 'replace', path: 'members', value: [] })).toEqual([]);
  });

  test('P25 members are chosen by display, type and $ref as well', async () => {
    const nested = await scim.aGroup();
    await members({ op: 'add', path: 'members', value: [{ value: nested.id }] });
    expect(await members({ op: 'remove', path: 'members[type eq "group"]' })).toEqual(others.slice(0, 2));
    const { display } = group.members[0];
    expect(await members({ op: 'remove', path: `members[display eq "${display.toUpperCase()}" and type eq "User"]` })).toEqual([others[1]]);
    await members({ op: 'add', path: 'members', value: [{ value: others[0] }, { value: others[2] }] });
    expect(
      await members(
        { op: 'remove', path: `members[$ref eq "${scim.baseUrl}/Users/${others[0]}"]` },
        { op: 'remove', path: `members[$ref ew "${others[2]}"]` },
      ),
    ).toEqual([others[1]]);
    expect(await members({ op: 'remove', path: `members[not (value eq "${nobody}")]` })).toEqual([]);
  });

  test('P26 who is a member already stays one; a stranger is refused', async () => {
    const events = await scim.events();
    expect(await members({ op: 'add', path: 'members', value: [{ value: others[0] }, { value: others[0] }] })).toEqual(others.slice(0, 2));
    expect(await scim.events()).toEqual(events);
    for (const value of [nobody, noGroup, 'x', '', 5, group.id.replace('grp', 'usr')]) {
      expect([
        value,
        seen(await scim.patch(`/Groups/${group.id}`, [{ op: 'add', path: 'members', value: [{ value: others[2] }, { value }] }])),
      ]).toEqual([value, anError(400, 'invalidValue')]);
    }
    expect((await scim.get(`/Groups/${group.id}`)).body).toEqual(group);
  });

  test('P26 a member cannot be changed into another', async () => {
    expect(
      seen(await scim.patch(`/Groups/${group.id}`, [{ op: 'replace', path: `members[value eq "${others[0]}"].value`, value: others[2] }])),
    ).toEqual(anError(400, 'mutability'));
  });

  test('P27 a thousand operations on members in one request are one change', async () => {
    const bulk = await scim.post('/Bulk', {
      Operations: Array.from({ length: 1000 }, (_, i) => ({
        method: 'POST',
        path: '/Users',
        bulkId: `b${i}`,
        data: { userName: `m${i}` },
      })),
    });
    const ids: string[] = bulk.body.Operations.map(({ location }: { location: string }) => location.slice(-36));
    const statements = await statementsOf(async () =>
      expect(
        await members(
          ...ids.map((value) => ({ op: 'add', path: 'members', value: [{ value }] })),
          { op: 'remove', path: `members[value eq "${others[0]}"]` },
          { op: 'remove', path: `members[value eq "${others[1]}"]` },
        ),
      ).toEqual(ids),
    );
    expect(statements.length).toBeLessThan(30);
    expect(await members(...ids.map((value) => ({ op: 'remove', path: `members[value eq "${value}"]` })))).toEqual([]);
    expect((await scim.events()).filter((type) => type === 'group.member_added')).toHaveLength(1002);
  }, 60_000);
});

test('P28 an id that is not there is 404, whatever the body', async () => {
  for (const target of [`/Users/${nobody}`, '/Users/x', `/Groups/${noGroup}`]) {
    for (const operations of [[{ op: 'replace', path: 'externalId', value: 'x' }], [{ op: 'nope' }], [], [{ op: 'remove', path: '..' }]])
      expect([target, seen(await scim.patch(target, operations))]).toEqual([target, anError(404)]);
    expect(seen(await scim.put(target, {}))).toEqual(anError(404));
  }
});

test('P29 times only go up, and a version changes if and only if the resource does', async () => {
  let last = user;
  for (const title of ['a', 'a', 'b', 'c', 'c']) {
    const { body } = await patch({ op: 'replace', path: 'title', value: title });
    const same = body.title === last.title;
    expect([title, body.meta.version === last.meta.version]).toEqual([title, same]);
    expect(body.meta.lastModified >= last.meta.lastModified).toBe(true);
    expect(body.meta.created).toBe(user.meta.created);
    last = body;
  }
  const group = await scim.aGroup({ members: [{ value: user.id }] });
  expect((await scim.get(path)).body.meta.version).not.toBe(last.meta.version);
  const { version } = (await scim.get(path)).body.meta;
  await scim.delete(`/Groups/${group.id}`);
  expect((await scim.get(path)).body.meta.version).not.toBe(version);
});

test('P30 roles[primary eq "True"] chooses by the boolean', async () => {
  await changed({ op: 'add', path: 'roles', value: [{ value: 'a', primary: 'True' }, { value: 'b' }] });
  expect(
    (
      await changed(
        { op: 'replace', path: 'roles[primary eq "True"].value', value: 'c' },
        { op: 'replace', path: 'roles[primary eq "True"].display', value: 'C' },
      )
    ).roles,
  ).toEqual([{ value: 'c', primary: true, display: 'C' }, { value: 'b' }]);
});
