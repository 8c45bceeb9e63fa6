import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { newId } from '#identifier';
import {
  BearerTokens,
  Keyring,
  SealBroken,
  type SecretKind,
  generateApiKey,
  isApiKey,
  isSecretOf,
  issueSecret,
  rowIdOfSecret,
  secretKinds,
  secretsEqual,
  succeedSecret,
} from './index';

const keyring = new Keyring(randomBytes(32));

test('a bearer token names its row, fits bcrypt, and only its own hash knows it', async () => {
  const tokens = new BearerTokens(keyring, { atMost: 10 });
  const id = newId();
  const issued = await tokens.issue(id);

  expect(issued.token).toMatch(/^cwt_[A-Za-z0-9_-]{56}$/);
  expect(tokens.rowIdOf(issued.token)).toBe(id);
  expect(await tokens.verify(issued.token, issued.hash)).toBe(true);
  expect(await tokens.verify(issued.token, issued.hash)).toBe(true);
  const other = await tokens.issue(id);
  expect(await tokens.verify(other.token, issued.hash)).toBe(false);
  expect(await tokens.verify(issued.token, other.hash)).toBe(false);
});

test('a token that this installation did not make is not looked up', async () => {
  const tokens = new BearerTokens(keyring, { atMost: 10 });
  const foreign = await new BearerTokens(new Keyring(randomBytes(32)), { atMost: 10 }).issue(newId());
  expect(tokens.rowIdOf(foreign.token)).toBeUndefined();
  fc.assert(fc.property(fc.string({ minLength: 56, maxLength: 56 }), (text) => tokens.rowIdOf(`cwt_${text}`) === undefined));
});

test('one changed character makes a token garbage', async () => {
  const tokens = new BearerTokens(keyring, { atMost: 10 });
  const { token } = await tokens.issue(newId());
  for (let i = 0; i < token.length; i++) {
    const changed = token.slice(0, i) + (token[i] === 'A' ? 'Q' : 'A') + token.slice(i + 1);
    expect([i, tokens.rowIdOf(changed)]).toEqual([i, undefined]);
  }
});

test('what is sealed opens with the same key and context alone', () => {
  const sealed = keyring.encrypt('whsec_x', 'webhook_secret:1');
  expect(keyring.decrypt(sealed, 'webhook_secret:1').toString()).toBe('whsec_x');
  expect(() => keyring.decrypt(sealed, 'webhook_secret:2')).toThrow(SealBroken);
  expect(() => new Keyring(randomBytes(32)).decrypt(sealed, 'webhook_secret:1')).toThrow(SealBroken);
  expect(() => keyring.decrypt(Buffer.alloc(3), 'webhook_secret:1')).toThrow(SealBroken);
});

test('API keys have their shape, and compare whole', () => {
  const key = generateApiKey();
  expect(isApiKey(key)).toBe(true);
  expect(isApiKey('cwk_short')).toBe(false);
  expect(secretsEqual(key, key)).toBe(true);
  expect(secretsEqual(key, generateApiKey())).toBe(false);
});

const longKinds = (Object.keys(secretKinds) as SecretKind[]).filter((kind): kind is Exclude<SecretKind, 'cwt'> => kind !== 'cwt');

test.each(longKinds)('%s_… names its row, and only its own hash knows it', (kind) => {
  const id = newId();
  const issued = issueSecret(keyring, kind, id);
  expect(issued.secret).toMatch(new RegExp(`^${kind}_[A-Za-z0-9_-]{66}$`));
  expect(rowIdOfSecret(keyring, kind, issued.secret)).toBe(id);
  expect(isSecretOf(issued.secret, issued.hash)).toBe(true);
  const other = issueSecret(keyring, kind, id);
  expect(isSecretOf(other.secret, issued.hash)).toBe(false);
  expect(isSecretOf(issued.secret, Buffer.alloc(0))).toBe(false);
});

test('a secret of one kind is none of another, though only its prefix differs', () => {
  for (const one of longKinds) {
    const { secret } = issueSecret(keyring, one, newId());
    for (const other of longKinds) {
      expect([one, other, rowIdOfSecret(keyring, other, secret.replace(one, other)) !== undefined]).toEqual([one, other, one === other]);
    }
  }
});

test('one changed character makes any secret garbage, and so does another installation', () => {
  const { secret } = issueSecret(keyring, 'cwr', newId());
  for (let i = 0; i < secret.length; i++) {
    const changed = secret.slice(0, i) + (secret[i] === 'A' ? 'Q' : 'A') + secret.slice(i + 1);
    expect([i, rowIdOfSecret(keyring, 'cwr', changed)]).toEqual([i, undefined]);
  }
  expect(rowIdOfSecret(new Keyring(randomBytes(32)), 'cwr', secret)).toBeUndefined();
});

test("a successor can be told again, and by nobody without the installation's key", () => {
  const id = newId();
  const first = issueSecret(keyring, 'cwr', id).secret;
  const second = succeedSecret(keyring, 'cwr', id, first);
  expect(succeedSecret(keyring, 'cwr', id, first)).toEqual(second);
  expect(rowIdOfSecret(keyring, 'cwr', second.secret)).toBe(id);
  const others = [succeedSecret(keyring, 'cwr', id, second.secret), succeedSecret(new Keyring(randomBytes(32)), 'cwr', id, first)];
  for (const { secret } of others) expect([first, second.secret]).not.toContain(secret);
});
