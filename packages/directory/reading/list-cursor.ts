import { createHash } from 'node:crypto';
import { presentTime } from '#identifier';
import { type ListQuery, ScimError } from '#scim';
import type { SortKey } from './search-compiler';

/** Where a list goes on. */
export interface CursorPlace {
  id: string;
  /** What the resource is sorted by; null: nothing; true: too long for a cursor, to be read again. */
  key: string | null | true;
}

/** Seconds for which a cursor of a list can be used, as ServiceProviderConfig says. */
export const listCursorSeconds = 24 * 3600;

// A cursor is a part of a URL, and the scim package takes none of more than 1,024 characters.
const keyBytesAtMost = 400;

/**
 * What a cursor says: which query of which directory it belongs to, and the last resource seen. It opens nothing: it is of use only
 * with a credential of the directory, and only there. RFC 9865 §2.1 wants unreserved characters, which base64url is.
 */
export function writeCursor(directoryId: string, query: ListQuery, id: string, key: string | null): string {
  const place = key !== null && Buffer.byteLength(JSON.stringify(key)) > keyBytesAtMost ? true : key;
  return Buffer.from(
    JSON.stringify([3, digestOf(directoryId, query), query.count, Math.floor(presentTime().getTime() / 1000), id, place]),
  ).toString('base64url');
}

function digestOf(directoryId: string, query: ListQuery): string {
  return createHash('sha256').update(`${directoryId} ${query.fingerprint}`).digest('base64url').slice(0, 22);
}

/** @throws ScimError `invalidCursor`, `expiredCursor` or `invalidCount` (RFC 9865 §2.1) */
export function readCursor(text: string, directoryId: string, query: ListQuery, order: SortKey | undefined): CursorPlace {
  const invalid = new ScimError(
    400,
    'invalidCursor',
    'This cursor is not one that this query was given. Repeat the query without a cursor value to start again.',
  );
  let fields: unknown;
  try {
    fields = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw invalid;
  }
  if (!Array.isArray(fields) || fields.length !== 6) throw invalid;
  const [version, digest, count, issuedAt, id, key]: unknown[] = fields;
  if (version !== 3 || typeof issuedAt !== 'number' || typeof id !== 'string' || !uuid.test(id) || !isKey(key, order)) throw invalid;
  if (digest !== digestOf(directoryId, query)) throw invalid;
  if (count !== query.count) {
    throw new ScimError(
      400,
      'invalidCount',
      `This cursor was given for pages of ${String(count)}: use the same count, or start again without a cursor value.`,
    );
  }
  if (issuedAt + listCursorSeconds < presentTime().getTime() / 1000) {
    throw new ScimError(400, 'expiredCursor', 'This cursor is more than 24 hours old: start again without a cursor value.');
  }
  return { id, key };
}

function isKey(key: unknown, order: SortKey | undefined): key is CursorPlace['key'] {
  if (key === null) return true;
  if (!order) return false;
  if (key === true) return order.type === 'text';
  if (typeof key !== 'string') return false;
  return order.type === 'numeric' ? /^-?\d{1,400}(\.\d{1,400})?$/.test(key) : !/[\0\p{Cs}]/u.test(key);
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
