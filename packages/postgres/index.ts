/**
 * The ground that every package with tables stands on: statements with a name, transactions, and what an error of the database means.
 *
 * Knows no table. Imports nothing but pg, and nothing of ours: whoever owns tables may import it.
 */
export { Lookups } from './lookups';
export { CommitUnanswered, isOutage, isPoolFull, isRolledBack } from './outage';
export { type BytePage, bytePage, isWithin, type OfPage, weighed } from './page-bytes';
export { ask, firstId, lastId, prepared, type Prepared, type Queryable, violates } from './prepared';
export { isReadOnly, noteWhereWritable } from './read-only';
export { inOneFlush, inTransaction, inTransactionOn, transaction, type Transaction } from './transaction';
export { triedAgain, triesAgainAtMost } from './tried-again';
