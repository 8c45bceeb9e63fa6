import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { unpackedPackages } from './debian-packages';

export interface RunningRedis {
  url: string;
  /** Ends it at once; it keeps nothing on disk. */
  stop: () => Promise<void>;
  /** As `stop`, and starts it again, empty, at the same URL. */
  restart: () => Promise<void>;
}

/**
 * Starts a real Redis on a free port, which works in `folder`.
 *
 * It is the one on the PATH or, on Debian and its like, the one of the system's packages, unpacked below .cache/ without being
 * installed: no root needed, and nothing of the system changed.
 *
 * @throws where there is neither.
 */
export async function startRedis(folder: string): Promise<RunningRedis> {
  const binary = await findRedis();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const port = await freePort();
  let running = await run(binary, folder, port);
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: () => running.stop(),
    restart: async () => {
      await running.stop();
      running = await run(binary, folder, port);
    },
  };
}

/** Ends the Redis of a folder whose run was killed. */
export async function releaseRedis(folder: string): Promise<void> {
  const pid = Number(await readFile(path.join(folder, 'redis.pid'), 'utf8').catch(() => ''));
  // The pid may be somebody else's by now.
  if (pid > 0 && (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === folder) process.kill(pid, 'SIGKILL');
}

/** A port of 127.0.0.1 that nothing listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || !address) throw new Error('no port was given');
  return address.port;
}

interface Binary {
  command: string;
  libraries?: string;
}

const execute = promisify(execFile);

async function run({ command, libraries }: Binary, folder: string, port: number) {
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'];
  const child = spawn(command, flags, { cwd: folder, env: environment(libraries), stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let said = '';
  child.stdout.on('data', (text: Buffer) => void (said += text.toString()));
  child.stderr.on('data', (text: Buffer) => void (said += text.toString()));
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      said += error.message;
      resolve();
    });
    child.once('exit', () => resolve());
  });
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  void ended.then(() => process.removeListener('exit', endWithUs));

  let over = false;
  void ended.then(() => (over = true));
  while (!said.includes('Ready to accept connections')) {
    if (over) throw new Error(`redis-server ended: ${said.trim().split('\n').slice(-3).join(' ')}`);
    await delay(10);
  }
  await writeFile(path.join(folder, 'redis.pid'), String(child.pid));
  return {
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function findRedis(): Promise<Binary> {
  if (await works({ command: 'redis-server' })) return { command: 'redis-server' };
  const unpacked = await unpackedPackages('redis', packages);
  const binary = await binaryIn(unpacked);
  if (!(await works(binary))) throw new Error(`${binary.command} does not run here; remove ${unpacked} to have it made anew.`);
  return binary;
}

async function works({ command, libraries }: Binary): Promise<boolean> {
  try {
    await execute(command, ['--version'], { env: environment(libraries) });
    return true;
  } catch {
    return false;
  }
}

function environment(libraries: string | undefined): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], ...(libraries ? { LD_LIBRARY_PATH: libraries } : {}) };
}

async function binaryIn(unpacked: string): Promise<Binary> {
  const lib = path.join(unpacked, 'usr', 'lib');
  const folders = (await readdir(lib)).filter((name) => name.includes('-linux-gnu')).map((name) => path.join(lib, name));
  return { command: path.join(unpacked, 'usr', 'bin', 'redis-server'), libraries: folders.join(':') };
}

/** What redis-server is made of and what it is linked with that a slim system may lack. */
const packages = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1', 'libsystemd0'];
