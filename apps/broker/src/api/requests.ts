import { type Static, Type } from '@sinclair/typebox';
import { type RecordedRequest, listRequests } from '#directory';
import { publicId } from '#identifier';
import { notFound } from '../frame/errors';
import { pageOf, pageQuery } from '../frame/page';
import { type ApiRoute, route } from './route';
import { Page, Time, digits, nullable, open, paging, publicIdOf, word } from '../frame/shapes';

const outcomes = ['succeeded', 'failed'] as const;

const ScimError = open(
  'ScimError',
  {
    schemas: Type.Array(Type.String()),
    status: Type.String({ description: 'The HTTP status' }),
    scimType: Type.Optional(Type.String()),
    detail: Type.String(),
  },
  {
    description: 'A refusal as SCIM words it (RFC 7644, section 3.12).',
    example: {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '409',
      scimType: 'uniqueness',
      detail: 'Another user of this directory already has the userName "ada@acme.com".',
    },
  },
);

const ProvisioningRequest = open(
  'ProvisioningRequest',
  {
    id: publicIdOf('req', 'the request; the `request_id` of the events that it caused'),
    directory_id: publicIdOf('dir', 'the directory'),
    at: Time,
    method: Type.String(),
    path: Type.String({ description: 'Below the base URL, with the query' }),
    status: Type.Integer(),
    outcome: word(outcomes),
    scim_type: nullable(Type.String({ description: "SCIM's own code of the error" })),
    detail: nullable(Type.String({ description: 'Why it failed, as the identity provider was told' })),
    explanation: nullable(Type.String({ description: 'Why it failed, in plain words' })),
    fix: nullable(Type.String({ description: 'What puts it right, and where in that identity provider' })),
    notes: Type.Array(Type.String(), { description: 'What was tolerated or ignored' }),
    duration_ms: Type.Number(),
    user_agent: nullable(Type.String()),
    request_body: Type.Unsafe<unknown>({
      description:
        'The JSON that was sent, whatever it was, with secrets masked, and of attributes that nobody here uses the names alone; null: none was; ' +
        'a text in its place: the person whom it was about has been erased',
    }),
    response_body: Type.Unsafe<unknown>({
      anyOf: [ScimError, { type: ['string', 'null'] }],
      description: 'Of a refusal; null: it was accepted; a text in its place: as for `request_body`',
    }),
  },
  {
    description: 'One SCIM exchange with an identity provider.',
    example: {
      id: `req_${digits}`,
      directory_id: `dir_${digits}`,
      at: '2026-01-31T09:00:00.000Z',
      method: 'POST',
      path: '/Users',
      status: 409,
      outcome: 'failed',
      scim_type: 'uniqueness',
      detail: 'Another user of this directory already has the userName "ada@acme.com".',
      explanation: 'Another user has that name already, so it was not made a second time.',
      fix: 'Usually Entra then finds the one that is there and updates it.',
      notes: [],
      duration_ms: 3.2,
      user_agent: null,
      request_body: { userName: 'ada@acme.com' },
      response_body: null,
    },
  },
);

export const requestRoutes: ApiRoute[] = [
  route({
    method: 'get',
    path: '/v1/directories/{id}/requests',
    operationId: 'listRequests',
    tag: 'Directories',
    summary: 'List what the identity provider did',
    description: 'Its SCIM requests, newest first.',
    params: { id: 'dir' },
    query: { ...paging, outcome: Type.Optional(word(outcomes)) },
    answer: { status: 200, description: 'A page of requests', schema: Page(ProvisioningRequest) },
    handle: async ({ environmentId, params, query }, { pool }) => {
      const { limit, after } = pageQuery(query);
      const requests = await listRequests(pool, { environmentId, directoryId: params.id, outcome: query.outcome, limit, before: after });
      if (!requests) throw notFound(publicId('dir', params.id));
      return pageOf(requests, query.limit, ({ id }) => id, requestJson);
    },
  }),
];

function requestJson(request: RecordedRequest): Static<typeof ProvisioningRequest> {
  return {
    id: publicId('req', request.id),
    directory_id: publicId('dir', request.directoryId),
    at: request.at.toISOString(),
    method: request.method,
    path: request.path,
    status: request.status,
    outcome: request.outcome,
    scim_type: request.scimType,
    detail: request.detail,
    explanation: request.explanation,
    fix: request.fix,
    notes: request.notes,
    duration_ms: request.durationMs,
    user_agent: request.userAgent,
    request_body: request.requestBody,
    response_body: request.responseBody,
  };
}
