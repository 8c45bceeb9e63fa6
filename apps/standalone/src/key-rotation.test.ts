import { randomBytes } from 'node:crypto';
import { access, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Keyring } from '#credential';
import { createEndpoint } from '#delivery';
import {
  aDirectory,
  createTestDatabase,
  eventually,
  freePort,
  identityProvider,
  type RunningProcess,
  startProcess,
  startVendor,
  type TestDatabase,
} from '#testing';

const newKey = (): string => randomBytes(32).toString('base64');
const shortOf = (key: string): string => new Keyring(Buffer.from(key, 'base64')).fingerprint.slice(0, 8);

let db: TestDatabase;
let port: number;

beforeEach(async () => {
  db = await createTestDatabase();
  port = await freePort();
});

const apiKey = `cwk_${'k'.repeat(40)}`;
const settings = (keys: Record<string, string>): Record<string, string> => ({
  DATABASE_URL: db.url,
  DATA_DIR: path.join(os.tmpdir(), 'causeway-nothing-here'),
  PORT: String(port),
  BOOTSTRAP_API_KEY: apiKey,
  BOOTSTRAP_ADMIN_PASSWORD: 'long enough for a test',
  BOOTSTRAP_ADMIN_EMAIL: 'ada@vendor.example',
  ...keys,
});

/** Broker and worker in one process, as `npm start` on a database that is there. */
const start = (keys: Record<string, string>): Promise<RunningProcess> =>
  startProcess({ script: 'dist/apps/standalone/src/main.js', env: settings(keys), ready: /^Causeway is ready\.$/m });

async function ends(script: string, keys: Record<string, string>): Promise<{ code: number | null; said: string; out: string }> {
  const running = await startProcess({ script, env: settings(keys) });
  const { code } = await running.ended;
  return { code, said: running.stderr(), out: running.stdout() };
}

async function call(method: string, at: string, body?: object, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${port}${at}`, {
    method,
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${apiKey}`,
      ...(body && { 'content-type': 'application/json' }),
      'sec-fetch-site': 'same-origin',
      'x-causeway-page': '1',
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status >= 400) throw new Error(`${method} ${at}: ${response.status} ${text}`);
  return {
    status: response.status,
    cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '',
    body: /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text,
  };
}

test('a key is changed for another while the service runs, and nothing that was given away stops working', async () => {
  const [former, present] = [newKey(), newKey()];
  const vendor = await startVendor();
  let running = await start({ ENCRYPTION_KEY: former });
  const organization = await call('POST', '/v1/organizations', { name: 'Acme' });
  const directory = (await call('POST', '/v1/directories', { organization_id: organization.body.id, provider: 'okta' })).body.id;
  const keyed = { 'idempotency-key': 'the-same' };
  const { token } = (await call('POST', `/v1/directories/${directory}/bearer_token`, {}, keyed)).body;
  const client = (await call('POST', `/v1/directories/${directory}/oauth_clients`, { grant_type: 'client_credentials' })).body;
  const link = new URL((await call('POST', `/v1/directories/${directory}/setup_link`, {})).body.url).pathname;
  const endpoint = (await call('POST', '/v1/webhook_endpoints', { url: vendor.url, headers: { 'x-key': 'of the vendor' } })).body;
  const { cookie } = await call('POST', '/console/api/session', { email: 'ada@vendor.example', password: 'long enough for a test' });
  expect(cookie).toMatch(/cwm_/);

  let users = 0;
  let seen = 0;
  const allWorks = async (): Promise<void> => {
    const idp = identityProvider({ baseUrl: `http://127.0.0.1:${port}/scim/v2/${directory}`, token });
    const user = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: `user-${(users += 1)}@acme.com` };
    expect(await idp.post('/Users', user)).toMatchObject({ status: 201 });
    await eventually(() => vendor.received.length > seen && vendor.received.some(({ body }) => body.includes(user.userName)));
    vendor.events(endpoint.secret);
    expect(vendor.received.slice(seen).every(({ headers }) => headers['x-key'] === 'of the vendor')).toBe(true);
    seen = vendor.received.length;
    expect((await call('POST', `/v1/directories/${directory}/bearer_token`, {}, keyed)).body).toEqual({ token });
    expect((await call('GET', '/console/api/session', undefined, { cookie })).status).toBe(200);
    const opened = await call('GET', link);
    expect((await call('GET', '/setup/api/session', undefined, { cookie: opened.cookie })).status).toBe(200);
    const asked = await fetch(`http://127.0.0.1:${port}/oauth/${directory}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: client.client_id, client_secret: client.client_secret }),
    });
    expect(asked.status).toBe(200);
    const { access_token: access } = (await asked.json()) as { access_token: string };
    expect((await identityProvider({ baseUrl: `http://127.0.0.1:${port}/scim/v2/${directory}`, token: access }).get('/Users')).status).toBe(
      200,
    );
  };
  await allWorks();

  const both = { ENCRYPTION_KEY: present, ENCRYPTION_KEY_PREVIOUS: former };
  const command = 'dist/apps/standalone/src/reencrypt-command.js';
  // Before the processes know the new key they would go on encrypting with the former one.
  expect(await ends(command, both)).toMatchObject({ code: 1, said: expect.stringContaining(`1 with ${shortOf(former)}`) });
  await running.stop();
  running = await start(both);
  await allWorks();
  const done = await ends(command, both);
  expect(done).toMatchObject({ code: 0, said: '' });
  expect(done.out).toMatch(/^webhook_secrets\.secret: 1 of 1$/m);
  expect(done.out).toContain(`everything is encrypted with ENCRYPTION_KEY (${shortOf(present)}) now`);
  await allWorks();
  await running.stop();

  running = await start({ ENCRYPTION_KEY: present });
  await allWorks();
  const again = await ends(command, { ENCRYPTION_KEY: present });
  expect(again).toMatchObject({ code: 0, out: expect.stringContaining('0 values were encrypted anew') });
  await running.stop();
  expect(running.log().filter(({ level }) => level !== 'info')).toEqual([]);

  for (const part of ['standalone', 'broker', 'worker']) {
    const refused = await ends(`dist/apps/${part}/src/main.js`, { ENCRYPTION_KEY: former });
    expect([part, refused.code, refused.said]).toEqual([
      part,
      1,
      `ENCRYPTION_KEY holds another key (${shortOf(former)}) than the one that this database's secrets are encrypted with (${shortOf(present)}): restore that one from where it is kept, and nothing is lost.\n`,
    ]);
  }
});

test('the first start of this release with a wrong key is refused, and does not spoil the next', async () => {
  const [right, wrong] = [newKey(), newKey()];
  const { directory } = await aDirectory({ db });
  await createEndpoint(db.pool, new Keyring(Buffer.from(right, 'base64')), {
    environmentId: directory.environmentId,
    url: 'https://vendor.example/',
    allowedCidrs: [],
  });
  for (const part of ['broker', 'worker', 'standalone']) {
    const refused = await ends(`dist/apps/${part}/src/main.js`, { ENCRYPTION_KEY: wrong });
    expect([part, refused.code]).toEqual([part, 1]);
    expect(refused.said).toMatch(
      /^ENCRYPTION_KEY holds a key \([0-9a-f]{8}\) that opens nothing of what is encrypted in this database: .*\n$/,
    );
  }
  await (await start({ ENCRYPTION_KEY: right })).stop();
});

test.each(['an endpoint is there', 'only a token was given away'])(
  'without the key that DATA_DIR held the start is refused, and no key is made in its place, where %s',
  async (what) => {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'causeway-key-'));
    try {
      const file = path.join(dataDir, 'encryption-key');
      const first = await start({ DATA_DIR: dataDir });
      const organization = await call('POST', '/v1/organizations', { name: 'Acme' });
      const directory = await call('POST', '/v1/directories', { organization_id: organization.body.id, provider: 'okta' });
      await call('POST', `/v1/directories/${directory.body.id}/bearer_token`, {});
      if (what === 'an endpoint is there') await call('POST', '/v1/webhook_endpoints', { url: 'https://vendor.example/' });
      await first.stop();
      await rm(file);
      // As an older release left it, too.
      await db.pool.query('delete from encryption_keys');
      await db.pool.query('delete from installation_keys');
      for (let i = 0; i < 2; i += 1) {
        const refused = await ends('dist/apps/standalone/src/main.js', { DATA_DIR: dataDir });
        expect([refused.code, refused.said]).toEqual([
          1,
          `${file} is not there, and this database's secrets are encrypted with the key that it held: restore it from a backup, or set ENCRYPTION_KEY to what it held.\n`,
        ]);
      }
      await expect(access(file)).rejects.toThrow('ENOENT');
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  },
);
