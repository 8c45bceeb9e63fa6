import { randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { register } from 'prom-client';
import { Keyring } from '#credential';
import { createEndpoint, sequenceBatch } from '#delivery';
import { activateDirectory, changeDirectory, createDirectory, createOrganization, deleteDirectory, type Directory } from '#directory';
import { createEnvironment } from '#accounts';
import { newId, publicId } from '#identifier';
import { type Config, createLog, loadConfig } from '#runtime';
import { createTestDatabase, eventually, freePort, redisUrl, startProcess, startRedis, startVendor, type TestDatabase } from '#testing';
import { purge, upkeep } from './upkeep';
import { type RunningWorker, startWorker } from './worker';

const encryptionKey = randomBytes(32);
const keyring = new Keyring(encryptionKey);
const allowedCidrs = ['127.0.0.0/8'];

const workers: RunningWorker[] = [];
let db: TestDatabase;

beforeEach(async () => {
  db = await createTestDatabase();
});

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
});

function settings(more: Record<string, string | undefined> = {}): Record<string, string> {
  const all = {
    DATABASE_URL: db.url,
    ENCRYPTION_KEY: encryptionKey.toString('base64'),
    WEBHOOK_ALLOWED_CIDRS: allowedCidrs.join(','),
    LOG_LEVEL: 'info',
    ...more,
  };
  return Object.fromEntries(Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

async function working(redis?: string): Promise<RunningWorker> {
  const config: Config = loadConfig(settings({ REDIS_URL: redis }));
  const worker = await startWorker({ config, log: createLog('fatal', 'worker') });
  workers.push(worker);
  return worker;
}

interface Scene {
  environmentId: string;
  directory: Directory;
  /** Two events: directory.activated, directory.disabled. */
  happen: () => Promise<void>;
}

async function aScene(): Promise<Scene> {
  const { id: environmentId } = await createEnvironment(db.pool, { name: 'test' });
  const organization = await createOrganization(db.pool, { environmentId, name: 'Acme' });
  const directory = await createDirectory(db.pool, { environmentId, organizationId: organization.id, provider: 'generic' });
  if (!directory) throw new Error('no directory');
  return {
    environmentId,
    directory,
    happen: async () => {
      await activateDirectory(db.pool, directory, newId());
      await changeDirectory(db.pool, { environmentId, directoryId: directory.id, changes: { disabled: true } });
    },
  };
}

const endpointOf = (environmentId: string, url: string) => createEndpoint(db.pool, keyring, { environmentId, url, allowedCidrs });

const types = (events: unknown[]): unknown[] => events.map((event) => (event as { type: string }).type);

const backends: [string, string | undefined][] = [
  ['PostgreSQL', undefined],
  ...(redisUrl() ? [['Redis', redisUrl()] as [string, string]] : []),
];

describe.each(backends)('with the queue on %s', (_, redis) => {
  test('what happens in a directory comes to the vendor, soon, whichever worker it is that sends', async () => {
    const scene = await aScene();
    const vendor = await startVendor();
    const { secret } = await endpointOf(scene.environmentId, vendor.url);
    await working(redis);
    await scene.happen();
    await eventually(() => vendor.received.length === 2);
    expect(types(vendor.events(secret))).toEqual(['directory.activated', 'directory.disabled']);

    // An attempt is counted once it is acked.
    await eventually(async () => {
      const metrics = await register.metrics();
      expect(metrics).toContain('causeway_delivery_attempts_total{outcome="delivered"} 2');
      expect(metrics).toContain('causeway_commit_to_delivered_seconds_count 2');
      expect(metrics).toContain('causeway_lanes_dirty 0');
      expect(metrics).toContain('causeway_queue_reachable 1');
      expect(metrics).toMatch(/causeway_sequencer_batch_events_sum [2-9]/);
    });
  });

  test('a worker that is killed loses nothing: another one goes on', async () => {
    const scene = await aScene();
    const vendor = await startVendor({ hang: true });
    const { secret } = await endpointOf(scene.environmentId, vendor.url);
    const start = () =>
      startProcess({ script: 'dist/apps/worker/src/main.js', env: settings({ REDIS_URL: redis }), ready: /worker started/ });
    const first = await start();
    await scene.happen();
    await eventually(() => vendor.received.length === 1);
    await first.kill();
    vendor.answers({});
    const second = await start();
    await eventually(() => vendor.received.length === 3, { withinMs: 30_000 });
    expect(types(vendor.events(secret))).toEqual(['directory.activated', 'directory.activated', 'directory.disabled']);
    expect(await second.stop()).toEqual({ code: 0, signal: null });
  });

  test('a storm of terminated connections ends no worker, and nothing is lost in it', async () => {
    const scene = await aScene();
    const vendor = await startVendor();
    const { secret } = await endpointOf(scene.environmentId, vendor.url);
    const worker = await startProcess({
      script: 'dist/apps/worker/src/main.js',
      env: settings({ REDIS_URL: redis }),
      ready: /worker started/,
    });
    let ended = false;
    void worker.ended.then(() => (ended = true));
    let storming = true;
    let happened = 0;
    const load = (async () => {
      for (let disabled = false; storming; disabled = !disabled) {
        const { environmentId, directory } = scene;
        const change = changeDirectory(db.pool, { environmentId, directoryId: directory.id, changes: { disabled } });
        // It loses its connection too, now and then.
        happened += await change.then(
          () => 1,
          () => 0,
        );
      }
    })();
    for (let gust = 0; gust < 16 && !ended; gust += 1) {
      await db.pool.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      await delay(250);
    }
    storming = false;
    await load;
    expect(happened).toBeGreaterThan(10);
    // As if the leases of the drains that were broken off had ended.
    await db.pool.query('update lanes set lease_until = now(), enqueued_at = null where leased > 0');
    await eventually(
      async () => {
        const { rows } = await db.pool.query<{ id: string }>(
          'select event_id as id from event_feed union all select event_id from event_outbox',
        );
        const told = vendor.events(secret).map((event) => (event as { id: string }).id);
        expect(new Set(told)).toEqual(new Set(rows.map(({ id }) => publicId('evt', id))));
      },
      { withinMs: 30_000, everyMs: 200 },
    );
    expect(ended).toBe(false);
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
  }, 90_000);
});

test("what waits for a time that the database's clock came back from is delivered all the same", async () => {
  const scene = await aScene();
  const vendor = await startVendor();
  await endpointOf(scene.environmentId, vendor.url);
  await scene.happen();
  await sequenceBatch(db.pool);
  await db.pool.query(`update lanes set next_attempt_at = now() + interval '1 hour', enqueued_at = now() + interval '1 hour'`);
  await working();
  await eventually(() => vendor.received.length === 2, { withinMs: 30_000 });
});

test('a worker ends though an endpoint does not answer, and what was under way goes on elsewhere at once', async () => {
  const scene = await aScene();
  const vendor = await startVendor({ hang: true });
  await endpointOf(scene.environmentId, vendor.url);
  const worker = await working();
  await scene.happen();
  await eventually(() => vendor.received.length === 1);
  workers.splice(0);
  await worker.stop(4_000);
  expect(await register.metrics()).not.toContain('causeway_delivery_attempts_total');

  vendor.answers({});
  await working();
  await eventually(() => vendor.received.length === 3);
});

const withRedis = redisUrl() ? test : test.skip;

withRedis('while Redis is away deliveries go on, and the worker says so; it comes back by itself', async () => {
  const redis = await startRedis(path.join(os.tmpdir(), `causeway-worker-${process.pid}`));
  try {
    const [one, two, three] = [await aScene(), await aScene(), await aScene()];
    const vendor = await startVendor();
    for (const { environmentId } of [one, two, three]) await endpointOf(environmentId, vendor.url);
    const worker = await working(redis.url);
    await one.happen();
    await eventually(() => vendor.received.length === 2);

    await redis.stop();
    await two.happen();
    await eventually(() => vendor.received.length === 4);
    await eventually(() => !worker.queueReachable());

    await redis.restart();
    await three.happen();
    await eventually(() => vendor.received.length === 6);
    await eventually(() => worker.queueReachable(), { withinMs: 20_000 });
  } finally {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    await redis.stop();
  }
});

test('the worker on its own answers for its health and its metrics where WORKER_PORT says', async () => {
  const port = await freePort();
  const process = await startProcess({
    script: 'dist/apps/worker/src/main.js',
    env: settings({ WORKER_PORT: String(port) }),
    ready: /worker started/,
  });
  const get = async (at: string) => fetch(`http://127.0.0.1:${port}${at}`);
  expect((await get('/livez')).status).toBe(200);
  expect(await (await get('/readyz')).json()).toEqual({
    status: 'ready',
    parts: { database: { state: 'ok' }, schema: { state: 'ok' }, worker: { state: 'ok' }, queue: { state: 'ok' } },
  });
  expect(await (await get('/metrics')).text()).toContain('causeway_sequencer_batch_events_bucket');
  expect((await get('/elsewhere')).status).toBe(404);
  expect(await process.stop()).toEqual({ code: 0, signal: null });
});

test('with a Redis that is not there deliveries go on, and /readyz names it with 200', async () => {
  const port = await freePort();
  const nobody = `redis://127.0.0.1:${await freePort()}`;
  const process = await startProcess({
    script: 'dist/apps/worker/src/main.js',
    env: settings({ WORKER_PORT: String(port), REDIS_URL: nobody }),
    ready: /worker started/,
  });
  const scene = await aScene();
  const vendor = await startVendor();
  await endpointOf(scene.environmentId, vendor.url);
  await scene.happen();
  await eventually(() => vendor.received.length === 2);
  const readiness = async (): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    return [answer.status, await answer.json()];
  };
  // Found out by asking, which takes a second.
  await eventually(async () => JSON.stringify(await readiness()).includes('unreachable'));
  expect(await readiness()).toEqual([
    200,
    {
      status: 'ready',
      parts: { database: { state: 'ok' }, schema: { state: 'ok' }, worker: { state: 'ok' }, queue: { state: 'unreachable' } },
    },
  ]);
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain('causeway_queue_reachable 0');
  expect(await process.stop()).toEqual({ code: 0, signal: null });
});

test('a setting that is wrong is one sentence and exit 1', async () => {
  const wrong = await startProcess({ script: 'dist/apps/worker/src/main.js', env: settings({ WORKER_PORT: 'eighty' }) });
  expect(await wrong.ended).toEqual({ code: 1, signal: null });
  expect(wrong.stderr()).toBe('WORKER_PORT holds "eighty"; it should hold a whole number from 1 to 65535, or nothing.\n');
});

test('users and groups of a deleted directory go in the background', async () => {
  const scene = await aScene();
  await deleteDirectory(db.pool, { environmentId: scene.environmentId, directoryId: scene.directory.id });
  await purge(db.pool, new AbortController().signal);
  expect((await db.pool.query('select 1 from directories')).rowCount).toBe(0);
});

test('upkeep makes the partitions that are missing, and drops those whose time is over', async () => {
  const retention = { eventsDays: 365, attemptsDays: 90, requestsDays: 90 };
  expect(await upkeep(db.pool, retention)).toEqual({ made: [], dropped: [], forgotten: 0 });

  const [{ name: newest } = { name: '' }] = (
    await db.pool.query<{ name: string }>("select relname as name from pg_class where relname ~ '^events_[0-9]{8}$' order by 1 desc")
  ).rows;
  await db.pool.query(`drop table ${newest}`);
  const old = ['events_20200101', 'requests_20200106', 'delivery_attempts_20200106'];
  for (const name of old) await db.pool.query(`create table ${name} (like ${name.replace(/_\d+$/, '')})`);
  expect(await upkeep(db.pool, retention)).toEqual({
    made: [newest],
    dropped: old.map((name) => ({ name, bytes: expect.any(Number) })),
    forgotten: 0,
  });
});
