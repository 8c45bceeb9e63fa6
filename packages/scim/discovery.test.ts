import { refuseDiscoveryFilter, resourceType, resourceTypes, schemaDocument, schemaDocuments, serviceProviderConfig } from './discovery';
import { parsePatch, patchUser } from './patch';
import { isObject } from './resource';
import { parseUser } from './requests';
import { coreSchemas, schemaSet } from './schemas';
import type { AttributeDefinition } from './schemas';
import { enterpriseUserUrn, groupUrn, patchOpUrn, userUrn } from './urns';

const baseUrl = 'https://scim.example.com/scim/v2/dir_x';

test('D1 the configuration', () => {
  expect(
    serviceProviderConfig({
      baseUrl,
      limits: {
        filterMaxResults: 1000,
        bulkMaxOperations: 500,
        bulkMaxPayloadBytes: 1_000_000,
        defaultPageSize: 100,
        maxPageSize: 1000,
        cursorTimeoutSeconds: 3600,
      },
      authenticationSchemes: [{ type: 'oauthbearertoken', name: 'Bearer', description: 'A token', primary: true }],
    }),
  ).toEqual({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: true, maxOperations: 500, maxPayloadSize: 1_000_000 },
    filter: { supported: true, maxResults: 1000 },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    pagination: {
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: 100,
      maxPageSize: 1000,
      cursorTimeout: 3600,
    },
    authenticationSchemes: [{ type: 'oauthbearertoken', name: 'Bearer', description: 'A token', primary: true }],
    meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
  });
});

test('D2, D3 the resource types', () => {
  expect(resourceTypes(baseUrl, coreSchemas)).toHaveLength(2);
  expect(resourceType('user', baseUrl, coreSchemas)).toEqual({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: 'User',
    name: 'User',
    description: 'User Account',
    endpoint: '/Users',
    schema: userUrn,
    schemaExtensions: [{ schema: enterpriseUserUrn, required: false }],
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/User` },
  });
  expect(resourceType('Group', baseUrl, coreSchemas)).toMatchObject({ id: 'Group', endpoint: '/Groups', schemaExtensions: [] });
  expect(resourceType('Device', baseUrl, coreSchemas)).toBeUndefined();
  expect(resourceType('constructor', baseUrl, coreSchemas)).toBeUndefined();
});

test('D4 the schemas, those of the discovery documents too', () => {
  expect(schemaDocuments(baseUrl, coreSchemas).map((document) => document['name'])).toEqual([
    'User',
    'Group',
    'EnterpriseUser',
    'ServiceProviderConfig',
    'ResourceType',
    'Schema',
  ]);
});

test('D4 every attribute has every characteristic, by its right name, and no null', () => {
  const allowed = {
    type: ['string', 'boolean', 'decimal', 'integer', 'dateTime', 'reference', 'binary', 'complex'],
    mutability: ['readOnly', 'readWrite', 'immutable', 'writeOnly'],
    returned: ['always', 'never', 'default', 'request'],
    uniqueness: ['none', 'server', 'global'],
  };
  const check = (attribute: unknown): void => {
    if (!isObject(attribute)) throw new Error('an attribute is an object');
    const names = ['name', 'type', 'multiValued', 'description', 'required', 'caseExact', 'mutability', 'returned', 'uniqueness'];
    expect(Object.keys(attribute).filter((name) => names.includes(name))).toEqual(names);
    for (const [name, values] of Object.entries(allowed)) expect(values).toContain(attribute[name]);
    expect('subAttributes' in attribute).toBe(attribute['type'] === 'complex');
    expect('referenceTypes' in attribute).toBe(attribute['type'] === 'reference');
    expect(attribute['description']).not.toBe('');
    if (Array.isArray(attribute['subAttributes'])) attribute['subAttributes'].forEach(check);
  };
  for (const document of schemaDocuments(baseUrl, coreSchemas)) {
    expect(document).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
      meta: { resourceType: 'Schema', location: expect.stringMatching(/\/Schemas\/urn:/) },
    });
    expect(JSON.stringify(document)).not.toContain('null');
    if (Array.isArray(document['attributes'])) document['attributes'].forEach(check);
  }
});

test('D5 one schema, in any case', () => {
  expect(schemaDocument(userUrn.toUpperCase(), baseUrl, coreSchemas)).toMatchObject({ id: userUrn });
  expect(schemaDocument(groupUrn, baseUrl, coreSchemas)).toMatchObject({ id: groupUrn });
  expect(schemaDocument('urn:x:y:z', baseUrl, coreSchemas)).toBeUndefined();
});

test('D6, D7 a filter is refused, and nothing else', () => {
  expect(() => refuseDiscoveryFilter({ filter: 'name pr' })).toThrow(expect.objectContaining({ status: 403 }));
  expect(() => refuseDiscoveryFilter({ count: '1', sortBy: 'x', filter: '' })).not.toThrow();
});

test('D11 what is read-only, never returned, caseExact', () => {
  const user = coreSchemas.core.User.attributesByName;
  const group = coreSchemas.core.Group.attributesByName;
  expect(user.get('groups')).toMatchObject({ mutability: 'readOnly' });
  expect(user.get('password')).toMatchObject({ mutability: 'writeOnly', returned: 'never' });
  expect(user.get('id')).toMatchObject({ mutability: 'readOnly', returned: 'always', caseExact: true });
  expect(user.get('externalid')).toMatchObject({ caseExact: true });
  expect(user.get('username')).toMatchObject({ required: true, uniqueness: 'server', caseExact: false });
  expect(user.get('meta')?.subAttributes?.map(({ mutability }) => mutability)).toEqual(Array(5).fill('readOnly'));
  const members = group.get('members')?.subAttributesByName;
  expect([members?.get('value')?.mutability, members?.get('$ref')?.mutability, members?.get('display')?.mutability]).toEqual([
    'immutable',
    'readOnly',
    'readOnly',
  ]);
});

describe('D10 every attribute that a schema calls writable can be written and removed', () => {
  const sample = (definition: AttributeDefinition): unknown => {
    const one = (): unknown => {
      switch (definition.type) {
        case 'boolean':
          return true;
        case 'complex':
          return Object.fromEntries(
            (definition.subAttributes ?? []).filter(({ mutability }) => mutability !== 'readOnly').map((sub) => [sub.name, sample(sub)]),
          );
        default:
          return `${definition.name} 1`;
      }
    };
    return definition.multiValued ? [one()] : one();
  };
  const writable = [
    ...coreSchemas.core.User.attributes.map((definition) => [definition.name, definition] as const),
    ...(coreSchemas.extensions.User.get(enterpriseUserUrn.toLowerCase())?.attributes ?? []).map(
      (definition) => [`${enterpriseUserUrn}:${definition.name}`, definition] as const,
    ),
  ].filter(([, { mutability, returned }]) => mutability === 'readWrite' && returned !== 'never');

  test.each(writable)('%s', (path, definition) => {
    const value = sample(definition);
    const run = (before: Record<string, never> | object, op: string): unknown => {
      const { operations } = parsePatch(
        { schemas: [patchOpUrn], Operations: [{ op, path, ...(op === 'remove' ? {} : { value }) }] },
        'User',
        coreSchemas,
      );
      return patchUser({ userName: 'x', ...before }, operations).resource;
    };
    const expected = path.startsWith('urn:')
      ? { userName: 'x', [enterpriseUserUrn]: { [definition.name]: value } }
      : { userName: 'x', [definition.name]: value };
    expect(run({}, 'add')).toEqual(expected);
    expect(run({}, 'replace')).toEqual(expected);
    // active is the one that stays: tolerances.active_not_cleared.
    if (!definition.required) expect(run(expected, 'remove')).toEqual(definition.name === 'active' ? expected : { userName: 'x' });
    expect(parseUser({ schemas: [userUrn], active: true, ...expected }, coreSchemas).resource).toEqual({ active: true, ...expected });
  });
});

test('a declared extension is announced', () => {
  const urn = 'urn:ietf:params:scim:schemas:extension:acme:2.0:User';
  const schemas = schemaSet([
    {
      urn,
      resourceType: 'User',
      name: 'Acme',
      attributes: [
        { name: 'floors', type: 'integer', multiValued: true },
        { name: 'desk', type: 'complex', subAttributes: [{ name: 'room' }] },
      ],
    },
  ]);
  expect(schemaDocument(urn, baseUrl, schemas)).toMatchObject({
    id: urn,
    name: 'Acme',
    attributes: [
      { name: 'floors', type: 'integer', multiValued: true },
      { name: 'desk', subAttributes: [{ name: 'room', type: 'string' }] },
    ],
  });
  expect(resourceType('User', baseUrl, schemas)).toMatchObject({ schemaExtensions: [{ schema: enterpriseUserUrn }, { schema: urn }] });
});
