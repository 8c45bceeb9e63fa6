import { randomBytes } from 'node:crypto';
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import pg from 'pg';
import { ensureDatabase, migrate, releaseCluster, startEmbeddedPostgres, type EmbeddedPostgres } from '#runtime';
import { aPostgresProxy, type PostgresProxy } from '../postgres-proxy';
import { freePort, startRedis, type RunningRedis } from '../redis-server';
import { Brokers, call, VendorApi } from './client';
import type { Records } from './records';
import type { Random } from './random';
import type { Behaviour, FromSink, ToSink } from './sink';
import { dist, Supervised, type UnattendedEnd } from './supervised';

/** `standalone`: all in one process, on a PostgreSQL of its own. The others: two brokers and two workers. */
export const topologies = ['standalone', 'redis', 'postgres'] as const;
export type Topology = (typeof topologies)[number];

export interface SystemOptions {
  topology: Topology;
  /** Kept short: there are sockets in it. */
  folder: string;
  random: Random;
  records: Records;
  /** What brokers and workers load before their own files. */
  preload: { brokers: string[]; workers: string[] };
  onEnd: (end: UnattendedEnd) => void;
}

/** A whole Causeway, as real processes, with all that it stands on and the vendor that it sends to. */
export interface System {
  topology: Topology;
  brokers: Brokers;
  apiKey: string;
  api: VendorApi;
  databaseUrl: string;
  /** The processes of ours. In `standalone` it is one, which is in both lists. */
  servers: { brokers: Supervised[]; workers: Supervised[] };
  /** Where failpoints are armed: see failpoints.ts. */
  failpoints: string;
  postgres?: OwnPostgres;
  redis?: OwnRedis;
  /** Between the brokers and PostgreSQL, where they are processes of their own. */
  proxy?: PostgresProxy;
  sink: Sink;
  /** PostgreSQL's process in the `standalone` topology, if it runs. */
  embeddedPostgresPid: () => Promise<number | undefined>;
  /** The numbers of /metrics of whoever answers; undefined where nobody does. */
  metrics: () => Promise<Map<string, number> | undefined>;
  /** Ends it all. The names of processes that did not end cleanly. */
  stop: () => Promise<string[]>;
}

/** Starts it and waits until all of it is ready. What was begun is ended where it cannot be. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { topology, folder, records, random, preload, onEnd } = options;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const failpoints = path.join(folder, 'failpoints');
    mkdirSync(failpoints, { recursive: true });
    const apiKey = `cwk_${randomBytes(32).toString('base64url')}`;
    const sink = await Sink.start(folder);
    undo.push(async () => sink.stop());

    const ports = { brokers: [await freePort(), await freePort()], workers: [await freePort(), await freePort()] };
    const env = {
      BOOTSTRAP_API_KEY: apiKey,
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      WEBHOOK_ALLOWED_CIDRS: '127.0.0.0/8',
      SCIM_RATE_LIMIT: '0',
      API_RATE_LIMIT: '0',
      LOG_LEVEL: 'info',
      FAULTS_FAILPOINTS: failpoints,
    };
    const restarts = random.fork('restarts');
    const supervised = (name: string, script: string, loads: string[], port: number, own: Record<string, string>): Supervised =>
      new Supervised({
        name,
        script,
        onEnd,
        preload: loads,
        env: { ...env, ...own },
        logFile: path.join(folder, `${name.replaceAll(' ', '-')}.log`),
        isReady: async () => {
          const heard = await call(`http://127.0.0.1:${port}/readyz`, { method: 'GET', withinMs: 2_000 });
          return heard.kind === 'answered' && heard.status === 200;
        },
        restartAfterMs: () => restarts.whole(20, 1_200),
      });

    let postgres: OwnPostgres | undefined;
    let redis: OwnRedis | undefined;
    let proxy: PostgresProxy | undefined;
    let databaseUrl: string;
    let brokers: Supervised[];
    let workers: Supervised[];
    const dataDir = path.join(folder, 'data');
    if (topology === 'standalone') {
      const [port = 0] = ports.brokers;
      const one = supervised('standalone', 'apps/standalone/src/main.js', [...new Set([...preload.brokers, ...preload.workers])], port, {
        PORT: String(port),
        DATA_DIR: dataDir,
      });
      const keep = endWithUs(path.join(dataDir, 'postgresql'));
      undo.push(async () => keep());
      brokers = [one];
      workers = [one];
      databaseUrl = `postgres://causeway@localhost/causeway?host=${encodeURIComponent(path.join(dataDir, 'postgresql'))}`;
      undo.push(() => releaseCluster(path.join(dataDir, 'postgresql')));
    } else {
      const own = await OwnPostgres.start(path.join(folder, 'postgresql'));
      postgres = own;
      undo.push(() => own.stop());
      databaseUrl = own.url;
      if (topology === 'redis') {
        const ownRedis = await OwnRedis.start(path.join(folder, 'redis'));
        redis = ownRedis;
        undo.push(() => ownRedis.stop());
      }
      await migrate(databaseUrl, { queueInPostgres: topology === 'postgres' });
      const shared = { DATABASE_URL: databaseUrl, ...(redis ? { REDIS_URL: redis.url } : {}) };
      const between = await aPostgresProxy({ host: new URL(databaseUrl).searchParams.get('host') ?? '', port: 5432 });
      proxy = between;
      undo.push(() => between.stop());
      brokers = ports.brokers.map((port, i) =>
        supervised(`broker ${i + 1}`, 'apps/broker/src/main.js', preload.brokers, port, {
          ...shared,
          DATABASE_URL: between.through(databaseUrl),
          PORT: String(port),
        }),
      );
      workers = ports.workers.map((port, i) =>
        supervised(`worker ${i + 1}`, 'apps/worker/src/main.js', preload.workers, port, { ...shared, WORKER_PORT: String(port) }),
      );
    }
    const processes = [...new Set([...brokers, ...workers])];
    const scraped = topology === 'standalone' ? ports.brokers.slice(0, 1) : ports.workers;

    let unclean: string[] = [];
    undo.push(async () => {
      const clean = await Promise.all(processes.map((one) => one.stop(10_500)));
      unclean = processes.filter((_, i) => !clean[i]).map((one) => one.name);
    });
    for (const one of processes) one.start();
    await Promise.all(processes.map((one) => one.untilReady(60_000)));

    const urls = new Brokers(brokers.map((_, i) => `http://127.0.0.1:${ports.brokers[i]}`));
    sink.begin(records.folder, urls.urls, apiKey);
    await sink.listening;
    return {
      topology,
      apiKey,
      databaseUrl,
      failpoints,
      sink,
      brokers: urls,
      api: new VendorApi(urls.fork(), apiKey),
      servers: { brokers, workers },
      ...(postgres && { postgres }),
      ...(redis && { redis }),
      ...(proxy && { proxy }),
      embeddedPostgresPid: async () => pidIn(await readFile(path.join(dataDir, 'postgresql', 'postmaster.pid'), 'utf8').catch(() => '')),
      metrics: async () => {
        for (const port of scraped) {
          const heard = await call(`http://127.0.0.1:${port}/metrics`, { method: 'GET', withinMs: 5_000 });
          if (heard.kind === 'answered' && heard.status === 200) return numbersIn(heard.text);
        }
        return undefined;
      },
      stop: async () => {
        for (const step of undo.reverse()) await step();
        return unclean;
      },
    };
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => {});
    throw error;
  }
}

/** A PostgreSQL that can be restarted. What a run commits must outlive its processes, not the machine: no fsync. */
export class OwnPostgres {
  readonly #keep: () => void;

  private constructor(
    private readonly directory: string,
    private server: EmbeddedPostgres,
  ) {
    this.#keep = endWithUs(directory);
  }

  static async start(directory: string): Promise<OwnPostgres> {
    const postgres = new OwnPostgres(directory, await startServer(directory));
    await ensureDatabase(postgres.server, 'causeway');
    await ensureDatabase(postgres.server, 'somebody_else');
    return postgres;
  }

  get url(): string {
    return this.server.url('causeway');
  }

  get urlOfAnotherDatabase(): string {
    return this.server.url('somebody_else');
  }

  /** `fast` ends the sessions first; `immediate` leaves everything as it is, to be recovered. */
  async restart(mode: 'fast' | 'immediate', downMs: number): Promise<void> {
    if (mode === 'immediate') process.kill(this.server.pid, 'SIGQUIT');
    await this.server.stop(20_000);
    await new Promise((resolve) => setTimeout(resolve, downMs));
    this.server = await startServer(this.directory);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    this.#keep();
  }
}

function startServer(directory: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    directory,
    initdbFlags: ['--no-sync'],
    settings: { fsync: 'off', max_connections: '200', log_checkpoints: 'off' },
    onLog: () => {},
  });
}

/** A Redis that can be taken away in several ways. */
export class OwnRedis {
  private constructor(
    private readonly server: RunningRedis,
    private readonly folder: string,
  ) {}

  static async start(folder: string): Promise<OwnRedis> {
    return new OwnRedis(await startRedis(folder), folder);
  }

  get url(): string {
    return this.server.url;
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  /** It comes back empty. */
  restart(): Promise<void> {
    return this.server.restart();
  }

  /** FLUSHALL. */
  empty(): Promise<void> {
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.end('FLUSHALL\r\n'));
      socket.setTimeout(1_000, () => socket.destroy());
      socket.resume();
      socket.once('error', reject).once('close', () => resolve());
    });
  }

  /** SIGSTOP: it takes connections and answers nothing. SIGCONT ends that. */
  async signal(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const pid = pidIn(await readFile(path.join(this.folder, 'redis.pid'), 'utf8'));
    if (pid !== undefined) process.kill(pid, signal);
  }
}

/** The vendor's receiver: a process that writes down what it gets, and answers as it is told. */
export class Sink {
  #port = 0;
  readonly listening: Promise<void>;

  private constructor(private readonly child: ChildProcess) {
    this.listening = new Promise((resolve, reject) => {
      child.once('message', (message: FromSink) => {
        this.#port = message.port;
        resolve();
      });
      child.once('exit', (code) => reject(new Error(`the sink ended with ${code}`)));
    });
    this.listening.catch(() => {}); // whoever waits for it is told
  }

  static async start(folder: string): Promise<Sink> {
    const output = openSync(path.join(folder, 'sink.log'), 'a');
    return new Sink(
      fork(path.join(dist, 'packages/testing/faults/sink.js'), [], {
        execArgv: [],
        stdio: ['ignore', output, output, 'ipc'],
        detached: true,
      }),
    );
  }

  begin(folder: string, brokers: readonly string[], apiKey: string): void {
    this.#tell({ kind: 'begin', folder, brokers: [...brokers], apiKey });
  }

  urlOf(endpoint: string): string {
    return `http://127.0.0.1:${this.#port}/${endpoint}`;
  }

  /** How an endpoint answers from now on; `null`: as it should. */
  behave(endpoint: string, behaviour: Behaviour | null): void {
    this.#tell({ kind: 'behave', endpoint, behaviour });
  }

  stop(): void {
    if (this.child.connected) this.child.disconnect();
  }

  #tell(message: ToSink): void {
    this.child.send(message);
  }
}

/** Runs `work` on a connection of its own. */
export async function onDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'faults' });
  client.on('error', () => {}); // whoever queries is told
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** `causeway_lanes_dirty 3` and the like, without labels. */
function numbersIn(text: string): Map<string, number> {
  return new Map([...text.matchAll(/^(\w+) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]));
}

/** The first line of a pid file. */
function pidIn(text: string): number | undefined {
  const pid = Number.parseInt(text, 10);
  return pid > 0 ? pid : undefined;
}

/**
 * Ends the server of a cluster with this process, whatever ends it: a run that is broken off leaves none behind. What it
 * returns takes that back.
 */
function endWithUs(cluster: string): () => void {
  const end = (): void => {
    try {
      const pid = pidIn(readFileSync(path.join(cluster, 'postmaster.pid'), 'utf8'));
      // The pid file of one that was killed may name somebody else by now.
      if (pid !== undefined && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres')) process.kill(pid, 'SIGQUIT');
    } catch {
      // It has ended.
    }
  };
  process.once('exit', end);
  return () => process.removeListener('exit', end);
}

/** Removes what a run needed and what says nothing of it: its databases. */
export function removeServers(folder: string): void {
  for (const name of ['data', 'postgresql', 'redis']) rmSync(path.join(folder, name), { recursive: true, force: true });
}
