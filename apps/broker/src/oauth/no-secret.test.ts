/**
 * Every kind of secret is used, and then looked for: in each row of each table, in each line of the log at its most talkative, in
 * Redis, in what endpoints were sent and what they said of it, in every refusal, and in every answer that is not the one that
 * shows it.
 */
import { randomBytes } from 'node:crypto';
import Redis from 'ioredis';
import { createLog } from '#runtime';
import {
  aMailServer,
  createTestDatabase,
  eventually,
  identityProvider,
  redisUrl,
  type MailServer,
  startVendor,
  type TestDatabase,
  type Vendor,
} from '#testing';
import { startWorker } from '../../../worker/src/worker';
import { aConfig, type Answer, caller, type CallOptions, type TestBroker } from '../a-broker';
import { startBroker } from '../broker';
import { AMember } from '../console/a-member';
import { ABrowser, allow } from './a-browser';
import { askOAuth, authorizeAddress, exchangeOf, idpWith, oktaCallback } from './an-oauth-client';

const lines: string[] = [];
/** What was said to those who asked: refusals, lists, pages. */
const told: string[] = [];
const secrets = new Map<string, string>();
let db: TestDatabase;
let vendor: Vendor;
let mailbox: MailServer;

const random = (): string => randomBytes(16).toString('hex');

/** Remembers a secret, to be looked for. */
function used(what: string, secret: unknown): string {
  if (typeof secret !== 'string' || secret.length < 8) throw new Error(`${what} is no secret: ${String(secret)}`);
  secrets.set(what, secret);
  return secret;
}

/** The REDIS_URL of somebody who has a password. */
async function redisOf(password: string): Promise<string | undefined> {
  const url = redisUrl();
  if (url === undefined) return undefined;
  const redis = new Redis(url);
  await redis.flushdb();
  await redis.acl('SETUSER', redisUser, 'reset', 'on', `>${password}`, '~*', '&*', '+@all');
  redis.disconnect();
  return url.replace('redis://', `redis://${redisUser}:${password}@`);
}

const redisUser = `causeway-${random()}`;

beforeAll(async () => {
  db = await createTestDatabase();
  // Says back all that it was sent, first as a failure.
  vendor = await startVendor(({ headers, body }) => ({
    status: vendor.received.length < 2 ? 500 : 200,
    body: JSON.stringify({ you_sent: { headers, body } }),
  }));
  const smtpPassword = used('password of the mail server', random());
  mailbox = await aMailServer({ login: { user: 'causeway', pass: smtpPassword } });
  const redis = await redisOf(used('password of Redis', random()));
  const member = { email: 'ada@example.com', password: used("a member's password", `Pw-${random()}`) };
  const config = aConfig({
    databaseUrl: db.url,
    ...(redis !== undefined && { redisUrl: redis }),
    smtpUrl: mailbox.url,
    mailFrom: 'Causeway <causeway@example.com>',
    logLevel: 'trace',
    bootstrapApiKey: used('API key of the first start', `cwk_${randomBytes(32).toString('base64url')}`),
    operatorApiKey: used("operator's key", randomBytes(24).toString('base64url')),
    metricsToken: used('token of /metrics', randomBytes(24).toString('base64url')),
    bootstrapAdminEmail: member.email,
    bootstrapAdminPassword: member.password,
    signUp: 'open',
    trustedProxies: ['127.0.0.1/32'],
  });
  used('ENCRYPTION_KEY', config.encryptionKey.toString('base64'));
  const logOf = (name: string) => createLog('trace', name, { write: (line: string) => void lines.push(line) });
  // A database that cannot be reached is complained of.
  const elsewhere = `postgres://causeway:${used('password of the database', random())}@127.0.0.1:1/causeway`;
  told.push(
    String(await startBroker({ config: { ...config, databaseUrl: elsewhere }, log: logOf('broker') }).catch((error: unknown) => error)),
  );
  const worker = await startWorker({ config, log: logOf('worker') });
  const broker = await startBroker({ config, log: logOf('broker') });
  const callIt = caller(broker.url, config.bootstrapApiKey ?? '');
  const call = async (method: string, path: string, options?: CallOptions): Promise<Answer> => {
    const answer = await callIt(method, path, options);
    if (answer.status >= 400) told.push(answer.text);
    return answer;
  };
  const post = async (path: string, body?: object, headers?: Record<string, string>) =>
    (await call('POST', path, { ...(body && { body }), ...(headers && { headers }) })).body;
  const asBroker = { ...broker, config, call } as unknown as TestBroker;
  try {
    used('API key', (await post('/v1/api_keys', { name: 'ci' })).key);
    used(
      "another environment's key",
      (await call('POST', '/v1/environments', { key: config.operatorApiKey ?? '', body: { name: 'x' } })).body.api_key,
    );
    const organization = await post('/v1/organizations', { name: 'Acme' });
    const { id } = await post('/v1/directories', { organization_id: organization.id, provider: 'okta' });
    await call('PATCH', `/v1/directories/${id}`, { body: { basic_auth: true } });
    const endpoint = await post('/v1/webhook_endpoints', {
      url: vendor.url,
      headers: { 'x-key': used('header of a webhook', random()), authorization: `Bearer ${used('Authorization of a webhook', random())}` },
    });
    used('webhook secret', endpoint.secret);
    used('rotated webhook secret', (await post(`/v1/webhook_endpoints/${endpoint.id}/rotate_secret`, {})).secret);
    await post('/v1/webhook_endpoints', { url: `https://vendor:${used('password in the URL of a webhook', random())}@example.com/` });

    used('replaced bearer token', (await post(`/v1/directories/${id}/bearer_token`)).token);
    // Under a key, so that the answer is kept for its twin.
    const token = used('bearer token', (await post(`/v1/directories/${id}/bearer_token`, {}, { 'idempotency-key': 'k1' })).token);
    const named = used('named bearer token', (await post(`/v1/directories/${id}/bearer_tokens`, { name: 'Entra' })).token);
    const idp = identityProvider({ baseUrl: `${broker.url}/scim/v2/${id}`, token });
    const tell = async (asked: Promise<{ body: unknown }>) => void told.push(JSON.stringify((await asked).body));
    const password = used("a user's password", `Pw-${random()}`);
    const [userUrn, patchUrn] = ['urn:ietf:params:scim:schemas:core:2.0:User', 'urn:ietf:params:scim:api:messages:2.0:PatchOp'];
    const user: any = (await idp.post('/Users', { schemas: [userUrn], userName: 'ada@acme.com', password })).body;
    await tell(idp.patch(`/Users/${user.id}`, { schemas: [patchUrn], Operations: [{ op: 'replace', path: 'password', value: password }] }));
    await tell(idp.patch(`/Users/${user.id}`, { schemas: [patchUrn], Operations: [{ op: 'replace', value: { password } }] }));
    await tell(
      idp.patch(`/Users/${user.id}`, {
        schemas: [patchUrn],
        Operations: [{ op: 'add', path: 'password[value eq "x"]', value: { deeper: [password] } }],
      }),
    );
    await tell(idp.post('/Users', { schemas: [userUrn], userName: 'ada@acme.com', password }));
    await tell(idp.post('/Users', { schemas: [userUrn], userName: 'bob@acme.com', password: { value: [password] } }));
    await tell(idp.get(`/Users?filter=${encodeURIComponent(`password eq "${password}"`)}`));
    await tell(
      idp.post('/.search', { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], filter: `password eq "${password}"` }),
    );
    await idpWith(asBroker, id, named).get('/Users');
    const basic = used('Basic header', Buffer.from(`${id}:${token}`).toString('base64'));
    await identityProvider({ baseUrl: `${broker.url}/scim/v2/${id}` }).send({
      method: 'GET',
      path: '/Users',
      headers: { authorization: `Basic ${basic}` },
    });
    // Put by mistake where it does not belong, by a stranger and by the holder.
    await tell(identityProvider({ baseUrl: `${broker.url}/scim/v2/${id}` }).get(`/Users?access_token=${token}`));
    await tell(idp.get(`/Users?access_token=${token}`));
    await tell(idp.get(`/Users?filter=${encodeURIComponent(`userName eq "${token}" or`)}`));
    await tell(idp.get(`/${token}`));
    await tell(idp.send({ method: 'GET', path: '/Users', headers: { 'user-agent': `idp/1 ${token}` } }));
    await tell(idp.post(`/Users/${token}`, { schemas: [userUrn], [token]: token }));
    await tell(idp.post('/Users', { schemas: [userUrn, token], userName: { value: token }, externalId: token, [token]: token }));
    await call('GET', `/v1/events?access_token=${config.bootstrapApiKey}`, { key: null });
    await call('GET', `/v1/directories/${config.bootstrapApiKey}`);
    await call('POST', '/v1/organizations', { body: { [config.bootstrapApiKey ?? '']: 1 } });
    await call('POST', '/v1/organizations', { raw: `{"name": "${config.bootstrapApiKey}` });

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
    const second = (
      await askOAuth(asBroker, 'token', okta, { grant_type: 'refresh_token', refresh_token: used('refresh token', first.refresh_token) })
    ).body;
    used('access token, refreshed', second.access_token);
    await askOAuth(asBroker, 'token', okta, { grant_type: 'refresh_token', refresh_token: first.refresh_token });
    await askOAuth(asBroker, 'revoke', okta, { token: used('second refresh token', second.refresh_token) });
    await tell(
      askOAuth(asBroker, 'token', { ...okta, secret: entra.secret }, { grant_type: 'refresh_token', refresh_token: second.refresh_token }),
    );
    await tell(askOAuth(asBroker, 'token', okta, exchangeOf(code)));
    // A link is opened once more by somebody who has it wrong by a letter, and by a method that is none.
    await fetch(`${broker.url}/setup/${secrets.get('setup link')}`, { method: 'POST' });
    await fetch(`${broker.url}/setup/${secrets.get('setup link')}/more?x=1`);

    await inTheConsole(asBroker, member);

    // Its first attempt fails, and what it echoed is kept; then it is asked again.
    const deliveries = `/v1/webhook_endpoints/${endpoint.id}/deliveries`;
    const attempted = async () => (await call('GET', deliveries)).body.data.find((one: { attempts: unknown[] }) => one.attempts.length > 0);
    const { event_id: eventId } = await eventually(attempted);
    await post(`${deliveries}/${eventId}/retry`);
    await eventually(async () => (await call('GET', `${deliveries}?state=succeeded`)).body.data.length > 0);
    await recordAll(call, id, config.metricsToken ?? '');
  } finally {
    await worker.stop();
    await broker.stop(2_000); // writes what was gathered
  }
}, 120_000);

afterAll(async () => {
  await mailbox.close();
  const url = redisUrl();
  if (url === undefined) return;
  const redis = new Redis(url);
  await redis.acl('DELUSER', redisUser);
  redis.disconnect();
});

/** What people do: sign up and in, forget, are invited; each link comes by mail, and is opened in a browser. */
async function inTheConsole(broker: TestBroker, member: { email: string; password: string }): Promise<void> {
  const linkTo = async (email: string, place: string): Promise<string> => {
    const mail = await eventually(
      () => mailbox.received.findLast(({ to, text }) => to.includes(email) && text.includes(`/${place}/`)) ?? false,
    );
    const secret = used(`link of the mail to ${place}`, new RegExp(`/${place}/([A-Za-z0-9_-]{43})`).exec(mail.text)?.[1]);
    await fetch(`${broker.url}/${place}/${secret}`, { headers: { accept: 'text/html' } });
    await fetch(`${broker.url}//${place}/${secret}/?x=1`);
    return secret;
  };
  const cookieOf = (one: AMember): string | undefined => one.cookie?.split('=')[1];
  const ada = await new AMember(broker).signIn(member.email, member.password);
  used("a member's session", cookieOf(ada));
  told.push((await ada.call('POST', '/session', { email: member.email, password: used('a wrong password', random()) })).text);

  const bob = new AMember(broker);
  const joining = { email: 'bob@example.com', password: used('password of a sign-up', `Pw-${random()}`), environment_name: 'Theirs' };
  await bob.call('POST', '/sign_up', joining);
  const confirm = await linkTo(joining.email, 'confirm');
  told.push((await bob.call('POST', '/sign_up/confirm', { secret: confirm, password: random() })).text);
  await bob.call('POST', '/sign_up/confirm', { secret: confirm, password: joining.password });
  used('session of a sign-up', cookieOf(bob));
  await bob.call('POST', '/password_reset', { email: joining.email });
  const secret = await linkTo(joining.email, 'reset');
  await bob.call('POST', '/password_reset/confirm', { secret, password: used('password of a reset', `Pw-${random()}`) });
  told.push((await bob.call('POST', '/password_reset/confirm', { secret, password: random() })).text);
  await bob.call('POST', '/password', { current: secrets.get('password of a reset'), next: used('changed password', `Pw-${random()}`) });

  const [{ id: environment }] = (await ada.call('GET', '/session')).body.environments;
  told.push((await ada.call('POST', `/environments/${environment}/invitations`, { email: 'eve@example.com', role: 'viewer' })).text);
  const eve = new AMember(broker);
  await eve.call('POST', '/invitation/accept', {
    secret: await linkTo('eve@example.com', 'invitation'),
    password: used('password of somebody invited', `Pw-${random()}`),
  });
  for (const path of [
    '/session',
    '/sessions',
    `/environments/${environment}/members`,
    `/environments/${environment}/overview`,
    `/environments/${environment}/requests`,
  ]) {
    told.push((await eve.call('GET', path)).text);
  }
  // A mail that cannot be sent is complained of.
  mailbox.refused.add('nobody@example.com');
  await ada.call('POST', `/environments/${environment}/invitations`, { email: 'nobody@example.com', role: 'viewer' });
}

/** Everything that may be looked at, whoever looks. */
async function recordAll(call: TestBroker['call'], directory: string, metricsToken: string): Promise<void> {
  const endpoints = (await call('GET', '/v1/webhook_endpoints')).body.data;
  const of = `/v1/directories/${directory}`;
  // What was just done is recorded a moment later.
  await eventually(async () => (await call('GET', `${of}/requests?limit=1000`)).text.includes('idp/1'));
  for (const path of [
    '/v1/api_keys',
    '/v1/organizations',
    '/v1/directories',
    of,
    `${of}/bearer_tokens`,
    `${of}/oauth_clients`,
    `${of}/users`,
    `${of}/groups`,
    `${of}/requests?limit=1000`,
    '/v1/events',
    '/v1/audit_log?limit=1000',
    '/v1/attribute_mapping',
    '/readyz',
    '/docs',
    '/v1/openapi.json',
    ...endpoints.map(({ id }: { id: string }) => `/v1/webhook_endpoints/${id}/deliveries`),
  ]) {
    const answer = await call('GET', path);
    expect([path, answer.status]).toEqual([path, 200]);
    told.push(answer.text);
  }
  // Its headers are its owner's to read again; its secret is not.
  told.push(JSON.stringify(endpoints.map((endpoint: object) => ({ ...endpoint, headers: {} }))));
  told.push((await call('GET', '/metrics', { key: metricsToken })).text);
}

/** The ways in which a secret could be written down. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString('hex'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    encodeURIComponent(secret),
  ];
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
    for (const [what, secret] of secrets)
      expect([name, what, spellings(secret).some((one) => text.includes(one))]).toEqual([name, what, false]);
  }
  // Or it would prove nothing.
  expect(filled).toEqual(
    expect.arrayContaining(
      [
        'api_keys',
        'audit_log',
        'bearer_tokens',
        'delivery_attempts',
        'events',
        'idempotency_keys',
        'member_sessions',
        'members',
        'oauth_access_tokens',
        'oauth_client_secrets',
        'requests',
        'setup_links',
        'setup_sessions',
        'webhook_endpoints',
        'webhook_secrets',
      ].map((name) => `public.${name}`),
    ),
  );
});

test('no refusal, no list and no page holds any of them, nor what endpoints were sent', () => {
  expect(told.length).toBeGreaterThan(40);
  expect(vendor.received.length).toBeGreaterThan(3);
  // Its own headers are what an endpoint is sent; all else is not for it.
  const sent = vendor.received.map(({ headers, body }) =>
    JSON.stringify({ headers: { ...headers, 'x-key': '', authorization: '' }, body }),
  );
  const text = [...told, ...sent].join('\n');
  for (const [what, secret] of secrets) expect([what, spellings(secret).some((one) => text.includes(one))]).toEqual([what, false]);
});

(redisUrl() ? test : test.skip)('Redis holds none of them', async () => {
  const redis = new Redis(redisUrl() ?? '');
  const held: string[] = [];
  for (const key of await redis.keys('*')) held.push(key, JSON.stringify(await contentOf(redis, key)));
  redis.disconnect();
  expect(held.length).toBeGreaterThan(0);
  const text = held.join('\n');
  for (const [what, secret] of secrets) expect([what, spellings(secret).some((one) => text.includes(one))]).toEqual([what, false]);
});

async function contentOf(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'stream':
      return redis.xrange(key, '-', '+');
    default:
      return null;
  }
}

test('no line of the log holds any of them', () => {
  expect(lines.filter((line) => line.includes('"door":"oauth"')).length).toBeGreaterThan(5);
  expect(lines.filter((line) => line.includes('/setup/cwl_***')).length).toBe(3);
  for (const place of ['confirm', 'reset', 'invitation'])
    expect([place, lines.filter((line) => line.includes(`/${place}/***`)).length]).toEqual([place, 2]);
  expect(lines.some((line) => line.includes('a mail could not be sent'))).toBe(true);
  const text = lines.join('');
  for (const [what, secret] of secrets) expect([what, spellings(secret).some((one) => text.includes(one))]).toEqual([what, false]);
});

test('there was one of each kind', () => {
  const kinds = new Set([...secrets.values()].map((secret) => /^(cw[a-z]|whsec)_/.exec(secret)?.[1]));
  for (const kind of ['cwk', 'cwt', 'cws', 'cwc', 'cwa', 'cwr', 'cwl', 'cwp', 'cwm', 'whsec']) expect(kinds).toContain(kind);
});
