import express, { type Request, type Response, Router } from 'express';
import type { Pool } from 'pg';
import type { Keyring } from '#credential';
import { ofWholeBodies } from './whole-body';
import { type Acting, noteCall } from './audit';
import { type Audience, Problem, problemEdge, problemOf, worded } from './errors';
import { type WireAnswer, answerOnce, idempotencyKeyOf } from './idempotency';
import type { Answered, CallersOf, Entered, Incoming, Route } from './route';
import { refuseOtherThanUtf8 } from './utf-8';
import { refuseUnstorable } from './validation';

/** A door that speaks JSON: who calls, and what they may call for. */
export interface JsonDoor<Callers, Parts> {
  /** The path that everything behind it lies below. What is not declared there is not found. */
  below: string;
  routes: readonly Route<Callers, Parts>[];
  callers: CallersOf<Callers>;
  /** What handlers work with. */
  parts: Parts;
  audience: Audience;
  /** How large a body may be, such as `1mb`. */
  bodyAtMost: string;
  /** Without a trailing slash. */
  publicUrl: string;
  pool: Pool;
  /** Set where a POST may come with an Idempotency-Key. */
  idempotency?: { keyring: Keyring; onReplay: () => void };
}

/**
 * Turns declared routes into express' own. For each, in this order: who calls; the body, read as JSON; the Idempotency-Key of a POST;
 * the declared checks; the handler; the note in the audit log. To be mounted at the root, or below what it is added to: the routes'
 * paths are whole.
 */
export function doorRouter<Callers, Parts>(door: JsonDoor<Callers, Parts>): Router {
  const { audience, publicUrl } = door;
  const router = Router({ caseSensitive: true, mergeParams: true });
  const readBody = bodyParser(door.bodyAtMost);

  for (const route of door.routes) {
    router[route.method](expressPath(route.path), async (req, res) => {
      const entered = await route.enter(door.callers, req, res);
      res.locals.environmentId = entered.caller.environmentId;
      refuseOtherMedia(req, audience);
      await readBody(req, res);
      refuseUnstorable(req.body);
      await answer(door, route, entered, req, res);
    });
  }

  for (const [path, methods] of audience === 'programs' ? methodsByPath(door.routes) : []) {
    router.all(path, () => {
      throw new Problem('method_not_allowed', `this path takes ${methods}`, { headers: { Allow: methods } });
    });
  }
  router.use(door.below, (req) => {
    throw worded(new Problem('not_found', `there is no ${req.method} ${req.baseUrl}${req.path}`), audience);
  });
  router.use(problemEdge(publicUrl, audience));
  return router;
}

async function answer<Callers, Parts>(
  door: JsonDoor<Callers, Parts>,
  route: Route<Callers, Parts>,
  entered: Entered<Parts>,
  req: Request,
  res: Response,
): Promise<void> {
  const { caller } = entered;
  const run = async (): Promise<Answered> => {
    const acting: Acting = {};
    const answered = await entered.run(incomingOf(req, res, acting), door.parts, door.audience);
    await noteCall(door.pool, req, { route, caller, acting, answered });
    return answered;
  };

  const key = door.idempotency && req.method === 'POST' ? idempotencyKeyOf(req.headers['idempotency-key']) : undefined;
  if (!door.idempotency || key === undefined) {
    const answered = await run();
    // HEAD asks for the headers of a stream, and would wait for its end for ever.
    if ('stream' in answered && req.method === 'HEAD')
      send(res, { status: answered.status, contentType: route.answer.contentType, text: '' });
    else if ('stream' in answered) await answered.stream.write(res);
    else if ('bytes' in answered) send(res, { status: answered.status, contentType: answered.bytes.type, text: answered.bytes.bytes });
    else send(res, wireAnswerOf(answered));
    return;
  }

  const { keyring, onReplay } = door.idempotency;
  // The operator, who is in no environment, keeps answers under the nil UUID.
  const call = { environmentId: caller.environmentId ?? nilId, key, method: req.method, path: req.path, body: req.body };
  const kept = await answerOnce(door.pool, keyring, call, async () => {
    try {
      const answered = await run();
      if ('stream' in answered || 'bytes' in answered) throw new Error('a POST answers with JSON');
      return wireAnswerOf(answered);
    } catch (error) {
      const problem = problemOf(error, door.audience);
      if (!isFinal(problem)) throw error;
      return {
        status: problem.status,
        contentType: 'application/problem+json',
        text: problem.toText(door.publicUrl, door.audience),
      };
    }
  });
  if (kept.notKept !== undefined) res.locals.failure = kept.notKept;
  if (kept.replayed) {
    onReplay();
    res.locals.decision = 'replayed';
    res.setHeader('Idempotent-Replayed', 'true');
  }
  send(res, kept);
}

const nilId = '00000000-0000-0000-0000-000000000000';

/** What a handler is given of a request, and does to its answer besides returning it. */
function incomingOf(req: Request, res: Response, acting: Acting): Incoming {
  return {
    requestId: res.locals.requestId,
    params: req.params,
    query: req.query,
    body: req.body,
    lastEventId: req.get('Last-Event-ID'),
    address: req.ip,
    userAgent: req.get('user-agent') ?? null,
    signal: untilLeft(req, res),
    waits: () => {
      res.locals.waited = true;
    },
    setCookie: (line) => res.append('Set-Cookie', line),
    decides: (word) => {
      res.locals.decision = word;
    },
    isBy: (actor, environmentIds) => {
      acting.by = { actor, environmentIds };
    },
    changesNothing: () => {
      acting.changedNothing = true;
    },
  };
}

/** Aborted when nobody waits for more: the caller has gone, or has half-closed the connection and is to have what there is by now. */
function untilLeft({ socket }: Request, res: Response): AbortSignal {
  const left = new AbortController();
  const leave = (): void => left.abort();
  if (socket.readable) socket.once('end', leave);
  else leave();
  res.once('close', () => {
    socket.off('end', leave);
    leave();
  });
  return left.signal;
}

// A refusal that stands for 24 hours is one that says what became of the call. A body that does not fit its schema was never a
// call, and may be put right under the same key; a fault of ours may be over in a second.
function isFinal(problem: Problem): boolean {
  return problem.status < 500 && problem.status !== 400;
}

function wireAnswerOf(answered: { status: number; json?: string }): WireAnswer {
  return { status: answered.status, contentType: answered.json === undefined ? undefined : 'application/json', text: answered.json ?? '' };
}

function send(res: Response, { status, contentType, text }: Omit<WireAnswer, 'text'> & { text: string | Buffer }): void {
  res.locals.decision ??= status < 400 ? 'done' : 'refused';
  res.statusCode = status;
  if (contentType !== undefined) res.setHeader('Content-Type', contentType);
  res.setHeader('Cache-Control', 'no-store');
  res.end(text);
}

function bodyParser(limit: string): (req: Request, res: Response) => Promise<void> {
  const parse = ofWholeBodies(express.json({ limit, strict: false, type: () => true, verify: refuseOtherThanUtf8 }));
  return (req, res) =>
    new Promise((resolve, reject) => {
      parse(req, res, (error?: unknown) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
}

function refuseOtherMedia(req: Request, audience: Audience): void {
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
  if (hasBody && req.method !== 'GET' && !req.is(['application/json', 'application/*+json'])) {
    throw worded(new Problem('unsupported_media_type', 'send the body as Content-Type: application/json'), audience);
  }
}

function methodsByPath(routes: readonly { path: string; method: string }[]): Map<string, string> {
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
