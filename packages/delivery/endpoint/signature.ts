import { createHmac, createPrivateKey, createSecretKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';

/** What one of an endpoint's secrets signs with. */
export interface SigningKey {
  /** `v1`: HMAC-SHA256; docs/decisions/0010-signatures-by-node.md. */
  symmetric: KeyObject;
  /** `v1a`: Ed25519, for those who would rather hold a public key than a secret. */
  asymmetric: KeyObject;
  /** Set while a secret rotates: from then on it signs no more. */
  expiresAt: Date | null;
}

/** A webhook's body and what is signed of it, which ends with the body: one copy for both. */
export interface SignedContent {
  signed: Buffer;
  body: Buffer;
}

export function signedContent(webhookId: string, at: Date, json: string): SignedContent {
  const before = `${webhookId}.${timestamp(at)}.`;
  const signed = Buffer.from(before + json);
  return { signed, body: signed.subarray(before.length) };
}

/** The value of `webhook-timestamp`. */
export function timestamp(at: Date): string {
  return String(Math.floor(at.getTime() / 1_000));
}

/** The value of `webhook-signature`: of each key that is still good, both signatures, newest key first. */
export async function signatureHeader(keys: readonly SigningKey[], at: Date, signed: Buffer): Promise<string> {
  const good = keys.filter((key) => key.expiresAt === null || key.expiresAt > at);
  const signatures = await Promise.all(
    good.map(async (key) => {
      // More work than all the rest of an attempt, so it is done on the thread pool. Names that are slow to resolve cannot
      // hold it up: libuv gives them half of the threads at most.
      const asymmetric = signEd25519(null, signed, key.asymmetric);
      const symmetric = createHmac('sha256', key.symmetric).update(signed).digest('base64');
      return `v1,${symmetric} v1a,${(await asymmetric).toString('base64')}`;
    }),
  );
  return signatures.join(' ');
}

const signEd25519 = promisify<null, Buffer, KeyObject, Buffer>(sign);

export interface NewSecret {
  /** `whsec_…`, 32 random bytes. */
  secret: string;
  /** Ed25519, PKCS #8. */
  privateKey: Buffer;
  /** `whpk_…`, the 32 bytes of the public key. */
  publicKey: string;
}

export function newSecret(): NewSecret {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    secret: `whsec_${randomBytes(32).toString('base64')}`,
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }),
    // The last 32 bytes of an Ed25519 SubjectPublicKeyInfo are the key itself (RFC 8410 §4).
    publicKey: `whpk_${publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')}`,
  };
}

export function signingKey(secret: string, privateKey: Buffer, expiresAt: Date | null): SigningKey {
  return {
    symmetric: createSecretKey(Buffer.from(secret.replace(/^whsec_/, ''), 'base64')),
    asymmetric: createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' }),
    expiresAt,
  };
}
