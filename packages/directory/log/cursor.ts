import { type FeedEpoch, firstEpochName } from '../writing/epoch';

/** A place in an environment's log. */
export interface Cursor {
  environmentId: string;
  /** A cursor of another epoch than the log's may stand for events that are no more. */
  epoch: FeedEpoch;
  /** The position of the last event seen; 0 before the first. */
  position: number;
}

/**
 * Cursor ↔ text. Opaque to vendors, so that what is in it may change; the environment is in it so that a cursor carried
 * over from another environment is refused instead of read as a place in this one.
 *
 * Version 1 is of the first epoch. What was begun by a rewind says besides how it hangs together with the one before: a log that was set
 * back to before that rewind has never heard of it.
 */
export function encodeCursor({ environmentId, epoch, position }: Cursor): string {
  const named = epoch.name !== firstEpochName;
  const bytes = Buffer.alloc(named ? longBytes : shortBytes);
  bytes.writeUInt8(named ? 2 : 1, 0);
  Buffer.from(environmentId.replaceAll('-', ''), 'hex').copy(bytes, 1);
  bytes.writeUInt32BE(epoch.number, 17);
  bytes.writeBigUInt64BE(BigInt(position), 21);
  if (named) {
    writeName(bytes, epoch.name, 29);
    bytes.writeBigUInt64BE(BigInt(epoch.began), 37);
    writeName(bytes, epoch.previous, 45);
  }
  return bytes.toString('base64url');
}

const shortBytes = 1 + 16 + 4 + 8;
const longBytes = shortBytes + 8 + 8 + 8;

/** `undefined` for what is not a cursor of that environment. */
export function decodeCursor(text: string, environmentId: string): Cursor | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text || bytes.length !== [0, shortBytes, longBytes][bytes[0] ?? 0]) return undefined;
  if (bytes.subarray(1, 17).toString('hex') !== environmentId.replaceAll('-', '')) return undefined;
  const named = bytes.length === longBytes;
  const position = numberAt(bytes, 21);
  const began = named ? numberAt(bytes, 37) : 0;
  if (position === undefined || began === undefined) return undefined;
  const [name, previous] = named ? [nameAt(bytes, 29), nameAt(bytes, 45)] : [firstEpochName, firstEpochName];
  return { environmentId, epoch: { number: bytes.readUInt32BE(17), name, began, previous }, position };
}

function numberAt(bytes: Buffer, at: number): number | undefined {
  const number = bytes.readBigUInt64BE(at);
  return number > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(number);
}

// Eight bytes; those of the first epoch are zeros, which none of the others draws.
function writeName(bytes: Buffer, name: string, at: number): void {
  if (name !== firstEpochName) Buffer.from(name, 'hex').copy(bytes, at);
}

function nameAt(bytes: Buffer, at: number): string {
  const name = bytes.subarray(at, at + 8).toString('hex');
  return /^0+$/.test(name) ? firstEpochName : name;
}
