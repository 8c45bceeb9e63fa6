import type { Pool, PoolClient } from 'pg';
import { prepared } from '#postgres';
import { underFeedLock } from '../feed-lock';

/** A place in an environment's log that is kept under a name. */
export interface Consumer {
  name: string;
  /** Of the feed, when the place was committed. */
  epoch: number;
  /** The position of the last event that is done with; 0 before the first. */
  position: number;
  createdAt: Date;
  updatedAt: Date;
}

export class TooManyConsumers extends Error {
  constructor(readonly most: number) {
    super(`an environment may have ${most} consumers; delete one first`);
  }
}

// Each is a place that somebody reads from; more than this is a name made up for each read.
const consumersAtMost = 100;

const columns = `name, epoch, position, created_at as "createdAt", updated_at as "updatedAt"`;

const selectConsumer = prepared<Consumer>(
  'get_consumer',
  `
  select ${columns}
    from consumers
   where environment_id = $1
     and name = $2`,
);

export async function getConsumer(
  pool: Pool,
  { environmentId, name }: { environmentId: string; name: string },
): Promise<Consumer | undefined> {
  const [consumer] = await selectConsumer.run(pool, [environmentId, name]);
  return consumer;
}

const selectConsumers = prepared<Consumer>(
  'list_consumers',
  `
  select ${columns}
    from consumers
   where environment_id = $1
     and name > $2
   order by name
   limit $3`,
);

/** An environment's consumers by name, at most `limit`, after the one called `after`. */
export function listConsumers(
  pool: Pool,
  query: { environmentId: string; limit: number; after?: string | undefined },
): Promise<Consumer[]> {
  return selectConsumers.run(pool, [query.environmentId, query.after ?? '', query.limit]);
}

// Forward only: of two that read in one name, the slower one must not bring back what the faster is done with. After the
// database was set back, positions begin to mean other events, and the newer epoch's word counts: one that was held against the epoch
// before, and comes late, changes nothing.
const moveForward = prepared<Consumer>(
  'commit_consumer',
  `
  update consumers
     set position = case when epoch = $3 then greatest(position, $4) when epoch > $3 then position else $4 end,
         epoch = greatest(epoch, $3),
         updated_at = now()
   where environment_id = $1
     and name = $2
  returning ${columns}`,
);

const place = prepared<Consumer>(
  'place_consumer',
  `
  insert into consumers (environment_id, name, epoch, position)
  select $1, $2, $3, $4
   where (select count(*) from consumers where environment_id = $1) < $5
      or exists (select 1 from consumers where environment_id = $1 and name = $2)
  on conflict (environment_id, name) do update
     set epoch = excluded.epoch,
         position = excluded.position,
         updated_at = now()
  returning ${columns}`,
);

interface Move {
  environmentId: string;
  name: string;
  epoch: number;
  position: number;
}

/**
 * Says that everything up to a position is done with. Never goes back: an older position changes nothing. The first one makes the
 * consumer.
 *
 * @throws TooManyConsumers
 */
export async function commitConsumer(pool: Pool, move: Move): Promise<Consumer> {
  const [moved] = await moveForward.run(pool, valuesOf(move));
  return (
    moved ??
    underFeedLock(pool, move.environmentId, async ({ client }) => {
      // Another first commit may have been quicker.
      const [late] = await moveForward.run(client, valuesOf(move));
      return late ?? placed(client, move);
    })
  );
}

/** Puts a consumer where it shall go on from, back or forth. @throws TooManyConsumers */
export function seekConsumer(pool: Pool, move: Move): Promise<Consumer> {
  return underFeedLock(pool, move.environmentId, ({ client }) => placed(client, move));
}

/** Under the feed's lock, or two that are new could both be the hundredth. */
async function placed(client: PoolClient, move: Move): Promise<Consumer> {
  const [consumer] = await place.run(client, [...valuesOf(move), consumersAtMost]);
  if (!consumer) throw new TooManyConsumers(consumersAtMost);
  return consumer;
}

function valuesOf({ environmentId, name, epoch, position }: Move): unknown[] {
  return [environmentId, name, epoch, position];
}

const removeConsumer = prepared<{ name: string }>(
  'delete_consumer',
  `
  delete from consumers
   where environment_id = $1
     and name = $2
  returning name`,
);

/** Whether there was one. */
export async function deleteConsumer(pool: Pool, { environmentId, name }: { environmentId: string; name: string }): Promise<boolean> {
  return (await removeConsumer.run(pool, [environmentId, name])).length > 0;
}
