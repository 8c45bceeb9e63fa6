import type { TProperties, TSchema } from '@sinclair/typebox';
import { exampleEvent } from '#delivery';
import { type EventType, eventTypes } from '#directory';
import { type ProblemCode, problems } from './errors';
import type { Declared } from './route';
import { Event, eventSchemaName } from './event-shapes';
import { Problem, digits } from './shapes';

type Json = { [key: string]: unknown };

/** A route with what the document needs to know of it besides. */
type Documented = Declared & { tag: string; summary: string; description?: string };

const tags = [
  { name: 'Organizations', description: 'Your customers.' },
  { name: 'Directories', description: 'The connections of their identity providers.' },
  { name: 'Users and groups', description: 'What the identity providers have pushed, as it is now.' },
  { name: 'Schema extensions', description: 'Attributes of your own, declared to identity providers.' },
  { name: 'Attribute mapping', description: 'What becomes of what is pushed: your attributes, roles and rules.' },
  { name: 'Events', description: 'What changed, in order: one log for each environment.' },
  { name: 'Consumers', description: 'Places in the log that are kept here, for readers who do not want to keep a cursor.' },
  { name: 'Webhooks', description: 'The same events, sent to you.' },
  { name: 'API keys', description: 'Keys to your environment.' },
  { name: 'Audit log', description: 'Who did what, when and from where.' },
  { name: 'Environments', description: "For the installation's operator." },
];

const description = `
Identity providers push users and groups in over SCIM; every change becomes an event in one ordered log, which you poll or get by webhook.

- **Authentication.** \`Authorization: Bearer cwk_…\`. A key sees its own environment alone: another's ids answer 404.
- **Lists** take \`limit\` (1–1000, default 100) and \`cursor\`, and answer \`{"data": […], "next_cursor": "…" | null}\`.
- **Errors** are \`application/problem+json\` (RFC 9457) with a \`code\` for programs. Unknown fields in a body are errors, and so are unknown parameters of a query.
- **Idempotency.** Send an \`Idempotency-Key\` of your own with a POST: the same key and body get the same answer for 24 hours, another body 409. A body that was refused with 400 may be corrected under the same key.
- **Times** are RFC 3339 in UTC with milliseconds. Every answer carries \`X-Request-Id\`.
- **Rate.** A key may send so many requests a second, and four times that at once. Every answer says in \`RateLimit-Policy\` how many (\`q\` in \`w\` seconds) and in \`RateLimit\` how many more at once by now (\`r\`, all of them again after \`t\` quiet seconds); beyond it comes 429 with \`Retry-After\`.
- Fields may be added to answers at any time.
`.trim();

/** The OpenAPI 3.1 document of the API, made from the very declarations that it is served and checked by. */
export function openApiDocument(routes: readonly Documented[], { publicUrl, version }: { publicUrl: string; version: string }): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method] = operation(route, schemas);
  }

  const webhooks = { event: { post: webhook(schemas) } };
  for (const type of eventTypes) exemplify(type, schemas);

  return {
    openapi: '3.1.0',
    info: {
      title: 'Causeway',
      version,
      summary: 'A SCIM 2.0 broker: directories in, ordered events out.',
      description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: publicUrl }],
    tags,
    security: [{ apiKey: [] }],
    paths,
    webhooks,
    components: {
      schemas: { ...schemas, Problem: component(Problem, schemas) },
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: "An environment's key, `cwk_…`. In the header alone." },
        operatorKey: { type: 'http', scheme: 'bearer', description: "The operator's key (`OPERATOR_API_KEY`)." },
      },
      parameters: {
        IdempotencyKey: {
          name: 'Idempotency-Key',
          in: 'header',
          description:
            'A name of your own for this call, such as a UUID: sent again with the same body it gets the same answer for 24 hours.',
          schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
        },
        LastEventId: {
          name: 'Last-Event-ID',
          in: 'header',
          description: 'The last `id` of a stream that was cut off: goes on after it. Takes precedence over `after`.',
          schema: { type: 'string' },
        },
      },
      headers: {
        RequestId: {
          description: 'The id of the request, for whoever must find it in the log',
          schema: { type: 'string', examples: [`req_${digits}`] },
        },
        RateLimitPolicy: {
          description: 'How many requests (`q`) the key may send in each `w` seconds. Not sent where there is no limit',
          schema: { type: 'string', examples: ['"key";q=200;w=1'] },
        },
        RateLimit: {
          description:
            'How many more (`r`) it may send at once by now, and after how many quiet seconds (`t`) all of them. Not sent where there is no limit',
          schema: { type: 'string', examples: ['"key";r=799;t=1'] },
        },
        RetryAfter: {
          description: 'After how many seconds to try again',
          schema: { type: 'integer', examples: [1] },
        },
      },
    },
  };
}

/** Each type's example is what `POST /v1/webhook_endpoints/{id}/test` sends, but for the mark. */
function exemplify(type: EventType, schemas: Json): void {
  const { test: _, ...example } = exampleEvent(exampleId, type, new Date('2026-01-31T09:00:00.000Z'));
  const name = eventSchemaName(type);
  schemas[name] = { ...(isObject(schemas[name]) && schemas[name]), examples: [example] };
}

const exampleId = digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

function operation(route: Documented, schemas: Json): Json {
  const { operationId, tag, summary, caller, answer, body } = route;
  const headers = {
    'X-Request-Id': { $ref: '#/components/headers/RequestId' },
    ...(caller !== 'operator' && {
      'RateLimit-Policy': { $ref: '#/components/headers/RateLimitPolicy' },
      RateLimit: { $ref: '#/components/headers/RateLimit' },
    }),
  };
  const contentType = answer.contentType ?? 'application/json';
  const example = body?.examples?.[0];
  return {
    operationId,
    tags: [tag],
    summary,
    ...(route.description && { description: route.description }),
    ...(caller === 'operator' && { security: [{ operatorKey: [] }] }),
    parameters: [
      ...Object.entries(route.params).map(([name, prefix]) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string', pattern: `^${prefix}_[0-9a-f]{32}$`, examples: [`${prefix}_${digits}`] },
      })),
      ...Object.entries(route.names).map(([name, schema]) => ({ name, in: 'path', required: true, schema: plain(schema, schemas) })),
      ...queryParameters(route.query, schemas),
      ...(route.method === 'post' ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
      ...(contentType === 'text/event-stream' ? [{ $ref: '#/components/parameters/LastEventId' }] : []),
    ],
    ...(body && {
      requestBody: {
        required: !route.bodyOptional,
        content: { 'application/json': { schema: plain(body, schemas), ...(example !== undefined && { example }) } },
      },
    }),
    responses: {
      [answer.status]: {
        description: answer.description,
        headers,
        ...(answer.schema && { content: { [contentType]: { schema: plain(answer.schema, schemas) } } }),
      },
      ...Object.fromEntries(
        Object.entries(route.otherAnswers ?? {}).map(([status, other]) => [
          status,
          {
            description: other.description,
            headers,
            content: { 'application/json': { schema: plain(other.schema, schemas) } },
          },
        ]),
      ),
      ...problemResponses(route, headers),
    },
  };
}

function queryParameters(query: TProperties, schemas: Json): Json[] {
  return Object.entries(query).map(([name, schema]) => {
    const { description: meaning, ...rest } = plain(schema, schemas);
    return { name, in: 'query', required: isRequired(schema), ...(meaning !== undefined && { description: meaning }), schema: rest };
  });
}

// TypeBox marks what may be left out by a symbol; a default makes it so as well.
function isRequired(schema: TSchema): boolean {
  return schema.default === undefined && !Object.getOwnPropertySymbols(schema).some((symbol) => symbol.description === 'TypeBox.Optional');
}

function problemResponses(route: Declared, headers: Json): Json {
  const texts: Partial<Record<ProblemCode, string>> = {
    ...((route.body || Object.keys(route.query).length > 0 || Object.keys(route.names).length > 0 || route.method === 'post') && {
      invalid_request: problems.invalid_request.meaning,
    }),
    unknown_parameter: problems.unknown_parameter.meaning,
    ...(route.body && { invalid_json: problems.invalid_json.meaning }),
    ...('cursor' in route.query && { invalid_cursor: problems.invalid_cursor.meaning }),
    unauthenticated: problems.unauthenticated.meaning,
    ...(route.caller !== 'operator' && { too_many_requests: problems.too_many_requests.meaning }),
    ...(Object.keys(route.params).length > 0 && { not_found: problems.not_found.meaning }),
    ...(route.method === 'post' && {
      idempotency_key_in_use: problems.idempotency_key_in_use.meaning,
      idempotency_key_reused: problems.idempotency_key_reused.meaning,
    }),
    ...(route.body && { body_too_large: problems.body_too_large.meaning, unsupported_media_type: problems.unsupported_media_type.meaning }),
    internal: problems.internal.meaning,
    unavailable: problems.unavailable.meaning,
    ...route.problems,
  };
  const byStatus = new Map<number, string[]>();
  for (const code of Object.keys(problems).filter((name): name is ProblemCode => name in problems)) {
    const text = texts[code];
    if (text === undefined) continue;
    const { status } = problems[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), `\`${code}\`: ${text}`]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, lines]) => [
      status,
      {
        description: lines.join('\n\n'),
        headers: status === 429 || status === 503 ? { ...headers, 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } : headers,
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

function webhook(schemas: Json): Json {
  const header = (name: string, meaning: string): Json => ({
    name,
    in: 'header',
    required: true,
    description: meaning,
    schema: { type: 'string' },
  });
  return {
    operationId: 'receiveEvent',
    tags: ['Webhooks'],
    summary: 'An event, sent to your endpoint',
    description:
      'Signed by Standard Webhooks. Answer 2xx within 15 s; anything else is a failure and is tried again. Sent at least once: the same event comes with the same `webhook-id`.',
    security: [],
    parameters: [
      header('webhook-id', "The event's id, the same at every attempt"),
      header('webhook-timestamp', 'When this attempt was made, in seconds since 1970'),
      header('webhook-signature', '`v1,<base64>`; several, separated by spaces, while a secret rotates'),
    ],
    requestBody: { required: true, content: { 'application/json': { schema: plain(Event, schemas) } } },
    responses: { '2XX': { description: 'Received' }, 410: { description: 'Gone: the endpoint is disabled at once' } },
  };
}

/** A schema as JSON, with those that have a title put aside as components. */
function plain(schema: TSchema, schemas: Json): Json {
  if (typeof schema.title !== 'string') return component(schema, schemas);
  schemas[schema.title] ??= component(schema, schemas);
  return { $ref: `#/components/schemas/${schema.title}` };
}

function component(schema: TSchema, schemas: Json): Json {
  const { title: _, ...rest } = schema;
  return Object.fromEntries(Object.entries(rest).map(([keyword, value]) => [keyword, within(keyword, value, schemas)]));
}

function within(keyword: string, value: unknown, schemas: Json): unknown {
  switch (keyword) {
    case 'properties':
      return isObject(value)
        ? Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, isSchema(schema) ? plain(schema, schemas) : schema]))
        : value;
    case 'items':
    case 'additionalProperties':
      return isSchema(value) ? plain(value, schemas) : value;
    case 'anyOf':
    case 'allOf':
    case 'oneOf':
      return Array.isArray(value) ? value.map((schema: unknown) => (isSchema(schema) ? plain(schema, schemas) : schema)) : value;
    default:
      return value;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSchema(value: unknown): value is TSchema {
  return isObject(value);
}
