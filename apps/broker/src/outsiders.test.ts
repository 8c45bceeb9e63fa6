/** What somebody outside could try over HTTP with whatever they can get: no key, a key of another environment, a viewer's session, another directory's setup link. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { invite } from '#accounts';
import { parsePublicId, publicId } from '#identifier';
import { aMailServer, eventually, type MailServer, countCalls } from '#testing';
import { aBroker, type Answer, type TestBroker, type TestDirectory } from './a-broker';
import { routes } from './api/routes';
import { AMember } from './console/a-member';
import { ABrowser } from './oauth/a-browser';
import { anOAuthClient, idpWith } from './oauth/an-oauth-client';

const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const first = { email: 'ada@example.com', password: 'correct horse battery' };

let broker: TestBroker;
let mailbox: MailServer;
let ours: TestDirectory;
let other: TestDirectory;
beforeAll(async () => {
  mailbox = await aMailServer();
  broker = await aBroker({ bootstrapAdminEmail: first.email, bootstrapAdminPassword: first.password, smtpUrl: mailbox.url });
  [ours, other] = [await broker.aDirectory(), await broker.aDirectory()];
});
afterAll(() => mailbox.close());

/** Sends bytes as they are, and reads all that comes back until the connection is closed or nothing more comes. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = '';
    const socket = connect(Number(new URL(broker.url).port), '127.0.0.1', () => socket.write(text));
    const done = (): void => {
      socket.destroy();
      resolve(got);
    };
    socket.setTimeout(500, done);
    socket.on('data', (bytes) => void (got += bytes.toString()));
    socket.on('close', () => resolve(got));
    socket.once('error', reject);
  });
}

describe("a member's session", () => {
  let viewer: AMember;
  let guest: AMember;
  beforeAll(async () => {
    const memberId = (await broker.db.pool.query<{ id: string }>('select id from members')).rows[0]?.id ?? '';
    const strangersKey = await broker.stranger();
    const { rows } = await broker.db.pool.query<{ id: string }>('select id from environments order by created_at desc limit 1');
    const joined = async (email: string, environmentId: string): Promise<AMember> => {
      const { secret } = await invite(broker.db.pool, {
        environmentId,
        email,
        role: email.startsWith('viewer') ? 'viewer' : 'admin',
        invitedBy: memberId,
      });
      const member = new AMember(broker);
      expect((await member.call('POST', '/invitation/accept', { secret, password: 'a password of theirs' })).status).toBe(200);
      return member;
    };
    expect(strangersKey).toMatch(/^cwk_/);
    viewer = await joined('viewer@example.org', parsePublicId('env', broker.environmentId) ?? '');
    guest = await joined('guest@example.org', rows[0]?.id ?? '');
  });

  const pathOf = (route: (typeof routes)[number]): string =>
    route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const prefix = route.params[name];
      return prefix === undefined ? 'x' : publicId(prefix, '01990000-0000-7000-8000-000000000000');
    });
  const ofEnvironment = routes.filter(({ caller }) => caller === 'environment');

  test.each(
    ofEnvironment.filter(({ method }) => method !== 'get').map((route) => [route.method.toUpperCase(), route.path, route] as const),
  )('of a viewer does not open %s %s', async (method, _path, route) => {
    const answer = await viewer.call(method, `/environments/${broker.environmentId}${pathOf(route)}`, {});
    expect([answer.status, answer.body.code]).toEqual([403, 'not_allowed']);
  });

  test.each(ofEnvironment.map((route) => [route.method.toUpperCase(), route.path, route] as const))(
    "of another environment's admin does not open %s %s",
    async (method, _path, route) => {
      const answer = await guest.call(method, `/environments/${broker.environmentId}${pathOf(route)}`, method === 'GET' ? undefined : {});
      expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
        404,
        'not_found',
        'You do not belong to this environment, or no longer.',
      ]);
    },
  );

  test('is never one that somebody else has planted in the browser', async () => {
    const member = new AMember(broker);
    const planted = `causeway_console=cwm_${randomBytes(32).toString('base64url')}`;
    member.cookie = planted;
    await member.signIn(first.email, first.password);
    expect(member.cookie).not.toBe(planted);
    const thief = new AMember(broker);
    thief.cookie = planted;
    expect((await thief.call('GET', '/session')).body.member).toBeNull();
  });

  test('is not what the cookie of a setup page is, nor the other way round', async () => {
    const link = (await broker.call('POST', `/v1/directories/${ours.id}/setup_link`)).body.url;
    const browser = new ABrowser(broker);
    await browser.open(link);
    const asMember = new AMember(broker);
    asMember.cookie = `causeway_console=${browser.cookies.get('causeway_setup')}`;
    expect((await asMember.call('GET', '/session')).body.member).toBeNull();
    browser.cookies.set('causeway_setup', (viewer.cookie ?? '').split('=')[1] ?? '');
    expect((await browser.open('/setup/api/session')).status).toBe(401);
  });
});

test("a setup link opens one directory: another one's clients and requests are not there", async () => {
  const client = await anOAuthClient(broker, other.id, 'client_credentials');
  await other.idp.get('/Users');
  const requests = `/v1/directories/${other.id}/requests`;
  await eventually(async () => (await broker.call('GET', requests)).body.data.length > 0);
  const request = (await broker.call('GET', requests)).body.data[0].id;
  const link = (await broker.call('POST', `/v1/directories/${ours.id}/setup_link`)).body.url;
  const browser = new ABrowser(broker);
  await browser.open(link);
  const cookie = `causeway_setup=${browser.cookies.get('causeway_setup')}`;
  const ask = (method: string, path: string): Promise<Answer> =>
    broker.call(method, `/setup/api${path}`, {
      key: null,
      headers: { cookie, 'sec-fetch-site': 'same-origin', 'x-causeway-page': '1' },
      ...(method === 'POST' && { body: {} }),
    });
  expect((await ask('GET', '/session')).status).toBe(200);
  for (const [method, path] of [
    ['GET', `/requests/${request}`],
    ['POST', `/oauth_clients/${client.id}/rotate_secret`],
    ['DELETE', `/oauth_clients/${client.id}`],
  ] as const) {
    expect([path, (await ask(method, path)).status]).toEqual([path, 404]);
  }
  expect((await ask('GET', '/credentials')).text).not.toContain(client.id);
  expect((await ask('GET', '/requests')).text).not.toContain(request);
});

describe("another directory's identity provider", () => {
  test('gets nothing by ids, members, managers, bulk, filters or cursors', async () => {
    const made = async (directory: TestDirectory, userName: string): Promise<string> =>
      ((await directory.idp.post('/Users', { schemas: [userUrn], userName })).body as { id: string }).id;
    const victim = await made(ours, 'victim@acme.com');
    const own = await made(other, 'own@other.com');
    for (const path of [`/Users/${victim}`, `/Groups/${victim}`]) expect((await other.idp.get(path)).status).toBe(404);
    expect(
      (await other.idp.patch(`/Users/${victim}`, { schemas: [patchUrn], Operations: [{ op: 'replace', path: 'active', value: false }] }))
        .status,
    ).toBe(404);
    expect((await other.idp.delete(`/Users/${victim}`)).status).toBe(404);
    const bulk = await other.idp.post('/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [
        { method: 'DELETE', path: `/Users/${victim}` },
        { method: 'PATCH', path: `/Users/${victim}`, data: { Operations: [{ op: 'replace', path: 'active', value: false }] } },
      ],
    });
    expect((bulk.body as { Operations: { status: string }[] }).Operations.map(({ status }) => status)).toEqual(['404', '404']);
    for (const filter of [`id eq "${victim}"`, 'userName eq "victim@acme.com"', 'userName pr']) {
      expect(JSON.stringify((await other.idp.get(`/Users?filter=${encodeURIComponent(filter)}`)).body)).not.toContain(victim);
    }
    await made(ours, 'second@acme.com');
    const page = (await ours.idp.get('/Users?cursor&count=1')).body as { nextCursor?: string };
    expect(page.nextCursor).toBeDefined();
    const stolen = await other.idp.get(`/Users?cursor=${encodeURIComponent(page.nextCursor ?? '')}&count=100`);
    expect(JSON.stringify(stolen.body)).not.toMatch(/acme\.com/);
    // A manager of another directory is a text like any other: nothing of theirs comes back by it.
    const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
    await other.idp.patch(`/Users/${own}`, {
      schemas: [patchUrn],
      Operations: [{ op: 'add', path: `${enterprise}:manager`, value: { value: victim } }],
    });
    expect(JSON.stringify((await other.idp.get(`/Users/${own}`)).body)).not.toContain('victim@acme.com');
    expect((await ours.idp.get(`/Users/${victim}`)).body).toMatchObject({ userName: 'victim@acme.com', active: true });
  });
});

describe('the bytes of a request', () => {
  test.each([
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello'],
    ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['chunks that are not the last encoding', 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['a space before the colon', 'Content-Length : 5\r\n\r\nhello'],
    ['a length that is no number', 'Content-Length: +5\r\n\r\nhello'],
    ['a header that ends in CR alone', 'X-A: b\rContent-Length: 5\r\n\r\nhello'],
  ])('with %s are one bad request, and no second one', async (_, rest) => {
    const answers = await raw(`POST /v1/organizations HTTP/1.1\r\nHost: x\r\n${rest}`);
    expect(answers.match(/HTTP\/1\.1 (\d+)/g)).toEqual(['HTTP/1.1 400']);
  });

  test.each([
    '//v1/organizations',
    '/V1/organizations',
    '/v1%2forganizations',
    '/v1/./organizations',
    '/v1/x/../organizations',
    '/%76%31/organizations',
    '/v1;x/organizations',
    '/v1\\organizations',
    '/docs/../v1/organizations',
    '/console/api/v1/organizations',
    '/setup/api/v1/organizations',
    '/livez/../v1/organizations',
    '/assets/..%2f..%2f..%2fpackage.json',
    '/assets/../../package.json',
  ])('%s is no way around a door', async (path) => {
    const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: application/json\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect(answer).not.toMatch(/next_cursor|"version"/);
  });

  test.each([
    (id: string, foreign: string) => `/scim/v2/${foreign}/../${id}/Users`,
    (id: string, foreign: string) => `/scim/v2/${foreign}%2f..%2f${id}/Users`,
    (id: string) => `/scim/v2//${id}/Users`,
  ])('a token opens no other directory by a path that is bent (%#)', async (pathOf) => {
    const answer = await raw(
      `GET ${pathOf(ours.id, other.id)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${other.token}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect(answer).not.toContain('Resources');
  });

  test('name one method, whatever a header or the query says', async () => {
    const { body } = await broker.call('POST', '/v1/organizations', { body: { name: 'Acme' } });
    const headers = { 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE', 'x-http-method': 'DELETE' };
    await broker.call('POST', `/v1/organizations/${body.id}?_method=DELETE`, { headers, body: { _method: 'DELETE' } });
    await broker.call('GET', `/v1/organizations/${body.id}?_method=DELETE`, { headers });
    expect((await broker.call('GET', `/v1/organizations/${body.id}`)).status).toBe(200);
  });

  test('do not say where we are: links and redirects are made of PUBLIC_URL alone', async () => {
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example',
      'x-original-url': '/evil',
      'x-rewrite-url': '/evil',
    };
    const sent = Object.entries({ ...headers, authorization: `Bearer ${broker.apiKey}`, connection: 'close' })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    const ask = (path: string): Promise<string> => raw(`GET ${path} HTTP/1.1\r\n${sent}\r\n`);
    for (const path of [
      `/v1/directories/${ours.id}`,
      `/.well-known/oauth-authorization-server/oauth/${ours.id}`,
      '/v1/openapi.json',
      '/docs',
      '/setup',
      '/setup/cwl_x',
    ]) {
      expect([path, (await ask(path)).includes('evil.example')]).toEqual([path, false]);
    }
    for (const path of [
      '//evil.example/%2e%2e',
      '/\\evil.example',
      '//evil.example/docs',
      '/docs//evil.example',
      '/setup//evil.example',
      '/https://evil.example/',
    ]) {
      expect([path, /^location: (?!\/(?![/\\]))/im.test(await ask(path))]).toEqual([path, false]);
    }
  });
});

test('an address that a header claims is nobody’s where no proxy is trusted', async () => {
  const guess = (i: number) =>
    broker.call('POST', '/console/api/session', {
      key: null,
      body: { email: 'somebody@example.org', password: 'guess' },
      headers: {
        'sec-fetch-site': 'same-origin',
        'x-causeway-page': '1',
        'x-forwarded-for': `198.51.100.${i}`,
        'x-real-ip': `198.51.100.${i}`,
        forwarded: `for=198.51.100.${i}`,
      },
    });
  const statuses = [];
  for (let i = 0; i < 11; i++) statuses.push((await guess(i)).status);
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
  await broker.call('POST', '/v1/organizations', { body: { name: 'X' }, headers: { 'x-forwarded-for': '198.51.100.7' } });
  expect((await broker.call('GET', '/v1/audit_log?limit=1')).text).not.toContain('198.51.100.7');
});

describe('JSON that is not meant well', () => {
  const polluted = (): boolean => 'polluted' in {} || 'polluted' in [];

  test('reaches no prototype, by the API, by SCIM or by a mapping', async () => {
    const evil = '{"polluted": true}';
    for (const text of [
      `{"name": "X", "__proto__": ${evil}}`,
      `{"name": "X", "constructor": {"prototype": ${evil}}}`,
      `{"name": "X", "metadata": {"__proto__": ${evil}, "constructor": {"prototype": ${evil}}}}`,
    ]) {
      expect((await broker.call('POST', '/v1/organizations', { raw: text })).status).toBeLessThan(500);
    }
    const created = await ours.idp.send({
      method: 'POST',
      path: '/Users',
      headers: { 'content-type': 'application/scim+json' },
      body: JSON.parse(
        `{"schemas": ["${userUrn}"], "userName": "proto@acme.com", "__proto__": ${evil}, "name": {"__proto__": ${evil}, "givenName": "P"}}`,
      ),
    });
    const { id } = created.body as { id: string };
    for (const path of [
      '__proto__.polluted',
      'constructor.prototype.polluted',
      'name.__proto__.polluted',
      `${userUrn}:__proto__.polluted`,
      'emails[__proto__ eq "x"].polluted',
    ]) {
      expect([
        path,
        (await ours.idp.patch(`/Users/${id}`, { schemas: [patchUrn], Operations: [{ op: 'add', path, value: true }] })).status < 500,
      ]).toEqual([path, true]);
    }
    await ours.idp.patch(`/Users/${id}`, {
      schemas: [patchUrn],
      Operations: [{ op: 'add', value: JSON.parse(`{"__proto__": ${evil}, "name.__proto__": ${evil}}`) }],
    });
    await broker.call('PUT', `/v1/directories/${ours.id}/attribute_mapping`, {
      raw: `{"attributes": [{"name": "__proto__", "type": "object", "from": ["name"]}, {"name": "plan", "type": "string", "from": ["__proto__.polluted"]}]}`,
    });
    await ours.idp.patch(`/Users/${id}`, { schemas: [patchUrn], Operations: [{ op: 'replace', path: 'title', value: 'x' }] });
    await broker.call('DELETE', `/v1/directories/${ours.id}/attribute_mapping`);
    expect(polluted()).toBe(false);
  });

  test.each([
    ['arrays', '[', ']'],
    ['objects', '{"a":', '}'],
  ])('nested in %s as deep as a body allows is refused, and takes nobody’s time', async (_, open, close) => {
    const depth = Math.floor(900_000 / (open.length + 1));
    const deep = `${open.repeat(depth)}${close === '}' ? '1' : ''}${close.repeat(depth)}`;
    for (const key of [undefined, `deep-${open}`]) {
      const ask = async () => {
        const answer = await broker.call('POST', '/v1/organizations', {
          raw: `{"name": "X", "metadata": {"a": ${deep}}}`,
          ...(key !== undefined && { headers: { 'idempotency-key': key } }),
        });
        expect([answer.status, answer.body.code]).toEqual([400, expect.stringMatching(/^invalid_/)]);
      };
      // Nobody goes down to the bottom of it.
      expect(await countCalls(ask, 'apps/', 'packages/')).toBeLessThan(1_000);
    }
    const asPage = { key: null, headers: { 'sec-fetch-site': 'same-origin', 'x-causeway-page': '1' } };
    expect((await broker.call('POST', '/console/api/session', { ...asPage, raw: `{"email": ${deep.slice(0, 100)}}` })).status).toBe(400);
    expect((await ours.idp.get('/Users?count=1')).status).toBe(200);
  });

  test('a pattern of a vendor that other engines take years for takes no time, or is refused', async () => {
    await ours.idp.post('/Users', { schemas: [userUrn], userName: 'aaa@acme.com', title: 'a'.repeat(400) });
    const statuses = new Map<string, number>();
    for (const pattern of [
      '(a|a)*b',
      '(a+)+$b',
      '(a*)*b',
      'a*a*a*a*a*a*a*b',
      '(.*)*x',
      '^(([a-z])+.)+[A-Z]([a-z])+$',
      '(a{1,30}){1,30}b',
      '(?=(a+))\\1b',
      '(a)\\1+b',
    ]) {
      const steps = await countCalls(async () => {
        const answer = await broker.call('POST', `/v1/directories/${ours.id}/attribute_mapping/preview`, {
          body: { attributes: [{ name: 'x', type: 'string', from: ['title'], pattern }] },
        });
        statuses.set(pattern, answer.status);
      }, 'packages/mapping/');
      expect(steps).toBeLessThan(10_000);
    }
    expect([...statuses.values()]).toEqual([200, 200, 200, 200, 200, 200, 400, 400, 400]);
  });
});

test('what an identity provider calls somebody is data on every page: nothing runs, nothing is loaded from elsewhere', async () => {
  const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>';
  await ours.idp.post('/Users', {
    schemas: [userUrn],
    userName: `${evil}@acme.com`,
    displayName: evil,
    title: '=HYPERLINK("https://evil.example")',
  });
  for (const path of [`/v1/directories/${ours.id}/users`, `/v1/events`]) {
    const { headers } = await broker.call('GET', path);
    expect([headers.get('content-type'), headers.get('x-content-type-options')]).toEqual(['application/json', 'nosniff']);
  }
  // The pages are the same bytes for everybody: values come to them as JSON.
  for (const path of ['/', '/setup', `/${broker.environmentId}/directories/${ours.id}`]) {
    const page = await fetch(`${broker.url}${path}`, { headers: { accept: 'text/html' } });
    if (page.status === 503) continue; // not built
    const policy = page.headers.get('content-security-policy') ?? '';
    expect([
      path,
      policy.includes("default-src 'none'"),
      /script-src 'self'(;|$)/.test(policy),
      /unsafe-(inline|eval)/.test(policy),
      policy.includes("frame-ancestors 'none'"),
      policy.includes("base-uri 'none'"),
    ]).toEqual([path, true, true, false, true, true]);
    expect(await page.text()).not.toContain('alert(1)');
  }
});

test('an idempotency key of one environment answers nothing in another', async () => {
  const stranger = await broker.stranger();
  const headers = { 'idempotency-key': 'shared' };
  const mine = await broker.call('POST', '/v1/api_keys', { headers, body: { name: 'ci' } });
  const theirs = await broker.call('POST', '/v1/api_keys', { headers, body: { name: 'ci' }, key: stranger });
  expect([theirs.status, theirs.headers.get('idempotent-replayed'), theirs.body.key === mine.body.key]).toEqual([201, null, false]);
});

test('revoking is known to every broker at the next request', async () => {
  const twin = await aBroker({ databaseUrl: broker.db.url, encryptionKey: broker.config.encryptionKey });
  const { id, token } = await broker.aDirectory();
  const key = (await broker.call('POST', '/v1/api_keys', { body: { name: 'x' } })).body;
  const there = idpWith(twin, id, token);
  const withKey = () => twin.call('GET', '/v1/organizations', { key: key.key });
  expect([(await there.get('/Users')).status, (await withKey()).status]).toEqual([200, 200]);
  await broker.call('DELETE', `/v1/directories/${id}/bearer_token`);
  await broker.call('DELETE', `/v1/api_keys/${key.id}`);
  expect([(await there.get('/Users')).status, (await withKey()).status]).toEqual([401, 401]);
});
