/**
 * One idea: proving who is calling. Issue, parse, hash, compare; and seal what must be read back.
 *
 * The only importer of bcrypt. Knows no table and no request: rows and headers are its callers' affair. Must not import
 * anything of ours but `bounds` and `identifier`.
 */
export { generateApiKey, isApiKey, hashSecret, secretsEqual } from './api-key';
export { BearerTokens, type IssuedBearerToken } from './bearer-token';
export { type Hashed, Hashing, HashingBusy } from './hashing';
export { Keyring, type MarkKeys, SealBroken } from './keyring';
export { isSecretOf, issueSecret, rowIdOfSecret, secretKinds, succeedSecret, type IssuedSecret, type SecretKind } from './marked-secret';
export { hashPassword, Passwords, shortestPassword, verifyPassword } from './password';
