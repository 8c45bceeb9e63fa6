import type Redis from 'ioredis';

/** `retryAfterSeconds` 0: go on. Otherwise the request is one too many, and there is room again after that. */
export interface Admission {
  retryAfterSeconds: number;
}

const burst = 4;
const keysAtMost = 100_000;

/**
 * Lets each key (a directory) make `perSecond` requests a second, and four times as many at once after a quiet time: a bucket
 * that holds 4 × `perSecond` and is filled by `perSecond` a second. 0: as many as it likes.
 *
 * A bucket is one number: the time at which it will be full again (the "generic cell rate algorithm"). It is kept in Redis where
 * there is one, so that all brokers fill the same bucket, and in the process otherwise, and while Redis is away.
 */
export class RequestRate {
  readonly #perSecond: number;
  readonly #redis: Redis | undefined;
  readonly #nowMs: () => number;
  readonly #fullAt = new Map<string, number>();

  /** `nowMs` is the clock of the buckets in the process; those in Redis go by Redis' own. */
  constructor(perSecond: number, redis: Redis | undefined, nowMs = (): number => performance.now()) {
    this.#perSecond = perSecond;
    this.#redis = redis;
    this.#nowMs = nowMs;
  }

  async admit(key: string): Promise<Admission> {
    if (this.#perSecond === 0) return { retryAfterSeconds: 0 };
    const waitMs = (await this.#waitInRedis(key)) ?? this.#waitHere(key);
    return { retryAfterSeconds: waitMs > 0 ? Math.max(1, Math.ceil(waitMs / 1_000)) : 0 };
  }

  #waitHere(key: string): number {
    const now = this.#nowMs();
    const stepMs = 1_000 / this.#perSecond;
    const fullAt = Math.max(this.#fullAt.get(key) ?? 0, now) + stepMs;
    const waitMs = fullAt - now - burst * 1_000;
    if (waitMs > tolerance) return waitMs;
    if (this.#fullAt.size >= keysAtMost && !this.#fullAt.has(key)) this.#forgetFull(now);
    this.#fullAt.set(key, fullAt);
    return 0;
  }

  #forgetFull(now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key);
  }

  /** Undefined: Redis cannot say. */
  async #waitInRedis(key: string): Promise<number | undefined> {
    if (this.#redis?.status !== 'ready') return undefined;
    try {
      const wait: unknown = await this.#redis.eval(takeOne, 1, `causeway:scim_rate:${key}`, 1_000_000 / this.#perSecond, burst * 1_000_000);
      return Number(wait) / 1_000;
    } catch {
      return undefined; // slow or away: what this process has counted itself will do
    }
  }
}

// Milliseconds by which sums of fractions may be off.
const tolerance = 1e-6;

// The same in microseconds by Redis' clock, so that the brokers' clocks do not matter.
const takeOne = `
local time = redis.call('time')
local now = time[1] * 1000000 + time[2]
local full_at = math.max(tonumber(redis.call('get', KEYS[1]) or 0), now) + tonumber(ARGV[1])
local wait = full_at - now - tonumber(ARGV[2])
if wait > 0 then return math.ceil(wait) end
redis.call('set', KEYS[1], string.format('%.0f', full_at), 'px', math.ceil((full_at - now) / 1000) + 1000)
return 0
`;
