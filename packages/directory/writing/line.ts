import type { Pool } from 'pg';
import { isRolledBack, transaction, triedAgain, triesAgainAtMost } from '#postgres';
import type { LogMemory } from './log-memory';
import type { KnownRules } from './known-rules';
import { type Company, type DirectoryScope, DirectoryTransaction, Hold, MustBeAlone, SeatsWereSet, SharedReads } from './hold';

/** A change that waits for its directory. */
export interface Turn<T> {
  directory: DirectoryScope;
  requestId: string | null;
  change: (tx: DirectoryTransaction) => Promise<T>;
  company: Company;
}

interface Waiting {
  turn: Turn<unknown>;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

// What one commit carries at most. Writers of other processes wait for it.
const togetherAtMost = 16;
const beginsAtMost = 5;

/**
 * Those of one process who wait to change one directory, in the order in which they came.
 *
 * The first goes at once, in a transaction of its own. Those who come meanwhile wait here, and are then made in one transaction:
 * they share the lock, which only one of them could have had at a time anyway, and the commit, which is what they would have
 * waited for most. Each is refused or told of by itself; nobody is answered before the commit.
 *
 * Where one fails after it may have written something, all are rolled back, and each is made again by itself. So they are where
 * PostgreSQL has rolled them back for the sake of others.
 */
export class Line {
  readonly #pool: Pool;
  readonly #known: KnownRules;
  readonly #memory: LogMemory;
  readonly #onEmpty: () => void;
  #waiting: Waiting[] = [];
  #isMoving = false;
  #together = true;

  constructor(pool: Pool, known: KnownRules, memory: LogMemory, onEmpty: () => void) {
    this.#pool = pool;
    this.#known = known;
    this.#memory = memory;
    this.#onEmpty = onEmpty;
  }

  join<T>(turn: Turn<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ turn, resolve: resolve as Waiting['resolve'], reject });
      if (!this.#isMoving) void this.#move();
    });
  }

  async #move(): Promise<void> {
    this.#isMoving = true;
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, this.#together ? togetherAtMost : 1);
      const shared = some.length === 1 ? 'nothing' : await this.#goTogether(some);
      if (shared === 'answered') continue;
      for (const one of some) await this.#goAlone(one, shared === 'rolled back' ? triesAgainAtMost - 1 : triesAgainAtMost);
    }
    this.#isMoving = false;
    this.#onEmpty();
  }

  async #goAlone({ turn, resolve, reject }: Waiting, tries: number): Promise<void> {
    const make = () => this.#transaction([turn], (hold) => turn.change(new DirectoryTransaction(hold, turn.directory, turn.requestId)));
    for (let begun = 1; ; begun += 1) {
      try {
        return resolve(await triedAgain(make, tries));
      } catch (error) {
        if (!(error instanceof SeatsWereSet) || begun === beginsAtMost) return reject(error);
      }
    }
  }

  /** But for "answered" nothing has been changed, and nobody has been answered. */
  async #goTogether(some: Waiting[]): Promise<'answered' | 'nothing' | 'rolled back'> {
    let outcomes: PromiseSettledResult<unknown>[];
    try {
      outcomes = await this.#transaction(
        some.map(({ turn }) => turn),
        (hold) => makeAll(hold, some),
      );
    } catch (error) {
      // What a statement or a change refuses is one's own; who it is shows when each goes alone. Anything else would meet them all.
      if (error instanceof MustBeAlone) this.#together = false; // until the line has been empty
      if (isRolledBack(error)) return 'rolled back';
      if (error instanceof MustBeAlone || error instanceof FailedInCompany || isRefusal(error)) return 'nothing';
      for (const { reject } of some) reject(error);
      return 'answered';
    }
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') some[i]?.resolve(outcome.value);
      else some[i]?.reject(outcome.reason);
    }
    return 'answered';
  }

  async #transaction<T>(turns: Turn<unknown>[], make: (hold: Hold) => Promise<T>): Promise<T> {
    const [first] = turns;
    if (!first) throw new Error('nobody is in line');
    return transaction(this.#pool, async (begun) => {
      const hold = new Hold(begun, this.#known, this.#memory, first.directory, turns.length > 1, {
        seats: turns.some(({ company }) => company.seats),
      });
      const result = await make(hold);
      await hold.commit();
      return result;
    });
  }
}

/** One who shared a transaction failed after it had written something. */
class FailedInCompany extends Error {}

/** Makes all changes: those that keep to one thing each side by side, the others one after the other. */
async function makeAll(hold: Hold, some: Waiting[]): Promise<PromiseSettledResult<unknown>[]> {
  const made: Made[] = [];
  const beside = new Set<string>();
  let company = new SharedReads();
  for (const {
    turn: {
      directory,
      requestId,
      change,
      company: { only },
    },
  } of some) {
    if (only === undefined || beside.has(only)) {
      await allOrNone(made);
      beside.clear();
      company = new SharedReads();
    }
    const tx = new DirectoryTransaction(hold, directory, requestId, company);
    const outcome = change(tx);
    outcome.catch(() => {});
    made.push({ tx, outcome });
    if (only !== undefined) beside.add(only);
    else await allOrNone(made);
  }
  return allOrNone(made);
}

interface Made {
  tx: DirectoryTransaction;
  outcome: Promise<unknown>;
}

/** Who refused before writing anything is refused alone. A failed statement, or a change that was left half made, has spoiled it for all. */
async function allOrNone(made: Made[]): Promise<PromiseSettledResult<unknown>[]> {
  const settled = await Promise.allSettled(made.map(({ outcome }) => outcome));
  for (const [i, outcome] of settled.entries()) {
    if (outcome.status === 'fulfilled') continue;
    if (needsToBeAlone(outcome.reason)) throw new MustBeAlone();
    if (isDatabaseError(outcome.reason)) throw outcome.reason;
    if (made[i]?.tx.hasChanged) throw new FailedInCompany();
  }
  return settled;
}

function needsToBeAlone(error: unknown): boolean {
  return error instanceof MustBeAlone || error instanceof SeatsWereSet;
}

/** What the values of one change were refused for, or what came of that: SQLSTATE classes 22, 23 and 25P02. */
function isRefusal(error: unknown): boolean {
  return isDatabaseError(error) && /^(22|23|25P02)/.test(String(error.code));
}

function isDatabaseError(error: unknown): error is Error & { code: unknown } {
  return error instanceof Error && 'code' in error;
}
