/**
 * The keys of an installation: whether ENCRYPTION_KEY is the one that its database knows, what is encrypted with it and where, and
 * how it is changed for another.
 *
 * Knows where sealed values lie, and nothing of what they are for. Must not import the packages whose tables those are: it is asked
 * before any of them may be used.
 */
export { admitKeys, isKeyNeeded, KeyRefused } from './admission';
export { reencrypt, type Reencrypted, type ReencryptionProgress, watchName } from './reencryption';
export { sealedColumns, type SealedColumn } from './sealed-columns';
