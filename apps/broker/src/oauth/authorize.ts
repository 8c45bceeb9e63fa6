import OAuth2Server from '@node-oauth/oauth2-server';
import type { Request, Response } from 'express';
import type { Pool } from 'pg';
import { type Keyring, secretsEqual } from '#credential';
import {
  type CallingClient,
  codeSeconds,
  type Directory,
  findOAuthClient,
  getDirectory,
  getOrganization,
  grantAuthorizationCode,
} from '#directory';
import { parsePublicId, publicId } from '#identifier';
import { html, type PlainPage, sendPlainPage } from '../plain-page';
import { causeOf } from './errors';
import { parametersOf } from './form';

/** A browser whose holder may decide who writes into a directory. */
export interface Consenter {
  environmentId: string;
  directoryId: string;
  /** Of this browser's session: what ties a form to the page that it was made for. */
  sessionId: string;
  /** In whose name the page speaks. */
  vendorName: string;
  /** Notes in the audit log what the holder has allowed. */
  record: (act: string, targets: string[]) => Promise<void>;
}

export interface AuthorizeParts {
  pool: Pool;
  keyring: Keyring;
  publicUrl: string;
  /** Who may decide for a directory, by the request's cookies; `undefined`: whoever this is may not. */
  consenterOf: (req: Request, directoryId: string) => Promise<Consenter | undefined>;
}

/**
 * GET: shows whoever may decide for the directory what a client asks for (RFC 6749 §4.1.1). POST: does what they decided.
 *
 * Who may decide is asked first: a stranger is told the same of every directory and client, be there such or not. A request that
 * names a client or an address that is not registered is told so in the browser, and never redirected.
 */
export async function authorize(parts: AuthorizeParts, req: Request, res: Response): Promise<void> {
  const directoryId = parsePublicId('dir', String(req.params.directory));
  const consenter = directoryId && (await parts.consenterOf(req, directoryId));
  if (!consenter) return refuse(res, strangerPage);
  res.locals.directoryId = consenter.directoryId;
  res.locals.environmentId = consenter.environmentId;
  const directory = await getDirectory(parts.pool, consenter);
  if (!directory) return refuse(res, strangerPage);

  const parameters = parametersOf(req.method === 'POST' ? req.body : req.query);
  if (!parameters) return refuse(res, unusablePage('The request says something twice.'));
  const clientId = parsePublicId('oac', parameters.get('client_id') ?? '');
  const client = clientId && (await findOAuthClient(parts.pool, { directoryId: directory.id, clientId }));
  if (!client || client.grantType !== 'authorization_code') return refuse(res, unusablePage('The client id is not one of this directory.'));
  const redirectUri = redirectUriOf(parameters, client);
  if (redirectUri === undefined) return refuse(res, unusablePage(sentenceOnRedirectUri(parameters.get('redirect_uri'))));

  const redirect = (answer: Record<string, string>): void => {
    // RFC 9207: which server answers.
    const url = withParameters(redirectUri, { ...answer, ...stateOf(parameters), iss: issuerOf(parts.publicUrl, directory.id) });
    res.setHeader('Cache-Control', 'no-store');
    res.redirect(303, url); // a GET follows, whatever this was (RFC 9700 §4.12)
  };
  const fault = faultOf(parameters);
  if (fault) {
    res.locals.decision = `refused: ${fault.error}`;
    return redirect(fault);
  }

  if (req.method !== 'POST') return show(parts, res, { directory, consenter, client, parameters, redirectUri });

  const secret = formSecretOf(parts.keyring, consenter, client);
  if (!secretsEqual(parameters.get('form_secret') ?? '', secret)) {
    return refuse(res, { ...unusablePage('The page was open for too long, or was not ours.'), status: 403 });
  }
  if (parameters.get('decision') !== 'allow') {
    res.locals.decision = 'declined';
    return redirect({ error: 'access_denied', error_description: 'The request was declined.' });
  }
  const code = await codeFor(parts, client, parameters);
  if (code === undefined) return refuse(res, unusablePage('The client has been deleted.'));
  await consenter.record('allowOAuthClient', [publicId('dir', directory.id), publicId('oac', client.id)]);
  res.locals.decision = 'allowed';
  redirect({ code });
}

/** The identifier of a directory's authorization server (RFC 8414 §2). */
export function issuerOf(publicUrl: string, directoryId: string): string {
  return `${publicUrl}/oauth/${publicId('dir', directoryId)}`;
}

/** Exactly one that is registered (RFC 9700 §2.1); the only one, where the request names none. */
function redirectUriOf(parameters: ReadonlyMap<string, string>, { redirectUris }: CallingClient): string | undefined {
  const named = parameters.get('redirect_uri');
  if (named === undefined) return redirectUris.length === 1 ? redirectUris[0] : undefined;
  return redirectUris.find((registered) => registered === named);
}

/** What is wrong with a request whose client and address are right, for the client to be told (RFC 6749 §4.1.2.1). */
function faultOf(parameters: ReadonlyMap<string, string>): { error: string; error_description: string } | undefined {
  const invalid = (description: string) => ({ error: 'invalid_request', error_description: description });
  const responseType = parameters.get('response_type');
  if (responseType === undefined) return invalid('response_type is missing');
  if (responseType !== 'code') return { error: 'unsupported_response_type', error_description: 'response_type must be code' };
  if (!/^[\x20-\x7e]*$/.test(parameters.get('state') ?? '')) return invalid('state must be of visible ASCII characters');
  const challenge = parameters.get('code_challenge');
  if (challenge === undefined) return undefined;
  // RFC 7636 §4.3: without a method it would be "plain", which protects from nobody who sees the request.
  if (parameters.get('code_challenge_method') !== 'S256') return invalid('code_challenge_method must be S256');
  return /^[A-Za-z0-9_-]{43}$/.test(challenge) ? undefined : invalid('code_challenge must be a SHA-256 in base64url');
}

function stateOf(parameters: ReadonlyMap<string, string>): { state?: string } {
  const state = parameters.get('state');
  return state !== undefined && /^[\x20-\x7e]+$/.test(state) ? { state } : {};
}

/** The code, by way of the library, which checks the request once more by its own lights. `undefined` where the client has gone. */
async function codeFor(parts: AuthorizeParts, client: CallingClient, parameters: ReadonlyMap<string, string>): Promise<string | undefined> {
  let code: string | undefined;
  const asClient: OAuth2Server.Client = { id: client.id, grants: ['authorization_code'], redirectUris: client.redirectUris };
  const server = new OAuth2Server({
    allowEmptyState: true,
    authorizationCodeLifetime: codeSeconds,
    authenticateHandler: { handle: () => ({}) }, // whoever it is has just been looked at
    model: {
      getClient: async () => asClient,
      generateAuthorizationCode: async () => 'unused', // made where its hash is kept
      saveAuthorizationCode: async (draft: OAuth2Server.AuthorizationCode) => {
        const granted = await grantAuthorizationCode(parts.pool, parts.keyring, client, {
          redirectUri: parameters.get('redirect_uri') ?? null,
          codeChallenge: draft.codeChallenge ?? null,
        });
        code = granted?.code;
        return { ...draft, authorizationCode: code ?? 'none', client: asClient, user: {} };
      },
      getAuthorizationCode: async () => undefined,
      revokeAuthorizationCode: async () => false,
      getAccessToken: async () => undefined,
      saveToken: async () => undefined,
    },
  });
  try {
    await server.authorize(
      new OAuth2Server.Request({ method: 'POST', headers: {}, query: Object.fromEntries(requestIn(parameters)), body: {} }),
      new OAuth2Server.Response(),
    );
  } catch (error) {
    throw causeOf(error);
  }
  return code;
}

/** The client's own parameters, which the page carries from the request to the decision. `scope` says nothing here: see token.ts. */
function requestIn(parameters: ReadonlyMap<string, string>): [name: string, value: string][] {
  return ['response_type', 'client_id', 'redirect_uri', 'state', 'code_challenge', 'code_challenge_method'].flatMap((name) => {
    const value = parameters.get(name);
    return value === undefined ? [] : [[name, value]];
  });
}

async function show(
  parts: AuthorizeParts,
  res: Response,
  o: { directory: Directory; consenter: Consenter; client: CallingClient; parameters: ReadonlyMap<string, string>; redirectUri: string },
): Promise<void> {
  const { directory, consenter, client, parameters } = o;
  const organization = await getOrganization(parts.pool, directory);
  const { origin, host } = new URL(o.redirectUri);
  res.locals.decision = 'asked';
  sendPlainPage(res, {
    status: 200,
    title: `Let your identity provider manage who has access to ${consenter.vendorName}?`,
    body: html`<p><strong>${host}</strong> asks to be connected to the directory <strong>${directory.name}</strong> of <strong>${organization?.name ?? ''}</strong>.</p>
    <p>If you allow it, it can:</p>
    <ul>
      <li>see the users and groups in this directory,</li>
      <li>add, change, deactivate and delete them, and so decide who has access.</li>
    </ul>
    <p>It can do so until it is disconnected, and it can see nothing else. Allow it only if you have just come from <strong>${host}</strong>, where you are sent back to now.</p>
    <form method="post" action="${issuerOf(parts.publicUrl, directory.id).slice(parts.publicUrl.length)}/authorize">
      ${requestIn(parameters).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
      <input type="hidden" name="form_secret" value="${formSecretOf(parts.keyring, consenter, client)}">
      <button class="main" type="submit" name="decision" value="allow">Allow</button>
      <button type="submit" name="decision" value="decline">Do not allow</button>
    </form>`,
    formLeadsTo: origin,
  });
}

/** What only a page that we made for this very session and client can send: a form on somebody else's page cannot. */
function formSecretOf(keyring: Keyring, { sessionId }: Consenter, client: CallingClient): string {
  return keyring.mark(`consent:${sessionId}:${client.id}`).toString('base64url');
}

function refuse(res: Response, page: PlainPage): void {
  res.locals.decision = 'refused: page';
  sendPlainPage(res, page);
}

const strangerPage: PlainPage = {
  status: 403,
  title: 'Open your setup link first',
  body: html`<p>This page lets an identity provider into a directory. It opens only in a browser in which the setup link of that directory has been opened.</p>
    <p>Open the setup link that you were sent, in this browser, then start again in your identity provider. If the link no longer works, ask whoever sent it for a new one.</p>`,
};

function unusablePage(sentence: string): PlainPage {
  return {
    status: 400,
    title: 'This request cannot be used',
    body: html`<p>${sentence}</p>
    <p>Compare the settings in your identity provider with those on the setup page, then start again there. Nothing has been changed.</p>`,
  };
}

function sentenceOnRedirectUri(named: string | undefined): string {
  return named === undefined
    ? 'It does not say where to send you back, and several addresses are registered.'
    : `It wants to send you back to ${named}, which is not registered. The address must be the same to the letter.`;
}

function withParameters(address: string, parameters: Record<string, string>): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
