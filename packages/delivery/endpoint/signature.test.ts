import { createPublicKey, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { newSecret, signatureHeader, signedContent, type SigningKey, signingKey, timestamp } from './signature';

const id = 'evt_0123';
const body = JSON.stringify({ hello: 'wörld' });

async function headersAt(at: Date, keys: SigningKey[]): Promise<Record<string, string>> {
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp(at),
    'webhook-signature': await signatureHeader(keys, at, signedContent(id, at, body).signed),
  };
}

test('the official library verifies it, and nothing that was changed', async () => {
  const made = newSecret();
  expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const headers = await headersAt(new Date(), [signingKey(made.secret, made.privateKey, null)]);
  expect(new Webhook(made.secret).verify(body, headers)).toEqual({ hello: 'wörld' });
  expect(() => new Webhook(made.secret).verify(`${body} `, headers)).toThrow();
  expect(() => new Webhook(newSecret().secret).verify(body, headers)).toThrow();
});

test('it is what the official library makes, byte for byte, also of long bodies and with a secret without its prefix', async () => {
  const at = new Date();
  for (const long of [body, JSON.stringify({ name: 'é🙂'.repeat(50_000) }), '']) {
    const { secret, privateKey } = newSecret();
    for (const given of [secret, secret.replace('whsec_', '')]) {
      const content = signedContent(id, at, long);
      const [ours] = (await signatureHeader([signingKey(given, privateKey, null)], at, content.signed)).split(' ');
      expect(ours).toBe(new Webhook(secret).sign(id, at, long));
      expect(content.body.toString()).toBe(long);
    }
  }
});

test('v1a is verified with the public key alone', async () => {
  const made = newSecret();
  const at = new Date();
  const header = await signatureHeader([signingKey(made.secret, made.privateKey, null)], at, signedContent(id, at, body).signed);
  const [, signature = ''] = /v1a,(\S+)/.exec(header) ?? [];
  expect(made.publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
  const raw = Buffer.from(made.publicKey.slice('whpk_'.length), 'base64');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
  const signed = `${id}.${Math.floor(at.getTime() / 1_000)}.${body}`;
  expect(verify(null, Buffer.from(signed), publicKey, Buffer.from(signature, 'base64'))).toBe(true);
  expect(verify(null, Buffer.from(`${signed} `), publicKey, Buffer.from(signature, 'base64'))).toBe(false);
});

test('while a secret rotates both sign, and then the new one alone', async () => {
  const [before, after] = [newSecret(), newSecret()];
  const expiresAt = new Date(Date.now() + 60_000);
  const keys = [signingKey(after.secret, after.privateKey, null), signingKey(before.secret, before.privateKey, expiresAt)];
  const during = await headersAt(new Date(), keys);
  expect(during['webhook-signature']!.split(' ').map((signature) => signature.split(',')[0])).toEqual(['v1', 'v1a', 'v1', 'v1a']);
  for (const { secret } of [before, after]) new Webhook(secret).verify(body, during);

  const later = await headersAt(expiresAt, keys);
  new Webhook(after.secret).verify(body, later);
  expect(() => new Webhook(before.secret).verify(body, later)).toThrow();
});
