import type { NextFunction, Request, Response } from 'express';

declare global {
  namespace Express {
    interface Locals {
      /** Below the base URL, without the query. */
      scimPath?: string;
    }
  }
}

/** What the request is about is also said at the error edge, and when it has ended: by then express has forgotten the parameters. */
export function keepPath(req: Request, res: Response, next: NextFunction): void {
  res.locals.scimPath = `/${segments(req).join('/')}`;
  next();
}

export function pathOf(res: Response): string {
  return res.locals.scimPath ?? '/';
}

/** The path below the base URL; a trailing slash, or a doubled one, says nothing. */
export function segments(req: Request): string[] {
  const path: unknown = req.params.path;
  return (Array.isArray(path) ? path : []).map(String).filter((segment) => segment !== '');
}
