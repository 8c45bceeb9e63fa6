import '../../../packages/runtime/node-version';
import { register } from 'prom-client';
import {
  checkDatabase,
  ConfigError,
  createLog,
  createPool,
  CannotListen,
  DatabaseUnusable,
  loadConfig,
  type Logger,
  schemaState,
  stopOnSignals,
  watchDatabase,
} from '#runtime';
import { Keyring } from '#credential';
import { KeyRefused, watchName } from '#keys';
import { listenForHealth, portIn } from './health';
import { type RunningWorker, startWorker } from './worker';

/** `npm run worker`: settings, database, worker, and its end on a signal. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const port = portIn(process.env['WORKER_PORT']);
  const log = createLog(config.logLevel, 'worker');
  const stopping = stopOnSignals(log);

  await checkDatabase(config.databaseUrl);
  const pool = createPool(config.databaseUrl, {
    max: 1,
    applicationName: 'causeway worker health',
    onError: () => {}, // the worker's own connections tell
  });
  stopping.add('health connection', () => pool.end());

  const watch = await watchDatabase({
    databaseUrl: config.databaseUrl,
    log,
    registry: register,
    applicationName: watchName(new Keyring(config.encryptionKey)),
  });
  stopping.add('watch', () => watch.stop());

  let worker: RunningWorker | undefined;
  if (port !== undefined) {
    const health = await listenForHealth({
      host: config.host,
      port,
      metricsToken: config.metricsToken,
      registry: register,
      pool,
      watch,
      worker: () => worker,
    });
    stopping.add('health', (withinMs) => health.close(Math.min(withinMs, 1_000)));
    log.info({ url: health.url }, 'metrics and health');
  }
  if (!(await untilMigrated(() => schemaState(pool), log, stopping.signal))) return;

  const started = await startWorker({ config, log, watch });
  worker = started;
  stopping.add('worker', (withinMs) => started.stop(withinMs), 7_000);
}

/** Whoever deploys may start us before the migrations are done. False: told to stop meanwhile. */
async function untilMigrated(look: () => ReturnType<typeof schemaState>, log: Logger, stop: AbortSignal): Promise<boolean> {
  for (let said = false; !stop.aborted; said = true) {
    const { ok, current, needed } = await look();
    if (ok) return true;
    if (!said) log.warn({ current, needed }, 'the database is not migrated: waiting for "npm run migrate"');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  return false;
}

main().catch((error: unknown) => {
  // What the operator can put right is a sentence; anything else comes with where it happened.
  const known = [ConfigError, DatabaseUnusable, KeyRefused, CannotListen].some((kind) => error instanceof kind);
  console.error(known && error instanceof Error ? error.message : error);
  process.exit(1);
});
