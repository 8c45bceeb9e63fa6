import '../../../packages/runtime/node-version';
import { KeyRefused } from '#keys';
import { CannotListen, ConfigError, DatabaseUnusable, createLog, loadConfig, stopOnSignals } from '#runtime';
import { startBroker, type Welcome } from './broker';

/** `npm run broker`: the HTTP side in a process of its own. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const log = createLog(config.logLevel, 'broker');
  const stopping = stopOnSignals(log);

  const welcome = (): Promise<void> =>
    broker.welcome(show).catch((err: unknown) => log.error({ err }, 'the first secrets could not be shown, and are at the next start'));
  const broker = await startBroker({
    config,
    log,
    onLateOpening: () => void welcome(),
    onRefused: ({ message }) => {
      log.fatal(message);
      void stopping.stop('its key was refused', 1);
    },
  });
  stopping.add('broker', (withinMs) => broker.stop(withinMs));
  log.info({ url: broker.url, public_url: config.publicUrl }, 'listening');
  if (broker.isOpen()) await welcome();
}

// To whoever started the process, and not to its log: this is the only time that the key and the password are seen.
async function show({ bootstrap, firstMember }: Welcome): Promise<void> {
  if (bootstrap)
    await say(
      `First start: made the environment "default" (${bootstrap.environmentId}). Its API key, shown this once:\n${bootstrap.apiKey}\n`,
    );
  if (firstMember)
    await say(`First start: ${firstMember.email} may sign in to the console. The password, shown this once:\n${firstMember.password}\n`);
}

function say(text: string): Promise<void> {
  return new Promise((resolve, reject) => void process.stderr.write(text, (error) => (error ? reject(error) : resolve())));
}

main().catch((error: unknown) => {
  const expected = [ConfigError, DatabaseUnusable, KeyRefused, CannotListen].some((kind) => error instanceof kind);
  console.error(expected && error instanceof Error ? error.message : error);
  process.exit(1);
});
