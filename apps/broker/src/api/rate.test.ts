import { aBroker, caller, type TestBroker } from '../a-broker';

let broker: TestBroker;
beforeAll(async () => {
  broker = await aBroker({ apiRateLimit: 5 });
});

const told = ({ headers }: { headers: Headers }) => [headers.get('ratelimit-policy'), headers.get('ratelimit')];

test('every answer to a key says how much it may, and what is left of that', async () => {
  const own = caller(broker.url, (await broker.call('POST', '/v1/api_keys', { body: { name: 'told' } })).body.key);
  expect(told(await own('GET', '/v1/organizations'))).toEqual(['"key";q=5;w=1', '"key";r=19;t=1']);
  // So does a refusal. How much has been filled in meanwhile is the clock's affair (request-rate.test.ts).
  const refused = await own('GET', '/v1/organizations?cursor=x');
  expect([refused.status, ...told(refused)]).toEqual([400, '"key";q=5;w=1', expect.stringMatching(/^"key";r=1\d;t=1$/)]);
});

test('four times as many pass at once, then comes 429 with Retry-After, each key by itself', async () => {
  const own = caller(broker.url, (await broker.call('POST', '/v1/api_keys', { body: { name: 'loud' } })).body.key);
  const answers = await Promise.all(Array.from({ length: 80 }, () => own('GET', '/v1/organizations?limit=1')));
  const [passed, late] = [200, 429].map((status) => answers.filter((answer) => answer.status === status));
  expect(passed?.length).toBeGreaterThanOrEqual(20);
  expect([passed?.length, late?.length]).toEqual([expect.any(Number), 80 - (passed?.length ?? 0)]);
  const [refused] = late ?? [];
  expect([refused?.body.code, refused?.headers.get('content-type')]).toEqual(['too_many_requests', 'application/problem+json']);
  expect([refused?.headers.get('retry-after'), ...told(refused!)]).toEqual(['1', '"key";q=5;w=1', '"key";r=0;t=4']);
  expect((await broker.call('GET', '/v1/organizations')).status).toBe(200);
});

test('a key that is none is told nothing, and uses up nothing', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => broker.call('GET', '/v1/organizations', { key: 'cwk_garbage' })));
  for (const answer of answers) expect([answer.status, ...told(answer)]).toEqual([401, null, null]);
});

test('without a limit nobody is told of one', async () => {
  const free = await aBroker();
  expect(told(await free.call('GET', '/v1/organizations'))).toEqual([null, null]);
});
