/**
 * An organization's seats: how many of its users may be active, in all of its directories together.
 *
 * Every directory's head counts its active users, and whoever changes who is active holds that head. Where a limit is set they
 * hold the organization's row of seats as well, taken first: so the sum of the heads stands still while they decide by it.
 */
import type { Pool, PoolClient } from 'pg';
import type { EventDraft } from '../log/event-log';
import { inTransaction, prepared } from '#postgres';
import type { DirectoryTransaction } from '../writing/transaction';

export type SeatMode = 'reject' | 'expand' | 'observe';

/** The seats of an organization, and how many of them its active users take in all of its directories. */
export interface Seats {
  organizationId: string;
  limit: number;
  mode: SeatMode;
  /** How far `expand` may go; null: as far as it takes. */
  ceiling: number | null;
  used: number;
  /** The highest threshold that has been told of, in percent; 0: none. */
  announced: number;
}

/** Somebody else cannot become active: the organization has no seat left. */
export class NoSeatLeft extends Error {
  constructor(
    readonly used: number,
    readonly limit: number,
    /** Set where the seats are expanded by themselves, and have come to where that ends. */
    readonly ceiling: number | null,
  ) {
    super(`all seats are taken: ${used} of ${limit}`);
  }
}

const thresholds = [80, 100];

/** What becomes of an organization's seats when somebody becomes active (1), or ceases to be (-1). */
export interface SeatChange {
  limit: number;
  announced: number;
  events: EventDraft<'seats.threshold_reached' | 'seats.expanded'>[];
}

/**
 * Decides. Nobody is thrown out: where more are active than there are seats, because the limit was lowered or is only observed,
 * those stay and leave as they like.
 *
 * @throws NoSeatLeft
 */
export function changeSeats(seats: Seats, change: 1 | -1): SeatChange {
  const used = seats.used + change;
  const events: SeatChange['events'] = [];
  let { limit } = seats;
  if (change > 0 && used > limit && seats.mode !== 'observe') {
    const { ceiling } = seats;
    if (seats.mode === 'reject' || (ceiling !== null && used > ceiling))
      throw new NoSeatLeft(seats.used, limit, seats.mode === 'expand' ? ceiling : null);
    limit = used;
    events.push({
      type: 'seats.expanded',
      data: () => ({ seats: { limit, previous_limit: seats.limit, ceiling, used, mode: seats.mode } }),
    });
  }
  const reached = thresholds.filter((percent) => used * 100 >= limit * percent);
  const news = change > 0 ? reached.filter((percent) => percent > seats.announced) : [];
  for (const percent of news) {
    events.push({
      type: 'seats.threshold_reached',
      data: () => ({ seats: { limit, used, percent, mode: seats.mode, ceiling: seats.ceiling } }),
    });
  }
  const highest = reached.at(-1) ?? 0;
  return { limit, announced: change > 0 ? highest : Math.min(highest, seats.announced), events };
}

const expandLimit = prepared(
  'expand_seat_limit',
  `
  update organizations
     set seat_limit = $2,
         updated_at = $3
   where id = $1`,
);

const noteAnnounced = prepared(
  'note_announced_seats',
  `
  update organization_seats
     set announced = $2
   where organization_id = $1`,
);

/** Stores what changeSeats decided. Its events are for the caller to append, behind those of the change that caused them. */
export function storeSeats(tx: DirectoryTransaction, seats: Seats, change: SeatChange): void {
  if (change.limit !== seats.limit) tx.write(expandLimit, [seats.organizationId, change.limit, tx.now]);
  if (change.announced !== seats.announced) tx.write(noteAnnounced, [seats.organizationId, change.announced]);
}

const addSeats = prepared<{ organization_id: string }>(
  'add_organization_seats',
  `
  insert into organization_seats (organization_id)
  select id
    from organizations
   where environment_id = $1
     and id = $2
     and deleted_at is null
  on conflict do nothing
  returning organization_id`,
);

const lockSeats = prepared(
  'lock_seats_to_change',
  `
  select s.announced
    from organization_seats s
    join organizations o on o.id = s.organization_id
   where o.environment_id = $1
     and o.id = $2
     for no key update of s`,
);

const lockOrganization = prepared(
  'lock_organization',
  `
  select id
    from organizations
   where environment_id = $1
     and id = $2
     for no key update`,
);

const lockHeads = prepared(
  'lock_heads_of_organization',
  `
  select h.directory_id
    from directory_heads h
    join directories d on d.id = h.directory_id
   where d.environment_id = $1
     and d.organization_id = $2
   order by h.directory_id
     for no key update of h`,
);

// Told of anew: eight of ten is something else than eight of nine.
const settleSeats = prepared(
  'settle_organization_seats',
  `
  with unset as (
    delete from organization_seats s
     using organizations o
     where o.id = s.organization_id
       and o.environment_id = $1
       and o.id = $2
       and o.seat_limit is null
  )
  update organization_seats s
     set announced = 0
    from organizations o
   where o.id = s.organization_id
     and o.environment_id = $1
     and o.id = $2
     and o.seat_limit is not null`,
);

/**
 * Runs a change of an organization's seat_limit, seat_mode or seat_ceiling, so that it is exact for everybody who is on their
 * way in: a limit that is new waits for the writers of all its directories who began without one.
 *
 * Locks in the order in which writers do: seats, then heads; the organization's own row between them, which nobody waits for who
 * holds a head and not the seats, so that no directory is added meanwhile.
 */
export async function inSeats<T>(
  pool: Pool,
  organization: { environmentId: string; organizationId: string },
  change: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const { environmentId, organizationId } = organization;
  return inTransaction(pool, async (client) => {
    const added = await addSeats.run(client, [environmentId, organizationId]);
    await lockSeats.run(client, [environmentId, organizationId]);
    await lockOrganization.run(client, [environmentId, organizationId]);
    if (added.length > 0) await lockHeads.run(client, [environmentId, organizationId]);
    const result = await change(client);
    await settleSeats.run(client, [environmentId, organizationId]);
    return result;
  });
}
