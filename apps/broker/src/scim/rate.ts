import type { NextFunction, Request, Response } from 'express';
import type { RequestRate } from '../guards/request-rate';
import { TooManyRequests } from './errors';

/** Holds a directory's IdP to its rate. After authentication: strangers cannot use up what is another's. */
export function limitRate(rate: RequestRate) {
  return async (_req: Request, res: Response, next: NextFunction): Promise<void> => {
    const { retryAfterSeconds } = await rate.admit(res.locals.directoryId ?? '');
    if (retryAfterSeconds > 0) {
      throw new TooManyRequests(
        'This directory sends more requests than it may. Send this one again after the seconds in Retry-After.',
        retryAfterSeconds,
      );
    }
    next();
  };
}
