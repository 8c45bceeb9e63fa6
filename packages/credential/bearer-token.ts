import { createHash, timingSafeEqual } from 'node:crypto';
import { compare, hash } from 'bcrypt';
import { Hashing } from './hashing';
import type { Keyring } from './keyring';
import { issueSecret, rowIdOfSecret } from './marked-secret';

export interface IssuedBearerToken {
  /** Shown once. */
  token: string;
  /** bcrypt; what is kept. */
  hash: string;
}

// 2^10 rounds: about 70 ms on a server core. The token's secret half has 128 random bits, so the cost is a second
// lock on a leaked table, not the first.
const cost = 10;

/**
 * SCIM bearer tokens, `cwt_…`: marked secrets of 60 characters, under bcrypt's 72 bytes.
 *
 * A token that has been verified is remembered under the very hash that it was verified against: a replaced token is
 * another row with another hash, so what is remembered ends with the row, on every process and with no message
 * between them. The caller reads the row on every request.
 */
export class BearerTokens {
  readonly #keyring: Keyring;
  readonly #atMost: number;
  readonly #hashing: Hashing;
  readonly #verified = new Map<string, Buffer>();
  readonly #underWay = new Map<string, Promise<boolean>>();

  /** So many tokens are remembered; the one that was verified first is forgotten. `hashing`: what else the process hashes goes by it too. */
  constructor(keyring: Keyring, { atMost, hashing = new Hashing() }: { atMost: number; hashing?: Hashing }) {
    this.#keyring = keyring;
    this.#atMost = atMost;
    this.#hashing = hashing;
  }

  /** @throws HashingBusy */
  async issue(rowId: string): Promise<IssuedBearerToken> {
    const { secret } = issueSecret(this.#keyring, 'cwt', rowId);
    return { token: secret, hash: await this.#hashing.run('new_token', () => hash(secret, cost)) };
  }

  /** The row's id in a token that this installation made; `undefined` for anything else, for the price of an HMAC. */
  rowIdOf(token: string): string | undefined {
    return rowIdOfSecret(this.#keyring, 'cwt', token);
  }

  /** Whether a token is the one of a row's hash. bcrypt runs on the first use of a token in this process only. */
  async verify(token: string, rowHash: string): Promise<boolean> {
    const fingerprint = createHash('sha256').update(token).digest();
    const known = this.#verified.get(rowHash);
    if (known) return timingSafeEqual(known, fingerprint);

    // Requests that arrive together share one comparison.
    const key = `${rowHash}${fingerprint.toString('base64')}`;
    let comparison = this.#underWay.get(key);
    if (!comparison) {
      comparison = this.#hashing.run('token', () => compare(token, rowHash)).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, comparison);
    }
    const right = await comparison;
    if (right) this.#remember(rowHash, fingerprint);
    return right;
  }

  #remember(rowHash: string, fingerprint: Buffer): void {
    if (this.#verified.size >= this.#atMost) {
      const oldest = this.#verified.keys().next();
      if (!oldest.done) this.#verified.delete(oldest.value);
    }
    this.#verified.set(rowHash, fingerprint);
  }
}
