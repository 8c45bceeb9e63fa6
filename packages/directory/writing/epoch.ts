import { randomBytes } from 'node:crypto';

/**
 * An epoch of an environment's log: it lasts until the database is set back. Positions of one epoch each stand for one event for ever;
 * those of two stand for the same events only as far as the two logs are one.
 */
export interface FeedEpoch {
  /** 1, 2, 3 … along one history of the database. Of two histories the same number may name two epochs. */
  number: number;
  /** What its events bear. Of two epochs that a rewind began the names never meet. */
  name: string;
  /** Up to this position its log is that of the one before. */
  began: number;
  /** The name of the one before. */
  previous: string;
}

/** The epoch before all rewinds. */
export const firstEpochName = '1';
export const firstEpoch: FeedEpoch = { number: 1, name: firstEpochName, began: 0, previous: firstEpochName };

/** A name for a new epoch: 64 random bits, so that a backup that is restored twice begins two. */
export function newEpochName(): string {
  return randomBytes(8).toString('hex');
}

/** Of `feed_heads h`. */
export const epochColumns = `
         h.epoch as epoch_number, h.epoch_name, h.epoch_began, h.epoch_previous`;

export interface EpochRow {
  epoch_number: number;
  epoch_name: string;
  epoch_began: number;
  epoch_previous: string;
}

export function epochOf(row: EpochRow): FeedEpoch {
  return { number: row.epoch_number, name: row.epoch_name, began: row.epoch_began, previous: row.epoch_previous };
}

export function isSameEpoch(one: FeedEpoch, other: FeedEpoch): boolean {
  return one.number === other.number && one.name === other.name;
}
