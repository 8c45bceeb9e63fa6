import express, { type Request, type Response, Router } from 'express';
import type { HttpMetrics } from './metrics';
import { recorded } from './audit';
import { Problem, problemEdge, problemOf } from './errors';
import { type WireAnswer, answerOnce, idempotencyKeyOf } from './idempotency';
import { authenticateEnvironment, authenticateOperator } from '../api/key';
import type { Answered, ApiParts, Route } from './route';
import { refuseUnstorable } from './validation';

/**
 * The vendor's door: turns declared routes into express' own. For each, in this order: who calls; the body, read as JSON; the
 * Idempotency-Key of a POST; the declared checks; the handler. To be mounted at the root: the routes' paths are whole.
 */
export function apiRouter(
  routes: readonly Route[],
  parts: ApiParts,
  door: { operatorApiKey: string | undefined; metrics: HttpMetrics },
): Router {
  const router = Router({ caseSensitive: true });
  const readJson = express.json({ limit: '1mb', strict: false, type: () => true });

  for (const route of routes) {
    router[route.method](
      expressPath(route.path),
      async (req, res, next) => {
        const caller =
          route.caller === 'operator'
            ? authenticateOperator(req, door.operatorApiKey)
            : // The console's door, behind which this stands as well, has found out by itself who calls.
              (res.locals.caller ?? (await authenticateEnvironment(req, parts.pool)));
        if (route.caller === 'environment') res.locals.environmentId = caller.environmentId;
        res.locals.caller = caller;
        refuseOtherMedia(req);
        next();
      },
      readJson,
      async (req, res) => {
        refuseUnstorable(req.body);
        await answer(route, req, res, parts, door.metrics);
      },
    );
  }

  for (const [path, methods] of methodsByPath(routes)) {
    router.all(path, () => {
      throw new Problem('method_not_allowed', `this path takes ${methods}`, { headers: { Allow: methods } });
    });
  }
  router.use('/v1', (req) => {
    throw new Problem('not_found', `there is no ${req.method} ${req.baseUrl}${req.path}`);
  });
  router.use(problemEdge(parts.publicUrl));
  return router;
}

async function answer(route: Route, req: Request, res: Response, parts: ApiParts, metrics: HttpMetrics): Promise<void> {
  const { caller, requestId } = res.locals;
  if (!caller) throw new Error('a route was reached without authentication');
  const left = new AbortController();
  res.once('close', () => left.abort());

  const run = (): Promise<Answered> =>
    recorded(route, req, res, parts.pool, () =>
      route.run(
        {
          ...caller,
          requestId,
          params: req.params,
          query: req.query,
          body: req.body,
          lastEventId: req.get('Last-Event-ID'),
          signal: left.signal,
          waits: () => {
            res.locals.waited = true;
          },
        },
        parts,
      ),
    );

  const key = req.method === 'POST' ? idempotencyKeyOf(req.headers['idempotency-key']) : undefined;
  if (key === undefined) {
    const answered = await run();
    // HEAD asks for the headers of a stream, and would wait for its end for ever.
    if ('stream' in answered && req.method === 'HEAD')
      send(res, { status: answered.status, contentType: route.answer.contentType, text: '' });
    else if ('stream' in answered) await answered.stream.write(res);
    else send(res, wireAnswerOf(answered));
    return;
  }

  const call = { environmentId: caller.environmentId, key, method: req.method, path: req.path, body: req.body };
  const kept = await answerOnce(parts.pool, parts.keyring, call, async () => {
    try {
      const answered = await run();
      if ('stream' in answered) throw new Error('a POST does not answer with a stream');
      return wireAnswerOf(answered);
    } catch (error) {
      const problem = problemOf(error);
      if (!isFinal(problem)) throw error;
      return { status: problem.status, contentType: 'application/problem+json', text: problem.toText(parts.publicUrl) };
    }
  });
  if (kept.notKept !== undefined) res.locals.failure = kept.notKept;
  if (kept.replayed) {
    metrics.countReplay();
    res.locals.decision = 'replayed';
    res.setHeader('Idempotent-Replayed', 'true');
  }
  send(res, kept);
}

// A refusal that stands for 24 hours is one that says what became of the call. A body that does not fit its schema was never a
// call, and may be put right under the same key; a fault of ours may be over in a second.
function isFinal(problem: Problem): boolean {
  return problem.status < 500 && problem.status !== 400;
}

function wireAnswerOf(answered: { status: number; json?: string }): WireAnswer {
  return { status: answered.status, contentType: answered.json === undefined ? undefined : 'application/json', text: answered.json ?? '' };
}

function send(res: Response, { status, contentType, text }: WireAnswer): void {
  res.locals.decision ??= status < 400 ? 'done' : 'refused';
  res.statusCode = status;
  if (contentType !== undefined) res.setHeader('Content-Type', contentType);
  res.setHeader('Cache-Control', 'no-store');
  res.end(text);
}

function refuseOtherMedia(req: Request): void {
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
  if (hasBody && req.method !== 'GET' && !req.is(['application/json', 'application/*+json'])) {
    throw new Problem('unsupported_media_type', 'send the body as Content-Type: application/json');
  }
}

function methodsByPath(routes: readonly Route[]): Map<string, string> {
  const methods = new Map<string, string[]>();
  for (const { path, method } of routes) {
    const at = expressPath(path);
    methods.set(at, [...(methods.get(at) ?? []), ...(method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()])]);
  }
  return new Map([...methods].map(([path, names]) => [path, names.join(', ')]));
}

/** `/v1/organizations/{id}` as express writes it. */
function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
