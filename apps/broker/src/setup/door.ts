import { Router } from 'express';
import { publicId } from '#identifier';
import { doorRouter } from '../frame/router';
import { problemEdge, refusal } from '../frame/errors';
import type { CallersOf } from '../frame/route';
import { refuseForeignPages } from '../frame/same-origin';
import type { SetupCallers, SetupParts } from './route';
import { routes } from './routes';
import type { SetupSessions } from './session';

const below = '/setup/api';

/**
 * The door of the IT admin's setup page. Whoever has opened a setup link in this browser may see one directory and make its
 * credentials, and reaches nothing else. What they change is noted in the vendor's audit log.
 */
export function setupRouter({ sessions, ...parts }: SetupParts & { sessions: SetupSessions }): Router {
  const { pool, publicUrl } = parts;
  const router = Router({ caseSensitive: true });
  router.use(below, refuseForeignPages(publicUrl));
  router.use(doorRouter({ below, routes, callers: callersBy(sessions), parts, audience: 'pages', bodyAtMost: '20kb', publicUrl, pool }));
  router.use(below, problemEdge(publicUrl, 'pages'));
  return router;
}

function callersBy(sessions: SetupSessions): CallersOf<SetupCallers> {
  return {
    itAdmin: async (req, res) => {
      const session = await sessions.of(req);
      if (!session) throw refusal('signed_out', 'Open the setup link again: this page has been open for a while, or the link has ended.');
      const { environmentId, directoryId, linkId } = session;
      res.locals.directoryId = directoryId;
      return { session, environmentId, actor: { type: 'it_admin', id: linkId }, within: [publicId('dir', directoryId)] };
    },
  };
}
