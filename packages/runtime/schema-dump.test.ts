import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createEmptyDatabase, testDatabase } from '#testing';
import { migrationsDirectory } from './migrate';
import { dumpSchema } from './schema-dump';

test('migrations/schema.sql is what the migrations make ("npm run schema" rewrites it)', async () => {
  const { pool } = await testDatabase();
  expect(await readFile(path.join(migrationsDirectory(), 'schema.sql'), 'utf8')).toBe(await dumpSchema(pool));
});

test('the dump makes the schema that it was made from', async () => {
  const { pool } = await testDatabase();
  const dump = await dumpSchema(pool);
  const empty = await createEmptyDatabase();
  await empty.pool.query(dump);
  expect(await dumpSchema(empty.pool)).toBe(dump);
});

test('what the dump cannot write down is an error rather than left out', async () => {
  const { pool } = await createEmptyDatabase();
  await pool.query('create view lately as select now() as at');
  await pool.query(`create type colour as enum ('red')`);
  await expect(dumpSchema(pool)).rejects.toThrow('the schema dump cannot write down relation lately, type colour');
});
