import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import express, { type Express, type NextFunction, type Request, type Response, type Router } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { OutageLog } from '#runtime';
import { Problem, problemEdge, sendProblem } from './frame/errors';
import { openApiDocument } from './frame/openapi';
import { apiRouter } from './api/door';
import type { ApiParts } from './api/route';
import { routes } from './api/routes';
import { consoleRouter } from './console/door';
import type { ConsoleParts } from './console/route';
import { docsRouter } from './docs';
import { type Readiness, healthRouter } from './health';
import type { RequestRate } from './guards/request-rate';
import type { HttpMetrics } from './frame/metrics';
import { type Pages, pagesRouter } from './pages/static';
import { identifyRequest, throughDoor } from './frame/request';
import { refuseLongUrl } from './frame/url-length';
import { parseQuery } from './frame/utf-8';
import { setupRouter } from './setup/door';
import type { SetupSessions } from './setup/session';

export interface AppParts {
  api: ApiParts;
  /** What an IdP talks to, mounted at /scim/v2. It answers everything below that, its errors included. */
  scim: Router;
  /** The authorization servers of directories and the opening of setup links: at the root, each with its own paths and errors. */
  oauth: Router;
  setupLinks: Router;
  setupSessions: SetupSessions;
  console: Pick<ConsoleParts, 'attempts' | 'passwords' | 'signUp' | 'sendMail' | 'mailReaches'>;
  /** The console and the setup page; `undefined` where they have not been built. */
  pages: Pages | undefined;
  log: Logger;
  outages: OutageLog;
  metrics: HttpMetrics;
  readiness: Readiness;
  /** How often each API key may call. */
  apiRate: RequestRate;
  /** Whether the schema has been seen to be new enough. Until then the doors to the data are shut. */
  isOpen: () => boolean;
  operatorApiKey: string | undefined;
  metricsToken: string | undefined;
  trustedProxies: string[];
  version: string;
}

/** The order of a request, top to bottom. */
export function createApp(parts: AppParts): Express {
  const { publicUrl } = parts.api;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag'); // a SCIM ETag is the version of a resource, and no hash of a body
  app.set('query parser', parseQuery);
  app.set('trust proxy', parts.trustedProxies.length > 0 ? parts.trustedProxies : false);
  app.set('case sensitive routing', true);

  app.use(identifyRequest(parts.log, parts.metrics, parts.outages));
  app.use(protect(publicUrl));

  app.use(['/livez', '/readyz', '/metrics'], throughDoor('health'));
  app.use(healthRouter(parts));

  app.use('/scim/v2', throughDoor('scim'), open(parts, refuseScim), parts.scim);
  app.use(refuseLongUrl);
  app.use(['/oauth', '/.well-known/oauth-authorization-server'], throughDoor('oauth'), open(parts, refuseOAuth));
  app.use(parts.oauth);
  app.use(parts.setupLinks);

  const document = JSON.stringify(openApiDocument(routes, { publicUrl, version: parts.version }));
  app.use('/v1', throughDoor('api'));
  app.get('/v1/openapi.json', (_req, res) => {
    res.setHeader('Content-Type', 'application/json');
    res.end(document);
  });
  app.use(
    '/v1',
    open(parts, (res) => sendProblem(res, new Problem('unavailable', notReady, { headers: retryLater }), publicUrl)),
  );
  const door = { rate: parts.apiRate, operatorApiKey: parts.operatorApiKey, onReplay: () => parts.metrics.countReplay() };
  app.use(apiRouter(parts.api, door));

  const unready = (res: Response): void => sendProblem(res, new Problem('unavailable', notReady, { headers: retryLater }), publicUrl);
  app.use('/console/api', throughDoor('console'), open(parts, unready));
  app.use(consoleRouter({ ...parts.api, ...parts.console, apiFor: (environment) => apiRouter(parts.api, { ...door, environment }) }));
  app.use('/setup/api', throughDoor('setup'), open(parts, unready));
  app.use(setupRouter({ ...parts.api, sessions: parts.setupSessions }));

  app.use('/docs', throughDoor('docs'), docsRouter());

  app.use(pagesRouter(parts.pages));

  app.use((req) => {
    throw new Problem('not_found', `there is nothing at ${JSON.stringify(req.path)}`);
  });
  app.use(problemEdge(publicUrl));
  return app;
}

/** helmet's headers. They are the same on every answer, so it is asked for them once. */
function protect(publicUrl: string) {
  const sample = new ServerResponse(new IncomingMessage(new Socket()));
  helmet({
    // Answers are JSON and load nothing. /docs, which has pages, sets a policy of its own.
    contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] } },
    strictTransportSecurity: publicUrl.startsWith('https:'),
  })(sample.req, sample, (error) => {
    if (error !== undefined) throw error;
  });
  const headers = Object.entries(sample.getHeaders()).map(([name, value]) => [name, String(value)] as const);
  return (_req: Request, res: Response, next: NextFunction): void => {
    for (const [name, value] of headers) res.setHeader(name, value);
    next();
  };
}

const notReady = 'this broker is waiting for its database to be brought up to date';
const retryLater = { 'Retry-After': '5' };

function open({ isOpen }: AppParts, refuse: (res: Response) => void) {
  return (_req: Request, res: Response, next: NextFunction): void => {
    if (isOpen()) next();
    else refuse(res);
  };
}

function refuseOAuth(res: Response): void {
  res.locals.decision = 'unavailable';
  res.statusCode = 503;
  res.setHeader('Retry-After', retryLater['Retry-After']);
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify({ error: 'temporarily_unavailable', error_description: notReady }));
}

// RFC 7644 §3.12: "status" is a string in the body.
function refuseScim(res: Response): void {
  res.locals.decision = 'unavailable';
  res.statusCode = 503;
  res.setHeader('Retry-After', retryLater['Retry-After']);
  res.setHeader('Content-Type', 'application/scim+json');
  res.end(JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '503', detail: notReady }));
}
