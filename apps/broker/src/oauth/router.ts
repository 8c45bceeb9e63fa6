import { type NextFunction, type Request, type Response, Router } from 'express';
import { revokeAccessToken, revokeRefreshToken } from '#directory';
import { parsePublicId, publicId } from '#identifier';
import { CommitUnanswered, isOutage, isPoolFull } from '#postgres';
import { html, sendPlainPage } from '../plain-page';
import type { RecentUses } from '../guards/recent-uses';
import type { RequestRate } from '../guards/request-rate';
import { authorize, type AuthorizeParts, issuerOf } from './authorize';
import { callingClient, type ClientParts } from './client';
import { oauthErrorEdge, OAuthRefusal, sendOAuthJson } from './errors';
import { formOf, readForm } from './form';
import { giveToken } from './token';

export interface OAuthParts extends ClientParts, AuthorizeParts {
  recentUses: RecentUses;
  rate: RequestRate;
}

/**
 * OAuth 2.0 for identity providers: an authorization server for each directory, which gives access to that directory and to
 * nothing else. To be mounted at the root, since its metadata has a place of its own there.
 */
export function oauthRouter(parts: OAuthParts): Router {
  const router = Router({ caseSensitive: true });
  router.post('/oauth/:directory/token', readForm, token(parts));
  router.post('/oauth/:directory/revoke', readForm, revoke(parts));
  router.get('/.well-known/oauth-authorization-server/oauth/:directory', metadata(parts.publicUrl));
  router.all(['/oauth/:directory/token', '/oauth/:directory/revoke'], (_req, res) => {
    res.locals.decision = 'refused: method_not_allowed';
    res.status(405).setHeader('Allow', 'POST');
    sendOAuthJson(res, { error: 'invalid_request', error_description: 'Send this as POST.' });
  });
  router.use(['/oauth/:directory/token', '/oauth/:directory/revoke'], oauthErrorEdge);

  const decide = (req: Request, res: Response): Promise<void> => authorize(parts, req, res);
  router.get('/oauth/:directory/authorize', decide);
  router.post('/oauth/:directory/authorize', readForm, decide);
  router.use('/oauth/:directory/authorize', pageErrorEdge);
  return router;
}

/** RFC 6749 §3.2. */
function token(parts: OAuthParts) {
  return async (req: Request, res: Response): Promise<void> => {
    const form = formOf(req);
    const client = await callingClient(parts, req, res, form);
    res.locals.directoryId = client.directoryId;
    const { retryAfterSeconds } = await parts.rate.admit(client.id);
    if (retryAfterSeconds > 0) throw new OAuthRefusal('too_many_requests', undefined, retryAfterSeconds);

    const outcome = await giveToken(parts, client, form);
    if (outcome.kind === 'refused') {
      if (outcome.reused)
        res.locals.decision = `refused: ${outcome.refusal.code}, used for the second time: what was given for it has been ended`;
      throw outcome.refusal;
    }
    parts.recentUses.add({ kind: 'oauth_client', id: client.id });
    res.locals.decision = 'token given';
    sendOAuthJson(res, outcome.body);
  };
}

/** RFC 7009. The same answer for a token that is none, or another client's: there is nothing left to end. */
function revoke(parts: OAuthParts) {
  return async (req: Request, res: Response): Promise<void> => {
    const form = formOf(req);
    const client = await callingClient(parts, req, res, form);
    res.locals.directoryId = client.directoryId;
    const given = form.get('token');
    if (given === undefined) throw new OAuthRefusal('invalid_request', "Missing parameter: 'token'");
    await revokeAccessToken(parts.pool, parts.keyring, client, given);
    await revokeRefreshToken(parts.pool, parts.keyring, client, given);
    res.locals.decision = 'revoked';
    sendOAuthJson(res, {});
  };
}

/** RFC 8414. Said of every id that could be a directory's: it is made of the id alone. */
function metadata(publicUrl: string) {
  return (req: Request, res: Response, next: NextFunction): void => {
    const directoryId = parsePublicId('dir', String(req.params.directory));
    if (directoryId === undefined) return next();
    const issuer = issuerOf(publicUrl, directoryId);
    const methods = ['client_secret_basic', 'client_secret_post'];
    res.locals.decision = 'answered';
    res.setHeader('Content-Type', 'application/json');
    res.end(
      JSON.stringify({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        revocation_endpoint: `${issuer}/revoke`,
        response_types_supported: ['code'],
        response_modes_supported: ['query'],
        grant_types_supported: ['client_credentials', 'authorization_code', 'refresh_token'],
        token_endpoint_auth_methods_supported: methods,
        revocation_endpoint_auth_methods_supported: methods,
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
      }),
    );
  };
}

function pageErrorEdge(thrown: unknown, _req: Request, res: Response, _next: NextFunction): void {
  res.locals.failure ??= thrown;
  if (res.headersSent) {
    res.destroy();
    return;
  }
  sendPlainPage(res, {
    status: isOutage(thrown) ? 503 : 500,
    title: 'That did not work',
    body: html`<p>${said(thrown)} Try again in a minute; if it happens again, report the request ${publicId('req', res.locals.requestId)}.</p>`,
  });
}

function said(thrown: unknown): string {
  if (thrown instanceof CommitUnanswered)
    return 'The connection to the database broke before it said whether this was done, so that is not known. To do it again is safe.';
  if (isPoolFull(thrown)) return 'Too much is being done here at the moment.';
  return isOutage(thrown) ? 'The database cannot be reached at the moment.' : 'Something went wrong here.';
}
