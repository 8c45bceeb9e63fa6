import type { NextFunction, Request, Response } from 'express';
import { Problem } from './errors';

/**
 * What a URL may have: a filter of 4 KB, of which percent-encoding makes three times as much, and what stands around it. The rest of
 * what is read of a request before its body is for its headers.
 */
export const urlBytesAtMost = 14 * 1024;

export const urlTooLong = `The URL is longer than ${urlBytesAtMost / 1024} KiB. Ask for less at once, or send the query as the body of POST …/.search.`;

/** For every door but the SCIM one, which says it in its own words. */
export function refuseLongUrl(req: Request, _res: Response, next: NextFunction): void {
  if (req.originalUrl.length <= urlBytesAtMost) return next();
  throw new Problem('url_too_long', `the URL is longer than ${urlBytesAtMost / 1024} KiB`);
}
