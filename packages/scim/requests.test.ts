import fc from 'fast-check';
import { countCalls } from '../testing/calls';
import { ScimError } from './errors';
import { isActive, parseGroup, parseUser, replaceGroup, replaceUser } from './requests';
import type { Resource } from './resource';
import { coreSchemas, schemaSet } from './schemas';
import { enterpriseUserUrn, groupUrn, userUrn } from './urns';

const refused = (scimType: string) => expect.objectContaining({ status: 400, scimType });
const user = (body: object): object => parseUser({ schemas: [userUrn], userName: 'ada', ...body }, coreSchemas).resource;

test('C1, C3, C11, C12 a user is what was sent, and active where nothing else was', () => {
  const sent = {
    userName: 'ada',
    externalId: '7',
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [{ value: 'ada@x.example', type: 'work', primary: true }],
    roles: [{ value: '{"id":"1"}' }],
    profileUrl: 'not a URL',
    locale: 'NNRDFXPHOXUY',
    timezone: 'nowhere',
    [enterpriseUserUrn]: { department: 'D', manager: { value: 'nobody', displayName: 'N' } },
  };
  expect(parseUser({ schemas: [userUrn], ...sent }, coreSchemas)).toEqual({ resource: { ...sent, active: true }, notes: [] });
  expect(user({ active: false })).toMatchObject({ active: false });
  expect(user({ active: null })).toMatchObject({ active: true });
});

test('C2, C7 id, meta, schemas and groups are ignored', () => {
  expect(user({ id: 'x', meta: { created: 'x' }, groups: [] })).toEqual({ userName: 'ada', active: true });
  expect(parseUser({ schemas: [userUrn], userName: 'ada', groups: [{ value: 'g' }] }, coreSchemas).notes).toEqual([
    'ignored read-only attribute groups',
  ]);
});

describe('C4 what is required', () => {
  test.each([
    [{}],
    [{ userName: '' }],
    [{ userName: null }],
    [{ userName: '  ' }],
    [{ userName: [] }],
    [{ userName: 1.5 }],
    [{ userName: { value: 'a' } }],
  ])('a user needs a userName: %j', (body) => {
    expect(() => parseUser(body, coreSchemas)).toThrow(refused('invalidValue'));
  });
  test.each([[{}], [{ displayName: '' }], [{ displayName: true }]])('a group needs a displayName: %j', (body) => {
    expect(() => parseGroup(body, coreSchemas)).toThrow(refused('invalidValue'));
  });
});

test.each([[null], [[]], ['x'], [5], [undefined]])('G7 a body that is no object is refused: %j', (body) => {
  expect(() => parseUser(body, coreSchemas)).toThrow(refused('invalidSyntax'));
  expect(() => parseGroup(body, coreSchemas)).toThrow(refused('invalidSyntax'));
});

describe('G12 schemas', () => {
  test.each([
    [undefined],
    [[]],
    [[userUrn.toUpperCase()]],
    [['urn:scim:schemas:core:1.0']],
    [[userUrn, 'urn:x:y', userUrn]],
    [[enterpriseUserUrn, userUrn]],
  ])('may be %j', (schemas) => {
    expect(parseUser({ schemas, userName: 'a' }, coreSchemas).resource).toEqual({ userName: 'a', active: true });
  });
  test.each([[[groupUrn]], ['x'], [[5]], [{}]])('may not be %j', (schemas) => {
    expect(() => parseUser({ schemas, userName: 'a' }, coreSchemas)).toThrow(refused('invalidSyntax'));
  });
});

test('G11 names are of any case', () => {
  expect(
    parseUser(
      { USERNAME: 'b', Name: { GIVENNAME: 'x' }, EMAILS: [{ VALUE: 'v' }], [enterpriseUserUrn.toUpperCase()]: { DEPARTMENT: 'd' } },
      coreSchemas,
    ).resource,
  ).toEqual({
    userName: 'b',
    active: true,
    name: { givenName: 'x' },
    emails: [{ value: 'v' }],
    [enterpriseUserUrn]: { department: 'd' },
  });
});

test.each<[string, object]>([
  ['an attribute', { displayName: 'a', DisplayName: 'b' }],
  ['a required one', { USERNAME: 'b' }],
  ['one that is equal', { title: 'a', Title: 'a' }],
  ['an unknown one', { nope: 1, Nope: 2 }],
  ['one with its URN', { [`${userUrn}:userName`]: 'b' }],
  ['one under its URN', { title: 'a', [userUrn]: { title: 'b' } }],
  ['a sub-attribute', { name: { givenName: 'a', GivenName: 'b' } }],
  ['one of several values', { emails: [{ value: 'a', Value: 'b' }] }],
  ['an extension', { [enterpriseUserUrn]: { department: 'a' }, [enterpriseUserUrn.toUpperCase()]: { department: 'b' } }],
  ['an attribute of one', { [enterpriseUserUrn]: { department: 'a', Department: 'b' } }],
  ['one of an extension that nobody declared', { 'urn:x:y:2.0:User': { a: '1', A: '2' } }],
  ['one deep in it', { 'urn:x:y:2.0:User': { a: [{ b: '1', B: '2' }] } }],
])('G11 a name that is there twice, in whatever case, is refused: %s', (_what, body) => {
  expect(() => user(body)).toThrow(refused('invalidSyntax'));
});

test('G14 null, "" and [] are not there', () => {
  expect(
    user({
      title: null,
      nickName: '',
      emails: [],
      phoneNumbers: [null, {}, { value: null, type: 'work' }],
      addresses: [{ type: 'work', locality: '' }],
      name: { givenName: null },
      [enterpriseUserUrn]: { department: '', manager: null },
    }),
  ).toEqual({
    userName: 'ada',
    active: true,
  });
});

test('C8 a password is not kept', () => {
  expect(user({ password: 'secret' })).toEqual({ userName: 'ada', active: true });
});

describe('C9 what no schema knows', () => {
  test('is ignored and noted in the core', () => {
    expect(
      parseUser({ schemas: [userUrn], userName: 'a', dispalyName: 'x', name: { nope: 1 }, constructor: 1, toString: 'x' }, coreSchemas),
    ).toEqual({
      resource: { userName: 'a', active: true },
      notes: [
        'ignored unknown attribute dispalyName',
        'ignored unknown attribute name.nope',
        'ignored unknown attribute constructor',
        'ignored unknown attribute toString',
      ],
    });
  });
  test('does no harm by its name', () => {
    const body: unknown = JSON.parse(
      '{"userName":"a","__proto__":{"active":false},"name":{"__proto__":{"givenName":"x"}},"emails":[{"value":"v","constructor":1}]}',
    );
    expect(parseUser(body, coreSchemas).resource).toEqual({ userName: 'a', active: true, emails: [{ value: 'v' }] });
    expect(({} as { active?: boolean }).active).toBeUndefined();
  });
  test('is kept in an extension that nobody declared, but not in EnterpriseUser', () => {
    expect(user({ 'urn:okta:x:1.0:user:custom': { Badge: ['1', null, { a: '' }], n: 0, f: false } })).toMatchObject({
      'urn:okta:x:1.0:user:custom': { Badge: ['1'], n: 0, f: false },
    });
    expect(user({ [enterpriseUserUrn]: { nope: 1 } })).toEqual({ userName: 'ada', active: true });
  });
  test('is noted a few times only', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`nope${index}`, 1]));
    expect(parseUser({ ...many, schemas: [userUrn], userName: 'a' }, coreSchemas).notes).toHaveLength(51);
  });
});

test('C10 booleans in words are booleans', () => {
  expect(user({ active: 'True', emails: [{ value: 'a', primary: 'false' }] })).toMatchObject({
    active: true,
    emails: [{ primary: false }],
  });
  expect(parseUser({ schemas: [userUrn], userName: 'a', active: 'False' }, coreSchemas).notes).toEqual(['read active "False" as false']);
  expect(() => user({ active: 'banana' })).toThrow(refused('invalidValue'));
});

test('C13 two primary values are refused', () => {
  expect(() =>
    user({
      emails: [
        { value: 'a', primary: true },
        { value: 'b', primary: 'True' },
      ],
    }),
  ).toThrow(refused('invalidValue'));
});

test('C14 the same value is kept once', () => {
  expect(
    user({
      emails: [
        { value: 'a', type: 'work' },
        { value: 'a', type: 'Work', display: 'd' },
        { value: 'a', type: 'home' },
      ],
    }),
  ).toMatchObject({
    emails: [
      { value: 'a', type: 'Work', display: 'd' },
      { value: 'a', type: 'home' },
    ],
  });
});

test('C17 strings are kept as they are', () => {
  for (const title of [' x ', 'É', 'E\u0301', '😀', '\u200b', '<b>', '\\', '\u2028']) expect(user({ title })).toMatchObject({ title });
});

test('G20 what cannot be stored is refused', () => {
  for (const body of [
    { title: 'a\0' },
    { title: '\ud800' },
    { emails: [{ value: '\udc00' }] },
    { userName: 'x'.repeat(2001) },
    { externalId: 'x'.repeat(3000) },
    { emails: [{ value: 'é'.repeat(1001) }] },
    { 'urn:x:y:z': { a: 2 ** 53 } },
    { 'urn:x:y:z': { a: -1e300 } },
    { emails: Array(1001).fill({ value: 'x' }) },
  ]) {
    expect(() => user(body)).toThrow(refused('invalidValue'));
  }
  const deep = JSON.parse(`${'['.repeat(100_000)}1${']'.repeat(100_000)}`);
  for (const name of ['title', 'emails', 'name', 'urn:x:y:z', 'active']) expect(() => user({ [name]: deep })).toThrow(ScimError);
  expect(user({ nope: deep })).toEqual({ userName: 'ada', active: true });
  expect(user({ [userUrn]: JSON.parse(`${`{"${userUrn}":`.repeat(50_000)}1${'}'.repeat(50_000)}`) })).toEqual({
    userName: 'ada',
    active: true,
  });
  expect(user({ [userUrn]: { title: 'T' } })).toEqual({ userName: 'ada', active: true, title: 'T' });
});

describe('groups', () => {
  test('C15 members, each once, in every form', () => {
    const members = [{ value: 'a', type: 'user', display: 'A' }, 'b', { value: 'a', display: 'A2' }, null, { Value: 'c', $ref: null }];
    expect(parseGroup({ schemas: [groupUrn], displayName: 'g', members }, coreSchemas)).toEqual({
      resource: { displayName: 'g' },
      members: [{ value: 'a', display: 'A2' }, { value: 'b' }, { value: 'c' }],
      notes: ['read members that are ids alone'],
    });
    for (const none of [undefined, null, [], '']) expect(parseGroup({ displayName: 'g', members: none }, coreSchemas).members).toEqual([]);
  });
  test.each([[[{ display: 'x' }]], [[{ value: 5 }]], [[{ value: '' }]], [[5]], [5], [{ value: 'a\0' }], [[['a']]]])(
    'C15 a member needs an id: %j',
    (members) => {
      expect(() => parseGroup({ displayName: 'g', members }, coreSchemas)).toThrow(refused('invalidValue'));
    },
  );
  test('a user has no members, and a group no userName', () => {
    expect(user({ members: [{ value: 'a' }] })).toEqual({ userName: 'ada', active: true });
    expect(parseGroup({ displayName: 'g', userName: 'a' }, coreSchemas).resource).toEqual({ displayName: 'g' });
  });
  test('50,000 members are read in ten times the steps of 5,000', async () => {
    const groupOf = (n: number) => ({
      displayName: 'g',
      members: Array.from({ length: n }, (_, index) => ({ value: `usr_${index}`, display: 'x' })),
    });
    expect(parseGroup(groupOf(50_000), coreSchemas).members).toHaveLength(50_000);
    const steps = (n: number) => countCalls(() => parseGroup(groupOf(n), coreSchemas), 'packages/scim/');
    expect(await steps(50_000)).toBeLessThan(11 * (await steps(5_000)));
  });
});

describe('PUT', () => {
  const before = { userName: 'ada', active: false, title: 'T', [enterpriseUserUrn]: { department: 'D' } };
  test('U1, U8 what was not sent is cleared, but active', () => {
    expect(replaceUser(before, { schemas: [userUrn], userName: 'ada' }, coreSchemas)).toEqual({
      resource: { userName: 'ada', active: false },
      notes: ['kept active as it is: it was not sent'],
    });
    expect(replaceUser(before, { schemas: [userUrn], userName: 'ada', active: null }, coreSchemas).resource).toMatchObject({
      active: false,
    });
    expect(replaceUser(before, { schemas: [userUrn], userName: 'ada', active: true }, coreSchemas).resource).toEqual({
      userName: 'ada',
      active: true,
    });
    expect(replaceUser({ userName: 'ada' }, { userName: 'ada' }, coreSchemas).resource).toEqual({ userName: 'ada' });
  });
  test('U2 what is read-only is ignored, another id too', () => {
    expect(
      replaceUser(before, { id: 'other', meta: { version: 'x' }, groups: [{ value: 'g' }], userName: 'ada' }, coreSchemas).resource,
    ).toEqual({ userName: 'ada', active: false });
  });
  test('U9 values in another order, and primary: false where it was absent, are what was there', () => {
    const urn = 'urn:x:y:2.0:User';
    const stored: Resource = {
      userName: 'ada',
      active: true,
      emails: [
        { value: 'a', type: 'work', primary: true },
        { value: 'b', type: 'home' },
      ],
      [urn]: { folders: ['A', 'B'], cards: [{ value: '1' }, { value: '2', primary: false }], point: { at: [1, 2] } },
    };
    const sent = {
      userName: 'ada',
      active: true,
      emails: [
        { type: 'home', value: 'b', primary: false },
        { value: 'a', type: 'work', primary: true },
      ],
      [urn]: { folders: ['B', 'A'], cards: [{ value: '2' }, { value: '1', primary: false }], point: { at: [1, 2] } },
    };
    expect(replaceUser(stored, sent, coreSchemas).resource).toEqual(stored);
    for (const other of [
      { ...sent, emails: sent.emails.slice(1) },
      {
        ...sent,
        emails: [
          { value: 'b', type: 'home', primary: true },
          { value: 'a', type: 'work' },
        ],
      },
      { ...sent, [urn]: { ...sent[urn], folders: ['A', 'A'] } },
    ])
      expect(replaceUser(stored, other, coreSchemas).resource).not.toEqual(stored);
    expect(
      replaceGroup({ displayName: 'g', [urn]: { a: ['1', '2'] } }, { displayName: 'g', [urn]: { a: ['2', '1'] } }, coreSchemas).resource,
    ).toEqual({ displayName: 'g', [urn]: { a: ['1', '2'] } });
  });
  test('U3 an immutable attribute keeps its value', () => {
    const urn = 'urn:ietf:params:scim:schemas:extension:acme:2.0:User';
    const schemas = schemaSet([{ urn, resourceType: 'User', attributes: [{ name: 'badge', mutability: 'immutable' }, { name: 'x' }] }]);
    const stored = { userName: 'a', [urn]: { badge: 'B', x: '1' } };
    expect(replaceUser(stored, { userName: 'a', [urn]: { badge: 'B' } }, schemas).resource).toEqual({
      userName: 'a',
      [urn]: { badge: 'B' },
    });
    expect(replaceUser(stored, { userName: 'a' }, schemas).resource).toEqual({ userName: 'a', [urn]: { badge: 'B' } });
    expect(replaceUser({ userName: 'a' }, { userName: 'a', [urn]: { badge: 'N' } }, schemas).resource).toEqual({
      userName: 'a',
      [urn]: { badge: 'N' },
    });
    expect(() => replaceUser(stored, { userName: 'a', [urn]: { badge: 'C' } }, schemas)).toThrow(refused('mutability'));
  });
  test('U4 what is required is', () => {
    expect(() => replaceUser(before, { title: 'x' }, coreSchemas)).toThrow(refused('invalidValue'));
    expect(() => replaceGroup({ displayName: 'g' }, {}, coreSchemas)).toThrow(refused('invalidValue'));
  });
  test('U11 members that were not sent are none', () => {
    expect(replaceGroup({ displayName: 'g', externalId: '1' }, { displayName: 'h' }, coreSchemas)).toMatchObject({
      resource: { displayName: 'h' },
      members: [],
    });
    expect(replaceGroup({ displayName: 'g' }, { displayName: 'g', members: [{ value: 'a' }] }, coreSchemas).members).toEqual([
      { value: 'a' },
    ]);
  });
});

test('isActive: only one who is said to be', () => {
  expect(isActive({ userName: 'a', active: true })).toBe(true);
  expect(isActive({ userName: 'a', active: false })).toBe(false);
  expect(isActive({ userName: 'a' })).toBe(false);
});

test('G20 the parse functions throw nothing but ScimError, whatever they get', () => {
  const name = fc.oneof(
    fc.constantFrom(
      'userName',
      'displayName',
      'emails',
      'name',
      'members',
      'active',
      'groups',
      'schemas',
      enterpriseUserUrn,
      'urn:x:y',
      'urn:x:y:z',
      'name.givenName',
      'emails[type eq "work"].value',
      '__proto__',
      'manager',
      'x509Certificates',
    ),
    fc.string({ unit: 'binary' }),
  );
  const body = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(name, fc.jsonValue()),
    fc.dictionary(
      name,
      fc.array(fc.oneof(fc.string(), fc.dictionary(fc.constantFrom('value', 'type', 'primary', 'display'), fc.jsonValue()))),
    ),
  );
  fc.assert(
    fc.property(body, (sent) => {
      for (const parse of [
        parseUser,
        parseGroup,
        (value: unknown) => replaceUser({ userName: 'a', active: true }, value, coreSchemas),
        (value: unknown) => replaceGroup({ displayName: 'g' }, value, coreSchemas),
      ]) {
        try {
          parse(sent, coreSchemas);
        } catch (error) {
          expect(error).toBeInstanceOf(ScimError);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

describe('C17 what was stored is stored again as it is when it is sent back', () => {
  test.each<[string, object, object]>([
    ['an extension whose last part has dots', { 'urn:acme:schemas:ext.v1.2': { a: 'x' } }, { 'urn:acme:schemas:ext.v1.2': { a: 'x' } }],
    ['an attribute of one', { 'urn:acme:schemas:ext.v1.2:User:a': 'x' }, { 'urn:acme:schemas:ext.v1.2:User': { a: 'x' } }],
    ['the shortest URN', { 'urn:acme:x': { a: 'x' } }, { 'urn:acme:x': { a: 'x' } }],
    ['what is no URN', { 'urn:acme': { a: 'x' }, 'urn:acme::a': 'x', 'urn:acme:x::a': 'x' }, {}],
  ])('%s', (_what, sent, stored) => {
    expect(user(sent)).toEqual({ userName: 'ada', active: true, ...stored });
    expect(user(stored)).toEqual({ userName: 'ada', active: true, ...stored });
  });

  test('whatever it is called', () => {
    const part = fc.oneof(
      fc.constantFrom('acme', 'User', '2.0', 'v1.2.3', 'User.manager', 'a b', 'É', '', '.', '__proto__', 'x', 'a.b', 'constructor'),
      fc.string({ maxLength: 4 }),
    );
    const name = fc.oneof(
      { weight: 4, arbitrary: fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => `urn:${parts.join(':')}`) },
      fc.constantFrom(
        enterpriseUserUrn,
        `${enterpriseUserUrn}:department`,
        `${enterpriseUserUrn.toUpperCase()}:manager`,
        'http://a.b/c',
        'name.givenName',
        'emails[type eq "work"].value',
        'title',
      ),
    );
    const value = fc.oneof(
      fc.constantFrom<unknown>('x', '', null, true, 5, [], ['a', 'b'], { value: 'x' }, { a: { b: [1] } }, { 'a.b': 1, 'a:b': 2 }),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 5 }), (body) => {
        let stored: object;
        try {
          stored = user(body);
        } catch (error) {
          expect(error).toBeInstanceOf(ScimError);
          return;
        }
        expect(user(stored)).toEqual(stored);
      }),
      { numRuns: 2000 },
    );
  });
});
