import type { Pool } from 'pg';
import { alwaysTold, findEvent, type LoggedEvent } from '#directory';
import { attempt, type AttemptRecord, type FinishedOutcome, type Outcome } from '../attempt/attempt';
import { noteFailure, noteGone, noteSlow, noteSuccess, type Notice } from '../record/breaker';
import { decide, type Decision } from './decision';
import { claimAsides, dropAside, type AsideResult, type HeldAside, releaseAside, settleAside } from './asides';
import { type Claim, type HeldLane, type SetAside, Lanes } from './lanes';
import type { Poster } from '../attempt/post';
import { isOwed, type Sender, type Senders, typesWorthReading } from '../attempt/sender';
import type { SharedPages } from './shared-pages';
import { Slots } from './slots';

/** A lane may have work; or, without a directory, what an endpoint is owed outside of its lanes. Any bell may be lost. */
export interface Bell {
  endpointId: string;
  directoryId: string | null;
  /** The endpoint has been slow, or failing, lately. */
  slow: boolean;
}

/** One attempt, for the log and for metrics. */
export interface AttemptReport {
  environmentId: string;
  endpointId: string;
  eventId: string;
  directoryId: string | null;
  outcome: Outcome['kind'];
  status: number | null;
  durationMs: number;
  error: string | null;
  /** What was decided; `disabled`: for the endpoint, by this attempt. */
  decision: 'delivered' | 'retry' | 'parked' | 'disabled';
  retryInSeconds: number | undefined;
  /** From the event's transaction to the endpoint's answer; of first attempts that succeeded. */
  sinceCommitMs: number | undefined;
}

export interface DrainOptions {
  pool: Pool;
  senders: Senders;
  pages: SharedPages;
  /** Of this drain alone: stopped with it. */
  poster: Poster;
  /** Rings for a lane that was let go although something is owed in it. */
  ring: (bells: Bell[]) => void;
  onAttempt?: (report: AttemptReport) => void;
  onNotice?: (notice: Notice) => void;
  /** A drain that ended in an error. Its lane is taken up again when its lease has ended. */
  onError: (error: unknown) => void;
  /** Default 128 and 48. */
  slots?: { quick: number; slow: number };
}

const slowAfterMs = 2_000;

// A lane's turn: no directory keeps a slot while others wait.
const turnMs = 20_000;
const turnEvents = 200;

const readAtOnce = 50;

// An attempt lasts 15 s at most and a lease 20 s; less than 1 s of it may be gone when a POST begins.
const freshLeaseMs = 1_000;

// To ring for a few lanes, and to hear the bell, costs more than to send what they owe; of more than these others are to take their share.
const takenAtMost = 16;

/**
 * Answers doorbells: claims a lane, and sends what is owed in it, in order, one at a time; then the next lane of that endpoint
 * that waits. All that must not be lost is in PostgreSQL; a process that dies here loses its leases after 20 s.
 */
export class Drain {
  readonly #lanes: Lanes;
  readonly #quick: Slots;
  readonly #slow: Slots;
  readonly #underWay = new Set<Promise<void>>();
  #stopping = false;

  constructor(private readonly options: DrainOptions) {
    this.#lanes = new Lanes(options.pool);
    this.#quick = new Slots(options.slots?.quick ?? 128);
    this.#slow = new Slots(options.slots?.slow ?? 48);
  }

  /** Waits for a slot, and begins. The work goes on after this has resolved: a bell that has been heard is done with. */
  async answer(bell: Bell): Promise<void> {
    if (this.#stopping) return;
    const slot = await HeldSlot.acquire(this.#quick, this.#slow, bell.slow);
    if (this.#stopping) return slot.release();
    this.#begin(bell, slot);
  }

  /**
   * Begins at once, and says so, where little is under way here. What it leaves is to be rung for: others then share it, and
   * what is slow keeps to its own slots.
   */
  take(bell: Bell): boolean {
    if (this.#stopping || bell.slow || this.#underWay.size >= takenAtMost) return false;
    const slot = HeldSlot.tryAcquire(this.#quick, this.#slow);
    if (!slot) return false;
    this.#begin(bell, slot);
    return true;
  }

  #begin(bell: Bell, slot: HeldSlot): void {
    const work = this.#answer(bell, slot)
      .catch((error: unknown) => this.options.onError(error))
      .finally(() => {
        slot.release();
        this.#underWay.delete(work);
      });
    this.#underWay.add(work);
  }

  /** How many bells wait for a slot. */
  get waiting(): number {
    return this.#quick.waiting + this.#slow.waiting;
  }

  /** Takes no new work, and lets what is under way end for `graceMs`; then ends it, and lets its lanes go as they are. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const late = setTimeout(() => this.options.poster.stop(), graceMs);
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    clearTimeout(late);
  }

  async #answer(bell: Bell, slot: HeldSlot): Promise<void> {
    const until = performance.now() + turnMs;
    const { endpointId, directoryId } = bell;
    if (directoryId === null) return this.#drainAsides(endpointId, slot, until);

    let claim: Claim = await this.#lanes.claim({ endpointId, directoryId });
    while (claim.kind === 'held') {
      const othersWait = await this.#drainLane(claim.lane, slot, until);
      if (!othersWait || this.#stopping || performance.now() > until) return;
      claim = await this.#lanes.claimNext(endpointId);
    }
  }

  /** True where another lane of its endpoint may have been waiting for this one. */
  async #drainLane(lane: HeldLane, slot: HeldSlot, until: number): Promise<boolean> {
    let sent = 0;
    for (;;) {
      const sender = await this.options.senders.at(lane.endpointId, lane.version);
      if (!sender) return false;

      // One that failed is tried alone: what stands behind it may have to wait for long.
      const limit = lane.attempt > 0 || lane.probing ? 1 : readAtOnce;
      const upTo = lane.head;
      const { directoryId } = lane;
      const { rows: read, isCut } = await this.options.pages.read({
        directoryId,
        after: lane.cursor,
        upTo,
        limit,
        types: typesWorthReading(sender.filters),
      });
      const complete = read.length < limit && !isCut;
      const end = complete ? upTo : (read.at(-1)?.sequence ?? upTo);
      const owed = read.filter((event) => isOwed(sender.filters, event));

      if (owed.length === 0) {
        const acked = await this.#lanes.ack({ lane, sequence: end, last: complete, yield: false, attempts: [], setAside: [] });
        if (acked.kind === 'fenced') return this.#letGo(lane);
        if (!acked.held) return acked.othersWait;
        continue;
      }

      for (let at = 0; at < owed.length;) {
        if (this.#stopping) return this.#letGo(lane);
        const events = nextOf(owed, at, lane.units);
        at += events.length;
        const last = at >= owed.length;
        sent += events.length;
        const step = await this.#send(lane, sender, events, slot, {
          sequence: last ? end : (events.at(-1)?.sequence ?? end),
          last: last && complete,
          yield: sent >= turnEvents || performance.now() > until,
        });
        if (step.kind === 'left') return step.othersWait;
        if (step.version > sender.version) break; // read anew: the filters, or where to, may have changed
      }
    }
  }

  /** Sends the next events of a lane, one unless order does not matter, and moves its cursor over them. */
  async #send(
    lane: HeldLane,
    sender: Sender,
    events: LoggedEvent[],
    slot: HeldSlot,
    step: { sequence: number; last: boolean; yield: boolean },
  ): Promise<{ kind: 'went_on'; version: number } | { kind: 'left'; othersWait: boolean }> {
    if (performance.now() - lane.renewedAt > freshLeaseMs && !(await this.#lanes.renew(lane))) {
      await this.#letGo(lane);
      return { kind: 'left', othersWait: false };
    }
    const tries = await Promise.all(events.map(async (event) => ({ event, ...(await this.#attempt(sender, event, slot)) })));
    if (!tries.every(counts)) {
      await this.#letGo(lane);
      return { kind: 'left', othersWait: false };
    }

    const ordering = events[0]?.type === alwaysTold ? 'directory' : lane.ordering;
    const before = { ...lane, attempts: lane.attempt, place: { kind: 'lane', ordering } } as const;
    const setAside: SetAside[] = [];
    let open = false;
    for (const { event, outcome, record } of tries) {
      const decision = decide(before, outcome, databaseTime(lane));
      if (outcome.kind === 'delivered') continue;
      const heard = await this.#noteFailure(lane, outcome);
      open ||= heard.open;
      const refused = outcome.kind === 'refused';
      if (decision.kind === 'wait' || decision.kind === 'gone') {
        const wait = decision.kind === 'wait' ? decision : { delaySeconds: 0, heldBack: false };
        if (!(await this.#lanes.fail(lane, { record, refused, ...wait }))) await this.#letGo(lane);
        this.#report(lane, event, outcome, record, decision, heard.disabled);
        return { kind: 'left', othersWait: !open };
      }
      setAside.push({
        eventId: event.id,
        sequence: event.sequence,
        position: event.position,
        type: event.type,
        state: decision.kind === 'parked' ? 'parked' : 'waiting',
        refusals: lane.refusals + (refused ? 1 : 0),
        delaySeconds: decision.kind === 'aside' ? decision.delaySeconds : 0,
      });
      this.#report(lane, event, outcome, record, decision, heard.disabled);
    }

    const acked = await this.#lanes.ack({ lane, ...step, attempts: tries.map(({ record }) => record), setAside });
    if (acked.kind === 'fenced') {
      await this.#letGo(lane);
      return { kind: 'left', othersWait: false };
    }
    const delivered = tries.filter(({ outcome }) => outcome.kind === 'delivered');
    for (const { event, outcome, record } of delivered) this.#report(lane, event, outcome, record, { kind: 'delivered' });
    if (delivered.length > 0 && acked.successIsNews) this.#tell(await noteSuccess(this.options.pool, lane.endpointId));
    if (acked.held && open) {
      await this.#letGo(lane);
      return { kind: 'left', othersWait: false };
    }
    if (acked.held) return { kind: 'went_on', version: acked.version };
    if (acked.more && step.yield) this.options.ring([{ endpointId: lane.endpointId, directoryId: lane.directoryId, slow: slot.isSlow }]);
    return { kind: 'left', othersWait: acked.othersWait };
  }

  async #drainAsides(endpointId: string, slot: HeldSlot, until: number): Promise<void> {
    while (!this.#stopping && performance.now() < until) {
      const held = await claimAsides(this.options.pool, endpointId);
      if (held.length === 0) return;
      await Promise.all(held.map((aside) => this.#sendAside(aside, slot)));
    }
  }

  async #sendAside(held: HeldAside, slot: HeldSlot): Promise<void> {
    const { pool } = this.options;
    const sender = await this.options.senders.at(held.endpointId, held.version);
    if (!sender) return;
    const logged = held.testEvent === null ? await findEvent(pool, held.environmentId, held.eventId) : undefined;
    const event = held.testEvent === null ? logged : { id: held.eventId, directoryId: null, json: held.testEvent };
    if (!event) return dropAside(pool, held); // older than what is kept

    const { outcome, record } = await this.#attempt(sender, event, slot);
    if (outcome.kind === 'stopped') return releaseAside(pool, held);

    const place = { kind: 'aside', since: held.createdAt, once: held.once } as const;
    const decision = decide({ ...held, attempts: held.attempt, place }, outcome, databaseTime(held));
    if (outcome.kind === 'delivered') {
      await settleAside(pool, held, record, { kind: 'delivered' });
      this.#report(held, event, outcome, record, decision);
      this.#tell(await noteSuccess(pool, held.endpointId));
      return;
    }
    // What was asked for by hand says nothing of the endpoint's own traffic, unless that it is gone.
    const heard = held.once && outcome.kind !== 'gone' ? undefined : await this.#noteFailure(held, outcome);
    const result: AsideResult =
      decision.kind === 'parked'
        ? { kind: 'parked' }
        : { kind: 'retried', refused: outcome.kind === 'refused', delaySeconds: 'delaySeconds' in decision ? decision.delaySeconds : 0 };
    await settleAside(pool, held, record, result);
    this.#report(held, event, outcome, record, decision, heard?.disabled);
  }

  async #attempt(
    sender: Sender,
    event: { id: string; json: string },
    slot: HeldSlot,
  ): Promise<{ outcome: Outcome; record: AttemptRecord }> {
    const slow = setTimeout(() => slot.turnSlow(), slowAfterMs);
    const tried = await attempt(this.options.poster, sender, event);
    clearTimeout(slow);
    if (tried.record.durationMs > slowAfterMs) await noteSlow(this.options.pool, sender.endpointId);
    return tried;
  }

  /** Notes with its endpoint that an attempt has failed. */
  async #noteFailure(
    of: { endpointId: string; attempt: number; probing: boolean },
    outcome: Exclude<FinishedOutcome, { kind: 'delivered' }>,
  ): Promise<{ open: boolean; disabled: boolean }> {
    const { pool } = this.options;
    if (outcome.kind === 'gone') {
      this.#tell(await noteGone(pool, of.endpointId));
      return { open: true, disabled: true };
    }
    const { open, notices } = await noteFailure(pool, of.endpointId, {
      byEndpoint: outcome.kind !== 'refused',
      attempt: of.attempt + 1,
      probing: of.probing,
      retryAfterSeconds: outcome.retryAfterSeconds,
    });
    this.#tell(notices);
    return { open, disabled: notices.some(({ kind }) => kind === 'endpoint_disabled') };
  }

  async #letGo(lane: HeldLane): Promise<false> {
    await this.#lanes.release(lane);
    return false;
  }

  #tell(notices: Notice[]): void {
    for (const notice of notices) this.options.onNotice?.(notice);
  }

  #report(
    of: { environmentId: string; endpointId: string; attempt: number },
    event: { id: string; directoryId: string | null; occurredAt?: Date | undefined },
    outcome: Outcome,
    record: AttemptRecord,
    decision: Decision,
    disabled = false,
  ): void {
    this.options.onAttempt?.({
      environmentId: of.environmentId,
      endpointId: of.endpointId,
      eventId: event.id,
      directoryId: event.directoryId,
      outcome: outcome.kind,
      status: record.status,
      durationMs: record.durationMs,
      error: record.error,
      decision: inOneWord(decision, disabled),
      retryInSeconds: 'delaySeconds' in decision ? decision.delaySeconds : undefined,
      sinceCommitMs:
        outcome.kind === 'delivered' && of.attempt === 0 && event.occurredAt
          ? record.at.getTime() + record.durationMs - event.occurredAt.getTime()
          : undefined,
    });
  }
}

/** Whether an attempt says anything: one that we stopped ourselves does not. */
function counts<Tried extends { outcome: Outcome }>(tried: Tried): tried is Tried & { outcome: FinishedOutcome } {
  return tried.outcome.kind !== 'stopped';
}

// Since when an event has been refused or aside is the database's time: a process whose own clock is ahead must not park it for that.
function databaseTime({ clockMs }: { clockMs: number }): Date {
  return new Date(clockMs + performance.now());
}

/** In the words of the log. */
function inOneWord(decision: Decision, disabled: boolean): AttemptReport['decision'] {
  if (disabled) return 'disabled';
  switch (decision.kind) {
    case 'delivered':
    case 'parked':
      return decision.kind;
    case 'gone':
      return 'disabled';
    case 'wait':
    case 'aside':
      return 'retry';
  }
}

/**
 * Those that are sent side by side. What comes after a rewind waits for its `feed.rewound` also where order does not matter: whoever gets
 * them must know which is newer.
 */
function nextOf(owed: readonly LoggedEvent[], at: number, units: number): LoggedEvent[] {
  const events = owed.slice(at, at + units);
  const rewound = events.findIndex(({ type }) => type === alwaysTold);
  return rewound === -1 ? events : events.slice(0, Math.max(1, rewound));
}

/** A slot that moves from the quick ones to the slow ones when its work turns out to take long. */
class HeldSlot {
  private constructor(
    private readonly slow: Slots,
    private giveBack: () => void,
    public isSlow: boolean,
  ) {}

  static async acquire(quick: Slots, slow: Slots, isSlow: boolean): Promise<HeldSlot> {
    return new HeldSlot(slow, await (isSlow ? slow : quick).acquire(), isSlow);
  }

  static tryAcquire(quick: Slots, slow: Slots): HeldSlot | undefined {
    const giveBack = quick.tryAcquire();
    return giveBack && new HeldSlot(slow, giveBack, false);
  }

  turnSlow(): void {
    if (this.isSlow) return;
    const moved = this.slow.tryAcquire();
    if (!moved) return;
    this.giveBack();
    this.giveBack = moved;
    this.isSlow = true;
  }

  release(): void {
    this.giveBack();
  }
}
