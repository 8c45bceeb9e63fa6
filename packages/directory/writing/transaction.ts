import type { Pool } from 'pg';
import type { LogMemory } from './log-memory';
import type { KnownRules } from './known-rules';
import type { Company, DirectoryScope, DirectoryTransaction } from './hold';
import { Line } from './line';

export { DirectoryGone, type DirectoryScope, type DirectoryTransaction, MustBeAlone, SeatsWereSet } from './hold';

/** The pool that directories are changed through, with what a process keeps for them. Made where the process is put together. */
export interface DirectoryPool extends Pool {
  readonly known: KnownRules;
  readonly memory: LogMemory;
  /** Of the directories that somebody waits for, or is changing: no more than there are requests under way. */
  readonly lines: Map<string, Line>;
}

export function directoryPool(pool: Pool, known: KnownRules, memory: LogMemory): DirectoryPool {
  return Object.assign(pool, { known, memory, lines: new Map<string, Line>() });
}

/**
 * Runs one change to one directory in one transaction.
 *
 * Takes the directory's head row first, so that the writers of one directory stand in line, whatever they touch: no two
 * of them can deadlock, and each sees everything that the one before it committed. Others wait for this transaction's
 * commit, so nothing slow may happen in it. Where an organization's seats are locked too, they are locked before.
 *
 * Those of this process who wait for the same directory wait here, and not each with a client of its own, and go on together.
 *
 * What `change` throws rolls back what it did. It is run again where it is begun again: with SeatsWereSet, and where somebody
 * who shared its transaction failed.
 */
export function inDirectory<T>(
  pool: DirectoryPool,
  directory: DirectoryScope,
  requestId: string | null,
  change: (tx: DirectoryTransaction) => Promise<T>,
  company: Company = {},
): Promise<T> {
  const { known, memory, lines } = pool;
  const line = lines.get(directory.id) ?? new Line(pool, known, memory, () => lines.delete(directory.id));
  lines.set(directory.id, line);
  return line.join({ directory, requestId, change, company });
}
