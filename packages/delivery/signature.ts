import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** What one of an endpoint's secrets signs with. */
export interface SigningKey {
  /** `v1`: HMAC-SHA256, made by the library that vendors verify with. */
  symmetric: Webhook;
  /** `v1a`: Ed25519, for those who would rather hold a public key than a secret. */
  asymmetric: KeyObject;
  /** Set while a secret rotates: from then on it signs no more. */
  expiresAt: Date | null;
}

/** The value of `webhook-signature`: of each key that is still good, both signatures, newest key first. */
export function signatureHeader(keys: readonly SigningKey[], webhookId: string, at: Date, body: string): string {
  const signed = Buffer.from(`${webhookId}.${Math.floor(at.getTime() / 1000)}.${body}`);
  return keys
    .filter((key) => key.expiresAt === null || key.expiresAt > at)
    .map((key) => `${key.symmetric.sign(webhookId, at, body)} v1a,${sign(null, signed, key.asymmetric).toString('base64')}`)
    .join(' ');
}

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
    symmetric: new Webhook(secret),
    asymmetric: createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' }),
    expiresAt,
  };
}
