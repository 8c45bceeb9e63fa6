import {
  BrakeEngaged,
  DirectoryGone,
  GroupNameTaken,
  GroupNotFound,
  NoSeatLeft,
  UnknownMember,
  UserNameTaken,
  UserNotFound,
} from '#directory';
import { CommitUnanswered, isOutage, isPoolFull } from '#postgres';
import { ScimError } from '#scim';
import { QueryNotUtf8 } from '../frame/utf-8';

/** The credential is none of this directory's, or there is no such directory: nobody is told which. */
export class Unauthorized extends Error {
  constructor(readonly credentialGiven: boolean) {
    super('unauthorized');
  }
}

/** Not of any RFC: nginx writes it of a client that has gone. */
export const brokenOffStatus = 499;

/**
 * The connection ended before the answer. Nobody was refused anything, and nobody is told: the status stands in the request log alone.
 * `hasArrived`: the request was there, to its last byte.
 */
export class BrokenOff extends ScimError {
  constructor(hasArrived: boolean) {
    super(
      brokenOffStatus,
      undefined,
      hasArrived
        ? 'The connection was broken off before it was answered. What was asked for may have been done all the same; to send it again is safe.'
        : 'The connection was broken off before the request had arrived whole. Nothing has been changed.',
    );
  }
}

/** The same request may well be taken later: `retryAfterSeconds` goes into the header Retry-After. */
export class TooManyRequests extends ScimError {
  constructor(
    detail: string,
    readonly retryAfterSeconds: number,
  ) {
    super(429, undefined, detail);
  }
}

/**
 * What the IdP is told. Sentences here reach IT admins by way of their IdP's own log. What nobody foresaw is a 500 that
 * says nothing; its cause is for the log alone.
 */
export function scimErrorOf(error: unknown): ScimError {
  if (error instanceof ScimError) return error;
  if (error instanceof Unauthorized || error instanceof DirectoryGone) {
    return new ScimError(
      401,
      undefined,
      'This needs a valid credential of this directory in the Authorization header. Check the base URL and the secret token.',
    );
  }
  if (error instanceof UserNotFound) return new ScimError(404, undefined, 'There is no user with this id in this directory.');
  if (error instanceof GroupNotFound) return new ScimError(404, undefined, 'There is no group with this id in this directory.');
  if (error instanceof UserNameTaken) {
    return new ScimError(
      409,
      'uniqueness',
      `Another user of this directory already has the userName ${JSON.stringify(error.userName)}. Match on it instead, or send another userName.`,
    );
  }
  if (error instanceof GroupNameTaken) {
    return new ScimError(
      409,
      'uniqueness',
      `Another group of this directory already has the displayName ${JSON.stringify(error.displayName)}. Match on it instead, or send another displayName.`,
    );
  }
  if (error instanceof UnknownMember) {
    return new ScimError(
      400,
      'invalidValue',
      `members: there is no user or group with the id ${JSON.stringify(error.value.slice(0, 100))} in this directory. Provision it first, then add it.`,
    );
  }
  if (error instanceof NoSeatLeft) return new ScimError(403, undefined, noSeat(error));
  if (error instanceof BrakeEngaged) {
    return new TooManyRequests(
      'The brake of this directory is engaged: so many users were deactivated or deleted in a short time that it was stopped, and this one stays as it is. If it was meant, ask the application’s vendor to release the brake; the next try then passes.',
      error.retryAfterSeconds,
    );
  }
  if (error instanceof QueryNotUtf8) {
    return new ScimError(
      400,
      'invalidFilter',
      'The query cannot be decoded: a "%" in it begins no percent-encoding, or stands for bytes that are not UTF-8. Percent-encode the UTF-8 bytes, as in J%C3%BCrgen.',
    );
  }
  // The path is decoded before anything else is done.
  if (error instanceof URIError)
    return new ScimError(400, 'invalidSyntax', 'The URL cannot be decoded: a "%" in it is followed by what is no UTF-8.');
  if (error instanceof CommitUnanswered) {
    return new ScimError(
      503,
      undefined,
      'The connection to the database broke before it said whether the change was made, so that is not known. Send the request again: that is safe.',
    );
  }
  if (isPoolFull(error))
    return new ScimError(503, undefined, 'Too much is being done here at the moment: no connection was free in time. Try again shortly.');
  if (isOutage(error)) return new ScimError(503, undefined, 'The database cannot be reached at the moment. Try again shortly.');
  return new ScimError(500, undefined, 'The request could not be processed. If it happens again, report the X-Request-Id of this answer.');
}

function noSeat({ used, limit, ceiling }: NoSeatLeft): string {
  const over = used > limit ? ', more than there are' : '';
  const bound = ceiling === null ? '' : `, and seats are added automatically up to ${Math.max(ceiling, limit)} only`;
  return `No seat is left: ${used} of ${limit} seats of this organization are taken${over}${bound}. Deactivate a user who needs none, or ask the application’s vendor for more seats.`;
}
