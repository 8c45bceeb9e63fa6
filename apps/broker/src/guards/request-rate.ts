import type Redis from 'ioredis';
import { bounds } from '#bounds';

/** Whether a request may go on, and how much room its key has after it. */
export interface Admission {
  /** 0: go on. Otherwise the request is one too many, and there is room again after that. */
  retryAfterSeconds: number;
  /** How many more may be made at once. */
  left: number;
  /** After how many quiet seconds the whole burst is there again. */
  fullInSeconds: number;
}

/**
 * Lets each key (a directory, an API key) make `perSecond` requests a second, and four times as many at once after a quiet time: a bucket
 * that holds 4 × `perSecond` and is filled by `perSecond` a second. 0: as many as it likes.
 *
 * A bucket is one number: the time at which it will be full again (the "generic cell rate algorithm"). It is kept in Redis where
 * there is one, so that all brokers fill the same bucket, and in the process otherwise, and while Redis is away.
 */
export class RequestRate {
  readonly perSecond: number;
  readonly #name: string;
  readonly #redis: Redis | undefined;
  readonly #nowMs: () => number;
  readonly #fullAt = new Map<string, number>();

  /** `name` tells its buckets in Redis from others. `nowMs` is the clock of those in the process; those in Redis go by Redis' own. */
  constructor(o: { name: string; perSecond: number; redis: Redis | undefined; nowMs?: () => number }) {
    this.perSecond = o.perSecond;
    this.#name = o.name;
    this.#redis = o.redis;
    this.#nowMs = o.nowMs ?? (() => performance.now());
  }

  async admit(key: string): Promise<Admission> {
    if (this.perSecond === 0) return { retryAfterSeconds: 0, left: Infinity, fullInSeconds: 0 };
    const taken = (await this.#takeInRedis(key)) ?? this.#takeHere(key);
    const { waitMs, emptyMs } = taken;
    return {
      retryAfterSeconds: waitMs > 0 ? Math.max(1, Math.ceil(waitMs / 1_000)) : 0,
      left: waitMs > 0 ? 0 : Math.floor(((burstMs - emptyMs) * this.perSecond) / 1_000 + tolerance),
      fullInSeconds: Math.ceil(emptyMs / 1_000 - tolerance),
    };
  }

  #takeHere(key: string): Taken {
    const now = this.#nowMs();
    const stepMs = 1_000 / this.perSecond;
    const emptyMs = Math.max((this.#fullAt.get(key) ?? 0) - now, 0);
    const waitMs = emptyMs + stepMs - burstMs;
    if (waitMs > tolerance) return { waitMs, emptyMs };
    if (this.#fullAt.size >= bounds.ratedKeys && !this.#fullAt.has(key)) this.#forgetFull(now);
    this.#fullAt.set(key, now + emptyMs + stepMs);
    return { waitMs: 0, emptyMs: emptyMs + stepMs };
  }

  #forgetFull(now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key);
  }

  /** Undefined: Redis cannot say. */
  async #takeInRedis(key: string): Promise<Taken | undefined> {
    if (this.#redis?.status !== 'ready') return undefined;
    try {
      const at = `causeway:${this.#name}:${key}`;
      const said: unknown = await this.#redis.eval(takeOne, 1, at, 1_000_000 / this.perSecond, burstMs * 1_000);
      const [wait, empty]: unknown[] = Array.isArray(said) ? said : [];
      return { waitMs: Number(wait) / 1_000, emptyMs: Number(empty) / 1_000 };
    } catch {
      return undefined; // slow or away: what this process has counted itself will do
    }
  }
}

/** How long until there is room, 0 where there was; and how long until the bucket is full again, with this one taken where there was room. */
interface Taken {
  waitMs: number;
  emptyMs: number;
}

const burstMs = bounds.burstSeconds * 1_000;

// Milliseconds by which sums of fractions may be off.
const tolerance = 1e-6;

// The same in microseconds by Redis' clock, so that the brokers' clocks do not matter.
const takeOne = `
local time = redis.call('time')
local now = time[1] * 1000000 + time[2]
local empty = math.max(tonumber(redis.call('get', KEYS[1]) or 0) - now, 0)
local wait = empty + tonumber(ARGV[1]) - tonumber(ARGV[2])
if wait > 0 then return {math.ceil(wait), math.ceil(empty)} end
empty = empty + tonumber(ARGV[1])
redis.call('set', KEYS[1], string.format('%.0f', now + empty), 'px', math.ceil(empty / 1000) + 1000)
return {0, math.ceil(empty)}
`;
