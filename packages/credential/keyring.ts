import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** What was sealed cannot be opened: another ENCRYPTION_KEY, another row's value, or damage. */
export class SealBroken extends Error {
  constructor(context: string) {
    super(`cannot decrypt ${context}: it was encrypted with another ENCRYPTION_KEY, or has been changed`);
  }
}

const version = 1;
const ivBytes = 12;
const tagBytes = 16;

/**
 * Everything that ENCRYPTION_KEY (32 bytes) is used for, each use with a key of its own derived from it (HKDF, RFC 5869).
 *
 * Sealed values are AES-256-GCM: version byte, nonce, tag, ciphertext. `context` names the row that the value belongs to
 * (`webhook_secret:<id>`) and is authenticated with it, so that a value copied into another row does not open.
 */
export class Keyring {
  readonly #sealing: Buffer;
  readonly #marking: Buffer;
  readonly #succession: Buffer;

  constructor(encryptionKey: Buffer) {
    if (encryptionKey.length !== 32) throw new Error('ENCRYPTION_KEY must hold 32 bytes');
    this.#sealing = derive(encryptionKey, 'causeway sealing v1');
    this.#marking = derive(encryptionKey, 'causeway marking v1');
    this.#succession = derive(encryptionKey, 'causeway succession v1');
  }

  encrypt(plain: string | Buffer, context: string): Buffer {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#sealing, iv).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([Buffer.of(version), iv, cipher.getAuthTag(), sealed]);
  }

  /** @throws SealBroken */
  decrypt(sealed: Buffer, context: string): Buffer {
    if (sealed[0] !== version || sealed.length < 1 + ivBytes + tagBytes) throw new SealBroken(context);
    const iv = sealed.subarray(1, 1 + ivBytes);
    const tag = sealed.subarray(1 + ivBytes, 1 + ivBytes + tagBytes);
    const decipher = createDecipheriv('aes-256-gcm', this.#sealing, iv).setAAD(Buffer.from(context)).setAuthTag(tag);
    try {
      return Buffer.concat([decipher.update(sealed.subarray(1 + ivBytes + tagBytes)), decipher.final()]);
    } catch {
      throw new SealBroken(context);
    }
  }

  /** A mark by which this installation knows that it made `text` itself. 9 bytes: forging one takes 2^72 requests. */
  mark(text: string): Buffer {
    return createHmac('sha256', this.#marking).update(text).digest().subarray(0, 9);
  }

  /**
   * 24 bytes that follow from a secret, and that nobody without ENCRYPTION_KEY can tell from random ones: the same secret gives
   * the same bytes again, so its successor can be told twice without having been kept.
   */
  successionOf(secret: string): Buffer {
    return createHmac('sha256', this.#succession).update(secret).digest().subarray(0, 24);
  }
}

function derive(key: Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), use, 32));
}
