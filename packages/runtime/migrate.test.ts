import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  createEmptyDatabase,
  createTestDatabase,
  eventually,
  freePort,
  projectFolder,
  startProcess,
  testDatabase,
  type TestDatabase,
} from '#testing';
import { migrate, MigrationUnderWay, schemaState } from './migrate';

const folders: string[] = [];

afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** A folder of migrations, by file name. */
async function migrations(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-migrations-'));
  folders.push(folder);
  for (const [name, sql] of Object.entries(files)) await writeFile(path.join(folder, name), sql);
  return folder;
}

/** `npm run migrate`, from the source. */
function migrateCommand(env: Record<string, string>) {
  return startProcess({
    command: [process.execPath, '--require', 'tsx/cjs', 'apps/worker/src/migrate-command.ts'],
    cwd: projectFolder,
    env,
  });
}

async function holdLock({ pool }: TestDatabase): Promise<() => void> {
  const client = await pool.connect();
  await client.query('select pg_advisory_lock($1)', [BigInt('0x63617573657761')]);
  return () => client.release(true);
}

async function tables({ pool }: TestDatabase): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relname not like 'schema%' order by 1`,
  );
  return rows.map(({ name }) => name);
}

test('an empty database is brought to what this build needs, and a second time changes nothing', async () => {
  const database = await createEmptyDatabase();
  expect(await schemaState(database.pool)).toMatchObject({ ok: false, needed: expect.stringMatching(/^\d{4}_\w+\.sql$/) });

  const applied: string[] = [];
  await migrate(database.url, { onApplied: (name) => applied.push(name) });
  expect(applied[0]).toBe('0001_core.sql');
  expect(await schemaState(database.pool)).toEqual({ current: applied.at(-1), needed: applied.at(-1), ok: true });

  await migrate(database.url, { onApplied: (name) => applied.push(`again ${name}`) });
  expect(applied.filter((name) => name.startsWith('again'))).toEqual([]);
});

test("BullMQ's tables are made where it is to use them, and only there", async () => {
  const count = async ({ pool }: TestDatabase) =>
    (await pool.query(`select count(*) > 0 as made from pg_class where relnamespace = to_regnamespace('bullmq')`)).rows;
  const without = await createEmptyDatabase();
  await migrate(without.url, { queueInPostgres: false });
  expect(await count(without)).toEqual([{ made: false }]);
  expect(await count(await testDatabase())).toEqual([{ made: true }]);
});

test('a schema that is newer than this build is good enough, and is left alone', async () => {
  const database = await createTestDatabase();
  await database.pool.query(`insert into schema_migrations (name, batch, migration_time) values ('9999_from_the_future.sql', 9, now())`);
  expect(await schemaState(database.pool)).toMatchObject({ ok: true, current: '9999_from_the_future.sql' });
  await migrate(database.url);
});

test('files are applied by number, and question marks and several statements mean what they do in psql', async () => {
  const database = await createEmptyDatabase();
  const directory = await migrations({
    '0002_second.sql': `-- what about this?\ninsert into first select n, '{"a":1}' from generate_series(1, 2) n;\ncreate table second as select doc ? 'a' as has, 'really?' as text from first;`,
    '0001_first.sql': 'create table first (n int, doc jsonb);',
    'schema.sql': 'this is no migration',
  });
  const applied: string[] = [];
  await migrate(database.url, { directory, onApplied: (name) => applied.push(name) });
  expect(applied).toEqual(['0001_first.sql', '0002_second.sql']);
  expect((await database.pool.query('select * from second')).rows).toEqual([
    { has: true, text: 'really?' },
    { has: true, text: 'really?' },
  ]);
});

test('of a file that fails nothing is kept, what came before it is, and once it is right it is applied', async () => {
  const database = await createEmptyDatabase();
  const directory = await migrations({
    '0001_good.sql': 'create table good (n int);',
    '0002_bad.sql': 'create table half (n int); select 1/0;',
  });
  await expect(migrate(database.url, { directory })).rejects.toThrow(
    /^The migration 0002_bad\.sql failed, and nothing of it was kept: .*division by zero\.$/,
  );
  expect(await tables(database)).toEqual(['good']);

  await writeFile(path.join(directory, '0002_bad.sql'), 'create table whole (n int);');
  await migrate(database.url, { directory });
  expect(await tables(database)).toEqual(['good', 'whole']);
});

test('while another process migrates it is refused, or waits as long as it was told to', async () => {
  const database = await createEmptyDatabase();
  const release = await holdLock(database);
  await expect(migrate(database.url)).rejects.toThrow(MigrationUnderWay);
  await expect(migrate(database.url, { waitMs: 200 })).rejects.toThrow(MigrationUnderWay);

  const waiting = migrate(database.url, { waitMs: 10_000 });
  release();
  await waiting;
  expect(await schemaState(database.pool)).toMatchObject({ ok: true });
});

test('killed in the midst of a migration, it leaves nothing behind that would stop the next', async () => {
  const database = await createEmptyDatabase();
  const directory = await migrations({ '0001_slow.sql': 'create table slow (n int); select pg_sleep(30);' });
  const program = `require('./packages/runtime').migrate(${JSON.stringify(database.url)}, { directory: ${JSON.stringify(directory)} })`;
  const running = await startProcess({ command: [process.execPath, '--require', 'tsx/cjs', '--eval', program], cwd: projectFolder });
  await eventually(
    async () =>
      (await database.pool.query(`select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`)).rowCount ===
      1,
  );
  await running.kill();

  await writeFile(path.join(directory, '0001_slow.sql'), 'create table slow (n int);');
  await migrate(database.url, { directory, waitMs: 10_000 });
  expect(await tables(database)).toEqual(['slow']);
});

describe('npm run migrate', () => {
  test('migrates and ends with 0', async () => {
    const database = await createEmptyDatabase();
    const running = await migrateCommand({ DATABASE_URL: database.url });
    expect(await running.ended).toEqual({ code: 0, signal: null });
    expect(running.log()).toContainEqual(expect.objectContaining({ msg: 'applied', migration: '0001_core.sql' }));
    expect(await schemaState(database.pool)).toMatchObject({ ok: true });
  });

  test('refuses to run beside another, with one sentence and 1', async () => {
    const database = await createEmptyDatabase();
    const release = await holdLock(database);
    const running = await migrateCommand({ DATABASE_URL: database.url });
    expect(await running.ended).toEqual({ code: 1, signal: null });
    expect(running.stderr()).toBe('Another process is migrating this database; nothing was done. Wait until it has ended.\n');
    release();
  });

  test('says in one sentence what is wrong with DATABASE_URL', async () => {
    const port = await freePort();
    const running = await migrateCommand({ DATABASE_URL: `postgres://causeway:hunter2@127.0.0.1:${port}/causeway` });
    expect(await running.ended).toEqual({ code: 1, signal: null });
    expect(running.stderr()).toBe(`The database "causeway" at 127.0.0.1:${port} (DATABASE_URL) cannot be used: nothing listens there.\n`);
  });
});
