import { createUser } from '#directory';
import { newId } from '#identifier';
import { identityProvider, aDirectory, createTestDatabase, eventually, startProcess, startVendor, testDatabase } from './index';
import { Webhook } from 'standardwebhooks';

const secret = 'whsec_bm90IGEgc2VjcmV0IGJ1dCBsb25nIGVub3VnaA==';

/** A webhook as the broker would send it. */
function post(url: string, body: string, signature?: string): Promise<Response> {
  const at = new Date();
  return fetch(url, {
    method: 'POST',
    body,
    redirect: 'manual',
    headers: {
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': signature ?? new Webhook(secret).sign('evt_1', at, body),
    },
  });
}

describe('a database', () => {
  test('is the same for all of a file, and another where another is asked for', async () => {
    const [one, same, other] = [await testDatabase(), await testDatabase(), await createTestDatabase()];
    expect(same).toBe(one);
    expect(other.url).not.toBe(one.url);
  });

  test('takes what the builders build', async () => {
    const { db, directory } = await aDirectory({ provider: 'entra' });
    const user = await createUser(db.pool, directory, newId(), { userName: 'ada@example.com', active: true });
    expect(user.resource['userName']).toBe('ada@example.com');
  });
});

describe('a vendor', () => {
  test('keeps what came, and verifies it', async () => {
    const vendor = await startVendor();
    expect((await post(vendor.url, '{"id":"evt_1"}')).status).toBe(204);
    expect(vendor.received).toMatchObject([
      { method: 'POST', path: '/webhooks', body: '{"id":"evt_1"}', headers: { 'webhook-id': 'evt_1' } },
    ]);
    expect(vendor.events(secret)).toEqual([{ id: 'evt_1' }]);

    await post(vendor.url, '{}', 'v1,AAAA');
    expect(() => vendor.events(secret)).toThrow('No matching signature found');
  });

  test('answers as it was told to: for now, for the next one, by what came, or not at all', async () => {
    const vendor = await startVendor({ status: 500, body: 'broken' });
    expect(await (await post(vendor.url, '{}')).text()).toBe('broken');
    vendor.answersNext(
      { status: 302, headers: { location: 'http://elsewhere.test' } },
      { status: 503, headers: { 'retry-after': '7' }, delayMs: 50 },
    );
    vendor.answers(({ body }) => ({ status: body === '{}' ? 200 : 400 }));
    expect((await post(vendor.url, '{}')).status).toBe(302);
    expect((await post(vendor.url, '{}')).headers.get('retry-after')).toBe('7');
    expect([(await post(vendor.url, '{}')).status, (await post(vendor.url, '{"a":1}')).status]).toEqual([200, 400]);

    vendor.answers({ reset: true });
    await expect(post(vendor.url, '{}')).rejects.toThrow('fetch failed');
    vendor.answers({ hang: true });
    const hanging = post(vendor.url, '{}');
    await eventually(() => vendor.received.length === 7);
    await vendor.close();
    await expect(hanging).rejects.toThrow('fetch failed');
  });

  test('drips, and sends bodies as large as one likes', async () => {
    const vendor = await startVendor({ status: 200, bodyBytes: 3_000_000 });
    expect((await (await post(vendor.url, '{}')).text()).length).toBe(3_000_000);
    vendor.answers({ status: 200, dripEveryMs: 10 });
    const dripping = await post(vendor.url, '{}');
    const reader = dripping.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    await reader?.cancel();
  });
});

describe('a process', () => {
  test('is ready when it says so, and ends by itself or by force', async () => {
    const running = await startProcess({
      command: [process.execPath, '-e', `setTimeout(() => console.log('{"msg":"ready"}'), 100); setInterval(() => {}, 1000)`],
      ready: /ready/,
    });
    expect(running.log()).toEqual([{ msg: 'ready' }]);
    expect(await running.kill()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('that ends too early, or is not ready in time, fails with what it said', async () => {
    await expect(startProcess({ command: ['sh', '-c', 'echo oh dear >&2; exit 3'], ready: /ready/ })).rejects.toThrow(
      /ended \({"code":3,"signal":null}\) before it was ready[\s\S]*oh dear/,
    );
    await expect(startProcess({ command: ['sleep', '60'], ready: /ready/, readyWithinMs: 100 })).rejects.toThrow('was not ready in time');
  });

  test('sees nothing of the environment that it was not given', async () => {
    const running = await startProcess({ command: ['env'], env: { GIVEN: 'yes' } });
    await running.ended;
    expect(running.stdout()).toMatch(/^GIVEN=yes$/m);
    expect(running.stdout()).not.toContain('CAUSEWAY_TEST');
  });
});

test('an identity provider sends SCIM, and reads what it gets', async () => {
  const server = await startVendor({ status: 200, headers: { 'content-type': 'application/scim+json' }, body: '{"totalResults":0}' });
  const idp = identityProvider({ baseUrl: server.url, token: 'cwt_secret' });
  expect(await idp.get('/Users?count=1')).toMatchObject({ status: 200, body: { totalResults: 0 } });
  await idp.post('/Users', { userName: 'ada' });
  await idp.send({
    method: 'PATCH',
    path: '/Users/1',
    body: 'not json',
    headers: { 'content-type': 'application/json', authorization: 'cwt_bare' },
  });
  expect(
    server.received.map(({ method, path, body, headers }) => [method, path, body, headers['content-type'], headers.authorization]),
  ).toEqual([
    ['GET', '/webhooks/Users?count=1', '', undefined, 'Bearer cwt_secret'],
    ['POST', '/webhooks/Users', '{"userName":"ada"}', 'application/scim+json', 'Bearer cwt_secret'],
    ['PATCH', '/webhooks/Users/1', 'not json', 'application/json', 'cwt_bare'],
  ]);
});

test('a condition that never comes true is told of, with what it said last', async () => {
  await expect(eventually(() => false, { withinMs: 50 })).rejects.toThrow('the condition was false for 50 ms');
  await expect(eventually(() => expect(1).toBe(2), { withinMs: 50 })).rejects.toThrow('expect(received).toBe(expected)');
  let calls = 0;
  expect(await eventually(() => (++calls < 3 ? false : calls))).toBe(3);
});
