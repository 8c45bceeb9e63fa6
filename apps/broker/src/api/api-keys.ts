import { type Static } from '@sinclair/typebox';
import { type ApiKey as ApiKeyRecord, issueApiKey, listApiKeys, revokeApiKey } from '#accounts';
import { publicId } from '#identifier';
import { notFound } from '../frame/errors';
import { pageOf, pageQuery } from '../frame/page';
import { type ApiRoute, route } from './route';
import { IssuedApiKey } from './shapes';
import { ApiKey, Name, Page, closed, paging } from '../frame/shapes';

const tag = 'API keys';

export const apiKeyRoutes: ApiRoute[] = [
  route({
    method: 'post',
    path: '/v1/api_keys',
    operationId: 'createApiKey',
    tag,
    summary: 'Make an API key',
    body: closed({ name: Name }, { examples: [{ name: 'backend' }] }),
    answer: {
      status: 201,
      description: 'The key. `key` is shown this once; only its hash is kept',
      schema: IssuedApiKey,
    },
    handle: async ({ environmentId, body }, { pool }) => {
      const issued = await issueApiKey(pool, { environmentId, name: body.name });
      return { ...apiKeyJson(issued), key: issued.secret };
    },
  }),
  route({
    method: 'get',
    path: '/v1/api_keys',
    operationId: 'listApiKeys',
    tag,
    summary: 'List API keys',
    query: paging,
    answer: { status: 200, description: 'A page of keys, without their secrets', schema: Page(ApiKey) },
    handle: async ({ environmentId, query }, { pool }) =>
      pageOf(await listApiKeys(pool, { environmentId, ...pageQuery(query) }), query.limit, ({ id }) => id, apiKeyJson),
  }),
  route({
    method: 'delete',
    path: '/v1/api_keys/{id}',
    operationId: 'deleteApiKey',
    tag,
    summary: 'Revoke an API key',
    description: 'It is refused from the next request on.',
    params: { id: 'key' },
    answer: { status: 204, description: 'It no longer works' },
    handle: async ({ environmentId, params }, { pool }) => {
      if (!(await revokeApiKey(pool, { environmentId, keyId: params.id }))) throw notFound(publicId('key', params.id));
    },
  }),
];

function apiKeyJson(key: ApiKeyRecord): Static<typeof ApiKey> {
  return {
    id: publicId('key', key.id),
    name: key.name,
    created_at: key.createdAt.toISOString(),
    last_used_at: key.lastUsedAt && key.lastUsedAt.toISOString(),
  };
}
