import { types } from 'node:util';

/**
 * Whether the database is away, or has no time: the same request may well succeed later. Every door's edge asks this, and answers
 * 503 with Retry-After where it is so.
 */
export function isOutage(error: unknown): boolean {
  if (!types.isNativeError(error)) return false;
  const code = codeOf(error);
  return isUnreachable(error, code) || unableState.test(code) || brokenConnection.some((beginning) => error.message.startsWith(beginning));
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

// What pg and its pool give no code to, by how it begins.
const brokenConnection = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed and is not queryable',
  'Query read timeout',
  'timeout expired',
  'timeout exceeded when trying to connect',
  'Cannot use a pool after calling end on the pool',
];
