import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import { secretsEqual } from '#credential';
import { ConfigError, type DatabaseNotices, type DatabaseWatch, listen, type Listening, schemaState } from '#runtime';
import type { RunningWorker } from './worker';

interface HealthOptions {
  host: string;
  port: number;
  /** What /metrics asks for; without it, only the machine itself may read it. */
  metricsToken: string | undefined;
  registry: Registry;
  pool: Pool;
  watch: DatabaseWatch;
  /** `undefined` until it is started. */
  worker: () => RunningWorker | undefined;
}

/**
 * WORKER_PORT, where a worker on its own answers /livez, /readyz and /metrics; not set: it listens nowhere. (With the broker in
 * one process, the broker's port answers for both.)
 *
 * @throws ConfigError
 */
export function portIn(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new ConfigError([
    {
      variable: 'WORKER_PORT',
      sentence: `WORKER_PORT holds ${JSON.stringify(text)}; it should hold a whole number from 1 to 65535, or nothing.`,
    },
  ]);
}

export function listenForHealth(options: HealthOptions): Promise<Listening> {
  return listen(
    (request, response) => {
      answer(options, request, response).catch(() => {
        if (!response.headersSent) response.writeHead(500);
        response.end();
      });
    },
    { host: options.host, port: options.port },
  );
}

async function answer(options: HealthOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://worker').pathname;
  if (request.method !== 'GET') return json(response, 405, { title: 'only GET is answered here' });
  switch (path) {
    case '/livez':
      return json(response, 200, { status: 'alive' });
    case '/readyz': {
      const { ready, parts, notices } = await readiness(options);
      return json(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not_ready', parts, ...notices });
    }
    case '/metrics': {
      if (!mayRead(options, request)) return json(response, 403, { title: 'METRICS_TOKEN is asked for' });
      response.writeHead(200, { 'content-type': options.registry.contentType });
      response.end(await options.registry.metrics());
      return;
    }
    default:
      return json(response, 404, { title: 'there is nothing here' });
  }
}

/** A queue that cannot be reached is named, and nothing more: deliveries go on without it. */
async function readiness({ pool, watch, worker }: HealthOptions): Promise<{ ready: boolean; parts: object; notices: DatabaseNotices }> {
  const running = worker();
  if (running?.isSetBack())
    return { ready: false, parts: { database: { state: 'set_back' }, worker: { state: 'ok' } }, notices: watch.notices() };
  const schema = await schemaState(pool).catch(() => undefined);
  return {
    ready: (schema?.ok ?? false) && running !== undefined,
    parts: {
      database: { state: schema ? (watch.readOnly ? 'read_only' : 'ok') : 'unreachable' },
      ...(schema && {
        schema: schema.ok ? { state: 'ok' } : { state: 'outdated', current: schema.current ?? null, needed: schema.needed },
      }),
      worker: { state: running ? 'ok' : 'starting' },
      ...(running && { queue: { state: running.queueReachable() ? 'ok' : 'unreachable' } }),
    },
    notices: watch.notices(),
  };
}

function mayRead({ metricsToken }: HealthOptions, request: IncomingMessage): boolean {
  if (metricsToken === undefined) {
    const address = request.socket.remoteAddress ?? '';
    return request.headers['x-forwarded-for'] === undefined && (address === '::1' || address.replace('::ffff:', '').startsWith('127.'));
  }
  const [, given] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
  return given !== undefined && secretsEqual(given, metricsToken);
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
