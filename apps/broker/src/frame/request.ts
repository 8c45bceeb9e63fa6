import type { NextFunction, Request, Response } from 'express';
import type { Logger } from 'pino';
import type { OutageLog } from '#runtime';
import { newId, publicId } from '#identifier';
import type { Door } from './door';
import type { HttpMetrics } from './metrics';

declare global {
  namespace Express {
    /** What is known of a request, gathered on its way through and written in one line at its end. */
    interface Locals {
      /** UUIDv7; outside it is `req_…`, in the header X-Request-Id of every answer. */
      requestId: string;
      door: Door;
      /** What was decided, in a word or two: `user.created`, `not_found`, `replayed`. */
      decision?: string;
      environmentId?: string;
      directoryId?: string;
      /** Set where a request was held back until something came: its duration says nothing of the broker's speed. */
      waited?: boolean;
      /** Why the request failed, where the caller is told nothing of it. */
      failure?: unknown;
    }
  }
}

/** Gives each request its id, and measures and logs it when it has ended, however it ended. */
export function identifyRequest(log: Logger, metrics: HttpMetrics, outages: OutageLog) {
  // What is in a line is named below, and none of it is a field that holds a secret: looking for those would cost more than the rest of it.
  const lines = log.child({}, { redact: [] });
  return (req: Request, res: Response, next: NextFunction): void => {
    const begun = performance.now();
    const requestId = newId();
    res.locals.requestId = requestId;
    res.locals.door = 'none';
    res.setHeader('X-Request-Id', publicId('req', requestId));

    res.once('close', () => {
      const { door, decision, environmentId, directoryId, waited, failure } = res.locals;
      const durationMs = performance.now() - begun;
      // 499: the caller went away before there was an answer.
      const status = res.writableFinished || res.headersSent ? res.statusCode : 499;
      if (!waited) metrics.observe({ door, method: req.method, status, durationMs });
      const line = {
        request_id: publicId('req', requestId),
        door,
        method: req.method,
        // Without the query: whatever is in it, a secret put there by mistake included, is not for the log.
        path: pathOf(req.originalUrl),
        status,
        duration_ms: Math.round(durationMs * 10) / 10,
        decision: decision ?? (status === 499 ? 'abandoned' : undefined),
        environment_id: environmentId && publicId('env', environmentId),
        directory_id: directoryId && publicId('dir', directoryId),
        remote: req.ip,
      };
      // Of an outage two lines tell; its requests have theirs as all requests have, with a word on why.
      if (failure !== undefined && outages.counts(failure, 'requests')) lines.info({ ...line, outage: wordOn(failure) }, 'request');
      else if (failure !== undefined) log.error({ ...line, err: failure }, 'request failed');
      else if (door === 'health') lines.debug(line, 'request');
      else lines.info(line, 'request');
    });
    next();
  };
}

function wordOn(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}

/** Names the door that a request came through. */
export function throughDoor(door: Door) {
  return (_req: Request, res: Response, next: NextFunction): void => {
    res.locals.door = door;
    next();
  };
}

/** The path as the log has it. The links that are mailed end in a secret: a browser opens /reset/… as a page. */
function pathOf(url: string): string {
  const end = url.indexOf('?');
  return (end === -1 ? url : url.slice(0, end)).replace(/^(\/+(?:confirm|reset|invitation)\/).+/i, '$1***');
}
