import type { Random } from './random';
import type { RunOptions } from './run';
import { type FaultKind, kindsFor, type Planned, randomSchedule } from './schedule';
import { topologies, type Topology } from './system';

export type Plan = Omit<RunOptions, 'folder' | 'seed'> & { name: string };

/**
 * The plans of the long form, without end: the topologies in turn, and in each of them by turns one kind of fault alone, three
 * times over, and many kinds mixed.
 */
export function* plans(random: Random, only?: { topology?: Topology | undefined; kinds?: FaultKind[] | undefined }): Generator<Plan> {
  const decks = new Map(
    topologies.map((topology) => [topology, new Deck(random.fork(`alone in ${topology}`), kindsIn(topology, only?.kinds))]),
  );
  const mixes = new Map(
    topologies.map((topology) => [topology, new Deck(random.fork(`mixed in ${topology}`), kindsIn(topology, only?.kinds))]),
  );
  for (let i = 0; ; i++) {
    const turn = topologies[i % topologies.length] ?? 'redis';
    const topology = only?.topology ?? turn;
    const own = random.fork(`plan ${i}`);
    const alone = Math.floor(i / topologies.length) % 2 === 0;
    const kinds = alone
      ? Array<FaultKind>(3).fill(decks.get(topology)?.draw() ?? 'die_at')
      : Array.from({ length: 8 }, () => mixes.get(topology)?.draw() ?? 'die_at');
    // Endpoints come and go in every run.
    const schedule = randomSchedule(own, topology, { kinds: [...kinds, 'endpoint_created'], count: kinds.length + 1, withinMs: 10_000 });
    yield { name: alone ? `${kinds[0] ?? ''} alone` : 'mixed', topology, schedule, loadMs: 12_000 };
  }
}

function kindsIn(topology: Topology, only: FaultKind[] | undefined): FaultKind[] {
  const kinds = kindsFor(topology);
  const chosen = only ? kinds.filter((kind) => only.includes(kind)) : kinds;
  return chosen.length > 0 ? chosen : kinds;
}

/** Gives each card once before it gives any of them again. */
class Deck<Card> {
  #left: Card[] = [];

  constructor(
    private readonly random: Random,
    private readonly cards: readonly Card[],
  ) {}

  draw(): Card {
    if (this.#left.length === 0) this.#left = [...this.cards];
    const card = this.random.pick(this.#left);
    this.#left.splice(this.#left.indexOf(card), 1);
    return card;
  }
}

/** What `npm test` runs, side by side: each some 40 s, most of which a lease takes to run out. */
export function shortPlans(random: Random, { redis }: { redis: boolean }): { standalone: Plan; split: Plan } {
  const [one, two] = [random.fork('standalone'), random.fork('split')];
  const moment = (of: Random, from: number, to: number): number => of.whole(from, to);
  const atTimes = (planned: Planned[]): Planned[] => planned.sort((a, b) => a.atMs - b.atMs);
  return {
    standalone: {
      name: 'killed and started again',
      topology: 'standalone',
      loadMs: 9_000,
      schedule: atTimes([
        { atMs: moment(one, 1_000, 2_500), fault: { kind: 'kill_standalone', reach: 'process', againAfterMs: null } },
        {
          atMs: moment(one, 4_500, 6_000),
          fault: { kind: 'kill_standalone', reach: one.pick(['group', 'everything'] as const), againAfterMs: one.whole(50, 1_500) },
        },
        {
          atMs: moment(one, 500, 8_000),
          fault: { kind: 'endpoint_created', start: 'now', filtered: true, scoped: false, ordering: 'directory' },
        },
      ]),
    },
    split: {
      name: 'everything once',
      topology: redis ? 'redis' : 'postgres',
      loadMs: 9_000,
      schedule: atTimes([
        { atMs: moment(two, 800, 3_500), fault: { kind: 'kill', role: 'workers', target: two.whole(0, 1) } },
        { atMs: moment(two, 800, 6_000), fault: { kind: 'kill', role: 'brokers', target: two.whole(0, 1) } },
        {
          atMs: moment(two, 800, 4_000),
          fault: { kind: 'die_at', point: two.pick(['sequenced', 'rung', 'claimed', 'answered'] as const) },
        },
        { atMs: moment(two, 2_000, 5_000), fault: { kind: 'postgres_restarted', mode: 'immediate', downMs: two.whole(0, 800) } },
        { atMs: moment(two, 500, 6_000), fault: { kind: 'connections_terminated', share: 0.5 } },
        { atMs: moment(two, 500, 4_000), fault: { kind: 'foreign_transaction', forMs: 3_000 } },
        {
          atMs: moment(two, 500, 3_000),
          fault: { kind: 'endpoint_misbehaves', target: 0, behaviour: { kind: 'fails', status: 503 }, forMs: 2_000 },
        },
        { atMs: moment(two, 500, 5_000), fault: { kind: 'endpoint_misbehaves', target: 2, behaviour: { kind: 'resets' }, forMs: 1_000 } },
        { atMs: moment(two, 500, 5_000), fault: { kind: 'endpoint_disabled', target: 1, forMs: 1_500 } },
        { atMs: moment(two, 500, 6_000), fault: { kind: 'secret_rotated', target: 0 } },
        {
          atMs: moment(two, 500, 7_000),
          fault: { kind: 'endpoint_created', start: 'now', filtered: true, scoped: false, ordering: 'directory' },
        },
        {
          atMs: moment(two, 500, 7_000),
          fault: { kind: 'endpoint_created', start: 'beginning', filtered: false, scoped: true, ordering: 'directory' },
        },
        ...(redis
          ? [
              { atMs: moment(two, 500, 6_000), fault: { kind: 'redis_emptied' } as const },
              { atMs: moment(two, 500, 4_000), fault: { kind: 'redis_stopped', forMs: 1_500 } as const },
            ]
          : []),
      ]),
    },
  };
}

/** Runs that must be found wanting, in this way at least; each beside the same plan with nothing taken away. */
export interface Control {
  plan: Plan;
  variant: 'without-sweep' | 'without-fencing';
  mustShow: string[];
}

export function controls(topology: Topology): Control[] {
  const dawdling = [0, 1, 2, 3, 4].map((target): Planned => ({
    atMs: 0,
    fault: { kind: 'endpoint_misbehaves', target, behaviour: { kind: 'dawdles', ms: 120 }, forMs: 28_000 },
  }));
  return [
    {
      variant: 'without-sweep',
      mustShow: ['I5', 'I10'],
      plan: {
        name: 'workers die, and nobody looks for what they held',
        topology,
        loadMs: 6_000,
        boundMs: 45_000,
        schedule: [
          { atMs: 1_500, fault: { kind: 'die_at', point: 'answered' } },
          { atMs: 2_500, fault: { kind: 'kill', role: 'workers', target: 0 } },
          { atMs: 3_500, fault: { kind: 'kill', role: 'workers', target: 1 } },
        ],
      },
    },
    {
      variant: 'without-fencing',
      mustShow: ['I6'],
      plan: {
        name: 'a worker comes back to a lane that is no longer its own',
        topology,
        loadMs: 9_000,
        schedule: [...dawdling, { atMs: 4_000, fault: { kind: 'stop_at_answer', forMs: 22_000 } }],
      },
    },
  ];
}
