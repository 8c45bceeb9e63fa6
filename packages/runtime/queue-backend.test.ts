import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createTestDatabase, eventually, projectFolder, redisUrl, startProcess, startRedis, testDatabase } from '#testing';
import { createPool } from './postgres';
import { queueBackend, type JobQueue, type JobWorker } from './queue-backend';

interface Bell {
  lane: string;
}

const open: (JobQueue<Bell> | JobWorker<Bell>)[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

describe.each(['postgres', 'redis'] as const)('on %s', (kind) => {
  const maybe = kind === 'redis' && redisUrl() === undefined ? test.skip : test;

  async function backend(onError: (error: Error) => void = () => {}) {
    const { url } = await testDatabase();
    const made = await queueBackend({ databaseUrl: url, ...(kind === 'redis' ? { redisUrl: redisUrl() ?? '' } : {}), onError });
    expect(made.kind).toBe(kind);
    return {
      queue: (name: string) => {
        const queue = made.queue<Bell>(name, { defaultJobOptions: { removeOnComplete: true } });
        open.push(queue);
        return queue;
      },
      worker: (name: string, process: (lane: string) => void) => {
        const worker = made.worker<Bell>(name, async ({ data }) => process(data.lane), { concurrency: 4, drainDelay: 3_600 });
        open.push(worker);
        return worker;
      },
    };
  }

  maybe('what is added is processed, also by a worker that came first', async () => {
    const { queue, worker } = await backend();
    const rung: string[] = [];
    worker('bells', (lane) => rung.push(lane));
    const bells = queue('bells');
    await bells.addBulk(['a', 'b', 'c'].map((lane) => ({ name: 'ring', data: { lane } })));
    await eventually(() => rung.length === 3);
    expect(rung.sort()).toEqual(['a', 'b', 'c']);

    // It is told: by itself it would look again in an hour.
    await bells.add('ring', { lane: 'd' });
    await eventually(() => rung.length === 4);
  });

  maybe('two workers share the work, and nothing is done twice', async () => {
    const { queue, worker } = await backend();
    const rung: string[] = [];
    worker('shared', (lane) => rung.push(lane));
    worker('shared', (lane) => rung.push(lane));
    const lanes = Array.from({ length: 200 }, (_, n) => String(n).padStart(3, '0'));
    await queue('shared').addBulk(lanes.map((lane) => ({ name: 'ring', data: { lane } })));
    await eventually(() => rung.length >= 200);
    expect(rung.sort()).toEqual(lanes);
  });
});

test('on PostgreSQL, a queue and a worker open no more connections than they say', async () => {
  const { url, pool } = await createTestDatabase();
  const made = await queueBackend({ databaseUrl: url });
  const done: string[] = [];
  const worker = made.worker<Bell>('counted', async ({ data }) => void done.push(data.lane), { concurrency: 20 });
  const queue = made.queue<Bell>('counted');
  open.push(queue, worker);
  await Promise.all(Array.from({ length: 100 }, (_, n) => queue.add('ring', { lane: String(n) })));
  await eventually(() => done.length === 100);
  const { rows } = await pool.query<{ n: number }>(
    `select count(*) as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  );
  expect(rows[0]?.n).toBeLessThanOrEqual(made.connections.queue + made.connections.worker);
});

test('on PostgreSQL, the queue alone does not wait for the disk', async () => {
  const { url, pool } = await createTestDatabase();
  // As a server is that nobody has told otherwise; the one of the tests is in a hurry.
  await pool.query(`do $$ begin execute format('alter database %I set synchronous_commit = on', current_database()); end $$`);
  await pool.query(`
    create table commits (how text not null);
    create function note_commit() returns trigger language plpgsql as $$ begin insert into public.commits values (current_setting('synchronous_commit')); return null; end $$;
    create trigger note_commit after insert or delete on bullmq.job for each statement execute function note_commit()`);
  const made = await queueBackend({ databaseUrl: url });
  const done: string[] = [];
  open.push(made.worker<Bell>('lazy', async ({ data }) => void done.push(data.lane), { removeOnComplete: { count: 0 } }));
  const queue = made.queue<Bell>('lazy', { defaultJobOptions: { removeOnComplete: true } });
  open.push(queue);
  await queue.add('ring', { lane: 'a' });
  await eventually(async () => expect((await pool.query('select how from commits')).rows).toEqual([{ how: 'off' }, { how: 'off' }]));

  const own = createPool(url, { max: 1, applicationName: 'test', onError: () => {} });
  expect((await own.query(`select current_setting('synchronous_commit') as how`)).rows).toEqual([{ how: 'on' }]);
  await own.end();
});

test('on PostgreSQL, what is closed as soon as it is made leaves no connection behind', async () => {
  const { url, pool } = await createTestDatabase();
  const made = await queueBackend({ databaseUrl: url });
  for (let round = 0; round < 5; round++) {
    const worker = made.worker<Bell>('brief', async () => {});
    const queue = made.queue<Bell>('brief');
    await new Promise((resolve) => setTimeout(resolve, round * 5));
    await Promise.all([worker.close(true), queue.close()]);
  }
  await eventually(async () => {
    const { rows } = await pool.query(
      `select application_name from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    expect(rows).toEqual([]);
  });
});

test('on PostgreSQL, a worker whose connections were cut goes on, and says what happened', async () => {
  const { url, pool } = await createTestDatabase();
  const errors: Error[] = [];
  const made = await queueBackend({ databaseUrl: url, onError: (error) => errors.push(error) });
  const done: string[] = [];
  const worker = made.worker<Bell>('cut', async ({ data }) => void done.push(data.lane), { runRetryDelay: 100 });
  const queue = made.queue<Bell>('cut');
  open.push(queue, worker);
  await queue.add('ring', { lane: 'before' });
  await eventually(() => done.length === 1);

  await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`);
  await eventually(() => errors.length > 0);
  await eventually(async () => void (await queue.add('ring', { lane: 'after' })));
  await eventually(() => done.includes('after'), { withinMs: 30_000 });
});

test('on PostgreSQL, connections that are terminated at whatever moment end no process', async () => {
  const { url, pool } = await createTestDatabase();
  const source = `
    const { queueBackend } = require('./packages/runtime');
    const { setTimeout: delay } = require('node:timers/promises');
    (async () => {
      const made = await queueBackend({ databaseUrl: ${JSON.stringify(url)}, onError: () => {} });
      const part = async (kind, name) => {
        for (;;) {
          const one = kind === 'queue' ? made.queue(name) : made.worker(name, async () => {}, { runRetryDelay: 10 });
          await one.waitUntilReady().catch(() => {});
          for (let i = 0; i < 50; i += 1) {
            if (kind === 'queue') await one.add('ring', { lane: 'a' }).catch(() => {});
            await delay(10);
          }
          await one.close(true).catch(() => {});
        }
      };
      for (const name of ['one', 'other']) for (const kind of ['queue', 'worker']) void part(kind, name);
      console.log('ready');
    })();`;
  const running = await startProcess({
    command: [process.execPath, '--require', 'tsx/cjs', '--eval', source],
    cwd: projectFolder,
    ready: /^ready$/m,
  });
  let ended = false;
  void running.ended.then(() => (ended = true));
  // Faster than a connection is made: some are met in the moment in which nobody has taken them yet.
  for (let gust = 0; gust < 8 && !ended; gust += 1) {
    await pool.query(`
      do $$ begin
        for i in 1..100 loop
          perform pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();
          perform pg_stat_clear_snapshot();
          perform pg_sleep(0.003);
        end loop;
      end $$`);
  }
  expect([ended, running.stderr()]).toEqual([false, '']);
  await running.kill();
});

(redisUrl() ? test : test.skip)('on Redis, a producer whose server is away fails, and works again when it is back', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-redis-'));
  const redis = await startRedis(folder);
  const errors: Error[] = [];
  const made = await queueBackend({ databaseUrl: '', redisUrl: redis.url, onError: (error) => errors.push(error) });
  const queue = made.queue<Bell>('away');
  const done: string[] = [];
  const worker = made.worker<Bell>('away', async ({ data }) => void done.push(data.lane), { runRetryDelay: 100 });
  open.push(queue, worker);
  await queue.add('ring', { lane: 'before' });
  await eventually(() => done.length === 1);

  await redis.stop();
  await eventually(() => errors.length > 0);
  await expect(queue.add('ring', { lane: 'lost' })).rejects.toThrow();

  await redis.restart();
  await eventually(async () => void (await queue.add('ring', { lane: 'after' })));
  await eventually(() => done.includes('after'), { withinMs: 30_000 });
  await Promise.all(open.splice(0).map((each) => each.close()));
  await redis.stop();
  await rm(folder, { recursive: true });
});
