import express, { type NextFunction, type Request, type Response, Router } from 'express';
import type { Pool } from 'pg';
import { type Actor, authenticateSession, roleIn, type Session } from '#accounts';
import type { Keyring } from '#credential';
import { parsePublicId } from '#identifier';
import { notFound, PageProblem, pageErrorEdge } from '../pages/errors';
import { refuseForeignPages } from '../frame/same-origin';
import { accountRouter, memberOf } from './account-routes';
import { environmentRouter } from './environment-routes';
import { insightRouter } from './insight-routes';
import type { SendMail } from './mails';
import type { Feed } from './live-events';
import type { SignInAttempts } from './attempts';
import { SessionCookie } from './session-cookie';

declare global {
  namespace Express {
    interface Locals {
      /** Who is signed in to the console. */
      member?: Session;
    }
  }
}

export interface ConsoleParts {
  pool: Pool;
  keyring: Keyring;
  feed: Feed;
  /** Without a trailing slash. */
  publicUrl: string;
  attempts: SignInAttempts;
  signUp: 'open' | 'closed';
  sendMail: SendMail;
  mailReaches: boolean;
  /** The vendor's API, which asks `memberAtTheApi` who calls. */
  api: Router;
}

/**
 * What the console's pages talk to, to be mounted at /console/api. In this order: whether it is our page that writes; who is
 * signed in; which environment, and what they may do there; then the console's own paths, and the vendor's API as it is.
 */
export function consoleRouter(parts: ConsoleParts): Router {
  const { pool, publicUrl } = parts;
  const cookie = new SessionCookie(publicUrl);
  const router = Router({ caseSensitive: true });
  const readJson = express.json({ limit: '200kb' });

  router.use(refuseForeignPages(publicUrl));
  router.use(async (req, res, next) => {
    const token = cookie.read(req);
    res.locals.member = token === undefined ? undefined : await authenticateSession(pool, token);
    next();
  });

  // The API first: its paths begin with /v1, it reads its bodies itself, and what it refuses it refuses in its own words.
  router.use('/environments/:environment', inEnvironment(pool), parts.api, readJson, environmentRouter(parts), insightRouter(parts));
  router.use(readJson, accountRouter({ ...parts, cookie }));

  router.use(() => {
    throw notFound();
  });
  router.use(pageErrorEdge);
  return router;
}

/** Who calls the API's routes behind the console's door. */
export function memberAtTheApi(res: Response): ApiCaller {
  const { caller, member } = res.locals;
  if (!caller || !member) throw new Error('the API was reached without finding out who calls');
  return { ...caller, actor: { type: 'member', id: member.member.id, name: member.member.email } };
}

type ApiCaller = { environmentId: string; keyId: string; actor: Actor };

/** Finds out whether the member belongs to the environment, and refuses a viewer's writes. Another's environment is not found. */
function inEnvironment(pool: Pool) {
  return async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    const session = memberOf(res);
    const named = req.params.environment;
    const environmentId = typeof named === 'string' ? parsePublicId('env', named) : undefined;
    const role = environmentId && (await roleIn(pool, { memberId: session.member.id, environmentId }));
    if (!environmentId || !role) throw notFound('You do not belong to this environment, or no longer.');
    if (role !== 'admin' && req.method !== 'GET' && req.method !== 'HEAD') {
      throw new PageProblem('not_allowed', 'You may look, but not change anything: ask an admin of this environment.');
    }
    res.locals.environmentId = environmentId;
    res.locals.caller = { environmentId, keyId: session.id };
    next();
  };
}
