import { type Static, Type } from '@sinclair/typebox';
import {
  type Directory as DirectoryRecord,
  changeDirectory,
  createDirectory,
  deleteDirectory,
  getDirectory,
  listDirectories,
  providers,
  replaceBearerToken,
  revokeBearerTokens,
} from '#directory';
import { parsePublicId, publicId } from '#identifier';
import { notFound } from '../frame/errors';
import { pageOf, pageQuery } from '../frame/page';
import { type ApiRoute, route } from './route';
import { IssuedToken } from './shapes';
import { Directory, Name, Page, closed, digits, paging, publicIdOf, word } from '../frame/shapes';
import { idParameter } from '../frame/validation';

const tag = 'Directories';
const longestOverlapSeconds = 7 * 24 * 60 * 60;

export const directoryRoutes: ApiRoute[] = [
  route({
    method: 'post',
    path: '/v1/directories',
    operationId: 'createDirectory',
    tag,
    summary: 'Make a directory',
    description: "The place that one identity provider of an organization pushes into. Without a name it takes its organization's.",
    body: closed(
      { organization_id: publicIdOf('org', 'the organization'), name: Type.Optional(Name), provider: word(providers) },
      { examples: [{ organization_id: `org_${digits}`, name: 'Acme Entra', provider: 'entra' }] },
    ),
    answer: {
      status: 201,
      description: 'The directory. Its `base_url` and a bearer token are what the identity provider needs',
      schema: Directory,
    },
    problems: { not_found: 'There is no such organization' },
    handle: async ({ environmentId, body }, { pool, publicUrl }) => {
      const organizationId = parsePublicId('org', body.organization_id);
      const directory =
        organizationId && (await createDirectory(pool, { environmentId, organizationId, name: body.name, provider: body.provider }));
      if (!directory) throw notFound(body.organization_id);
      return directoryJson(directory, publicUrl);
    },
  }),
  route({
    method: 'get',
    path: '/v1/directories',
    operationId: 'listDirectories',
    tag,
    summary: 'List directories',
    query: {
      ...paging,
      organization_id: Type.Optional(publicIdOf('org', 'an organization')),
      organization_external_id: Type.Optional(Type.String()),
    },
    answer: { status: 200, description: 'A page of directories, oldest first', schema: Page(Directory) },
    handle: async ({ environmentId, query }, { pool, publicUrl }) =>
      pageOf(
        await listDirectories(pool, {
          environmentId,
          organizationId: query.organization_id === undefined ? undefined : idParameter('organization_id', 'org', query.organization_id),
          organizationExternalId: query.organization_external_id,
          ...pageQuery(query),
        }),
        query.limit,
        ({ id }) => id,
        (directory) => directoryJson(directory, publicUrl),
      ),
  }),
  route({
    method: 'get',
    path: '/v1/directories/{id}',
    operationId: 'getDirectory',
    tag,
    summary: 'Get a directory',
    params: { id: 'dir' },
    answer: { status: 200, description: 'The directory', schema: Directory },
    handle: async ({ environmentId, params }, { pool, publicUrl }) => {
      const directory = await getDirectory(pool, { environmentId, directoryId: params.id });
      if (!directory) throw notFound(publicId('dir', params.id));
      return directoryJson(directory, publicUrl);
    },
  }),
  route({
    method: 'patch',
    path: '/v1/directories/{id}',
    operationId: 'changeDirectory',
    tag,
    summary: 'Change a directory',
    description: 'A disabled directory refuses its identity provider with 403. Disabling logs `directory.disabled`.',
    params: { id: 'dir' },
    body: closed(
      {
        name: Type.Optional(Name),
        state: Type.Optional(word(['active', 'disabled'])),
        basic_auth: Type.Optional(Type.Boolean({ description: 'Whether the bearer token is also taken as the password of HTTP Basic' })),
      },
      { examples: [{ state: 'disabled' }] },
    ),
    answer: { status: 200, description: 'The directory as it is now', schema: Directory },
    handle: async ({ environmentId, params, body, requestId }, { pool, publicUrl }) => {
      const changes = {
        name: body.name,
        disabled: body.state === undefined ? undefined : body.state === 'disabled',
        basicAuth: body.basic_auth,
      };
      const directory = await changeDirectory(pool, { environmentId, directoryId: params.id, changes, requestId });
      if (!directory) throw notFound(publicId('dir', params.id));
      return directoryJson(directory, publicUrl);
    },
  }),
  route({
    method: 'delete',
    path: '/v1/directories/{id}',
    operationId: 'deleteDirectory',
    tag,
    summary: 'Delete a directory',
    description: 'With everybody in it. Logs one `directory.deleted`; its credentials end at once.',
    params: { id: 'dir' },
    answer: { status: 204, description: 'It is gone' },
    handle: async ({ environmentId, params, requestId }, { pool }) => {
      if (!(await deleteDirectory(pool, { environmentId, directoryId: params.id, requestId }))) throw notFound(publicId('dir', params.id));
    },
  }),
  route({
    method: 'post',
    path: '/v1/directories/{id}/bearer_token',
    operationId: 'createBearerToken',
    tag,
    summary: 'Make or replace the bearer token',
    description: 'The previous one ends at once, or after `expire_previous_in` seconds.',
    params: { id: 'dir' },
    body: closed(
      {
        expire_previous_in: Type.Optional(
          Type.Integer({ minimum: 0, maximum: longestOverlapSeconds, description: 'Seconds, 7 days at most' }),
        ),
      },
      { examples: [{ expire_previous_in: 3600 }] },
    ),
    bodyOptional: true,
    answer: {
      status: 201,
      description: 'The token, shown this once; only its bcrypt hash is kept',
      schema: IssuedToken,
    },
    problems: { busy: 'More tokens are being made than can be done soon. None was' },
    handle: async ({ environmentId, params, body }, { pool, tokens }) => {
      const issued = await replaceBearerToken(pool, tokens, {
        environmentId,
        directoryId: params.id,
        expirePreviousInSeconds: body.expire_previous_in,
      });
      if (!issued) throw notFound(publicId('dir', params.id));
      return issued;
    },
  }),
  route({
    method: 'delete',
    path: '/v1/directories/{id}/bearer_token',
    operationId: 'deleteBearerToken',
    tag,
    summary: 'Revoke every bearer token',
    params: { id: 'dir' },
    answer: { status: 204, description: 'No token of this directory works' },
    handle: async ({ environmentId, params }, { pool }) => {
      if (!(await revokeBearerTokens(pool, { environmentId, directoryId: params.id }))) throw notFound(publicId('dir', params.id));
    },
  }),
];

function directoryJson(directory: DirectoryRecord, publicUrl: string): Static<typeof Directory> {
  const id = publicId('dir', directory.id);
  return {
    id,
    organization_id: publicId('org', directory.organizationId),
    organization_external_id: directory.organizationExternalId,
    name: directory.name,
    provider: directory.provider,
    state: directory.state,
    basic_auth: directory.basicAuth,
    base_url: `${publicUrl}/scim/v2/${id}`,
    has_bearer_token: directory.hasBearerToken,
    last_request_at: directory.lastRequestAt && directory.lastRequestAt.toISOString(),
    created_at: directory.createdAt.toISOString(),
    updated_at: directory.updatedAt.toISOString(),
  };
}
