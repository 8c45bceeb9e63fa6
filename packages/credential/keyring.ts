import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** What was sealed cannot be opened: another ENCRYPTION_KEY, another row's value, or damage. */
export class SealBroken extends Error {
  constructor(context: string) {
    super(`cannot decrypt ${context}: it was encrypted with another ENCRYPTION_KEY, or has been changed`);
  }
}

/** The keys of what this installation makes for others to bring back: they outlive every ENCRYPTION_KEY. 32 bytes each. */
export interface MarkKeys {
  marking: Buffer;
  succession: Buffer;
}

interface SealingKey {
  fingerprint: string;
  key: Buffer;
  /** What marks were made with before installations had keys for that of their own. */
  marks: MarkKeys;
}

const version = 1;
const ivBytes = 12;
const tagBytes = 16;

/**
 * Everything that ENCRYPTION_KEY (32 bytes) is used for, each use with a key of its own derived from it (HKDF, RFC 5869). What was
 * sealed with one of the `previous` keys is opened too.
 *
 * Sealed values are AES-256-GCM: version byte, nonce, tag, ciphertext. `context` names the row that the value belongs to
 * (`webhook_secret:<id>`) and is authenticated with it, so that a value copied into another row does not open.
 */
export class Keyring {
  readonly #current: SealingKey;
  readonly #previous: SealingKey[];
  #marks: MarkKeys;

  constructor(encryptionKey: Buffer, previous: readonly Buffer[] = []) {
    this.#current = sealingKey(encryptionKey);
    this.#previous = previous.map(sealingKey).filter(({ fingerprint }) => fingerprint !== this.#current.fingerprint);
    this.#marks = this.#current.marks;
  }

  /** Tells the key that seals from others, and nothing of what it is. */
  get fingerprint(): string {
    return this.#current.fingerprint;
  }

  /** Of every key that opens. */
  get fingerprints(): string[] {
    return [this.#current, ...this.#previous].map(({ fingerprint }) => fingerprint);
  }

  encrypt(plain: string | Buffer, context: string): Buffer {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#current.key, iv).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([Buffer.of(version), iv, cipher.getAuthTag(), sealed]);
  }

  /** @throws SealBroken */
  decrypt(sealed: Buffer, context: string): Buffer {
    return this.#open(sealed, context).plain;
  }

  /** The fingerprint of the key that a value was sealed with. @throws SealBroken */
  sealedWith(sealed: Buffer, context: string): string {
    return this.#open(sealed, context).fingerprint;
  }

  /** What marks are made with from now on, and known by. Until then: with keys derived from ENCRYPTION_KEY. */
  markWith(keys: MarkKeys): void {
    this.#marks = keys;
  }

  /** The keys that marks were made with while they were derived from the ENCRYPTION_KEY of that fingerprint. */
  derivedMarks(fingerprint: string): MarkKeys | undefined {
    return [this.#current, ...this.#previous].find((one) => one.fingerprint === fingerprint)?.marks;
  }

  /** A mark by which this installation knows that it made `text` itself. 9 bytes: forging one takes 2^72 requests. */
  mark(text: string): Buffer {
    return createHmac('sha256', this.#marks.marking).update(text).digest().subarray(0, 9);
  }

  /**
   * 24 bytes that follow from a secret, and that nobody without the installation's keys can tell from random ones: the same secret gives
   * the same bytes again, so its successor can be told twice without having been kept.
   */
  successionOf(secret: string): Buffer {
    return createHmac('sha256', this.#marks.succession).update(secret).digest().subarray(0, 24);
  }

  #open(sealed: Buffer, context: string): { plain: Buffer; fingerprint: string } {
    for (const { key, fingerprint } of [this.#current, ...this.#previous]) {
      const plain = opened(key, sealed, context);
      if (plain) return { plain, fingerprint };
    }
    throw new SealBroken(context);
  }
}

function opened(key: Buffer, sealed: Buffer, context: string): Buffer | undefined {
  if (sealed[0] !== version || sealed.length < 1 + ivBytes + tagBytes) return undefined;
  const iv = sealed.subarray(1, 1 + ivBytes);
  const tag = sealed.subarray(1 + ivBytes, 1 + ivBytes + tagBytes);
  const decipher = createDecipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context)).setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(sealed.subarray(1 + ivBytes + tagBytes)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function sealingKey(encryptionKey: Buffer): SealingKey {
  if (encryptionKey.length !== 32) throw new Error('ENCRYPTION_KEY must hold 32 bytes');
  return {
    fingerprint: derive(encryptionKey, 'causeway fingerprint v1').toString('hex', 0, 16),
    key: derive(encryptionKey, 'causeway sealing v1'),
    marks: { marking: derive(encryptionKey, 'causeway marking v1'), succession: derive(encryptionKey, 'causeway succession v1') },
  };
}

function derive(key: Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), use, 32));
}
