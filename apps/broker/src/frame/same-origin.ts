import type { NextFunction, Request, Response } from 'express';
import { refusal } from './errors';

/** Sent by our pages with every write. A page of somebody else cannot set it without a preflight, which is never answered. */
export const pageHeader = 'x-causeway-page';

/**
 * Refuses writes that come from another site's page, though the browser adds our cookie to them: the header above must be there, and
 * the browser must say that the page is ours (Sec-Fetch-Site, or Origin where that is all it knows). SameSite=Lax on the cookie is
 * the third lock.
 */
export function refuseForeignPages(publicUrl: string) {
  return (req: Request, _res: Response, next: NextFunction): void => {
    if (req.method === 'GET' || req.method === 'HEAD' || isOurs(req, publicUrl)) next();
    else next(refusal('foreign_page', 'This request did not come from a page of this broker. Reload the page and try again.'));
  };
}

function isOurs(req: Request, publicUrl: string): boolean {
  if (req.get(pageHeader) === undefined) return false;
  const site = req.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = req.get('origin');
  return origin === publicUrl || (origin !== undefined && hostOf(origin) === req.get('host'));
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
