import { Router } from 'express';
import { doorRouter } from '../frame/router';
import { problemEdge } from '../frame/errors';
import type { CallersOf } from '../frame/route';
import { refuseForeignPages } from '../frame/same-origin';
import { accountRoutes } from './account-routes';
import { consoleCallers } from './callers';
import { environmentRoutes } from './environment-routes';
import { insightRoutes } from './insight-routes';
import type { ConsoleCallers, ConsoleParts, ConsoleRoute } from './route';
import { SessionCookie } from './session-cookie';

/** What the console's pages talk to, besides the API's routes. */
export const routes: readonly ConsoleRoute[] = [...accountRoutes, ...environmentRoutes, ...insightRoutes];

const below = '/console/api';

/**
 * The console's door. First it is asked whether it is our page that writes. Behind it stand its own routes and, below an
 * environment, the vendor's API as it is, with members in place of keys: `apiFor` makes it.
 */
export function consoleRouter({
  apiFor,
  ...given
}: Omit<ConsoleParts, 'cookie'> & { apiFor: (environment: CallersOf<ConsoleCallers>['environment']) => Router }): Router {
  const { pool, publicUrl } = given;
  const parts = { ...given, cookie: new SessionCookie(publicUrl) };
  const callers = consoleCallers(pool, parts.cookie);
  const router = Router({ caseSensitive: true });

  router.use(below, refuseForeignPages(publicUrl));
  // The API's paths say themselves what is acted on.
  const atTheApi = apiFor(async (req, res) => ({ ...(await callers.environment(req, res)), within: [] }));
  router.use(`${below}/environments/:environment`, atTheApi);
  router.use(doorRouter({ below, routes, callers, parts, audience: 'pages', bodyAtMost: '200kb', publicUrl, pool }));
  router.use(below, problemEdge(publicUrl, 'pages'));
  return router;
}
