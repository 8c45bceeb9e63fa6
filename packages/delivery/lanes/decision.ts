import type { FinishedOutcome } from '../attempt/attempt';
import { retryDelaySeconds } from '../attempt/retry-schedule';
import type { Ordering } from '../endpoint/endpoint';

/** A delivery as it was when it was tried. */
export interface Tried {
  /** Attempts that had failed before this one; those of them in which the event itself was refused, and since when. */
  attempts: number;
  refusals: number;
  refusedSince: Date | null;
  /** The endpoint's breaker was open, and this was its probe. */
  probing: boolean;
  place: Place;
}

/** At the front of its lane; or aside, where it is tried by itself and holds up nothing. `once`: asked for by hand, one attempt. */
export type Place = { kind: 'lane'; ordering: Ordering } | { kind: 'aside'; since: Date; once: boolean };

/** What becomes of a delivery after an attempt at it. */
export type Decision =
  | { kind: 'delivered' }
  /** The endpoint is there no more: it is disabled, and the delivery waits where it is until somebody enables it. */
  | { kind: 'gone' }
  /** It is tried again from where it is. `heldBack`: it waits for nothing but the endpoint, and goes on as soon as that answers. */
  | { kind: 'wait'; delaySeconds: number; heldBack: boolean }
  /** It leaves its lane, which goes on, and is tried again by itself. */
  | { kind: 'aside'; delaySeconds: number }
  /** It is not tried again unless somebody asks for it. What stands behind it goes on. */
  | { kind: 'parked' };

/** Of an event that an endpoint refuses: parked at the 12th refusal, or at one that comes a day after the first. */
const refusalsAtMost = 12;
const refusedAtMostMs = 24 * 3_600_000;

/** Of one that is aside, whatever it fails of: parked at the first failure after five days. */
const asideAtMostMs = 5 * 24 * 3_600_000;

/**
 * Decides what an attempt at a delivery means for it. docs/states.md draws it.
 *
 * @param random 0 … 1, of the retry schedule.
 */
export function decide(tried: Tried, outcome: FinishedOutcome, now: Date, random = Math.random()): Decision {
  if (outcome.kind === 'delivered') return { kind: 'delivered' };
  if (parks(tried, outcome.kind === 'refused', now)) return { kind: 'parked' };

  const refused = outcome.kind === 'refused';
  const delaySeconds =
    outcome.kind === 'gone' ? 0 : retryDelaySeconds(tried.attempts + 1, { retryAfterSeconds: outcome.retryAfterSeconds, refused }, random);
  if (stepsAside(tried)) return { kind: 'aside', delaySeconds };
  if (outcome.kind === 'gone') return { kind: 'gone' };
  return { kind: 'wait', delaySeconds, heldBack: !refused && outcome.retryAfterSeconds === undefined };
}

function parks({ refusals, refusedSince, place }: Tried, refused: boolean, now: Date): boolean {
  if (refused && refusals + 1 >= refusalsAtMost) return true;
  if (refused && refusedSince !== null && now.getTime() - refusedSince.getTime() >= refusedAtMostMs) return true;
  // Where it fails at the endpoint, a lane waits: to park its events would lose their order for the endpoint's own fault.
  return place.kind === 'aside' && (place.once || now.getTime() - place.since.getTime() > asideAtMostMs);
}

// Where order does not matter an event that fails waits by itself; but not at an endpoint that does not work at all, or every one of
// its events would be aside.
function stepsAside({ place, probing, attempts }: Tried): boolean {
  return place.kind === 'lane' && place.ordering === 'none' && !probing && attempts === 0;
}
