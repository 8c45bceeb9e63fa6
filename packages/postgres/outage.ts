import { types } from 'node:util';

/**
 * Whether the database is away, or has no time: the same request may well succeed later. Every door's edge asks this, and answers
 * 503 with Retry-After where it is so.
 */
export function isOutage(error: unknown): boolean {
  if (!types.isNativeError(error)) return false;
  if (error instanceof CommitUnanswered) return true;
  const code = codeOf(error);
  return isUnreachable(error, code) || unableState.test(code) || brokenConnection.some((beginning) => error.message.startsWith(beginning));
}

/** The connection broke behind a commit, or a statement that is a transaction of its own, and before it was answered: it may have been made. */
export class CommitUnanswered extends Error {
  constructor(cause: unknown) {
    super('the connection to the database broke before it said whether the transaction was committed', { cause });
  }
}

/** Whether the server has said nothing: what was sent to it may have been done. */
export function isUnanswered(error: unknown): boolean {
  return isOutage(error) && types.isNativeError(error) && !isSqlState.test(codeOf(error));
}

/** Whether the session was ended, for a reason that has nothing to do with what was asked last: that may have been done. */
export function isSessionEnd(error: unknown): boolean {
  return types.isNativeError(error) && /^(57P|08)/.test(codeOf(error));
}

/** Whether all connections of a pool were lent out for so long that this one got none: of outages the one that is no fault of the database. */
export function isPoolFull(error: unknown): boolean {
  return types.isNativeError(error) && error.message === noneWasFree;
}

/** Whether PostgreSQL has rolled a transaction back for the sake of others, and the very same may be tried again. */
export function isRolledBack(error: unknown): boolean {
  // serialization_failure, deadlock_detected
  return types.isNativeError(error) && ['40001', '40P01'].includes(codeOf(error));
}

/** An errno's name, or a SQLSTATE. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

// Each that a server of ours gives has a digit in it, and of errnos none that a socket or the resolver gives.
const isSqlState = /^(?=.*\d)[0-9A-Z]{5}$/;

// Of sockets and of the resolver.
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

function isUnreachable(error: Error, code: string): boolean {
  // A file that is not there is no outage; a socket is.
  if (code === 'ENOENT') return !('syscall' in error) || error.syscall === 'connect';
  return unreachable.has(code);
}

// By SQLSTATE: the connection failed (08); disk, memory or connections are used up (53); it is starting, stopping, or has ended
// the session (57P01 to 57P05); a statement, a lock, or we ourselves within a transaction took too long (57014, 55P03, 25P03,
// 25P04); it takes no writes, for it was primary until a moment ago (25006); others came between (40001, 40P01); it takes no
// connections, or is not there, while somebody puts a backup in its place (55000, 3D000).
const unableState = /^(08[0-9A-Z]{3}|53[0-9A-Z]{3}|57P0[1-5]|57014|55P03|25P0[34]|25006|40001|40P01|55000|3D000)$/;

// What pg's pool says to those who stood in line; of a connection that could not be made it says another thing.
const noneWasFree = 'timeout exceeded when trying to connect';

// What pg and its pool give no code to, by how it begins.
const brokenConnection = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed and is not queryable',
  'Query read timeout',
  'timeout expired',
  noneWasFree,
  'Cannot use a pool after calling end on the pool',
];
