import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for a condition: asks again and again until `condition` neither throws nor gives false, and gives what it gave.
 *
 * @throws after `withinMs` (10 s unless told otherwise) what it threw last, or that it was false to the end.
 */
export async function eventually<T>(condition: () => T | false | Promise<T | false>, { withinMs = 10_000, everyMs = 20 } = {}): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    let failure: unknown;
    try {
      const value = await condition();
      if (value !== false) return value;
      failure = new Error(`the condition was false for ${withinMs} ms`);
    } catch (error) {
      failure = error;
    }
    if (Date.now() >= deadline) throw failure;
    await delay(everyMs);
  }
}
