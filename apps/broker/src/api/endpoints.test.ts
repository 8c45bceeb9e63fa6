import { eventually } from '#testing';
import { newId, publicId } from '#identifier';
import { aBroker, type TestBroker } from '../a-broker';

let broker: TestBroker;
beforeAll(async () => {
  broker = await aBroker();
  broker.sequence();
});

const url = 'https://example.com/hooks';
const make = (body: object) => broker.call('POST', '/v1/webhook_endpoints', { body });

test('an endpoint is made with a secret that is shown once, listed, changed and deleted', async () => {
  const made = await make({ url, event_types: ['user.created'], description: 'ours', headers: { 'X-Gateway': 'k' }, max_parallel: 3 });
  expect([made.status, made.body]).toEqual([
    201,
    expect.objectContaining({
      id: expect.stringMatching(/^we_[0-9a-f]{32}$/),
      url,
      event_types: ['user.created'],
      organization_id: null,
      description: 'ours',
      ordering: 'directory',
      state: 'active',
      headers: { 'x-gateway': 'k' },
      max_parallel: 3,
      secret: expect.stringMatching(/^whsec_/),
    }),
  ]);
  const { secret, ...endpoint } = made.body;
  const path = `/v1/webhook_endpoints/${endpoint.id}`;
  expect((await broker.call('GET', path)).body).toEqual(endpoint);
  const newer = (await make({ url })).body;
  expect((await broker.call('GET', '/v1/webhook_endpoints')).body.data.map(({ id }: { id: string }) => id)).toEqual([
    newer.id,
    endpoint.id,
  ]);
  expect((await broker.call('GET', '/v1/webhook_endpoints')).text).not.toContain(secret);

  const changed = await broker.call('PATCH', path, { body: { event_types: [], enabled: false, headers: {} } });
  expect(changed.body).toMatchObject({ event_types: null, state: 'disabled', disabled_reason: 'by_hand', headers: {} });
  expect((await broker.call('PATCH', path, { body: { enabled: true } })).body).toMatchObject({ state: 'active', disabled_at: null });

  const rotated = await broker.call('POST', `${path}/rotate_secret`, { body: { overlap: 60 } });
  expect([rotated.status, rotated.body.secret]).toEqual([201, expect.stringMatching(/^whsec_/)]);
  expect(rotated.body.secret).not.toBe(secret);

  expect((await broker.call('DELETE', path)).status).toBe(204);
  expect((await broker.call('GET', path)).status).toBe(404);
  expect((await broker.call('DELETE', path)).status).toBe(404);
});

test.each<[object, string]>([
  [{ url: 'http://93.184.216.34/' }, '/url'],
  [{ url: 'http://169.254.169.254/' }, '/url'],
  [{ url: 'not a url' }, '/url'],
  [{ url, headers: { Host: 'x' } }, '/headers/Host'],
  [{ url, event_types: ['user.creatd'] }, '/event_types/0'],
  [{ url, start: 'yesterday' }, '/start'],
  [{ url, start: { cursor: 5 } }, '/start'],
  [{ url, max_parallel: 0 }, '/max_parallel'],
  [{ url, ordering: 'group' }, '/ordering'],
  [{ url, secret: 'mine' }, '/secret'],
  [{}, '/url'],
])('%j is refused at %s', async (body, pointer) => {
  const answer = await make(body);
  expect([answer.status, answer.body.errors?.map((error: { pointer: string }) => error.pointer)]).toEqual([400, [pointer]]);
});

test('an endpoint may start at a cursor, and not at one that nobody gave', async () => {
  const { next_cursor: cursor } = (await broker.call('GET', '/v1/events')).body;
  expect((await make({ url, start: { cursor } })).status).toBe(201);
  expect((await make({ url, start: { cursor: 'xyz' } })).body.code).toBe('invalid_cursor');
});

test('deliveries are listed, read and sent again', async () => {
  const endpoint = (await make({ url: 'http://127.0.0.1:9/', start: 'beginning' })).body;
  const path = `/v1/webhook_endpoints/${endpoint.id}`;
  const { idp } = await broker.aDirectory();
  await idp.post('/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'x' });
  const deliveries = await eventually(async () => {
    const { data } = (await broker.call('GET', `${path}/deliveries`)).body;
    return data.length === 2 && data;
  });
  expect(deliveries.map(({ type, state, sequence }: { type: string; state: string; sequence: number }) => [type, state, sequence])).toEqual(
    [
      ['user.created', 'pending', 2],
      ['directory.activated', 'pending', 1],
    ],
  );
  expect((await broker.call('GET', `${path}/deliveries?state=parked`)).body.data).toEqual([]);
  expect((await broker.call('GET', `${path}/deliveries?cursor=x`)).body.code).toBe('invalid_cursor');

  const [{ event_id: eventId }] = deliveries;
  expect((await broker.call('GET', `${path}/deliveries/${eventId}`)).body).toEqual(deliveries[0]);
  expect((await broker.call('POST', `${path}/deliveries/${eventId}/retry`)).status).toBe(202);
  expect((await broker.call('GET', `${path}/deliveries/${publicId('evt', newId())}`)).status).toBe(404);

  const tested = await broker.call('POST', `${path}/test`, { body: { type: 'group.created' } });
  expect([tested.status, tested.body]).toEqual([202, { event_id: expect.stringMatching(/^evt_/) }]);

  for (const body of [
    undefined,
    {},
    { since: '2026-01-31T09:00:00Z' },
    { since: (await broker.call('GET', '/v1/events')).body.next_cursor },
    { directory_id: deliveries[0].directory_id },
  ]) {
    expect((await broker.call('POST', `${path}/replay`, { body })).status).toBe(202);
  }
  expect((await broker.call('POST', `${path}/replay`, { body: { since: 'yesterday' } })).body.code).toBe('invalid_cursor');

  await broker.call('PATCH', path, { body: { enabled: false } });
  for (const action of ['test', `deliveries/${eventId}/retry`]) {
    const answer = await broker.call('POST', `${path}/${action}`);
    expect([action, answer.status, answer.body.code]).toEqual([action, 409, 'endpoint_disabled']);
  }
});
