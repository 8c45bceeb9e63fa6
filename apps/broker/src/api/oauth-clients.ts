import { type Static, Type } from '@sinclair/typebox';
import {
  createOAuthClient,
  deleteOAuthClient,
  faultOfRedirectUri,
  grantTypes,
  listOAuthClients,
  type OAuthClient as OAuthClientRecord,
  rotateOAuthClientSecret,
} from '#directory';
import { publicId } from '#identifier';
import { invalidField, notFound } from '../frame/errors';
import { pageOf, pageQuery } from '../frame/page';
import { type ApiRoute, route } from './route';
import { ClientSecret, IssuedOAuthClient, OAuthClient } from './shapes';
import { Page, closed, paging, word } from '../frame/shapes';

const tag = 'Directories';
const longestOverlapSeconds = 7 * 24 * 60 * 60;

export const oauthClientRoutes: ApiRoute[] = [
  route({
    method: 'post',
    path: '/v1/directories/{id}/oauth_clients',
    operationId: 'createOAuthClient',
    tag,
    summary: 'Make an OAuth client',
    description:
      'For an identity provider that asks for a client id and a client secret: Entra has the grant type `client_credentials`, Okta `authorization_code`. Any number may live at once. Access tokens live an hour.',
    params: { id: 'dir' },
    body: closed(
      {
        grant_type: word(grantTypes),
        redirect_uris: Type.Optional(
          Type.Array(Type.String(), {
            maxItems: 10,
            uniqueItems: true,
            description: 'Where the identity provider receives codes, to the letter. Needed for `authorization_code`',
          }),
        ),
      },
      { examples: [{ grant_type: 'client_credentials' }] },
    ),
    answer: {
      status: 201,
      description: 'The client. `client_secret` is shown this once; only its hash is kept',
      schema: IssuedOAuthClient,
    },
    handle: async ({ environmentId, params, body }, { pool, keyring, publicUrl }) => {
      const redirectUris = body.redirect_uris ?? [];
      if (body.grant_type === 'authorization_code' && redirectUris.length === 0)
        throw invalidField('/redirect_uris', 'must name at least one address for authorization_code');
      if (body.grant_type === 'client_credentials' && redirectUris.length > 0)
        throw invalidField('/redirect_uris', 'must be empty for client_credentials, which sends nobody anywhere');
      for (const [i, uri] of redirectUris.entries()) {
        const fault = faultOfRedirectUri(uri);
        if (fault) throw invalidField(`/redirect_uris/${i}`, fault);
      }
      const issued = await createOAuthClient(pool, keyring, {
        environmentId,
        directoryId: params.id,
        grantType: body.grant_type,
        redirectUris,
      });
      if (!issued) throw notFound(publicId('dir', params.id));
      return { ...oauthClientJson(issued, params.id, publicUrl), client_secret: issued.secret };
    },
  }),
  route({
    method: 'get',
    path: '/v1/directories/{id}/oauth_clients',
    operationId: 'listOAuthClients',
    tag,
    summary: 'List OAuth clients',
    params: { id: 'dir' },
    query: paging,
    answer: { status: 200, description: 'A page of clients, oldest first, without their secrets', schema: Page(OAuthClient) },
    handle: async ({ environmentId, params, query }, { pool, publicUrl }) => {
      const clients = await listOAuthClients(pool, { environmentId, directoryId: params.id, ...pageQuery(query) });
      if (!clients) throw notFound(publicId('dir', params.id));
      return pageOf(
        clients,
        query.limit,
        ({ id }) => id,
        (client) => oauthClientJson(client, params.id, publicUrl),
      );
    },
  }),
  route({
    method: 'post',
    path: '/v1/directories/{id}/oauth_clients/{client_id}/rotate_secret',
    operationId: 'rotateOAuthClientSecret',
    tag,
    summary: 'Give an OAuth client another secret',
    description:
      'The previous secret works during the overlap, and ends with the next rotation at the latest. Access tokens that were given live on.',
    params: { id: 'dir', client_id: 'oac' },
    body: closed(
      {
        overlap: Type.Optional(
          Type.Integer({ minimum: 0, maximum: longestOverlapSeconds, description: 'Seconds, 7 days at most and unless told otherwise' }),
        ),
      },
      { examples: [{ overlap: 86_400 }] },
    ),
    bodyOptional: true,
    answer: { status: 201, description: 'The new secret, shown this once', schema: Type.Object({ client_secret: ClientSecret }) },
    handle: async ({ environmentId, params, body }, { pool, keyring }) => {
      const rotated = await rotateOAuthClientSecret(pool, keyring, {
        environmentId,
        directoryId: params.id,
        clientId: params.client_id,
        overlapSeconds: body.overlap ?? longestOverlapSeconds,
      });
      if (!rotated) throw notFound(publicId('oac', params.client_id));
      return { client_secret: rotated.secret };
    },
  }),
  route({
    method: 'delete',
    path: '/v1/directories/{id}/oauth_clients/{client_id}',
    operationId: 'deleteOAuthClient',
    tag,
    summary: 'Delete an OAuth client',
    description: 'Its secrets and every token that it was given end at once.',
    params: { id: 'dir', client_id: 'oac' },
    answer: { status: 204, description: 'It is gone' },
    handle: async ({ environmentId, params }, { pool }) => {
      if (!(await deleteOAuthClient(pool, { environmentId, directoryId: params.id, clientId: params.client_id })))
        throw notFound(publicId('oac', params.client_id));
    },
  }),
];

function oauthClientJson(client: OAuthClientRecord, directoryId: string, publicUrl: string): Static<typeof OAuthClient> {
  const id = publicId('oac', client.id);
  const issuer = `${publicUrl}/oauth/${publicId('dir', directoryId)}`;
  return {
    id,
    client_id: id,
    grant_type: client.grantType,
    redirect_uris: client.redirectUris,
    token_url: `${issuer}/token`,
    ...(client.grantType === 'authorization_code' && { authorization_url: `${issuer}/authorize` }),
    secrets: client.secrets.map(({ createdAt, expiresAt }) => ({
      created_at: createdAt.toISOString(),
      expires_at: expiresAt && expiresAt.toISOString(),
    })),
    created_at: client.createdAt.toISOString(),
    last_used_at: client.lastUsedAt && client.lastUsedAt.toISOString(),
  };
}
