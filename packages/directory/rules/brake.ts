/**
 * The brake of a directory: no more than so many of its users leave within a while, unless the vendor says that it is meant.
 *
 * Whoever is deactivated or deleted leaves. All who write hold the directory's head, so the count is exact.
 */
import type { Pool } from 'pg';
import { getDirectory } from './directories';
import { appendEvents, type EventDraft } from '../log/event-log';
import { presentTime } from '#identifier';
import { prepared } from '#postgres';
import { type DirectoryPool, type DirectoryTransaction, inDirectory } from '../writing/transaction';

export interface Brake {
  maxUsers: number | null;
  /** Of those who were active when the window began. */
  maxPercent: number | null;
  windowSeconds: number;
  /** Null: it is not engaged. */
  engagedAt: Date | null;
}

export interface BrakeRow {
  max_users: number | null;
  max_percent: number | null;
  window_seconds: number;
  engaged_at: string | null;
}

/** What a vendor sets; at least one of the two limits. */
export type BrakeLimits = Pick<Brake, 'maxUsers' | 'maxPercent' | 'windowSeconds'>;

/** A brake, and how many have left within its window by now. */
export type BrakeState = Brake & { departures: number };

/** Somebody cannot leave: so many have that the brake is engaged, until the vendor releases it. */
export class BrakeEngaged extends Error {
  constructor(readonly since: Date) {
    super('the brake is engaged: nobody is deactivated or deleted until it is released');
  }

  /** The vendor's people look at it first; once they have released it, the wait is short. */
  readonly retryAfterSeconds = 300;
}

// Those whose window has passed are forgotten on the way. Somebody who is deactivated first and deleted later leaves once.
const noteDeparture = prepared<{ others: number }>(
  'note_departure',
  `
  with passed as (
    delete from brake_departures
     where directory_id = $1
       and at <= $4
       and user_id <> $2
  ), noted as (
    insert into brake_departures (directory_id, user_id, at)
    values ($1, $2, $3)
    on conflict (directory_id, user_id) do update
       set at = excluded.at
  )
  select count(*) as others
    from brake_departures
   where directory_id = $1
     and at > $4
     and user_id <> $2`,
);

const engage = prepared(
  'engage_brake',
  `
  update directory_brakes
     set engaged_at = $2
   where directory_id = $1`,
);

/**
 * Notes that a user leaves, and engages the brake where that makes as many as may leave. Answers the event of it, for the caller
 * to append behind that of the departure.
 * The departure is not counted in tx.activeUsers yet.
 *
 * @throws BrakeEngaged
 */
export async function depart(tx: DirectoryTransaction, brake: Brake, userId: string): Promise<EventDraft[]> {
  if (brake.engagedAt) throw new BrakeEngaged(brake.engagedAt);
  const [row] = await tx.writeAndRead(noteDeparture, [tx.directory.id, userId, tx.now, windowStart(brake, tx)]);
  const others = row?.others ?? 0;
  const departures = others + 1;
  if (!isReached(brake, departures, tx.activeUsers + others)) return [];
  tx.write(engage, [tx.directory.id, tx.now]);
  return [brakeEvent(tx, 'directory.brake_engaged', { ...brake, engagedAt: tx.now, departures })];
}

/** `users`: how many were active when the window began, those who have left since included. */
function isReached({ maxUsers, maxPercent }: BrakeLimits, departures: number, users: number): boolean {
  return (maxUsers !== null && departures >= maxUsers) || (maxPercent !== null && departures * 100 >= maxPercent * users);
}

function windowStart({ windowSeconds }: BrakeLimits, tx: DirectoryTransaction): Date {
  return new Date(tx.now.getTime() - windowSeconds * 1_000);
}

type BrakeEvent = 'directory.brake_engaged' | 'directory.brake_released';

function brakeEvent(tx: DirectoryTransaction, type: BrakeEvent, brake: BrakeState): EventDraft<BrakeEvent> {
  return {
    type,
    data: () => ({
      brake: {
        max_users: brake.maxUsers,
        max_percent: brake.maxPercent,
        window_seconds: brake.windowSeconds,
        engaged_at: brake.engagedAt && brake.engagedAt.toISOString(),
        departures: brake.departures,
        active_users: tx.activeUsers,
      },
    }),
  };
}

// ── What the vendor does with it ───────────────────────────────────────────────────────────────

interface StateRow {
  max_users: number | null;
  max_percent: number | null;
  window_seconds: number;
  engaged_at: Date | null;
  departures: number;
}

const selectBrake = prepared<StateRow>(
  'get_brake',
  `
  select b.max_users, b.max_percent, b.window_seconds, b.engaged_at,
         (select count(*)
            from brake_departures p
           where p.directory_id = b.directory_id
             and p.at > $2::timestamptz - make_interval(secs => b.window_seconds)) as departures
    from directory_brakes b
   where b.directory_id = $1`,
);

/** Null where it is off; `undefined` where the environment has no such directory. */
export async function getBrake(pool: Pool, query: { environmentId: string; directoryId: string }): Promise<BrakeState | null | undefined> {
  if (!(await getDirectory(pool, query))) return undefined;
  const [row] = await selectBrake.run(pool, [query.directoryId, presentTime()]);
  return row ? stateOf(row) : null;
}

const upsertBrake = prepared(
  'set_brake',
  `
  insert into directory_brakes (directory_id, max_users, max_percent, window_seconds)
  values ($1, $2, $3, $4)
  on conflict (directory_id) do update
     set max_users = excluded.max_users,
         max_percent = excluded.max_percent,
         window_seconds = excluded.window_seconds`,
);

const removeBrake = prepared(
  'remove_brake',
  `
  with departures as (
    delete from brake_departures
     where directory_id = $1
  )
  delete from directory_brakes
   where directory_id = $1`,
);

/**
 * Sets the limits of a directory's brake, or takes it away (null). One that is engaged stays so under new limits, one that is not
 * engages at once where as many as they allow have left already; taken away, it is released.
 */
export async function setBrake(
  pool: DirectoryPool,
  query: { environmentId: string; directoryId: string; limits: BrakeLimits | null; requestId: string },
): Promise<BrakeState | null | undefined> {
  const { directoryId, limits } = query;
  const scope = await getDirectory(pool, query);
  if (!scope) return undefined;
  return inDirectory(pool, scope, query.requestId, async (tx) => {
    await tx.locked();
    const [row] = await tx.read(selectBrake, [directoryId, tx.now]);
    const before = row && stateOf(row);
    if (!limits) {
      tx.write(removeBrake, [directoryId]);
      if (before?.engagedAt) appendEvents(tx, [brakeEvent(tx, 'directory.brake_released', before)]);
      return null;
    }
    tx.write(upsertBrake, [directoryId, limits.maxUsers, limits.maxPercent, limits.windowSeconds]);
    const [stored] = await tx.read(selectBrake, [directoryId, tx.now]);
    if (!stored) throw new Error('a brake was set and is not there');
    const after = stateOf(stored);
    if (after.engagedAt || after.departures === 0 || !isReached(after, after.departures, tx.activeUsers + after.departures)) return after;
    const engaged = { ...after, engagedAt: tx.now };
    tx.write(engage, [directoryId, tx.now]);
    appendEvents(tx, [brakeEvent(tx, 'directory.brake_engaged', engaged)]);
    return engaged;
  });
}

const release = prepared(
  'release_brake',
  `
  with departures as (
    delete from brake_departures
     where directory_id = $1
  )
  update directory_brakes
     set engaged_at = null
   where directory_id = $1`,
);

/** Lets users leave again, and counts from nought. Nothing happens where it is not engaged. */
export async function releaseBrake(
  pool: DirectoryPool,
  query: { environmentId: string; directoryId: string; requestId: string },
): Promise<BrakeState | null | undefined> {
  const scope = await getDirectory(pool, query);
  if (!scope) return undefined;
  return inDirectory(pool, scope, query.requestId, async (tx) => {
    await tx.locked();
    const [row] = await tx.read(selectBrake, [query.directoryId, tx.now]);
    if (!row) return null;
    const before = stateOf(row);
    if (!before.engagedAt) return before;
    tx.write(release, [query.directoryId]);
    appendEvents(tx, [brakeEvent(tx, 'directory.brake_released', before)]);
    return { ...before, engagedAt: null, departures: 0 };
  });
}

function stateOf(row: StateRow): BrakeState {
  return {
    maxUsers: row.max_users,
    maxPercent: row.max_percent,
    windowSeconds: row.window_seconds,
    engagedAt: row.engaged_at,
    departures: row.departures,
  };
}
