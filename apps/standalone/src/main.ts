import '../../../packages/runtime/node-version';
import { register } from 'prom-client';
import {
  CannotListen,
  type Config,
  ConfigError,
  createLog,
  createPool,
  DatabaseUnusable,
  ensureDatabase,
  loadStandaloneConfig,
  type Logger,
  migrate,
  MigrationUnderWay,
  startEmbeddedPostgres,
  type StandaloneConfig,
  type Stopping,
  stopOnSignals,
  watchDatabase,
} from '#runtime';
import { startBroker } from '../../broker/src/broker';
import { migrationSteps } from '../../worker/src/migration-steps';
import { startWorker } from '../../worker/src/worker';
import { Keyring } from '#credential';
import { admitKeys, isKeyNeeded, KeyRefused, watchName } from '#keys';
import { DataDirUnusable, encryptionKeyFile, keptEncryptionKey, newEncryptionKey } from './encryption-key';
import { greeting } from './greeting';
import { ownCluster, ownDatabaseName } from './own-database';

/** `npm start`: the database, the broker and the worker in one go, with nothing else installed. */
async function main(): Promise<void> {
  const settings = loadStandaloneConfig(process.env);
  const log = createLog(settings.logLevel, 'causeway');
  const stopping = stopOnSignals(log);
  try {
    // Looked at first: a folder that cannot be used is told of before anything is made.
    const kept = settings.encryptionKey ?? (await keptEncryptionKey(settings.dataDir));
    const databaseUrl = settings.databaseUrl ?? (await ownDatabase(settings.dataDir, log, stopping));
    await migrate(databaseUrl, {
      waitMs: 60_000,
      queueInPostgres: settings.redisUrl === undefined,
      steps: migrationSteps(log),
      onApplied: (migration) => log.info({ migration }, 'applied'),
    });
    const encryptionKey = await theKey(settings, kept, databaseUrl);
    await run({ ...settings, databaseUrl, encryptionKey }, log, stopping);
  } catch (error) {
    // Told to stop while it was starting, it fails at whatever it was doing.
    if (stopping.signal.aborted) return;
    sayWhy(error);
    await stopping.stop('it could not start', 1);
  }
}

/**
 * The key that this database is encrypted with: the one that is set or kept, or a new one for a database that needs none yet.
 *
 * @throws KeyRefused
 */
async function theKey(settings: StandaloneConfig, kept: Buffer | undefined, databaseUrl: string): Promise<Buffer> {
  const file = encryptionKeyFile(settings.dataDir);
  const pool = createPool(databaseUrl, { max: 1, applicationName: 'causeway start', onError: () => {} });
  try {
    if (!kept && (await isKeyNeeded(pool))) {
      throw new KeyRefused(
        `${file} is not there, and this database's secrets are encrypted with the key that it held: restore it from a backup, or set ` +
          'ENCRYPTION_KEY to what it held.',
      );
    }
    const key = kept ?? (await newEncryptionKey(settings.dataDir));
    await admitKeys(pool, new Keyring(key, settings.previousEncryptionKeys), settings.encryptionKey ? 'ENCRYPTION_KEY' : file);
    return key;
  } finally {
    await pool.end();
  }
}

async function run(config: Config, log: Logger, stopping: Stopping): Promise<void> {
  const watch = await watchDatabase({
    databaseUrl: config.databaseUrl,
    log,
    registry: register,
    applicationName: watchName(new Keyring(config.encryptionKey)),
  });
  stopping.add('watch', () => watch.stop());
  const parts: { stop: (withinMs?: number) => Promise<void> }[] = [];
  // Both at once: while one of them still ended what is under way, the other would go on taking new work.
  stopping.add('broker and worker', async (withinMs) => void (await Promise.all(parts.map((part) => part.stop(withinMs - 500)))), 2_000);

  const broker = await startBroker({ config, log: log.child({ part: 'broker' }), watch });
  parts.push(broker);
  parts.push(await startWorker({ config, log: log.child({ part: 'worker' }), watch }));
  if (stopping.signal.aborted) return;

  log.info({ url: broker.url, public_url: config.publicUrl }, 'ready');
  // To whoever started the process, and not to its log: this is the only time that the key and the password are seen.
  await broker.welcome((welcome) => say(greeting({ publicUrl: config.port === 0 ? broker.url : config.publicUrl, ...welcome })));
}

function say(text: string): Promise<void> {
  return new Promise((resolve, reject) => void process.stdout.write(text, (error) => (error ? reject(error) : resolve())));
}

/** Starts the PostgreSQL that lives under DATA_DIR, to be ended after all that uses it, and gives its URL. */
async function ownDatabase(dataDir: string, log: Logger, stopping: Stopping): Promise<string> {
  const postgres = log.child({ part: 'postgresql' });
  const server = await startEmbeddedPostgres({
    directory: ownCluster(dataDir),
    settings: {
      log_checkpoints: 'off',
      // Its messages go to our log, where neither people's data nor statements belong.
      log_error_verbosity: 'terse',
      log_min_error_statement: 'panic',
    },
    // What is FATAL to PostgreSQL ends one session, whose client hears of it; what ends the server is told to onEnd.
    onLog: (line) => (/\b(WARNING|PANIC):/.test(line) ? postgres.warn(line) : postgres.debug(line)),
    onEnd: (sentence) => {
      postgres.fatal(sentence);
      void stopping.stop('its database ended', 1);
    },
  });
  stopping.add('PostgreSQL', (withinMs) => server.stop(withinMs - 1_500), 3_000);
  await ensureDatabase(server, ownDatabaseName);
  return server.url(ownDatabaseName);
}

function sayWhy(error: unknown): void {
  const expected = [ConfigError, DataDirUnusable, DatabaseUnusable, KeyRefused, MigrationUnderWay, CannotListen].some(
    (kind) => error instanceof kind,
  );
  console.error(expected && error instanceof Error ? error.message : error);
}

main().catch((error: unknown) => {
  sayWhy(error);
  process.exit(1);
});
