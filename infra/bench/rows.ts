/**
 * What each kind of request costs: in turns, several rounds, sixteen in flight, every answer checked. Members of groups one at a
 * time, because writers to one directory stand in line.
 */
import assert from 'node:assert/strict';
import { count, median, quantile, table } from './figures';
import { closedLoop, type Measured, send } from './load';
import { cpuOf, cpuOfPostgres, memoryOf } from './processes';
import { match, memberChange, putGroupBody, type ScimRequest, titleChange, userBody } from './requests';
import { aGroup, fillCauseway, fillFloor, fillPolis, type Postgres, type Server, startCauseway, startPeer, type Subject } from './subjects';

export interface Sizes {
  rounds: number;
  seconds: number;
  users: number;
  groups: number[];
  replaced: number;
}

export const full: Sizes = { rounds: 5, seconds: 1.5, users: 5_000, groups: [10, 1_000, 10_000, 100_000], replaced: 10_000 };
export const quick: Sizes = { rounds: 3, seconds: 0.7, users: 1_000, groups: [10, 1_000], replaced: 1_000 };

const inFlight = 16;

/** One request and what is right for an answer. */
interface Ask extends ScimRequest {
  right: (answer: { status: number; body: any }) => void;
  /** Sent before it, and not timed: what makes this one a change again. */
  first?: ScimRequest;
}

interface Row {
  name: string;
  inFlight: number;
  /** Absent: this one cannot do it. */
  of: (subject: Subject) => ((n: number) => Ask) | undefined;
  /** How it is told: requests a second, or the milliseconds of one. */
  unit: 'a second' | 'ms';
}

interface Sample {
  perSecond: number;
  p50: number;
  p99: number;
  server: number;
  postgres: number;
}

export async function measureRows(
  postgres: Postgres,
  sizes: Sizes,
  only: string[],
  withPolis: boolean,
  nodeFlags: string[] = [],
): Promise<void> {
  const servers: Server[] = [];
  try {
    const causeway = await startCauseway(await postgres.database('causeway'), { directories: 2, nodeFlags });
    servers.push(causeway);
    const floor = await startPeer('floor', await postgres.database('floor'), 2);
    servers.push(floor);
    const users = {
      ...sizes,
      causeway: await fillCauseway(causeway, causeway.directories[0]!, sizes.users),
      floor: await fillFloor(floor, floor.directories[0]!, sizes.users),
    };
    const subjects = [users.causeway, users.floor];
    const largest = Math.max(...sizes.groups, sizes.replaced * 2) + inFlight;
    const withGroups = [
      await fillCauseway(causeway, causeway.directories[1]!, largest),
      await fillFloor(floor, floor.directories[1]!, largest),
    ];
    if (withPolis) {
      const polis = await startPeer('Polis', await postgres.database('polis'), 1);
      servers.push(polis);
      const filled = await fillPolis(polis, polis.directories[0]!, sizes.users);
      subjects.push(filled);
      withGroups.push(filled);
    }
    const rows = userRows(sizes).filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)));
    const members = await memberRows(sizes, withGroups, (name) => only.length === 0 || only.some((word) => name.includes(word)));
    for (const server of servers) await server.db.query('vacuum analyze');

    const samples = new Map<string, Sample[]>();
    for (let round = 0; round <= sizes.rounds; round += 1) {
      for (const [row, whom] of [...rows.map((row) => [row, subjects] as const), ...members.map((row) => [row, withGroups] as const)]) {
        // Each round another is the first, so that no one always comes after the same other.
        for (let i = 0; i < whom.length; i += 1) {
          const subject = whom[(i + round) % whom.length]!;
          const asks = row.of(subject);
          if (!asks) continue;
          const sample = await take(subject, postgres, row, asks, sizes.seconds, round);
          if (round > 0) samples.set(`${row.name} ${subject.name}`, [...(samples.get(`${row.name} ${subject.name}`) ?? []), sample]);
        }
      }
      console.log(round === 0 ? 'warmed up' : `round ${round} of ${sizes.rounds}`);
    }
    print(
      [...rows, ...members],
      subjects.map(({ name }) => name),
      samples,
    );
    for (const subject of subjects) {
      const memory = memoryOf(subject.pid);
      console.log(`${subject.name}: ${count(memory.now)} MB at the end, ${count(memory.peak)} MB at its largest`);
    }
  } finally {
    for (const server of servers) {
      await server.db.end();
      await server.stop();
    }
  }
}

async function take(
  subject: Subject,
  postgres: Postgres,
  row: Row,
  asks: (n: number) => Ask,
  seconds: number,
  round: number,
): Promise<Sample> {
  const before = { server: cpuOf(subject.pid), postgres: cpuOfPostgres(postgres.pid) };
  let operations = 0;
  const { times, seconds: took }: Measured = await closedLoop(row.inFlight, seconds, async (n) => {
    const { right, first, ...request } = asks(round * 1_000_000 + n);
    if (first) await send(subject.connections, subject, first);
    operations += first ? 2 : 1;
    const sent = performance.now();
    const answer = await send(subject.connections, subject, request);
    const milliseconds = performance.now() - sent;
    right(answer);
    return milliseconds;
  });
  const cpu = { server: cpuOf(subject.pid) - before.server, postgres: cpuOfPostgres(postgres.pid) - before.postgres };
  return {
    perSecond: operations / took,
    p50: median(times),
    p99: quantile(times, 0.99),
    server: (cpu.server / operations) * 1_000,
    postgres: (cpu.postgres / operations) * 1_000,
  };
}

function userRows(sizes: Sizes): Row[] {
  const someone = (n: number): number => (n * 7_919) % sizes.users; // spread over everybody
  const list = (startIndex: number) => (subject: Subject) => () => ({
    method: 'GET' as const,
    path: `/Users?startIndex=${startIndex}&count=100`,
    right: ({ body }: { body: any }) => {
      assert.equal(body.Resources.length, Math.min(100, subject.pageAtMost));
      if (subject.name !== 'Polis') assert.ok(body.totalResults >= sizes.users);
    },
  });
  return [
    {
      name: 'create a user',
      unit: 'a second',
      inFlight,
      of: () => (n) => ({
        method: 'POST',
        path: '/Users',
        body: userBody(`newcomer${n}`),
        right: ({ status, body }) => {
          assert.equal(status, 201);
          assert.equal(body.userName, `newcomer${n}@acme.com`);
          assert.ok(body.id);
        },
      }),
    },
    {
      name: 'match by userName, hit',
      unit: 'a second',
      inFlight,
      of: (subject) => (n) => ({
        method: 'GET',
        path: match(`person${someone(n)}@acme.com`),
        right: ({ body }) => {
          assert.equal(body.totalResults, 1);
          assert.equal(body.Resources[0].id, subject.userId(someone(n)));
        },
      }),
    },
    {
      name: 'match by userName, miss',
      unit: 'a second',
      inFlight,
      of: () => (n) => ({
        method: 'GET',
        path: match(`nobody${n}@acme.com`),
        right: ({ body }) => assert.equal(body.totalResults, 0),
      }),
    },
    {
      name: 'read a user',
      unit: 'a second',
      inFlight,
      of: (subject) => (n) => ({
        method: 'GET',
        path: `/Users/${subject.userId(someone(n))}`,
        right: ({ body }) => assert.equal(body.id, subject.userId(someone(n))),
      }),
    },
    {
      name: 'PATCH one attribute',
      unit: 'a second',
      inFlight,
      of: (subject) => (n) => ({
        method: 'PATCH',
        path: `/Users/${subject.userId(someone(n))}`,
        body: titleChange(`Engineer ${n}`),
        right: ({ body }) => assert.equal(body.title, `Engineer ${n}`),
      }),
    },
    {
      name: 'PUT a user',
      unit: 'a second',
      inFlight,
      of: (subject) => (n) => ({
        method: 'PUT',
        path: `/Users/${subject.userId(someone(n))}`,
        body: userBody(`person${someone(n)}`, `Manager ${n}`),
        right: ({ body }) => {
          assert.equal(body.title, `Manager ${n}`);
          assert.equal(body.userName, `person${someone(n)}@acme.com`);
        },
      }),
    },
    { name: 'list 100, first page', unit: 'a second', inFlight, of: list(1) },
    { name: 'list 100, last page', unit: 'a second', inFlight, of: list(sizes.users - 99) },
  ];
}

/** Members one at a time, into and out of the same groups: the sizes stay what they are. */
async function memberRows(sizes: Sizes, subjects: Subject[], wanted: (name: string) => boolean): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of sizes.groups) {
    const names = { add: `add a member to ${count(size)}`, remove: `remove one of ${count(size)}` };
    if (!wanted(names.add) && !wanted(names.remove)) continue;
    const groups = new Map<string, { id: string; newcomer: string }>();
    // Polis takes members one at a time: a large group would take it longer than everything else here.
    for (const subject of subjects)
      if (subject.name !== 'Polis' || size <= 1_000)
        groups.set(subject.name, { id: await aGroup(subject, size), newcomer: subject.userId(size + 1) });
    const change =
      (op: 'Add' | 'Remove'): Row['of'] =>
      (subject) => {
        const group = groups.get(subject.name);
        if (!group) return undefined;
        const request = (which: 'Add' | 'Remove'): ScimRequest => ({
          method: 'PATCH',
          path: `/Groups/${group.id}`,
          body: memberChange(which, group.newcomer),
        });
        return () => ({
          ...request(op),
          first: request(op === 'Add' ? 'Remove' : 'Add'),
          right: ({ status }) => assert.ok(status === 200 || status === 204),
        });
      };
    rows.push(
      { name: names.add, unit: 'ms', inFlight: 1, of: change('Add') },
      { name: names.remove, unit: 'ms', inFlight: 1, of: change('Remove') },
    );
  }
  const name = `replace ${count(sizes.replaced)} members`;
  if (wanted(name)) {
    const groups = new Map<string, string>();
    for (const subject of subjects) if (subject.name !== 'Polis') groups.set(subject.name, await aGroup(subject, 0)); // Polis' PUT takes no members
    rows.push({
      name,
      unit: 'ms',
      inFlight: 1,
      of: (subject) => {
        const id = groups.get(subject.name);
        if (!id) return undefined;
        const members = (half: number): string[] =>
          Array.from({ length: sizes.replaced }, (_, n) => subject.userId(half * sizes.replaced + n));
        return (n) => ({
          method: 'PUT',
          path: `/Groups/${id}?attributes=displayName`,
          body: putGroupBody('replaced', members(n % 2)),
          right: ({ status }) => assert.equal(status, 200),
        });
      },
    });
  }
  return rows;
}

function print(rows: Row[], names: string[], samples: Map<string, Sample[]>): void {
  const of = (row: Row, name: string): Sample[] => samples.get(`${row.name} ${name}`) ?? [];
  const figure = (row: Row, name: string): number =>
    median(of(row, name).map((sample) => (row.unit === 'ms' ? sample.p50 : sample.perSecond)));
  const shown = (row: Row, value: number): string =>
    Number.isNaN(value) ? '–' : row.unit === 'ms' ? `${value.toFixed(2)} ms` : count(value);
  const spread = (row: Row, name: string): string => {
    const values = of(row, name).map((sample) => (row.unit === 'ms' ? sample.p50 : sample.perSecond));
    return values.length === 0 ? '–' : `±${Math.round(((Math.max(...values) - Math.min(...values)) / 2 / median(values)) * 100)} %`;
  };
  const p99 = (row: Row, name: string): string =>
    of(row, name).length === 0 ? '–' : median(of(row, name).map((sample) => sample.p99)).toFixed(1);
  // How often as fast: of times the other way round.
  const ratio = (row: Row, peer: string): string => {
    const [own, other] = [figure(row, 'Causeway'), figure(row, peer)];
    const times = row.unit === 'ms' ? other / own : own / other;
    return Number.isNaN(times) ? '–' : `×${times.toFixed(2)}`;
  };
  const peers = names.filter((name) => name !== 'Causeway');
  console.log(
    `\n${table(
      ['a second, or ms of one', ...names, ...peers.map((name) => `to ${name}`)],
      rows.map((row) => [row.name, ...names.map((name) => shown(row, figure(row, name))), ...peers.map((name) => ratio(row, name))]),
    )}`,
  );
  console.log(
    `\n${table(
      ['spread over the rounds; p99 in ms', ...names, ...names.map((name) => `p99 ${name}`)],
      rows.map((row) => [row.name, ...names.map((name) => spread(row, name)), ...names.map((name) => p99(row, name))]),
    )}`,
  );
  const cpu = (row: Row, name: string): string =>
    `${median(of(row, name).map(({ server }) => server)).toFixed(2)} + ${median(of(row, name).map(({ postgres }) => postgres)).toFixed(2)}`;
  console.log(
    `\n${table(
      ['CPU ms of one: server + PostgreSQL', ...names],
      rows.map((row) => [row.name, ...names.map((name) => (of(row, name).length === 0 ? '–' : cpu(row, name)))]),
    )}\n`,
  );
}
