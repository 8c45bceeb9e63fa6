import { pipeline } from 'node:stream/promises';
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import type { Pool } from 'pg';
import { activateDirectory, type ScimDirectory } from '#directory';
import { publicId } from '#identifier';
import {
  isObject,
  mediaType,
  parseListQuery,
  parseProjection,
  parseSearchRequest,
  type QueryParameters,
  type ResourceType,
  ScimError,
} from '#scim';
import type { RequestRate } from '../guards/request-rate';
import { authenticateDirectory, type AuthenticationParts } from './authenticate';
import { bulk } from './bulk';
import { discover } from './discovery';
import { scimErrorOf, TooManyRequests, Unauthorized } from './errors';
import type { Answer, Exchange } from './exchange';
import { reportFailure } from './failures';
import { deleteGroupById, getGroup, listGroups, patchGroupById, postGroup, putGroup } from './groups';
import { deepestBody, isDeeperThan } from './json-depth';
import { bodyBytesAtMost, limits } from './limits';
import { maskedBody, storable } from './masked';
import { limitRate } from './rate';
import type { RecentRequests } from './recent-requests';
import { listEverything } from './root-query';
import { deleteUserById, getUser, listUsers, patchUserById, postUser, putUser } from './users';

export interface ScimParts extends AuthenticationParts {
  pool: Pool;
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

/** What the request is about is also said at the error edge, and when it has ended: by then express has forgotten the parameters. */
function keepPath(req: Request, res: Response, next: NextFunction): void {
  res.locals.scimPath = `/${segments(req).join('/')}`;
  next();
}

function pathOf(res: Response): string {
  return res.locals.scimPath ?? '/';
}

/** Turns a disabled directory's IdP away, notes a new one's first request, and records the exchange when it has ended. */
function admit(parts: ScimParts) {
  return async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    const directory = directoryOf(res);
    recordAtEnd(parts, directory, req, res);
    if (directory.state === 'disabled') {
      throw new ScimError(
        403,
        undefined,
        'This directory is disabled: nothing is taken from it. Ask whoever gave you the base URL to enable it.',
      );
    }
    if (directory.state === 'pending') await activateDirectory(parts.pool, directory, res.locals.requestId);
    next();
  };
}

const textOf = (limit: number) => express.text({ limit, type: () => true, defaultCharset: 'utf-8' });
const readText = textOf(bodyBytesAtMost);
const readBulk = textOf(limits.bulkMaxPayloadBytes);

/** G2: SCIM's media type, plain JSON and none at all are read as JSON; others are refused. */
function readBody(req: Request, res: Response, next: NextFunction): void {
  const media = req.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const carries = req.method === 'POST' || req.method === 'PUT' || req.method === 'PATCH';
  if (carries && media && media !== mediaType && media !== 'application/json') {
    return next(new ScimError(415, undefined, `Content-Type ${JSON.stringify(media)} cannot be read here: send ${mediaType}.`));
  }
  const isBulk = segments(req)[0]?.toLowerCase() === 'bulk';
  (isBulk ? readBulk : readText)(req, res, (error?: unknown) => {
    if (error) return next(unreadable(error, isBulk));
    const text: unknown = req.body;
    req.body = undefined;
    if (!carries || typeof text !== 'string') return next();
    res.locals.bodyBytes = Buffer.byteLength(text);
    if (isDeeperThan(text, deepestBody))
      return next(new ScimError(400, 'invalidSyntax', `The body is nested more than ${deepestBody} deep.`));
    try {
      req.body = JSON.parse(text);
    } catch {
      // What the parser says quotes the body, and a password may stand there.
      return next(new ScimError(400, 'invalidSyntax', 'The body is not JSON, or not the whole of it.'));
    }
    next();
  });
}

function unreadable(error: unknown, isBulk: boolean): unknown {
  const type = isObject(error) ? error.type : undefined;
  if (type === 'entity.too.large') {
    if (isBulk)
      return new ScimError(
        413,
        undefined,
        `A bulk request may have ${limits.bulkMaxPayloadBytes} bytes (maxPayloadSize) at most. Send it in parts.`,
      );
    return new ScimError(
      413,
      undefined,
      `The body is larger than ${bodyBytesAtMost / 1024 / 1024} MiB. Send the members in several requests.`,
    );
  }
  if (isObject(error) && typeof error.status === 'number' && error.status >= 400 && error.status < 500) {
    return new ScimError(
      error.status === 415 ? 415 : 400,
      error.status === 415 ? undefined : 'invalidSyntax',
      'The body could not be read: it is not whole, or not in an encoding known here (UTF-8).',
    );
  }
  return error;
}

async function dispatch(exchange: Exchange, req: Request): Promise<Answer> {
  const { directory, baseUrl } = exchange;
  const path = segments(req);
  const query = queryOf(req);
  const method = methodOf(req);
  const [endpoint, id, ...rest] = path;
  switch (endpoint?.toLowerCase()) {
    case undefined:
      if (method !== 'GET') throw methodNotAllowed(req, 'GET');
      return listEverything(exchange, parseListQuery(query, undefined, directory.schemas, limits));
    case '.search':
      if (req.method !== 'POST' || id !== undefined) throw id === undefined ? methodNotAllowed(req, 'POST') : notFound(req);
      return listEverything(exchange, parseSearchRequest(req.body, undefined, directory.schemas, limits));
    case 'users':
      if (rest.length > 0) throw notFound(req);
      return resource(exchange, req, 'User', id, query);
    case 'groups':
      if (rest.length > 0) throw notFound(req);
      return resource(exchange, req, 'Group', id, query);
    case 'bulk':
      if (req.method !== 'POST' || id !== undefined) throw id === undefined ? methodNotAllowed(req, 'POST') : notFound(req);
      return bulk(exchange, req.body);
    case 'me':
      // RFC 7644 §3.11: the credential is a directory's, and nobody's in particular.
      throw new ScimError(501, undefined, '/Me is not supported: a directory credential stands for no user. Use /Users.');
    default: {
      if (rest.length > 0) throw notFound(req);
      const answer = method === 'GET' ? discover(path, query, directory, baseUrl) : undefined;
      if (answer) return answer;
      if (/^(serviceproviderconfig|resourcetypes|schemas)$/i.test(endpoint ?? '') && method !== 'GET') throw methodNotAllowed(req, 'GET');
      throw notFound(req);
    }
  }
}

function resource(exchange: Exchange, req: Request, type: ResourceType, id: string | undefined, query: QueryParameters): Promise<Answer> {
  const { schemas } = exchange.directory;
  const ofUsers = type === 'User';
  const projection = () => parseProjection(query, type, schemas);
  if (id === undefined) {
    switch (methodOf(req)) {
      case 'GET':
        return (ofUsers ? listUsers : listGroups)(exchange, parseListQuery(query, type, schemas, limits));
      case 'POST':
        return (ofUsers ? postUser : postGroup)(exchange, req.body, projection());
      default:
        throw methodNotAllowed(req, 'GET, POST');
    }
  }
  if (id.toLowerCase() === '.search') {
    if (req.method !== 'POST') throw methodNotAllowed(req, 'POST');
    return (ofUsers ? listUsers : listGroups)(exchange, parseSearchRequest(req.body, type, schemas, limits));
  }
  switch (methodOf(req)) {
    case 'GET':
      return (ofUsers ? getUser : getGroup)(exchange, id, projection());
    case 'PUT':
      return (ofUsers ? putUser : putGroup)(exchange, id, req.body, projection());
    case 'PATCH':
      return (ofUsers ? patchUserById : patchGroupById)(exchange, id, req.body, projection());
    case 'DELETE':
      return (ofUsers ? deleteUserById : deleteGroupById)(exchange, id);
    default:
      throw methodNotAllowed(req, 'GET, PUT, PATCH, DELETE');
  }
}

/** The path below the base URL; a trailing slash, or a doubled one, says nothing. */
function segments(req: Request): string[] {
  const path: unknown = req.params.path;
  return (Array.isArray(path) ? path : []).map(String).filter((segment) => segment !== '');
}

const parameters = ['filter', 'sortBy', 'sortOrder', 'startIndex', 'count', 'cursor', 'attributes', 'excludedAttributes'];

/**
 * The query's parameters under the names that the RFC gives them, whatever their case: a filter that is overlooked because it
 * is called Filter, or filter[0], would select everybody.
 */
function queryOf(req: Request): QueryParameters {
  const query: Record<string, string | string[]> = {};
  for (const [sent, value] of Object.entries(req.query as QueryParameters)) {
    // `query parser` is `simple`: strings, and arrays of strings
    if (/^filter\s*\[/i.test(sent))
      throw new ScimError(400, 'invalidFilter', `${JSON.stringify(sent.slice(0, 100))} is no parameter here: send one "filter".`);
    const name = parameters.find((known) => known.toLowerCase() === sent.toLowerCase());
    if (name === undefined || value === undefined) continue;
    const before = query[name];
    query[name] = before === undefined ? value : [before, value].flat();
  }
  return query;
}

/** RFC 9110 §9.3.2: HEAD is answered as GET is; `send` leaves the body out. */
function methodOf(req: Request): string {
  return req.method === 'HEAD' ? 'GET' : req.method;
}

function notFound(req: Request): ScimError {
  return new ScimError(
    404,
    undefined,
    `There is nothing at ${JSON.stringify(`/${segments(req).join('/')}`)}. The endpoints are Users, Groups, Bulk, .search, ServiceProviderConfig, ResourceTypes and Schemas.`,
  );
}

class MethodNotAllowed extends ScimError {
  constructor(
    method: string,
    readonly allow: string,
  ) {
    super(405, undefined, `${method} is not possible here: this endpoint takes ${allow}.`);
  }
}

function methodNotAllowed(req: Request, allow: string): ScimError {
  return new MethodNotAllowed(req.method, allow);
}

function exchangeOf(parts: ScimParts, req: Request, res: Response): Exchange {
  const directory = directoryOf(res);
  const exchange: Exchange = {
    pool: parts.pool,
    lookups: parts.lookups,
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

// What a group is answered with is of a known length until it is longer than this; then it is sent as it is read.
const gatheredBytesAtMost = 1024 * 1024;

/** G1: exactly this media type. express' own res.json would add a charset, which strict clients refuse. */
async function send(res: Response, { status, body, location, etag, retryAfterSeconds }: Answer): Promise<void> {
  const shown = status === 204 || status === 304 ? undefined : body;
  const parts = shown && isText(shown) ? bytesOf(shown) : undefined;
  // Read before anything is sent: as long as nothing has been, a failure can still be answered as one.
  const begun = parts && (await gather(parts));
  const whole = begun ? (begun.isWhole ? begun.bytes : undefined) : shown && JSON.stringify(shown);

  res.locals.decision ??= status < 300 ? 'answered' : undefined;
  res.statusCode = status;
  if (location) res.setHeader('Location', location);
  if (etag) res.setHeader('ETag', etag);
  if (retryAfterSeconds !== undefined) res.setHeader('Retry-After', String(retryAfterSeconds));
  if (!shown) {
    res.end();
    return;
  }
  res.setHeader('Content-Type', mediaType);
  if (whole !== undefined) res.setHeader('Content-Length', Buffer.byteLength(whole));
  if (res.req.method === 'HEAD') res.end();
  else if (whole !== undefined) res.end(whole);
  else if (begun) await pipeline(rest(begun.bytes, parts, res), res); // no faster than it is taken, and no longer than somebody is there
}

async function* bytesOf(text: AsyncIterable<string>): AsyncGenerator<Buffer, void> {
  for await (const part of text) yield Buffer.from(part);
}

function isText(body: NonNullable<Answer['body']>): body is AsyncIterable<string> {
  return Symbol.asyncIterator in body;
}

async function gather(text: AsyncGenerator<Buffer, void>): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const parts: Buffer[] = [];
  for (let length = 0; length <= gatheredBytesAtMost;) {
    const { value: part } = await text.next();
    if (!part) return { bytes: Buffer.concat(parts), isWhole: true };
    parts.push(part);
    length += part.length;
  }
  return { bytes: Buffer.concat(parts), isWhole: false };
}

/** What fails here cuts the answer off, which is how the client sees it. */
async function* rest(begun: Buffer, text: AsyncGenerator<Buffer, void>, res: Response): AsyncGenerator<Buffer, void> {
  yield begun;
  try {
    yield* text;
  } catch (failure) {
    res.locals.failure = failure;
    throw failure;
  }
}

/** Every refusal in SCIM's shape (RFC 7644 §3.12). */
function errorEdge(parts: ScimParts) {
  return async (thrown: unknown, req: Request, res: Response, _next: NextFunction): Promise<void> => {
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

declare global {
  namespace Express {
    interface Locals {
      exchange?: Exchange;
      refusal?: ScimError;
      bodyBytes?: number;
      /** Below the base URL, without the query. */
      scimPath?: string;
    }
  }
}

function recordAtEnd(parts: ScimParts, directory: ScimDirectory, req: Request, res: Response): void {
  const at = new Date();
  const begun = performance.now();
  res.once('close', () => {
    const { refusal, exchange } = res.locals;
    const query = req.originalUrl.indexOf('?');
    parts.recentRequests.add(
      {
        id: res.locals.requestId,
        environmentId: directory.environmentId,
        directoryId: directory.id,
        at,
        method: req.method,
        path: storable(`${pathOf(res)}${query === -1 ? '' : req.originalUrl.slice(query)}`).slice(0, 4_000),
        status: res.statusCode,
        scimType: refusal?.scimType ?? null,
        detail: refusal ? storable(refusal.detail) : null,
        notes: [...new Set(exchange?.notes)].map(storable), // a change that was begun again has noted some twice
        durationMs: performance.now() - begun,
        userAgent: req.headers['user-agent'] === undefined ? null : storable(req.headers['user-agent']).slice(0, 500),
        requestBody: maskedBody(req.body, res.locals.bodyBytes ?? 0),
        responseBody: refusal && { ...refusal.toJSON(), detail: storable(refusal.detail) },
      },
      directory.state !== 'disabled',
    );
  });
}
