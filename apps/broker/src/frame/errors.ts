import type { ErrorRequestHandler, Response } from 'express';
import { AlreadyMember, EnvironmentInUse, LastAdmin } from '#accounts';
import { HashingBusy } from '#credential';
import {
  DeliveryNotFound,
  EndpointDisabled,
  EndpointNotFound,
  InvalidDeliveryCursor,
  InvalidEndpointHeader,
  InvalidEndpointUrl,
  TooManyConsumers,
  TooManyEndpoints,
  UnknownOrganization,
} from '#delivery';
import { DirectoryGone, ExternalIdTaken } from '#directory';
import { InvalidMapping } from '#mapping';
import { CommitUnanswered, isOutage, isPoolFull } from '#postgres';
import { withoutOwnSecrets } from '#runtime';
import { acceptedEncodings, BodyNotUtf8, QueryNotUtf8 } from './utf-8';

/** A fault in a body (`pointer`, RFC 6901) or in a query (`parameter`). */
export type Fault = { pointer: string; detail: string } | { parameter: string; detail: string };

/**
 * Whom a door answers: vendors' programs, which read `code` and `errors`, or our own pages, which show `detail` as it is. It is said
 * once for each door; what is refused, and why, is the same.
 */
export type Audience = 'programs' | 'pages';

/**
 * Every code that an error can carry: its status, its title, and what it means. The page at /docs/errors is made from it,
 * and a problem's `type` points there.
 */
export const problems = {
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    meaning:
      'A field or a parameter is missing, unknown, or not what it should be. `errors` names each: `pointer` in the body, `parameter` in the query.',
  },
  unknown_parameter: {
    status: 400,
    title: 'The query has a parameter that is not known',
    meaning: 'A parameter is misspelt, or belongs to another path. `errors` names it, and the parameters that there are.',
  },
  invalid_json: { status: 400, title: 'The body is not JSON', meaning: 'The body could not be read as JSON in UTF-8.' },
  invalid_cursor: {
    status: 400,
    title: 'The cursor is not valid',
    meaning: 'The cursor is not one that this environment was given. Cursors are opaque: send them back as they came.',
  },
  unauthenticated: {
    status: 401,
    title: 'An API key is needed',
    meaning:
      'The `Authorization` header does not hold a key that works here. A key is sent as `Authorization: Bearer cwk_…`, and in no other place.',
  },
  forbidden: { status: 403, title: 'This is not for you', meaning: 'The address that the request came from may not read this.' },
  not_found: { status: 404, title: 'There is no such thing', meaning: 'Your environment has nothing under that id or path.' },
  method_not_allowed: {
    status: 405,
    title: 'This method is not allowed here',
    meaning: 'The path exists, but not with this method. The `Allow` header lists those that do.',
  },
  external_id_taken: {
    status: 409,
    title: 'The external_id is taken',
    meaning: 'Another organization of your environment has that `external_id`.',
  },
  endpoint_disabled: {
    status: 409,
    title: 'The webhook endpoint is disabled',
    meaning: 'Nothing is sent to a disabled endpoint. Enable it first, with `PATCH {"enabled": true}`.',
  },
  too_many_endpoints: {
    status: 409,
    title: 'There are too many webhook endpoints',
    meaning: 'Your environment has as many webhook endpoints as it may have. Delete one first.',
  },
  too_many_consumers: {
    status: 409,
    title: 'There are too many consumers',
    meaning: 'Your environment keeps as many consumers as it may. Delete one first.',
  },
  too_many_extensions: {
    status: 409,
    title: 'There are too many schema extensions',
    meaning: 'Your environment has declared as many extensions as it may. Withdraw one first.',
  },
  idempotency_key_in_use: {
    status: 409,
    title: 'The same call is under way',
    meaning: 'A request with the same `Idempotency-Key` has not been answered yet. Send this one again in a moment.',
  },
  idempotency_key_reused: {
    status: 409,
    title: 'The Idempotency-Key was used for something else',
    meaning: 'Within the last 24 hours the same `Idempotency-Key` came with another path or body. Each call needs a key of its own.',
  },
  feed_rewound: {
    status: 409,
    title: 'The log was set back',
    meaning:
      'The database was set back to an earlier state after this place was given: what came after that is no more. `cursor` is where to go on from.',
  },
  cursor_expired: {
    status: 410,
    title: 'The cursor is too old',
    meaning:
      'Events right after this cursor are no longer kept. `cursor` is the oldest place that is; list users and groups anew and follow their `events_cursor`.',
  },
  body_too_large: { status: 413, title: 'The body is too large', meaning: 'A body may hold 1 MiB.' },
  url_too_long: { status: 414, title: 'The URL is too long', meaning: 'A URL may have 14 KiB.' },
  unsupported_media_type: {
    status: 415,
    title: 'The body must be JSON',
    meaning: 'A body is sent as `Content-Type: application/json`, in UTF-8.',
  },
  headers_too_large: { status: 431, title: 'The headers are too large', meaning: 'The URL and the headers may have 16 KiB together.' },
  too_many_requests: {
    status: 429,
    title: 'There were too many requests',
    meaning: 'The key sends more requests than it may. `RateLimit-Policy` says how many those are, `Retry-After` when there is room again.',
  },
  too_many_streams: {
    status: 429,
    title: 'There are too many streams and long polls',
    meaning: 'The key, or its environment, has as many streams and polls with `wait` open as it may. One that ends makes room for another.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong here',
    meaning: 'The request could not be processed. It may be tried again; its `X-Request-Id` finds the cause in the log.',
  },
  unavailable: {
    status: 503,
    title: 'Not available right now',
    meaning: 'The database cannot be reached or is not ready. Try again shortly.',
  },
  busy: {
    status: 503,
    title: 'Too much of this at once',
    meaning:
      'More is being done, passwords looked at or tokens made than can be at once. Nothing was done; try again after `Retry-After` seconds.',
  },

  // What only the console and the setup page are told.
  wrong_credentials: {
    status: 401,
    title: 'The e-mail address or the password is wrong',
    meaning: 'No account has this e-mail address and password.',
    ofPages: true,
  },
  signed_out: { status: 401, title: 'Nobody is signed in', meaning: 'The session has ended, or there never was one.', ofPages: true },
  not_allowed: { status: 403, title: 'This takes an admin', meaning: 'A viewer may look, but not change anything.', ofPages: true },
  foreign_page: {
    status: 403,
    title: 'The page is not ours',
    meaning: 'Writes are taken from pages of this broker alone, which send `X-Causeway-Page`.',
    ofPages: true,
  },
  sign_up_closed: { status: 403, title: 'Signing up is closed', meaning: 'Members are invited here (`SIGN_UP=closed`).', ofPages: true },
  already_member: { status: 409, title: 'They are a member already', meaning: 'The address belongs to a member.', ofPages: true },
  last_admin: { status: 409, title: 'There must be an admin', meaning: 'Every environment keeps at least one.', ofPages: true },
  environment_in_use: {
    status: 409,
    title: 'The environment is in use',
    meaning: 'Directories were made in it, and its events and requests belong to it.',
    ofPages: true,
  },
  link_used: {
    status: 410,
    title: 'The link does not work any more',
    meaning: 'A link in a mail works once, and for a while.',
    ofPages: true,
  },
  too_many_attempts: {
    status: 429,
    title: 'There were too many attempts',
    meaning: 'Try again after `Retry-After` seconds.',
    ofPages: true,
  },
} as const satisfies Record<string, { status: number; title: string; meaning: string; ofPages?: true }>;

export type ProblemCode = keyof typeof problems;

/** A refusal in the shape of RFC 9457. `members` are added to the body as they are. */
export class Problem extends Error {
  readonly status: number;
  readonly faults: Fault[] | undefined;
  readonly headers: Record<string, string>;
  readonly members: Record<string, string>;

  constructor(
    readonly code: ProblemCode,
    detail: string,
    more: { faults?: Fault[]; headers?: Record<string, string>; members?: Record<string, string> } = {},
  ) {
    super(detail);
    this.status = problems[code].status;
    this.faults = more.faults;
    this.headers = more.headers ?? {};
    this.members = more.members ?? {};
  }

  /** The body. It may quote what the caller has sent, and a key that they have put into the address by mistake is not for whoever keeps answers. */
  toText(publicUrl: string, audience: Audience = 'programs'): string {
    return withoutOwnSecrets(
      JSON.stringify({
        type: `${publicUrl}/docs/errors#${this.code}`,
        title: problems[this.code].title,
        status: this.status,
        detail: this.message,
        code: this.code,
        ...(this.faults && { errors: audience === 'pages' ? this.faults.map(pointing) : this.faults }),
        ...this.members,
      }),
    );
  }
}

/** A page has one name for a field, wherever it is sent. */
function pointing(fault: Fault): Fault {
  return 'parameter' in fault ? { pointer: `/${fault.parameter}`, ...fault } : fault;
}

/** A refusal in a sentence that a page shows as it is, beside the field where it is about one. */
export function refusal(
  code: ProblemCode,
  said: string,
  { field, retryAfterSeconds }: { field?: string | undefined; retryAfterSeconds?: number | undefined } = {},
): Problem {
  return new Problem(code, said, {
    ...(field !== undefined && { faults: [{ pointer: `/${field}`, detail: said }] }),
    ...(retryAfterSeconds !== undefined && { headers: { 'Retry-After': String(retryAfterSeconds) } }),
  });
}

/** What a page is told of what is not there: not whether it ever was. */
export function notHere(said = 'There is no such thing here, or no longer.'): Problem {
  return refusal('not_found', said);
}

/** What answers for an id that the environment does not have, be it another environment's, deleted, or never given. */
export function notFound(id: string): Problem {
  return new Problem('not_found', `there is no ${JSON.stringify(id)} in this environment`);
}

/** One fault of a body's field. */
export function invalidField(pointer: string, detail: string): Problem {
  return new Problem('invalid_request', `${pointer}: ${detail}`, { faults: [{ pointer, detail }] });
}

/** One fault of a query's parameter. */
export function invalidParameter(parameter: string, detail: string): Problem {
  return new Problem('invalid_request', `${parameter}: ${detail}`, { faults: [{ parameter, detail }] });
}

/** A key as one step of a JSON pointer (RFC 6901). */
export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function invalidCursor(parameter: string): Problem {
  const detail = 'is not a cursor of this environment';
  return new Problem('invalid_cursor', `${parameter}: ${detail}`, { faults: [{ parameter, detail }] });
}

/** The one edge where whatever was thrown becomes an answer. */
export function problemOf(error: unknown, audience: Audience = 'programs'): Problem {
  if (error instanceof CommitUnanswered) return new Problem('unavailable', unanswered[audience], { headers: { 'Retry-After': '5' } });
  return error instanceof Problem ? error : worded(translated(error), audience);
}

const unanswered: Record<Audience, string> = {
  programs:
    'the connection to the database broke before it said whether the change was made, so that is not known. To send a PUT, PATCH or DELETE again is safe; ' +
    'so is a POST once you have looked, and what it should make is not there',
  pages:
    'The connection to the database broke before it said whether the change was made. Look whether it was; if not, it is safe to try again.',
};

/** A problem in the words of a door, where nothing but its code is known. */
export function worded(problem: Problem, audience: Audience): Problem {
  const said = audience === 'pages' ? saidOnPages[problem.code] : undefined;
  return said === undefined ? problem : new Problem(problem.code, said, { headers: problem.headers });
}

const saidOnPages: Partial<Record<ProblemCode, string>> = {
  invalid_request: 'The request could not be read.',
  invalid_json: 'The request could not be read.',
  unsupported_media_type: 'The request could not be read.',
  body_too_large: 'That is too large.',
  not_found: notHere().message,
  unavailable: 'The database cannot be reached right now. Try again in a moment.',
  internal: 'Something went wrong here. Try again; the log of the broker has the cause.',
};

function translated(error: unknown): Problem {
  if (error instanceof ExternalIdTaken)
    return new Problem('external_id_taken', error.message, { faults: [{ pointer: '/external_id', detail: error.message }] });
  if (
    error instanceof DirectoryGone ||
    error instanceof EndpointNotFound ||
    error instanceof DeliveryNotFound ||
    error instanceof UnknownOrganization
  ) {
    return new Problem('not_found', error.message);
  }
  if (error instanceof InvalidEndpointUrl) return invalidField('/url', error.message);
  if (error instanceof InvalidEndpointHeader) return invalidField(`/headers/${escapePointer(error.header)}`, error.message);
  if (error instanceof InvalidMapping) return new Problem('invalid_request', error.message, { faults: [...error.errors] });
  if (error instanceof InvalidDeliveryCursor) return invalidCursor('cursor');
  if (error instanceof EndpointDisabled) return new Problem('endpoint_disabled', error.message);
  if (error instanceof TooManyEndpoints) return new Problem('too_many_endpoints', error.message);
  if (error instanceof TooManyConsumers) return new Problem('too_many_consumers', error.message);
  if (error instanceof AlreadyMember) return refusal('already_member', `${error.email} is a member already.`, { field: 'email' });
  if (error instanceof LastAdmin) return refusal('last_admin', 'Every environment needs an admin. Make somebody else an admin first.');
  if (error instanceof EnvironmentInUse)
    return refusal(
      'environment_in_use',
      'Directories were made in this environment, so it cannot be deleted: its events and requests belong to it.',
    );
  if (error instanceof HashingBusy)
    return new Problem('busy', error.message, { headers: { 'Retry-After': String(error.retryAfterSeconds) } });
  if (isPoolFull(error))
    return new Problem('busy', 'No connection to the database was free in time. Try again in a moment.', {
      headers: { 'Retry-After': '5' },
    });
  if (isOutage(error)) return new Problem('unavailable', 'the database cannot be reached right now', { headers: { 'Retry-After': '5' } });
  if (error instanceof QueryNotUtf8) return new Problem('invalid_request', error.message);
  return bodyProblemOf(error) ?? new Problem('internal', 'the request could not be processed');
}

export function sendProblem(res: Response, problem: Problem, publicUrl: string, audience: Audience = 'programs'): void {
  res.locals.decision = problem.code;
  res.statusCode = problem.status;
  for (const [name, value] of Object.entries(problem.headers)) res.setHeader(name, value);
  res.setHeader('Content-Type', 'application/problem+json');
  res.setHeader('Cache-Control', 'no-store');
  res.end(problem.toText(publicUrl, audience));
}

/** The error edge of every door that answers in problem+json. */
export function problemEdge(publicUrl: string, audience: Audience = 'programs'): ErrorRequestHandler {
  return (error: unknown, _req, res, _next) => {
    const problem = problemOf(error, audience);
    if (problem.status >= 500) res.locals.failure = error;
    // Half an answer cannot be taken back: cutting the connection is what tells the caller that it is not whole.
    if (res.headersSent) res.destroy();
    else sendProblem(res, problem, publicUrl, audience);
  };
}

// What express, its body parser and its router throw carries a `status`; the parser's say in `type` what was wrong.
function bodyProblemOf(error: unknown): Problem | undefined {
  // A part of the path that cannot be decoded is no id of anything.
  if (error instanceof URIError) return new Problem('not_found', 'there is nothing under that path');
  if (!(error instanceof Error) || !('status' in error)) return undefined;
  const type = 'type' in error ? error.type : undefined;
  if (type === 'entity.too.large') return new Problem('body_too_large', 'a body may hold 1 MiB');
  if (error instanceof BodyNotUtf8) return new Problem('invalid_json', error.message);
  if (type === 'entity.parse.failed') return new Problem('invalid_json', 'the body is not JSON');
  if (type === 'encoding.unsupported')
    return new Problem('unsupported_media_type', error.message, { headers: { 'Accept-Encoding': acceptedEncodings } });
  if (type === 'charset.unsupported') return new Problem('unsupported_media_type', error.message);
  if (typeof error.status === 'number' && error.status >= 400 && error.status < 500) return new Problem('invalid_request', error.message);
  return undefined;
}
