import pg, { type Pool, type PoolClient } from 'pg';
import { createPool } from '#runtime';
import { createTestDatabase, type TestDatabase } from '#testing';
import { aLog, type TestLog } from '../a-log';
import { sequenceBatch } from './sequencer';
import type { WaitingEvents } from './waiting-events';

let db: TestDatabase;
let log: TestLog;
let directory: Awaited<ReturnType<TestLog['directory']>>;
/** Of one connection: what is counted of it is what was done, and what it has seen it keeps. */
let sequencing: Pool;
let waiting: WeakMap<PoolClient, WaitingEvents>;
let written: number;

beforeEach(async () => {
  db = await createTestDatabase();
  log = await aLog(db.pool);
  directory = await log.directory();
  sequencing = createPool(db.url, { max: 1, applicationName: 'test sequencer', onError: () => {} });
  waiting = new WeakMap();
  written = 0;
});

afterEach(() => sequencing.end());

const batch = (limit = 500) => sequenceBatch(sequencing, { limit, waiting });

async function sequenceAll(limit = 500): Promise<number> {
  let events = 0;
  for (let more = await batch(limit); more; more = await batch(limit)) events += more.events;
  return events;
}

const insert = `
  insert into event_outbox (environment_id, organization_id, directory_id, sequence, event_id, type, created_at)
  select $1, $2, $3, $4::bigint + n, gen_random_uuid(), 'user.updated', clock_timestamp() from generate_series(1, $5) n`;

/** As a writer leaves them: of one directory, in one transaction. */
async function append(count: number): Promise<void> {
  await sequencing.query(insert, [log.environmentId, directory.organizationId, directory.id, written, count]);
  written += count;
}

async function feed(): Promise<{ directory_id: string; sequence: number }[]> {
  const { rows } = await db.pool.query<{ directory_id: string; sequence: number }>(
    'select directory_id, sequence from event_feed where environment_id = $1 order by position',
    [log.environmentId],
  );
  return rows;
}

describe('beside a snapshot that somebody keeps open', () => {
  let dump: pg.Client;
  beforeEach(async () => {
    dump = new pg.Client({ connectionString: db.url });
    await dump.connect();
    await append(1);
    await sequenceAll();
    await dump.query('begin isolation level repeatable read');
    await dump.query('select count(*) from event_outbox');
  });
  afterEach(() => dump.end());

  /** So many blocks of the outbox are read to give one event its position, and to see that there is no other. */
  async function blocksOfOne(): Promise<number> {
    const read = async (): Promise<number> => {
      await sequencing.query('select pg_stat_force_next_flush()');
      const { rows } = await sequencing.query<{ blocks: number }>(`
        select heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit as blocks
          from pg_statio_user_tables
         where relname = 'event_outbox'`);
      return rows[0]?.blocks ?? 0;
    };
    await append(1);
    const before = await read();
    expect(await sequenceAll()).toBe(1);
    return (await read()) - before;
  }

  test('an event costs as much after 250,000 as after ten', async () => {
    for (let i = 0; i < 10; i += 1) await blocksOfOne(); // by then its statements are planned once and for all
    const first = await blocksOfOne();
    while (written < 250_000) {
      await append(5_000);
      await sequenceAll();
    }
    const last = await blocksOfOne();
    expect(last).toBeLessThan(first + 15);
    // What was taken out is all there still, and walked over by whoever begins anew: what is counted would show it.
    waiting = new WeakMap();
    expect(await blocksOfOne()).toBeGreaterThan(1_000);
  });

  test('a backlog costs as much for each of its batches', async () => {
    await append(500);
    await sequenceAll();
    await append(100_000);
    const read = async (): Promise<number> => {
      await sequencing.query('select pg_stat_force_next_flush()');
      const { rows } = await sequencing.query<{ blocks: number }>(
        `select idx_blks_read + idx_blks_hit as blocks from pg_statio_user_tables where relname = 'event_outbox'`,
      );
      return rows[0]?.blocks ?? 0;
    };
    const costs: number[] = [];
    for (let i = 0; i < 200; i += 1) {
      const before = await read();
      expect(await batch()).toMatchObject({ events: 500 });
      costs.push((await read()) - before);
    }
    expect(await batch()).toBeUndefined();
    const [early, late] = [costs.slice(10, 20), costs.slice(-10)].map((some) => some.reduce((sum, cost) => sum + cost, 0));
    expect(late).toBeLessThan((early ?? 0) * 1.5);
  });
});

describe('what is committed late', () => {
  /** A transaction that has appended and stays open, with smaller ids than those that come after it. */
  async function open(sequence: number): Promise<{ directoryId: string; commit: () => Promise<void> }> {
    const other = await log.directory();
    const client = await db.pool.connect();
    await client.query('begin');
    await client.query('select 1 from directory_heads where directory_id = $1 for no key update', [other.id]);
    await client.query(insert, [log.environmentId, other.organizationId, other.id, sequence - 1, 1]);
    return {
      directoryId: other.id,
      commit: async () => {
        await client.query('commit');
        client.release();
      },
    };
  }

  test('is taken as soon as it is, however many have gone past it, and in whichever order', async () => {
    const late = [await open(1), await open(1), await open(1)];
    await append(5);
    expect(await sequenceAll()).toBe(5);
    await append(5);
    expect(await sequenceAll()).toBe(5);
    for (const one of [late[1], late[0], late[2]]) {
      await one?.commit();
      expect(await sequenceAll()).toBe(1);
      expect((await feed()).at(-1)).toEqual({ directory_id: one?.directoryId, sequence: 1 });
      expect(await sequenceAll()).toBe(0);
    }
  });

  test('stands before what its directory appended after it, also amid a backlog', async () => {
    await append(1);
    await sequenceAll();
    const late = await open(1);
    await append(9);
    expect(await batch(3)).toMatchObject({ events: 3, full: true });
    await late.commit();
    await sequencing.query(insert, [log.environmentId, directory.organizationId, late.directoryId, 1, 2]);
    await sequenceAll(3);
    const rows = await feed();
    expect(rows.filter((row) => row.directory_id === late.directoryId).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(rows.filter((row) => row.directory_id === directory.id).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 10 }, (_, i) => i + 1),
    );
  });
});

test('what is put back from a backup under a session that lasts is found', async () => {
  await append(3);
  await sequenceAll();
  const session = await sequencing.connect();
  await session.query('create table kept as select * from event_outbox');
  session.release();
  await append(2);
  await sequencing.query('insert into kept select * from event_outbox');
  await sequenceAll();
  // As old as they were, by their transactions.
  await sequencing.query('truncate event_outbox');
  await sequencing.query('delete from event_feed where sequence > 3');
  await sequencing.query('insert into event_outbox overriding system value select * from kept');
  expect(await sequenceAll()).toBe(2);
});

test('another sequencer may have taken them, and may have some under way', async () => {
  const other = createPool(db.url, { max: 1, applicationName: 'test other sequencer', onError: () => {} });
  const its = new WeakMap<PoolClient, WaitingEvents>();
  for (let round = 0; round < 5; round += 1) {
    await append(7);
    expect(await sequenceBatch(other, { limit: 4, waiting: its })).toMatchObject({ events: 4, full: true });
    expect(await batch(2)).toMatchObject({ events: 2, full: true });
    expect(await sequenceBatch(other, { limit: 4, waiting: its })).toMatchObject({ events: 1, full: false });
    expect(await sequenceAll()).toBe(0);
  }
  await other.end();
  expect((await feed()).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 35 }, (_, i) => i + 1));
});
