/**
 * What deliveries cost, and how long they take.
 *
 *     npm run bench:deliveries                       (some 8 minutes; both queues)
 *     npm run bench:deliveries -- quick              (a minute: to see that it runs)
 *     npm run bench:deliveries -- postgres rate      (one queue: postgres or redis; one part: rate, latency, dead, cursor)
 *     npm run bench:deliveries -- rate profile=DIR   (with the worker's CPU profile in DIR)
 *
 * A broker and a worker as they ship, an embedded PostgreSQL with fsync on, and a receiver in a process of its own, all on this
 * machine. Printed are
 *
 *   rate     deliveries a second, from the first to the last arrival of a backlog, beside those of a loop that does nothing but POST the same webhooks
 *            to the same receiver with undici, as many at once, and of one that signs each as well. They take turns; medians, and ratios; and what each delivery took of the
 *            processors.
 *            Once to a receiver that only answers, and once to one that verifies signatures, as a vendor's does.
 *   latency  from the commit (PostgreSQL's own timestamp of it) to the arrival, and from when the identity provider's request was due. Requests
 *            are sent at a steady rate whatever becomes of the ones before (an open loop), each event goes to five endpoints.
 *   dead     the same for four endpoints, while the fifth works and while it is dead (it hangs or hangs up). The two take turns.
 *   cursor   events a second by GET /v1/events, one page after the other.
 *
 * What is counted is checked: each event arrived once at each endpoint and in the order of its directory, signatures verify, pages have no gap. A
 * fast wrong result is an error.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { startSystem, type Directory, type System } from './a-system';
import type { ToBareLoop } from './bare-loop';
import type { FromReceiver, Report, ToReceiver } from './receiver';

const flags = process.argv.slice(2);
const quick = flags.includes('quick');
const profileIn = flags.find((flag) => flag.startsWith('profile='))?.slice('profile='.length);
const chosen = (all: readonly string[]): string[] =>
  all.some((one) => flags.includes(one)) ? all.filter((one) => flags.includes(one)) : [...all];
const queues = chosen(['postgres', 'redis']);
const parts = chosen(['rate', 'latency', 'dead', 'cursor']);

const sizes = quick
  ? { eventsInEach: 60, rounds: 3, cursorRounds: 3, warmUpSeconds: 1, latencySeconds: { 50: 5, 200: 5 }, deadSeconds: 4, deadRounds: 1 }
  : {
      eventsInEach: 300,
      rounds: 9,
      cursorRounds: 9,
      warmUpSeconds: 3,
      latencySeconds: { 50: 40, 200: 20 },
      deadSeconds: 20,
      deadRounds: 3,
    };

// 64 lanes, which is as many requests at once: each endpoint takes 8, and gets those of 8 directories.
const endpointCount = 8;
const directoryCount = 8;
const sampleEvery = 97;

interface Endpoint {
  id: string;
  path: string;
  secret: string;
  publicKey: string;
}

interface Bench {
  system: System;
  receiver: Receiver;
  bareLoop: ChildProcess;
  directories: (Directory & { users: string[] })[];
}

async function main(): Promise<void> {
  console.log(`${os.cpus().length} × ${os.cpus()[0]?.model ?? 'unknown'}, Node ${process.version}; everything runs on it at once`);
  for (const queue of queues) await measure(queue === 'redis' ? 'redis' : 'postgres');
}

async function measure(queue: 'postgres' | 'redis'): Promise<void> {
  const receiver = await startReceiver();
  const bareLoop = forked('bare-loop.ts');
  const system = await startSystem({ queue, profileIn }).catch((error: unknown) => {
    receiver.process.disconnect();
    bareLoop.disconnect();
    if (queue === 'postgres') throw error;
    console.log(`\nleft out, since there is no Redis here: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (!system) return;
  try {
    const { rows } = await system.db.query<{ version: string; fsync: string }>(
      `select current_setting('server_version') as version, current_setting('fsync') || ', synchronous_commit ' || current_setting('synchronous_commit') as fsync`,
    );
    console.log(`\n── BullMQ on ${queue}; PostgreSQL ${rows[0]?.version}, fsync ${rows[0]?.fsync} ──`);
    const directories = await Promise.all(Array.from({ length: directoryCount }, () => aFilledDirectory(system)));
    const bench: Bench = { system, receiver, bareLoop, directories };
    if (parts.includes('rate')) await measureRate(bench);
    if (parts.includes('latency')) await measureLatency(bench);
    if (parts.includes('dead')) await measureDead(bench);
    if (parts.includes('cursor')) await measureCursor(bench);
  } finally {
    await system.stop();
    receiver.process.disconnect();
    bareLoop.disconnect();
  }
}

// ── What is measured ───────────────────────────────────────────────────────────────────────────

async function measureRate(bench: Bench): Promise<void> {
  const { system, receiver } = bench;
  await changeUsers(bench, sizes.eventsInEach);
  await loggedEvents(system); // an endpoint begins at the end of what has a position
  const endpoints = await Promise.all(Array.from({ length: endpointCount }, (_, n) => anEndpoint(bench, `rate-${n}`)));
  const owed = (await loggedEvents(system)).length * endpoints.length;
  const sizesOfBodies = (await bodiesOf(system)).map((body) => Buffer.byteLength(body));
  console.log(
    `\ndeliveries a second: ${owed.toLocaleString('en')} to ${endpointCount} endpoints, of ${directoryCount} directories, ${endpointCount * directoryCount} at once, ${Math.round(quantile(sizesOfBodies, 0.5))} bytes each; median of ${sizes.rounds} (least–most)`,
  );

  const secrets = Object.fromEntries(endpoints.map((endpoint) => [endpoint.path, endpoint.secret]));
  const receivers = [
    { does: 'answers, and nothing else', secrets: undefined },
    { does: 'verifies each signature with the official library and parses the event, as vendors do', secrets },
  ].map((how) => ({ ...how, ours: [] as number[], bare: [] as number[], signing: [] as number[], costs: [] as Cost[] }));
  for (let round = -1; round < sizes.rounds; round += 1) {
    for (const how of receivers) {
      // The worker stands still until all endpoints are asked for: otherwise what is measured is when they were.
      receiver.begin({ sampleEvery, secrets: how.secrets });
      const before = await costSoFar(bench);
      system.worker.kill('SIGSTOP');
      await Promise.all(endpoints.map(({ id }) => system.api('POST', `/v1/webhook_endpoints/${id}/replay`, {})));
      system.worker.kill('SIGCONT');
      const ours = await receiver.after(owed);
      await quietAgain(system);
      const after = await costSoFar(bench);
      await checkArrivals(ours, endpoints, await loggedEvents(system));

      const webhooks = await signedWebhooks(bench, endpoints);
      const loop = async (more: Pick<ToBareLoop, 'secrets'>): Promise<Report> => {
        receiver.begin({ sampleEvery: 0, secrets: how.secrets });
        const order: ToBareLoop = { url: receiver.url, webhooks, requests: owed, concurrency: endpointCount * directoryCount, ...more };
        bench.bareLoop.send(order);
        await new Promise((resolve) => bench.bareLoop.once('message', resolve));
        return receiver.after(owed);
      };
      const bare = await loop({});
      const signing = await loop({ secrets });
      if (round < 0) continue; // the first of each is slower
      how.ours.push(rateOf(ours));
      how.bare.push(rateOf(bare));
      how.signing.push(rateOf(signing));
      const each = (kind: keyof Cost): number => (after[kind] - before[kind]) / owed;
      how.costs.push({
        commits: each('commits'),
        workerMs: each('workerMs'),
        postgresMs: each('postgresMs'),
        receiverMs: each('receiverMs'),
      });
    }
  }
  for (const { id } of endpoints) await system.api('DELETE', `/v1/webhook_endpoints/${id}`);

  for (const { does, ours, bare, signing, costs } of receivers) {
    const cost = (kind: keyof Cost, unit = 1): string =>
      (
        quantile(
          costs.map((each) => each[kind]),
          0.5,
        ) * unit
      ).toFixed(kind === 'commits' ? 2 : 0);
    const beside = (loop: number[]): string =>
      `Causeway has ${((100 * quantile(ours, 0.5)) / quantile(loop, 0.5)).toFixed(0)} % of it (round by round ${ours.map((rate, i) => ((100 * rate) / (loop[i] ?? NaN)).toFixed(0)).join(', ')})`;
    console.log(` to a receiver that ${does}`);
    console.log(`  Causeway           ${spread(ours)}`);
    console.log(`  bare undici loop   ${spread(bare)}; ${beside(bare)}`);
    console.log(`  one that signs too ${spread(signing)}; ${beside(signing)}`);
    console.log(
      `  for each delivery  ${cost('commits')} transactions; µs of a processor: worker ${cost('workerMs', 1_000)}, PostgreSQL ${cost('postgresMs', 1_000)}, receiver ${cost('receiverMs', 1_000)}`,
    );
  }
}

async function measureLatency(bench: Bench): Promise<void> {
  const endpoints = await Promise.all(Array.from({ length: 5 }, (_, n) => anEndpoint(bench, `latency-${n}`)));
  console.log(`\nfrom commit to arrival, ms; ${endpoints.length} endpoints get every event, of ${directoryCount} directories`);
  for (const perSecond of [50, 200] as const) {
    const { sinceCommit, sinceDue, lateMs } = await steadily(bench, perSecond, sizes.latencySeconds[perSecond], endpoints);
    showLatency(`${perSecond} events a second, since the commit`, sinceCommit);
    showLatency(`${perSecond} events a second, since the IdP's request was due`, sinceDue);
    if (lateMs > 20) console.log(`  (a request was sent ${lateMs.toFixed(0)} ms after it was due, which counts in the second)`);
  }
  for (const { id } of endpoints) await bench.system.api('DELETE', `/v1/webhook_endpoints/${id}`);
}

async function measureDead(bench: Bench): Promise<void> {
  const perSecond = 50;
  const healthy = await Promise.all(Array.from({ length: 4 }, (_, n) => anEndpoint(bench, `healthy-${n}`)));
  const times: Record<'fifth' | 'dead', number[][]> = { fifth: [], dead: [] };
  for (let round = 0; round < sizes.deadRounds; round += 1) {
    for (const kind of ['fifth', 'dead'] as const) {
      const fifth = await anEndpoint(bench, `${kind}-${round}`);
      const owed = kind === 'fifth' ? [...healthy, fifth] : healthy;
      const { sinceCommit } = await steadily(bench, perSecond, sizes.deadSeconds, owed, new Set(healthy.map((endpoint) => endpoint.path)));
      times[kind].push(sinceCommit);
      if (kind === 'dead') await checkDead(bench.system, fifth);
      await bench.system.api('DELETE', `/v1/webhook_endpoints/${fifth.id}`);
    }
  }
  for (const { id } of healthy) await bench.system.api('DELETE', `/v1/webhook_endpoints/${id}`);

  console.log(`\nfrom commit to arrival at four endpoints, ms; ${perSecond} events a second`);
  showLatency('while the fifth works', times.fifth.flat());
  showLatency('while the fifth is dead', times.dead.flat());
  const ratio = (q: number): string => `×${(quantile(times.dead.flat(), q) / quantile(times.fifth.flat(), q)).toFixed(2)}`;
  console.log(
    `  ratio                                             p50 ${ratio(0.5)}   p99 ${ratio(0.99)} (round by round ${times.dead.map((dead, i) => (quantile(dead, 0.99) / quantile(times.fifth[i] ?? [], 0.99)).toFixed(2)).join(', ')})`,
  );
}

async function measureCursor({ system, directories }: Bench): Promise<void> {
  const known = (await loggedEvents(system)).length;
  if (known < directories.length * sizes.eventsInEach) await changeUsers({ system, directories }, sizes.eventsInEach);
  await quietAgain(system);
  const total = (await loggedEvents(system)).length;
  const rates: number[] = [];
  let bytes = 0;
  for (let round = -1; round < sizes.cursorRounds; round += 1) {
    const began = performance.now();
    let read = 0;
    bytes = 0;
    for (let after = '', more = true; more;) {
      const { text } = await system.api('GET', `/v1/events?limit=500${after}`);
      const page: { data: { position: number }[]; next_cursor: string; has_more: boolean } = JSON.parse(text);
      for (const { position } of page.data) {
        read += 1;
        if (position !== read) throw new Error(`position ${position} came where ${read} should have`);
      }
      bytes += text.length;
      after = `&after=${page.next_cursor}`;
      more = page.has_more;
    }
    if (read !== total) throw new Error(`${read} events were read of ${total}`);
    if (round >= 0) rates.push((1_000 * read) / (performance.now() - began));
  }
  console.log(
    `\nevents a second by cursor: ${total.toLocaleString('en')} events of ${Math.round(bytes / total)} bytes in pages of 500, one reader, parsing included; median of ${sizes.cursorRounds} (least–most)`,
  );
  console.log(`  GET /v1/events     ${spread(rates)}`);
}

/** Changes users at a steady rate, whatever becomes of the changes before; the times of their events at `timed`, checked at all `endpoints`. */
async function steadily(
  bench: Bench,
  perSecond: number,
  seconds: number,
  endpoints: Endpoint[],
  timed: ReadonlySet<string> = new Set(endpoints.map((endpoint) => endpoint.path)),
): Promise<{ sinceCommit: number[]; sinceDue: number[]; lateMs: number }> {
  const { system, receiver, directories } = bench;
  const {
    rows: [head],
  } = await system.db.query<{ position: string }>('select position from feed_heads');
  const from = Number(head?.position);
  receiver.begin({ sampleEvery });
  const due: number[] = [];
  const answers: Promise<unknown>[] = [];
  let lateMs = 0;
  const total = Math.round(perSecond * (sizes.warmUpSeconds + seconds));
  const began = performance.now() + 50;
  const mark = `${performance.now().toFixed(0)}-`;
  for (let n = 0; n < total; n += 1) {
    const dueAt = began + (n * 1_000) / perSecond;
    const restMs = dueAt - performance.now();
    if (restMs > 0) await delay(restMs);
    lateMs = Math.max(lateMs, performance.now() - dueAt);
    due.push(performance.timeOrigin + dueAt);
    answers.push(changeUser(directories, n, `${mark}${n}`));
  }
  await Promise.all(answers);

  const events = (await loggedEvents(system, from)).map((event) => ({ ...event, n: Number(event.title.slice(mark.length)) }));
  if (events.length !== total) throw new Error(`${events.length} events were logged for ${total} changes`);
  const report = await receiver.after(events.length * endpoints.length);
  await checkArrivals(report, endpoints, events);
  const byPlace = new Map(events.map((event) => [`${event.directory} ${event.sequence}`, event]));
  const sinceCommit: number[] = [];
  const sinceDue: number[] = [];
  for (const { endpoint, directory, sequence, at } of arrivals(report)) {
    const event = byPlace.get(`${directory} ${sequence}`);
    if (!event || !timed.has(endpoint) || event.n < perSecond * sizes.warmUpSeconds) continue;
    sinceCommit.push(at - event.committedAt);
    sinceDue.push(at - (due[event.n] ?? NaN));
  }
  return { sinceCommit, sinceDue, lateMs };
}

// ── What is checked ────────────────────────────────────────────────────────────────────────────

/** Each event once at each endpoint, in the order of its directory; signatures that verify. */
async function checkArrivals(report: Report, endpoints: Endpoint[], events: { directory: string; sequence: number }[]): Promise<void> {
  const expected = new Map<string, number[]>();
  for (const { path: endpoint } of endpoints) {
    for (const { directory, sequence } of events) {
      const lane = `${endpoint} ${directory}`;
      const sequences = expected.get(lane);
      if (sequences) sequences.push(sequence);
      else expected.set(lane, [sequence]);
    }
  }
  const came = new Map<string, number[]>();
  for (const { endpoint, directory, sequence } of arrivals(report)) {
    const lane = came.get(`${endpoint} ${directory}`);
    if (lane) lane.push(sequence);
    else came.set(`${endpoint} ${directory}`, [sequence]);
  }
  for (const [lane, sequences] of expected) {
    if (sequences.join() !== came.get(lane)?.join())
      throw new Error(`${lane}: events did not arrive once each and in order (${came.get(lane)?.length ?? 0} of ${sequences.length})`);
  }
  if (came.size !== expected.size) throw new Error('something arrived that was not owed');

  const keys = new Map(endpoints.map((endpoint) => [endpoint.path, endpoint]));
  if (report.at.length >= sampleEvery && report.samples.length === 0) throw new Error('no signatures were kept to be verified');
  for (const { endpoint, headers, body } of report.samples) {
    const { secret, publicKey } = keys.get(endpoint) ?? {};
    if (secret === undefined || publicKey === undefined) throw new Error(`${endpoint} is nobody`);
    const given = {
      'webhook-id': String(headers['webhook-id']),
      'webhook-timestamp': String(headers['webhook-timestamp']),
      'webhook-signature': String(headers['webhook-signature']),
    };
    new Webhook(secret).verify(body, given);
    const x = Buffer.from(publicKey.replace('whpk_', ''), 'base64').toString('base64url');
    const [, signature = ''] = /v1a,(\S+)/.exec(given['webhook-signature']) ?? [];
    const signed = Buffer.from(`${given['webhook-id']}.${given['webhook-timestamp']}.${body}`);
    if (!verify(null, signed, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), Buffer.from(signature, 'base64')))
      throw new Error('a v1a signature does not verify');
  }
}

async function checkDead(system: System, { id }: Endpoint): Promise<void> {
  const { body } = await system.api('GET', `/v1/webhook_endpoints/${id}`);
  if (body.state !== 'failing') throw new Error(`the dead endpoint is ${body.state}, not failing`);
}

function* arrivals(report: Report): Generator<{ endpoint: string; directory: string; sequence: number; at: number }> {
  for (let i = 0; i < report.at.length; i += 1) {
    yield {
      endpoint: report.endpoints[report.endpoint[i] ?? -1] ?? '',
      directory: report.directories[report.directory[i] ?? -1] ?? '',
      sequence: report.sequence[i] ?? NaN,
      at: report.at[i] ?? NaN,
    };
  }
}

// ── Directories, endpoints, events ─────────────────────────────────────────────────────────────

const usersInEach = 10;

async function aFilledDirectory(system: System): Promise<Bench['directories'][number]> {
  const directory = await system.aDirectory();
  const users: string[] = [];
  for (let n = 0; n < usersInEach; n += 1) {
    const { body } = await directory.scim('POST', '/Users', {
      userName: `person-${n}@acme.com`,
      externalId: `00u${n}`,
      displayName: `Person ${n}`,
      active: true,
      name: { givenName: 'Person', familyName: `Number ${n}` },
      emails: [{ value: `person-${n}@acme.com`, type: 'work', primary: true }],
      title: 'Engineer',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': {
        department: 'Engineering',
        employeeNumber: String(n),
        costCenter: 'cc-1',
      },
    });
    users.push(body.id);
  }
  return { ...directory, users };
}

/** A user of the `n`th directory, in turn, gets another title: one event. */
function changeUser(directories: Bench['directories'], n: number, title: string): Promise<unknown> {
  const directory = directories[n % directories.length];
  const user = directory?.users[Math.floor(n / directories.length) % usersInEach];
  if (!directory || user === undefined) throw new Error('there is nobody to change');
  return directory.scim('PATCH', `/Users/${user}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'title', value: title }],
  });
}

async function changeUsers({ directories }: Pick<Bench, 'system' | 'directories'>, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1)
    await Promise.all(directories.map((_, i) => changeUser(directories, n * directories.length + i, `title ${n}`)));
}

async function anEndpoint({ system, receiver }: Bench, name: string): Promise<Endpoint> {
  const { body } = await system.api('POST', '/v1/webhook_endpoints', { url: `${receiver.url}/${name}` });
  return { id: body.id, path: name, secret: body.secret, publicKey: body.public_key };
}

/** The log after a position, in its order, once every event has one. Ids as the API shows them. */
async function loggedEvents(
  { db }: System,
  after = 0,
): Promise<{ directory: string; sequence: number; title: string; committedAt: number }[]> {
  const {
    rows: [waiting],
  } = await db.query<{ n: string }>('select count(*) as n from event_outbox');
  if (waiting?.n !== '0') {
    await delay(5);
    return loggedEvents({ db } as System, after);
  }
  const { rows } = await db.query<{ directory_id: string; sequence: string; title: string | null; committed_at: number | null }>(
    `
    select f.directory_id, f.sequence, e.data->'user'->>'title' as title, (extract(epoch from pg_xact_commit_timestamp(e.xmin)) * 1000)::float8 as committed_at
      from event_feed f
      join events e on e.id = f.event_id
     where f.position > $1
     order by f.position`,
    [after],
  );
  return rows.map((row) => ({
    directory: `dir_${row.directory_id.replaceAll('-', '')}`,
    sequence: Number(row.sequence),
    title: row.title ?? '',
    committedAt: row.committed_at ?? NaN,
  }));
}

async function bodiesOf(system: System): Promise<string[]> {
  const { body } = await system.api('GET', '/v1/events?limit=500');
  return body.data.map((event: unknown) => JSON.stringify(event));
}

/** Webhooks as the worker sends them, signatures and all, for those who have nothing else to do. */
async function signedWebhooks({ system }: Bench, endpoints: Endpoint[]): Promise<ToBareLoop['webhooks']> {
  const at = new Date();
  const bodies = await bodiesOf(system);
  return bodies.map((body, n) => {
    const endpoint = endpoints[n % endpoints.length];
    if (!endpoint) throw new Error('there is no endpoint');
    const { id } = JSON.parse(body);
    const notLookedAt = Buffer.alloc(64).toString('base64');
    return {
      path: endpoint.path,
      body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Causeway-Webhooks/1',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        'webhook-signature': `${new Webhook(endpoint.secret).sign(id, at, body)} v1a,${notLookedAt}`,
      },
    };
  });
}

async function quietAgain({ db }: System): Promise<void> {
  for (;;) {
    const {
      rows: [row],
    } = await db.query<{ n: string }>(
      `select count(*) as n from lanes l join webhook_endpoints e on e.id = l.endpoint_id where e.deleted_at is null and l.next_attempt_at is not null`,
    );
    if (row?.n === '0') return;
    await delay(20);
  }
}

interface Cost {
  commits: number;
  /** Of the processor. */
  workerMs: number;
  postgresMs: number;
  receiverMs: number;
}

/** What has been done and used so far. */
async function costSoFar({ system: { db, worker, postgresPid }, receiver }: Bench): Promise<Cost> {
  const {
    rows: [row],
  } = await db.query<{ commits: string }>(
    'select pg_stat_clear_snapshot(), xact_commit as commits from pg_stat_database where datname = current_database()',
  );
  const used = await processorTimes();
  // Each of its sessions is a child of its postmaster.
  const ofPostgres = [...used.values()].filter(({ parent }) => parent === postgresPid).reduce((sum, { ms }) => sum + ms, 0);
  return {
    commits: Number(row?.commits),
    workerMs: used.get(worker.pid ?? 0)?.ms ?? NaN,
    postgresMs: ofPostgres,
    receiverMs: used.get(receiver.process.pid ?? 0)?.ms ?? NaN,
  };
}

async function processorTimes(): Promise<Map<number, { parent: number; ms: number }>> {
  const times = new Map<number, { parent: number; ms: number }>();
  for (const pid of (await readdir('/proc')).map(Number).filter(Number.isInteger)) {
    // After the name: state, parent, group … and utime, stime and those of children that have ended, in hundredths of a second.
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))
      .replace(/^.*\) /, '')
      .split(' ')
      .map(Number);
    times.set(pid, { parent: fields[1] ?? 0, ms: 10 * ((fields[11] ?? 0) + (fields[12] ?? 0) + (fields[13] ?? 0) + (fields[14] ?? 0)) });
  }
  return times;
}

// ── The other processes ────────────────────────────────────────────────────────────────────────

interface Receiver {
  process: ChildProcess;
  url: string;
  /** Forgets what came, and keeps one in so many for its signature; 0: none. */
  begin: (how: Omit<Extract<ToReceiver, { kind: 'begin' }>, 'kind'>) => void;
  /** What came, once so many have. */
  after: (count: number) => Promise<Report>;
}

function forked(file: string): ChildProcess {
  return fork(path.join(__dirname, file), { execArgv: process.execArgv, serialization: 'advanced' });
}

async function startReceiver(): Promise<Receiver> {
  const child = forked('receiver.ts');
  const heard = <Kind extends FromReceiver['kind']>(kind: Kind): Promise<Extract<FromReceiver, { kind: Kind }>> =>
    new Promise((resolve) => {
      const listener = (message: FromReceiver): void => {
        if (message.kind !== kind) return;
        child.removeListener('message', listener);
        resolve(message as Extract<FromReceiver, { kind: Kind }>);
      };
      child.on('message', listener);
    });
  const ask = <Kind extends 'count' | 'report'>(kind: Kind): Promise<Extract<FromReceiver, { kind: Kind }>> => {
    const answer = heard(kind);
    tell({ kind });
    return answer;
  };
  const tell = (message: ToReceiver): void => void child.send(message);
  const { url } = await heard('listening');
  return {
    process: child,
    url,
    begin: (how) => tell({ kind: 'begin', ...how }),
    after: async (owed) => {
      const until = performance.now() + 60_000;
      for (;;) {
        const { count } = await ask('count');
        if (count >= owed) break;
        if (performance.now() > until) throw new Error(`only ${count} of ${owed} webhooks came`);
        await delay(50);
      }
      await delay(200); // for what should not come
      const report = await ask('report');
      if (report.at.length !== owed) throw new Error(`${report.at.length} webhooks came where ${owed} were owed`);
      return report;
    },
  };
}

// ── Showing ────────────────────────────────────────────────────────────────────────────────────

function rateOf(report: Report): number {
  const first = report.at.reduce((a, b) => Math.min(a, b));
  const last = report.at.reduce((a, b) => Math.max(a, b));
  return (1_000 * (report.at.length - 1)) / (last - first);
}

function spread(rates: number[]): string {
  const shown = (rate: number): string => Math.round(rate).toLocaleString('en');
  return `${shown(quantile(rates, 0.5)).padStart(7)} a second (${shown(Math.min(...rates))}–${shown(Math.max(...rates))})`;
}

function showLatency(what: string, times: number[]): void {
  const shown = (q: number): string => quantile(times, q).toFixed(1).padStart(6);
  // A quantile with fewer than ten times beyond it is chance.
  const rare = times.length >= 10_000 ? `   p99.9 ${shown(0.999)}` : '';
  console.log(
    `  ${what.padEnd(48)}  p50 ${shown(0.5)}   p99 ${shown(0.99)}${rare}   most ${shown(1)}   (${times.length.toLocaleString('en')})`,
  );
}

function quantile(numbers: readonly number[], q: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
