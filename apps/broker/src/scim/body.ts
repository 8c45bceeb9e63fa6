import express, { type NextFunction, type Request, type Response } from 'express';
import { isObject, mediaType, ScimError } from '#scim';
import { acceptedEncodings, BodyNotUtf8, refuseOtherThanUtf8 } from '../frame/utf-8';
import { ofWholeBodies } from '../frame/whole-body';
import { BrokenOff } from './errors';
import { deepestBody, isDeeperThan } from './json-depth';
import { bodyBytesAtMost, limits, userBodyBytesAtMost } from './limits';
import { segments } from './request-path';

declare global {
  namespace Express {
    interface Locals {
      bodyBytes?: number;
      /** The request is here, to its last byte. */
      hasArrived?: true;
    }
  }
}

const textOf = (limit: number) =>
  ofWholeBodies(express.text({ limit, type: () => true, defaultCharset: 'utf-8', verify: refuseOtherThanUtf8 }));
const readText = textOf(bodyBytesAtMost);
const readUser = textOf(userBodyBytesAtMost);
const readBulk = textOf(limits.bulkMaxPayloadBytes);

/** G2: SCIM's media type, plain JSON and none at all are read as JSON; others are refused. */
export function readBody(req: Request, res: Response, next: NextFunction): void {
  const media = req.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const carries = req.method === 'POST' || req.method === 'PUT' || req.method === 'PATCH';
  if (carries && media && media !== mediaType && media !== 'application/json') {
    return next(new ScimError(415, undefined, `Content-Type ${JSON.stringify(media)} cannot be read here: send ${mediaType}.`));
  }
  const endpoint = segments(req)[0]?.toLowerCase();
  const isBulk = endpoint === 'bulk';
  const isUser = endpoint === 'users';
  (isBulk ? readBulk : isUser ? readUser : readText)(req, res, (error?: unknown) => {
    if (error) return next(unreadable(error, isBulk, isUser, res));
    res.locals.hasArrived = true;
    const text: unknown = req.body;
    req.body = undefined;
    if (!carries || typeof text !== 'string') return next();
    res.locals.bodyBytes = Buffer.byteLength(text);
    if (isDeeperThan(text, deepestBody))
      return next(new ScimError(400, 'invalidSyntax', `The body is nested more than ${deepestBody} deep.`));
    try {
      req.body = JSON.parse(text);
    } catch {
      // What the parser says quotes the body, and a password may stand there.
      return next(new ScimError(400, 'invalidSyntax', 'The body is not JSON, or not the whole of it.'));
    }
    next();
  });
}

function unreadable(error: unknown, isBulk: boolean, isUser: boolean, res: Response): unknown {
  if (error instanceof BodyNotUtf8) {
    return new ScimError(
      400,
      'invalidSyntax',
      'The body is not UTF-8, which JSON is sent in. Send it so, or say which encoding it is in: Content-Type: application/scim+json; charset=iso-8859-1.',
    );
  }
  const type = isObject(error) ? error.type : undefined;
  if (type === 'request.aborted') return new BrokenOff(false);
  if (type === 'entity.too.large') {
    if (isBulk)
      return new ScimError(
        413,
        undefined,
        `A bulk request may have ${limits.bulkMaxPayloadBytes} bytes (maxPayloadSize) at most. Send it in parts.`,
      );
    if (isUser)
      return new ScimError(413, undefined, `The body is larger than ${userBodyBytesAtMost / 1024 / 1024} MiB. Send less of the user.`);
    return new ScimError(
      413,
      undefined,
      `The body is larger than ${bodyBytesAtMost / 1024 / 1024} MiB. Send the members in several requests.`,
    );
  }
  if (type === 'encoding.unsupported') res.setHeader('Accept-Encoding', acceptedEncodings);
  if (isObject(error) && typeof error.status === 'number' && error.status >= 400 && error.status < 500) {
    return new ScimError(
      error.status === 415 ? 415 : 400,
      error.status === 415 ? undefined : 'invalidSyntax',
      'The body could not be read: it is not whole, or not in an encoding known here (UTF-8).',
    );
  }
  return error;
}
