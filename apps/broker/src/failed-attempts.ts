import type { Request, Response } from 'express';
import type Redis from 'ioredis';
import ipaddr from 'ipaddr.js';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

// An IdP whose token was replaced asks 25 times a second; its first hundred tries a minute are told what is wrong, and the IdPs of
// all customers may call from the same few addresses.
const windowSeconds = 60;
const perDirectory = 100;
const perAddress = 300;

const holdMs = 1_000;
const heldAtMost = 2_000;

/** What to say to a failed attempt: that it failed, or that there have been too many of them. */
export type Verdict = { kind: 'refuse' } | { kind: 'too_many'; retryAfterSeconds: number };

/**
 * Counts attempts that failed, by the address that they come from and by the directory that they are about.
 *
 * Nobody is locked out: a credential is always looked at, and a right one never asks here. Of wrong ones, those beyond the limit
 * are answered a second late: whoever waits for answers sends one a second on each connection, and costs next to nothing.
 *
 * Counts are shared through Redis where there is one, and are the process's own otherwise, and while Redis is away.
 */
export class FailedAttempts {
  readonly #addresses: RateLimiterAbstract;
  readonly #directories: RateLimiterAbstract;
  #held = 0;

  constructor(redis: Redis | undefined) {
    this.#addresses = limiter(redis, 'failed_by_address', perAddress);
    this.#directories = limiter(redis, 'failed_by_directory', perDirectory);
  }

  /** Counts one, and waits where it is one too many. `directory` is what the request said, be there such a directory or not. */
  async count(req: Request, res: Response, directory?: string): Promise<Verdict> {
    // By address first: one that is over its limit can no longer fill the memory with directories that it makes up.
    let waitMs = await exceeded(this.#addresses, addressOf(req.ip));
    if (waitMs === 0 && directory !== undefined) waitMs = await exceeded(this.#directories, directory.slice(0, 64));
    if (waitMs === 0) return { kind: 'refuse' };
    await this.#hold(res);
    return { kind: 'too_many', retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) };
  }

  async #hold(res: Response): Promise<void> {
    if (this.#held >= heldAtMost) {
      // More waiting would be what they are after; a connection of its own for each is dearer for them.
      res.setHeader('Connection', 'close');
      return;
    }
    this.#held += 1;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, holdMs);
      res.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#held -= 1;
  }
}

function limiter(redis: Redis | undefined, keyPrefix: string, points: number): RateLimiterAbstract {
  const own = new RateLimiterMemory({ keyPrefix, points, duration: windowSeconds });
  if (!redis) return own;
  return new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `causeway:${keyPrefix}`,
    points,
    duration: windowSeconds,
    // Beyond the limit Redis is not asked again: what floods us must not flood it.
    inMemoryBlockOnConsumed: points + 1,
    rejectIfRedisNotReady: true,
    insuranceLimiter: own,
  });
}

/** For how many milliseconds more a key is over its limit, with this attempt counted; 0: it is not. */
async function exceeded(counter: RateLimiterAbstract, key: string): Promise<number> {
  try {
    await counter.consume(key);
    return 0;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return Math.max(1, refusal.msBeforeNext);
    throw refusal;
  }
}

/** One counter for each address; of IPv6 for each /64, all of which is one customer's of a network. */
function addressOf(ip: string | undefined): string {
  if (ip === undefined || !ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv6) return address.parts.slice(0, 4).map((part) => part.toString(16)).join(':');
  return address.toString();
}
