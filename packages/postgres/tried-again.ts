import { isRolledBack } from './outage';

export const triesAgainAtMost = 3;

/**
 * Runs a whole transaction, and again where PostgreSQL has rolled it back for the sake of others (40001, 40P01): nothing of it is
 * there, so it may be made anew. Three times at most. What else fails may have been committed, and is for the caller to judge.
 */
export async function triedAgain<T>(transaction: () => Promise<T>, times = triesAgainAtMost): Promise<T> {
  for (let again = 1; ; again += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (again > times || !isRolledBack(error)) throw error;
    }
    await pause(again);
  }
}

/** Up to 10, 20, 30 ms, by chance: two who have met do not meet again. */
function pause(again: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * again));
}
