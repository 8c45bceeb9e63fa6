/** Too much of anything: wrong credentials, right ones too often, bodies and headers without end. Nobody is locked out, and nothing falls over. */
import { bounds } from '#bounds';
import { connect } from 'node:net';
import Redis from 'ioredis';
import { countCalls, eventually, identityProvider, redisUrl, type ScimAnswer, statementsOf } from '#testing';
import { aBroker, type TestBroker, type TestDirectory } from '../a-broker';

const errorShape = (status: string) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status, detail: expect.any(String) });
const asking = (broker: TestBroker, directoryId: string, token?: string): Promise<ScimAnswer> =>
  identityProvider({ baseUrl: `${broker.url}/scim/v2/${directoryId}`, ...(token !== undefined && { token }) }).get('/Users');
const count = (answers: ScimAnswer[], status: number): number => answers.filter((one) => one.status === status).length;
const times = (n: number, ask: () => Promise<ScimAnswer>): Promise<ScimAnswer[]> => Promise.all(Array.from({ length: n }, ask));

// All come from one address, whose count in Redis outlives a broker.
beforeEach(async () => {
  const url = redisUrl();
  if (url === undefined) return;
  const redis = new Redis(url);
  await redis.flushdb();
  redis.disconnect();
});

describe.each([
  ['the process', undefined],
  ['Redis', redisUrl()],
] as const)('failed attempts, counted in %s', (place, url) => {
  const there = place === 'the process' || url !== undefined;

  (there ? test : test.skip)(
    'beyond a hundred a minute are 429 for a directory, be there such a directory or not, and the right token is let in at once',
    async () => {
      const broker = await aBroker(url === undefined ? {} : { redisUrl: url });
      const { id, token } = await broker.aDirectory();
      const invented = `dir_${Math.random().toString(16).slice(2).padEnd(32, '0').slice(0, 32)}`;
      for (const directoryId of [id, invented]) {
        const answers = await times(105, () => asking(broker, directoryId, 'garbage'));
        expect([count(answers, 401), count(answers, 429)]).toEqual([100, 5]);
        const late = answers.find((one) => one.status === 429);
        expect(late?.body).toEqual(errorShape('429'));
        expect(Number(late?.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(Number(late?.headers.get('retry-after'))).toBeLessThanOrEqual(60);
      }
      const [right, wrong] = await Promise.all([asking(broker, id, token), asking(broker, id, 'garbage')]);
      expect([right.status, wrong.status]).toEqual([200, 429]);
    },
  );
});

(redisUrl() ? test : test.skip)('what one broker has counted counts at another', async () => {
  const settings = { redisUrl: redisUrl() ?? '' };
  const one = await aBroker(settings);
  const other = await aBroker({ ...settings, databaseUrl: one.db.url, encryptionKey: one.config.encryptionKey });
  const { id, token } = await one.aDirectory();
  // One by one, so that Redis is not late for any of them.
  for (let i = 0; i < 100; i++) await asking(i % 2 === 0 ? one : other, id, 'garbage');
  expect([(await asking(other, id, 'garbage')).status, (await asking(other, id, token)).status]).toEqual([429, 200]);
});

test('beyond three hundred a minute from one address are 429 for every directory, at the token endpoint and for setup links too', async () => {
  const broker = await aBroker();
  const { id, token } = await broker.aDirectory();
  const client = (await broker.call('POST', `/v1/directories/${id}/oauth_clients`, { body: { grant_type: 'client_credentials' } })).body;
  const link: string = (await broker.call('POST', `/v1/directories/${id}/setup_link`)).body.url;
  for (let i = 0; i < 4; i++) await times(75, () => asking(broker, `dir_${String(i).padStart(32, '0')}`, 'garbage'));

  const ask = (secret: string) =>
    fetch(`${broker.url}/oauth/${id}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: client.client_id, client_secret: secret }),
    });
  const open = (address: string) => fetch(address.replace('http://causeway.test', broker.url), { redirect: 'manual' });
  const wrong = await Promise.all([asking(broker, id, 'garbage'), ask('garbage'), open('/setup/cwl_garbage'.replace(/^/, broker.url))]);
  for (const { status, headers } of wrong) expect([status, Number(headers.get('retry-after')) > 0]).toEqual([429, true]);
  const right = await Promise.all([asking(broker, id, token), ask(client.client_secret), open(link)]);
  expect(right.map(({ status }) => status)).toEqual([200, 200, 303]);
});

test('those that are one too many wait for their answer, so that whoever waits for answers cannot send many', async () => {
  const broker = await aBroker();
  const { id, token } = await broker.aDirectory();
  await times(100, () => asking(broker, id, 'garbage'));
  const order: number[] = [];
  const late = times(20, async () => {
    const answer = await asking(broker, id, 'garbage');
    order.push(answer.status);
    return answer;
  });
  order.push((await asking(broker, id, token)).status);
  await late;
  expect(order).toEqual([200, ...Array.from({ length: 20 }, () => 429)]);
});

test('a token that is shown for the first time after a restart does not wait behind wrong passwords, of which those beyond a few are told so', async () => {
  const before = await aBroker();
  const { id, token } = await before.aDirectory();
  const broker = await aBroker({ databaseUrl: before.config.databaseUrl, encryptionKey: before.config.encryptionKey });
  const order: number[] = [];
  const tries = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const answer = await fetch(`${broker.url}/console/api/session`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Causeway-Page': '1', 'Sec-Fetch-Site': 'same-origin' },
        body: JSON.stringify({ email: `guess-${n}@example.com`, password: 'not the password' }),
      });
      order.push(answer.status);
      // The first ones that are refused tell that the queue of passwords is full: only then is the token shown.
      if (order.length === 1) order.push((await asking(broker, id, token)).status);
      return { status: answer.status, retryAfter: answer.headers.get('retry-after'), ...((await answer.json()) as { code: string }) };
    }),
  );
  const refused = tries.filter(({ status }) => status === 503);
  expect(refused.length).toBeGreaterThan(0);
  for (const one of refused) expect(one).toMatchObject({ code: 'busy', retryAfter: '5' });
  // Ahead of most of those that wait: only one of them can be under way when the token comes.
  expect(order.slice(order.indexOf(200)).filter((status) => status === 401).length).toBeGreaterThanOrEqual(bounds.passwordsWaiting - 3);
});

describe('SCIM_RATE_LIMIT', () => {
  let broker: TestBroker;
  let one: TestDirectory;
  let other: TestDirectory;
  beforeAll(async () => {
    broker = await aBroker({ scimRateLimit: 5 });
    [one, other] = [await broker.aDirectory(), await broker.aDirectory()];
  });

  test('lets four times as many pass at once, then answers 429 with Retry-After, each directory by itself', async () => {
    await asking(broker, one.id, one.token); // bcrypt is paid for, so that the burst is one
    // How many exactly is shown by a clock of its own, in request-rate.test.ts: this bucket fills while it is emptied.
    const answers = await times(80, () => one.idp.get('/Users'));
    expect(count(answers, 200)).toBeGreaterThanOrEqual(19);
    expect(count(answers, 429)).toBeGreaterThan(0);
    expect(count(answers, 200) + count(answers, 429)).toBe(80);
    const late = answers.find(({ status }) => status === 429);
    expect([late?.headers.get('content-type'), late?.headers.get('retry-after'), late?.body]).toEqual([
      'application/scim+json',
      '1',
      errorShape('429'),
    ]);
    expect((await other.idp.get('/Users')).status).toBe(200);

    await eventually(async () => (await one.idp.get('/Users')).status === 200);
  });

  test("is not used up by strangers, and a refused write is no 'provisioning.failed'", async () => {
    const { id, idp } = await broker.aDirectory();
    await times(60, () => asking(broker, id, 'garbage'));
    expect((await idp.get('/Users')).status).toBe(200);
    const writes = await times(80, () =>
      idp.post('/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada@acme.com' }),
    );
    expect(count(writes, 429)).toBeGreaterThan(0);
    const { rows } = await broker.db.pool.query("select 1 from events where type = 'provisioning.failed' and data::text like '%429%'");
    expect(rows).toEqual([]);
  });
});

describe('what one request may bring', () => {
  let broker: TestBroker;
  let directory: TestDirectory;
  beforeAll(async () => {
    broker = await aBroker();
    directory = await broker.aDirectory();
  });

  test('a body that is too large is 413, and one of a stranger is not even read', async () => {
    const large = Buffer.alloc(2 * 1024 * 1024 + 1, ' ');
    expect(await directory.idp.send({ method: 'POST', path: '/Users', body: large })).toMatchObject({
      status: 413,
      body: errorShape('413'),
    });
    expect((await strangersBody(broker, directory.id)).split('\r\n')[0]).toBe('HTTP/1.1 401 Unauthorized');
  });

  test.each([
    ['arrays', '['],
    ['objects', '{"a":'],
  ])('a body of %s without end is 400', async (_what, opening) => {
    const deep = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"x","y":${opening.repeat(100_000)}`;
    expect(await directory.idp.send({ method: 'POST', path: '/Users', body: deep })).toMatchObject({
      status: 400,
      body: { scimType: 'invalidSyntax', detail: expect.stringContaining('64 deep') },
    });
  });

  test('brackets inside a text are no nesting', async () => {
    const text = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: `brackets ${'[{'.repeat(200)} "\\` };
    expect((await directory.idp.post('/Users', text)).status).toBe(201);
  });

  test('headers without end are 431', async () => {
    const answer = await raw(
      broker,
      `GET /livez HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 3_000 }, (_, i) => `X-${i}: y\r\n`).join('')}\r\n`,
    );
    expect(answer.split('\r\n')[0]).toBe('HTTP/1.1 431 Request Header Fields Too Large');
  });

  test('headers that never end are cut off, and others are served meanwhile', async () => {
    const slow = raw(broker, 'GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    expect((await directory.idp.get('/Users')).status).toBe(200);
    expect((await slow).split('\r\n')[0]).toBe('HTTP/1.1 408 Request Timeout');
  });

  test('no other origin is let in by a browser, and every answer says how it may be used', async () => {
    for (const path of [
      `/scim/v2/${directory.id}/Users`,
      `/oauth/${directory.id}/token`,
      `/oauth/${directory.id}/authorize`,
      '/v1/directories',
      '/setup/cwl_x',
    ]) {
      for (const method of ['GET', 'OPTIONS']) {
        const { headers } = await fetch(`${broker.url}${path}`, {
          method,
          headers: { origin: 'https://evil.example.com', 'access-control-request-method': 'POST' },
        });
        expect([path, [...headers.keys()].filter((name) => name.startsWith('access-control'))]).toEqual([path, []]);
        expect([path, headers.get('x-content-type-options'), headers.get('content-security-policy')]).toEqual([
          path,
          'nosniff',
          expect.stringContaining("frame-ancestors 'none'"),
        ]);
      }
    }
  });
});

test('a directory that is not there and a wrong token cost the same', async () => {
  const broker = await aBroker();
  const [one, other] = [await broker.aDirectory(), await broker.aDirectory()];
  // Tokens that this installation made are the only ones that are looked up: the dearest refusals there are.
  const wrong = { elsewhere: [one.id, other.token], nowhere: ['dir_00000000000000000000000000000000', other.token] } as const;
  const costs: unknown[] = [];
  for (const [directoryId, token] of Object.values(wrong)) {
    const ask = async () => expect((await asking(broker, directoryId, token)).status).toBe(401);
    await ask();
    let credentials = 0;
    const statements = await statementsOf(async () => (credentials = await countCalls(ask, 'packages/credential/')));
    costs.push({ statements, credentials });
  }
  expect(costs).toEqual([
    { statements: ['bearer_token'], credentials: expect.any(Number) },
    { statements: ['bearer_token'], credentials: expect.any(Number) },
  ]);
  // A bcrypt comparison would show.
  expect(costs[0]).toEqual(costs[1]);
});

/** Says that 100 MB follow, sends none of it, and waits for the answer. */
function strangersBody(broker: TestBroker, directoryId: string): Promise<string> {
  return raw(
    broker,
    `POST /scim/v2/${directoryId}/Users HTTP/1.1\r\nHost: x\r\nContent-Type: application/scim+json\r\nContent-Length: 100000000\r\n\r\n`,
  );
}

function raw(broker: TestBroker, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(broker.url).port), '127.0.0.1', () => socket.write(request));
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(bytes.toString());
    });
    socket.once('error', reject);
  });
}
