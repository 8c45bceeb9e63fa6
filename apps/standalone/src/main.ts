import path from 'node:path';
import { register } from 'prom-client';
import {
  CannotListen,
  type Config,
  ConfigError,
  createLog,
  DatabaseUnusable,
  ensureDatabase,
  loadStandaloneConfig,
  type Logger,
  migrate,
  MigrationUnderWay,
  startEmbeddedPostgres,
  type Stopping,
  stopOnSignals,
  watchDatabase,
} from '#runtime';
import { startBroker } from '../../broker/src/broker';
import { startWorker } from '../../worker/src/worker';
import { DataDirUnusable, keptEncryptionKey } from './encryption-key';
import { greeting } from './greeting';

/** `npm start`: the database, the broker and the worker in one go, with nothing else installed. */
async function main(): Promise<void> {
  const settings = loadStandaloneConfig(process.env);
  const log = createLog(settings.logLevel, 'causeway');
  const stopping = stopOnSignals(log);
  try {
    const encryptionKey = settings.encryptionKey ?? (await keptEncryptionKey(settings.dataDir));
    const databaseUrl = settings.databaseUrl ?? (await ownDatabase(settings.dataDir, log, stopping));
    await migrate(databaseUrl, {
      waitMs: 60_000,
      queueInPostgres: settings.redisUrl === undefined,
      onApplied: (migration) => log.info({ migration }, 'applied'),
    });
    await run({ ...settings, databaseUrl, encryptionKey }, log, stopping);
  } catch (error) {
    // Told to stop while it was starting, it fails at whatever it was doing.
    if (stopping.signal.aborted) return;
    sayWhy(error);
    await stopping.stop('it could not start', 1);
  }
}

async function run(config: Config, log: Logger, stopping: Stopping): Promise<void> {
  const watch = await watchDatabase({ databaseUrl: config.databaseUrl, log, registry: register });
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
  process.stdout.write(
    greeting({
      publicUrl: config.port === 0 ? broker.url : config.publicUrl,
      ...(broker.bootstrap && { bootstrap: broker.bootstrap }),
      ...(broker.firstMember && { firstMember: broker.firstMember }),
    }),
  );
}

/** Starts the PostgreSQL that lives under DATA_DIR, to be ended after all that uses it, and gives its URL. */
async function ownDatabase(dataDir: string, log: Logger, stopping: Stopping): Promise<string> {
  const postgres = log.child({ part: 'postgresql' });
  const server = await startEmbeddedPostgres({
    directory: path.join(dataDir, 'postgresql'),
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
  await ensureDatabase(server, 'causeway');
  return server.url('causeway');
}

function sayWhy(error: unknown): void {
  const expected = [ConfigError, DataDirUnusable, DatabaseUnusable, MigrationUnderWay, CannotListen].some((kind) => error instanceof kind);
  console.error(expected && error instanceof Error ? error.message : error);
}

main().catch((error: unknown) => {
  sayWhy(error);
  process.exit(1);
});
