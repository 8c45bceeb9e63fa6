import { randomBytes, timingSafeEqual } from 'node:crypto';
import { hashSecret } from './api-key';
import type { Keyring } from './keyring';

/** The secrets that carry a mark, by what they begin with. */
export const secretKinds = {
  cwt: 'SCIM bearer token',
  cws: 'OAuth client secret',
  cwc: 'OAuth authorization code',
  cwa: 'OAuth access token',
  cwr: 'OAuth refresh token',
  cwl: 'setup link',
  cwp: "session of the setup page, in its browser's cookie",
} as const;

export type SecretKind = keyof typeof secretKinds;

export interface IssuedSecret {
  /** Shown once. */
  secret: string;
  /** SHA-256; what is kept. */
  hash: Buffer;
}

const idCharacters = 22;
const markCharacters = 12;

// RFC 6749 §10.10 wants a guess to succeed once in 2^160. A bearer token has 128 bits, to stay under the 72 bytes that bcrypt
// reads; its mark and its row's id stand before a guess as well.
const randomBytesOf = (kind: SecretKind): number => (kind === 'cwt' ? 16 : 24);

/**
 * A new secret: its kind, `_`, then in base64url the id of the row that keeps its hash (22 characters), random bytes (32; 22 in a
 * bearer token), and this installation's mark over all of that (12).
 *
 * The id finds the row by one indexed read. The mark turns away whatever this installation did not make before anything is
 * looked up: a flood of invented secrets costs an HMAC each.
 */
export function issueSecret(keyring: Keyring, kind: SecretKind, rowId: string): IssuedSecret {
  return marked(keyring, kind, rowId, randomBytes(randomBytesOf(kind)));
}

/**
 * The secret that takes another one's place in the same row. It follows from the one before it, so that whoever lost the answer
 * can be told it again, while only its hash is kept.
 */
export function succeedSecret(keyring: Keyring, kind: Exclude<SecretKind, 'cwt'>, rowId: string, before: string): IssuedSecret {
  return marked(keyring, kind, rowId, keyring.successionOf(before));
}

/** The row's id in a secret of that kind that this installation made; `undefined` for anything else. */
export function rowIdOfSecret(keyring: Keyring, kind: SecretKind, text: string): string | undefined {
  if (text.length !== lengthOf(kind) || !text.startsWith(`${kind}_`)) return undefined;
  const mark = Buffer.from(text.slice(-markCharacters), 'base64url');
  const expected = keyring.mark(text.slice(0, -markCharacters));
  if (mark.length !== expected.length || !timingSafeEqual(mark, expected)) return undefined;
  const digits = Buffer.from(text.slice(4, 4 + idCharacters), 'base64url').toString('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

/** Whether a secret is the one whose hash is kept, in a time that says nothing of either. */
export function isSecretOf(secret: string, hash: Buffer): boolean {
  const given = hashSecret(secret);
  return given.length === hash.length && timingSafeEqual(given, hash);
}

function marked(keyring: Keyring, kind: SecretKind, rowId: string, bytes: Buffer): IssuedSecret {
  const unmarked = `${kind}_${Buffer.from(rowId.replaceAll('-', ''), 'hex').toString('base64url')}${bytes.toString('base64url')}`;
  const secret = `${unmarked}${keyring.mark(unmarked).toString('base64url')}`;
  return { secret, hash: hashSecret(secret) };
}

/** 60 characters for a bearer token, 70 for the others. */
function lengthOf(kind: SecretKind): number {
  return 4 + idCharacters + Math.ceil((randomBytesOf(kind) * 4) / 3) + markCharacters;
}
