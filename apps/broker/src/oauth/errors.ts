import OAuth2Server from '@node-oauth/oauth2-server';
import type { NextFunction, Request, Response } from 'express';
import { CommitUnanswered, isOutage, isPoolFull } from '#postgres';
import { QueryNotUtf8 } from '../frame/utf-8';

const refusals = {
  invalid_request: { status: 400, description: 'The request is not complete, or says something twice.' },
  invalid_client: {
    status: 401,
    description: 'The client id or the client secret is not right for this directory. Check both, and the token URL.',
  },
  invalid_grant: {
    status: 400,
    description:
      'The code or the refresh token is not valid any more: it has been used, has expired, or was given to another client. Start the authorization again in your identity provider.',
  },
  unauthorized_client: {
    status: 400,
    description: 'This client was made for another grant type. Make one for the grant type that your identity provider uses.',
  },
  unsupported_grant_type: {
    status: 400,
    description: 'The grant types here are client_credentials, authorization_code and refresh_token.',
  },
  too_many_attempts: {
    status: 429,
    description:
      'Too many requests without a valid client secret. Check the client id and the client secret, and wait a minute; the right ones are let in at once.',
  },
  too_many_requests: {
    status: 429,
    description: 'This client asks for more tokens than it may. Ask again after the seconds in Retry-After.',
  },
  temporarily_unavailable: { status: 503, description: 'The database cannot be reached at the moment. Try again shortly.' },
  server_error: {
    status: 500,
    description: 'The request could not be processed. If it happens again, report the X-Request-Id of this answer.',
  },
} as const;

export type OAuthErrorCode = keyof typeof refusals;

export function isOAuthErrorCode(name: string): name is OAuthErrorCode {
  return name in refusals;
}

/** A refusal of the token endpoint (RFC 6749 §5.2). The description is for an IT admin, in the characters that the RFC allows. */
export class OAuthRefusal extends Error {
  constructor(
    readonly code: OAuthErrorCode,
    readonly description: string = refusals[code].description,
    readonly retryAfterSeconds?: number,
  ) {
    super(code);
  }
}

/** The error edge of the endpoints that answer in JSON. What nobody foresaw says nothing; its cause is for the log alone. */
export function oauthErrorEdge(thrown: unknown, _req: Request, res: Response, _next: NextFunction): void {
  const refusal = refusalOf(thrown);
  const { status } = refusals[refusal.code];
  if (status >= 500) res.locals.failure ??= thrown;
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.locals.decision ??= `refused: ${refusal.code}`;
  res.status(status);
  if (status === 401) res.setHeader('WWW-Authenticate', 'Basic realm="Causeway OAuth"');
  if (status === 503) res.setHeader('Retry-After', '5');
  if (refusal.retryAfterSeconds !== undefined) res.setHeader('Retry-After', String(refusal.retryAfterSeconds));
  sendOAuthJson(res, { error: refusal.code, error_description: refusal.description });
}

/** RFC 6749 §5.1: what holds tokens must not be kept on the way. */
export function sendOAuthJson(res: Response, body: object): void {
  res.setHeader('Content-Type', 'application/json');
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Pragma', 'no-cache');
  res.end(JSON.stringify(body));
}

/** What has gone wrong below the library, which puts an error of its own around it. */
export function causeOf(error: unknown): unknown {
  return error instanceof OAuth2Server.ServerError && 'inner' in error ? error.inner : error;
}

const unanswered =
  'The connection to the database broke before it said whether this was done, so that is not known. To ask again is safe; where a code or refresh token is then refused, start the authorization again.';

const full = 'Too much is being done here at the moment: no connection was free in time. Try again shortly.';

function refusalOf(thrown: unknown): OAuthRefusal {
  if (thrown instanceof OAuthRefusal) return thrown;
  if (thrown instanceof CommitUnanswered) return new OAuthRefusal('temporarily_unavailable', unanswered);
  if (isPoolFull(thrown)) return new OAuthRefusal('temporarily_unavailable', full);
  if (isOutage(thrown)) return new OAuthRefusal('temporarily_unavailable');
  if (thrown instanceof QueryNotUtf8)
    return new OAuthRefusal('invalid_request', 'The query cannot be decoded: percent-encode its UTF-8 bytes.');
  // Of the body's reader: too large, cut off, in an encoding that nobody knows.
  if (thrown instanceof Error && 'status' in thrown && typeof thrown.status === 'number' && thrown.status >= 400 && thrown.status < 500) {
    return new OAuthRefusal(
      'invalid_request',
      'The body could not be read: send application/x-www-form-urlencoded, in UTF-8, of 16 KiB at most.',
    );
  }
  return new OAuthRefusal('server_error');
}
