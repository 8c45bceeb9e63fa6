import type { Request, Response } from 'express';
import type Redis from 'ioredis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { addressBlock } from './address-block';

// An IdP whose token was replaced asks 25 times a second; its first hundred tries a minute are told what is wrong, and the IdPs of
// all customers may call from the same few addresses.
const windowSeconds = 60;
const perDirectory = 100;
const perAddress = 300;

// Shorter than anybody's time-out (60 s at Okta) and than a stop of the process (10 s).
const holdMs = 5_000;
const heldAtMost = 2_000;

/** What to say to a failed attempt: that it failed, or that there have been too many of them. */
export type Verdict = { kind: 'refuse' } | { kind: 'too_many'; retryAfterSeconds: number };

/**
 * Counts attempts that failed, by the address that they come from and by the directory that they are about.
 *
 * Nobody is locked out: a credential is always looked at, and a right one never asks here. Of wrong ones, those beyond the limit
 * are answered five seconds late: whoever waits for answers sends twelve a minute on each connection.
 *
 * Each process counts for itself; where there is Redis, for all brokers together as well.
 */
export class FailedAttempts {
  readonly #addresses: Counter;
  readonly #directories: Counter;
  #held = 0;

  constructor(redis: Redis | undefined) {
    this.#addresses = counter(redis, 'failed_by_address', perAddress);
    this.#directories = counter(redis, 'failed_by_directory', perDirectory);
  }

  /** Counts one, and waits where it is one too many. `directory` is what the request said, be there such a directory or not. */
  async count(req: Request, res: Response, directory?: string): Promise<Verdict> {
    // By address first: one that is over its limit can no longer fill the memory with directories that it makes up.
    let waitMs = await exceeded(this.#addresses, addressBlock(req.ip));
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

/** A process's own count, and where there is Redis that of all brokers as well. */
interface Counter {
  own: RateLimiterAbstract;
  shared: RateLimiterAbstract | undefined;
}

function counter(redis: Redis | undefined, name: string, points: number): Counter {
  return {
    own: new RateLimiterMemory({ keyPrefix: name, points, duration: windowSeconds }),
    shared:
      redis &&
      new RateLimiterRedis({
        storeClient: redis,
        keyPrefix: `causeway:${name}`,
        points,
        duration: windowSeconds,
        // Beyond the limit Redis is not asked again: what floods us must not flood it.
        inMemoryBlockOnConsumed: points + 1,
        rejectIfRedisNotReady: true,
      }),
  };
}

/**
 * For how many milliseconds more a key is over its limit, with this attempt counted; 0: it is not. The process's own count stands
 * whatever becomes of Redis: one that answers now and then must not have each half of a flood counted by itself.
 */
async function exceeded({ own, shared }: Counter, key: string): Promise<number> {
  const here = await overLimit(own, key);
  if (here > 0 || !shared) return here;
  try {
    return await overLimit(shared, key);
  } catch {
    return 0; // Redis is slow or away
  }
}

async function overLimit(limiter: RateLimiterAbstract, key: string): Promise<number> {
  try {
    await limiter.consume(key);
    return 0;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return Math.max(1, refusal.msBeforeNext);
    throw refusal;
  }
}
