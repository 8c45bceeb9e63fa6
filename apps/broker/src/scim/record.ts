import type { Request, Response } from 'express';
import type { ScimDirectory } from '#directory';
import { presentTime } from '#identifier';
import type { ScimError } from '#scim';
import { BrokenOff, brokenOffStatus } from './errors';
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

/** Keeps the exchange for whoever must find out what the IdP did, once it has ended: with its answer, or broken off. */
export function recordAtEnd(recentRequests: RecentRequests, directory: ScimDirectory, req: Request, res: Response): void {
  const at = presentTime();
  const begun = performance.now();
  const record = (): void => {
    const { refusal, exchange, hasArrived } = res.locals;
    const isAnswered = res.writableFinished || res.headersSent;
    const told = isAnswered ? refusal : new BrokenOff(hasArrived ?? false);
    const query = req.originalUrl.indexOf('?');
    recentRequests.add(
      {
        id: res.locals.requestId,
        environmentId: directory.environmentId,
        directoryId: directory.id,
        at,
        method: req.method,
        path: storable(`${pathOf(res)}${query === -1 ? '' : req.originalUrl.slice(query)}`).slice(0, 4_000),
        status: isAnswered ? res.statusCode : brokenOffStatus,
        scimType: told?.scimType ?? null,
        detail: told ? storable(told.detail) : null,
        notes: [...new Set(exchange?.notes)].map(storable), // a change that was begun again has noted some twice
        durationMs: performance.now() - begun,
        userAgent: req.headers['user-agent'] === undefined ? null : storable(req.headers['user-agent']).slice(0, 500),
        requestBody: maskedBody(req.body, res.locals.bodyBytes ?? 0),
        responseBody: isAnswered && refusal ? { ...refusal.toJSON(), detail: storable(refusal.detail) } : undefined,
      },
      directory.state !== 'disabled',
    );
  };
  if (res.closed) record();
  else res.once('close', record);
}
