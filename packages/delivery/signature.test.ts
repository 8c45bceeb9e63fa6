import { createPublicKey, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { newSecret, signatureHeader, type SigningKey, signingKey } from './signature';

const id = 'evt_0123';
const body = JSON.stringify({ hello: 'wörld' });

function headersAt(at: Date, keys: SigningKey[]): Record<string, string> {
  return { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)), 'webhook-signature': signatureHeader(keys, id, at, body) };
}

test('the official library verifies it, and nothing that was changed', () => {
  const made = newSecret();
  expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const headers = headersAt(new Date(), [signingKey(made.secret, made.privateKey, null)]);
  expect(new Webhook(made.secret).verify(body, headers)).toEqual({ hello: 'wörld' });
  expect(() => new Webhook(made.secret).verify(`${body} `, headers)).toThrow();
  expect(() => new Webhook(newSecret().secret).verify(body, headers)).toThrow();
});

test('v1a is verified with the public key alone', () => {
  const made = newSecret();
  const at = new Date();
  const header = signatureHeader([signingKey(made.secret, made.privateKey, null)], id, at, body);
  const [, signature = ''] = /v1a,(\S+)/.exec(header) ?? [];
  expect(made.publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
  const raw = Buffer.from(made.publicKey.slice('whpk_'.length), 'base64');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
  const signed = `${id}.${Math.floor(at.getTime() / 1_000)}.${body}`;
  expect(verify(null, Buffer.from(signed), publicKey, Buffer.from(signature, 'base64'))).toBe(true);
  expect(verify(null, Buffer.from(`${signed} `), publicKey, Buffer.from(signature, 'base64'))).toBe(false);
});

test('while a secret rotates both sign, and then the new one alone', () => {
  const [before, after] = [newSecret(), newSecret()];
  const expiresAt = new Date(Date.now() + 1_000);
  const keys = [signingKey(after.secret, after.privateKey, null), signingKey(before.secret, before.privateKey, expiresAt)];
  const during = headersAt(new Date(), keys);
  expect(during['webhook-signature']!.split(' ').map((signature) => signature.split(',')[0])).toEqual(['v1', 'v1a', 'v1', 'v1a']);
  for (const { secret } of [before, after]) new Webhook(secret).verify(body, during);

  const later = headersAt(expiresAt, keys);
  new Webhook(after.secret).verify(body, later);
  expect(() => new Webhook(before.secret).verify(body, later)).toThrow();
});
