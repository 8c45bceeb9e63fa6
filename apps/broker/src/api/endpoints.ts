import { type Static, Type } from '@sinclair/typebox';
import {
  type Delivery as DeliveryRecord,
  type Endpoint as EndpointRecord,
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  getDelivery,
  getEndpoint,
  listDeliveries,
  listEndpoints,
  replay,
  retryDelivery,
  rotateSecret,
  sendTestEvent,
} from '#delivery';
import { getDirectory } from '#directory';
import { parsePublicId, publicId } from '#identifier';
import { notFound } from '../frame/errors';
import { cursorProblems, positionOf } from './events';
import { pageOf, pageQuery } from '../frame/page';
import { type ApiParts, type ApiRoute, route } from './route';
import { Delivery, Endpoint, EndpointHeaders, IssuedEndpoint, TestSent, ReplacedSecret } from './shapes';
import { EventTypeName, Limit, Page, PageCursor, closed, nullable, paging, word, publicIdOf } from '../frame/shapes';

const tag = 'Webhooks';
const longestOverlapSeconds = 7 * 24 * 60 * 60;

const Url = Type.String({ minLength: 1, maxLength: 2048, examples: ['https://example.com/webhooks/causeway'] });
const EventTypes = nullable(Type.Array(EventTypeName, { uniqueItems: true, description: 'null or empty: every type' }));
const Description = nullable(Type.String({ maxLength: 500 }));
const OrderingWord = word(['directory', 'none'], {
  description: '`directory`: the events of one directory strictly by `sequence`, one at a time; `none`: nothing waits for anything',
});
const MaxParallel = Type.Integer({ minimum: 1, maximum: 100, description: 'Requests under way at once' });
const Start = Type.Union([word(['now', 'beginning']), closed({ cursor: Type.String({ maxLength: 200 }) })], {
  description: '"now", "beginning" or {"cursor": "…"}',
});

export const endpointRoutes: ApiRoute[] = [
  route({
    method: 'post',
    path: '/v1/webhook_endpoints',
    operationId: 'createWebhookEndpoint',
    tag,
    summary: 'Make a webhook endpoint',
    description:
      'It gets the events after `start` (default: now), signed by Standard Webhooks. `https` only, unless the operator allows more.',
    body: closed(
      {
        url: Url,
        event_types: Type.Optional(EventTypes),
        organization_id: Type.Optional(nullable(publicIdOf('org', 'the only organization whose events it gets'))),
        description: Type.Optional(Description),
        ordering: Type.Optional(OrderingWord),
        start: Type.Optional(Start),
        headers: Type.Optional(EndpointHeaders),
        max_parallel: Type.Optional(MaxParallel),
      },
      { examples: [{ url: 'https://example.com/webhooks/causeway', event_types: ['user.created', 'user.deactivated'] }] },
    ),
    answer: {
      status: 201,
      description: 'The endpoint and its signing secret',
      schema: IssuedEndpoint,
    },
    problems: {
      not_found: 'There is no such organization, or no such event to start after',
      invalid_cursor: 'Not a cursor of this environment',
      feed_rewound: cursorProblems.feed_rewound,
      cursor_expired: 'What comes after the cursor is no longer kept',
      too_many_endpoints: 'There are too many already',
    },
    handle: async ({ environmentId, body }, parts) => {
      const { start } = body;
      const { endpoint, secret } = await createEndpoint(parts.pool, parts.keyring, {
        environmentId,
        url: body.url,
        allowedCidrs: parts.webhookAllowedCidrs,
        eventTypes: typesIn(body.event_types),
        organizationId: typeof body.organization_id === 'string' ? organizationIdIn(body.organization_id) : null,
        description: body.description,
        ordering: body.ordering,
        start: typeof start === 'object' ? { after: (await positionOf(environmentId, start.cursor, 'start', parts)).position } : start,
        headers: body.headers,
        maxParallel: body.max_parallel,
      });
      return { ...endpointJson(endpoint), secret };
    },
  }),
  route({
    method: 'get',
    path: '/v1/webhook_endpoints',
    operationId: 'listWebhookEndpoints',
    tag,
    summary: 'List webhook endpoints',
    query: paging,
    answer: { status: 200, description: 'A page of endpoints, newest first', schema: Page(Endpoint) },
    handle: async ({ environmentId, query }, { pool, keyring }) => {
      const { limit, after } = pageQuery(query);
      return pageOf(await listEndpoints(pool, keyring, { environmentId, limit, before: after }), query.limit, ({ id }) => id, endpointJson);
    },
  }),
  route({
    method: 'get',
    path: '/v1/webhook_endpoints/{id}',
    operationId: 'getWebhookEndpoint',
    tag,
    summary: 'Get a webhook endpoint',
    params: { id: 'we' },
    answer: { status: 200, description: 'The endpoint', schema: Endpoint },
    handle: async ({ environmentId, params }, { pool, keyring }) =>
      endpointJson(await getEndpoint(pool, keyring, { environmentId, endpointId: params.id })),
  }),
  route({
    method: 'patch',
    path: '/v1/webhook_endpoints/{id}',
    operationId: 'changeWebhookEndpoint',
    tag,
    summary: 'Change a webhook endpoint',
    description: '`enabled: true` brings a disabled one back where it stopped; `enabled: false` stops it. `headers` are replaced whole.',
    params: { id: 'we' },
    body: closed(
      {
        url: Type.Optional(Url),
        event_types: Type.Optional(EventTypes),
        description: Type.Optional(Description),
        ordering: Type.Optional(OrderingWord),
        headers: Type.Optional(EndpointHeaders),
        max_parallel: Type.Optional(MaxParallel),
        enabled: Type.Optional(Type.Boolean()),
      },
      { examples: [{ enabled: true }] },
    ),
    answer: { status: 200, description: 'The endpoint as it is now', schema: Endpoint },
    handle: async ({ environmentId, params, body }, { pool, keyring, webhookAllowedCidrs }) =>
      endpointJson(
        await changeEndpoint(pool, keyring, {
          environmentId,
          endpointId: params.id,
          allowedCidrs: webhookAllowedCidrs,
          changes: {
            url: body.url,
            eventTypes: typesIn(body.event_types),
            description: body.description,
            ordering: body.ordering,
            headers: body.headers,
            maxParallel: body.max_parallel,
            enabled: body.enabled,
          },
        }),
      ),
  }),
  route({
    method: 'delete',
    path: '/v1/webhook_endpoints/{id}',
    operationId: 'deleteWebhookEndpoint',
    tag,
    summary: 'Delete a webhook endpoint',
    params: { id: 'we' },
    answer: { status: 204, description: 'It is gone; nothing more is sent' },
    handle: async ({ environmentId, params }, { pool }) => deleteEndpoint(pool, { environmentId, endpointId: params.id }),
  }),
  route({
    method: 'post',
    path: '/v1/webhook_endpoints/{id}/rotate_secret',
    operationId: 'rotateWebhookSecret',
    tag,
    summary: 'Replace the signing secret',
    description: 'During the overlap webhooks carry signatures by both.',
    params: { id: 'we' },
    body: closed({
      overlap: Type.Optional(Type.Integer({ minimum: 0, maximum: longestOverlapSeconds, description: 'Seconds, 7 days at most' })),
    }),
    bodyOptional: true,
    answer: { status: 201, description: 'The new secret', schema: ReplacedSecret },
    handle: async ({ environmentId, params, body }, { pool, keyring }) => {
      const { secret, publicKey } = await rotateSecret(pool, keyring, {
        environmentId,
        endpointId: params.id,
        overlapSeconds: body.overlap,
      });
      return { secret, public_key: publicKey };
    },
  }),
  route({
    method: 'post',
    path: '/v1/webhook_endpoints/{id}/test',
    operationId: 'testWebhookEndpoint',
    tag,
    summary: 'Send an example event',
    description: 'Marked `"test": true`, and in no log. How it went stands in the deliveries.',
    params: { id: 'we' },
    body: closed({ type: Type.Optional(EventTypeName) }),
    bodyOptional: true,
    answer: {
      status: 202,
      description: 'It will be sent at once',
      schema: TestSent,
    },
    problems: { endpoint_disabled: 'Nothing is sent to a disabled endpoint' },
    handle: async ({ environmentId, params, body }, { pool }) => {
      const { eventId } = await sendTestEvent(pool, { environmentId, endpointId: params.id, type: body.type });
      return { event_id: publicId('evt', eventId) };
    },
  }),
  route({
    method: 'post',
    path: '/v1/webhook_endpoints/{id}/replay',
    operationId: 'replayToWebhookEndpoint',
    tag,
    summary: 'Send everything again from a place on',
    description: 'In order. Without `since` from the oldest kept event; with `directory_id` of that directory alone.',
    params: { id: 'we' },
    body: closed({
      since: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'A time (RFC 3339) or a cursor' })),
      directory_id: Type.Optional(publicIdOf('dir', 'a directory')),
    }),
    bodyOptional: true,
    answer: { status: 202, description: 'The endpoint', schema: Endpoint },
    problems: {
      not_found: 'There is no such endpoint, directory or event',
      invalid_cursor: 'Neither a time nor a cursor of this environment',
      feed_rewound: cursorProblems.feed_rewound,
      cursor_expired: 'What comes after the cursor is no longer kept',
    },
    handle: async ({ environmentId, params, body }, parts) => {
      const { pool, keyring } = parts;
      const endpoint = await getEndpoint(pool, keyring, { environmentId, endpointId: params.id });
      await replay(pool, {
        environmentId,
        endpointId: params.id,
        since: body.since === undefined ? undefined : await sinceIn(environmentId, body.since, parts),
        directoryId: body.directory_id === undefined ? undefined : await directoryIdIn(environmentId, body.directory_id, parts),
      });
      return endpointJson(endpoint);
    },
  }),
  route({
    method: 'get',
    path: '/v1/webhook_endpoints/{id}/deliveries',
    operationId: 'listDeliveries',
    tag,
    summary: 'List deliveries',
    description: 'Newest first. A page may hold fewer than `limit` and still not be the last: `next_cursor` says.',
    params: { id: 'we' },
    query: { limit: Limit, cursor: PageCursor, state: Type.Optional(word(['pending', 'succeeded', 'parked'])) },
    answer: { status: 200, description: 'A page of deliveries', schema: Page(Delivery) },
    problems: { invalid_cursor: 'Not a cursor of this list' },
    handle: async ({ environmentId, params, query }, { pool }) => {
      const { deliveries, next } = await listDeliveries(pool, { environmentId, endpointId: params.id, ...query });
      return { data: deliveries.map(deliveryJson), next_cursor: next };
    },
  }),
  route({
    method: 'get',
    path: '/v1/webhook_endpoints/{id}/deliveries/{event_id}',
    operationId: 'getDelivery',
    tag,
    summary: 'Get a delivery',
    params: { id: 'we', event_id: 'evt' },
    answer: { status: 200, description: 'The delivery', schema: Delivery },
    handle: async ({ environmentId, params }, { pool }) =>
      deliveryJson(await getDelivery(pool, { environmentId, endpointId: params.id, eventId: params.event_id })),
  }),
  route({
    method: 'post',
    path: '/v1/webhook_endpoints/{id}/deliveries/{event_id}/retry',
    operationId: 'retryDelivery',
    tag,
    summary: 'Send a delivery again now',
    description: 'One that waits for its turn is not sent before it: the first of its directory is tried now instead.',
    params: { id: 'we', event_id: 'evt' },
    body: closed({}),
    bodyOptional: true,
    answer: { status: 202, description: 'The delivery', schema: Delivery },
    problems: { endpoint_disabled: 'Nothing is sent to a disabled endpoint' },
    handle: async ({ environmentId, params }, { pool }) =>
      deliveryJson(await retryDelivery(pool, { environmentId, endpointId: params.id, eventId: params.event_id })),
  }),
];

// An endpoint that gets nothing has no use, so no types means all of them.
function typesIn<T>(types: T[] | null | undefined): T[] | null | undefined {
  return types?.length === 0 ? null : types;
}

function organizationIdIn(text: string): string {
  const id = parsePublicId('org', text);
  if (id === undefined) throw notFound(text);
  return id;
}

async function directoryIdIn(environmentId: string, text: string, { pool }: ApiParts): Promise<string> {
  const directoryId = parsePublicId('dir', text);
  const directory = directoryId && (await getDirectory(pool, { environmentId, directoryId }));
  if (!directory) throw notFound(text);
  return directory.id;
}

const time = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

async function sinceIn(environmentId: string, text: string, parts: ApiParts): Promise<Date | { after: number }> {
  const at = time.test(text) ? new Date(text) : undefined;
  if (at && !Number.isNaN(at.getTime())) return at;
  return { after: (await positionOf(environmentId, text, 'since', parts)).position };
}

function endpointJson(endpoint: EndpointRecord): Static<typeof Endpoint> {
  return {
    id: publicId('we', endpoint.id),
    url: endpoint.url,
    event_types: endpoint.eventTypes,
    organization_id: endpoint.organizationId && publicId('org', endpoint.organizationId),
    description: endpoint.description,
    ordering: endpoint.ordering,
    state: endpoint.state,
    headers: endpoint.headers,
    max_parallel: endpoint.maxParallel,
    public_key: endpoint.publicKey,
    failing_since: endpoint.failingSince && endpoint.failingSince.toISOString(),
    disabled_at: endpoint.disabledAt && endpoint.disabledAt.toISOString(),
    disabled_reason: endpoint.disabledReason,
    created_at: endpoint.createdAt.toISOString(),
    updated_at: endpoint.updatedAt.toISOString(),
  };
}

function deliveryJson(delivery: DeliveryRecord): Static<typeof Delivery> {
  return {
    event_id: publicId('evt', delivery.eventId),
    type: delivery.type,
    directory_id: delivery.directoryId && publicId('dir', delivery.directoryId),
    sequence: delivery.sequence,
    test: delivery.test,
    state: delivery.state,
    next_attempt_at: delivery.nextAttemptAt && delivery.nextAttemptAt.toISOString(),
    attempts: delivery.attempts.map((attempt) => ({
      at: attempt.at.toISOString(),
      status: attempt.status,
      duration_ms: attempt.durationMs,
      error: attempt.error,
      response_body: attempt.responseBody,
    })),
  };
}
