import type { Request, Response } from 'express';
import type { Pool } from 'pg';
import type { Keyring } from '#credential';
import { authenticateOAuthClient, type CallingClient } from '#directory';
import { parsePublicId } from '#identifier';
import type { FailedAttempts } from '../guards/failed-attempts';
import { OAuthRefusal } from './errors';

export interface ClientParts {
  pool: Pool;
  keyring: Keyring;
  failedAttempts: FailedAttempts;
}

/**
 * The client that calls, proved by its secret in the Basic header or in the form (RFC 6749 §2.3.1). A directory that does not
 * exist, a client of another one and a wrong secret are refused alike.
 *
 * @throws OAuthRefusal
 */
export async function callingClient(
  { pool, keyring, failedAttempts }: ClientParts,
  req: Request,
  res: Response,
  form: ReadonlyMap<string, string>,
): Promise<CallingClient> {
  const given = credentialsIn(req, form);
  const directoryId = parsePublicId('dir', String(req.params.directory));
  const clientId = given && parsePublicId('oac', given.id);
  const client = directoryId && clientId && (await authenticateOAuthClient(pool, keyring, { directoryId, clientId, secret: given.secret }));
  if (client) return client;

  const verdict = await failedAttempts.count(req, res, String(req.params.directory));
  if (verdict.kind === 'too_many') throw new OAuthRefusal('too_many_attempts', undefined, verdict.retryAfterSeconds);
  throw new OAuthRefusal('invalid_client');
}

function credentialsIn(req: Request, form: ReadonlyMap<string, string>): { id: string; secret: string } | undefined {
  const [id, secret] = [form.get('client_id'), form.get('client_secret')];
  const { authorization } = req.headers;
  if (authorization === undefined) return id === undefined || secret === undefined ? undefined : { id, secret };

  const [, pair] = /^basic +(\S+)$/i.exec(authorization.trim()) ?? [];
  const [, name, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(pair ?? '', 'base64').toString()) ?? [];
  if (name === undefined || password === undefined) return undefined;
  const header = { id: formDecoded(name), secret: formDecoded(password) };
  // §2.3: one way to prove who calls, not two. Naming oneself in the form as well proves nothing, and does no harm.
  if (secret !== undefined || (id !== undefined && id !== header.id)) {
    throw new OAuthRefusal(
      'invalid_request',
      'The client id and the client secret are sent in the Basic header or in the form, not in both.',
    );
  }
  return header;
}

/** RFC 6749 §2.3.1 has both encoded like a form's values. What is not encoded so is taken as it is. */
function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
