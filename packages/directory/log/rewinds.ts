import { prepared, type Queryable } from '#postgres';
import { type FeedEpoch, firstEpochName } from '../writing/epoch';

/** A rewind, as the log remembers it. */
export interface Rewind {
  /** The number of the epoch that it began. */
  number: number;
  /** Null: of a release that gave no names; the one before it went on. */
  name: string | null;
  /** Up to this position the epoch's log is that of the ones before. */
  position: number;
}

interface RewindRow extends Rewind {
  at: Date;
}

const selectRewinds = prepared<RewindRow>(
  'rewinds_of_feed',
  `
  select epoch as number, name, position, at
    from feed_rewinds
   where environment_id = $1
   order by epoch`,
);

/**
 * The position from which a cursor of another epoch goes on: positions above it may by now stand for other events than those that its
 * holder saw.
 */
export async function safePosition(
  db: Queryable,
  { environmentId, ...place }: { environmentId: string; epoch: FeedEpoch; position: number },
): Promise<number> {
  return commonPosition(place, await selectRewinds.run(db, [environmentId]));
}

/** Where an environment's log was rewound to since a time; `undefined` where it was not. */
export async function rewoundSince(
  db: Queryable,
  { environmentId, time }: { environmentId: string; time: Date },
): Promise<number | undefined> {
  const rewinds = await selectRewinds.run(db, [environmentId]);
  const positions = rewinds.filter(({ at }) => at > time).map(({ position }) => position);
  return positions.length === 0 ? undefined : Math.min(...positions);
}

/** An epoch of this very history, by its number. */
export async function findEpoch(db: Queryable, { environmentId, number }: { environmentId: string; number: number }): Promise<FeedEpoch> {
  const rewinds = await selectRewinds.run(db, [environmentId]);
  const began = rewinds.find((rewind) => rewind.number === number)?.position ?? 0;
  return { number, name: nameAmong(rewinds, number), began, previous: nameAmong(rewinds, number - 1) };
}

function nameAmong(rewinds: readonly Rewind[], number: number): string {
  return rewinds.findLast((rewind) => rewind.number <= number && rewind.name !== null)?.name ?? firstEpochName;
}

/** How far the log of these rewinds is that in which a place lies. Too little is safe: what was seen is seen again. */
export function commonPosition({ epoch, position }: { epoch: FeedEpoch; position: number }, rewinds: readonly Rewind[]): number {
  const last = rewinds.at(-1)?.number ?? 1;
  const nameOf = (number: number): string | undefined => (number < 1 || number > last ? undefined : nameAmong(rewinds, number));
  const after = (number: number): number[] => rewinds.filter((rewind) => rewind.number > number).map((rewind) => rewind.position);

  if (nameOf(epoch.number) === epoch.name) return Math.min(position, ...after(epoch.number));
  // Begun in a history that is no more: the restore came after it, to a backup from before it.
  if (nameOf(epoch.number - 1) === epoch.previous) return Math.min(position, epoch.began, ...after(epoch.number - 1));
  return 0;
}
