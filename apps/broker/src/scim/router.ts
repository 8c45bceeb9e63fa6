import { type NextFunction, type Request, type Response, Router } from 'express';
import { type DirectoryPool, activateDirectory, type ListTotals, type ScimDirectory } from '#directory';
import { publicId } from '#identifier';
import { noteWhereWritable } from '#postgres';
import { ScimError } from '#scim';
import { urlBytesAtMost, urlTooLong } from '../frame/url-length';
import type { RequestRate } from '../guards/request-rate';
import { send } from './answer';
import { authenticateDirectory, type AuthenticationParts } from './authenticate';
import { readBody } from './body';
import { BrokenOff, scimErrorOf, TooManyRequests, Unauthorized } from './errors';
import type { Exchange } from './exchange';
import { reportFailure } from './failures';
import { storable } from './masked';
import { limitRate } from './rate';
import type { RecentRequests } from './recent-requests';
import { recordAtEnd } from './record';
import { keepPath, pathOf } from './request-path';
import { dispatch, MethodNotAllowed } from './routing';

export interface ScimParts extends AuthenticationParts {
  pool: DirectoryPool;
  totals: ListTotals;
  recentRequests: RecentRequests;
  rate: RequestRate;
  /** The origin that IdPs see, without a trailing slash. */
  publicUrl: string;
}

/**
 * The IdP's door, to be mounted at /scim/v2. In this order: who calls; how often; whether the directory takes requests;
 * the body; the operation; the answer. Discovery asks for a credential like everything else.
 */
export function scimRouter(parts: ScimParts): Router {
  const router = Router();
  router.use('/:directory', (req, _res, next) => {
    req.url = req.url.replace(/^\/+(?=\?|$)/, '/');
    next();
  });
  router.all(
    '/:directory{/*path}',
    keepPath,
    authenticateDirectory(parts),
    limitRate(parts.rate),
    admit(parts),
    readBody,
    async (req, res) => {
      await send(res, await dispatch(exchangeOf(parts, req, res), req));
    },
  );
  router.use((_req, _res, next) => next(new Unauthorized(false)));
  router.use(errorEdge(parts));
  return router;
}

/** Turns a disabled directory's IdP away, notes a new one's first request, and records the exchange when it has ended. */
function admit(parts: ScimParts) {
  return async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    const directory = directoryOf(res);
    recordAtEnd(parts.recentRequests, directory, req, res);
    if (res.closed) throw new BrokenOff(false);
    if (req.originalUrl.length > urlBytesAtMost) throw new ScimError(414, undefined, urlTooLong);
    if (directory.state === 'disabled') {
      // Whatever is in it, and whether it can be read or not: it may be somebody's departure, of which the vendor must hear.
      await new Promise<void>((resolve, reject) => {
        readBody(req, res, (error?: unknown) => (error instanceof BrokenOff ? reject(error) : resolve()));
      });
      throw new ScimError(
        403,
        undefined,
        'This directory is disabled: nothing is taken from it. Ask whoever gave you the base URL to enable it.',
      );
    }
    if (directory.state === 'pending') await noteWhereWritable(activateDirectory(parts.pool, directory, res.locals.requestId));
    next();
  };
}

function exchangeOf(parts: ScimParts, req: Request, res: Response): Exchange {
  const directory = directoryOf(res);
  const exchange: Exchange = {
    pool: parts.pool,
    lookups: parts.lookups,
    totals: parts.totals,
    directory,
    requestId: res.locals.requestId,
    baseUrl: `${parts.publicUrl}/scim/v2/${publicId('dir', directory.id)}`,
    ifMatch: req.headers['if-match'],
    ifNoneMatch: req.headers['if-none-match'],
    notes: [],
  };
  res.locals.exchange = exchange;
  return exchange;
}

function directoryOf(res: Response): ScimDirectory {
  const { directory } = res.locals;
  if (!directory) throw new Error('a SCIM request came past authentication without a directory');
  return directory;
}

/** Every refusal in SCIM's shape (RFC 7644 §3.12). */
function errorEdge(parts: ScimParts) {
  return async (thrown: unknown, req: Request, res: Response, _next: NextFunction): Promise<void> => {
    // Nobody is there to be refused. Whoever has not heard sends it again, and is refused then.
    if (thrown instanceof BrokenOff || res.closed) {
      res.destroy();
      return;
    }
    let error = scimErrorOf(thrown);
    const { directory, exchange } = res.locals;
    const isWrite = ['POST', 'PUT', 'PATCH', 'DELETE'].includes(req.method) && !/\/\.search$/i.test(req.path);
    if (directory && isWrite && !(thrown instanceof Unauthorized)) {
      try {
        await reportFailure(exchange ?? exchangeOf(parts, req, res), thrown, { method: req.method, path: pathOf(res), body: req.body });
      } catch (unreported) {
        error = scimErrorOf(unreported);
        res.locals.failure = unreported;
      }
    }
    if (res.headersSent) {
      res.destroy();
      return;
    }
    if (error.status >= 500 && error.status !== 501) res.locals.failure ??= thrown;
    if (error.status === 401) res.setHeader('WWW-Authenticate', challenge(thrown));
    if (error.status === 503) res.setHeader('Retry-After', '5');
    if (thrown instanceof MethodNotAllowed) res.setHeader('Allow', thrown.allow);
    res.locals.decision = `refused: ${error.scimType ?? error.status}`;
    res.locals.refusal = error;
    await send(res, {
      status: error.status,
      body: { ...error.toJSON(), detail: storable(error.detail) },
      ...(error instanceof TooManyRequests && { retryAfterSeconds: error.retryAfterSeconds }),
    });
  };
}

/** RFC 6750 §3: what is wrong is named only where a credential was given. */
function challenge(thrown: unknown): string {
  const given = !(thrown instanceof Unauthorized) || thrown.credentialGiven;
  return `Bearer realm="Causeway SCIM"${given ? ', error="invalid_token"' : ''}`;
}
