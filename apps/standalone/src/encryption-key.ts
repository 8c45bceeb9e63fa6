import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** The folder for generated keys cannot be used. The message is one sentence for whoever started the process. */
export class DataDirUnusable extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'DataDirUnusable';
  }
}

/**
 * The encryption key that lives in DATA_DIR, made by an earlier start; `undefined` where there is none. Whoever loses it loses every
 * secret that is stored encrypted, so one that is damaged is never taken for none.
 *
 * @throws DataDirUnusable with one sentence.
 */
export function keptEncryptionKey(dataDir: string): Promise<Buffer | undefined> {
  return inDataDir(dataDir, async (file) => {
    const text = await contents(file);
    return text === undefined ? undefined : readKey(file, text);
  });
}

/**
 * Makes the encryption key of a new installation: 32 bytes in base64, readable to its owner alone. Must not be called for a database
 * that needs another one.
 *
 * @throws DataDirUnusable with one sentence.
 */
export function newEncryptionKey(dataDir: string): Promise<Buffer> {
  return inDataDir(dataDir, async (file) => readKey(file, await makeKey(file)));
}

/** Where the key lies. */
export function encryptionKeyFile(dataDir: string): string {
  return path.join(dataDir, 'encryption-key');
}

async function inDataDir<T>(dataDir: string, work: (file: string) => Promise<T>): Promise<T> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    return await work(encryptionKeyFile(dataDir));
  } catch (error) {
    if (error instanceof DataDirUnusable) throw error;
    throw new DataDirUnusable(`${dataDir} (DATA_DIR) cannot be used: ${error instanceof Error ? error.message : String(error)}.`, {
      cause: error,
    });
  }
}

function readKey(file: string, text: string): Buffer {
  const key = Buffer.from(text, 'base64');
  if (key.length !== 32)
    throw new DataDirUnusable(
      `${file} does not hold an encryption key (32 bytes in base64). Bring it back from a backup, or set ENCRYPTION_KEY.`,
    );
  return key;
}

async function makeKey(file: string): Promise<string> {
  // Written whole beside its place and then linked into it: a link never replaces a file, so of two processes that start at
  // once one makes the key and the other takes it.
  const making = `${file}.${process.pid}`;
  await writeFile(making, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'w', flush: true });
  try {
    await link(making, file).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
  } finally {
    await rm(making, { force: true });
  }
  const text = await contents(file);
  if (text === undefined) throw new DataDirUnusable(`${file} was made and is gone again.`);
  return text;
}

async function contents(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
}
