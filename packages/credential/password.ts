import { createHash } from 'node:crypto';
import { compare, hash } from 'bcrypt';
import type { Hashing } from './hashing';

// 2^12 rounds: about 280 ms on a server core. A password is chosen by a person, so the cost is what stands between a leaked
// table and the password; signing in is rare enough to pay it.
const cost = 12;

/** The fewest characters that a password may have. */
export const shortestPassword = 10;

/** Passwords, hashed and verified in their turn: what the process hashes besides goes by the same `hashing`. */
export class Passwords {
  readonly #hashing: Hashing;

  constructor(hashing: Hashing) {
    this.#hashing = hashing;
  }

  /** @throws HashingBusy */
  async hash(password: string): Promise<string> {
    return this.#hashing.run('password', () => hashPassword(password));
  }

  /** @throws HashingBusy */
  async verify(password: string, passwordHash: string | undefined): Promise<boolean> {
    return this.#hashing.run('password', () => verifyPassword(password, passwordHash));
  }
}

/** A password as it is kept: bcrypt, with a salt of its own. At once: for a start or a command. Whoever serves strangers has `Passwords`. */
export async function hashPassword(password: string): Promise<string> {
  return hash(inBcryptsReach(password), cost);
}

/**
 * Whether a password is the one that was hashed. Without a hash (nobody has that e-mail address) it takes as long as with one,
 * and answers false: the time of a refusal tells nobody who has an account.
 */
export async function verifyPassword(password: string, passwordHash: string | undefined): Promise<boolean> {
  const right = await compare(inBcryptsReach(password), passwordHash ?? nobodys);
  return right && passwordHash !== undefined;
}

// Of a random text that was thrown away.
const nobodys = '$2b$12$CDeNejqy.vqUk5v.pZc6Se2FrwoRA40Fymf311/GjbmJUcffo/Wle';

// bcrypt reads 72 bytes and ends at a NUL. The digest of a password has 44 characters, whatever it is the digest of.
function inBcryptsReach(password: string): string {
  return createHash('sha256').update(password.normalize('NFC')).digest('base64');
}
