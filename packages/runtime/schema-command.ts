import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ensureDatabase, startEmbeddedPostgres } from './embedded-postgres';
import { migrate, migrationsDirectory } from './migrate';
import { createPool } from './postgres';
import { dumpSchema } from './schema-dump';

/** `npm run schema`: applies every migration to a new database and rewrites migrations/schema.sql with what came of it. */
async function main(): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-schema-'));
  const server = await startEmbeddedPostgres({
    directory: path.join(folder, 'postgresql'),
    initdbFlags: ['--no-sync'],
    settings: { fsync: 'off' },
    onLog: () => {},
  });
  try {
    await ensureDatabase(server, 'schema');
    await migrate(server.url('schema'));
    const pool = createPool(server.url('schema'), { max: 1, applicationName: 'causeway schema', onError: () => {} });
    const file = path.join(migrationsDirectory(), 'schema.sql');
    await writeFile(file, await dumpSchema(pool));
    await pool.end();
    console.log(`${file} is written`);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
