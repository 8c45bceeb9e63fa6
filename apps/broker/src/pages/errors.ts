import type { ErrorRequestHandler } from 'express';
import { AlreadyMember, EnvironmentInUse, LastAdmin } from '#accounts';
import { isOutage } from '#postgres';

/** Every code that the console's own paths can refuse with, and its status. */
const statuses = {
  invalid_request: 400,
  wrong_credentials: 401,
  signed_out: 401,
  not_allowed: 403,
  foreign_page: 403,
  sign_up_closed: 403,
  not_found: 404,
  already_member: 409,
  last_admin: 409,
  environment_in_use: 409,
  link_used: 410,
  body_too_large: 413,
  too_many_attempts: 429,
  internal: 500,
  unavailable: 503,
} as const;

export type PageProblemCode = keyof typeof statuses;

/** A refusal; `message` is a sentence that the page shows as it is. */
export class PageProblem extends Error {
  readonly status: number;

  constructor(
    readonly code: PageProblemCode,
    detail: string,
    readonly field?: string,
    readonly retryAfterSeconds?: number,
  ) {
    super(detail);
    this.status = statuses[code];
  }
}

export function notFound(what = 'There is no such thing here, or no longer.'): PageProblem {
  return new PageProblem('not_found', what);
}

/** The error edge of what the console and the setup page talk to: problem+json, as the API has it. */
export const pageErrorEdge: ErrorRequestHandler = (error: unknown, _req, res, _next) => {
  const problem = problemOf(error);
  if (problem.status >= 500) res.locals.failure = error;
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.locals.decision = problem.code;
  res.statusCode = problem.status;
  if (problem.retryAfterSeconds !== undefined) res.setHeader('Retry-After', String(problem.retryAfterSeconds));
  res.setHeader('Content-Type', 'application/problem+json');
  res.setHeader('Cache-Control', 'no-store');
  res.end(
    JSON.stringify({
      status: problem.status,
      code: problem.code,
      detail: problem.message,
      ...(problem.field !== undefined && { errors: [{ pointer: `/${problem.field}`, detail: problem.message }] }),
    }),
  );
};

function problemOf(error: unknown): PageProblem {
  if (error instanceof PageProblem) return error;
  if (error instanceof AlreadyMember) return new PageProblem('already_member', `${error.email} is a member already.`, 'email');
  if (error instanceof LastAdmin)
    return new PageProblem('last_admin', 'Every environment needs an admin. Make somebody else an admin first.');
  if (error instanceof EnvironmentInUse)
    return new PageProblem(
      'environment_in_use',
      'Directories were made in this environment, so it cannot be deleted: its events and requests belong to it.',
    );
  // What express and its body parser throw carries a `status`.
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  if (status === 413) return new PageProblem('body_too_large', 'That is too large.');
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new PageProblem('invalid_request', 'The request could not be read.');
  if (isOutage(error))
    return new PageProblem('unavailable', 'The database cannot be reached right now. Try again in a moment.', undefined, 5);
  return new PageProblem('internal', 'Something went wrong here. Try again; the log of the broker has the cause.');
}
