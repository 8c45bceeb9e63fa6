/** Pages that end by bytes as well as by rows: what is large is read by itself, and nobody's process holds a thousand of it. */

/** What a row of such a page says of the page. */
export interface OfPage {
  /** How many rows there were by number alone. */
  matched: number;
}

/** `isCut`: the page ended by its bytes, so there is more, however few its rows are. */
export interface BytePage<T> {
  rows: T[];
  isCut: boolean;
}

export function bytePage<Row extends OfPage, T>(rows: readonly Row[], of: (row: Row) => T): BytePage<T> {
  return { rows: rows.map(of), isCut: (rows[0]?.matched ?? 0) > rows.length };
}

/**
 * Rows of `limited`, which has them by number and their `size`: with their `place` and what they `weigh` together up to there, for
 * `isWithin`. What is stored out of line stays there: only what is within is to be read.
 */
export function weighed(limited: string, order: string): string {
  return `(select l.*, row_number() over (order by ${order}) as place, sum(l.size) over (order by ${order}) as weight, count(*) over () as matched
             from (${limited}) l)`;
}

/** The first row, whatever its size, and those behind it as long as all weigh no more. Of the rows' alias. */
export function isWithin(row: string, bytes: number | string): string {
  return `(${row}.place = 1 or ${row}.weight <= ${bytes})`;
}
