import { setTimeout as delay } from 'node:timers/promises';

/** Some work that is done again and again, `everyMs` after it was last done. */
export interface Loop {
  /** What it does, for the log. */
  name: string;
  everyMs: number;
  /** The first time, after the start. Default: at once. */
  afterMs?: number;
  /** `stop` says that the process is about to end: work of several steps ends after the one that is under way. */
  run: (stop: AbortSignal) => Promise<void>;
}

export interface RunningLoops {
  /** Begins none anew, and waits for what is under way, `withinMs` at most. */
  stop: (withinMs: number) => Promise<void>;
}

/** Starts loops that know nothing of each other. None runs twice at once, and one that fails is tried again when its time comes. */
export function startLoops(loops: readonly Loop[], onError: (error: unknown, loop: Loop) => void): RunningLoops {
  const stopping = new AbortController();
  const running = loops.map((loop) => repeat(loop, stopping.signal, (error) => onError(error, loop)));
  return {
    stop: async (withinMs) => {
      stopping.abort();
      await Promise.race([Promise.all(running), delay(withinMs, undefined, { ref: false })]);
    },
  };
}

async function repeat({ everyMs, afterMs = 0, run }: Loop, stop: AbortSignal, onError: (error: unknown) => void): Promise<void> {
  // To be stopped while it rests is the end that is wanted.
  const rest = (ms: number): Promise<void> => delay(ms, undefined, { signal: stop }).catch(() => {});
  for (await rest(afterMs); !stop.aborted; await rest(everyMs)) await run(stop).catch(onError);
}
