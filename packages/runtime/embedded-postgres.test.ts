import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { eventually, projectFolder, startProcess } from '#testing';
import pg from 'pg';
import { ensureDatabase, releaseCluster, startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres';

const folders: string[] = [];
const servers: EmbeddedPostgres[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(0)));
  for (const folder of folders.splice(0)) {
    await releaseCluster(path.join(folder, 'postgresql')).catch(() => {});
    await rm(folder, { recursive: true });
  }
});

/** A folder as DATA_DIR would be, closed to everybody else: mkdtemp gives it mode 0700. */
async function dataFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-data-'));
  folders.push(folder);
  return folder;
}

async function start(folder: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({
    directory: path.join(folder, 'postgresql'),
    initdbFlags: ['--no-sync'],
    settings: { fsync: 'off' },
    onLog: () => {},
  });
  servers.push(server);
  return server;
}

/** Another process that starts it and then does nothing. Prints the server's pid once it is ready. */
function startElsewhere(folder: string) {
  const program = `
    require('./packages/runtime').startEmbeddedPostgres({ directory: ${JSON.stringify(path.join(folder, 'postgresql'))}, initdbFlags: ['--no-sync'], onLog: () => {} })
      .then((server) => console.log('ready', server.pid), (error) => { console.error(error.message); process.exit(1); })`;
  return startProcess({
    command: [process.execPath, '--require', 'tsx/cjs', '--eval', program],
    cwd: projectFolder,
    ready: /^ready \d+$/m,
  });
}

const pidIn = (stdout: string) => Number(/^ready (\d+)$/m.exec(stdout)?.[1]);

async function query(server: EmbeddedPostgres, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url('postgres') });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text);
  await client.end();
  return rows;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('it starts on nothing, stops, and finds at its next start what it had', async () => {
  const folder = await dataFolder();
  const first = await start(folder);
  await ensureDatabase(first, 'causeway');
  await ensureDatabase(first, 'causeway');
  await query(first, 'create table kept as select 1 as n');
  await first.stop();
  await first.stop();
  expect(isRunning(first.pid)).toBe(false);

  expect(await query(await start(folder), 'select n from kept')).toEqual([{ n: 1 }]);
});

test('it listens on a socket in its own folder and nowhere else, and the folder is closed to others', async () => {
  const folder = await dataFolder();
  const server = await start(folder);
  expect(await query(server, `select current_setting('listen_addresses') as addresses, current_user as me`)).toEqual([
    { addresses: '', me: 'causeway' },
  ]);
  expect((await stat(path.join(folder, 'postgresql'))).mode & 0o777).toBe(0o700);
  expect(await readdir(folder)).toEqual(['postgresql']);
});

test('a folder whose path is too long for a socket does as well', async () => {
  const deep = path.join(await dataFolder(), 'deep-'.repeat(20), 'deep-'.repeat(20));
  await mkdir(deep, { recursive: true, mode: 0o700 });
  expect(await query(await start(deep), 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('it leads a process group of its own', async () => {
  const server = await start(await dataFolder());
  const fields = (await readFile(`/proc/${server.pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  expect(Number(fields[2])).toBe(server.pid);
});

test('while one process has it, a second is refused with one sentence that names the first', async () => {
  const folder = await dataFolder();
  const first = await startElsewhere(folder);
  await expect(start(folder)).rejects.toThrow(
    `Causeway already runs on ${folder} (process ${first.pid}); stop it first, or set another DATA_DIR and PORT.`,
  );
  expect(isRunning(pidIn(first.stdout()))).toBe(true);
});

test('of two that start at once on an empty folder, one has it', async () => {
  const folder = await dataFolder();
  const outcomes = await Promise.allSettled([startElsewhere(folder), startElsewhere(folder)]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(String(refused?.reason)).toContain(`Causeway already runs on ${folder}`);
  expect(await readdir(folder)).toEqual(['postgresql']);
});

test('a server that outlived the process that started it is ended, and its data are found', async () => {
  const folder = await dataFolder();
  const elsewhere = await startElsewhere(folder);
  const orphan = pidIn(elsewhere.stdout());
  await elsewhere.kill();
  expect(isRunning(orphan)).toBe(true);

  const server = await start(folder);
  expect(server.pid).not.toBe(orphan);
  expect(await query(server, 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('a server that was killed with its parent keeps nobody from starting', async () => {
  const folder = await dataFolder();
  const elsewhere = await startElsewhere(folder);
  process.kill(pidIn(elsewhere.stdout()), 'SIGKILL');
  await elsewhere.kill();
  expect(await query(await start(folder), 'select 1 as n')).toEqual([{ n: 1 }]);
});

test("a pid file whose pid is a stranger's by now, or a zombie's, keeps nobody from starting", async () => {
  const folder = await dataFolder();
  const pidFile = path.join(folder, 'postgresql', 'postmaster.pid');
  const first = await start(folder);
  const text = await readFile(pidFile, 'utf8');
  await first.stop();

  // `exec` leaves a process whose child nobody waits for.
  const stranger = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const zombie = Number(await new Promise((resolve) => stranger.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()))));
  await eventually(async () => /\) Z /.test(await readFile(`/proc/${zombie}/stat`, 'utf8')));
  try {
    for (const pid of [stranger.pid, zombie]) {
      await writeFile(pidFile, text.replace(/^\d+/, String(pid)));
      const server = await start(folder);
      expect(await query(server, 'select 1 as n')).toEqual([{ n: 1 }]);
      await server.stop();
    }
  } finally {
    stranger.kill('SIGKILL');
  }
});

test.each(['postmaster.pid', '.s.PGSQL.5432.lock'])(
  'an empty %s, as a crash or a full disk leaves it, keeps nobody from starting',
  async (lock) => {
    const folder = await dataFolder();
    await (await start(folder)).stop();
    await writeFile(path.join(folder, 'postgresql', lock), '');
    const server = await start(folder);
    expect(await query(server, 'select 1 as n')).toEqual([{ n: 1 }]);
  },
);

test('an empty postmaster.pid does not make a second server of a cluster whose first one runs', async () => {
  const folder = await dataFolder();
  const first = await start(folder);
  const pidFile = path.join(folder, 'postgresql', 'postmaster.pid');
  const text = await readFile(pidFile, 'utf8');
  await writeFile(pidFile, '');
  await expect(start(folder)).rejects.toThrow(/^Causeway already runs on .* \(process \d+\)/);
  // Without its pid file the first one would end by itself within a minute.
  await writeFile(pidFile, text);
  expect(await query(first, 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('a PostgreSQL in the folder that is not ours is left alone', async () => {
  const folder = await dataFolder();
  const elsewhere = await startElsewhere(folder);
  const server = pidIn(elsewhere.stdout());
  const [binary = ''] = (await readFile(`/proc/${server}/cmdline`, 'utf8')).split('\0');
  process.kill(server, 'SIGINT');
  await eventually(() => !isRunning(server));
  await elsewhere.kill();

  const { uid, gid } = await stat(path.join(folder, 'postgresql'));
  await chmod(folder, 0o711);
  const byHand = spawn(binary, ['-D', path.join(folder, 'postgresql'), '-c', 'listen_addresses=', '-c', 'unix_socket_directories=.'], {
    uid,
    gid,
    stdio: 'ignore',
  });
  try {
    await eventually(async () => (await readFile(path.join(folder, 'postgresql', 'postmaster.pid'), 'utf8')).includes('ready'));
    await expect(start(folder)).rejects.toThrow(
      `A PostgreSQL that Causeway did not start (process ${byHand.pid}) runs in ${path.join(folder, 'postgresql')}; stop it first.`,
    );
  } finally {
    byHand.kill('SIGQUIT');
    await new Promise((resolve) => byHand.once('exit', resolve));
  }
});

test('a cluster that was half made is made anew', async () => {
  const folder = await dataFolder();
  const half = path.join(folder, 'postgresql.making-999999999-abcdef');
  await mkdir(path.join(half, 'cluster'), { recursive: true });
  await start(folder);
  expect(await readdir(folder)).toEqual(['postgresql']);
});

test('data of another major version are left alone, and said to be', async () => {
  const folder = await dataFolder();
  await (await start(folder)).stop();
  await writeFile(path.join(folder, 'postgresql', 'PG_VERSION'), '15\n');
  await expect(start(folder)).rejects.toThrow(/^The data in .* are PostgreSQL 15's, and the PostgreSQL installed with Causeway is 18/);
});

test('a server that cannot start says why', async () => {
  const folder = await dataFolder();
  await (await start(folder)).stop();
  await chmod(path.join(folder, 'postgresql'), 0o755);
  await expect(start(folder)).rejects.toThrow(/did not start: .*has invalid permissions/);
});

test('a server that ends by itself is told of', async () => {
  const folder = await dataFolder();
  const told: string[] = [];
  const server = await startEmbeddedPostgres({
    directory: path.join(folder, 'postgresql'),
    initdbFlags: ['--no-sync'],
    onLog: () => {},
    onEnd: (sentence) => told.push(sentence),
  });
  process.kill(server.pid, 'SIGINT');
  await eventually(() => told.length > 0);
  expect(told).toEqual([expect.stringMatching(/^The embedded PostgreSQL ended by itself: .*database system is shut down/)]);
});
