/** Entra's way in: "OAuth2 client credentials grant", with the secret in the form; and the same with the secret in the header. */
import { eventually } from '#testing';
import { aBroker, type TestBroker } from '../a-broker';
import { anOAuthClient, askOAuth, idpWith, type OAuthSettings, type Style, type TokenAnswer } from './an-oauth-client';

let broker: TestBroker;
let client: OAuthSettings;
const grant = { grant_type: 'client_credentials' };

beforeAll(async () => {
  broker = await aBroker();
  client = await anOAuthClient(broker, (await broker.aDirectory()).id, 'client_credentials');
});

const aClient = async (): Promise<OAuthSettings> => anOAuthClient(broker, (await broker.aDirectory()).id, 'client_credentials');

test.each<Style>(['form', 'basic'])('Entra connects with its secret in the %s and provisions a user', async (style) => {
  const own = await aClient();
  const given = await askOAuth(broker, 'token', own, { ...grant, scope: 'anything' }, style);
  expect([given.status, given.body]).toEqual([
    200,
    { access_token: expect.stringMatching(/^cwa_[A-Za-z0-9_-]{66}$/), token_type: 'Bearer', expires_in: 3600 },
  ]);
  expect([given.headers.get('content-type'), given.headers.get('cache-control'), given.headers.get('pragma')]).toEqual([
    'application/json',
    'no-store',
    'no-cache',
  ]);

  const entra = idpWith(broker, own.directoryId, given.body.access_token);
  expect((await entra.get('/Users?startIndex=1&count=1')).status).toBe(200);
  expect((await entra.get(`/Users?filter=${encodeURIComponent('userName eq "ada@acme.com"')}`)).body).toMatchObject({ totalResults: 0 });
  const made = await entra.post('/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: 'ada@acme.com',
    active: true,
  });
  expect(made.status).toBe(201);
  expect((await broker.call('GET', `/v1/directories/${own.directoryId}/users`)).body.data).toMatchObject([{ user_name: 'ada@acme.com' }]);
});

const comparable = ({ status, headers, body }: TokenAnswer): object => ({
  status,
  body,
  type: headers.get('content-type'),
  challenge: headers.get('www-authenticate'),
  cache: headers.get('cache-control'),
});

test.each<Style>(['form', 'basic'])(
  'a wrong secret, another client, another directory and one that is not there are refused alike, by %s',
  async (style) => {
    const other = await aClient();
    const wrong: OAuthSettings[] = [
      { ...client, secret: other.secret },
      { ...client, secret: `${client.secret.slice(0, -1)}${client.secret.endsWith('A') ? 'B' : 'A'}` },
      { ...client, secret: 'nonsense' },
      { ...client, id: other.id },
      { ...client, id: 'nonsense' },
      { ...client, directoryId: other.directoryId },
      { ...client, directoryId: 'dir_00000000000000000000000000000000' },
      { ...client, directoryId: 'nonsense' },
    ];
    const [first, ...rest] = (await Promise.all(wrong.map((settings) => askOAuth(broker, 'token', settings, grant, style)))).map(
      comparable,
    );
    expect(first).toEqual({
      status: 401,
      type: 'application/json',
      challenge: 'Basic realm="Causeway OAuth"',
      cache: 'no-store',
      body: { error: 'invalid_client', error_description: expect.any(String) },
    });
    for (const answer of rest) expect(answer).toEqual(first);
  },
);

test('each other mistake has the error that RFC 6749 gives it, in the characters that it allows', async () => {
  const raw = async (body: string, headers: Record<string, string> = {}): Promise<TokenAnswer> => {
    const response = await fetch(`${broker.url}/oauth/${client.directoryId}/token`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const proof = `client_id=${client.id}&client_secret=${client.secret}`;
  const basic = { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` };
  const cases: [string, TokenAnswer, number, string][] = [
    ['no grant type', await raw(proof), 400, 'invalid_request'],
    ['a grant type that is none', await raw(`${proof}&grant_type=password&username=a&password=b`), 400, 'unsupported_grant_type'],
    ["the other kind of client's grant type", await raw(`${proof}&grant_type=refresh_token&refresh_token=x`), 400, 'unauthorized_client'],
    ['a parameter twice', await raw(`${proof}&grant_type=client_credentials&grant_type=client_credentials`), 400, 'invalid_request'],
    ['two ways to prove who calls', await raw(`${proof}&grant_type=client_credentials`, basic), 400, 'invalid_request'],
    ['no proof', await raw('grant_type=client_credentials'), 401, 'invalid_client'],
    [
      'half a proof, and a PKCE verifier',
      await raw(`client_id=${client.id}&grant_type=authorization_code&code=x&code_verifier=${'v'.repeat(43)}`),
      401,
      'invalid_client',
    ],
    ['JSON', await raw(JSON.stringify(grant), { 'content-type': 'application/json' }), 400, 'invalid_request'],
    ['a form that is too large', await raw(`${proof}&grant_type=${'x'.repeat(20_000)}`), 400, 'invalid_request'],
  ];
  for (const [what, { status, body }, expected, error] of cases) {
    expect([what, status, body]).toEqual([
      what,
      expected,
      { error, error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/) },
    ]);
  }
  expect((await raw('client_id=only&grant_type=client_credentials', basic)).body.error).toBe('invalid_request');
  expect((await raw(`client_id=${client.id}&grant_type=client_credentials`, basic)).status).toBe(200);

  const got = await fetch(`${broker.url}/oauth/${client.directoryId}/token?grant_type=client_credentials&${proof}`);
  expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
});

test("a token opens its own directory, and no other, also of the same vendor's", async () => {
  const other = await aClient();
  const token: string = (await askOAuth(broker, 'token', client, grant)).body.access_token;
  expect((await idpWith(broker, client.directoryId, token).get('/Users')).status).toBe(200);
  const [theirs, garbage] = [
    await idpWith(broker, other.directoryId, token).get('/Users'),
    await idpWith(broker, other.directoryId, 'garbage').get('/Users'),
  ];
  expect([theirs.status, theirs.body]).toEqual([401, garbage.body]);
});

test('a deleted client ends with its tokens at the next request, on every broker', async () => {
  const second = await aBroker({ databaseUrl: broker.db.url, encryptionKey: broker.config.encryptionKey });
  const own = await aClient();
  const token: string = (await askOAuth(broker, 'token', own, grant)).body.access_token;
  expect((await idpWith(second, own.directoryId, token).get('/Users')).status).toBe(200);

  expect((await broker.call('DELETE', `/v1/directories/${own.directoryId}/oauth_clients/${own.id}`)).status).toBe(204);
  for (const one of [second, broker]) {
    expect((await idpWith(one, own.directoryId, token).get('/Users')).status).toBe(401);
    expect((await askOAuth(one, 'token', own, grant)).body.error).toBe('invalid_client');
  }
  expect((await broker.call('DELETE', `/v1/directories/${own.directoryId}/oauth_clients/${own.id}`)).status).toBe(404);
});

test('a deleted directory ends its clients and their tokens', async () => {
  const own = await aClient();
  const token: string = (await askOAuth(broker, 'token', own, grant)).body.access_token;
  await broker.call('DELETE', `/v1/directories/${own.directoryId}`);
  expect((await idpWith(broker, own.directoryId, token).get('/Users')).status).toBe(401);
  expect((await askOAuth(broker, 'token', own, grant)).body.error).toBe('invalid_client');
});

test('an access token ends after its hour, and not before', async () => {
  const own = await aClient();
  const token: string = (await askOAuth(broker, 'token', own, grant)).body.access_token;
  const { rows } = await broker.db.pool.query<{ seconds: number }>(
    'select extract(epoch from t.expires_at - now())::float8 as seconds from oauth_access_tokens t order by id desc limit 1',
  );
  expect(rows[0]?.seconds).toBeGreaterThan(3_600);
  await broker.db.pool.query("update oauth_access_tokens set expires_at = now() - interval '1 second'");
  expect((await idpWith(broker, own.directoryId, token).get('/Users')).status).toBe(401);
});

test('two secrets work while one is being changed, and a third ends the first', async () => {
  const own = await aClient();
  const path = `/v1/directories/${own.directoryId}/oauth_clients/${own.id}/rotate_secret`;
  const works = async (secret: string): Promise<boolean> => (await askOAuth(broker, 'token', { ...own, secret }, grant)).status === 200;
  const second: string = (await broker.call('POST', path)).body.client_secret;
  expect([await works(own.secret), await works(second)]).toEqual([true, true]);
  const [listed] = (await broker.call('GET', `/v1/directories/${own.directoryId}/oauth_clients`)).body.data;
  expect(listed.secrets).toEqual([
    { created_at: expect.any(String), expires_at: expect.any(String) },
    { created_at: expect.any(String), expires_at: null },
  ]);

  const third: string = (await broker.call('POST', path, { body: { overlap: 60 } })).body.client_secret;
  expect([await works(own.secret), await works(second), await works(third)]).toEqual([false, true, true]);
  const fourth: string = (await broker.call('POST', path, { body: { overlap: 0 } })).body.client_secret;
  expect([await works(second), await works(third), await works(fourth)]).toEqual([false, false, true]);
});

test('a client is shown with its addresses and its last use, and never with its secret', async () => {
  const { id: directoryId } = await broker.aDirectory();
  const path = `/v1/directories/${directoryId}/oauth_clients`;
  const made = await broker.call('POST', path, { body: { grant_type: 'client_credentials' } });
  const { client_secret: secret, ...shown } = made.body;
  expect([made.status, made.body]).toEqual([
    201,
    {
      id: expect.stringMatching(/^oac_[0-9a-f]{32}$/),
      client_id: made.body.id,
      client_secret: expect.stringMatching(/^cws_/),
      grant_type: 'client_credentials',
      redirect_uris: [],
      token_url: `http://causeway.test/oauth/${directoryId}/token`,
      secrets: [{ created_at: expect.any(String), expires_at: null }],
      created_at: expect.any(String),
      last_used_at: null,
    },
  ]);
  expect((await broker.call('GET', path)).body).toEqual({ data: [shown], next_cursor: null });

  await askOAuth(broker, 'token', { directoryId, id: made.body.id, secret }, grant);
  await eventually(async () => (await broker.call('GET', path)).body.data[0].last_used_at !== null);
  const other = await broker.call('POST', path, {
    body: { grant_type: 'authorization_code', redirect_uris: ['https://idp.example.com/callback'] },
  });
  expect(other.body.authorization_url).toBe(`http://causeway.test/oauth/${directoryId}/authorize`);
  expect((await broker.call('GET', path)).text).not.toContain('cws_');
});

test.each([
  ['https://system-admin.okta.com/admin/app/cpc/{appName}/oauth/callback', 'put the app'],
  ['http://system-admin.okta.com/callback', 'https://'],
  ['javascript:alert(1)', 'https://'],
  ['/callback', 'whole address'],
  ['https://user:password@idp.example.com/', 'user name'],
  ['https://idp.example.com/#fragment', 'fragment'],
  [`https://idp.example.com/${'x'.repeat(2_000)}`, '2000'],
])('%s cannot be registered', async (uri, why) => {
  const { status, body } = await broker.call('POST', `/v1/directories/${client.directoryId}/oauth_clients`, {
    body: { grant_type: 'authorization_code', redirect_uris: [uri] },
  });
  expect([status, body.errors]).toEqual([400, [{ pointer: '/redirect_uris/0', detail: expect.stringContaining(why) }]]);
});

test('each grant type has the addresses that it needs', async () => {
  const path = `/v1/directories/${client.directoryId}/oauth_clients`;
  for (const body of [
    { grant_type: 'authorization_code' },
    { grant_type: 'client_credentials', redirect_uris: ['https://idp.example.com/'] },
  ]) {
    const refused = await broker.call('POST', path, { body });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([400, '/redirect_uris']);
  }
});
