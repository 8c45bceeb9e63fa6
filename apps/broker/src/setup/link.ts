import { type NextFunction, type Request, type Response, Router } from 'express';
import type { Pool } from 'pg';
import { publicId } from '#identifier';
import type { FailedAttempts } from '../guards/failed-attempts';
import { isOutage } from '#postgres';
import { html, sendPlainPage } from '../plain-page';
import { noteActs } from '../frame/audit';
import { throughDoor } from '../frame/request';
import type { SetupSessions } from './session';

export interface SetupLinkParts {
  pool: Pool;
  sessions: SetupSessions;
  failedAttempts: FailedAttempts;
}

/** Opens setup links: GET /setup/cwl_… leads to the page at /setup, with a session. Other paths are the page's own, and fall through. */
export function setupLinkRouter({ pool, sessions, failedAttempts }: SetupLinkParts): Router {
  const router = Router({ caseSensitive: true });
  // The log takes a request's path from here, and this one ends in a secret: whatever becomes of the request, it is not written down.
  router.use('/setup', (req, _res, next) => {
    req.originalUrl = req.originalUrl.replace(/cwl_[^/?]*/g, 'cwl_***');
    next();
  });
  router.get('/setup/:link', async (req, res, next) => {
    const { link } = req.params;
    if (!link.startsWith('cwl_')) return next();
    throughDoor('setup')(req, res, () => {});
    res.setHeader('Cache-Control', 'no-store');
    const session = await sessions.open(link, res);
    if (!session) {
      const verdict = await failedAttempts.count(req, res);
      if (verdict.kind === 'too_many') res.setHeader('Retry-After', String(verdict.retryAfterSeconds));
      res.locals.decision = 'refused: link';
      return sendPlainPage(res, { ...endedPage, status: verdict.kind === 'too_many' ? 429 : 404 });
    }
    res.locals.directoryId = session.directoryId;
    res.locals.environmentId = session.environmentId;
    const act = { environmentId: session.environmentId, act: 'openSetupLink', targets: [publicId('dir', session.directoryId)], fields: [] };
    await noteActs(pool, req, [{ ...act, actor: { type: 'it_admin', id: session.linkId } }]);
    res.locals.decision = 'link opened';
    // The link's own address goes no further: not into the page, and not into what the page loads.
    res.redirect(303, '/setup');
  });
  router.use('/setup/:link', (thrown: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (res.locals.door !== 'setup' || res.headersSent) return next(thrown);
    res.locals.failure ??= thrown;
    sendPlainPage(res, { ...failedPage, status: isOutage(thrown) ? 503 : 500 });
  });
  return router;
}

const endedPage = {
  title: 'This link does not work any more',
  body: html`<p>A setup link works for some days, and ends sooner where whoever made it ends it. Ask whoever sent it to you for a new one.</p>`,
};

const failedPage = { title: 'That did not work', body: html`<p>Open the link again in a minute: to do so is safe.</p>` };
