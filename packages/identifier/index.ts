/**
 * Ids: inside, a UUIDv7; outside, a prefix that says what it is, `_`, and the same 32 hexadecimal digits.
 *
 * Time-ordered, so that new rows land at the end of their indexes and a partition is a range of ids. The two spellings
 * hold the same bits: SQL can make the public one with `'usr_' || replace(id::text, '-', '')`.
 * Imports nothing of ours; everything but the pure packages may import it.
 */
import { V7Generator } from 'uuidv7';

export type Prefix = 'env' | 'org' | 'dir' | 'usr' | 'grp' | 'evt' | 'we' | 'req' | 'key' | 'oac' | 'tok' | 'act' | 'rmp';

/** A new UUIDv7, greater than every one that this process made before (unless the clock was set back by more than ten seconds). */
export function newId(): string {
  return generator.generateOrResetCore(clock(), 10_000).toString();
}

const generator = new V7Generator();
let clock = Date.now;

/**
 * Makes ids, and all that a process notes the time of, tell the time of another clock than the machine's: the database's, by which
 * partitions are cut. An id of a wrong clock would have no partition to lie in, or one that is dropped too soon.
 */
export function tellTimeBy(milliseconds: () => number): void {
  clock = () => Math.floor(milliseconds());
}

/** The present, as new ids tell it. */
export function presentTime(): Date {
  return new Date(clock());
}

export function publicId(prefix: Prefix, id: string): string {
  return `${prefix}_${id.slice(0, 8)}${id.slice(9, 13)}${id.slice(14, 18)}${id.slice(19, 23)}${id.slice(24)}`;
}

const hex = /^[0-9a-f]{32}$/;

/** The UUID inside a public id; `undefined` for anything that is not exactly of that shape. */
export function parsePublicId(prefix: Prefix, text: string): string | undefined {
  if (text.length !== prefix.length + 33 || !text.startsWith(`${prefix}_`)) return undefined;
  const digits = text.slice(prefix.length + 1);
  if (!hex.test(digits)) return undefined;
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

/** The smallest UUIDv7 of a millisecond: the bound of a partition, or of "everything since". */
export function idAt(date: Date): string {
  const digits = Math.max(0, date.getTime()).toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`;
}

/** When an id was made, by the clock of the process that made it. */
export function timeOf(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}
