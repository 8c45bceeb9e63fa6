import type { QueryParameters } from './list-query';
import { parseProjection, wantsGroups, wantsMembers, isExplicit, wholeResource } from './projection';
import type { Json, JsonObject, StoredResource } from './resource';
import { checkIfMatch, etagOf, isNotModified, listResponse, locationOf, renderResource } from './responses';
import { parseUser, replaceUser } from './requests';
import { coreSchemas, schemaSet } from './schemas';
import { enterpriseUserUrn, groupUrn, userUrn } from './urns';

const baseUrl = 'https://scim.example.com/scim/v2/dir_x';
const custom = 'urn:ietf:params:scim:schemas:extension:2.0:Custom';
const boss = `usr_${'0'.repeat(32)}`;
const ada: StoredResource = {
  type: 'User',
  id: 'usr_1',
  baseUrl,
  created: new Date('2026-01-31T09:00:00.123Z'),
  lastModified: new Date('2026-02-01T09:00:00Z'),
  version: 41,
  resource: {
    userName: 'ada',
    externalId: '7',
    active: true,
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [
      { value: 'ada@work.example', type: 'work', primary: true },
      { value: 'ada@home.example', type: 'home' },
    ],
    [enterpriseUserUrn]: { department: 'Engines', manager: { value: boss, displayName: 'Charles' } },
    [custom]: { Folders: ['A'] },
  },
  groups: [{ id: 'grp_1', display: 'Engineering' }],
};
const engineering: StoredResource = {
  type: 'Group',
  id: 'grp_1',
  baseUrl,
  created: new Date(0),
  lastModified: new Date(0),
  version: 3,
  resource: { displayName: 'Engineering' },
  members: [
    { value: 'usr_1', type: 'User', display: 'Ada' },
    { value: 'grp_2', type: 'Group' },
  ],
};

/** What is shown of Ada, without meta where that is not the question. */
function shown(query: Record<string, string>, stored: StoredResource = ada): JsonObject {
  return renderResource(stored, parseProjection(query, stored.type, coreSchemas), coreSchemas);
}

test('C1, G15 a user is shown whole, with times in UTC to the millisecond', () => {
  expect(renderResource(ada, wholeResource, coreSchemas)).toEqual({
    schemas: [userUrn, enterpriseUserUrn, custom],
    id: 'usr_1',
    ...ada.resource,
    [enterpriseUserUrn]: { department: 'Engines', manager: { value: boss, $ref: `${baseUrl}/Users/${boss}`, displayName: 'Charles' } },
    groups: [{ value: 'grp_1', $ref: `${baseUrl}/Groups/grp_1`, display: 'Engineering', type: 'direct' }],
    meta: {
      resourceType: 'User',
      created: '2026-01-31T09:00:00.123Z',
      lastModified: '2026-02-01T09:00:00.000Z',
      location: `${baseUrl}/Users/usr_1`,
      version: 'W/"41"',
    },
  });
});

test('a group is shown with the members that were read', () => {
  expect(renderResource(engineering, wholeResource, coreSchemas)).toMatchObject({
    schemas: [groupUrn],
    members: [
      { value: 'usr_1', $ref: `${baseUrl}/Users/usr_1`, display: 'Ada', type: 'User' },
      { value: 'grp_2', $ref: `${baseUrl}/Groups/grp_2`, type: 'Group' },
    ],
  });
  for (const members of [undefined, []])
    expect(renderResource({ ...engineering, members }, wholeResource, coreSchemas)).not.toHaveProperty('members');
});

test('C11 a manager who is nobody of ours has no $ref', () => {
  const stored = { ...ada, resource: { userName: 'a', [enterpriseUserUrn]: { manager: { value: 'CN=Boss' } } } };
  expect(renderResource(stored, wholeResource, coreSchemas)[enterpriseUserUrn]).toEqual({ manager: { value: 'CN=Boss' } });
});

test('C2, C1 meta.location is the location', () => {
  expect(locationOf(baseUrl, 'Group', 'grp_1')).toBe(`${baseUrl}/Groups/grp_1`);
});

test('U9 a user who was read and put back is the same', () => {
  const { resource } = parseUser({ schemas: [userUrn], ...ada.resource }, coreSchemas);
  const read = renderResource({ ...ada, resource }, wholeResource, coreSchemas);
  expect(replaceUser(resource, read, coreSchemas).resource).toEqual(resource);
});

test('rendering does not touch what is stored', () => {
  const before = structuredClone(ada.resource);
  shown({ excludedAttributes: 'name.givenName,emails' });
  expect(ada.resource).toEqual(before);
});

describe('A1 to A10 attributes', () => {
  const minimum = { schemas: [userUrn], id: 'usr_1' };
  test.each<[string, Record<string, Json>]>([
    ['userName', { userName: 'ada' }],
    [' USERNAME , externalid ', { userName: 'ada', externalId: '7' }],
    ['name', { name: { givenName: 'Ada', familyName: 'Lovelace' } }],
    [
      'name.familyName,emails.value',
      { name: { familyName: 'Lovelace' }, emails: [{ value: 'ada@work.example' }, { value: 'ada@home.example' }] },
    ],
    [`${userUrn}:userName`, { userName: 'ada' }],
    [`${enterpriseUserUrn}:department`, { schemas: [userUrn, enterpriseUserUrn], [enterpriseUserUrn]: { department: 'Engines' } }],
    [
      `${enterpriseUserUrn.toUpperCase()}:MANAGER.value`,
      { schemas: [userUrn, enterpriseUserUrn], [enterpriseUserUrn]: { manager: { value: boss } } },
    ],
    ['department', { schemas: [userUrn, enterpriseUserUrn], [enterpriseUserUrn]: { department: 'Engines' } }],
    [custom, { schemas: [userUrn, custom], [custom]: { Folders: ['A'] } }],
    [`${custom}:folders`, { schemas: [userUrn, custom], [custom]: { Folders: ['A'] } }],
    ['meta.version', { meta: { version: 'W/"41"' } }],
    ['groups.display', { groups: [{ display: 'Engineering' }] }],
    ['nope', {}],
    ['password', {}],
    ['emails[type eq "work"]', {}],
    ['userName.nope', {}],
    ['title', {}],
  ])('%s', (attributes, expected) => {
    expect(shown({ attributes })).toEqual({ ...minimum, ...expected });
  });

  test('A3 of the whole core schema', () => {
    const core = shown({ attributes: userUrn });
    expect(core).toMatchObject({ userName: 'ada', groups: [{}], meta: {} });
    expect(core).not.toHaveProperty([enterpriseUserUrn]);
  });

  test.each<[string, string[]]>([
    ['emails', ['emails']],
    ['meta,EMAILS', ['emails', 'meta']],
    [`${userUrn}:groups`, ['groups']],
    [enterpriseUserUrn, [enterpriseUserUrn]],
    [`${enterpriseUserUrn}:department, manager`, [enterpriseUserUrn]],
    ['id,schemas', []],
    ['nope', []],
    ['name.givenName,name.familyName', ['name']],
  ])('A4 without %s', (excludedAttributes, missing) => {
    const whole = shown({});
    expect(Object.keys(whole).filter((name) => !(name in shown({ excludedAttributes })))).toEqual(missing);
  });

  test('A4 without a sub-attribute', () => {
    expect(shown({ excludedAttributes: 'name.givenName' })['name']).toEqual({ familyName: 'Lovelace' });
    expect(shown({ excludedAttributes: 'emails.value' })['emails']).toEqual([{ type: 'work', primary: true }, { type: 'home' }]);
  });

  test('G13, P19 schemas lists the extensions that are shown', () => {
    expect(shown({ excludedAttributes: enterpriseUserUrn })['schemas']).toEqual([userUrn, custom]);
  });

  test('A6 of both, attributes counts', () => {
    expect(shown({ attributes: 'userName', excludedAttributes: 'userName' })).toEqual({ ...minimum, userName: 'ada' });
  });

  test('A7 empty is absent', () => {
    expect(shown({ attributes: ' , ', excludedAttributes: '' })).toEqual(shown({}));
  });

  test('A5 what is returned always, on request, and never', () => {
    const urn = 'urn:x:y:User';
    const schemas = schemaSet([
      { urn, resourceType: 'User', attributes: [{ name: 'a', returned: 'always' }, { name: 'r', returned: 'request' }, { name: 'd' }] },
    ]);
    const stored = { ...ada, resource: { userName: 'a', password: 'secret', [urn]: { a: '1', r: '2', d: '3' } }, groups: undefined };
    const render = (query: Record<string, string>): JsonObject => renderResource(stored, parseProjection(query, 'User', schemas), schemas);
    expect(render({})[urn]).toEqual({ a: '1', d: '3' });
    expect(render({ attributes: 'userName' })[urn]).toEqual({ a: '1' });
    expect(render({ attributes: `${urn}:r` })[urn]).toEqual({ a: '1', r: '2' });
    expect(render({ excludedAttributes: urn })[urn]).toEqual({ a: '1' });
    const queries: Record<string, string>[] = [{}, { attributes: 'password' }, { attributes: userUrn }];
    for (const query of queries) expect(JSON.stringify(render(query))).not.toContain('secret');
  });

  test('A8, A9 what must be read', () => {
    const group = (query: QueryParameters): boolean => wantsMembers(parseProjection(query, 'Group', coreSchemas));
    expect(
      [
        {},
        { attributes: 'members' },
        { attributes: 'members.value' },
        { attributes: `${groupUrn}:MEMBERS` },
        { attributes: groupUrn },
        { excludedAttributes: 'displayName' },
      ].map(group),
    ).toEqual(Array(6).fill(true));
    expect([{ excludedAttributes: 'members' }, { attributes: 'id,displayName' }, { attributes: 'nope' }].map(group)).toEqual(
      Array(3).fill(false),
    );
    expect(wantsGroups(parseProjection({ attributes: 'groups.value' }, 'User', coreSchemas))).toBe(true);
    expect(wantsGroups(parseProjection({ attributes: 'userName' }, 'User', coreSchemas))).toBe(false);
    expect(isExplicit(parseProjection({ attributes: '' }, 'User', coreSchemas))).toBe(false);
    expect(isExplicit(parseProjection({ excludedAttributes: 'x' }, 'User', coreSchemas))).toBe(true);
  });

  test('A9 members that were read are shown where they are asked for', () => {
    expect(shown({ attributes: 'members' }, engineering)).toEqual({
      schemas: [groupUrn],
      id: 'grp_1',
      members: expect.arrayContaining([expect.objectContaining({ value: 'usr_1' })]),
    });
  });
});

test('R2, R9 a list', () => {
  expect(listResponse([], { totalResults: 0, startIndex: 1 })).toEqual({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: 0,
    startIndex: 1,
    itemsPerPage: 0,
    Resources: [],
  });
  expect(listResponse([{ id: 'a' }], { nextCursor: 'c' })).toEqual({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    itemsPerPage: 1,
    nextCursor: 'c',
    Resources: [{ id: 'a' }],
  });
});

describe('versions', () => {
  test.each(['W/"41"', '"41"', 'w/"41"', '*', '"1", W/"41"', ' "41" ', undefined, ''])(
    'U12 If-Match %s lets version 41 be changed',
    (header) => {
      expect(() => checkIfMatch(header, 41)).not.toThrow();
    },
  );
  test.each(['W/"40"', '"411"', '41', 'x', '"', 'W/"40", "1"'])('U12 If-Match %s does not', (header) => {
    expect(() => checkIfMatch(header, 41)).toThrow(expect.objectContaining({ status: 412, scimType: undefined }));
  });
  test('If-None-Match', () => {
    for (const header of ['W/"41"', '"41"', '*', '"1",W/"41"']) expect(isNotModified(header, 41)).toBe(true);
    for (const header of [undefined, '', 'W/"40"']) expect(isNotModified(header, 41)).toBe(false);
    expect(isNotModified(etagOf(41), 41)).toBe(true);
  });
});
