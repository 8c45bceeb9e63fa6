import { aBroker, type TestBroker } from '../a-broker';

let broker: TestBroker;

beforeAll(async () => {
  broker = await aBroker();
});

afterEach(async () => {
  for (const { urn } of (await broker.call('GET', '/v1/schema_extensions')).body.data)
    await broker.call('DELETE', `/v1/schema_extensions/${urn}`);
});

const urn = 'urn:ietf:params:scim:schemas:extension:2.0:Metadata';

const declare = (name: string, body: unknown) => broker.call('PUT', `/v1/schema_extensions/${name}`, { body });

test('an extension is declared, listed, replaced and withdrawn', async () => {
  const attributes = [{ name: 'costCenter' }, { name: 'level', type: 'integer' }];
  const declared = await declare(urn, { resource_type: 'User', name: 'Metadata', attributes });
  expect([declared.status, declared.body]).toEqual([200, { urn, resource_type: 'User', name: 'Metadata', description: null, attributes }]);
  expect((await declare(urn.toUpperCase(), { resource_type: 'Group', attributes: [{ name: 'x' }] })).status).toBe(200);
  const { data } = (await broker.call('GET', '/v1/schema_extensions')).body;
  expect(data).toEqual([{ urn: urn.toUpperCase(), resource_type: 'Group', name: null, description: null, attributes: [{ name: 'x' }] }]);
  expect((await broker.call('DELETE', `/v1/schema_extensions/${encodeURIComponent(urn)}`)).status).toBe(204);
  expect((await broker.call('DELETE', `/v1/schema_extensions/${urn}`)).status).toBe(404);
  expect((await broker.call('GET', '/v1/schema_extensions')).body).toEqual({ data: [], next_cursor: null });
});

test('what cannot be an extension is refused, and the refusal says where', async () => {
  for (const [body, pointer] of [
    [{}, '/resource_type'],
    [{ resource_type: 'Device', attributes: [{ name: 'x' }] }, '/resource_type'],
    [{ resource_type: 'User', attributes: [] }, '/attributes'],
    [{ resource_type: 'User', attributes: [{ name: 'x', required: true }] }, '/attributes/0/required'],
    [{ resource_type: 'User', attributes: [{ name: 'x', mutability: 'readOnly' }] }, '/attributes/0/mutability'],
    [{ resource_type: 'User', attributes: [{ name: 'x', uniqueness: 'server' }] }, '/attributes/0/uniqueness'],
    [{ resource_type: 'User', attributes: [{ name: 'x', colour: 'red' }] }, '/attributes/0/colour'],
  ] as const) {
    const { status, body: problem } = await declare(urn, body);
    expect([body, status, problem.code, problem.errors.map((fault: { pointer: string }) => fault.pointer)]).toEqual([
      body,
      400,
      'invalid_request',
      expect.arrayContaining([pointer]),
    ]);
  }
  for (const body of [
    { resource_type: 'User', attributes: [{ name: 'x' }, { name: 'X' }] },
    { resource_type: 'User', attributes: [{ name: 'a b' }] },
    { resource_type: 'User', attributes: [{ name: 'x', type: 'complex' }] },
  ]) {
    expect((await declare(urn, body)).body.code).toBe('invalid_request');
  }
  for (const name of [
    'x',
    'urn:x',
    'urn:a:b%00',
    'urn:a:b%20c',
    'urn:a:[b]',
    'urn:ietf:params:scim:schemas:core:2.0:User',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
    `urn:a:${'b'.repeat(500)}`,
  ]) {
    expect([name, (await declare(name, { resource_type: 'User', attributes: [{ name: 'x' }] })).body.code]).toEqual([
      name,
      'invalid_request',
    ]);
  }
  expect((await broker.call('DELETE', '/v1/schema_extensions/urn:a:b%00')).body.code).toBe('invalid_request');
});

test('an environment has 50 at most, and sees its own alone', async () => {
  const body = { resource_type: 'User', attributes: [{ name: 'x' }] };
  const statuses: number[] = [];
  for (let i = 0; i < 51; i += 1) statuses.push((await declare(`urn:acme:${i}`, body)).status);
  expect(statuses).toEqual([...Array.from({ length: 50 }, () => 200), 409]);
  expect((await declare('urn:acme:7', body)).status).toBe(200);
  const first = (await broker.call('GET', '/v1/schema_extensions?limit=30')).body;
  const second = (await broker.call('GET', `/v1/schema_extensions?limit=30&cursor=${first.next_cursor}`)).body;
  expect([first.data.length, second.data.length, second.next_cursor]).toEqual([30, 20, null]);
  expect(new Set([...first.data, ...second.data].map((each: { urn: string }) => each.urn)).size).toBe(50);
  expect((await broker.call('GET', '/v1/schema_extensions?cursor=xyz')).body.code).toBe('invalid_cursor');
  const key = await broker.stranger();
  expect((await broker.call('GET', '/v1/schema_extensions', { key })).body.data).toEqual([]);
  expect((await broker.call('DELETE', '/v1/schema_extensions/urn:acme:7', { key })).status).toBe(404);
});

test('it is shown to identity providers, and from then on checks types and keeps as sent', async () => {
  const { idp } = await broker.aDirectory();
  const before = await idp.post('/Users', { userName: 'before', [urn]: { level: 'x', costCenter: 'A' } });
  expect(before.status).toBe(201);
  await declare(urn, {
    resource_type: 'User',
    name: 'Metadata',
    attributes: [
      { name: 'costCenter' },
      { name: 'level', type: 'integer' },
      { name: 'tags', multiValued: true, type: 'complex', subAttributes: [{ name: 'value' }, { name: 'primary', type: 'boolean' }] },
    ],
  });

  expect((await idp.get(`/Schemas/${urn}`)).body).toMatchObject({
    id: urn,
    name: 'Metadata',
    attributes: [
      { name: 'costCenter', type: 'string' },
      { name: 'level', type: 'integer' },
      { name: 'tags', multiValued: true, subAttributes: [{ name: 'value' }, { name: 'primary' }] },
    ],
  });
  expect((await idp.get('/ResourceTypes/User')).body).toMatchObject({
    schemaExtensions: [{ schema: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User' }, { schema: urn, required: false }],
  });
  expect(await idp.post('/Users', { userName: 'wrong', [urn]: { level: 'high' } })).toMatchObject({
    status: 400,
    body: { scimType: 'invalidValue' },
  });
  const sent = { level: 3, costCenter: 'B', tags: [{ value: 't', primary: true }], undeclared: [1] };
  expect(await idp.post('/Users', { userName: 'right', [urn.toUpperCase()]: sent })).toMatchObject({ status: 201, body: { [urn]: sent } });
  expect((await idp.get(`/Users?filter=${encodeURIComponent(`${urn}:level gt 2`)}`)).body).toMatchObject({
    totalResults: 1,
    Resources: [{ userName: 'right' }],
  });
  expect((await idp.get('/Users?filter=userName+eq+"before"')).body).toMatchObject({
    Resources: [{ [urn]: { level: 'x', costCenter: 'A' } }],
  });
});

test('what is stored already is filtered as the declaration has it, and as before once it is withdrawn', async () => {
  const { idp } = await broker.aDirectory();
  for (let i = 0; i < 3; i += 1)
    await idp.post('/Users', { userName: `u${i}`, [urn]: { code: i === 0 ? 'ABC' : 'abc', since: '2026-01-01T01:00:00+01:00' } });
  await idp.post('/Groups', { displayName: 'g', [urn]: { code: 'ABC' } });
  const found = async (filter: string): Promise<unknown> => (await idp.get(`/Users?filter=${encodeURIComponent(filter)}`)).body;
  expect(await found(`${urn}:code eq "ABC"`)).toMatchObject({ totalResults: 3 });
  const versions = async (): Promise<string> => (await idp.get('/Users')).text;
  const before = await versions();
  await declare(urn, {
    resource_type: 'User',
    attributes: [
      { name: 'code', caseExact: true },
      { name: 'since', type: 'dateTime' },
    ],
  });
  expect(await found(`${urn}:code eq "ABC"`)).toMatchObject({ totalResults: 1 });
  expect(await found(`${urn}:since eq "2026-01-01T00:00:00Z"`)).toMatchObject({ totalResults: 3 });
  expect(await versions()).toBe(before);
  await broker.call('DELETE', `/v1/schema_extensions/${urn}`);
  expect(await found(`${urn}:code eq "ABC"`)).toMatchObject({ totalResults: 3 });
});
