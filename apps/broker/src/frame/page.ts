import { invalidCursor } from './errors';

/** A page of a list: what was asked for, and where to go on. Lists are in the order of ids, which is the order of making. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** The query of a page for the verbs that list: one more row than the page holds, to know whether there is another. */
export function pageQuery({ limit, cursor }: { limit: number; cursor?: string | undefined }): { limit: number; after: string | undefined } {
  return { limit: limit + 1, after: cursor === undefined ? undefined : idIn(cursor) };
}

/** Makes the page out of what `pageQuery` brought; `isCut`: it ended by its bytes, and there is more. */
export function pageOf<Row, T>(
  brought: readonly Row[] | { rows: readonly Row[]; isCut: boolean },
  limit: number,
  idOf: (row: Row) => string,
  toJson: (row: Row) => T,
): Page<T> {
  const { rows, isCut } = 'rows' in brought ? brought : { rows: brought, isCut: false };
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { data: shown.map(toJson), next_cursor: (isCut || rows.length > limit) && last !== undefined ? cursorAt(idOf(last)) : null };
}

/** A list in another order than that of making goes on after a text: the cursor at it, and the text in one that came back. */
export function textCursorAt(text: string): string {
  return Buffer.from(text).toString('base64url');
}

export function textIn(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString('utf8').replaceAll('\0', '');
}

function cursorAt(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

function idIn(cursor: string): string {
  if (!/^[A-Za-z0-9_-]{22}$/.test(cursor)) throw invalidCursor('cursor');
  const digits = Buffer.from(cursor, 'base64url').toString('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}
