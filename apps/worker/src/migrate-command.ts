import '../../../packages/runtime/node-version';
import { ConfigError, createLog, DatabaseUnusable, loadDatabaseConfig, migrate, MigrationUnderWay } from '#runtime';
import { migrationSteps } from './migration-steps';

/** `npm run migrate`: brings the schema of DATABASE_URL up to date, or says in one sentence why not and ends with 1. */
async function main(): Promise<void> {
  const { databaseUrl, redisUrl, logLevel } = loadDatabaseConfig(process.env);
  const log = createLog(logLevel, 'migrate');
  await migrate(databaseUrl, {
    queueInPostgres: redisUrl === undefined,
    steps: migrationSteps(log),
    onApplied: (name) => log.info({ migration: name }, 'applied'),
  });
  log.info('the schema is up to date');
}

main().catch((error: unknown) => {
  const expected = error instanceof ConfigError || error instanceof MigrationUnderWay || error instanceof DatabaseUnusable;
  console.error(expected ? error.message : error);
  process.exitCode = 1;
});
