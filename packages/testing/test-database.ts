import { randomBytes } from 'node:crypto';
import { type DirectoryPool, directoryPool, KnownMappings, KnownSchemas, LogMemory } from '#directory';
import { createPool } from '#runtime';
import pg from 'pg';
import { handedOver, templateDatabase } from './handover';

/** The state of a database at one moment, to be restored as often as one likes. */
export interface Backup {
  /** Puts the database back to that state. Whoever is connected is cut off, and finds it so when they come back. */
  restore: () => Promise<void>;
}

export interface TestDatabase {
  url: string;
  /** A pool of it, made as the processes make theirs. */
  pool: DirectoryPool;
}

/**
 * The database of this test file: made when it is first asked for, dropped after the file's last test.
 * Tests of one file share it, so they must not count what others may have made.
 */
export function testDatabase(): Promise<TestDatabase> {
  return (ofThisFile ??= createTestDatabase());
}

/** Makes another database, migrated and empty; dropped after the file's last test as well. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin((client) => client.query(`create database ${name} template ${templateDatabase} strategy file_copy`));
  const url = databaseUrl(name);
  const pool = poolOf(url);
  made.push({ name, pool });
  return { url, pool };
}

/** Whoever is connected is cut off for it. */
export async function takeBackup({ url }: TestDatabase): Promise<Backup> {
  const name = new URL(url).pathname.slice(1);
  const backup = `${name}_${randomBytes(3).toString('hex')}`;
  const copy = (from: string, to: string) => asAdmin((client) => client.query(`create database ${to} template ${from} strategy file_copy`));
  const allowConnections = (of: string, allow: boolean) =>
    asAdmin((client) => client.query(`alter database ${of} allow_connections ${allow}`));
  const cutOff = () =>
    asAdmin((client) => client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]));

  await allowConnections(name, false);
  await cutOff();
  await copy(name, backup);
  await allowConnections(name, true);
  backups.push(backup);
  return {
    restore: async () => {
      await asAdmin((client) => client.query(`drop database ${name} with (force)`));
      await copy(backup, name);
    },
  };
}

/** Makes a database with nothing in it, for what is about migrations; dropped after the file's last test. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin((client) => client.query(`create database ${name} template template0`));
  const url = databaseUrl(name);
  const pool = poolOf(url);
  made.push({ name, pool });
  return { url, pool };
}

function poolOf(url: string): DirectoryPool {
  const pool = createPool(url, { max: 10, applicationName: 'test', onError: () => {} });
  return directoryPool(
    pool,
    {
      mappings: new KnownMappings({ directories: 100, mappings: 100 }),
      schemas: new KnownSchemas({ atMost: 100 }),
    },
    new LogMemory({ atMost: 100 }),
  );
}

/**
 * The URL of the tests' Redis, with a database number of this jest worker's own; undefined where there is none. What needs one is then left out:
 *
 *     const withRedis = redisUrl() ? describe : describe.skip;
 */
export function redisUrl(): string | undefined {
  const url = handedOver('redis');
  return url && `${url}/${process.env['JEST_WORKER_ID'] ?? '0'}`;
}

let ofThisFile: Promise<TestDatabase> | undefined;
const made: { name: string; pool: pg.Pool }[] = [];
const backups: string[] = [];

afterAll(async () => {
  for (const { name, pool } of made.splice(0)) {
    await pool.end();
    // Processes that a test started may be connected still.
    await asAdmin((client) => client.query(`drop database ${name} with (force)`));
  }
  for (const name of backups.splice(0)) await asAdmin((client) => client.query(`drop database ${name} with (force)`));
});

async function asAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl('postgres') });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function databaseUrl(name: string): string {
  const url = handedOver('postgres');
  if (!url) throw new Error('there is no test PostgreSQL: run the tests with jest, whose global setup starts one');
  return url.replace(encodeURIComponent('{database}'), name);
}
