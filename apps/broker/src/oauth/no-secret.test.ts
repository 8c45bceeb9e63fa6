/** Every secret is used, and then looked for: in each row of each table, in each line of the log, in what was recorded of requests. */
import { randomBytes } from 'node:crypto';
import { createLog } from '#runtime';
import { createTestDatabase, identityProvider, type TestDatabase } from '#testing';
import { aConfig, caller, type TestBroker } from '../a-broker';
import { startBroker } from '../broker';
import { ABrowser, allow } from './a-browser';
import { askOAuth, authorizeAddress, exchangeOf, idpWith, oktaCallback } from './an-oauth-client';

const lines: string[] = [];
const secrets = new Map<string, string>();
let db: TestDatabase;

/** Remembers a secret, to be looked for. */
function used(what: string, secret: unknown): string {
  if (typeof secret !== 'string' || secret.length < 8) throw new Error(`${what} is no secret: ${String(secret)}`);
  secrets.set(what, secret);
  return secret;
}

beforeAll(async () => {
  db = await createTestDatabase();
  const config = aConfig({
    databaseUrl: db.url, logLevel: 'trace', bootstrapApiKey: used('API key of the first start', `cwk_${randomBytes(32).toString('base64url')}`),
    operatorApiKey: used("operator's key", randomBytes(24).toString('base64url')),
  });
  used('ENCRYPTION_KEY', config.encryptionKey.toString('base64'));
  const broker = await startBroker({ config, log: createLog('trace', 'broker', { write: (line: string) => void lines.push(line) }) });
  const call = caller(broker.url, config.bootstrapApiKey ?? '');
  const post = async (path: string, body?: object, headers?: Record<string, string>) => (await call('POST', path, { ...(body && { body }), ...(headers && { headers }) })).body;
  const asBroker = { ...broker, config, call } as unknown as TestBroker;
  try {
    used('API key', (await post('/v1/api_keys', { name: 'ci' })).key);
    used("another environment's key", (await call('POST', '/v1/environments', { key: config.operatorApiKey ?? '', body: { name: 'x' } })).body.api_key);
    const organization = await post('/v1/organizations', { name: 'Acme' });
    const { id } = await post('/v1/directories', { organization_id: organization.id, provider: 'okta' });
    await call('PATCH', `/v1/directories/${id}`, { body: { basic_auth: true } });
    const endpoint = await post('/v1/webhook_endpoints', { url: 'http://127.0.0.1:9/', headers: { 'x-key': used('header of a webhook', randomBytes(16).toString('hex')) } });
    used('webhook secret', endpoint.secret);
    used('rotated webhook secret', (await post(`/v1/webhook_endpoints/${endpoint.id}/rotate_secret`, {})).secret);

    used('replaced bearer token', (await post(`/v1/directories/${id}/bearer_token`)).token);
    // Under a key, so that the answer is kept for its twin.
    const token = used('bearer token', (await post(`/v1/directories/${id}/bearer_token`, {}, { 'idempotency-key': 'k1' })).token);
    const named = used('named bearer token', (await post(`/v1/directories/${id}/bearer_tokens`, { name: 'Entra' })).token);
    const idp = identityProvider({ baseUrl: `${broker.url}/scim/v2/${id}`, token });
    const password = used("a user's password", `Pw-${randomBytes(12).toString('hex')}`);
    const user: any = (await idp.post('/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada@acme.com', password })).body; // oxlint-disable-line no-explicit-any
    await idp.patch(`/Users/${user.id}`, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'replace', path: 'password', value: password }] });
    await idp.post('/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada@acme.com', password });
    await idpWith(asBroker, id, named).get('/Users');
    const basic = used('Basic header', Buffer.from(`${id}:${token}`).toString('base64'));
    await identityProvider({ baseUrl: `${broker.url}/scim/v2/${id}` }).send({ method: 'GET', path: '/Users', headers: { authorization: `Basic ${basic}` } });
    // Put by mistake where it does not belong.
    await identityProvider({ baseUrl: `${broker.url}/scim/v2/${id}` }).get(`/Users?access_token=${token}`);
    await call('GET', `/v1/events?access_token=${config.bootstrapApiKey}`, { key: null });

    const clientOf = async (grantType: string, more: object = {}) => {
      const made = await post(`/v1/directories/${id}/oauth_clients`, { grant_type: grantType, ...more });
      return { directoryId: id as string, id: made.client_id as string, secret: used(`client secret, ${grantType}`, made.client_secret) };
    };
    const entra = await clientOf('client_credentials');
    for (const style of ['form', 'basic'] as const) {
      const given = await askOAuth(asBroker, 'token', entra, { grant_type: 'client_credentials' }, style);
      await idpWith(asBroker, id, used(`access token, ${style}`, given.body.access_token)).get('/Users');
    }
    used('rotated client secret', (await post(`/v1/directories/${id}/oauth_clients/${entra.id}/rotate_secret`)).client_secret);

    const okta = await clientOf('authorization_code', { redirect_uris: [oktaCallback] });
    const link = await post(`/v1/directories/${id}/setup_link`, {}, { 'idempotency-key': 'k2' });
    used('setup link', link.url.split('/setup/')[1]);
    const browser = new ABrowser(asBroker);
    await browser.open(link.url);
    used('setup session', browser.cookies.get('causeway_setup'));
    const page = await browser.open(authorizeAddress(okta));
    used('secret of the form', /name="form_secret" value="([^"]+)"/.exec(page.text)?.[1]);
    const { location } = await browser.press(page, allow);
    const code = used('authorization code', new URL(location ?? '').searchParams.get('code'));
    const first = (await askOAuth(asBroker, 'token', okta, exchangeOf(code))).body;
    await idpWith(asBroker, id, used('access token, of a code', first.access_token)).get('/Users');
    const second = (await askOAuth(asBroker, 'token', okta, { grant_type: 'refresh_token', refresh_token: used('refresh token', first.refresh_token) })).body;
    used('access token, refreshed', second.access_token);
    await askOAuth(asBroker, 'token', okta, { grant_type: 'refresh_token', refresh_token: first.refresh_token });
    await askOAuth(asBroker, 'revoke', okta, { token: used('second refresh token', second.refresh_token) });
    // A link is opened once more by somebody who has it wrong by a letter, and by a method that is none.
    await fetch(`${broker.url}/setup/${secrets.get('setup link')}`, { method: 'POST' });
    await fetch(`${broker.url}/setup/${secrets.get('setup link')}/more?x=1`);
  } finally {
    await broker.stop(2_000); // writes what was gathered
  }
}, 60_000);

/** The ways in which a secret could be written down. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [secret, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url'), encodeURIComponent(secret)];
}

test('no table holds any of them in the clear', async () => {
  const { rows: tables } = await db.pool.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
       from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and not c.relispartition`,
  );
  const filled: string[] = [];
  for (const { name } of tables) {
    const { rows } = await db.pool.query<{ row: string }>(`select t::text as row from ${name} t`);
    if (rows.length > 0) filled.push(name);
    const text = rows.map(({ row }) => row).join('\n');
    for (const [what, secret] of secrets) expect([name, what, spellings(secret).some((one) => text.includes(one))]).toEqual([name, what, false]);
  }
  // Or it would prove nothing.
  expect(filled).toEqual(expect.arrayContaining([
    'api_keys', 'audit_log', 'bearer_tokens', 'events', 'idempotency_keys', 'oauth_access_tokens', 'oauth_client_secrets', 'requests', 'setup_links', 'setup_sessions', 'webhook_secrets',
  ].map((name) => `public.${name}`)));
});

test('no line of the log holds any of them', () => {
  expect(lines.filter((line) => line.includes('"door":"oauth"')).length).toBeGreaterThan(5);
  expect(lines.filter((line) => line.includes('/setup/cwl_***')).length).toBe(3);
  const text = lines.join('');
  for (const [what, secret] of secrets) expect([what, spellings(secret).some((one) => text.includes(one))]).toEqual([what, false]);
});

test('there was one of each kind', () => {
  const kinds = new Set([...secrets.values()].map((secret) => /^(cw[a-z]|whsec)_/.exec(secret)?.[1]));
  for (const kind of ['cwk', 'cwt', 'cws', 'cwc', 'cwa', 'cwr', 'cwl', 'cwp', 'whsec']) expect(kinds).toContain(kind);
});
