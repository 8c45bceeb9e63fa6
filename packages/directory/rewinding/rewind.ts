import type { Pool, PoolClient } from 'pg';
import { newId } from '#identifier';
import { inTransaction, prepared } from '#postgres';
import { newEpochName } from '../writing/epoch';
import { alwaysTold, type EventData } from '../log/event-data';

/** "rewind" in ASCII: any constant will do as long as nothing else locks it. */
const rewindLock = '0x726577696e64';

const takeLock = prepared('take_rewind_lock', 'select pg_advisory_xact_lock($1)');

/** A new epoch, begun in all environments. */
export interface BegunEpoch {
  name: string;
  environments: number;
  directories: number;
}

/**
 * Begins a new epoch in every environment, and tells every directory of it by `feed.rewound`, its first event of that epoch: to be called once
 * after the database was set back (a restore to a point in time, a standby promoted with loss), before events are read again.
 *
 * All environments are held still until the commit, and every writer waits for it. There must be a partition of events for today.
 */
export function rewindFeeds(pool: Pool): Promise<BegunEpoch> {
  return inTransaction(pool, async (client) => {
    await lockRewinds(client);
    return beginEpoch(client, []);
  });
}

/** Of those who begin an epoch the others wait, and then see what was done. */
export async function lockRewinds(client: PoolClient): Promise<void> {
  await takeLock.run(client, [BigInt(rewindLock)]);
}

// "for update": whoever makes a directory holds this row (for key share), so that each is either there to be told or made in the new epoch.
const lockFeeds = prepared(
  'lock_feeds_to_rewind',
  `
  select environment_id
    from feed_heads
   order by environment_id
     for update`,
);

const advanceFeeds = prepared<{ environment_id: string }>(
  'begin_epoch_of_feeds',
  `
  with began as (
    select h.environment_id, h.position as head, least(h.position, k.position) as position
      from feed_heads h
      left join unnest($2::uuid[], $3::bigint[]) as k (environment_id, position) on k.environment_id = h.environment_id
  ), advanced as (
    update feed_heads h
       set epoch = h.epoch + 1,
           epoch_name = $1,
           epoch_began = b.position,
           epoch_previous = h.epoch_name
      from began b
     where h.environment_id = b.environment_id
    returning h.environment_id, h.epoch, b.head, b.position
  )
  insert into feed_rewinds (environment_id, epoch, position, name, head)
  select environment_id, epoch, position, $1, head
    from advanced
  returning environment_id`,
);

interface DirectoryHead {
  directory_id: string;
  environment_id: string;
  organization_id: string;
  organization_external_id: string | null;
  sequence: number;
  epoch: string;
}

// In the order of their key, as whoever holds several would lock them: a writer that is under way ends first, in the old epoch.
const lockHeads = prepared<DirectoryHead>(
  'lock_heads_to_rewind',
  `
  select h.directory_id, d.environment_id, d.organization_id, o.external_id as organization_external_id, h.sequence,
         coalesce(h.epoch, r.epoch_previous) as epoch
    from directory_heads h
    join directories d on d.id = h.directory_id
    join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id
    join feed_heads r on r.environment_id = d.environment_id
   order by h.directory_id
     for no key update of h`,
);

const tellDirectories = prepared<
  never,
  {
    name: string;
    type: string;
    ids: string[];
    environmentIds: string[];
    organizationIds: string[];
    organizationExternalIds: (string | null)[];
    directoryIds: string[];
    sequences: number[];
    data: string[];
  }
>(
  'tell_directories_of_rewind',
  `
  with told as (
    select *, date_trunc('milliseconds', clock_timestamp()) as at
      from unnest(:ids::uuid[], :environmentIds::uuid[], :organizationIds::uuid[], :organizationExternalIds::text[], :directoryIds::uuid[],
                  :sequences::bigint[], :data::text[])
           as t (id, environment_id, organization_id, organization_external_id, directory_id, sequence, data)
  ), logged as (
    insert into events (id, environment_id, organization_id, organization_external_id, directory_id, sequence, type, occurred_at, data, epoch)
    select id, environment_id, organization_id, organization_external_id, directory_id, sequence, :type, at, data::json, :name
      from told
  ), advanced as (
    update directory_heads h
       set sequence = t.sequence,
           epoch = :name
      from told t
     where h.directory_id = t.directory_id
  )
  insert into event_outbox (environment_id, organization_id, directory_id, sequence, event_id, type, created_at)
  select environment_id, organization_id, directory_id, sequence, id, :type, at
    from told`,
);

// Those that wait for a position were appended before it, also where a release that knows of no epochs has appended them.
const nameWaiting = prepared(
  'name_epoch_of_waiting_events',
  `
  update events e
     set epoch = h.epoch_previous
    from event_outbox o
    join feed_heads h on h.environment_id = o.environment_id
   where e.id = o.event_id
     and e.epoch is null`,
);

const toldAtOnce = 1_000;

/**
 * In a transaction that holds `lockRewinds`. `common`: up to which position the log of an environment is known to be the one that others
 * have seen; of the rest it is taken for granted up to its head.
 */
export async function beginEpoch(client: PoolClient, common: readonly { environmentId: string; position: number }[]): Promise<BegunEpoch> {
  const name = newEpochName();
  await lockFeeds.run(client, []);
  const environments = await advanceFeeds.run(client, [
    name,
    common.map(({ environmentId }) => environmentId),
    common.map(({ position }) => position),
  ]);
  const heads = await lockHeads.run(client, []);
  await nameWaiting.run(client, []);
  for (let at = 0; at < heads.length; at += toldAtOnce) {
    const some = heads.slice(at, at + toldAtOnce);
    await tellDirectories.run(client, {
      name,
      type: alwaysTold,
      ids: some.map(() => newId()),
      environmentIds: some.map((head) => head.environment_id),
      organizationIds: some.map((head) => head.organization_id),
      organizationExternalIds: some.map((head) => head.organization_external_id),
      directoryIds: some.map((head) => head.directory_id),
      sequences: some.map((head) => head.sequence + 1),
      data: some.map((head) => JSON.stringify({ epoch: name, previous_epoch: head.epoch } satisfies EventData[typeof alwaysTold])),
    });
  }
  return { name, environments: environments.length, directories: heads.length };
}
