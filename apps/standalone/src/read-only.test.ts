import { randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { createTestDatabase, eventually, freePort, identityProvider, startProcess, startVendor, type TestDatabase } from '#testing';

let db: TestDatabase;

/** The database takes no writes from now on, or takes them again, from whoever connects: and everybody must connect anew. */
async function takeWrites(yes: boolean): Promise<void> {
  const client = await db.pool.connect();
  try {
    await client.query('set default_transaction_read_only = off');
    const { rows } = await client.query<{ name: string }>('select quote_ident(current_database()) as name');
    const setting = yes ? 'reset default_transaction_read_only' : 'set default_transaction_read_only = on';
    await client.query(`alter database ${rows[0]?.name} ${setting}`);
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
  } finally {
    client.release(true);
  }
}

test('while the database takes no writes it is ready, reads go on and writes are answered 503; then all goes on', async () => {
  db = await createTestDatabase();
  const vendor = await startVendor();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const apiKey = `cwk_${'k'.repeat(40)}`;
  const running = await startProcess({
    script: 'dist/apps/standalone/src/main.js',
    env: {
      DATABASE_URL: db.url,
      DATA_DIR: path.join(os.tmpdir(), 'causeway-nothing-here'),
      PORT: String(port),
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      BOOTSTRAP_API_KEY: apiKey,
      BOOTSTRAP_ADMIN_EMAIL: 'ada@vendor.example',
      BOOTSTRAP_ADMIN_PASSWORD: 'long enough for a test',
    },
    ready: /^Causeway is ready\.$/m,
  });
  let cookie = '';
  const call = async (method: string, at: string, body?: object) => {
    const response = await fetch(url + at, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body && { 'content-type': 'application/json' }),
        ...(cookie !== '' && { cookie }),
        'sec-fetch-site': 'same-origin',
        'x-causeway-page': '1',
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    cookie ||= response.headers.get('set-cookie')?.split(';')[0] ?? '';
    const text = await response.text();
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      body: /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text,
    };
  };
  const organization = (await call('POST', '/v1/organizations', { name: 'Acme' })).body.id;
  const directory = (await call('POST', '/v1/directories', { organization_id: organization, provider: 'okta' })).body.id;
  const pending = (await call('POST', '/v1/directories', { organization_id: organization, provider: 'okta' })).body.id;
  const idpOf = async (id: string) =>
    identityProvider({ baseUrl: `${url}/scim/v2/${id}`, token: (await call('POST', `/v1/directories/${id}/bearer_token`, {})).body.token });
  const [idp, newcomer] = [await idpOf(directory), await idpOf(pending)];
  const user = (name: string) => ({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: `${name}@acme.com` });
  await call('POST', '/v1/webhook_endpoints', { url: vendor.url });
  expect((await idp.post('/Users', user('ada'))).status).toBe(201);
  await eventually(() => vendor.received.length === 2);
  expect((await call('POST', '/console/api/session', { email: 'ada@vendor.example', password: 'long enough for a test' })).status).toBe(
    200,
  );
  // Both are noted now and then by who only reads.
  await db.pool.query("update api_keys set last_used_at = now() - interval '1 hour'");
  await db.pool.query("update member_sessions set last_seen_at = now() - interval '1 hour'");

  await takeWrites(false);
  await eventually(async () => expect((await call('GET', '/readyz')).body.database).toBe('read_only'), { withinMs: 30_000 });
  expect(await call('GET', '/readyz')).toMatchObject({
    status: 200,
    body: { status: 'ready', database: 'read_only', parts: { database: { state: 'read_only' }, schema: { state: 'ok' } } },
  });
  expect((await call('GET', '/metrics')).body).toMatch(/^causeway_database_writable 0$/m);
  for (const at of [
    '/v1/organizations',
    `/v1/directories/${directory}/users`,
    '/v1/events',
    '/v1/webhook_endpoints',
    '/console/api/session',
  ])
    expect([at, (await call('GET', at)).status]).toEqual([at, 200]);
  expect((await idp.get('/Users')).body).toMatchObject({ totalResults: 1 });
  expect((await newcomer.get('/Users')).status).toBe(200);
  for (const [method, at] of [
    ['POST', '/v1/organizations'],
    ['PATCH', `/v1/organizations/${organization}`],
  ] as const)
    expect(await call(method, at, { name: 'Other' })).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
  const refused = await idp.post('/Users', user('bob'));
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);

  await takeWrites(true);
  await eventually(async () => expect((await call('GET', '/readyz')).body.database).toBeUndefined(), { withinMs: 30_000 });
  expect((await call('GET', '/metrics')).body).toMatch(/^causeway_database_writable 1$/m);
  await eventually(async () => (await idp.post('/Users', user('bob'))).status === 201);
  await eventually(() => vendor.received.length === 3, { withinMs: 30_000 });
  await running.stop();
  expect(running.log().flatMap(({ level, msg }) => (level === 'error' ? [msg] : []))).toEqual([
    'the database takes no writes (a standby, or a full disk): reads go on, and writes are answered 503',
    'the database takes writes again',
  ]);
});
