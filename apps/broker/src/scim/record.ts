import type { Request, Response } from 'express';
import type { ScimDirectory } from '#directory';
import { presentTime } from '#identifier';
import type { ScimError } from '#scim';
import type { Exchange } from './exchange';
import { maskedBody, storable } from './masked';
import type { RecentRequests } from './recent-requests';
import { pathOf } from './request-path';

declare global {
  namespace Express {
    interface Locals {
      exchange?: Exchange;
      refusal?: ScimError;
    }
  }
}

/** Keeps the exchange for whoever must find out what the IdP did, once it has ended. */
export function recordAtEnd(recentRequests: RecentRequests, directory: ScimDirectory, req: Request, res: Response): void {
  const at = presentTime();
  const begun = performance.now();
  res.once('close', () => {
    const { refusal, exchange } = res.locals;
    const query = req.originalUrl.indexOf('?');
    recentRequests.add(
      {
        id: res.locals.requestId,
        environmentId: directory.environmentId,
        directoryId: directory.id,
        at,
        method: req.method,
        path: storable(`${pathOf(res)}${query === -1 ? '' : req.originalUrl.slice(query)}`).slice(0, 4_000),
        status: res.statusCode,
        scimType: refusal?.scimType ?? null,
        detail: refusal ? storable(refusal.detail) : null,
        notes: [...new Set(exchange?.notes)].map(storable), // a change that was begun again has noted some twice
        durationMs: performance.now() - begun,
        userAgent: req.headers['user-agent'] === undefined ? null : storable(req.headers['user-agent']).slice(0, 500),
        requestBody: maskedBody(req.body, res.locals.bodyBytes ?? 0),
        responseBody: refusal && { ...refusal.toJSON(), detail: storable(refusal.detail) },
      },
      directory.state !== 'disabled',
    );
  });
}
