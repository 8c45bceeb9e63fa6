import { type Request, type Response, Router } from 'express';
import type { Pool } from 'pg';
import { listSetupLinks } from '#accounts';
import type { Keyring } from '#credential';
import { countReplay, EndpointNotFound, endpointStatistics, lastAttemptOf } from '#delivery';
import {
  directoryHealth,
  findEvent,
  findRequest,
  findRequests,
  isEventType,
  listGroupNames,
  listPeople,
  readNewestEvents,
} from '#directory';
import { parsePublicId } from '#identifier';
import { answer, answerJson } from '../pages/answer';
import { notFound, PageProblem } from '../pages/errors';
import { cursor, id, idInPath, limit, subject, text, wholeNumber } from '../pages/parameters';
import { type Feed, streamEvents } from './live-events';
import { overviewOf } from './overview';

/**
 * What the console's pages show and the vendor's API has no need of: the same data, searched, counted and read backwards. All of it
 * is read only, and of the caller's environment.
 */
export function insightRouter({ pool, keyring, feed }: { pool: Pool; keyring: Keyring; feed: Feed }): Router {
  const router = Router({ caseSensitive: true });

  router.get('/overview', async (_req, res) => {
    answer(res, 200, await overviewOf(pool, { environmentId: environmentOf(res), now: new Date() }));
  });

  router.get('/events', async (req, res) => {
    const types = text(req, 'types')?.split(',').filter(isEventType);
    const page = await readNewestEvents(pool, {
      environmentId: environmentOf(res),
      before: wholeNumber(req, 'before', 1, Number.MAX_SAFE_INTEGER),
      types: types?.length ? types : undefined,
      organizationId: id(req, 'organization_id', 'org'),
      directoryId: id(req, 'directory_id', 'dir'),
      subject: subject(req),
      limit: limit(req),
    });
    answerJson(res, 200, `{"data":[${page.events.join(',')}],"next_cursor":${page.next},"head":${page.head}}`);
  });

  router.get('/events/live', async (req, res) => {
    const types = text(req, 'types')?.split(',').filter(isEventType);
    await streamEvents(res, pool, feed, {
      environmentId: environmentOf(res),
      after: lastEventId(req) ?? wholeNumber(req, 'after', 0, Number.MAX_SAFE_INTEGER) ?? 0,
      types: types?.length ? types : undefined,
      organizationId: id(req, 'organization_id', 'org'),
      directoryId: id(req, 'directory_id', 'dir'),
      subject: subject(req),
    });
  });

  router.get('/events/:event', async (req, res) => {
    const event = await findEvent(pool, environmentOf(res), idInPath(req.params.event, 'evt'));
    if (!event) throw notFound('There is no such event, or it is no longer kept.');
    answerJson(res, 200, event.json);
  });

  router.get('/requests', async (req, res) => {
    const outcome = text(req, 'outcome');
    const { data, next } = await findRequests(pool, {
      environmentId: environmentOf(res),
      directoryId: id(req, 'directory_id', 'dir'),
      outcome: outcome === 'failed' || outcome === 'succeeded' ? outcome : undefined,
      method: text(req, 'method'),
      search: text(req, 'search'),
      before: cursor(req),
      limit: limit(req),
    });
    answer(res, 200, { data, next_cursor: next === null ? null : Buffer.from(next).toString('base64url') });
  });

  router.get('/requests/:request', async (req, res) => {
    const requestId = parsePublicId('req', req.params.request);
    const found = requestId && (await findRequest(pool, { environmentId: environmentOf(res), requestId }));
    if (!found) throw notFound('There is no such request, or it is no longer kept.');
    answer(res, 200, found);
  });

  router.get('/directories/:directory/health', async (req, res) => {
    const health = await directoryHealth(pool, {
      environmentId: environmentOf(res),
      directoryId: idInPath(req.params.directory, 'dir'),
      now: new Date(),
    });
    if (!health) throw notFound();
    answer(res, 200, health);
  });

  router.get('/directories/:directory/users', async (req, res) => {
    const active = text(req, 'active');
    const { data, next } = await listPeople(pool, {
      environmentId: environmentOf(res),
      directoryId: idInPath(req.params.directory, 'dir'),
      search: text(req, 'search'),
      active: active === undefined ? undefined : active === 'true',
      after: cursor(req),
      limit: limit(req),
    });
    answer(res, 200, { data, next_cursor: next === null ? null : Buffer.from(next).toString('base64url') });
  });

  router.get('/directories/:directory/groups', async (req, res) => {
    const { data, next } = await listGroupNames(pool, {
      environmentId: environmentOf(res),
      directoryId: idInPath(req.params.directory, 'dir'),
      search: text(req, 'search'),
      after: cursor(req),
      limit: limit(req),
    });
    answer(res, 200, { data, next_cursor: next === null ? null : Buffer.from(next).toString('base64url') });
  });

  router.get('/webhook_endpoints/:endpoint/statistics', async (req, res) => {
    const hours = wholeNumber(req, 'hours', 1, 24 * 30) ?? 24;
    answer(
      res,
      200,
      await orNotFound(
        endpointStatistics(pool, keyring, {
          environmentId: environmentOf(res),
          endpointId: idInPath(req.params.endpoint, 'we'),
          hours,
          now: new Date(),
        }),
      ),
    );
  });

  router.get('/webhook_endpoints/:endpoint/last_attempt', async (req, res) => {
    answer(res, 200, {
      data: await lastAttemptOf(pool, {
        environmentId: environmentOf(res),
        endpointId: idInPath(req.params.endpoint, 'we'),
        now: new Date(),
      }),
    });
  });

  router.get('/directories/:directory/setup_links', async (req, res) => {
    const links = await listSetupLinks(pool, { environmentId: environmentOf(res), directoryId: idInPath(req.params.directory, 'dir') });
    answer(res, 200, {
      data: links.map((link) => ({ created_at: link.createdAt.toISOString(), expires_at: link.expiresAt.toISOString() })),
    });
  });

  router.get('/webhook_endpoints/:endpoint/replay_preview', async (req, res) => {
    const since = text(req, 'since');
    const time = since === undefined ? undefined : new Date(since);
    if (time && Number.isNaN(time.getTime())) throw new PageProblem('invalid_request', 'This is not a time.', 'since');
    answer(
      res,
      200,
      await orNotFound(
        countReplay(pool, keyring, {
          environmentId: environmentOf(res),
          endpointId: idInPath(req.params.endpoint, 'we'),
          since: time,
          directoryId: id(req, 'directory_id', 'dir'),
        }),
      ),
    );
  });

  return router;
}

/** Where a browser that was cut off goes on. */
function lastEventId(req: Request): number | undefined {
  const id = req.get('last-event-id');
  return id !== undefined && /^\d{1,15}$/.test(id) ? Number(id) : undefined;
}

function environmentOf(res: Response): string {
  if (!res.locals.caller) throw new Error('an environment was reached without finding out who calls');
  return res.locals.caller.environmentId;
}

async function orNotFound<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw error instanceof EndpointNotFound ? notFound() : error;
  }
}
