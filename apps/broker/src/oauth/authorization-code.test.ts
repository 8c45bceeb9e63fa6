/** Okta's way in: an IT admin allows it in the browser, the code is exchanged, and the refresh token changes with each use. */
import { createHash, randomBytes } from 'node:crypto';
import { aBroker, type TestBroker } from '../a-broker';
import { ABrowser, allow, decline } from './a-browser';
import {
  anAdminsBrowser,
  anAuthorizationCode,
  anOAuthClient,
  askOAuth,
  authorizeAddress,
  exchangeOf,
  idpWith,
  oktaCallback,
  type OAuthSettings,
  type Style,
} from './an-oauth-client';

let broker: TestBroker;
beforeAll(async () => {
  broker = await aBroker();
});

const aClient = async (): Promise<OAuthSettings> =>
  anOAuthClient(broker, (await broker.aDirectory({ provider: 'okta' })).id, 'authorization_code');
const refresh = (token: string): Record<string, string> => ({ grant_type: 'refresh_token', refresh_token: token });

/** Tokens, as after Okta's admin has connected it. */
async function connected(client: OAuthSettings): Promise<{ access: string; refresh: string; code: string }> {
  const code = await anAuthorizationCode(broker, client);
  const { body } = await askOAuth(broker, 'token', client, exchangeOf(code));
  return { access: body.access_token, refresh: body.refresh_token, code };
}

const opens = async (client: OAuthSettings, token: string): Promise<boolean> =>
  (await idpWith(broker, client.directoryId, token).get('/Users')).status === 200;

test.each<Style>(['form', 'basic'])(
  'Okta is allowed in by an admin, provisions a user, and goes on with refreshed tokens (secret in the %s)',
  async (style) => {
    const client = await aClient();
    const browser = await anAdminsBrowser(broker, client.directoryId);
    const asked = await browser.open(authorizeAddress(client, { state: 'a b&c="d"' }));
    expect([asked.status, asked.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(asked.text).toContain('<strong>system-admin.okta.com</strong> asks to be connected to the directory <strong>Acme</strong>');

    const answered = await browser.press(asked, allow);
    const back = new URL(answered.location ?? '');
    expect([answered.status, back.origin + back.pathname]).toEqual([303, oktaCallback]);
    expect(Object.fromEntries(back.searchParams)).toEqual({
      code: expect.stringMatching(/^cwc_/),
      state: 'a b&c="d"',
      iss: `http://causeway.test/oauth/${client.directoryId}`,
    });

    const given = await askOAuth(broker, 'token', client, exchangeOf(back.searchParams.get('code') ?? ''), style);
    expect([given.status, given.body]).toEqual([
      200,
      {
        access_token: expect.stringMatching(/^cwa_/),
        token_type: 'Bearer',
        expires_in: 3600,
        refresh_token: expect.stringMatching(/^cwr_/),
      },
    ]);
    const okta = idpWith(broker, client.directoryId, given.body.access_token);
    const made = await okta.post('/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: 'ada@acme.com',
      externalId: '00u1',
      active: true,
    });
    expect(made.status).toBe(201);

    const refreshed = await askOAuth(broker, 'token', client, refresh(given.body.refresh_token), style);
    expect([refreshed.status, Object.keys(refreshed.body).sort()]).toEqual([
      200,
      ['access_token', 'expires_in', 'refresh_token', 'token_type'],
    ]);
    expect(refreshed.body.refresh_token).not.toBe(given.body.refresh_token);
    const later = idpWith(broker, client.directoryId, refreshed.body.access_token);
    expect((await later.get(`/Users?filter=${encodeURIComponent('userName eq "ada@acme.com"')}`)).body).toMatchObject({ totalResults: 1 });
  },
);

describe('the code', () => {
  test('works once, and its second use ends what the first gave', async () => {
    const client = await aClient();
    const tokens = await connected(client);
    expect(await opens(client, tokens.access)).toBe(true);
    const again = await askOAuth(broker, 'token', client, exchangeOf(tokens.code));
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant']);
    expect(await opens(client, tokens.access)).toBe(false);
    expect((await askOAuth(broker, 'token', client, refresh(tokens.refresh))).body.error).toBe('invalid_grant');
  });

  test('used many times at the same moment gives one pair of tokens at most, and none that lives', async () => {
    const client = await aClient();
    const code = await anAuthorizationCode(broker, client);
    const answers = await Promise.all(Array.from({ length: 8 }, () => askOAuth(broker, 'token', client, exchangeOf(code))));
    const given = answers.filter(({ status }) => status === 200);
    expect(given.length).toBeLessThanOrEqual(1);
    for (const { body } of given) expect(await opens(client, body.access_token)).toBe(false);
    const { rows } = await broker.db.pool.query('select id from oauth_access_tokens where directory_id::text = $1', [
      uuidOf(client.directoryId),
    ]);
    expect(rows).toEqual([]);
  });

  test("is no other client's, and the attempt does it no harm", async () => {
    const [client, other] = [await aClient(), await aClient()];
    const sibling = await anOAuthClient(broker, client.directoryId, 'authorization_code');
    const code = await anAuthorizationCode(broker, client);
    for (const thief of [other, sibling])
      expect((await askOAuth(broker, 'token', thief, exchangeOf(code))).body.error).toBe('invalid_grant');
    expect((await askOAuth(broker, 'token', client, exchangeOf(code))).status).toBe(200);
  });

  test('needs the address that it was sent to, and is used up by a wrong one', async () => {
    const client = await aClient();
    for (const redirect of [{ redirect_uri: 'https://evil.example.com/' }, { redirect_uri: `${oktaCallback}/` }, { redirect_uri: '' }]) {
      const code = await anAuthorizationCode(broker, client);
      expect((await askOAuth(broker, 'token', client, exchangeOf(code, redirect))).body.error).toBe('invalid_grant');
      expect((await askOAuth(broker, 'token', client, exchangeOf(code))).body.error).toBe('invalid_grant');
    }
  });

  test('needs no address where the request for it named none', async () => {
    const client = await aClient();
    const code = await anAuthorizationCode(broker, client, { redirect_uri: undefined });
    expect((await askOAuth(broker, 'token', client, { grant_type: 'authorization_code', code })).status).toBe(200);
  });

  test('ends after two minutes', async () => {
    const client = await aClient();
    const code = await anAuthorizationCode(broker, client);
    await broker.db.pool.query("update oauth_grants set code_expires_at = now() - interval '1 second' where client_id::text = $1", [
      uuidOf(client.id),
    ]);
    expect((await askOAuth(broker, 'token', client, exchangeOf(code))).body.error).toBe('invalid_grant');
  });
});

describe('PKCE', () => {
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const challenged = { code_challenge: challenge, code_challenge_method: 'S256' };

  test('a challenged code needs its verifier, and one try uses it up', async () => {
    const client = await aClient();
    const wrongs: Record<string, string>[] = [{}, { code_verifier: randomBytes(32).toString('base64url') }, { code_verifier: challenge }];
    for (const wrong of wrongs) {
      const code = await anAuthorizationCode(broker, client, challenged);
      expect((await askOAuth(broker, 'token', client, exchangeOf(code, wrong))).body.error).toBe('invalid_grant');
      expect((await askOAuth(broker, 'token', client, exchangeOf(code, { code_verifier: verifier }))).body.error).toBe('invalid_grant');
    }
    const code = await anAuthorizationCode(broker, client, challenged);
    expect((await askOAuth(broker, 'token', client, exchangeOf(code, { code_verifier: verifier }))).status).toBe(200);
  });

  test('a verifier without a challenge is refused: somebody has taken the challenge away', async () => {
    const client = await aClient();
    const code = await anAuthorizationCode(broker, client);
    expect((await askOAuth(broker, 'token', client, exchangeOf(code, { code_verifier: verifier }))).body.error).toBe('invalid_grant');
  });

  test.each([
    ['no method', { code_challenge: challenge }],
    ['the method plain', { ...challenged, code_challenge_method: 'plain' }],
    ['a challenge that is no hash', { ...challenged, code_challenge: 'short' }],
  ])('%s is told to the client', async (_what, changed) => {
    const client = await aClient();
    const browser = await anAdminsBrowser(broker, client.directoryId);
    const { status, location } = await browser.open(authorizeAddress(client, changed));
    expect([status, Object.fromEntries(new URL(location ?? '').searchParams)]).toMatchObject([
      303,
      { error: 'invalid_request', state: 'st8' },
    ]);
  });
});

describe('the refresh token', () => {
  test('is replaced by each use; an old one ends everything, the newest tokens included', async () => {
    const client = await aClient();
    const first = await connected(client);
    const second = (await askOAuth(broker, 'token', client, refresh(first.refresh))).body;
    const third = (await askOAuth(broker, 'token', client, refresh(second.refresh_token))).body;
    expect(await opens(client, third.access_token)).toBe(true);

    const stolen = await askOAuth(broker, 'token', client, refresh(first.refresh));
    expect([stolen.status, stolen.body.error]).toEqual([400, 'invalid_grant']);
    for (const token of [first.access, second.access_token, third.access_token]) expect(await opens(client, token)).toBe(false);
    expect((await askOAuth(broker, 'token', client, refresh(third.refresh_token))).body.error).toBe('invalid_grant');
  });

  test('whose answer was lost is answered again with the same successor, as often as it is asked for', async () => {
    const client = await aClient();
    const first = await connected(client);
    const answers = await Promise.all([1, 2, 3].map(() => askOAuth(broker, 'token', client, refresh(first.refresh))));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.refresh_token}`)).size).toBe(1);
    for (const { body } of answers) expect(await opens(client, body.access_token)).toBe(true);
    expect((await askOAuth(broker, 'token', client, refresh(answers[0]?.body.refresh_token))).status).toBe(200);
  });

  test('is not answered again once its successor was used', async () => {
    const client = await aClient();
    const first = await connected(client);
    const second = (await askOAuth(broker, 'token', client, refresh(first.refresh))).body;
    await askOAuth(broker, 'token', client, refresh(second.refresh_token));
    expect((await askOAuth(broker, 'token', client, refresh(first.refresh))).body.error).toBe('invalid_grant');
  });

  test('is not answered again after two minutes', async () => {
    const client = await aClient();
    const first = await connected(client);
    const second = (await askOAuth(broker, 'token', client, refresh(first.refresh))).body;
    await broker.db.pool.query("update oauth_grants set refreshed_at = refreshed_at - interval '121 seconds' where client_id::text = $1", [
      uuidOf(client.id),
    ]);
    expect((await askOAuth(broker, 'token', client, refresh(first.refresh))).body.error).toBe('invalid_grant');
    expect(await opens(client, second.access_token)).toBe(false);
  });

  test("is no other client's, and the attempt does it no harm", async () => {
    const client = await aClient();
    const sibling = await anOAuthClient(broker, client.directoryId, 'authorization_code');
    const tokens = await connected(client);
    expect((await askOAuth(broker, 'token', sibling, refresh(tokens.refresh))).body.error).toBe('invalid_grant');
    expect((await askOAuth(broker, 'token', client, refresh(tokens.refresh))).status).toBe(200);
  });

  test('of a deleted client is nothing any more', async () => {
    const client = await aClient();
    const tokens = await connected(client);
    await broker.call('DELETE', `/v1/directories/${client.directoryId}/oauth_clients/${client.id}`);
    expect((await askOAuth(broker, 'token', client, refresh(tokens.refresh))).body.error).toBe('invalid_client');
    expect(await opens(client, tokens.access)).toBe(false);
  });
});

describe('revocation (RFC 7009)', () => {
  test('of an access token ends that one, of a refresh token all', async () => {
    const client = await aClient();
    const tokens = await connected(client);
    const second = (await askOAuth(broker, 'token', client, refresh(tokens.refresh))).body;
    expect((await askOAuth(broker, 'revoke', client, { token: tokens.access, token_type_hint: 'access_token' })).status).toBe(200);
    expect([await opens(client, tokens.access), await opens(client, second.access_token)]).toEqual([false, true]);
    expect((await askOAuth(broker, 'revoke', client, { token: second.refresh_token }, 'basic')).status).toBe(200);
    expect(await opens(client, second.access_token)).toBe(false);
    expect((await askOAuth(broker, 'token', client, refresh(second.refresh_token))).body.error).toBe('invalid_grant');
  });

  test("of nothing, or of another's token, answers the same and ends nothing", async () => {
    const client = await aClient();
    const sibling = await anOAuthClient(broker, client.directoryId, 'authorization_code');
    const tokens = await connected(client);
    for (const token of [tokens.access, tokens.refresh, 'nonsense']) {
      const { status, body } = await askOAuth(broker, 'revoke', sibling, { token });
      expect([status, body]).toEqual([200, {}]);
    }
    expect(await opens(client, tokens.access)).toBe(true);
    expect((await askOAuth(broker, 'revoke', { ...client, secret: sibling.secret }, { token: tokens.access })).status).toBe(401);
    expect((await askOAuth(broker, 'token', client, refresh(tokens.refresh))).status).toBe(200);
  });
});

describe('the page', () => {
  test('opens to nobody without the setup link of that very directory, and tells them nothing', async () => {
    const [client, other] = [await aClient(), await aClient()];
    const strangers = [new ABrowser(broker), await anAdminsBrowser(broker, other.directoryId)];
    const addresses = [
      authorizeAddress(client),
      authorizeAddress({ ...client, id: other.id }),
      authorizeAddress({ ...client, directoryId: 'dir_00000000000000000000000000000000' }),
      authorizeAddress({ ...client, directoryId: 'nonsense' }),
      authorizeAddress(client, { redirect_uri: 'https://evil.example.com/' }),
    ];
    for (const browser of strangers) {
      const pages = await Promise.all(addresses.map((address) => browser.open(address)));
      expect(new Set(pages.map(({ status, text, location }) => `${status} ${location} ${text}`)).size).toBe(1);
      expect([pages[0]?.status, pages[0]?.text]).toEqual([403, expect.stringContaining('Open your setup link first')]);
    }
  });

  test.each([
    ['an address that is not registered', { redirect_uri: 'https://evil.example.com/' }],
    ['one that only begins like it', { redirect_uri: `${oktaCallback}.evil.example.com` }],
    ['one with something added', { redirect_uri: `${oktaCallback}?x=1` }],
    ['another case', { redirect_uri: oktaCallback.toUpperCase() }],
    ['a client that is none', { client_id: 'oac_00000000000000000000000000000000' }],
  ])('with %s is refused in the browser, and leads nowhere', async (_what, changed) => {
    const client = await aClient();
    const browser = await anAdminsBrowser(broker, client.directoryId);
    const page = await browser.open(authorizeAddress(client, changed));
    expect([page.status, page.location]).toEqual([400, undefined]);
    const asked = await browser.open(authorizeAddress(client));
    expect(await browser.press(asked, allow, changed)).toMatchObject({ status: expect.any(Number), location: undefined });
  });

  test("another directory's client is refused like none", async () => {
    const [client, other] = [await aClient(), await aClient()];
    const browser = await anAdminsBrowser(broker, client.directoryId);
    const [theirs, nobodys] = [
      await browser.open(authorizeAddress(client, { client_id: other.id })),
      await browser.open(authorizeAddress(client, { client_id: 'oac_00000000000000000000000000000000' })),
    ];
    expect([theirs.status, theirs.text]).toEqual([400, nobodys.text]);
  });

  test('declined, it tells the client so; a wrong response_type too', async () => {
    const client = await aClient();
    const browser = await anAdminsBrowser(broker, client.directoryId);
    const declined = await browser.press(await browser.open(authorizeAddress(client)), decline);
    expect(Object.fromEntries(new URL(declined.location ?? '').searchParams)).toMatchObject({ error: 'access_denied', state: 'st8' });
    const token = await browser.open(authorizeAddress(client, { response_type: 'token' }));
    expect(Object.fromEntries(new URL(token.location ?? '').searchParams)).toMatchObject({
      error: 'unsupported_response_type',
      state: 'st8',
    });
  });

  test('cannot be pressed by a page of somebody else, nor after the link was revoked', async () => {
    const client = await aClient();
    const browser = await anAdminsBrowser(broker, client.directoryId);
    const asked = await browser.open(authorizeAddress(client));
    for (const secret of ['', 'x'.repeat(12)]) {
      const forged = await browser.press(asked, allow, { form_secret: secret });
      expect([forged.status, forged.location]).toEqual([403, undefined]);
    }
    const others = await anAdminsBrowser(broker, client.directoryId);
    expect((await others.press(asked, allow)).status).toBe(403); // made for another browser's session

    await broker.call('DELETE', `/v1/directories/${client.directoryId}/setup_link`);
    expect((await browser.press(asked, allow)).status).toBe(403);
    expect((await browser.open(authorizeAddress(client))).status).toBe(403);
  });

  test('runs no script, loads nothing, is framed by nobody, and escapes what it shows', async () => {
    const organization = await broker.call('POST', '/v1/organizations', { body: { name: '<script>alert("org")</script>' } });
    const made = await broker.call('POST', '/v1/directories', {
      body: { organization_id: organization.body.id, provider: 'okta', name: `<img src=x onerror='alert(1)'>` },
    });
    const client = await anOAuthClient(broker, made.body.id, 'authorization_code');
    const browser = await anAdminsBrowser(broker, made.body.id);
    const page = await browser.open(authorizeAddress(client, { state: '"><script>alert(2)</script>' }));
    expect(page.text).not.toMatch(/<script|<img|\son\w+='/);
    expect(page.text).toContain('&lt;script&gt;alert(&quot;org&quot;)');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy.replace(/sha256-[^']+/, 'sha256-…').split('; ')).toEqual([
      "default-src 'none'",
      "style-src 'sha256-…'",
      "form-action 'self' https://system-admin.okta.com",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ]);
    expect([page.headers.get('cache-control'), page.headers.get('referrer-policy')]).toEqual(['no-store', 'no-referrer']);
    const style = /<style>([^<]*)<\/style>/.exec(page.text)?.[1] ?? '';
    expect(policy).toContain(createHash('sha256').update(style).digest('base64'));

    const refused = await browser.open(authorizeAddress(client, { redirect_uri: 'https://x/"><script>alert(3)</script>' }));
    expect([refused.status, /<script/.test(refused.text)]).toEqual([400, false]);
  });

  test('opens to an admin of the environment who is signed in to the console, and not to a viewer or a stranger', async () => {
    const client = await aClient();
    const { rows } = await broker.db.pool.query<{ id: string }>('select id from environments order by id');
    const [environment] = rows;
    const stranger = await broker.stranger();
    const theirs = (await broker.db.pool.query<{ id: string }>('select id from environments order by id desc limit 1')).rows[0]?.id ?? '';
    expect(stranger).toBeTruthy();
    const statusOf = async (environmentId: string, role: string): Promise<number> => {
      const browser = new ABrowser(broker);
      browser.cookies.set('causeway_console', await aMembersCookie(environmentId, role));
      return (await browser.open(authorizeAddress(client))).status;
    };
    expect([
      await statusOf(environment?.id ?? '', 'admin'),
      await statusOf(environment?.id ?? '', 'viewer'),
      await statusOf(theirs, 'admin'),
    ]).toEqual([200, 403, 403]);
  });
});

test('the metadata is where RFC 8414 has it, and names what is there', async () => {
  const client = await aClient();
  const { status, body } = await broker.call('GET', `/.well-known/oauth-authorization-server/oauth/${client.directoryId}`, { key: null });
  const issuer = `http://causeway.test/oauth/${client.directoryId}`;
  expect([status, body]).toEqual([
    200,
    {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      revocation_endpoint: `${issuer}/revoke`,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['client_credentials', 'authorization_code', 'refresh_token'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    },
  ]);
  expect(
    (await broker.call('GET', '/.well-known/oauth-authorization-server/oauth/dir_00000000000000000000000000000000', { key: null })).status,
  ).toBe(200);
  expect((await broker.call('GET', '/.well-known/oauth-authorization-server/oauth/nonsense', { key: null })).status).toBe(404);
});

async function aMembersCookie(environmentId: string, role: string): Promise<string> {
  const token = `cwm_${randomBytes(32).toString('base64url')}`;
  await broker.db.pool.query(
    `with member as (
       insert into members (id, email, email_key, password_hash) values (gen_random_uuid(), $1, $1, 'none') returning id
     ), belongs as (
       insert into environment_members (environment_id, member_id, role) select $2, id, $3 from member
     )
     insert into member_sessions (id, hash, member_id, expires_at) select gen_random_uuid(), $4, id, now() + interval '1 hour' from member`,
    [`${randomBytes(4).toString('hex')}@vendor.example`, environmentId, role, createHash('sha256').update(token).digest()],
  );
  return token;
}

function uuidOf(publicId: string): string {
  return publicId.replace(/^\w+_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
