/**
 * The README's four paths are the files that are really entered on the way of one request, no more and no less. V8 says which, in a broker
 * and a worker as they run, around a request whose like has come before.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  createTestDatabase,
  entering,
  eventually,
  freePort,
  type IdentityProvider,
  identityProvider,
  inspectable,
  projectFolder,
  type RunningProcess,
  startProcess,
  startVendor,
  type TestDatabase,
  type Vendor,
} from '#testing';
import { caller } from '../../broker/src/a-broker';

/** What every path stands on, and what only hands names on: it is on none of them. */
const ground = /^packages\/(postgres|identifier|runtime)\/|\/index\.ts$/;

let db: TestDatabase;
let broker: RunningProcess;
let env: Record<string, string>;
let vendor: Vendor;
let act: Record<'a' | 'b' | 'c' | 'd', () => Promise<void>>;

beforeAll(async () => {
  db = await createTestDatabase();
  const key = `cwk_${randomBytes(24).toString('hex')}`;
  const port = await freePort();
  env = {
    ...inspectable,
    DATABASE_URL: db.url,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    BOOTSTRAP_API_KEY: key,
    WEBHOOK_ALLOWED_CIDRS: '127.0.0.0/8',
    PORT: String(port),
  };
  vendor = await startVendor();
  broker = await startProcess({ script: 'dist/apps/broker/src/main.js', env, ready: /"listening"/ });
  act = await requests(`http://127.0.0.1:${port}`, key);
  const worker = await aWorker();
  await eventually(async () => (await db.pool.query('select 1 from event_outbox')).rowCount === 0);
  await worker.stop();
});

const aWorker = () => startProcess({ script: 'dist/apps/worker/src/main.js', env, ready: /"worker started"/ });

test.each([
  ['a', async () => broker],
  ['c', async () => broker],
  ['d', async () => broker],
  // Last: once it runs, it tells the broker of every event.
  ['b', aWorker],
] as const)('path (%s) names the files that are entered on it', async (letter, running) => {
  const named = namedOn(letter);
  const enter = await entering(await running());
  await act[letter]();
  const runs: string[][] = [];
  while (runs.length < 5 || (runs.length < 20 && amends(named, runs).length > 0)) runs.push(await enter(act[letter]));
  expect(amends(named, runs)).toEqual([]);
});

/**
 * What to change in the README. What goes on beside a request, such as a sweep each second, is not there every time; what belongs to it is,
 * but for what a busy machine does too late now and then.
 */
function amends(named: readonly string[], runs: readonly string[][]): string[] {
  const timesIn = (file: string) => runs.filter((entered) => entered.includes(file)).length;
  return [
    ...named.filter((file) => timesIn(file) <= runs.length / 2).map((file) => `remove ${file}`),
    ...(runs[0] ?? [])
      .filter((file) => timesIn(file) === runs.length && !named.includes(file) && !ground.test(file))
      .map((file) => `add ${file}`),
  ];
}

/** `packages/scim/{patch, path}.ts` names two files. */
function namedOn(letter: string): string[] {
  const readme = readFileSync(path.join(projectFolder, 'README.md'), 'utf8');
  const [, section = ''] = /^## Four paths through the code\n(.*?)^## /ms.exec(readme) ?? [];
  const [, text = ''] = new RegExp(`^\\(${letter}\\) (.*?)(?=^\\([a-z]\\) |$(?![^]))`, 'ms').exec(section) ?? [];
  return [...text.matchAll(/`((?:apps|packages)\/[^`]+)`/g)].flatMap(([, span = '']) => {
    const [whole, before = '', names, after = ''] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(span) ?? [];
    return whole === undefined ? [span] : (names ?? '').split(',').map((name) => `${before}${name.trim()}${after}`);
  });
}

/** A customer's directory with somebody in it, and what is done to it on each path. */
async function requests(url: string, key: string): Promise<typeof act> {
  const call = caller(url, key);
  const organization = await call('POST', '/v1/organizations', { body: { name: 'Acme' } });
  const directory = await call('POST', '/v1/directories', { body: { organization_id: organization.body.id, provider: 'entra' } });
  const tokens = `/v1/directories/${directory.body.id}/bearer_token`;
  let idp!: IdentityProvider;
  const rotate = async (): Promise<void> => {
    const { status, body } = await call('POST', tokens, { body: {} });
    expect(status).toBe(201);
    idp = identityProvider({ baseUrl: `${url}/scim/v2/${directory.body.id}`, token: body.token });
  };
  await rotate();
  const user = await idp.post('/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: 'ada@acme.com',
    externalId: 'ada',
    active: true,
    name: { givenName: 'Ada', familyName: 'Lovelace' },
  });
  const { id } = user.body as { id: string };
  await call('POST', '/v1/webhook_endpoints', { body: { url: vendor.url } });

  let titles = 0;
  const patch = async (): Promise<void> => {
    const Operations = [{ op: 'Replace', path: 'title', value: `Title ${(titles += 1)}` }];
    const { status } = await idp.patch(`/Users/${id}`, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations });
    expect(status).toBe(200);
  };
  return {
    a: patch,
    b: async () => {
      const before = vendor.received.length;
      await patch();
      await eventually(() => vendor.received.length > before);
      const open = 'select 1 from lanes where leased > 0 or next_attempt_at is not null';
      await eventually(async () => (await db.pool.query(open)).rowCount === 0);
    },
    c: async () => expect((await call('GET', '/v1/events')).body.data).not.toEqual([]),
    d: rotate,
  };
}
