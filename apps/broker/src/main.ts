import { KeyRefused } from '#keys';
import { CannotListen, ConfigError, DatabaseUnusable, createLog, loadConfig, stopOnSignals } from '#runtime';
import { type FirstMember, type PublicBootstrap, startBroker } from './broker';

/** `npm run broker`: the HTTP side in a process of its own. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const log = createLog(config.logLevel, 'broker');
  const stopping = stopOnSignals(log);

  const broker = await startBroker({
    config,
    log,
    onLateBootstrap: show,
    onLateFirstMember: showMember,
    onRefused: ({ message }) => {
      log.fatal(message);
      void stopping.stop('its key was refused', 1);
    },
  });
  stopping.add('broker', (withinMs) => broker.stop(withinMs));
  log.info({ url: broker.url, public_url: config.publicUrl }, 'listening');
  if (broker.bootstrap) show(broker.bootstrap);
  if (broker.firstMember) showMember(broker.firstMember);
}

// To whoever started the process, and not to its log: this is the only time that the key is seen.
function show({ environmentId, apiKey }: PublicBootstrap): void {
  if (apiKey !== undefined)
    process.stderr.write(`First start: made the environment "default" (${environmentId}). Its API key, shown this once:\n${apiKey}\n`);
}

function showMember({ email, password }: FirstMember): void {
  if (password !== undefined)
    process.stderr.write(`First start: ${email} may sign in to the console. The password, shown this once:\n${password}\n`);
}

main().catch((error: unknown) => {
  const expected = [ConfigError, DatabaseUnusable, KeyRefused, CannotListen].some((kind) => error instanceof kind);
  console.error(expected && error instanceof Error ? error.message : error);
  process.exit(1);
});
