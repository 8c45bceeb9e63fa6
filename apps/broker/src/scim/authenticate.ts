import type { NextFunction, Request, Response } from 'express';
import { Passport } from 'passport';
import { Strategy } from 'passport-http-bearer';
import type { BearerTokens, Keyring } from '#credential';
import { authenticateAccessToken, authenticateBearer, type Authenticated, type KnownSchemas, type ScimDirectory } from '#directory';
import type { Lookups } from '#postgres';
import { parsePublicId } from '#identifier';
import type { FailedAttempts } from '../guards/failed-attempts';
import type { RecentUses } from '../guards/recent-uses';
import { TooManyRequests, Unauthorized } from './errors';

declare global {
  namespace Express {
    interface Locals {
      /** Whose IdP calls, once its credential is verified. */
      directory?: ScimDirectory;
    }
  }
}

export interface AuthenticationParts {
  lookups: Lookups;
  keyring: Keyring;
  tokens: BearerTokens;
  schemas: KnownSchemas;
  failedAttempts: FailedAttempts;
  recentUses: RecentUses;
}

/**
 * Lets in whoever holds a credential of the very directory that the URL names, in the Authorization header (RFC 6750 §2.1): a
 * bearer token, an OAuth access token, or, where the directory allows it, the bearer token as the password of HTTP Basic.
 *
 * Each kind is one indexed read, and none for what this installation did not make. Everything else, an unknown directory
 * included, is refused in the same way and after the same work; the credential is looked at however many have failed before.
 */
export function authenticateDirectory(parts: AuthenticationParts) {
  const passport = new Passport();
  passport.use(
    new Strategy({ passReqToCallback: true, realm: 'Causeway SCIM' }, (presented: Presented, token: string, done: Done): void => {
      open(parts, String(presented.params.directory), token).then(
        (authenticated) => done(null, authenticated ?? false),
        (error: unknown) => done(error),
      );
    }),
  );

  return async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    const directoryId = String(req.params.directory);
    const given = credentialIn(req.headers.authorization);
    const authenticated =
      given?.kind === 'basic'
        ? await openWithPassword(parts, directoryId, given)
        : given && (await present(passport, res, { params: req.params, headers: { authorization: `Bearer ${given.token}` } }));
    if (!authenticated) throw await refusal(parts, req, res);

    parts.recentUses.add(authenticated.credential);
    const { directory } = authenticated;
    res.locals.directory = directory;
    res.locals.directoryId = directory.id;
    res.locals.environmentId = directory.environmentId;
    next();
  };
}

async function refusal({ failedAttempts }: AuthenticationParts, req: Request, res: Response): Promise<Unauthorized | TooManyRequests> {
  const verdict = await failedAttempts.count(req, res, String(req.params.directory));
  if (verdict.kind === 'refuse') return new Unauthorized(req.headers.authorization !== undefined);
  return new TooManyRequests(
    'Too many requests without a valid credential of this directory. Check the base URL and the secret token, and wait a minute; a valid credential is let in at once.',
    verdict.retryAfterSeconds,
  );
}

/** What the strategy is handed in place of the request: it would take a token from the query or a form as well, and those end in logs. */
type Presented = Pick<Request, 'params' | 'headers'>;

type Done = (error: unknown, authenticated?: Authenticated | false) => void;

function present(passport: InstanceType<typeof Passport>, res: Response, presented: Presented): Promise<Authenticated | false | undefined> {
  return new Promise((resolve, reject) => {
    // With a callback passport answers nothing itself; nothing is thrown past it, which would leave the request hanging.
    const authenticate: unknown = passport.authenticate(
      'bearer',
      { session: false },
      (error: unknown, authenticated: Authenticated | false | undefined) => {
        if (error) reject(error);
        else resolve(authenticated);
      },
    );
    if (typeof authenticate === 'function') authenticate(presented, res, reject);
  });
}

/** The two kinds of token tell themselves apart by their prefix. */
async function open(
  { lookups, keyring, tokens, schemas }: AuthenticationParts,
  directory: string,
  token: string,
): Promise<Authenticated | undefined> {
  const directoryId = parsePublicId('dir', directory);
  if (directoryId === undefined) return undefined;
  return token.startsWith('cwa_')
    ? authenticateAccessToken(lookups, keyring, schemas, directoryId, token)
    : authenticateBearer(lookups, tokens, schemas, directoryId, token);
}

async function openWithPassword(
  { lookups, tokens, schemas }: AuthenticationParts,
  directory: string,
  given: { userName: string; password: string },
): Promise<Authenticated | undefined> {
  const directoryId = parsePublicId('dir', given.userName);
  if (directoryId === undefined || given.userName !== directory) return undefined;
  const authenticated = await authenticateBearer(lookups, tokens, schemas, directoryId, given.password);
  return authenticated?.directory.basicAuth ? authenticated : undefined;
}

type Given = { kind: 'bearer'; token: string } | { kind: 'basic'; userName: string; password: string };

/** `Bearer <token>` or `Basic <user:password>`; Okta's header authentication can be set up to leave the word Bearer out. */
function credentialIn(header: string | undefined): Given | undefined {
  const text = header?.trim() ?? '';
  if (/^cw[ta]_\S+$/.test(text)) return { kind: 'bearer', token: text };
  const [, scheme, value = ''] = /^(bearer|basic) +(\S+)$/i.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  if (scheme.toLowerCase() === 'bearer') return { kind: 'bearer', token: value };
  // RFC 7617 §2: the password may have colons in it, the user name not.
  const pair = Buffer.from(value, 'base64').toString();
  const colon = pair.indexOf(':');
  return colon === -1 ? undefined : { kind: 'basic', userName: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
