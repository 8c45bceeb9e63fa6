import type { Failpoint } from './failpoints';
import type { Random } from './random';
import type { Behaviour } from './sink';
import type { Topology } from './system';

/** Something to break, or to do to the vendor's endpoints while everything runs. `target`s are taken modulo what there is. */
export type Fault =
  /** kill -9 of one process, or of all of them at once. */
  | { kind: 'kill'; role: 'brokers' | 'workers' | 'all'; target: number }
  /** kill -9 of the one process: alone, with its group, or together with its PostgreSQL; and perhaps again while it starts. */
  | { kind: 'kill_standalone'; reach: 'process' | 'group' | 'everything'; againAfterMs: number | null }
  /** SIGTERM, as at every deployment. No crash: nothing may be sent twice for it. */
  | { kind: 'restart'; role: 'brokers' | 'workers'; target: number }
  /** kill -9 at a named point: see failpoints.ts. */
  | { kind: 'die_at'; point: Failpoint }
  /** SIGSTOP between an endpoint's answer and its ack, until the lane has long been somebody else's. */
  | { kind: 'stop_at_answer'; forMs: number }
  | { kind: 'redis_stopped'; forMs: number }
  | { kind: 'redis_emptied' }
  | { kind: 'redis_paused'; forMs: number }
  | { kind: 'postgres_restarted'; mode: 'fast' | 'immediate'; downMs: number }
  | { kind: 'postgres_backend_killed' }
  | { kind: 'connections_terminated'; share: number }
  /** All connections, again and again: some are met in the moment in which they are made. */
  | { kind: 'connections_stormed'; everyMs: number; forMs: number }
  /** A transaction of another database in the same cluster has written, and stays open. */
  | { kind: 'foreign_transaction'; forMs: number }
  /** Brokers hear nothing of so many commits that are made. */
  | { kind: 'commit_answers_lost'; times: number }
  /** Nobody gets a new connection. */
  | { kind: 'connections_used_up'; forMs: number }
  /** A snapshot is held open in the same database, as a dump does. */
  | { kind: 'old_snapshot'; forMs: number }
  /** A table that everybody writes to is locked. */
  | { kind: 'table_locked'; table: 'users' | 'events' | 'lanes' | 'event_outbox'; forMs: number }
  /** Clients that cut off what they send, in the middle. */
  | { kind: 'clients_abort'; everyMs: number; forMs: number }
  | { kind: 'endpoint_misbehaves'; target: number; behaviour: Behaviour; forMs: number }
  | { kind: 'endpoint_disabled'; target: number; forMs: number }
  | { kind: 'endpoint_created'; start: 'now' | 'beginning'; filtered: boolean; scoped: boolean; ordering: 'directory' | 'none' }
  | { kind: 'endpoint_deleted'; target: number }
  | { kind: 'secret_rotated'; target: number };

export type FaultKind = Fault['kind'];

/** How many endpoints there are from the beginning to the end of every run. */
export const endpointsToTheEnd = 5;

export interface Planned {
  atMs: number;
  fault: Fault;
}

/** What can be broken in which topology. */
export function kindsFor(topology: Topology): FaultKind[] {
  const everywhere: FaultKind[] = [
    'die_at',
    'postgres_backend_killed',
    'connections_terminated',
    'connections_stormed',
    'foreign_transaction',
    'connections_used_up',
    'old_snapshot',
    'table_locked',
    'clients_abort',
    'endpoint_misbehaves',
    'endpoint_disabled',
    'endpoint_created',
    'endpoint_deleted',
    'secret_rotated',
  ];
  if (topology === 'standalone') return ['kill_standalone', 'restart', ...everywhere];
  const split: FaultKind[] = ['kill', 'restart', 'stop_at_answer', 'postgres_restarted', 'commit_answers_lost', ...everywhere];
  return topology === 'redis' ? [...split, 'redis_stopped', 'redis_emptied', 'redis_paused'] : split;
}

/**
 * A random plan: faults of the given kinds, spread over `withinMs`.
 *
 * What takes long by itself (a zombie must outlive a lease of 20 s) comes once, and first.
 */
export function randomSchedule(
  random: Random,
  topology: Topology,
  { kinds, count, withinMs }: { kinds: FaultKind[]; count: number; withinMs: number },
): Planned[] {
  const chosen = Array.from({ length: count }, (_, i) => kinds[i] ?? random.pick(kinds));
  const once = chosen.filter((kind, i) => kind !== 'stop_at_answer' || chosen.indexOf(kind) === i);
  const misbehaving = new Set<number>();
  return once
    .map((kind): Planned => ({
      atMs: kind === 'stop_at_answer' ? 1_000 : Math.floor(500 + random.next() * (withinMs - 500)),
      fault: randomFault(random, topology, kind, misbehaving),
    }))
    .sort((one, other) => one.atMs - other.atMs);
}

function randomFault(random: Random, topology: Topology, kind: FaultKind, misbehaving: Set<number>): Fault {
  const target = random.whole(0, 99);
  switch (kind) {
    case 'kill':
      return { kind, role: random.pick(['brokers', 'workers', 'workers', 'all'] as const), target };
    case 'kill_standalone':
      return {
        kind,
        reach: random.pick(['process', 'group', 'everything'] as const),
        againAfterMs: random.chance(0.3) ? random.whole(50, 2_500) : null,
      };
    case 'restart':
      return { kind, role: random.pick(['brokers', 'workers'] as const), target };
    case 'die_at':
      return { kind, point: random.pick(['committed', 'sequenced', 'rung', 'claimed', 'answered'] as const) };
    case 'stop_at_answer':
      return { kind, forMs: 23_000 };
    case 'redis_stopped':
      return { kind, forMs: random.whole(500, 6_000) };
    case 'redis_emptied':
      return { kind };
    case 'redis_paused':
      return { kind, forMs: random.whole(500, 6_000) };
    case 'postgres_restarted':
      return { kind, mode: random.pick(['fast', 'immediate'] as const), downMs: random.whole(0, 2_000) };
    case 'postgres_backend_killed':
      return { kind };
    case 'connections_terminated':
      return { kind, share: random.pick([0.2, 0.5, 1]) };
    case 'connections_stormed':
      return { kind, everyMs: 250, forMs: 10_000 };
    case 'foreign_transaction':
      return { kind, forMs: random.whole(3_000, 8_000) };
    case 'commit_answers_lost':
      return { kind, times: random.whole(5, 40) };
    case 'connections_used_up':
      return { kind, forMs: random.whole(1_000, 5_000) };
    case 'old_snapshot':
      return { kind, forMs: random.whole(3_000, 9_000) };
    case 'table_locked':
      return { kind, table: random.pick(['users', 'events', 'lanes', 'event_outbox'] as const), forMs: random.whole(500, 4_000) };
    case 'clients_abort':
      return { kind, everyMs: random.whole(10, 60), forMs: random.whole(2_000, 5_000) };
    case 'endpoint_misbehaves': {
      // Once for each endpoint, and for less than its second retry takes to come: how long a run lasts stays known.
      let endpoint = target % endpointsToTheEnd;
      for (let i = 0; i < endpointsToTheEnd && misbehaving.has(endpoint); i++) endpoint = (endpoint + 1) % endpointsToTheEnd;
      misbehaving.add(endpoint);
      return { kind, target: endpoint, behaviour: randomBehaviour(random), forMs: random.whole(500, 4_000) };
    }
    case 'endpoint_disabled':
      return { kind, target, forMs: random.whole(300, 3_000) };
    case 'endpoint_created':
      return {
        kind,
        start: random.pick(['now', 'now', 'beginning'] as const),
        filtered: random.chance(0.5),
        scoped: random.chance(0.4),
        ordering: random.chance(0.2) ? 'none' : 'directory',
      };
    case 'endpoint_deleted':
      return { kind, target };
    case 'secret_rotated':
      return { kind, target };
    default:
      throw new Error(`there is no fault ${String(kind satisfies never)} in ${topology}`);
  }
}

function randomBehaviour(random: Random): Behaviour {
  switch (random.pick(['fails', 'fails', 'throttles', 'hangs', 'resets'] as const)) {
    case 'fails':
      return { kind: 'fails', status: random.pick([500, 502, 503, 408]) };
    case 'throttles':
      return { kind: 'throttles', retryAfterSeconds: random.whole(1, 5) };
    case 'hangs':
      return { kind: 'hangs' };
    default:
      return { kind: 'resets' };
  }
}
