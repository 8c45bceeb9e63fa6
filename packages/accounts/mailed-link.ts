import { randomBytes } from 'node:crypto';
import { hashSecret } from '#credential';

/** The secret of a link that is mailed, and what is kept of it. No prefix that logs blank: where there is no mail server, the log is where it is read. */
export function newLinkSecret(): { secret: string; hash: Buffer } {
  const secret = randomBytes(32).toString('base64url');
  return { secret, hash: hashSecret(secret) };
}

/** The hash by which a link is found; `undefined` for what cannot be one. */
export function linkHash(secret: string): Buffer | undefined {
  return /^[A-Za-z0-9_-]{43}$/.test(secret) ? hashSecret(secret) : undefined;
}
