/**
 * One idea: proving who is calling. Issue, parse, hash, compare; and seal what must be read back.
 *
 * The only importer of bcrypt. Knows no table and no request: rows and headers are its callers' affair. Must not import
 * anything of ours but `identifier`.
 */
export { generateApiKey, isApiKey, hashSecret, secretsEqual } from './api-key';
export { BearerTokens, type IssuedBearerToken } from './bearer-token';
export { Keyring, type MarkKeys, SealBroken } from './keyring';
export { isSecretOf, issueSecret, rowIdOfSecret, secretKinds, succeedSecret, type IssuedSecret, type SecretKind } from './marked-secret';
export { hashPassword, shortestPassword, verifyPassword } from './password';
