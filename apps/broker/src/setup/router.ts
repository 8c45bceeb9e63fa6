import { Type } from '@sinclair/typebox';
import express, { type Request, type Response, Router } from 'express';
import type { Pool } from 'pg';
import { getLogo, getSetupAppearance, recordAct, type SetupSession } from '#accounts';
import type { BearerTokens, Keyring } from '#credential';
import {
  arrivalsIn,
  chooseProvider,
  type DirectoryPool,
  createOAuthClient,
  deleteOAuthClient,
  type Directory,
  directoryHealth,
  findRequest,
  findRequests,
  getDirectory,
  getMapping,
  getOrganization,
  listBearerTokens,
  listOAuthClients,
  type OAuthClient,
  providers,
  replaceBearerToken,
  rotateOAuthClientSecret,
} from '#directory';
import { parsePublicId, publicId } from '#identifier';
import { answer, answerNothing } from '../pages/answer';
import { bodyReader } from '../pages/body';
import { notFound, PageProblem, pageErrorEdge } from '../pages/errors';
import { cursor, idInPath, limit, text } from '../pages/parameters';
import { refuseForeignPages } from '../frame/same-origin';
import type { SetupSessions } from './session';

export interface SetupParts {
  pool: DirectoryPool;
  keyring: Keyring;
  tokens: BearerTokens;
  /** Without a trailing slash. */
  publicUrl: string;
  sessions: SetupSessions;
}

const weekSeconds = 7 * 86_400;
const Overlap = Type.Optional(
  Type.Integer({ minimum: 0, maximum: weekSeconds, description: 'The old one can go on working for 7 days at most.' }),
);

const readProvider = bodyReader({ provider: Type.Unsafe<(typeof providers)[number]>({ type: 'string', enum: [...providers] }) });
const readReplacement = bodyReader({ expire_previous_in: Overlap });
const readRotation = bodyReader({ overlap: Overlap });
const readClient = bodyReader({
  grant_type: Type.Unsafe<OAuthClient['grantType']>({ type: 'string', enum: ['client_credentials', 'authorization_code'] }),
  redirect_uris: Type.Optional(Type.Array(Type.String({ maxLength: 2000 }), { maxItems: 10, uniqueItems: true })),
});

/**
 * What the IT admin's setup page talks to, to be mounted at /setup/api. Whoever has opened a setup link in this browser may see
 * one directory and make its credentials, and reaches nothing else. What they change is noted in the vendor's audit log.
 */
export function setupRouter(parts: SetupParts): Router {
  const { pool, keyring, tokens, publicUrl, sessions } = parts;
  const router = Router({ caseSensitive: true });
  router.use(refuseForeignPages(publicUrl), express.json({ limit: '20kb' }));
  router.use(async (req, res, next) => {
    const session = await sessions.of(req);
    if (!session)
      throw new PageProblem('signed_out', 'Open the setup link again: this page has been open for a while, or the link has ended.');
    res.locals.setup = session;
    res.locals.environmentId = session.environmentId;
    res.locals.directoryId = session.directoryId;
    next();
  });

  router.get('/session', async (_req, res) => {
    const session = sessionOf(res);
    const directory = await directoryOf(pool, session);
    const [organization, appearance, mapped] = await Promise.all([
      getOrganization(pool, directory),
      getSetupAppearance(pool, session),
      getMapping(pool, session),
    ]);
    answer(res, 200, {
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
    });
  });

  router.get('/logo', async (_req, res) => {
    const logo = await getLogo(pool, sessionOf(res));
    if (!logo) throw notFound();
    res.setHeader('Content-Type', logo.type);
    res.setHeader('Cache-Control', 'no-store');
    res.end(logo.bytes);
  });

  router.put('/provider', async (req, res) => {
    const session = sessionOf(res);
    if (await chooseProvider(pool, { ...session, ...readProvider(req.body) }))
      await note(pool, req, res, 'changeDirectory', [], ['provider']);
    answerNothing(res);
  });

  router.get('/progress', async (_req, res) => {
    const session = sessionOf(res);
    const [directory, health, arrivals] = await Promise.all([
      directoryOf(pool, session),
      directoryHealth(pool, { ...session, now: new Date() }),
      arrivalsIn(pool, session),
    ]);
    answer(res, 200, { directory: directoryJson(directory, publicUrl), health, ...arrivals });
  });

  router.get('/requests', async (req, res) => {
    const outcome = text(req, 'outcome');
    const { data, next } = await findRequests(pool, {
      ...sessionOf(res),
      outcome: outcome === 'failed' || outcome === 'succeeded' ? outcome : undefined,
      method: undefined,
      search: text(req, 'search'),
      before: cursor(req),
      limit: limit(req),
    });
    answer(res, 200, { data, next_cursor: next === null ? null : Buffer.from(next).toString('base64url') });
  });

  router.get('/requests/:request', async (req, res) => {
    const { environmentId, directoryId } = sessionOf(res);
    const found = await findRequest(pool, { environmentId, requestId: idInPath(req.params.request, 'req') });
    if (!found || found.directory_id !== publicId('dir', directoryId)) throw notFound('There is no such request, or it is no longer kept.');
    const { events: _, ...request } = found; // the vendor's affair
    answer(res, 200, request);
  });

  router.get('/credentials', async (_req, res) => {
    const session = sessionOf(res);
    const [bearerTokens, clients] = await Promise.all([
      listBearerTokens(pool, { ...session, limit: 100 }),
      listOAuthClients(pool, { ...session, limit: 100 }),
    ]);
    answer(res, 200, {
      bearer_tokens:
        bearerTokens?.map((token) => ({
          id: publicId('tok', token.id),
          name: token.name,
          created_at: token.createdAt.toISOString(),
          expires_at: token.expiresAt && token.expiresAt.toISOString(),
          last_used_at: token.lastUsedAt && token.lastUsedAt.toISOString(),
        })) ?? [],
      oauth_clients: clients?.map((client) => clientJson(client, session.directoryId, publicUrl)) ?? [],
    });
  });

  router.post('/bearer_token', async (req, res) => {
    const session = sessionOf(res);
    const { expire_previous_in: expirePreviousInSeconds } = readReplacement(req.body ?? {});
    const issued = await replaceBearerToken(pool, tokens, { ...session, expirePreviousInSeconds });
    if (!issued) throw notFound();
    await note(pool, req, res, 'createBearerToken');
    answer(res, 201, { token: issued.token });
  });

  router.post('/oauth_clients', async (req, res) => {
    const session = sessionOf(res);
    const { grant_type: grantType, redirect_uris: redirectUris = [] } = readClient(req.body);
    refuseRedirects(grantType, redirectUris);
    const issued = await createOAuthClient(pool, keyring, { ...session, grantType, redirectUris });
    if (!issued) throw notFound();
    await note(
      pool,
      req,
      res,
      'createOAuthClient',
      [publicId('oac', issued.id)],
      ['grant_type', ...(redirectUris.length > 0 ? ['redirect_uris'] : [])],
    );
    answer(res, 201, { ...clientJson(issued, session.directoryId, publicUrl), client_secret: issued.secret });
  });

  router.post('/oauth_clients/:client/rotate_secret', async (req, res) => {
    const session = sessionOf(res);
    const clientId = clientIn(req);
    const { overlap: overlapSeconds = weekSeconds } = readRotation(req.body ?? {});
    const rotated = await rotateOAuthClientSecret(pool, keyring, { ...session, clientId, overlapSeconds });
    if (!rotated) throw notFound();
    await note(pool, req, res, 'rotateOAuthClientSecret', [publicId('oac', clientId)]);
    answer(res, 201, { client_secret: rotated.secret });
  });

  router.delete('/oauth_clients/:client', async (req, res) => {
    const session = sessionOf(res);
    const clientId = clientIn(req);
    if (!(await deleteOAuthClient(pool, { ...session, clientId }))) throw notFound();
    await note(pool, req, res, 'deleteOAuthClient', [publicId('oac', clientId)]);
    answerNothing(res);
  });

  router.use(() => {
    throw notFound();
  });
  router.use(pageErrorEdge);
  return router;
}

declare global {
  namespace Express {
    interface Locals {
      /** Whose setup page calls. */
      setup?: SetupSession;
    }
  }
}

interface WantedAttribute {
  name: string;
  path: string;
  required: boolean;
  /** `null`: whatever is sent. */
  allowed_values: (string | number)[] | null;
}

/** What the vendor makes something of, beyond the usual: so that it is mapped, and holds what it may. */
function wantedAttributes({ attributes, roles }: NonNullable<Awaited<ReturnType<typeof getMapping>>>['mapping']): WantedAttribute[] {
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

function sessionOf(res: Response): SetupSession {
  const { setup } = res.locals;
  if (!setup) throw new Error('the setup page was reached without a session');
  return setup;
}

async function directoryOf(pool: Pool, session: SetupSession): Promise<Directory> {
  const directory = await getDirectory(pool, session);
  if (!directory) throw notFound('This directory has been deleted. Ask whoever sent you the link.');
  return directory;
}

function clientIn(req: Request): string {
  const clientId = typeof req.params.client === 'string' ? parsePublicId('oac', req.params.client) : undefined;
  if (clientId === undefined) throw notFound();
  return clientId;
}

/** The addresses to which codes may be sent. Over https alone, and whole: they are compared to the letter. */
function refuseRedirects(grantType: OAuthClient['grantType'], uris: string[]): void {
  if (grantType === 'client_credentials') {
    if (uris.length > 0) throw new PageProblem('invalid_request', 'Client credentials have no redirect URI.', 'redirect_uris');
    return;
  }
  if (uris.length === 0)
    throw new PageProblem(
      'invalid_request',
      'A redirect URI is needed: it is where your identity provider gets its answer.',
      'redirect_uris',
    );
  const wrong = uris.find(
    (uri) => !URL.canParse(uri) || new URL(uri).protocol !== 'https:' || uri.includes('#') || /[\s"<>\\^`{|}]/.test(uri),
  );
  if (wrong !== undefined) throw new PageProblem('invalid_request', `${wrong} is not an https address that could be one.`, 'redirect_uris');
}

async function note(pool: Pool, req: Request, res: Response, act: string, targets: string[] = [], fields: string[] = []): Promise<void> {
  const session = sessionOf(res);
  await recordAct(pool, {
    environmentId: session.environmentId,
    actor: { type: 'it_admin', id: session.linkId },
    act,
    targets: [publicId('dir', session.directoryId), ...targets],
    fields,
    requestId: res.locals.requestId,
    remoteAddress: req.ip ?? null,
    userAgent: req.get('user-agent') ?? null,
  });
}

function directoryJson(directory: Directory, publicUrl: string): object {
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

function clientJson(client: OAuthClient, directoryId: string, publicUrl: string): object {
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
