import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A new API key: `cwk_` and 256 random bits. */
export function generateApiKey(): string {
  return `cwk_${randomBytes(32).toString('base64url')}`;
}

const shape = /^cwk_[A-Za-z0-9_-]{32,200}$/;

/** Whether a text could be an API key at all; anything else need not be looked up. */
export function isApiKey(text: string): boolean {
  return shape.test(text);
}

/** SHA-256. Enough for secrets that nobody chose: what has 190 bits of its own cannot be guessed from its hash. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Compares two secrets in a time that says nothing of them, their lengths included. */
export function secretsEqual(a: string, b: string): boolean {
  return timingSafeEqual(hashSecret(a), hashSecret(b));
}
