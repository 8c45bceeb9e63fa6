import { listSetupLinks } from '#accounts';
import { bounds } from '#bounds';
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
import { parsePublicId, presentTime } from '#identifier';
import { notHere, refusal } from '../frame/errors';
import { textCursorAt, textIn } from '../frame/page';
import { JsonText, Streamed } from '../frame/route';
import { Event } from '../frame/event-shapes';
import { Page } from '../frame/shapes';
import { idParameter } from '../frame/validation';
import { DirectoryHealth, ListedRequest, outcomeIn, paging, text, wholeNumber } from '../pages/shapes';
import { streamEvents } from './live-events';
import { overviewOf } from './overview';
import { type ConsoleRoute, route } from './route';
import {
  EndpointStatistics,
  LastAttempt,
  ListedGroup,
  ListedUser,
  NewestEvents,
  Overview,
  ReplayPreview,
  SetupLinks,
  WholeRequest,
} from './shapes';

const here = '/console/api/environments/{environment}';

const eventFilters = {
  types: text('types'),
  organization_id: text('organization_id'),
  directory_id: text('directory_id'),
  subject: text('subject'),
};

/**
 * What the console's pages show and the vendor's API has no need of: the same data, searched, counted and read backwards. All of it
 * is read only, and of the caller's environment.
 */
export const insightRoutes: ConsoleRoute[] = [
  route({
    method: 'get',
    path: `${here}/overview`,
    operationId: 'getOverview',
    answer: { status: 200, schema: Overview },
    handle: ({ environmentId }, { pool }) => overviewOf(pool, { environmentId, now: presentTime() }),
  }),
  route({
    method: 'get',
    path: `${here}/events`,
    operationId: 'listNewestEvents',
    query: { ...eventFilters, before: wholeNumber('before', 1, Number.MAX_SAFE_INTEGER), limit: paging.limit },
    answer: { status: 200, schema: NewestEvents },
    handle: async ({ environmentId, query }, { pool }) => {
      const page = await readNewestEvents(pool, {
        environmentId,
        before: query.before,
        ...eventsIn(query),
        limit: query.limit,
      });
      return new JsonText(`{"data":[${page.events.join(',')}],"next_cursor":${page.next},"head":${page.head}}`);
    },
  }),
  route({
    method: 'get',
    path: `${here}/events/live`,
    operationId: 'followEvents',
    query: { ...eventFilters, after: wholeNumber('after', 0, Number.MAX_SAFE_INTEGER) },
    answer: { status: 200, contentType: 'text/event-stream' },
    handle: async ({ environmentId, keyId, query, lastEventId, signal }, { pool, feed, waiting }) => {
      // Members have places of their own: programs that have taken all of theirs do not keep anybody from looking.
      const shares = [
        { whose: keyId, atMost: bounds.waitingOfKey },
        { whose: `members of ${environmentId}`, atMost: bounds.waitingOfEnvironment },
      ];
      if (waiting.take(shares, signal))
        throw refusal('too_many_streams', 'Events are followed in too many windows already. Close some of them.', { retryAfterSeconds: 5 });
      const followed = { environmentId, after: positionIn(lastEventId) ?? query.after ?? 0, ...eventsIn(query) };
      return new Streamed((res) => streamEvents(res, pool, feed, followed));
    },
  }),
  route({
    method: 'get',
    path: `${here}/events/{event}`,
    operationId: 'getEvent',
    params: { event: 'evt' },
    answer: { status: 200, schema: Event },
    handle: async ({ environmentId, params }, { pool }) => {
      const event = await findEvent(pool, environmentId, params.event);
      if (!event) throw notHere('There is no such event, or it is no longer kept.');
      return new JsonText(event.json);
    },
  }),
  route({
    method: 'get',
    path: `${here}/requests`,
    operationId: 'findRequests',
    query: { ...paging, directory_id: text('directory_id'), outcome: text('outcome'), method: text('method'), search: text('search') },
    answer: { status: 200, schema: Page(ListedRequest) },
    handle: async ({ environmentId, query }, { pool }) =>
      pageAfterText(
        await findRequests(pool, {
          environmentId,
          directoryId: query.directory_id && idParameter('directory_id', 'dir', query.directory_id),
          outcome: outcomeIn(query.outcome),
          method: query.method,
          search: query.search,
          before: query.cursor && textIn(query.cursor),
          limit: query.limit,
        }),
      ),
  }),
  route({
    method: 'get',
    path: `${here}/requests/{request}`,
    operationId: 'getRequest',
    params: { request: 'req' },
    answer: { status: 200, schema: WholeRequest },
    handle: async ({ environmentId, params }, { pool }) => {
      const found = await findRequest(pool, { environmentId, requestId: params.request });
      if (!found) throw notHere('There is no such request, or it is no longer kept.');
      return found;
    },
  }),
  route({
    method: 'get',
    path: `${here}/directories/{directory}/health`,
    operationId: 'getDirectoryHealth',
    params: { directory: 'dir' },
    answer: { status: 200, schema: DirectoryHealth },
    handle: async ({ environmentId, params }, { pool }) => {
      const health = await directoryHealth(pool, { environmentId, directoryId: params.directory, now: presentTime() });
      if (!health) throw notHere();
      return health;
    },
  }),
  route({
    method: 'get',
    path: `${here}/directories/{directory}/users`,
    operationId: 'findUsers',
    params: { directory: 'dir' },
    query: { ...paging, search: text('search'), active: text('active') },
    answer: { status: 200, schema: Page(ListedUser) },
    handle: async ({ environmentId, params, query }, { pool }) =>
      pageAfterText(
        await listPeople(pool, {
          environmentId,
          directoryId: params.directory,
          search: query.search,
          active: query.active === undefined ? undefined : query.active === 'true',
          after: query.cursor && textIn(query.cursor),
          limit: query.limit,
        }),
      ),
  }),
  route({
    method: 'get',
    path: `${here}/directories/{directory}/groups`,
    operationId: 'findGroups',
    params: { directory: 'dir' },
    query: { ...paging, search: text('search') },
    answer: { status: 200, schema: Page(ListedGroup) },
    handle: async ({ environmentId, params, query }, { pool }) =>
      pageAfterText(
        await listGroupNames(pool, {
          environmentId,
          directoryId: params.directory,
          search: query.search,
          after: query.cursor && textIn(query.cursor),
          limit: query.limit,
        }),
      ),
  }),
  route({
    method: 'get',
    path: `${here}/webhook_endpoints/{endpoint}/statistics`,
    operationId: 'getEndpointStatistics',
    params: { endpoint: 'we' },
    query: { hours: wholeNumber('hours', 1, 24 * 30) },
    answer: { status: 200, schema: EndpointStatistics },
    handle: ({ environmentId, params, query }, { pool, keyring }) =>
      orNotHere(
        endpointStatistics(pool, keyring, { environmentId, endpointId: params.endpoint, hours: query.hours ?? 24, now: presentTime() }),
      ),
  }),
  route({
    method: 'get',
    path: `${here}/webhook_endpoints/{endpoint}/last_attempt`,
    operationId: 'getLastAttempt',
    params: { endpoint: 'we' },
    answer: { status: 200, schema: LastAttempt },
    handle: async ({ environmentId, params }, { pool }) => ({
      data: await lastAttemptOf(pool, { environmentId, endpointId: params.endpoint, now: presentTime() }),
    }),
  }),
  route({
    method: 'get',
    path: `${here}/directories/{directory}/setup_links`,
    operationId: 'listSetupLinks',
    params: { directory: 'dir' },
    answer: { status: 200, schema: SetupLinks },
    handle: async ({ environmentId, params }, { pool }) => ({
      data: (await listSetupLinks(pool, { environmentId, directoryId: params.directory })).map((link) => ({
        created_at: link.createdAt.toISOString(),
        expires_at: link.expiresAt.toISOString(),
      })),
    }),
  }),
  route({
    method: 'get',
    path: `${here}/webhook_endpoints/{endpoint}/replay_preview`,
    operationId: 'previewReplay',
    params: { endpoint: 'we' },
    query: { since: text('since'), directory_id: text('directory_id') },
    answer: { status: 200, schema: ReplayPreview },
    handle: async ({ environmentId, params, query }, { pool, keyring }) => {
      const since = query.since === undefined ? undefined : new Date(query.since);
      if (since && Number.isNaN(since.getTime())) throw refusal('invalid_request', 'This is not a time.', { field: 'since' });
      return orNotHere(
        countReplay(pool, keyring, {
          environmentId,
          endpointId: params.endpoint,
          since,
          directoryId: query.directory_id && idParameter('directory_id', 'dir', query.directory_id),
        }),
      );
    },
  }),
];

/** Which events are looked for. A type that is none of ours looks for nothing. */
function eventsIn(query: {
  types?: string | undefined;
  organization_id?: string | undefined;
  directory_id?: string | undefined;
  subject?: string | undefined;
}) {
  const types = query.types?.split(',').filter(isEventType);
  if (query.subject !== undefined && !parsePublicId('usr', query.subject) && !parsePublicId('grp', query.subject))
    throw refusal('invalid_request', 'subject is the id of a user or a group.', { field: 'subject' });
  return {
    types: types?.length ? types : undefined,
    organizationId: query.organization_id && idParameter('organization_id', 'org', query.organization_id),
    directoryId: query.directory_id && idParameter('directory_id', 'dir', query.directory_id),
    subject: query.subject,
  };
}

/** Where a browser that was cut off goes on. */
function positionIn(lastEventId: string | undefined): number | undefined {
  return lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined;
}

function pageAfterText<T>({ data, next }: { data: T[]; next: string | null }): { data: T[]; next_cursor: string | null } {
  return { data, next_cursor: next === null ? null : textCursorAt(next) };
}

async function orNotHere<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw error instanceof EndpointNotFound ? notHere() : error;
  }
}
