import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Pool } from 'pg';
import {
  checkDatabase,
  createPool,
  DatabaseUnusable,
  runningPostgres,
  schemaState,
  type StandaloneConfig,
  startEmbeddedPostgres,
} from '#runtime';

/** The folder of the PostgreSQL that `npm start` keeps, and the name of its database. */
export const ownCluster = (dataDir: string): string => path.join(dataDir, 'postgresql');
export const ownDatabaseName = 'causeway';

/**
 * Lends the database of a command that is run beside `npm start`, or while it does not run: the one of DATABASE_URL, or the embedded
 * one, which is started for the time where nobody else has.
 *
 * @throws DatabaseUnusable with one sentence.
 */
export async function withDatabase<T>(settings: StandaloneConfig, applicationName: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const lent = settings.databaseUrl === undefined ? await lendOwn(settings.dataDir) : { url: settings.databaseUrl, done: async () => {} };
  try {
    await checkDatabase(lent.url);
    const pool = createPool(lent.url, { max: 2, applicationName, onError: () => {} });
    try {
      if (!(await schemaState(pool)).ok)
        throw new DatabaseUnusable('The database is older than this release: run "npm run migrate" first.');
      return await work(pool);
    } finally {
      await pool.end();
    }
  } finally {
    await lent.done();
  }
}

async function lendOwn(dataDir: string): Promise<{ url: string; done: () => Promise<void> }> {
  const directory = ownCluster(dataDir);
  if (!existsSync(path.join(directory, 'PG_VERSION')))
    throw new DatabaseUnusable(`There is no database in ${dataDir} (DATA_DIR), and DATABASE_URL is not set.`);
  const running = await runningPostgres(directory);
  if (running) return { url: running.url(ownDatabaseName), done: running.done };
  const server = await startEmbeddedPostgres({ directory, onLog: () => {} });
  return { url: server.url(ownDatabaseName), done: () => server.stop() };
}
