import { migrate } from '#runtime';
import { createEmptyDatabase, eventually } from '#testing';
import { aBroker, type TestBroker } from './a-broker';

let broker: TestBroker;
beforeAll(async () => {
  broker = await aBroker();
});

test('every answer has a request id, errors of every door included', async () => {
  const paths = [
    '/livez',
    '/readyz',
    '/metrics',
    '/v1/organizations',
    '/v1/nothing',
    '/v1/openapi.json',
    '/docs',
    '/nothing',
    '/scim/v2/dir_x/Users',
    '/v1/organizations/%E0%A4%A',
  ];
  const ids = await Promise.all(paths.map(async (path) => (await broker.call('GET', path)).headers.get('x-request-id')));
  for (const id of ids) expect(id).toMatch(/^req_[0-9a-f]{32}$/);
  expect(new Set(ids).size).toBe(paths.length);
});

test('a path that is not there is refused in the shape of its door', async () => {
  const api = await broker.call('GET', '/v1/nothing');
  expect([api.status, api.headers.get('content-type'), api.body]).toEqual([
    404,
    'application/problem+json',
    {
      type: 'http://causeway.test/docs/errors#not_found',
      title: 'There is no such thing',
      status: 404,
      detail: 'there is no GET /v1/nothing',
      code: 'not_found',
    },
  ]);

  const elsewhere = await broker.call('GET', '/nothing');
  expect([elsewhere.status, elsewhere.body.code]).toEqual([404, 'not_found']);

  const scim = await broker.call('GET', '/scim/v2/dir_00000000000000000000000000000000/Users');
  expect([scim.status, scim.headers.get('content-type')?.split(';')[0], scim.body.schemas]).toEqual([
    401,
    'application/scim+json',
    ['urn:ietf:params:scim:api:messages:2.0:Error'],
  ]);
});

test('a method that a path does not take is refused with those that it does', async () => {
  const answer = await broker.call('PUT', '/v1/organizations');
  expect([answer.status, answer.body.code, answer.headers.get('allow')]).toEqual([405, 'method_not_allowed', 'POST, GET, HEAD']);
});

test('answers say nothing of what made them, and may not be framed, sniffed or kept', async () => {
  const { headers } = await broker.call('GET', '/v1/organizations');
  expect(headers.get('x-powered-by')).toBeNull();
  expect(headers.get('etag')).toBeNull();
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
});

describe('whoever runs it', () => {
  test('learns that it lives and is ready', async () => {
    expect((await broker.call('GET', '/livez', { key: null })).body).toEqual({ status: 'alive' });
    const ready = await broker.call('GET', '/readyz', { key: null });
    expect([ready.status, ready.body]).toEqual([200, { status: 'ready', parts: { database: { state: 'ok' }, schema: { state: 'ok' } } }]);
  });

  test('reads the metrics on the machine itself, and not through a proxy on it', async () => {
    await broker.call('GET', '/v1/organizations');
    const here = await broker.call('GET', '/metrics', { key: null });
    expect(here.status).toBe(200);
    expect(here.text).toMatch(/causeway_http_request_duration_seconds_count\{door="api",method="GET",status="2xx"\} \d+/);
    for (const [header, value] of [
      ['X-Forwarded-For', '127.0.0.1'],
      ['Forwarded', 'for=127.0.0.1'],
      ['X-Real-IP', '127.0.0.1'],
    ] as const) {
      const passedOn = await broker.call('GET', '/metrics', { key: null, headers: { [header]: value } });
      expect([passedOn.status, passedOn.body.code]).toEqual([403, 'forbidden']);
    }
  });

  test('reads them from anywhere with the METRICS_TOKEN, and with nothing else', async () => {
    const guarded = await aBroker({ metricsToken: 'a-token-for-prometheus', trustedProxies: ['127.0.0.1'] });
    const headers = { 'X-Forwarded-For': '203.0.113.7' };
    expect((await guarded.call('GET', '/metrics', { key: 'a-token-for-prometheus', headers })).status).toBe(200);
    for (const key of [null, 'a-token-for-prometheuS', guarded.apiKey]) {
      expect((await guarded.call('GET', '/metrics', { key })).status).toBe(401);
    }
  });
});

test('on a schema that is too old it starts, says so, lets nobody in, and opens once it has been migrated', async () => {
  const { url } = await createEmptyDatabase();
  const apiKey = `cwk_${'k'.repeat(40)}`;
  const waiting = await aBroker({ databaseUrl: url, bootstrapApiKey: apiKey });

  const ready = await waiting.call('GET', '/readyz');
  expect([ready.status, ready.body.parts.schema]).toEqual([
    503,
    { state: 'outdated', current: null, needed: expect.stringMatching(/^\d{4}_\w+\.sql$/) },
  ]);
  expect((await waiting.call('GET', '/livez')).status).toBe(200);
  const api = await waiting.call('GET', '/v1/organizations');
  expect([api.status, api.body.code, api.headers.get('retry-after')]).toEqual([503, 'unavailable', '5']);
  const scim = await waiting.call('GET', '/scim/v2/dir_x/Users');
  expect([scim.status, scim.body.status]).toEqual([503, '503']);

  await migrate(url);
  await eventually(async () => (await waiting.call('GET', '/v1/organizations')).status === 200);
  expect((await waiting.call('GET', '/readyz')).status).toBe(200);
});
