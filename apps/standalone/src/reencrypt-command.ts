/**
 * `npm run reencrypt`: encrypts with ENCRYPTION_KEY all that was encrypted with one of ENCRYPTION_KEY_PREVIOUS, while everything goes
 * on. Ends with 0 once the previous keys are needed no more.
 */
import '../../../packages/runtime/node-version';
import { Keyring } from '#credential';
import { KeyRefused, reencrypt, type ReencryptionProgress } from '#keys';
import { ConfigError, DatabaseUnusable, loadStandaloneConfig } from '#runtime';
import { DataDirUnusable, encryptionKeyFile, keptEncryptionKey } from './encryption-key';
import { withDatabase } from './own-database';

async function main(): Promise<void> {
  const settings = loadStandaloneConfig(process.env);
  const key = settings.encryptionKey ?? (await keptEncryptionKey(settings.dataDir));
  if (!key) throw new KeyRefused(`ENCRYPTION_KEY is not set, and ${encryptionKeyFile(settings.dataDir)} is not there.`);
  const keyring = new Keyring(key, settings.previousEncryptionKeys);

  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort());
  const { finished, changed, broken } = await withDatabase(settings, 'causeway reencrypt', (pool) =>
    reencrypt(pool, keyring, { onProgress: sayEachSecond(), stop: stopping.signal }),
  );
  for (const row of broken) say(`None of the keys opens ${row}: it is damaged, or its key is in neither variable. It is left as it is.`);
  if (finished) {
    say(`${changed} values were encrypted anew, and everything is encrypted with ENCRYPTION_KEY (${keyring.fingerprint.slice(0, 8)}) now.`);
    say('Take ENCRYPTION_KEY_PREVIOUS out of the settings, and start the processes again when you like.');
  } else {
    say(`Stopped: ${changed} values were encrypted anew. Run it again to go on; until it has ended, the previous keys are needed.`);
    process.exitCode = 1;
  }
}

/** Says how far each column is, when it begins, once a second, and when it ends. */
function sayEachSecond(): (progress: ReencryptionProgress) => void {
  let saidAt = -Infinity;
  return ({ column, done, total, isFirst }) => {
    if (done < total && performance.now() - saidAt < 1_000) return;
    saidAt = performance.now();
    say(`${isFirst ? '' : 'once more, '}${column}: ${done} of ${total}`);
  };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().catch((error: unknown) => {
  const expected = [ConfigError, DataDirUnusable, DatabaseUnusable, KeyRefused].some((kind) => error instanceof kind);
  console.error(expected && error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
