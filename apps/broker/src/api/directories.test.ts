import { aBroker, type TestBroker } from '../a-broker';

let broker: TestBroker;
let organizationId: string;
beforeAll(async () => {
  broker = await aBroker({ publicUrl: 'https://scim.example.com' });
  organizationId = (await broker.call('POST', '/v1/organizations', { body: { name: 'Acme', external_id: 'acme' } })).body.id;
});

test('a directory is made, found by its organization, changed and deleted', async () => {
  const made = await broker.call('POST', '/v1/directories', {
    body: { organization_id: organizationId, provider: 'entra', name: 'Acme Entra' },
  });
  expect([made.status, made.body]).toEqual([
    201,
    {
      id: expect.stringMatching(/^dir_[0-9a-f]{32}$/),
      organization_id: organizationId,
      organization_external_id: 'acme',
      name: 'Acme Entra',
      provider: 'entra',
      state: 'pending',
      basic_auth: false,
      base_url: `https://scim.example.com/scim/v2/${made.body.id}`,
      has_bearer_token: false,
      last_request_at: null,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    },
  ]);
  const path = `/v1/directories/${made.body.id}`;
  expect((await broker.call('GET', path)).body).toEqual(made.body);
  for (const filter of [`organization_id=${organizationId}`, 'organization_external_id=acme']) {
    expect((await broker.call('GET', `/v1/directories?${filter}`)).body.data).toEqual([made.body]);
  }
  expect((await broker.call('GET', '/v1/directories?organization_external_id=other')).body.data).toEqual([]);
  expect((await broker.call('GET', '/v1/directories?organization_id=acme')).body.errors[0].parameter).toBe('organization_id');

  const changed = await broker.call('PATCH', path, { body: { name: 'Entra', state: 'disabled', basic_auth: true } });
  expect(changed.body).toEqual({ ...made.body, name: 'Entra', state: 'disabled', basic_auth: true, updated_at: changed.body.updated_at });
  expect((await broker.call('PATCH', path, { body: { state: 'pending' } })).body.errors).toEqual([
    { pointer: '/state', detail: 'must be one of "active", "disabled"' },
  ]);
  expect((await broker.call('PATCH', path, { body: { state: 'active' } })).body.state).toBe('pending'); // its identity provider has not come yet

  expect((await broker.call('DELETE', path)).status).toBe(204);
  expect((await broker.call('GET', path)).status).toBe(404);
  expect((await broker.call('DELETE', path)).status).toBe(404);
});

test('of two who delete the same directory at once, one does and the other finds nothing', async () => {
  const { id } = await broker.aDirectory();
  const answers = await Promise.all([1, 2, 3].map(() => broker.call('DELETE', `/v1/directories/${id}`)));
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([204, 404, 404]);
});

test('a bearer token opens its directory until it is replaced or revoked', async () => {
  const { id, idp } = await broker.aDirectory();
  const path = `/v1/directories/${id}`;
  expect((await broker.call('GET', path)).body.has_bearer_token).toBe(true);
  expect((await idp.get('/Users')).status).toBe(200);

  const replaced = await broker.call('POST', `${path}/bearer_token`, { body: { expire_previous_in: 3600 } });
  expect([replaced.status, replaced.body]).toEqual([201, { token: expect.stringMatching(/^cwt_[\x21-\x7e]{20,68}$/) }]);
  expect((await idp.get('/Users')).status).toBe(200);
  await broker.call('POST', `${path}/bearer_token`);
  expect((await idp.get('/Users')).status).toBe(401);

  expect((await broker.call('DELETE', `${path}/bearer_token`)).status).toBe(204);
  expect((await broker.call('GET', path)).body.has_bearer_token).toBe(false);
  for (const seconds of [-1, 604_801, 1.5]) {
    expect((await broker.call('POST', `${path}/bearer_token`, { body: { expire_previous_in: seconds } })).status).toBe(400);
  }
});

test('what the identity provider did can be read, newest first, and what failed by itself', async () => {
  const { id, idp } = await broker.aDirectory();
  await idp.post('/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada@acme.com' });
  await idp.post('/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'] });
  const requests = async (query = ''): Promise<{ status: number; outcome: string }[]> =>
    (await broker.call('GET', `/v1/directories/${id}/requests${query}`)).body.data;
  while ((await requests()).length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  expect((await requests()).map(({ status }) => status)).toEqual([400, 201]);
  expect((await requests('?outcome=failed')).map(({ status, outcome }) => [status, outcome])).toEqual([[400, 'failed']]);
});
