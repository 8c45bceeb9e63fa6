import type { DirectoryScope } from '../writing/transaction';
import type { SearchedTable } from './searched-tables';

/**
 * How many there are in a directory altogether, as counted when it had come so far: whoever comes or goes moves its sequence, in
 * the same transaction, so a total goes for as long as that is the same, and no longer. Of another epoch the same sequence is another. An IdP that reads a directory of a million
 * page by page has it counted once.
 */
export class ListTotals {
  readonly #atMost: number;
  readonly #counted = new Map<string, { state: string; total: number }>();

  /** So many totals: two for each directory. */
  constructor({ atMost }: { atMost: number }) {
    this.#atMost = atMost;
  }

  of(table: SearchedTable, directory: DirectoryScope, state: string): number | undefined {
    const counted = this.#counted.get(`${table.name} ${directory.id}`);
    return counted?.state === state ? counted.total : undefined;
  }

  set(table: SearchedTable, directory: DirectoryScope, { state, total }: { state: string; total: number }): void {
    if (this.#counted.size >= this.#atMost) this.#counted.clear();
    this.#counted.set(`${table.name} ${directory.id}`, { state, total });
  }
}
