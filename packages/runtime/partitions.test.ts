import { createTestDatabase, testDatabase } from '#testing';
import type { Pool } from 'pg';
import { dropPartitionsOlderThan, ensurePartitionsAround } from './partitions';

/** Names and ranges of a table's partitions, by name. */
async function partitionsOf(pool: Pool, table: string): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(
    `select c.relname || ' ' || pg_get_expr(c.relpartbound, c.oid) as line
       from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = $1::regclass order by 1`,
    [table],
  );
  return rows.map(({ line }) => line);
}

const day = 24 * 60 * 60 * 1000;
const idAt = (date: Date) =>
  `${date
    .getTime()
    .toString(16)
    .padStart(12, '0')
    .replace(/^(.{8})/, '$1-')}-7000-8000-000000000000`;

/** As if the present were another one. */
async function ensurePartitions(pool: Pool, now: Date): Promise<string[]> {
  const client = await pool.connect();
  try {
    return await ensurePartitionsAround(client, now);
  } finally {
    client.release();
  }
}

const daysSince = (text: string): number => (Date.now() - Date.parse(text)) / day;

async function addEvent(pool: Pool, at: Date): Promise<void> {
  await pool.query(
    `insert into events (id, environment_id, organization_id, directory_id, sequence, type, occurred_at, data)
     values ($1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'user.created', $2, '{}')`,
    [idAt(at), at],
  );
}

test('a migrated database takes what happened last week and what will in three months', async () => {
  const { pool } = await testDatabase();
  for (const days of [-7, 0, 90]) await addEvent(pool, new Date(Date.now() + days * day));
  const { rows } = await pool.query('select count(*) as n from events');
  expect(rows).toEqual([{ n: 3 }]);
});

test('events are cut by month and requests by week, from one period back to three months ahead', async () => {
  const { pool } = await createTestDatabase();
  const now = new Date('2031-01-15T12:00:00Z');
  const made = await ensurePartitions(pool, now);
  expect(made.filter((name) => name.startsWith('events'))).toEqual([
    'events_20301201',
    'events_20310101',
    'events_20310201',
    'events_20310301',
    'events_20310401',
  ]);
  expect(made.filter((name) => name.startsWith('requests')).slice(0, 3)).toEqual([
    'requests_20310106',
    'requests_20310113',
    'requests_20310120',
  ]);
  expect(made.filter((name) => name.startsWith('delivery_attempts'))).toHaveLength(
    made.filter((name) => name.startsWith('requests')).length,
  );

  const [january] = (await partitionsOf(pool, 'events')).filter((line) => line.startsWith('events_20310101'));
  const from = idAt(new Date('2031-01-01T00:00:00Z')).slice(0, 13);
  const until = idAt(new Date('2031-02-01T00:00:00Z')).slice(0, 13);
  expect(january).toBe(`events_20310101 FOR VALUES FROM ('${from}-0000-0000-000000000000') TO ('${until}-0000-0000-000000000000')`);
});

test('a second run makes nothing, and neither do several at once', async () => {
  const { pool } = await createTestDatabase();
  const now = new Date('2032-06-30T23:59:59Z');
  const made = await Promise.all([ensurePartitions(pool, now), ensurePartitions(pool, now), ensurePartitions(pool, now)]);
  const names = made.flat();
  expect(new Set(names).size).toBe(names.length);
  expect(await ensurePartitions(pool, now)).toEqual([]);
});

test('a partition is made while the table is written to', async () => {
  const { pool } = await createTestDatabase();
  const writer = await pool.connect();
  await writer.query('begin');
  await writer.query(
    `insert into event_outbox (environment_id, organization_id, directory_id, sequence, event_id, type, created_at) select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), 'x', now()`,
  );
  await writer.query('lock table events in row exclusive mode');
  expect(await ensurePartitions(pool, new Date('2033-01-01T00:00:00Z'))).toContain('events_20330101');
  await writer.query('rollback');
  writer.release();
});

test('dropping takes what is older than the date, whole partitions only', async () => {
  const { pool } = await createTestDatabase();
  await ensurePartitions(pool, new Date('2021-03-10T00:00:00Z'));
  await addEvent(pool, new Date('2021-02-20T00:00:00Z'));
  await addEvent(pool, new Date('2021-04-02T00:00:00Z'));
  expect(await dropPartitionsOlderThan(pool, 'events', daysSince('2021-04-15T00:00:00Z'))).toEqual([
    { name: 'events_20210201', bytes: expect.any(Number) },
    { name: 'events_20210301', bytes: expect.any(Number) },
  ]);
  const { rows } = await pool.query('select occurred_at as at from events');
  expect(rows).toEqual([{ at: new Date('2021-04-02T00:00:00Z') }]);
});

test('what is present or to come is never dropped', async () => {
  const { pool } = await createTestDatabase();
  const before = await partitionsOf(pool, 'events');
  await expect(dropPartitionsOlderThan(pool, 'events', -100)).rejects.toThrow(RangeError);
  await dropPartitionsOlderThan(pool, 'events', 0);
  expect(await partitionsOf(pool, 'events')).toEqual(before.slice(1));
  await addEvent(pool, new Date());
});

test('what an interrupted run left half detached, or detached and not dropped, is finished', async () => {
  const { pool } = await createTestDatabase();
  await ensurePartitions(pool, new Date('2021-03-10T00:00:00Z'));
  await pool.query('alter table events detach partition events_20210201');

  // Detaching waits for this transaction, which has seen the partition, and is ended while it waits.
  const reader = await pool.connect();
  await reader.query('begin isolation level repeatable read');
  await reader.query('select count(*) from events');
  const detaching = await pool.connect();
  await detaching.query(`set statement_timeout = '200ms'`);
  await expect(detaching.query('alter table events detach partition events_20210301 concurrently')).rejects.toThrow('statement timeout');
  await reader.query('commit');
  reader.release();
  detaching.release(true);

  const dropped = await dropPartitionsOlderThan(pool, 'events', daysSince('2021-04-01T12:00:00Z'));
  expect(dropped.map(({ name }) => name).sort()).toEqual(['events_20210201', 'events_20210301']);
  const { rows } = await pool.query(`select relname from pg_class where relname like 'events\\_20210[23]%' and relkind = 'r'`);
  expect(rows).toEqual([]);
});
