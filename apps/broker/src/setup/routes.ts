import { type Static, Type } from '@sinclair/typebox';
import type { Pool } from 'pg';
import { getLogo, getSetupAppearance, type SetupSession as SetupSessionRecord } from '#accounts';
import {
  arrivalsIn,
  chooseProvider,
  createOAuthClient,
  deleteOAuthClient,
  type Directory,
  directoryHealth,
  faultOfRedirectUri,
  findRequest,
  findRequests,
  getDirectory,
  getMapping,
  getOrganization,
  grantTypes,
  listBearerTokens,
  listOAuthClients,
  type OAuthClient,
  replaceBearerToken,
  rotateOAuthClientSecret,
} from '#directory';
import { presentTime, publicId } from '#identifier';
import { notHere, refusal } from '../frame/errors';
import { textCursorAt, textIn } from '../frame/page';
import { Bytes } from '../frame/route';
import { closed, Page, word } from '../frame/shapes';
import { ListedRequest, outcomeIn, paging, Provider, text, WholeRequest } from '../pages/shapes';
import { route, type SetupRoute } from './route';
import {
  IssuedSetupSecret,
  IssuedSetupOAuthClient,
  IssuedSetupToken,
  Progress,
  SetupCredentials,
  type SetupDirectory,
  type SetupOAuthClient,
  SetupSession,
  type WantedAttribute,
} from './shapes';

const weekSeconds = 7 * 86_400;
const Overlap = Type.Optional(
  Type.Integer({ minimum: 0, maximum: weekSeconds, description: 'The old one can go on working for 7 days at most.' }),
);

/** What the IT admin's setup page talks to. An act has the name of the API's operation that does the same. */
export const routes: readonly SetupRoute[] = [
  route({
    method: 'get',
    path: '/setup/api/session',
    operationId: 'getSession',
    answer: { status: 200, schema: SetupSession },
    handle: async ({ session }, { pool, publicUrl }) => {
      const directory = await directoryOf(pool, session);
      const [organization, appearance, mapped] = await Promise.all([
        getOrganization(pool, directory),
        getSetupAppearance(pool, session),
        getMapping(pool, session),
      ]);
      return {
        directory: directoryJson(directory, publicUrl),
        organization_name: organization?.name ?? '',
        attributes: mapped ? wantedAttributes(mapped.mapping) : [],
        vendor: {
          name: appearance?.vendorName ?? '',
          color: appearance?.color ?? null,
          has_logo: appearance?.hasLogo ?? false,
          support_email: appearance?.supportEmail ?? null,
        },
        expires_at: session.expiresAt.toISOString(),
      };
    },
  }),
  route({
    method: 'get',
    path: '/setup/api/logo',
    operationId: 'getLogo',
    answer: { status: 200 },
    handle: async ({ session }, { pool }) => {
      const logo = await getLogo(pool, session);
      if (!logo) throw notHere();
      return new Bytes(logo.type, logo.bytes);
    },
  }),
  route({
    method: 'put',
    path: '/setup/api/provider',
    operationId: 'chooseProvider',
    act: 'changeDirectory',
    body: closed({ provider: Provider }),
    answer: { status: 204 },
    handle: async ({ session, body, changesNothing }, { pool }) => {
      if (!(await chooseProvider(pool, { ...session, ...body }))) changesNothing();
    },
  }),
  route({
    method: 'get',
    path: '/setup/api/progress',
    operationId: 'getProgress',
    answer: { status: 200, schema: Progress },
    handle: async ({ session }, { pool, publicUrl }) => {
      const [directory, health, arrivals] = await Promise.all([
        directoryOf(pool, session),
        directoryHealth(pool, { ...session, now: presentTime() }),
        arrivalsIn(pool, session),
      ]);
      if (!health) throw directoryGone();
      return { directory: directoryJson(directory, publicUrl), health, ...arrivals };
    },
  }),
  route({
    method: 'get',
    path: '/setup/api/requests',
    operationId: 'findRequests',
    query: { ...paging, outcome: text('outcome'), search: text('search') },
    answer: { status: 200, schema: Page(ListedRequest) },
    handle: async ({ session, query }, { pool }) => {
      const { data, next } = await findRequests(pool, {
        ...session,
        outcome: outcomeIn(query.outcome),
        method: undefined,
        search: query.search,
        before: query.cursor && textIn(query.cursor),
        limit: query.limit,
      });
      return { data, next_cursor: next === null ? null : textCursorAt(next) };
    },
  }),
  route({
    method: 'get',
    path: '/setup/api/requests/{request}',
    operationId: 'getRequest',
    params: { request: 'req' },
    answer: { status: 200, schema: WholeRequest },
    handle: async ({ session, params }, { pool }) => {
      const found = await findRequest(pool, { environmentId: session.environmentId, requestId: params.request });
      if (!found || found.directory_id !== publicId('dir', session.directoryId))
        throw notHere('There is no such request, or it is no longer kept.');
      const { events: _, ...request } = found; // the vendor's affair
      return request;
    },
  }),
  route({
    method: 'get',
    path: '/setup/api/credentials',
    operationId: 'listCredentials',
    answer: { status: 200, schema: SetupCredentials },
    handle: async ({ session }, { pool, publicUrl }) => {
      const [bearerTokens, clients] = await Promise.all([
        listBearerTokens(pool, { ...session, limit: 100 }),
        listOAuthClients(pool, { ...session, limit: 100 }),
      ]);
      return {
        bearer_tokens:
          bearerTokens?.map((token) => ({
            id: publicId('tok', token.id),
            name: token.name,
            created_at: token.createdAt.toISOString(),
            expires_at: token.expiresAt && token.expiresAt.toISOString(),
            last_used_at: token.lastUsedAt && token.lastUsedAt.toISOString(),
          })) ?? [],
        oauth_clients: clients?.map((client) => clientJson(client, session.directoryId, publicUrl)) ?? [],
      };
    },
  }),
  route({
    method: 'post',
    path: '/setup/api/bearer_token',
    operationId: 'createBearerToken',
    body: closed({ expire_previous_in: Overlap }),
    bodyOptional: true,
    answer: { status: 201, schema: IssuedSetupToken },
    handle: async ({ session, body }, { pool, tokens }) => {
      const issued = await replaceBearerToken(pool, tokens, { ...session, expirePreviousInSeconds: body.expire_previous_in });
      if (!issued) throw notHere();
      return { token: issued.token };
    },
  }),
  route({
    method: 'post',
    path: '/setup/api/oauth_clients',
    operationId: 'createOAuthClient',
    body: closed({
      grant_type: word(grantTypes),
      redirect_uris: Type.Optional(Type.Array(Type.String({ maxLength: 2000 }), { maxItems: 10, uniqueItems: true })),
    }),
    answer: { status: 201, schema: IssuedSetupOAuthClient },
    handle: async ({ session, body }, { pool, keyring, publicUrl }) => {
      const { grant_type: grantType, redirect_uris: redirectUris = [] } = body;
      refuseRedirects(grantType, redirectUris);
      const issued = await createOAuthClient(pool, keyring, { ...session, grantType, redirectUris });
      if (!issued) throw notHere();
      return { ...clientJson(issued, session.directoryId, publicUrl), client_secret: issued.secret };
    },
  }),
  route({
    method: 'post',
    path: '/setup/api/oauth_clients/{client}/rotate_secret',
    operationId: 'rotateOAuthClientSecret',
    params: { client: 'oac' },
    body: closed({ overlap: Overlap }),
    bodyOptional: true,
    answer: { status: 201, schema: IssuedSetupSecret },
    handle: async ({ session, params, body }, { pool, keyring }) => {
      const rotated = await rotateOAuthClientSecret(pool, keyring, {
        ...session,
        clientId: params.client,
        overlapSeconds: body.overlap ?? weekSeconds,
      });
      if (!rotated) throw notHere();
      return { client_secret: rotated.secret };
    },
  }),
  route({
    method: 'delete',
    path: '/setup/api/oauth_clients/{client}',
    operationId: 'deleteOAuthClient',
    params: { client: 'oac' },
    answer: { status: 204 },
    handle: async ({ session, params }, { pool }) => {
      if (!(await deleteOAuthClient(pool, { ...session, clientId: params.client }))) throw notHere();
    },
  }),
];

function wantedAttributes({
  attributes,
  roles,
}: NonNullable<Awaited<ReturnType<typeof getMapping>>>['mapping']): Static<typeof WantedAttribute>[] {
  const mapped = attributes.flatMap(({ from, name, required, allowed_values: allowed }) => {
    const path = typeof from === 'string' ? from : from?.[0];
    return path === undefined ? [] : [{ name, path, required: required ?? false, allowed_values: allowed ?? null }];
  });
  const givingRoles = roles.rules.flatMap((rule) =>
    'role_from' in rule
      ? [
          {
            name: 'role',
            path: rule.role_from,
            required: false,
            allowed_values: rule.lookup ? Object.keys(rule.lookup) : (rule.allowed_values ?? null),
          },
        ]
      : [],
  );
  return [...mapped, ...givingRoles].filter(({ path }, i, all) => all.findIndex((one) => one.path === path) === i);
}

async function directoryOf(pool: Pool, session: SetupSessionRecord): Promise<Directory> {
  const directory = await getDirectory(pool, session);
  if (!directory) throw directoryGone();
  return directory;
}

function directoryGone(): Error {
  return notHere('This directory has been deleted. Ask whoever sent you the link.');
}

/** The addresses to which codes may be sent. */
function refuseRedirects(grantType: OAuthClient['grantType'], uris: string[]): void {
  const refuse = (said: string): Error => refusal('invalid_request', said, { field: 'redirect_uris' });
  if (grantType === 'client_credentials') {
    if (uris.length > 0) throw refuse('Client credentials have no redirect URI.');
    return;
  }
  if (uris.length === 0) throw refuse('A redirect URI is needed: it is where your identity provider gets its answer.');
  for (const uri of uris) {
    const fault = faultOfRedirectUri(uri);
    if (fault !== undefined) throw refuse(`${uri} ${fault}.`);
  }
}

function directoryJson(directory: Directory, publicUrl: string): Static<typeof SetupDirectory> {
  const id = publicId('dir', directory.id);
  return {
    id,
    name: directory.name,
    provider: directory.provider,
    state: directory.state,
    basic_auth: directory.basicAuth,
    base_url: `${publicUrl}/scim/v2/${id}`,
    token_url: `${publicUrl}/oauth/${id}/token`,
    authorization_url: `${publicUrl}/oauth/${id}/authorize`,
    has_bearer_token: directory.hasBearerToken,
    last_request_at: directory.lastRequestAt && directory.lastRequestAt.toISOString(),
  };
}

function clientJson(client: OAuthClient, directoryId: string, publicUrl: string): Static<typeof SetupOAuthClient> {
  const id = publicId('oac', client.id);
  const issuer = `${publicUrl}/oauth/${publicId('dir', directoryId)}`;
  return {
    id,
    client_id: id,
    grant_type: client.grantType,
    redirect_uris: client.redirectUris,
    token_url: `${issuer}/token`,
    ...(client.grantType === 'authorization_code' && { authorization_url: `${issuer}/authorize` }),
    created_at: client.createdAt.toISOString(),
    last_used_at: client.lastUsedAt && client.lastUsedAt.toISOString(),
  };
}
