import pg from 'pg';
// By its path: jest's global setup makes a database with what stands here, and knows no #postgres but the built one.
import { inTransactionOn, type Queryable } from '../postgres';

/** The tables that are cut by time, and into pieces of what length. */
const partitionedTables = { events: 'month', requests: 'week', delivery_attempts: 'week' } as const;
export type PartitionedTable = keyof typeof partitionedTables;

/**
 * Makes the partitions from the period before the present one to three months ahead, where they are missing. What the present is, the
 * database says: no process' clock decides where there is room.
 *
 * Safe to run on several processes at once. A partition is made by itself and then attached, which lets reads and writes of the
 * table go on; `create table … partition of` would stop them.
 *
 * @returns the names of those that were made.
 */
export async function ensurePartitions(pool: pg.Pool): Promise<string[]> {
  const client = await pool.connect();
  try {
    return await ensurePartitionsWith(client);
  } finally {
    client.release();
  }
}

/** {@link ensurePartitions} on one connection. */
export async function ensurePartitionsWith(client: pg.ClientBase): Promise<string[]> {
  return ensurePartitionsAround(client, await databaseTime(client));
}

/** As {@link ensurePartitions}, for any present; for tests. */
export async function ensurePartitionsAround(client: pg.ClientBase, now: Date): Promise<string[]> {
  const made: string[] = [];
  for (const [table, length] of Object.entries(partitionedTables)) {
    if (!(await isPartitioned(client, table))) continue;
    for (const period of periods(now, length)) {
      if (await makePartition(client, table, period)) made.push(partitionName(table, period));
    }
  }
  return made;
}

export interface DroppedPartition {
  name: string;
  /** What it took on the disk, with its indexes. */
  bytes: number;
}

/**
 * Drops the partitions of a table whose youngest id is older than so many days, by the database's clock: never one of the present or
 * of what is to come.
 *
 * A partition is detached first, without stopping anybody who reads or writes the table, and then dropped. What an interrupted
 * run has left half detached, or detached and not dropped, is finished.
 *
 * @returns those that were dropped.
 */
export async function dropPartitionsOlderThan(pool: pg.Pool, table: PartitionedTable, days: number): Promise<DroppedPartition[]> {
  if (!(days >= 0)) throw new RangeError(`partitions of ${table} cannot be older than ${days} days`);
  const before = (await databaseTime(pool)).getTime() - days * dayMs;
  const dropped: DroppedPartition[] = [];
  for (const { name, bytes, until, state } of await listPartitions(pool, table)) {
    if (until.getTime() > before) continue;
    const quoted = pg.escapeIdentifier(name);
    // Not in a transaction: detaching concurrently is two of them.
    if (state !== 'detached')
      await pool.query(`alter table ${table} detach partition ${quoted} ${state === 'attached' ? 'concurrently' : 'finalize'}`);
    await pool.query(`drop table ${quoted}`);
    dropped.push({ name, bytes });
  }
  return dropped;
}

/** What the time is where the rows are: for all that decides what is forgotten. */
export async function databaseTime(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>({ text: 'select now()' });
  const [row] = rows;
  if (!row) throw new Error('the database told no time');
  return row.now;
}

const dayMs = 86_400_000;

interface Period {
  from: Date;
  until: Date;
}

/** From the period before now's, so that an id made just before midnight or by a clock that is slow has its place, to three months ahead. */
function periods(now: Date, length: 'month' | 'week'): Period[] {
  const last = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 3, now.getUTCDate()));
  const made: Period[] = [];
  for (let from = startOf(now, length, -1); from <= last; from = startOf(from, length, 1)) {
    made.push({ from, until: startOf(from, length, 1) });
  }
  return made;
}

/** The start of the period that is `offset` periods after the one of `date`. Weeks begin on Monday; all is UTC. */
function startOf(date: Date, length: 'month' | 'week', offset: number): Date {
  if (length === 'month') return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1));
  const sinceMonday = (date.getUTCDay() + 6) % 7;
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() - sinceMonday + 7 * offset));
}

/** Such as events_20260101: named for the day that it begins with. */
function partitionName(table: string, { from }: Period): string {
  return `${table}_${from.toISOString().slice(0, 10).replaceAll('-', '')}`;
}

async function isPartitioned(client: pg.ClientBase, table: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    'select exists (select from pg_partitioned_table where partrelid = to_regclass($1)) as found',
    [table],
  );
  return rows[0]?.found ?? false;
}

async function makePartition(client: pg.ClientBase, table: string, period: Period): Promise<boolean> {
  const name = partitionName(table, period);
  return inTransactionOn(client, async () => {
    // Whoever else makes partitions waits here, and then sees ours.
    await client.query(`select pg_advisory_xact_lock(hashtext('causeway partitions'))`);
    const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [name]);
    const missing = !rows[0]?.found;
    if (missing) {
      await client.query(`create table ${name} (like ${table} including defaults including constraints including storage)`);
      await client.query(
        `alter table ${table} attach partition ${name} for values from ('${leastId(period.from)}') to ('${leastId(period.until)}')`,
      );
    }
    return missing;
  });
}

interface Partition extends DroppedPartition {
  /** It holds nothing as new as this. */
  until: Date;
  state: 'attached' | 'half detached' | 'detached';
}

async function listPartitions(db: Queryable, table: PartitionedTable): Promise<Partition[]> {
  // By name, because a detached one has nothing else by which to tell whose it was.
  const { rows } = await db.query<{ name: string; bytes: number; state: Partition['state'] }>({
    text: `
    select c.relname as name,
           pg_total_relation_size(c.oid) as bytes,
           case when i.inhrelid is null then 'detached' when i.inhdetachpending then 'half detached' else 'attached' end as state
      from pg_class c
      left join pg_inherits i on i.inhrelid = c.oid
     where c.relnamespace = (select relnamespace from pg_class where oid = to_regclass($1))
       and c.relkind = 'r'
       and c.relname ~ ('^' || $1 || '_[0-9]{8}$')
     order by c.relname`,
    values: [table],
  });
  return rows.map(({ name, bytes, state }) => {
    const [, year, month, day] = /(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
    const from = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
    return { name, bytes, state, until: startOf(from, partitionedTables[table], 1) };
  });
}

/** The least UUID of a millisecond: a UUIDv7 begins with 48 bits of milliseconds since 1970. */
function leastId(date: Date): string {
  const time = date.getTime().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}
