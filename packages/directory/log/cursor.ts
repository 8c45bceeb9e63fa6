/** A place in an environment's log. */
export interface Cursor {
  environmentId: string;
  /** Rises when the database was set back; a cursor of an earlier epoch may stand for events that are no more. */
  epoch: number;
  /** The position of the last event seen; 0 before the first. */
  position: number;
}

/**
 * Cursor ↔ text. Opaque to vendors, so that what is in it may change; the environment is in it so that a cursor carried
 * over from another environment is refused instead of read as a place in this one.
 */
export function encodeCursor(cursor: Cursor): string {
  const bytes = Buffer.alloc(1 + 16 + 4 + 8);
  bytes.writeUInt8(1, 0);
  Buffer.from(cursor.environmentId.replaceAll('-', ''), 'hex').copy(bytes, 1);
  bytes.writeUInt32BE(cursor.epoch, 17);
  bytes.writeBigUInt64BE(BigInt(cursor.position), 21);
  return bytes.toString('base64url');
}

/** `undefined` for what is not a cursor of that environment. */
export function decodeCursor(text: string, environmentId: string): Cursor | undefined {
  if (!/^[A-Za-z0-9_-]{39}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== 29 || bytes.readUInt8(0) !== 1) return undefined;
  if (bytes.subarray(1, 17).toString('hex') !== environmentId.replaceAll('-', '')) return undefined;
  const position = bytes.readBigUInt64BE(21);
  if (position > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return { environmentId, epoch: bytes.readUInt32BE(17), position: Number(position) };
}
