import { depart } from '../rules/brake';
import type { EventDraft } from '../log/event-log';
import type { Policy } from '../rules/policy';
import { changeSeats, storeSeats } from '../rules/seats';
import type { DirectoryTransaction } from '../writing/transaction';

/**
 * Somebody becomes active. Answers what is to be told besides, for the caller to append behind the event of the change itself.
 *
 * @throws NoSeatLeft
 */
export function arrive(tx: DirectoryTransaction, policy: Policy): EventDraft[] {
  return count(tx, policy, 1);
}

/**
 * Somebody is deactivated or deleted. As `arrive`.
 *
 * @throws BrakeEngaged
 */
export async function leave(tx: DirectoryTransaction, policy: Policy, user: { id: string; wasActive: boolean }): Promise<EventDraft[]> {
  const braked = policy.brake ? await depart(tx, policy.brake, user.id) : [];
  return user.wasActive ? [...count(tx, policy, -1), ...braked] : braked;
}

function count(tx: DirectoryTransaction, { seats }: Policy, change: 1 | -1): EventDraft[] {
  const decided = seats && changeSeats(seats, change);
  if (decided) storeSeats(tx, seats, decided);
  tx.countActive(change);
  return decided?.events ?? [];
}
