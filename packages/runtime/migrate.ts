import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { types } from 'node:util';
import type { Knex } from 'knex';
import pg from 'pg';
import { ensurePartitionsWith } from './partitions';
import type { Queryable } from '#postgres';
import { checkDatabase, clientConfig, DatabaseUnusable } from './postgres';
import { queueSchema } from './queue-backend';

export interface MigrateOptions {
  /** How long to wait for a migration that another process runs, in milliseconds. Default 0: not at all. */
  waitMs?: number;
  /** Whether BullMQ keeps its jobs in this database, and so needs its tables in it. Default true. */
  queueInPostgres?: boolean;
  /** What a migration does besides its SQL, by its name: in the same transaction, behind it. */
  steps?: Readonly<Record<string, (db: Queryable) => Promise<void>>>;
  /** Told the name of each migration once it is committed. */
  onApplied?: (name: string) => void;
  /** Where the numbered .sql files lie. Default: this project's. */
  directory?: string;
}

/**
 * Brings the schema up to what this build needs: `migrations/*.sql` by number, then BullMQ's own tables, then the partitions of the months
 * to come. Safe to repeat.
 *
 * Each file is one transaction together with the note that it was applied, so a process that is killed leaves whole migrations
 * behind and nothing locked. One advisory lock, held by the very session that does the work, keeps a second process out.
 *
 * A schema that is newer than this build is left as it is: each release runs on the next one's.
 *
 * @throws MigrationUnderWay where another process migrates, and goes on to after `waitMs`.
 * @throws DatabaseUnusable where the database cannot be reached or is too old, or a migration fails.
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<void> {
  await checkDatabase(databaseUrl);
  const client = new pg.Client(clientConfig(databaseUrl, { applicationName: 'causeway migrate', statementTimeoutMs: 0 }));
  // A lost connection fails the query that is under way; unheard, the event would end the process as well.
  client.on('error', () => {});
  await client.connect();
  try {
    // Of a process that was killed the server learns when the statement under way ends, unless it is told to look. Not every
    // platform can, and those that cannot refuse the setting.
    await client.query(`set client_connection_check_interval = '1s'`).catch(() => {});
    await takeLock(client, options.waitMs ?? 0);
    // A statement that waits for a busy table makes everybody after it wait as well: better to fail and be tried again.
    await client.query(`set lock_timeout = '10s'`);
    await applyFiles(client, options);
    if (options.queueInPostgres ?? true) await (await import('bullmq')).runMigrations(client, queueSchema);
    await ensurePartitionsWith(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Another process is migrating this database. */
export class MigrationUnderWay extends Error {
  constructor() {
    super('Another process is migrating this database; nothing was done. Wait until it has ended.');
    this.name = 'MigrationUnderWay';
  }
}

export interface SchemaState {
  /** The name of the newest migration that is applied; undefined on an empty database. */
  current?: string;
  /** The name of the newest migration that this build needs. */
  needed: string;
  /** Whether all that are needed are applied. More than needed is fine. */
  ok: boolean;
}

/** Tells how the schema of a database compares with what this build needs. */
export async function schemaState(db: Queryable): Promise<SchemaState> {
  const needed = await migrationNames();
  const newest = needed.at(-1);
  if (newest === undefined) throw new Error('there is no migration at all');
  const { rows } = await db.query<{ exists: boolean }>({ text: 'select to_regclass($1) is not null as exists', values: [table] });
  if (!rows[0]?.exists) return { needed: newest, ok: false };

  const applied = await db.query<{ name: string }>({ text: `select name from ${table} order by name` });
  const names = applied.rows.map(({ name }) => name);
  const current = names.at(-1);
  return { ...(current ? { current } : {}), needed: newest, ok: needed.every((name) => names.includes(name)) };
}

const table = 'schema_migrations';

/** "causeway" in ASCII, cut to what an int8 takes in: one lock for each database, whatever else is in it. */
const lockKey = '0x63617573657761';

async function takeLock(client: pg.Client, waitMs: number): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [BigInt(lockKey)]);
    if (rows[0]?.taken) return;
    if (Date.now() >= deadline) throw new MigrationUnderWay();
    await delay(100);
  }
}

async function applyFiles(client: pg.Client, options: MigrateOptions): Promise<void> {
  const db = await knexOn(client);
  const directory = options.directory ?? migrationsDirectory();
  const config: Knex.MigratorConfig = {
    tableName: table,
    // An applied migration of which we have no file is a newer release's.
    disableMigrationsListValidation: true,
    migrationSource: {
      getMigrations: () => migrationNames(directory),
      getMigrationName: (name: string) => name,
      getMigration: async (name: string) => {
        const apply = await statements(path.join(directory, name));
        const up = async (db: Knex): Promise<void> => {
          await apply(db);
          await options.steps?.[name]?.(client); // which is the one that knex goes through
        };
        return { up, down: forwardOnly };
      },
    },
  };
  for (const name of await migrationNames(directory)) {
    try {
      const [, applied]: [number, string[]] = await db.migrate.up({ ...config, name });
      for (const file of applied) options.onApplied?.(file);
    } catch (error) {
      throw new DatabaseUnusable(
        `The migration ${name} failed, and nothing of it was kept: ${types.isNativeError(error) ? error.message : String(error)}.`,
        { cause: error },
      );
    }
  }
}

/** A knex whose every query goes through one client, and so through the session that holds the lock. */
async function knexOn(client: pg.Client): Promise<Knex> {
  const { default: knex } = await import('knex'); // not before: a broker only looks at the schema
  const lent = Object.assign(client, { release: () => {} });
  return knex({
    client: 'pg',
    connectionPool: { connect: () => Promise.resolve(lent), end: () => Promise.resolve(), totalCount: 1, idleCount: 0, waitingCount: 0 },
    log: { error() {}, warn() {}, debug() {}, deprecate() {} },
  });
}

async function statements(file: string): Promise<(db: Knex) => Promise<void>> {
  const sql = await readFile(file, 'utf8');
  // knex would take each ? of the file, in a comment or an operator, for a binding.
  return async (db) => void (await db.raw(sql.replace(/\?/g, '\\?')));
}

async function forwardOnly(): Promise<never> {
  throw new Error('migrations go forward only');
}

/** The names of the migrations, by number. schema.sql lies beside them and is none. */
async function migrationNames(directory = migrationsDirectory()): Promise<string[]> {
  const names = await readdir(directory);
  return names.filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
}

/** The project's migrations/, from this file's place in the source tree or in dist/, where tsc puts it one folder deeper. */
export function migrationsDirectory(): string {
  const candidates = ['../..', '../../..'].map((up) => path.join(__dirname, up, 'migrations'));
  const found = candidates.find((candidate) => existsSync(candidate));
  if (!found) throw new Error(`no migrations at ${candidates.join(' or ')}`);
  return found;
}
