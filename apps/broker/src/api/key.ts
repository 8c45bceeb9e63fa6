import type { Request } from 'express';
import type { Pool } from 'pg';
import { authenticateApiKey } from '#accounts';
import { secretsEqual } from '#credential';
import { Problem } from '../frame/errors';
import type { ApiCallers } from './route';

/** The environment that a request's API key opens. @throws Problem 401 */
export async function authenticateEnvironment(req: Request, pool: Pool): Promise<ApiCallers['environment']> {
  const caller = await authenticateApiKey(pool, bearerOf(req));
  if (!caller) throw refused('this API key is not known, or no longer');
  return { ...caller, actor: { type: 'api_key', id: caller.keyId } };
}

/** Lets the operator pass. @throws Problem 401 */
export function authenticateOperator(req: Request, operatorApiKey: string | undefined): ApiCallers['operator'] {
  const bearer = bearerOf(req);
  if (operatorApiKey === undefined || !secretsEqual(bearer, operatorApiKey)) throw refused("this takes the operator's key");
  return { actor: { type: 'operator', id: null }, environmentId: undefined };
}

/**
 * The credential in the `Authorization` header. RFC 6750 has two other places for one; both are refused, since an
 * address ends up in logs and histories, and a form can be posted by any page.
 */
export function bearerOf(req: Request): string {
  if (new URLSearchParams(req.originalUrl.split('?')[1]).has('access_token')) {
    throw new Problem(
      'invalid_request',
      'a credential is sent in the Authorization header, never in the address: consider this one leaked',
      {
        faults: [{ parameter: 'access_token', detail: 'is not accepted' }],
        headers: { 'WWW-Authenticate': 'Bearer realm="causeway", error="invalid_request"' },
      },
    );
  }
  const header = req.headers.authorization;
  if (header === undefined) {
    throw new Problem('unauthenticated', 'send an API key as "Authorization: Bearer cwk_…"', {
      headers: { 'WWW-Authenticate': 'Bearer realm="causeway"' },
    });
  }
  const [, bearer] = /^Bearer +([\x21-\x7e]+) *$/i.exec(header) ?? [];
  if (bearer === undefined) throw refused('the Authorization header does not hold a bearer token');
  return bearer;
}

function refused(detail: string): Problem {
  return new Problem('unauthenticated', detail, { headers: { 'WWW-Authenticate': 'Bearer realm="causeway", error="invalid_token"' } });
}
