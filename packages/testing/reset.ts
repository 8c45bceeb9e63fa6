import type { Socket } from 'node:net';

/**
 * Ends a connection by RST and nothing else. Node's own `resetAndDestroy` says FIN first, and whoever has read that may not look for
 * what comes after.
 */
export function resetConnection(socket: Socket): void {
  if (!('_handle' in socket) || !isResettable(socket._handle))
    throw new Error('the socket has no connection, or Node has none to reset any more');
  socket._handle.reset(() => socket.destroy());
}

function isResettable(handle: unknown): handle is { reset: (done: () => void) => number } {
  return typeof handle === 'object' && handle !== null && 'reset' in handle && typeof handle.reset === 'function';
}
