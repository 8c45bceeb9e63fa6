import Redis from 'ioredis';
import { redisUrl } from '#testing';
import { RequestRate } from './request-rate';

const key = (): string => `test ${Math.random()}`;
const admitted = async (rate: RequestRate, of: string, times: number): Promise<number> => {
  const answers = await Promise.all(Array.from({ length: times }, () => rate.admit(of)));
  return answers.filter(({ retryAfterSeconds }) => retryAfterSeconds === 0).length;
};

const url = redisUrl();
const places: [string, () => Redis | undefined][] = [
  ['the process', () => undefined],
  ...(url ? [['Redis', () => new Redis(url)] as [string, () => Redis]] : []),
];

describe.each(places)('kept in %s', (_place, connect) => {
  let redis: Redis | undefined;
  beforeAll(async () => {
    redis = connect();
    await redis?.ping();
  });
  afterAll(() => redis?.disconnect());

  test('four times the rate at once, then the rate', async () => {
    const rate = new RequestRate(10, redis);
    const one = key();
    const begun = performance.now();
    expect(await admitted(rate, one, 100)).toBe(40 + Math.floor((performance.now() - begun) / 100));
    expect(await rate.admit(one)).toEqual({ retryAfterSeconds: 1 });
    expect(await admitted(rate, key(), 10)).toBe(10); // another key has a bucket of its own

    let let_in = 0;
    const until = performance.now() + 1_000;
    while (performance.now() < until) {
      if ((await rate.admit(one)).retryAfterSeconds === 0) let_in += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(let_in).toBeGreaterThanOrEqual(9);
    expect(let_in).toBeLessThanOrEqual(12);
  });

  test('whoever keeps to the rate is never refused', async () => {
    const rate = new RequestRate(100, redis);
    const one = key();
    for (let i = 0; i < 100; i++) {
      expect(await rate.admit(one)).toEqual({ retryAfterSeconds: 0 });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  test('0 lets everybody pass', async () => {
    expect(await admitted(new RequestRate(0, redis), key(), 1_000)).toBe(1_000);
  });
});

(url ? test : test.skip)('brokers fill the same bucket in Redis, and their own while it is away', async () => {
  const [one, other] = [new Redis(url ?? '', { retryStrategy: () => null }), new Redis(url ?? '')];
  await Promise.all([one.ping(), other.ping()]);
  const directory = key();
  const rates = [new RequestRate(10, one), new RequestRate(10, other)];
  const both = await Promise.all(rates.map((rate) => admitted(rate, directory, 40)));
  expect(both.reduce((sum, n) => sum + n)).toBeLessThanOrEqual(42);

  one.disconnect();
  expect(await admitted(new RequestRate(10, one), directory, 60)).toBe(40);
  other.disconnect();
});
