import { types } from 'node:util';
import pg from 'pg';

export interface PoolOptions {
  /** The most connections at once. */
  max: number;
  /** What `pg_stat_activity` shows. */
  applicationName: string;
  /** Told of every connection that breaks. The pool replaces it by itself, and a query under way on it fails by itself. */
  onError: (error: Error) => void;
  /** How long one statement may run, in milliseconds; 0: for ever. Default 30 s. */
  statementTimeoutMs?: number;
  /** How old a connection may become, in seconds. Default: as old as it likes. */
  maxLifetimeSeconds?: number;
  /** Done with each new connection before anybody is given it; whoever asked for it is told what this throws. */
  onConnect?: (client: pg.PoolClient) => Promise<void>;
}

/**
 * Makes the pool that a process speaks to its database through.
 *
 * Its clients are pipelined: queries given to one client without waiting for each other travel together. int8 comes
 * as a number (one that does not fit is an error), timestamptz as a Date, json and jsonb parsed. It connects when it
 * is first asked to, and waits 10 s at most for a connection, its own or one of the server's.
 */
export function createPool(databaseUrl: string, options: PoolOptions): pg.Pool {
  const { onConnect } = options;
  const pool = new pg.Pool({
    ...clientConfig(databaseUrl, options),
    pipeline: true,
    max: options.max,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: options.maxLifetimeSeconds ?? 0,
    ...(onConnect && { verify: (client: pg.PoolClient, done: (error?: Error) => void) => void onConnect(client).then(() => done(), done) }),
  });
  // Both listeners keep a lost connection from ending the process: a client's error event that nobody hears is thrown,
  // and while a client is lent out, between two queries of a transaction, the pool does not listen to it.
  const onError = (error: Error): void => {
    // A pool that was ended has said goodbye; that the server is the first to hang up is no news.
    if (!pool.ending) options.onError(error);
  };
  pool.on('connect', (client) => {
    client.on('error', onError);
    writeTogether(client);
  });
  pool.on('error', () => {});
  return pool;
}

/**
 * What a client is given within one turn of the event loop leaves in one write. A write is a system call here and wakes a process
 * there: of a statement by a key it is most of the cost.
 */
function writeTogether(client: pg.PoolClient): void {
  const { stream } = client.connection;
  const query = client.query.bind(client);
  let gathering = false;
  client.query = ((...given: Parameters<typeof query>) => {
    if (!gathering) {
      gathering = true;
      stream.cork();
      // Runs after all that is ready to go on by now, promises included.
      process.nextTick(() => {
        gathering = false;
        stream.uncork();
      });
    }
    return query(...given);
  }) as typeof client.query;
}

/** The oldest PostgreSQL that the SQL here runs on: `detach partition … concurrently` is the newest thing used. */
const oldestServer = 14;

/** The database cannot be used. The message is one sentence for whoever started the process. */
export class DatabaseUnusable extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'DatabaseUnusable';
  }
}

/**
 * Makes sure that the database answers and is new enough.
 *
 * @throws DatabaseUnusable with a sentence that names the server (never its password) and what is wrong.
 */
export async function checkDatabase(databaseUrl: string): Promise<void> {
  const client = new pg.Client(clientConfig(databaseUrl, { applicationName: 'causeway start' }));
  // An error after the connection is made fails the query as well; unheard, it would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ number: string; version: string; recovering: boolean }>(`
      select current_setting('server_version_num') as number,
             current_setting('server_version') as version,
             pg_is_in_recovery() as recovering`);
    const [server] = rows;
    if (!server) throw new Error('the server answered no row');
    if (Number(server.number) < oldestServer * 10_000) {
      throw new DatabaseUnusable(`${where(client)} is PostgreSQL ${server.version}; Causeway needs ${oldestServer} or newer.`);
    }
    if (server.recovering)
      throw new DatabaseUnusable(`${where(client)} is a standby that takes no writes; DATABASE_URL must name the primary.`);
  } catch (error) {
    if (error instanceof DatabaseUnusable) throw error;
    throw new DatabaseUnusable(`${where(client)} cannot be used: ${reason(error)}.`, { cause: error });
  } finally {
    await client.end().catch(() => {});
  }
}

/** What `DATABASE_URL` names, as a person would say it, without the password. */
function where(client: pg.Client): string {
  const at = client.host.startsWith('/') ? client.host : `${client.host}:${client.port}`;
  return `The database ${JSON.stringify(client.database ?? '')} at ${at} (DATABASE_URL)`;
}

function reason(error: unknown): string {
  // A host with several addresses fails with one error for each, and no message of its own.
  if (!types.isNativeError(error)) return String(error);
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0) return reason(error.errors[0]);
  const code = 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'ENOENT':
      return 'there is no such socket';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its host name is not known';
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'its host does not answer';
    default:
      return error.message.replace(/\.$/, '');
  }
}

const connectTimeoutMs = 10_000;

/** How every connection of ours is made; for the few clients that belong to no pool. */
export function clientConfig(databaseUrl: string, options: { applicationName: string; statementTimeoutMs?: number }) {
  const statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
  return {
    connectionString: databaseUrl,
    application_name: options.applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: statementTimeoutMs,
    // The server ends a statement by itself; this is for a server, or a network, that says nothing any more.
    ...(statementTimeoutMs === 0 ? {} : { query_timeout: statementTimeoutMs + 5_000 }),
    // A transaction that waits for us holds its locks, a directory's head among them.
    idle_in_transaction_session_timeout: 15_000,
    types: { getTypeParser },
  };
}

const int8 = 20;
const int8Array = 1016;

/** pg's own parsers, but for int8, which it would hand over as text because a number cannot hold all of them. */
const getTypeParser: typeof pg.types.getTypeParser = (oid, format) => {
  if (format === 'binary') return pg.types.getTypeParser(oid, format);
  switch (Number(oid)) {
    case int8:
      return safeInteger;
    case int8Array:
      // '{1,NULL}' is JSON but for its brackets and its case.
      return (text: string): unknown =>
        JSON.parse(text.replace(/\{/g, '[').replace(/\}/g, ']').replace(/NULL/g, 'null'), (_, value: unknown) =>
          typeof value === 'number' ? safeInteger(value) : value,
        );
    default:
      return pg.types.getTypeParser(oid, format);
  }
};

function safeInteger(int8: string | number): number {
  const number = Number(int8);
  if (!Number.isSafeInteger(number)) throw new RangeError(`the int8 ${int8} does not fit a number`);
  return number;
}
