import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface SupervisedOptions {
  /** Such as `broker 1`. */
  name: string;
  /** A built file, such as `apps/broker/src/main.js`, below dist. */
  script: string;
  /** Built files that the process loads before its own. */
  preload: string[];
  env: Record<string, string>;
  /** Where its output goes. */
  logFile: string;
  isReady: () => Promise<boolean>;
  /** How long after its end it is started again. */
  restartAfterMs: () => number;
  onEnd: (end: UnattendedEnd) => void;
}

/** An end that nobody waits for. */
export interface UnattendedEnd {
  name: string;
  pid: number;
  code: number | null;
  signal: NodeJS.Signals | null;
  /** It had begun its work. */
  wasReady: boolean;
}

// This file runs built, or as its source under jest.
const top = path.resolve(__dirname, '../../..');

/** Where the built files are. */
export const dist = path.basename(top) === 'dist' ? top : path.join(top, 'dist');

/** A process that is kept running, as a supervisor keeps it: started again whenever it has ended, whoever ended it. */
export class Supervised {
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #ready = false;
  #stopping = false;
  #again: NodeJS.Timeout | undefined;

  constructor(private readonly options: SupervisedOptions) {}

  get name(): string {
    return this.options.name;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get ready(): boolean {
    return this.#ready;
  }

  start(): void {
    const { name, script, preload, env, logFile, onEnd } = this.options;
    const output = openSync(logFile, 'a');
    const child = spawn(process.execPath, [...preload.flatMap((file) => ['--require', path.join(dist, file)]), path.join(dist, script)], {
      cwd: path.dirname(dist),
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
      stdio: ['ignore', output, output],
      // A group of its own: some faults are signals to the whole group, and Ctrl-C is for us.
      detached: true,
    });
    this.#child = child;
    running.add(child);
    this.#ended = new Promise((resolve) => {
      child.once('error', () => resolve());
      child.once('exit', (code, signal) => {
        running.delete(child);
        const wasReady = this.#ready;
        this.#child = undefined;
        this.#ready = false;
        resolve();
        if (this.#stopping) return;
        onEnd({ name, pid: child.pid ?? 0, code, signal, wasReady });
        this.#again = setTimeout(() => this.start(), this.options.restartAfterMs());
      });
    });
    void this.#watch(child);
  }

  /** @throws where it is not ready in time. */
  async untilReady(withinMs: number): Promise<void> {
    const until = Date.now() + withinMs;
    while (!this.#ready) {
      if (Date.now() > until) throw new Error(`${this.name} was not ready within ${withinMs / 1_000} s: see ${this.options.logFile}`);
      await delay(25);
    }
  }

  /** To the process, or to its whole group. It starts again by itself. */
  async kill(signal: 'SIGKILL' | 'SIGTERM', target: 'process' | 'group' = 'process'): Promise<void> {
    const { pid } = this;
    if (pid === undefined) return;
    const ended = this.#ended;
    process.kill(target === 'group' ? -pid : pid, signal);
    await ended;
  }

  /** SIGTERM, for good. False where it had to be killed, or ended with anything but 0. */
  async stop(withinMs: number): Promise<boolean> {
    this.#stopping = true;
    clearTimeout(this.#again);
    const child = this.#child;
    if (!child) return true;
    child.kill('SIGTERM');
    const inTime = await Promise.race([this.#ended.then(() => true), delay(withinMs, false, { ref: false })]);
    if (!inTime) {
      child.kill('SIGKILL');
      await this.#ended;
    }
    return inTime && child.exitCode === 0;
  }

  async #watch(child: ChildProcess): Promise<void> {
    while (this.#child === child && !this.#ready) {
      if (await this.options.isReady().catch(() => false)) this.#ready = this.#child === child;
      else await delay(50);
    }
  }
}

const running = new Set<ChildProcess>();

// Nothing that we started outlives us.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
