import type { Pool } from 'pg';
import { idAt } from '#identifier';
import { inTransaction, prepared } from '#postgres';

const environments = prepared<{ environment_id: string }>(
  'feeds_with_old_events',
  `
  select h.environment_id
    from feed_heads h
    join event_feed f on f.environment_id = h.environment_id and f.position = h.oldest_position
   where f.event_id < $1`,
);

const lockHead = prepared(
  'lock_feed_to_forget',
  `
  select oldest_position
    from feed_heads
   where environment_id = $1
     for no key update`,
);

// Up to the first event that is to be kept: what goes is always a beginning of the log.
const forgetStretch = prepared<{ forgotten: number }>(
  'forget_feed',
  `
  with stretch as (
    select f.position, f.event_id
      from feed_heads h
      join event_feed f on f.environment_id = h.environment_id
     where h.environment_id = $1
       and f.position >= h.oldest_position
       and f.position < h.oldest_position + $3
  ), kept as (
    select min(position) as position
      from stretch
     where event_id >= $2
  ), gone as (
    delete from event_feed f
     using stretch s
     where f.environment_id = $1
       and f.position = s.position
       and s.position < coalesce((select position from kept), s.position + 1)
    returning f.position
  ), advanced as (
    update feed_heads
       set oldest_position = (select max(position) + 1 from gone)
     where environment_id = $1
       and exists (select 1 from gone)
  )
  select count(*) as forgotten
    from gone`,
);

const stretch = 5_000;

/**
 * Forgets the events from before a time: they cannot be polled, replayed or delivered any more. In stretches of 5,000, each of
 * which holds its environment's log still for some ten milliseconds. Answers how many went.
 *
 * The partitions of `events` may be dropped a day later: an event that was long under way has its place among younger ones.
 */
export async function forgetEvents(pool: Pool, { before }: { before: Date }): Promise<number> {
  let forgotten = 0;
  const oldestKept = idAt(before);
  for (const { environment_id: environmentId } of await environments.run(pool, [oldestKept])) {
    for (;;) {
      const went = await inTransaction(pool, async (client) => {
        const [, rows] = await Promise.all([
          lockHead.run(client, [environmentId]),
          forgetStretch.run(client, [environmentId, oldestKept, stretch]),
        ]);
        return rows[0]?.forgotten ?? 0;
      });
      forgotten += went;
      if (went < stretch) break;
    }
  }
  return forgotten;
}

const forgetParked = prepared(
  'forget_old_asides',
  `
  delete from delivery_exceptions x
   using feed_heads h
   where h.environment_id = x.environment_id
     and x.kind <> 'test'
     and x.position < h.oldest_position
     and (x.lease_until is null or x.lease_until < now())`,
);

const forgetTests = prepared(
  'forget_old_test_events',
  `
  delete from delivery_exceptions
   where kind = 'test'
     and created_at < $1`,
);

const forgetSecrets = prepared(
  'forget_ended_secrets',
  `
  delete from webhook_secrets
   where expires_at < now() - interval '1 day'`,
);

// A directory that is gone has a last event, and its lanes are there until that is no longer kept.
const forgetDirectories = prepared(
  'forget_published_directories',
  `
  with gone as (
    delete from directory_published p
     where not exists (select 1 from directories d where d.id = p.directory_id)
       and not exists (select 1 from event_feed f where f.directory_id = p.directory_id)
    returning directory_id
  )
  delete from lanes l
   using gone g
   where l.directory_id = g.directory_id
     and l.leased = 0`,
);

/** Clears away what belongs to events, directories and secrets that are no more, and test events from before `attemptsBefore`. */
export async function forgetLeftovers(pool: Pool, { attemptsBefore }: { attemptsBefore: Date }): Promise<void> {
  await forgetParked.run(pool, []);
  await forgetTests.run(pool, [attemptsBefore]);
  await forgetSecrets.run(pool, []);
  await forgetDirectories.run(pool, []);
}
