/** The discovery documents (RFC 7644 §4, RFC 7643 §5 to §7), and whether what they say is so. */
import {
  anError,
  aScimDirectory,
  enterpriseUrn,
  groupUrn,
  listUrn,
  type Reply,
  type ScimUnderTest,
  seen,
  theBroker,
  userUrn,
} from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

interface Attribute {
  name: string;
  type: string;
  multiValued: boolean;
  required: boolean;
  caseExact: boolean;
  mutability: string;
  returned: string;
  uniqueness: string;
  canonicalValues?: string[];
  referenceTypes?: string[];
  subAttributes?: Attribute[];
}

async function attributesOf(urn: string): Promise<Attribute[]> {
  return (await scim.get(`/Schemas/${urn}`)).body.attributes;
}

test('D1 ServiceProviderConfig says what is supported, with its limits', async () => {
  const { status, body } = await scim.get('/ServiceProviderConfig');
  expect(status).toBe(200);
  expect(body).toEqual({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    documentationUri: 'http://causeway.test/docs/limits',
    patch: { supported: true },
    bulk: { supported: true, maxOperations: expect.any(Number), maxPayloadSize: expect.any(Number) },
    filter: { supported: true, maxResults: expect.any(Number) },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    pagination: {
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: expect.any(Number),
      maxPageSize: expect.any(Number),
      cursorTimeout: expect.any(Number),
    },
    authenticationSchemes: expect.arrayContaining([
      expect.objectContaining({ type: 'oauthbearertoken', name: expect.any(String), description: expect.any(String) }),
    ]),
    meta: { resourceType: 'ServiceProviderConfig', location: `${scim.baseUrl}/ServiceProviderConfig` },
  });
  expect(body.bulk.maxOperations).toBeGreaterThanOrEqual(1);
  for (const { type } of body.authenticationSchemes)
    expect(['oauth', 'oauth2', 'oauthbearertoken', 'httpbasic', 'httpdigest']).toContain(type);
});

test('D1 HTTP Basic is announced where it is set', async () => {
  const schemes = async (): Promise<string[]> =>
    (await scim.get('/ServiceProviderConfig')).body.authenticationSchemes.map(({ type }: { type: string }) => type);
  expect(await schemes()).not.toContain('httpbasic');
  const { call } = await theBroker();
  await call('PATCH', `/v1/directories/${scim.id}`, { body: { basic_auth: true } });
  expect(await schemes()).toContain('httpbasic');
});

test('D2 ResourceTypes lists users and groups, with their schemas and endpoints', async () => {
  const { body } = await scim.get('/ResourceTypes');
  expect(body).toMatchObject({ schemas: [listUrn], totalResults: 2, itemsPerPage: 2, startIndex: 1 });
  const type = (name: string, schema: string, schemaExtensions: object[]): object => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    description: expect.any(String),
    endpoint: `/${name}s`,
    schema,
    schemaExtensions,
    meta: { resourceType: 'ResourceType', location: `${scim.baseUrl}/ResourceTypes/${name}` },
  });
  expect(body.Resources).toEqual([type('User', userUrn, [{ schema: enterpriseUrn, required: false }]), type('Group', groupUrn, [])]);
});

test('D3 a resource type can be asked for by itself, in any case', async () => {
  const { body } = await scim.get('/ResourceTypes');
  expect((await scim.get('/ResourceTypes/User')).body).toEqual(body.Resources[0]);
  expect((await scim.get('/ResourceTypes/group')).body).toEqual(body.Resources[1]);
  expect(seen(await scim.get('/ResourceTypes/Device'))).toEqual(anError(404));
});

test('D4 Schemas is a list of whole definitions, in camelCase and without nulls', async () => {
  const { body, text } = await scim.get('/Schemas');
  expect(body).toMatchObject({
    schemas: [listUrn],
    startIndex: 1,
    totalResults: body.Resources.length,
    itemsPerPage: body.Resources.length,
  });
  expect(body.Resources.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining([userUrn, groupUrn, enterpriseUrn]));
  expect(text).not.toContain('null');
  for (const schema of body.Resources) {
    expect(schema).toMatchObject({
      id: expect.stringMatching(/^urn:/),
      name: expect.any(String),
      description: expect.any(String),
      meta: { resourceType: 'Schema', location: `${scim.baseUrl}/Schemas/${schema.id}` },
    });
    const check = (attribute: Attribute, where: string): void => {
      const allowed = {
        type: ['string', 'boolean', 'decimal', 'integer', 'dateTime', 'reference', 'binary', 'complex'],
        mutability: ['readOnly', 'readWrite', 'immutable', 'writeOnly'],
        returned: ['always', 'never', 'default', 'request'],
        uniqueness: ['none', 'server', 'global'],
      };
      for (const [name, values] of Object.entries(allowed))
        expect([where, name, values]).toEqual([where, name, expect.arrayContaining([attribute[name as 'type']])]);
      for (const name of ['multiValued', 'required', 'caseExact'] as const)
        expect([where, name, typeof attribute[name]]).toEqual([where, name, 'boolean']);
      expect([where, Array.isArray(attribute.referenceTypes)]).toEqual([where, attribute.type === 'reference']);
      expect([where, Array.isArray(attribute.subAttributes)]).toEqual([where, attribute.type === 'complex']);
      for (const sub of attribute.subAttributes ?? []) check(sub, `${where}.${sub.name}`);
    };
    for (const attribute of schema.attributes) check(attribute, `${schema.id}:${attribute.name}`);
  }
});

test('D5 a schema can be asked for by its URN: plain, encoded, in any case', async () => {
  const plain = await scim.get(`/Schemas/${enterpriseUrn}`);
  expect(plain).toMatchObject({ status: 200, body: { id: enterpriseUrn, name: 'EnterpriseUser' } });
  for (const path of [encodeURIComponent(enterpriseUrn), enterpriseUrn.toUpperCase(), `${enterpriseUrn}/`])
    expect((await scim.get(`/Schemas/${path}`)).body).toEqual(plain.body);
  expect(seen(await scim.get('/Schemas/urn:ietf:params:scim:schemas:core:2.0:Nothing'))).toEqual(anError(404));
});

test('D6 a filter on a discovery document is refused with 403', async () => {
  for (const path of ['/ServiceProviderConfig', '/ResourceTypes', '/Schemas', '/ResourceTypes/User', `/Schemas/${userUrn}`]) {
    expect([path, seen(await scim.query(path, { filter: 'id eq "x"' }))]).toEqual([path, anError(403)]);
  }
});

test('D7 paging, sorting and projections of discovery documents are ignored', async () => {
  for (const path of ['/ServiceProviderConfig', '/ResourceTypes', '/Schemas']) {
    const whole = (await scim.get(path)).body;
    expect(
      (
        await scim.query(path, {
          count: 1,
          startIndex: 5,
          sortBy: 'id',
          sortOrder: 'descending',
          attributes: 'id',
          excludedAttributes: 'meta',
        })
      ).body,
    ).toEqual(whole);
    expect((await scim.query(path, { count: 'x', sortBy: 'nope' })).body).toEqual(whole);
  }
});

test('D8 discovery documents cannot be written', async () => {
  const before = (await scim.get('/Schemas')).body;
  for (const path of ['/ServiceProviderConfig', '/ResourceTypes', '/ResourceTypes/User', '/Schemas', `/Schemas/${userUrn}`]) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const reply = await scim.send({ method, path, ...(method !== 'DELETE' && { body: {} }) });
      expect([path, method, seen(reply)]).toEqual([path, method, anError(405)]);
    }
  }
  expect((await scim.get('/Schemas')).body).toEqual(before);
});

test('D9 discovery asks for a credential like everything else', async () => {
  for (const path of ['/ServiceProviderConfig', '/ResourceTypes', '/Schemas']) {
    expect((await scim.send({ method: 'GET', path, headers: { authorization: '' } })).status).toBe(401);
  }
});

test('D11 the schemas say what the RFC wants them to say', async () => {
  const users = await attributesOf(userUrn);
  const groups = await attributesOf(groupUrn);
  const one = (list: Attribute[], name: string): Attribute => list.find((attribute) => attribute.name === name)!;
  const sub = (attribute: Attribute, name: string): Attribute => one(attribute.subAttributes ?? [], name);
  expect(one(users, 'groups').mutability).toBe('readOnly');
  expect(one(users, 'password')).toMatchObject({ returned: 'never', mutability: 'writeOnly' });
  expect(one(users, 'id')).toMatchObject({ returned: 'always', mutability: 'readOnly', caseExact: true });
  expect(one(users, 'externalId').caseExact).toBe(true);
  expect(one(users, 'userName')).toMatchObject({ required: true, uniqueness: 'server', caseExact: false });
  expect(one(groups, 'displayName')).toMatchObject({ required: true, uniqueness: 'none' });
  expect(one(users, 'meta').mutability).toBe('readOnly');
  for (const name of ['resourceType', 'created', 'lastModified', 'location', 'version'])
    expect(sub(one(users, 'meta'), name).mutability).toBe('readOnly');
  expect(sub(one(groups, 'members'), 'value').mutability).toBe('immutable');
  for (const name of ['$ref', 'display']) expect(sub(one(groups, 'members'), name).mutability).toBe('readOnly');
});

// ── D10: every attribute can be written, read, replaced and removed as its definition says ─────

/** A value that the definition allows; `n` makes another one. */
function valueFor(attribute: Attribute, n: number): unknown {
  const one = (): unknown => {
    switch (attribute.type) {
      case 'boolean':
        return n % 2 === 0;
      case 'integer':
        return n;
      case 'decimal':
        return n + 0.5;
      case 'dateTime':
        return `2026-01-0${n}T09:00:00.000Z`;
      case 'binary':
        return Buffer.from(`x${n}`).toString('base64');
      case 'reference':
        return `https://acme.com/${n}`;
      case 'complex':
        return Object.fromEntries(
          (attribute.subAttributes ?? []).filter((sub) => sub.mutability !== 'readOnly').map((sub) => [sub.name, valueFor(sub, n)]),
        );
      default:
        return attribute.canonicalValues?.[n % attribute.canonicalValues.length] ?? `${attribute.name} Ünï ${n}`;
    }
  };
  return attribute.multiValued ? [one()] : one();
}

const schemasOfResources: [string, string, string][] = [
  ['User', userUrn, ''],
  ['Group', groupUrn, ''],
  ['User', enterpriseUrn, `${enterpriseUrn}:`],
];

test.each(schemasOfResources)(
  'D10 every attribute that a %s can have by %s is kept as sent, changed and removed',
  async (type, urn, prefix) => {
    const attributes = (await attributesOf(urn)).filter(({ mutability, name }) => mutability === 'readWrite' && name !== 'members');
    expect(attributes.length).toBeGreaterThan(1);
    const endpoint = `/${type}s`;
    const wrapped = (name: string, value: unknown): object => (prefix === '' ? { [name]: value } : { [urn]: { [name]: value } });
    const shown = ({ body }: Reply, name: string): unknown => (prefix === '' ? body[name] : body[urn]?.[name]);
    const aResource = (): Promise<{ id: string }> => (type === 'User' ? scim.aUser() : scim.aGroup());

    for (const attribute of attributes) {
      const { name, required } = attribute;
      const [first, second] = [valueFor(attribute, 2), valueFor(attribute, 3)];
      const named = (reply: Reply): unknown => [name, reply.status, shown(reply, name)];

      const created = await scim.post(endpoint, {
        ...(type === 'User' ? { userName: `u-${name}` } : { displayName: `g-${name}` }),
        ...wrapped(name, first),
      });
      expect(named(created)).toEqual([name, 201, first]);
      expect(named(await scim.get(`${endpoint}/${created.body.id}`))).toEqual([name, 200, first]);
      expect(named(await scim.query(`${endpoint}/${created.body.id}`, { attributes: `${prefix}${name}` }))).toEqual([name, 200, first]);
      expect(named(await scim.query(`${endpoint}/${created.body.id}`, { excludedAttributes: `${prefix}${name}` }))).toEqual([
        name,
        200,
        undefined,
      ]);

      await scim.delete(`${endpoint}/${created.body.id}`); // its name may be wanted

      const path = `${endpoint}/${(await aResource()).id}`;
      expect(named(await scim.patch(path, [{ op: 'add', path: `${prefix}${name}`, value: first }]))).toEqual([name, 200, first]);
      expect(named(await scim.patch(path, [{ op: 'replace', path: `${prefix}${name}`, value: second }]))).toEqual([name, 200, second]);
      expect(named(await scim.patch(path, [{ op: 'replace', value: wrapped(name, first) }]))).toEqual([name, 200, first]);
      const removed = await scim.patch(path, [{ op: 'remove', path: `${prefix}${name}` }]);
      if (required) expect(seen(removed)).toEqual(anError(400, 'mutability'));
      // active stays as it is, whatever is unassigned: tolerances.active_not_cleared.
      else expect(named(removed)).toEqual([name, 200, name === 'active' ? first : undefined]);
    }
  },
  120_000,
);

test.each(schemasOfResources)(
  'D10 every sub-attribute that a %s can have by %s is added, replaced and removed by its path',
  async (type, urn, prefix) => {
    const attributes = (await attributesOf(urn)).filter(
      ({ mutability, type: kind, name }) => mutability === 'readWrite' && kind === 'complex' && name !== 'members',
    );
    for (const attribute of attributes) {
      for (const sub of (attribute.subAttributes ?? []).filter(({ mutability }) => mutability === 'readWrite')) {
        const where = `${prefix}${attribute.name}.${sub.name}`;
        const user = await scim.aUser(
          prefix === '' ? { [attribute.name]: valueFor(attribute, 2) } : { [urn]: { [attribute.name]: valueFor(attribute, 2) } },
        );
        const shown = ({ status, body }: Reply): unknown => {
          const value = prefix === '' ? body[attribute.name] : body[urn]?.[attribute.name];
          return [
            where,
            status,
            attribute.multiValued ? value?.map((element: Record<string, unknown>) => element[sub.name]) : value?.[sub.name],
          ];
        };
        const expected = (value: unknown): unknown => [where, 200, attribute.multiValued ? [value] : value];
        const path = `/${type}s/${user.id}`;
        expect(shown(await scim.get(path))).toEqual(expected(valueFor(sub, 2)));
        expect(shown(await scim.patch(path, [{ op: 'replace', path: where, value: valueFor(sub, 3) }]))).toEqual(
          expected(valueFor(sub, 3)),
        );
        expect(shown(await scim.patch(path, [{ op: 'add', path: where, value: valueFor(sub, 2) }]))).toEqual(expected(valueFor(sub, 2)));
        const removed = await scim.patch(path, [{ op: 'remove', path: where }]);
        const left = shown(removed) as unknown[];
        expect([where, removed.status, [undefined, [undefined]]]).toEqual([where, 200, expect.arrayContaining([left[2]])]);
      }
    }
  },
  120_000,
);

test('D10 what is read-only cannot be written, whatever it is', async () => {
  const user = await scim.aUser();
  for (const attribute of (await attributesOf(userUrn)).filter(({ mutability }) => mutability === 'readOnly')) {
    expect([
      attribute.name,
      seen(
        await scim.patch(`/Users/${user.id}`, [
          { op: 'replace', path: attribute.name, value: valueFor({ ...attribute, mutability: 'readWrite' }, 2) },
        ]),
      ),
    ]).toEqual([attribute.name, anError(400, 'mutability')]);
  }
  expect((await scim.get(`/Users/${user.id}`)).body).toEqual(user);
});

test('D10 caseExact is as it says, in filters', async () => {
  await scim.aUser({
    userName: 'Ada',
    externalId: 'Ext',
    displayName: 'Ada L',
    profileUrl: 'https://acme.com/Ada',
    emails: [{ value: 'Ada@Acme.com', type: 'Work' }],
    [enterpriseUrn]: { department: 'R&D' },
  });
  const definitions = [...(await attributesOf(userUrn)), ...(await attributesOf(enterpriseUrn))];
  for (const [name, value] of [
    ['userName', 'ADA'],
    ['externalId', 'EXT'],
    ['displayName', 'ADA L'],
    ['profileUrl', 'HTTPS://ACME.COM/ADA'],
    ['department', 'r&D'],
  ] as const) {
    const { caseExact } = definitions.find((attribute) => attribute.name === name)!;
    const path = name === 'department' ? `${enterpriseUrn}:${name}` : name;
    expect([name, await scim.matching(`${path} eq "${value}"`)]).toEqual([name, caseExact ? [] : ['Ada']]);
  }
});
