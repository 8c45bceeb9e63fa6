import type { Pool } from 'pg';
import { type DirectoryPool, directoryPool, LogMemory, readEvents, rewindFeeds, SetBackWatch } from '#directory';
import { createPool } from '#runtime';
import { type Backup, createTestDatabase, takeBackup, type TestDatabase } from '#testing';
import { aLog, type TestLog } from '../a-log';
import { sequenceBatch } from './sequencer';

/** As a process is put together that sequences: its pool, and what it has seen. */
interface Process {
  pool: Pool;
  memory: LogMemory;
  watch: SetBackWatch;
  /** Of each new epoch: its name, where it was begun here. */
  epochs: (string | undefined)[];
  failures: unknown[];
}

let db: TestDatabase;
let pool: DirectoryPool;
let log: TestLog;
let directory: Awaited<ReturnType<TestLog['directory']>>;
let backup: Backup;
const pools: Pool[] = [];

beforeEach(async () => {
  db = await createTestDatabase();
  // Whoever writes here remembers nothing, as if they had started just now.
  const writer = createPool(db.url, { max: 2, applicationName: 'test writer', onError: () => {} });
  pool = directoryPool(writer, db.pool.known, new LogMemory({ atMost: 0 }));
  pools.push(pool);
  log = await aLog(pool);
  directory = await log.directory();
});

afterEach(async () => {
  for (const one of pools.splice(0)) await one.end();
});

function aProcess(prepare?: () => Promise<void>): Process {
  const epochs: Process['epochs'] = [];
  const failures: unknown[] = [];
  const memory = new LogMemory({ atMost: 10 });
  const watch = new SetBackWatch(memory, {
    ...(prepare && { prepare }),
    onNewEpoch: (begun) => epochs.push(begun?.name),
    onFailure: (error) => failures.push(error),
  });
  const own = createPool(db.url, {
    max: 2,
    applicationName: 'test process',
    onError: () => {},
    onConnect: (client) => watch.check(client),
  });
  pools.push(own);
  return { pool: own, memory, watch, epochs, failures };
}

async function sequenceAll({ pool: own, memory }: Process): Promise<void> {
  while (await sequenceBatch(own, { memory })) {
    // until nothing waits
  }
}

/** Commits so many events one by one, each given its position by itself. */
async function publish(process: Process, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    await log.write(directory);
    await sequenceAll(process);
  }
}

async function feed(): Promise<{ position: number; sequence: number; type: string; epoch: string }[]> {
  const { events } = await readEvents(pool, { environmentId: log.environmentId, after: 0, limit: 1_000 });
  return events.map(({ json }) => JSON.parse(json)).map(({ position, sequence, type, epoch }) => ({ position, sequence, type, epoch }));
}

const rewinds = async (): Promise<unknown[]> =>
  (await pool.query('select epoch, position, head from feed_rewinds where environment_id = $1 order by epoch', [log.environmentId])).rows;

test('a process that comes back to an older database begins a new epoch before it does anything else', async () => {
  const process = aProcess();
  await publish(process, 20);
  backup = await takeBackup(db);
  await publish(process, 20);
  await backup.restore();
  await log.write(directory);
  await sequenceAll(process);

  const [name] = process.epochs;
  expect(process.epochs).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
  expect(await rewinds()).toEqual([{ epoch: 2, position: 20, head: 20 }]);
  expect((await feed()).slice(19)).toEqual([
    { position: 20, sequence: 20, type: 'user.updated', epoch: '1' },
    // Written before anybody who remembers had come back: of the old epoch still.
    { position: 21, sequence: 21, type: 'user.updated', epoch: '1' },
    { position: 22, sequence: 22, type: 'feed.rewound', epoch: name },
  ]);
});

test('of several processes one begins it, and the others go on in it', async () => {
  const processes = [aProcess(), aProcess(), aProcess()];
  for (const process of processes) await publish(process, 3);
  backup = await takeBackup(db);
  for (const process of processes) await publish(process, 3);
  await backup.restore();
  await Promise.all(processes.map(({ watch, pool: own }) => watch.checkOn(own)));
  expect((await rewinds()).length).toBe(1);
  expect(processes.flatMap(({ epochs }) => epochs).filter((name) => name !== undefined)).toHaveLength(1);
  expect(processes.map(({ epochs }) => epochs.length)).toEqual([1, 1, 1]);
  for (const process of processes) await publish(process, 1);
  expect((await rewinds()).length).toBe(1);
});

test('the same backup restored again begins another epoch, which is not the one before', async () => {
  const process = aProcess();
  await publish(process, 5);
  backup = await takeBackup(db);
  await publish(process, 5);
  await backup.restore();
  await publish(process, 5);
  await backup.restore();
  await publish(process, 5);
  expect(new Set(process.epochs).size).toBe(2);
  expect(await rewinds()).toEqual([{ epoch: 2, position: 5, head: 5 }]);
});

test('where somebody who remembered nothing has given positions meanwhile, the epoch begins where the logs part, and not where the log ends', async () => {
  const process = aProcess();
  await publish(process, 20);
  backup = await takeBackup(db);
  await publish(process, 20);
  await backup.restore();
  const fresh = aProcess();
  await publish(fresh, 30);
  await process.watch.checkOn(process.pool);
  expect(await rewinds()).toEqual([{ epoch: 2, position: 20, head: 50 }]);
  await sequenceAll(fresh);
  expect([process.epochs.length, fresh.epochs]).toEqual([1, []]);
});

test('a change that was acknowledged and is undone is noticed without a position of it', async () => {
  const memory = new LogMemory({ atMost: 10 });
  const watch = new SetBackWatch(memory);
  await watch.checkOn(pool);
  memory.noteSequence(directory.id, { environmentId: log.environmentId, epoch: '1', sequence: 1 });
  await watch.checkOn(pool);
  expect(await rewinds()).toEqual([{ epoch: 2, position: 0, head: 0 }]);
  await log.write(directory);
  expect((await pool.query('select max(sequence) as last from events where directory_id = $1', [directory.id])).rows).toEqual([
    { last: 2 },
  ]);
});

test('a rewind by hand is taken as it is, and nothing is begun on top of it', async () => {
  const process = aProcess();
  await publish(process, 5);
  await process.watch.checkOn(process.pool);
  backup = await takeBackup(db);
  await publish(process, 5);
  await backup.restore();
  await rewindFeeds(pool);
  await publish(process, 2);
  expect(process.epochs).toEqual([undefined]);
  expect((await rewinds()).length).toBe(1);
});

test('where no epoch can be begun no positions are given, until one can', async () => {
  let isBroken = true;
  const process = aProcess(() => (isBroken ? Promise.reject(new Error('read only')) : Promise.resolve()));
  await publish(process, 5);
  backup = await takeBackup(db);
  await publish(process, 5);
  await backup.restore();
  await log.write(directory);
  for (let i = 0; i < 3; i += 1) await expect(sequenceBatch(process.pool, process)).rejects.toMatchObject({ code: '57P03' });
  expect([process.memory.isSetBack, process.failures, (await feed()).length]).toEqual([true, [new Error('read only')], 5]);
  isBroken = false;
  await process.watch.checkOn(process.pool);
  await sequenceAll(process);
  expect([process.memory.isSetBack, process.epochs.length, (await feed()).length]).toEqual([false, 1, 7]);
});

test('a database that changed under a connection that has lasted gets no positions in the old epoch either', async () => {
  const process = aProcess();
  await publish(process, 5);
  await pool.query('update feed_heads set position = 3 where environment_id = $1', [log.environmentId]);
  await pool.query('delete from event_feed where environment_id = $1 and position > 3', [log.environmentId]);
  await log.write(directory);
  await expect(sequenceBatch(process.pool, process)).rejects.toThrow('older than what this process has seen');
  expect(await rewinds()).toEqual([]);
});

test('what is remembered is bounded, and is denser the younger it is', async () => {
  const process = aProcess();
  await publish(process, 1);
  backup = await takeBackup(db);
  await publish(process, 300);
  await backup.restore();
  await process.watch.checkOn(process.pool);
  const [{ position }] = (await rewinds()) as [{ position: number }];
  expect(position).toBe(0);
  const environments = Array.from({ length: 50 }, (_, i) => `00000000-0000-0000-0000-0000000000${10 + i}`);
  const epoch = { number: 1, name: '1', began: 0, previous: '1' };
  for (const id of environments) process.memory.noteEvents(id, epoch, [{ position: 1, id }]);
  expect(environments.filter((id) => process.memory.seenOf(id))).toEqual(environments.slice(-10));
});
