import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inflict, type Scene } from './faults';
import { textIn } from './events';
import { matches } from './invariants';
import { Poller, readLog, readNaively } from './poller';
import { Random } from './random';
import { type LoggedEvent, type PollerRecord, Records, type Resource, type Run } from './records';
import { endpointsToTheEnd, type Fault, type Planned } from './schedule';
import { removeServers, startSystem, type System, type Topology } from './system';
import type { UnattendedEnd } from './supervised';
import { Endpoints, list, Lister } from './vendor-acts';
import { type Target, Writer } from './writer';

export interface RunOptions {
  topology: Topology;
  seed: string;
  /** Where it works and leaves its records. Its path should be short: there are sockets in it. */
  folder: string;
  schedule: Planned[];
  /** How long is written at least. What of the schedule is not over by then is waited for. */
  loadMs: number;
  /** Then it is written on until so many changes are acknowledged, or for 20 s. Default 100. */
  leastAcknowledged?: number;
  /** Built files that all workers load first: what makes of them a negative control. */
  variant?: string;
  /** How long it may take after the last fault until nothing is behind. Default: what the contract and the retry schedule allow. */
  boundMs?: number;
  writersPerDirectory?: number;
}

const directoriesPerOrganization = 2;

/**
 * One run: starts everything, has it written to and read from while the schedule's faults come, waits until all is quiet, and
 * reads what is there in the end. What is to be made of it is for the invariants to say.
 */
export async function run(options: RunOptions): Promise<Run> {
  const { topology, seed, folder, schedule } = options;
  mkdirSync(folder, { recursive: true });
  const random = new Random(seed);
  const records = new Records(folder);
  const ends = new Ends(topology, records);
  const failpoints = schedule.some(({ fault }) => fault.kind === 'die_at' || fault.kind === 'stop_at_answer') ? [built('failpoints')] : [];
  const system = await startSystem({
    topology,
    folder,
    records,
    random,
    // A variant first: it changes what failpoints load.
    preload: { brokers: failpoints, workers: [...(options.variant === undefined ? [] : [built(options.variant)]), ...failpoints] },
    onEnd: (end) => ends.note(end),
  });
  try {
    await drive(options, { system, random, records, ends });
  } finally {
    for (const name of await system.stop()) {
      records.append('incident', {
        at: Date.now(),
        endedAt: Date.now(),
        kind: 'unclean_stop',
        detail: `${name} did not end with 0 within 10 s of SIGTERM`,
        crash: false,
        endpointFails: false,
        unwanted: true,
      });
    }
    removeServers(folder);
  }
  return records.read();
}

interface Parts {
  system: System;
  random: Random;
  records: Records;
  ends: Ends;
}

async function drive(options: RunOptions, { system, random, records, ends }: Parts): Promise<void> {
  const { topology, seed, schedule, loadMs } = options;
  const { api, brokers, apiKey, sink } = system;
  const { directories, targets, organizationIds } = await makeDirectories(system);
  const [someDirectory] = directories;
  const endpoints = new Endpoints(api, sink, someDirectory?.id ?? '', seed);
  await makeEndpoints(endpoints, organizationIds);

  const pollers = pollersOf(organizationIds, directories[1]?.id ?? '');
  records.write('plan', { seed, topology, directories, pollers });
  const reading = new AbortController();
  const followers = pollers
    .filter(({ mode }) => mode !== 'naive')
    .map((poller) => new Poller({ poller, apiKey, records, brokers: brokers.fork() }));
  const followed = Promise.all([
    ...followers.map((follower) => follower.follow(reading.signal)),
    readNaively({ poller: naiveById, databaseUrl: system.databaseUrl, order: 'id', records }, reading.signal),
    readNaively({ poller: naiveByTime, databaseUrl: system.databaseUrl, order: 'time', records }, reading.signal),
  ]);
  followed.catch(() => {}); // waited for below

  const writing = new AbortController();
  const writers = targets.map((target, d) =>
    Array.from({ length: options.writersPerDirectory ?? 2 }, (_, w) => {
      const name = `w${d + 1}${'abcdef'[w] ?? 'z'}`;
      return new Writer({ name, target, brokers: brokers.fork(), records, random: random.fork(name) });
    }),
  );
  await Promise.all(writers.flatMap(([first]) => first?.makeSharedGroup() ?? []));
  const lister = new Lister(
    api,
    directories.map(({ id }) => id),
    random.fork('lister'),
  );
  const written = Promise.all([...writers.flat().map((writer) => writer.write(writing.signal)), lister.listNowAndThen(writing.signal)]);
  written.catch(() => {}); // waited for below

  const scene: Scene = { system, endpoints, records, organizationIds, targets };
  const inflicted = inflictAll(scene, schedule, ends);
  inflicted.catch(() => {}); // waited for below
  await delay(loadMs);
  for (const until = Date.now() + 20_000; records.acknowledged < (options.leastAcknowledged ?? 100) && Date.now() < until;)
    await delay(100);
  writing.abort();
  await Promise.all([inflicted, written]);

  // Nothing is broken any more. What follows must come to an end by itself.
  await Promise.all([...new Set([...system.servers.brokers, ...system.servers.workers])].map((one) => one.untilReady(60_000)));
  const calmAt = Date.now();
  const boundMs = options.boundMs ?? usualBoundMs(schedule);
  const { quietAt, behind } = await untilQuiet(system, endpoints, calmAt + boundMs);
  records.write('ending', { calmAt, boundMs, quietAt, behind });

  const log = await readLog((query) => api.ask('GET', query));
  for (const event of log) records.append('event', event);
  await untilCaughtUp(followers, pollers, log);
  reading.abort();
  await followed;

  await endpoints.placeStarts(log.length);
  records.write('endpoints', endpoints.records);
  records.write('abandoned', endpoints.abandoned);
  await lister.follow(records);
  const finalUsers: Record<string, Resource[]> = {};
  const finalGroups: Record<string, Resource[]> = {};
  for (const { id } of directories) {
    finalUsers[id] = (await list(api, 'users', id, { limit: 500 })).items;
    finalGroups[id] = (await list(api, 'groups', id, { limit: 500 })).items;
  }
  records.write('finalUsers', finalUsers);
  records.write('finalGroups', finalGroups);
}

async function makeDirectories({
  api,
}: System): Promise<{ directories: { id: string; organizationId: string }[]; targets: Target[]; organizationIds: string[] }> {
  const directories: { id: string; organizationId: string }[] = [];
  const targets: Target[] = [];
  const organizationIds: string[] = [];
  for (const name of ['acme', 'globex']) {
    const organizationId = textIn(await api.ask('POST', '/v1/organizations', { name, external_id: name }), 'id');
    organizationIds.push(organizationId);
    for (let i = 0; i < directoriesPerOrganization; i++) {
      const id = textIn(await api.ask('POST', '/v1/directories', { organization_id: organizationId, provider: 'generic' }), 'id');
      const token = textIn(await api.ask('POST', `/v1/directories/${id}/bearer_token`, {}), 'token');
      directories.push({ id, organizationId });
      targets.push({ id, token });
    }
  }
  return { directories, targets, organizationIds };
}

/** Those that are there from the beginning to the end, `endpointsToTheEnd` of them; faults choose among them. */
async function makeEndpoints(endpoints: Endpoints, [acme]: string[]): Promise<void> {
  await endpoints.create({ name: 'everything' });
  await endpoints.create({
    name: 'users',
    types: ['user.created', 'user.updated', 'user.deactivated', 'user.reactivated', 'user.deleted'],
    maxParallel: 2,
  });
  await endpoints.create({ name: 'acme', ...(acme === undefined ? {} : { organizationId: acme }) });
  await endpoints.create({ name: 'members', types: ['group.member_added', 'group.member_removed'], start: 'beginning' });
  await endpoints.create({ name: 'unordered', ordering: 'none', maxParallel: 4 });
}

const naiveById: PollerRecord = { name: 'naive reader by id', mode: 'naive', types: null, organizationId: null, directoryId: null };
const naiveByTime: PollerRecord = { ...naiveById, name: 'naive reader by time' };

function pollersOf([, globex = '']: string[], directoryId: string): PollerRecord[] {
  const everything = { types: null, organizationId: null, directoryId: null };
  return [
    { ...everything, name: 'by cursor', mode: 'cursor' },
    { ...everything, name: 'waiting', mode: 'wait' },
    { ...everything, name: 'by event id', mode: 'event_id' },
    { ...everything, name: 'by stream', mode: 'stream' },
    {
      ...everything,
      name: 'filtered by type and organization',
      mode: 'cursor',
      types: ['user.created', 'group.member_removed'],
      organizationId: globex,
    },
    { ...everything, name: 'waiting, filtered by directory', mode: 'wait', directoryId },
    { ...everything, name: 'by stream, filtered by type', mode: 'stream', types: ['user.updated', 'user.deleted'] },
    naiveById,
    naiveByTime,
  ];
}

/** Faults that would undo each other stand in line; the others come when their time has come. */
async function inflictAll(scene: Scene, schedule: Planned[], ends: Ends): Promise<void> {
  const begun = Date.now();
  const lines = new Map<string, Promise<void>>();
  for (const { atMs, fault } of schedule) {
    await delay(Math.max(0, begun + atMs - Date.now()));
    const name = lineOf(fault);
    const work = (lines.get(name) ?? Promise.resolve()).then(() => ends.during(fault, () => inflict(scene, fault)));
    work.catch(() => {}); // waited for below
    lines.set(name, work);
  }
  await Promise.all(lines.values());
}

function lineOf(fault: Fault): string {
  const { kind } = fault;
  if (kind.startsWith('redis')) return 'redis';
  if (kind === 'endpoint_misbehaves' || kind === 'endpoint_disabled') return `${kind} ${fault.target % endpointsToTheEnd}`;
  return kind === 'die_at' || kind === 'stop_at_answer' ? 'failpoint' : kind;
}

/**
 * After a crash deliveries go on within 30 s of the restart; an event that an endpoint failed to take twice is tried again up to
 * 36 s later, and a request that hangs is given up after 15 s. The rest is for a slow machine.
 */
function usualBoundMs(schedule: Planned[]): number {
  return schedule.some(({ fault }) => fault.kind === 'endpoint_misbehaves') ? 100_000 : 45_000;
}

/** Until nothing waits for a position and nothing is owed, by what the processes say of themselves. */
async function untilQuiet(system: System, endpoints: Endpoints, deadline: number): Promise<{ quietAt: number | null; behind: string }> {
  for (;;) {
    const metrics = await system.metrics();
    const dirty = metrics?.get('causeway_lanes_dirty');
    const oldest = metrics?.get('causeway_oldest_unsequenced_event_seconds');
    // What failed at an endpoint without order is owed outside of its lanes.
    const pending = dirty === 0 && oldest === 0 ? await endpoints.pending() : undefined;
    const at = Date.now();
    if (pending?.length === 0) return { quietAt: at, behind: '' };
    if (at > deadline) {
      return {
        quietAt: null,
        behind: `lanes dirty: ${dirty ?? 'not known'}; age of the oldest event without a position: ${oldest ?? 'not known'} s; endpoints that are owed something: ${pending?.join(', ') ?? 'not asked'}`,
      };
    }
    await delay(200);
  }
}

/** Gives the pollers time to see what is there. What one of them has missed by now it will not see. */
async function untilCaughtUp(followers: Poller[], pollers: PollerRecord[], log: LoggedEvent[]): Promise<void> {
  const owed = pollers.map((poller) => log.filter((event) => matches(poller, event)).length);
  for (const until = Date.now() + 15_000; Date.now() < until;) {
    if (followers.every((follower, i) => follower.seen >= (owed[i] ?? 0))) break;
    await delay(100);
  }
  // One that sees something twice needs a moment to do so.
  await delay(300);
}

/** Puts the ends of processes on record, and tells those that were meant from those that were not. */
class Ends {
  readonly #away = new Meanwhile();
  readonly #shaken = new Meanwhile();

  constructor(
    private readonly topology: Topology,
    private readonly records: Records,
  ) {}

  async during(fault: Fault, work: () => Promise<void>): Promise<void> {
    if (fault.kind.startsWith('connections')) return this.#shaken.during(work);
    const ends = fault.kind.startsWith('postgres') || (fault.kind === 'kill_standalone' && fault.reach === 'everything');
    return ends ? this.#away.during(work) : work();
  }

  note({ name, pid, code, signal, wasReady }: UnattendedEnd): void {
    const at = Date.now();
    // What starts while its database is away says so, and ends; the one that starts a database of its own ends with it.
    const excused =
      (!wasReady && (this.#away.isOrWas(at) || this.#shaken.isOrWas(at))) || (this.topology === 'standalone' && this.#away.isOrWas(at));
    const unwanted = signal === null && code !== 0 && !excused;
    this.records.append('incident', {
      at,
      endedAt: at,
      kind: 'process_ended',
      detail: `${name} (process ${pid}) ended with ${signal ?? `code ${code}`}${wasReady ? '' : ' before it was ready'}`,
      crash: signal !== null || code !== 0,
      endpointFails: false,
      unwanted,
    });
  }
}

/** Whether some work is under way, or was until a moment ago. */
class Meanwhile {
  #underWay = 0;
  #lastAt = -Infinity;

  async during(work: () => Promise<void>): Promise<void> {
    this.#underWay += 1;
    await work().finally(() => {
      this.#underWay -= 1;
      this.#lastAt = Date.now();
    });
  }

  isOrWas(at: number): boolean {
    return this.#underWay > 0 || at - this.#lastAt < 10_000;
  }
}

function built(name: string): string {
  return path.join('packages/testing/faults', `${name}.js`);
}
