import { type Static, Type } from '@sinclair/typebox';
import { type BearerToken as BearerTokenRecord, issueBearerToken, listBearerTokens, revokeBearerToken } from '#directory';
import { publicId } from '#identifier';
import { notFound } from '../frame/errors';
import { pageOf, pageQuery } from '../frame/page';
import { type ApiRoute, route } from './route';
import { BearerToken, IssuedBearerToken } from './shapes';
import { Name, Page, closed, paging } from '../frame/shapes';

const tag = 'Directories';
const tenYearsSeconds = 10 * 365 * 86_400;

export const bearerTokenRoutes: ApiRoute[] = [
  route({
    method: 'post',
    path: '/v1/directories/{id}/bearer_tokens',
    operationId: 'createNamedBearerToken',
    tag,
    summary: 'Make one more bearer token',
    description:
      'It lives beside the others until it expires or is revoked by itself. `credential.expiring` tells two weeks and a day before it ends.',
    params: { id: 'dir' },
    body: closed(
      {
        name: Name,
        expires_in: Type.Optional(
          Type.Integer({ minimum: 60, maximum: tenYearsSeconds, description: 'Seconds; without it, it does not expire' }),
        ),
      },
      { examples: [{ name: 'Entra', expires_in: 31_536_000 }] },
    ),
    answer: {
      status: 201,
      description: 'The token. `token` is shown this once; only its bcrypt hash is kept',
      schema: IssuedBearerToken,
    },
    problems: { busy: 'More tokens are being made than can be done soon. None was' },
    handle: async ({ environmentId, params, body }, { pool, tokens }) => {
      const issued = await issueBearerToken(pool, tokens, {
        environmentId,
        directoryId: params.id,
        name: body.name,
        expiresInSeconds: body.expires_in,
      });
      if (!issued) throw notFound(publicId('dir', params.id));
      return { ...bearerTokenJson(issued), token: issued.token };
    },
  }),
  route({
    method: 'get',
    path: '/v1/directories/{id}/bearer_tokens',
    operationId: 'listBearerTokens',
    tag,
    summary: 'List live bearer tokens',
    params: { id: 'dir' },
    query: paging,
    answer: { status: 200, description: 'A page of tokens, oldest first, without their secrets', schema: Page(BearerToken) },
    handle: async ({ environmentId, params, query }, { pool }) => {
      const tokens = await listBearerTokens(pool, { environmentId, directoryId: params.id, ...pageQuery(query) });
      if (!tokens) throw notFound(publicId('dir', params.id));
      return pageOf(tokens, query.limit, ({ id }) => id, bearerTokenJson);
    },
  }),
  route({
    method: 'delete',
    path: '/v1/directories/{id}/bearer_tokens/{token_id}',
    operationId: 'deleteNamedBearerToken',
    tag,
    summary: 'Revoke one bearer token',
    description: 'It is refused from the next request on; the others live on.',
    params: { id: 'dir', token_id: 'tok' },
    answer: { status: 204, description: 'It no longer works' },
    handle: async ({ environmentId, params }, { pool }) => {
      if (!(await revokeBearerToken(pool, { environmentId, directoryId: params.id, tokenId: params.token_id })))
        throw notFound(publicId('tok', params.token_id));
    },
  }),
];

function bearerTokenJson(token: BearerTokenRecord): Static<typeof BearerToken> {
  return {
    id: publicId('tok', token.id),
    name: token.name,
    created_at: token.createdAt.toISOString(),
    expires_at: token.expiresAt && token.expiresAt.toISOString(),
    last_used_at: token.lastUsedAt && token.lastUsedAt.toISOString(),
  };
}
