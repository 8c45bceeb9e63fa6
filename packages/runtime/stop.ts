import type { Logger } from './log';

export interface Stopping {
  /**
   * Adds what must be done before the process ends. What was added last is done first, as things are torn down in
   * the reverse order of their making. `needsMs` is kept free for this step, however long the steps before it take.
   */
  add: (name: string, step: (withinMs: number) => Promise<void> | void, needsMs?: number) => void;
  /** Does every step and ends the process. Said again, it does nothing. */
  stop: (reason: string, exitCode?: number) => Promise<void>;
  /** Aborted as soon as stopping begins: whoever waits for something should answer what they have. */
  signal: AbortSignal;
}

/**
 * Ends the process in order, on SIGTERM, on SIGINT, and on an error that nobody caught.
 *
 * A signal may come twice, when it is sent to the process and to its group: the second one changes nothing. A step
 * that overruns its time is left behind, and the next one begins. All of them get `withinMs`: 9.5 s, because a process ends within
 * the 10 s that container runtimes leave it after its signal, and the end itself takes a moment.
 */
export function stopOnSignals(log: Logger, { withinMs: inAllMs = 9_500 } = {}): Stopping {
  const steps: { name: string; step: (withinMs: number) => Promise<void> | void; needsMs: number }[] = [];
  const stopping = new AbortController();
  let stopped: Promise<void> | undefined;

  const runSteps = async (reason: string, exitCode: number): Promise<void> => {
    const hardEnd = Date.now() + inAllMs;
    log.info({ reason }, 'stopping');
    stopping.abort();
    for (let step = steps.pop(); step; step = steps.pop()) {
      const keptFree = steps.reduce((sum, later) => sum + later.needsMs, 0);
      const withinMs = Math.max(hardEnd - Date.now() - keptFree, step.needsMs);
      try {
        if (!(await endsWithin(Promise.resolve(step.step(withinMs)), withinMs)))
          log.error({ step: step.name, withinMs }, 'did not stop in time');
      } catch (error) {
        log.error({ step: step.name, err: error }, 'failed to stop');
      }
    }
    log.info('stopped');
    log.flush();
    process.exit(exitCode);
  };

  const stop = (reason: string, exitCode = 0): Promise<void> => (stopped ??= runSteps(reason, exitCode));

  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an error that nobody caught');
    void stop('an error that nobody caught', 1);
  });

  return {
    add: (name, step, needsMs = 500) => void steps.push({ name, step, needsMs }),
    stop,
    signal: stopping.signal,
  };
}

async function endsWithin(work: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
