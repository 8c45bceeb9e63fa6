import { isIP } from 'node:net';
import { type Request, Router } from 'express';
import Redis from 'ioredis';
import type { Pool } from 'pg';
import { secretsEqual } from '#credential';
import type { LogMemory } from '#directory';
import { type DatabaseNotices, type DatabaseWatch, type SchemaState, schemaState } from '#runtime';
import { Problem } from './frame/errors';
import { bearerOf } from './api/key';
import type { HttpMetrics } from './frame/metrics';

type Part =
  | { state: 'ok' }
  | { state: 'read_only' }
  | { state: 'set_back' }
  | { state: 'unreachable' }
  | { state: 'outdated'; current: string | null; needed: string };

interface Found {
  ready: boolean;
  parts: { database: Part; schema?: Part; queue?: Part };
  notices: DatabaseNotices;
}

const lookAgainMs = 1_000;
const patienceMs = 3_000;

/**
 * Whether the broker can do its work: the database answers, and its schema is as new as this build needs. That it takes no writes is
 * told of and nothing more: reads go on. Looked at once a second at most, however often it is asked for.
 */
export class Readiness {
  readonly #pool: Pool;
  readonly #watch: DatabaseWatch;
  readonly #redisUrl: string | undefined;
  readonly #memory: LogMemory;
  #looking: Promise<Found> | undefined;

  /** Without `redisUrl` the queue is in the database, and has no state of its own. */
  constructor(pool: Pool, watch: DatabaseWatch, redisUrl: string | undefined, memory: LogMemory) {
    this.#pool = pool;
    this.#watch = watch;
    this.#redisUrl = redisUrl;
    this.#memory = memory;
  }

  async look(): Promise<Found> {
    this.#looking ??= this.#find().finally(() => {
      setTimeout(() => {
        this.#looking = undefined;
      }, lookAgainMs).unref();
    });
    return this.#looking;
  }

  async #find(): Promise<Found> {
    // There, but older than what was seen of it, and not to be written to: nothing is answered out of it.
    if (this.#memory.isSetBack) return { ready: false, parts: { database: { state: 'set_back' } }, notices: this.#watch.notices() };
    const [schema, queue] = await Promise.all([
      within(patienceMs, schemaState(this.#pool)),
      this.#redisUrl === undefined ? undefined : within(patienceMs, ping(this.#redisUrl)),
    ]);
    return {
      ready: schema?.ok ?? false,
      parts: {
        database: { state: schema ? (this.#watch.readOnly ? 'read_only' : 'ok') : 'unreachable' },
        ...(schema && { schema: schemaPart(schema) }),
        // Nothing stops for a queue that is away: deliveries go on without it.
        ...(this.#redisUrl !== undefined && { queue: { state: queue ? 'ok' : 'unreachable' } as const }),
      },
      notices: this.#watch.notices(),
    };
  }
}

function schemaPart({ ok, current, needed }: SchemaState): Part {
  return ok ? { state: 'ok' } : { state: 'outdated', current: current ?? null, needed };
}

/** /livez, /readyz and /metrics: for whoever runs the broker. */
export function healthRouter(o: { readiness: Readiness; metrics: HttpMetrics; metricsToken: string | undefined }): Router {
  const router = Router({ caseSensitive: true });

  router.get('/livez', (_req, res) => void res.json({ status: 'alive' }));

  router.get('/readyz', async (_req, res) => {
    const { ready, parts, notices } = await o.readiness.look();
    res.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not_ready', parts, ...notices });
  });

  router.get('/metrics', async (req, res) => {
    if (o.metricsToken === undefined) refuseFromAfar(req);
    else if (!secretsEqual(bearerOf(req), o.metricsToken)) {
      throw new Problem('unauthenticated', 'this takes the METRICS_TOKEN', {
        headers: { 'WWW-Authenticate': 'Bearer realm="causeway metrics", error="invalid_token"' },
      });
    }
    const { contentType, body } = await o.metrics.text();
    res.setHeader('Content-Type', contentType);
    res.end(body);
  });
  return router;
}

// The connection's own address, whatever a header says it stands for; and a request that a proxy on this machine has passed on
// comes from somewhere else, trusted proxy or not.
function refuseFromAfar(req: Request): void {
  const address = req.socket.remoteAddress ?? '';
  const passedOn = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'].some((name) => req.headers[name] !== undefined);
  if (passedOn || !isLoopback(address)) throw new Problem('forbidden', 'without a METRICS_TOKEN only the machine itself may read this');
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  return isIP(plain) === 4 ? plain.startsWith('127.') : plain === '::1';
}

async function ping(redisUrl: string): Promise<string> {
  const redis = new Redis(redisUrl, { lazyConnect: true, connectTimeout: patienceMs, maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => {}); // the ping says it
  try {
    return await redis.ping();
  } finally {
    redis.disconnect();
  }
}

/** What the work comes to; `undefined` where it fails or takes longer. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([work.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
