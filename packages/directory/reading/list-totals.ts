import type { DirectoryScope } from '../writing/transaction';
import type { SearchedTable } from './searched-tables';

/**
 * How many there are in a directory altogether, as counted when its sequence was this: whoever comes or goes moves it, in the same
 * transaction, so a total goes for as long as the sequence is the same, and no longer. An IdP that reads a directory of a million
 * page by page has it counted once.
 */
export class ListTotals {
  readonly #atMost: number;
  readonly #counted = new Map<string, { sequence: number; total: number }>();

  /** So many totals: two for each directory. */
  constructor({ atMost }: { atMost: number }) {
    this.#atMost = atMost;
  }

  of(table: SearchedTable, directory: DirectoryScope, sequence: number): number | undefined {
    const counted = this.#counted.get(`${table.name} ${directory.id}`);
    return counted?.sequence === sequence ? counted.total : undefined;
  }

  set(table: SearchedTable, directory: DirectoryScope, { sequence, total }: { sequence: number; total: number }): void {
    if (this.#counted.size >= this.#atMost) this.#counted.clear();
    this.#counted.set(`${table.name} ${directory.id}`, { sequence, total });
  }
}
