import { aBroker, type TestBroker } from '../a-broker';

let broker: TestBroker;
beforeAll(async () => {
  broker = await aBroker({ operatorApiKey: 'the-operator-of-this-place' });
});

test.each([
  ['no header', null, undefined],
  ['a key that never was', `cwk_${'x'.repeat(43)}`, undefined],
  ['no key at all', 'hunter2', undefined],
  ["the operator's key", 'the-operator-of-this-place', undefined],
  ['another scheme', null, { Authorization: 'Basic Y3drXzp4' }],
  ['a key without a scheme', null, { Authorization: `cwk_${'x'.repeat(43)}` }],
])('%s gets 401, and is told where a key belongs', async (_, key, headers) => {
  const answer = await broker.call('GET', '/v1/organizations', { key, ...(headers && { headers }) });
  expect([answer.status, answer.headers.get('content-type'), answer.body.code]).toEqual([
    401,
    'application/problem+json',
    'unauthenticated',
  ]);
  expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="causeway"/);
});

test('a key in the address is refused, with a good one in the header or without', async () => {
  for (const key of [null, broker.apiKey]) {
    const answer = await broker.call('GET', `/v1/organizations?access_token=${broker.apiKey}`, { key });
    expect([answer.status, answer.body.errors]).toEqual([400, [{ parameter: 'access_token', detail: 'is not accepted' }]]);
    expect(answer.text).not.toContain(broker.apiKey);
  }
});

test('a key in a form is not looked at', async () => {
  const answer = await broker.call('POST', '/v1/organizations', {
    key: null,
    raw: `access_token=${broker.apiKey}&name=x`,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  });
  expect(answer.status).toBe(401);
});

test('a key works until it is revoked, and not once more', async () => {
  const made = await broker.call('POST', '/v1/api_keys', { body: { name: 'ci' } });
  expect([made.status, made.body]).toEqual([
    201,
    {
      id: expect.stringMatching(/^key_[0-9a-f]{32}$/),
      name: 'ci',
      key: expect.stringMatching(/^cwk_[\w-]{43}$/),
      created_at: expect.any(String),
      last_used_at: null,
    },
  ]);
  const { id, key } = made.body;
  expect((await broker.call('GET', '/v1/organizations', { key })).status).toBe(200);

  const listed = await broker.call('GET', '/v1/api_keys');
  expect(listed.text).not.toContain(key);
  expect(listed.body.data.map((one: { name: string }) => one.name)).toEqual(['first key', 'ci']);
  expect(listed.body.data[1].last_used_at).not.toBeNull();

  expect((await broker.call('DELETE', `/v1/api_keys/${id}`)).status).toBe(204);
  expect((await broker.call('GET', '/v1/organizations', { key })).status).toBe(401);
  expect((await broker.call('DELETE', `/v1/api_keys/${id}`)).status).toBe(404);
});

describe('environments', () => {
  test('are made by the operator alone, each with its first key', async () => {
    const key = 'the-operator-of-this-place';
    const made = await broker.call('POST', '/v1/environments', { key, body: { name: 'staging' }, headers: { 'Idempotency-Key': 'e1' } });
    expect([made.status, made.body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^env_[0-9a-f]{32}$/),
        name: 'staging',
        created_at: expect.any(String),
        api_key: expect.stringMatching(/^cwk_/),
      },
    ]);
    const again = await broker.call('POST', '/v1/environments', { key, body: { name: 'staging' }, headers: { 'Idempotency-Key': 'e1' } });
    expect(again.body).toEqual(made.body);
    expect((await broker.call('GET', '/v1/organizations', { key: made.body.api_key })).body).toEqual({ data: [], next_cursor: null });

    const listed = await broker.call('GET', '/v1/environments', { key });
    expect(listed.body.data.map(({ name }: { name: string }) => name)).toEqual(['default', 'staging']);
    for (const other of [null, broker.apiKey, 'the-operator-of-this-placE']) {
      expect((await broker.call('POST', '/v1/environments', { key: other, body: { name: 'x' } })).status).toBe(401);
    }
  });

  test('are made by nobody where there is no operator', async () => {
    const without = await aBroker();
    for (const key of ['', 'undefined', without.apiKey]) {
      expect((await without.call('POST', '/v1/environments', { key, body: { name: 'x' } })).status).toBe(401);
    }
  });
});
