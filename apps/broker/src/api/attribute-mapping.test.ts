import { remapUsers } from '#directory';
import { eventually } from '#testing';
import { aBroker, type TestBroker, type TestDirectory } from '../a-broker';

const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
const draft = {
  attributes: [{ name: 'plan', type: 'string', from: 'userType', allowed_values: ['Premium', 'Standard'] }],
  roles: { mode: 'one', default: 'member', rules: [] },
  rules: {
    invalid_value: 'reject',
    missing_required: 'reject',
    foreign_domain: 'ignore',
    email_elsewhere: 'ignore',
    unknown_path: 'reject',
  },
};

let broker: TestBroker;
let directory: TestDirectory;

beforeEach(async () => {
  broker = await aBroker();
  directory = await broker.aDirectory();
});

const aUser = (userName: string, more: object = {}) => directory.idp.post('/Users', { schemas: [userUrn], userName, ...more });

test('nothing is mapped and nothing refused until a mapping is saved', async () => {
  const none = {
    attributes: [],
    roles: { mode: 'one', default: null, rules: [] },
    rules: {
      invalid_value: 'ignore',
      missing_required: 'ignore',
      foreign_domain: 'ignore',
      email_elsewhere: 'ignore',
      unknown_path: 'reject',
    },
  };
  expect((await broker.call('GET', '/v1/attribute_mapping')).body).toEqual(none);
  expect((await broker.call('GET', `/v1/directories/${directory.id}/attribute_mapping`)).body).toEqual({ ...none, inherited: true });
});

test('a mapping is saved whole: 200 where nobody needs to be mapped anew, 202 with what can be watched where somebody does', async () => {
  const first = await broker.call('PUT', '/v1/attribute_mapping', { body: draft });
  expect([first.status, first.body]).toEqual([200, draft]);
  await aUser('ada@acme.com', { userType: 'Premium' });
  const second = await broker.call('PUT', '/v1/attribute_mapping', { body: { ...draft, roles: { default: 'guest' } } });
  expect([second.status, second.body]).toEqual([202, { remap_id: expect.stringMatching(/^rmp_[0-9a-f]{32}$/) }]);
  const path = `/v1/attribute_mapping/remaps/${second.body.remap_id}`;
  expect((await broker.call('GET', path)).body).toMatchObject({
    state: 'running',
    users_total: null,
    users_done: 0,
    finished_at: null,
    directory_id: null,
  });

  await remapUsers(broker.db.pool, new AbortController().signal);
  expect((await broker.call('GET', path)).body).toMatchObject({
    state: 'finished',
    users_total: 1,
    users_done: 1,
    users_changed: 1,
    users_failing: 0,
  });
  const { data } = (await broker.call('GET', '/v1/attribute_mapping/remaps')).body;
  expect(data.map(({ id, state }: { id: string; state: string }) => [id, state])).toEqual([
    [second.body.remap_id, 'finished'],
    [expect.any(String), 'superseded'],
  ]);
  const [user] = (await broker.call('GET', `/v1/directories/${directory.id}/users`)).body.data;
  expect(user).toMatchObject({ attributes: { plan: 'Premium' }, roles: [{ role: 'guest', rule: -1 }] });
});

test('a directory’s own stands in the place of the environment’s until it is taken away; what was read may be sent back', async () => {
  await broker.call('PUT', '/v1/attribute_mapping', { body: draft });
  const path = `/v1/directories/${directory.id}/attribute_mapping`;
  const read = (await broker.call('GET', path)).body;
  expect(read).toEqual({ ...draft, inherited: true });
  expect((await broker.call('PUT', path, { body: { ...read, roles: { default: 'own' } } })).body).toMatchObject({
    inherited: false,
    roles: { default: 'own' },
  });
  expect(((await aUser('ada@acme.com')).body as { id: string }).id).toBeDefined();
  const gone = await broker.call('DELETE', path);
  expect([gone.status, gone.body]).toEqual([202, { remap_id: expect.any(String) }]);
  expect((await broker.call('GET', path)).body).toEqual(read);
  expect((await broker.call('DELETE', path)).status).toBe(404);
});

test('a body that is no mapping is refused, with every fault in its place', async () => {
  const faults = async (body: unknown) => {
    const answer = await broker.call('PUT', '/v1/attribute_mapping', { body });
    return [answer.status, answer.body.code, answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)];
  };
  expect(await faults({ attributes: [{ name: 'plan', type: 'text', from: 'userType' }], colour: 1 })).toEqual([
    400,
    'invalid_request',
    ['/colour', '/attributes/0/type'],
  ]);
  expect(
    await faults({
      attributes: [
        { name: 'a', type: 'string' },
        { name: 'a', type: 'string', from: 'nothing' },
      ],
    }),
  ).toEqual([400, 'invalid_request', ['/attributes/0/from', '/attributes/1/name', '/attributes/1/from']]);
  expect(await faults({ attributes: [{ name: 'a', type: 'string', from: 'title', pattern: '(?=x)' }] })).toEqual([
    400,
    'invalid_request',
    ['/attributes/0/pattern'],
  ]);
  expect((await broker.call('POST', '/v1/attribute_mapping/preview', { body: { attributes: 1 } })).status).toBe(400);
  expect((await broker.call('GET', '/v1/attribute_mapping')).body.attributes).toEqual([]);
});

test('a preview says which pattern costs too much', async () => {
  const pattern = '(a?){200}b';
  await aUser('ada@acme.com', { title: 'a'.repeat(1_000) });
  const attributes = [{ name: 'dear', type: 'string', from: 'title', pattern }];
  const { body } = await broker.call('POST', '/v1/attribute_mapping/preview', { body: { attributes, rules: { invalid_value: 'ignore' } } });
  expect(body.costly_patterns).toEqual([{ attribute: 'dear', pattern, users: 1 }]);
});

test('a preview tells what a draft would do, of everybody and of one directory, and leaves all as it is', async () => {
  await aUser('ada@acme.com', { userType: 'Premium' });
  await aUser('bob@acme.com', { userType: 'Gold' });
  const told = {
    changed: 2,
    failing: 1,
    users: 2,
    complete: true,
    reasons: [
      { rule: 'invalid_value', attribute: 'plan', path: 'userType', wanted: 'one of "Premium", "Standard"', action: 'reject', users: 1 },
    ],
    costly_patterns: [],
  };
  for (const path of ['/v1/attribute_mapping/preview', `/v1/directories/${directory.id}/attribute_mapping/preview`]) {
    const answer = await broker.call('POST', path, { body: draft });
    expect([answer.status, answer.body]).toEqual([200, { ...told, examples: [expect.anything(), expect.anything()] }]);
    expect(answer.body.examples[0]).toEqual({
      user: { id: expect.stringMatching(/^usr_/), user_name: 'bob@acme.com', directory_id: directory.id },
      before: { attributes: {}, roles: [] },
      after: { attributes: {}, roles: [{ role: 'member', rule: -1 }] },
      problems: [
        {
          rule: 'invalid_value',
          attribute: 'plan',
          path: 'userType',
          sent: 'Gold',
          wanted: 'one of "Premium", "Standard"',
          action: 'reject',
          detail: 'userType: "Gold" is not one of "Premium", "Standard". Change the value or the mapping in your identity provider.',
        },
      ],
    });
  }
  expect((await broker.call('GET', '/v1/attribute_mapping')).body.attributes).toEqual([]);
});

test('an extension that was declared may be named without its URN', async () => {
  const declared = { attributes: [{ name: 'site', type: 'string' }], resource_type: 'User' };
  const urn = 'urn:ietf:params:scim:schemas:extension:acme:2.0:User';
  const body = { attributes: [{ name: 'site', type: 'string', from: 'site' }] };
  expect((await broker.call('PUT', '/v1/attribute_mapping', { body })).status).toBe(400);
  const answer = await broker.call('PUT', `/v1/schema_extensions/${urn}`, { body: declared });
  expect([200, 201]).toContain(answer.status);
  expect((await broker.call('PUT', '/v1/attribute_mapping', { body })).status).toBe(200);
  expect((await aUser('ada@acme.com', { [urn]: { site: 'BER' } })).status).toBe(201);
  const attributes = async () => (await broker.call('GET', `/v1/directories/${directory.id}/users`)).body.data[0].attributes;
  expect(await attributes()).toEqual({ site: 'BER' });

  // Withdrawn, the name means nothing any more; declared again, it does.
  for (const [method, sent, mapped] of [
    ['DELETE', {}, {}],
    ['PUT', { body: declared }, { site: 'BER' }],
  ] as const) {
    await broker.call(method, `/v1/schema_extensions/${urn}`, sent);
    await remapUsers(broker.db.pool, new AbortController().signal);
    expect(await attributes()).toEqual(mapped);
  }
  const { rows } = await broker.db.pool.query(`select data->>'cause' as cause from events where type = 'user.updated'`);
  expect(rows).toEqual([{ cause: 'mapping' }, { cause: 'mapping' }]);
});

describe('what an identity provider is told', () => {
  test('of a rule: 400 in a sentence, provisioning.failed for the vendor, and in the request log why and what to do; never the values of attributes that nobody uses', async () => {
    broker.sequence();
    await broker.call('PUT', '/v1/attribute_mapping', { body: draft });
    const refused = await aUser('bob@acme.com', {
      userType: 'Gold',
      nickName: 'Bobby',
      phoneNumbers: [{ value: '+49 30 1234' }],
      password: 'hunter2',
    });
    const detail = 'userType: "Gold" is not one of "Premium", "Standard". Change the value or the mapping in your identity provider.';
    expect([refused.status, refused.body]).toEqual([
      400,
      { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '400', scimType: 'invalidValue', detail },
    ]);

    const failed = await eventually(async () => (await broker.call('GET', '/v1/events?types=provisioning.failed')).body.data[0] ?? false);
    expect(failed.data.request).toEqual({
      id: refused.headers.get('x-request-id'),
      method: 'POST',
      path: '/Users',
      status: 400,
      scim_type: 'invalidValue',
      detail,
      resource: { userName: 'bob@acme.com' },
    });
    const request = await eventually(
      async () => (await broker.call('GET', `/v1/directories/${directory.id}/requests?outcome=failed`)).body.data[0] ?? false,
    );
    expect(request).toMatchObject({
      path: '/Users',
      detail,
      explanation: `A value is not allowed. ${detail}`,
      fix: expect.stringContaining('Enterprise applications › your application › Provisioning › Attribute mapping'),
    });
    expect(request.request_body).toEqual({
      schemas: [userUrn],
      userName: 'bob@acme.com',
      userType: 'Gold',
      nickName: '[not kept]',
      phoneNumbers: '[not kept]',
      password: expect.stringMatching(/^\[(masked|not kept)\]$/),
    });
  });

  test('of what was only warned of: nothing; the request log notes it', async () => {
    await broker.call('PUT', '/v1/attribute_mapping', { body: { ...draft, rules: { invalid_value: 'warn' } } });
    expect((await aUser('bob@acme.com', { userType: 'Gold' })).status).toBe(201);
    const [request] = await eventually(async () => {
      const { data } = (await broker.call('GET', `/v1/directories/${directory.id}/requests`)).body;
      return data.length > 0 && data;
    });
    expect(request).toMatchObject({
      outcome: 'succeeded',
      explanation: null,
      fix: null,
      notes: expect.arrayContaining([expect.stringMatching(/^let through: userType: "Gold" is not one of/)]),
    });
  });

  test('of the seats: 403 that says how many of how many', async () => {
    await broker.call('PATCH', `/v1/organizations/${directory.organizationId}`, { body: { seat_limit: 1 } });
    const ada = (await aUser('ada@acme.com')).body as { id: string };
    const refused = await aUser('bob@acme.com');
    expect([refused.status, refused.body]).toEqual([
      403,
      {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
        status: '403',
        detail:
          'No seat is left: 1 of 1 seats of this organization are taken. Deactivate a user who needs none, or ask the application’s vendor for more seats.',
      },
    ]);
    expect((await broker.call('GET', `/v1/organizations/${directory.organizationId}`)).body).toMatchObject({
      seat_limit: 1,
      seats_used: 1,
    });
    await broker.call('PATCH', `/v1/organizations/${directory.organizationId}`, { body: { seat_limit: 0 } });
    expect((await aUser('bob@acme.com')).body).toMatchObject({
      detail:
        'No seat is left: 1 of 0 seats of this organization are taken, more than there are. Deactivate a user who needs none, or ask the application’s vendor for more seats.',
    });
    await broker.call('PATCH', `/v1/organizations/${directory.organizationId}`, { body: { seat_limit: 1 } });
    await directory.idp.delete(`/Users/${ada.id}`);
    expect((await aUser('bob@acme.com')).status).toBe(201);
  });
});
