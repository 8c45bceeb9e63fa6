import type { Response } from 'express';
import { Problem } from '../frame/errors';
import type { RequestRate } from '../guards/request-rate';

/**
 * Counts a request of an API key, and tells it with every answer what is left (draft-ietf-httpapi-ratelimit-headers): `q` requests in
 * each `w` seconds; `r` more at once by now; all of them again after `t` quiet seconds. After authentication: strangers cannot use up
 * what is another's. @throws Problem 429
 */
export async function holdToRate(rate: RequestRate, keyId: string, res: Response): Promise<void> {
  if (rate.perSecond === 0) return;
  const { retryAfterSeconds, left, fullInSeconds } = await rate.admit(keyId);
  res.setHeader('RateLimit-Policy', `"key";q=${rate.perSecond};w=1`);
  res.setHeader('RateLimit', `"key";r=${left};t=${fullInSeconds}`);
  if (retryAfterSeconds === 0) return;
  throw new Problem('too_many_requests', `this key sends more than ${rate.perSecond} requests a second: send this one again later`, {
    headers: { 'Retry-After': String(retryAfterSeconds) },
  });
}
