// jest loads this file by itself, without its own module mapping: hence the paths in place of #runtime, which is the built one.
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ensureDatabase, migrate, releaseCluster, startEmbeddedPostgres, type EmbeddedPostgres } from '../runtime';
import { handover, templateDatabase } from './handover';
import { findFaketime } from './wrong-clock';
import { releaseRedis, startRedis, type RunningRedis } from './redis-server';

/** What the teardown has to end. */
export interface TestServers {
  folder: string;
  postgres: EmbeddedPostgres;
  redis?: RunningRedis;
}

declare global {
  var causewayTestServers: TestServers | undefined;
}

/**
 * Starts, once for a whole run of the tests, a PostgreSQL with a migrated template database, and a Redis, and finds what moves clocks.
 *
 * Where no Redis or no libfaketime can be had, what needs one is left out, and said so; with CI=true that fails the run.
 */
export default async function globalSetup(): Promise<void> {
  const folder = await ownFolder();
  const lines: string[] = [];
  const postgres = await startEmbeddedPostgres({
    directory: path.join(folder, 'postgresql'),
    initdbFlags: ['--no-sync'],
    // Nothing here outlives the run, so nothing need reach a disk.
    settings: {
      fsync: 'off',
      full_page_writes: 'off',
      synchronous_commit: 'off',
      max_connections: '300',
      wal_level: 'minimal',
      max_wal_senders: '0',
    },
    onLog: (line) => lines.push(line),
    onEnd: (sentence) => console.error(sentence, lines.slice(-20).join('\n')),
  });
  globalThis.causewayTestServers = { folder, postgres };
  endOnSignals();

  await ensureDatabase(postgres, templateDatabase);
  await migrate(postgres.url(templateDatabase));
  process.env[handover.postgres] = postgres.url('{database}');

  await orLeaveOut('Redis', async () => {
    const redis = await startRedis(path.join(folder, 'redis'));
    globalThis.causewayTestServers = { folder, postgres, redis };
    process.env[handover.redis] = redis.url;
  });
  await orLeaveOut('libfaketime', async () => {
    process.env[handover.faketime] = await findFaketime();
  });
}

async function orLeaveOut(what: string, find: () => Promise<void>): Promise<void> {
  try {
    await find();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (process.env['CI'] === 'true') throw new Error(`No ${what} to test with: ${reason}`, { cause: error });
    console.error(`\n*** NO ${what.toUpperCase()}: every test that needs one is LEFT OUT. ${reason}\n`);
  }
}

/** jest ends at once on Ctrl-C, without its teardown; the servers end when this process does. */
function endOnSignals(): void {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

/** This run's folder. Servers and folders of runs that were killed are cleared away. */
async function ownFolder(): Promise<string> {
  const prefix = 'causeway-tests-';
  for (const name of await readdir(os.tmpdir())) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : NaN;
    const left = path.join(os.tmpdir(), name);
    if (!(pid > 0) || isRunning(pid) || (await lstat(left)).uid !== process.getuid?.()) continue;
    await releaseCluster(path.join(left, 'postgresql'));
    await releaseRedis(path.join(left, 'redis'));
    await rm(left, { recursive: true, force: true });
  }
  const folder = path.join(os.tmpdir(), `${prefix}${process.pid}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
