import type {
  BackendFactory,
  ConnectionOptions,
  DefaultJobOptions,
  IQueueBackend,
  JobProgress,
  PostgresPoolConfig,
  Processor,
  Queue,
  Worker,
  WorkerOptions,
} from 'bullmq';
import pg from 'pg';

/** The PostgreSQL schema that BullMQ's tables live in, and the prefix of its keys in Redis. */
export const queueSchema = 'bullmq';

type Connection = ConnectionOptions | PostgresPoolConfig;
export type JobQueue<Data> = Queue<Data, unknown, string, Data, unknown, string, IQueueBackend, Connection>;
export type JobWorker<Data> = Worker<Data, unknown, string, IQueueBackend, JobProgress, Connection>;

export interface QueueBackend {
  kind: 'postgres' | 'redis';
  /**
   * Makes a producer, which connects as soon as it is made. Until its `waitUntilReady()` has resolved, what is added waits; after that, what
   * is added while the server is away fails within 2 s.
   */
  queue: <Data>(name: string, options?: { defaultJobOptions?: DefaultJobOptions }) => JobQueue<Data>;
  /** Makes a consumer, which connects and begins (unless `autorun` is false) as soon as it is made. */
  worker: <Data>(
    name: string,
    process: Processor<Data, unknown>,
    options?: Omit<WorkerOptions, 'connection' | 'prefix'>,
  ) => JobWorker<Data>;
  /** How many connections each opens at most. On PostgreSQL they are the database's, besides those of the process's own pool. */
  connections: { queue: number; worker: number };
}

/**
 * Chooses where BullMQ keeps its jobs: in Redis where there is a URL of one, otherwise in the database, which must have
 * been migrated.
 *
 * BullMQ is loaded here, and not before: a broker rings for nothing. Nothing connects yet. A queue or worker outlives its
 * server's restarts, and tells `onError` of each failure; it must be closed by whoever made it.
 */
export async function queueBackend(options: {
  databaseUrl: string;
  redisUrl?: string;
  onError?: (error: Error) => void;
}): Promise<QueueBackend> {
  const bullmq = await import('bullmq');
  return options.redisUrl === undefined
    ? onPostgres(bullmq, options.databaseUrl, options.onError)
    : onRedis(bullmq, options.redisUrl, options.onError);
}

type BullMQ = typeof import('bullmq');

function onPostgres(bullmq: BullMQ, databaseUrl: string, onError: (error: Error) => void = () => {}): QueueBackend {
  // Every queue and every worker has a pool of its own; of a worker's one connection listens.
  const connections = { queue: 2, worker: 3 };
  const on =
    (max: number): BackendFactory<IQueueBackend, Connection> =>
    (name, opts, more) => {
      const pool = queuePool(databaseUrl, max, onError);
      return closingWith(pool, bullmq.createPostgresBackend(name, { ...opts, connection: pool }, more));
    };
  // Asked for, and not used: the pools are made in the factory, one for each.
  const connection: PostgresPoolConfig = {};
  return {
    kind: 'postgres',
    queue: (name, { defaultJobOptions } = {}) =>
      hearing(new bullmq.Queue(name, { connection, ...eventsKept, defaultJobOptions }, on(connections.queue)), onError),
    worker: (name, process, workerOptions = {}) =>
      hearing(new bullmq.Worker(name, process, { ...workerOptions, connection }, on(connections.worker)), onError),
    connections,
  };
}

function queuePool(databaseUrl: string, max: number, onError: (error: Error) => void): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max,
    application_name: 'causeway queue',
    // A job that a crash of the server takes with it is only a doorbell, so nobody waits for the disk because of one. What we owe
    // goes through pools of our own, which do wait.
    options: `-c synchronous_commit=off -c search_path=${queueSchema}`,
    connectionTimeoutMillis: 2_000,
    statement_timeout: 10_000,
    idle_in_transaction_session_timeout: 15_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    Client: HeardClient,
  });
  pool.on('error', onError);
  return pool;
}

/**
 * A connection whose error ends no process, whoever listens. BullMQ's own have moments in which nobody does: between the moment in which one
 * is made and the one in which it is taken over, while one is lent out between two statements, and once one was let go.
 */
class HeardClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    this.on('error', unheard);
  }

  override removeAllListeners(event?: string): this {
    // The number of arguments counts: one that is undefined is not none.
    if (event === undefined) super.removeAllListeners();
    else super.removeAllListeners(event);
    if (this.listenerCount('error') === 0) this.on('error', unheard);
    return this;
  }
}

function unheard(): void {}

function onRedis(bullmq: BullMQ, redisUrl: string, onError: (error: Error) => void = () => {}): QueueBackend {
  const common = {
    url: redisUrl,
    connectTimeout: 5_000,
    keepAlive: 10_000,
    retryStrategy: (times: number) => Math.min(times * 200, 2_000),
  };
  // A producer must fail rather than wait: what it rings for is in the database, and is rung for again.
  const producing: ConnectionOptions = { ...common, enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 2_000 };
  // A consumer's commands block, so there is no time in which they must be answered.
  const consuming: ConnectionOptions = { ...common, maxRetriesPerRequest: null };
  const prefix = queueSchema;
  const on =
    (connection: ConnectionOptions): BackendFactory<IQueueBackend, Connection> =>
    (name, opts, more) =>
      bullmq.createRedisBackend(name, { ...opts, connection }, more);
  return {
    kind: 'redis',
    queue: (name, { defaultJobOptions } = {}) =>
      hearing(new bullmq.Queue(name, { connection: producing, prefix, ...eventsKept, defaultJobOptions }, on(producing)), onError),
    worker: (name, process, workerOptions = {}) =>
      hearing(new bullmq.Worker(name, process, { ...workerOptions, connection: consuming, prefix }, on(consuming)), onError),
    connections: { queue: 1, worker: 2 },
  };
}

/**
 * A backend that closes the pool that it was made with.
 *
 * BullMQ on PostgreSQL, closed while it is still getting ready, goes on to take its listening connection, and nobody gives it back: so it is
 * let get ready first.
 */
function closingWith<Backend extends IQueueBackend>(pool: pg.Pool, backend: Backend): Backend {
  const close = backend.close.bind(backend);
  backend.close = async (force) => {
    await settledWithin(1_000, backend.waitUntilReady());
    await close(force);
    if (!pool.ending) await pool.end();
  };
  return backend;
}

function settledWithin(ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    work.then(done, done);
  });
}

/** Nobody listens to BullMQ's own events, so few are kept. */
const eventsKept = { streams: { events: { maxLen: 100 } } };

/** BullMQ prints an error that nobody hears to the console. */
function hearing<T extends { on(event: 'error', listener: (error: Error) => void): unknown }>(
  emitter: T,
  onError: (error: Error) => void,
): T {
  emitter.on('error', onError);
  return emitter;
}
