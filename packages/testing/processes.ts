import { spawn } from 'node:child_process';
import path from 'node:path';
import { eventually } from './eventually';

export interface ProcessOptions {
  /** A built file, such as `dist/apps/broker/src/main.js`, below the project's folder; or a command of your own. */
  script?: string;
  command?: readonly [string, ...string[]];
  /** Its whole environment besides PATH and HOME: what the tests run with must not leak in. */
  env?: Record<string, string>;
  cwd?: string;
  /** It is ready once this is true of it, or matches what it has printed. Default: at once. */
  ready?: RegExp | ((process: RunningProcess) => boolean | Promise<boolean>);
  /** How long it may take to be ready. Default 30 s. */
  readyWithinMs?: number;
}

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  pid: number;
  /** All that it has printed so far. */
  stdout: () => string;
  stderr: () => string;
  /** The lines of its log, which are JSON; other lines are left out. */
  log: () => Record<string, unknown>[];
  /** How it ended, once it has. */
  ended: Promise<Ending>;
  hasEnded: () => boolean;
  /** Sends a signal to the process alone. */
  signal: (signal: NodeJS.Signals) => void;
  /** Sends a signal to the process and all that it started in its group, as Ctrl-C does. */
  signalGroup: (signal: NodeJS.Signals) => void;
  /** SIGKILL, and waits for the end. */
  kill: () => Promise<Ending>;
  /** SIGTERM, and waits for the end. */
  stop: () => Promise<Ending>;
}

/**
 * Starts a process in a group of its own and waits until it is ready. Whatever still runs after the file's last test is killed.
 *
 * @throws with what it printed, where it ends or time runs out before it is ready.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const [file, ...args] = options.command ?? [process.execPath, path.join(projectFolder, options.script ?? '')];
  const child = spawn(file, args, {
    cwd: options.cwd ?? projectFolder,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  let ending: Ending | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (stderr += text));
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (error) => {
      stderr += error.message;
      resolve((ending = { code: null, signal: null }));
    });
    // 'close' comes after all that it printed has.
    child.once('close', (code, signal) => resolve((ending = { code, signal })));
  });

  const pid = child.pid ?? 0;
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch {
      // Nobody is left in the group.
    }
  };
  const running: RunningProcess = {
    pid,
    stdout: () => stdout,
    stderr: () => stderr,
    log: () => stdout.split('\n').flatMap(logLine),
    ended,
    hasEnded: () => ending !== undefined,
    signal: (signal) => void child.kill(signal),
    signalGroup,
    kill: () => {
      signalGroup('SIGKILL');
      return ended;
    },
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
  started.push(running);

  const { ready } = options;
  if (ready) {
    const isReady = ready instanceof RegExp ? () => ready.test(stdout) : () => ready(running);
    let endedFirst = false;
    await eventually(async () => (endedFirst = ending !== undefined) || (await isReady()), {
      withinMs: options.readyWithinMs ?? 30_000,
    }).catch((error: unknown) => {
      throw new Error(`the process was not ready in time, and said:\n${stdout}${stderr}`, { cause: error });
    });
    if (endedFirst) throw new Error(`the process ended (${JSON.stringify(ending)}) before it was ready, and said:\n${stdout}${stderr}`);
  }
  return running;
}

export const projectFolder = path.resolve(__dirname, '../..');

const started: RunningProcess[] = [];

afterAll(async () => {
  const left = started.splice(0).filter((process) => !process.hasEnded());
  await Promise.all(left.map((process) => process.kill()));
});

function logLine(line: string): Record<string, unknown>[] {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? [{ ...parsed }] : [];
  } catch {
    return [];
  }
}
