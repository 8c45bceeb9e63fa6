import Redis from 'ioredis';
import { eventually, redisUrl } from '#testing';
import { RequestRate } from './request-rate';

const aRate = (perSecond: number, redis?: Redis, nowMs?: () => number): RequestRate =>
  new RequestRate({ name: 'test_rate', perSecond, redis, ...(nowMs && { nowMs }) });
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

test('four times the rate at once, then the rate, and a second to wait', async () => {
  let now = 5;
  const rate = aRate(10, undefined, () => now);
  const one = key();
  expect(await admitted(rate, one, 100)).toBe(40);
  expect(await rate.admit(one)).toEqual({ retryAfterSeconds: 1, left: 0, fullInSeconds: 4 });
  expect(await admitted(rate, key(), 10)).toBe(10); // another key has a bucket of its own

  let letIn = 0;
  for (; now < 2_000; now += 5) letIn += await admitted(rate, one, 1);
  expect(letIn).toBe(19); // one for each tenth of a second that has passed
  now += 60_000;
  expect(await admitted(rate, one, 100)).toBe(40);
});

test('what is left, and when all of it is there again, is told with every request', async () => {
  let now = 0;
  const rate = aRate(10, undefined, () => now);
  const one = key();
  const told: [number, number][] = [];
  for (let n = 0; n < 40; n += 1) {
    const { left, fullInSeconds } = await rate.admit(one);
    told.push([left, fullInSeconds]);
  }
  expect(told).toEqual(Array.from({ length: 40 }, (_, n) => [39 - n, Math.ceil((n + 1) / 10)]));
  now += 2_050;
  expect(await rate.admit(one)).toEqual({ retryAfterSeconds: 0, left: 19, fullInSeconds: 3 });
});

test('whoever keeps to the rate is never refused', async () => {
  let now = 0;
  const rate = aRate(100, undefined, () => now);
  const one = key();
  for (; now < 10_000; now += 10) expect(await rate.admit(one)).toEqual({ retryAfterSeconds: 0, left: 399, fullInSeconds: 1 });
});

describe.each(places)('kept in %s', (_place, connect) => {
  let redis: Redis | undefined;
  beforeAll(async () => {
    redis = connect();
    await redis?.ping();
  });
  afterAll(() => redis?.disconnect());

  test('four times the rate at once, and again when there is room again', async () => {
    const rate = aRate(10, redis);
    const one = key();
    // The bucket fills while it is emptied: enough are sent that it is empty at last, however slow this machine is.
    let sent = 1;
    let refused = await rate.admit(one);
    expect(refused).toEqual({ retryAfterSeconds: 0, left: 39, fullInSeconds: 1 });
    while (refused.retryAfterSeconds === 0 && sent < 10_000) {
      sent += 1;
      refused = await rate.admit(one);
    }
    expect(sent).toBeGreaterThan(40);
    expect(refused).toEqual({ retryAfterSeconds: 1, left: 0, fullInSeconds: 4 });
    expect(await admitted(rate, key(), 10)).toBe(10); // another key has a bucket of its own
    await eventually(async () => (await rate.admit(one)).retryAfterSeconds === 0);
  });

  test('0 lets everybody pass', async () => {
    expect(await admitted(aRate(0, redis), key(), 1_000)).toBe(1_000);
  });
});

(url ? test : test.skip)('brokers fill the same bucket in Redis, and their own while it is away', async () => {
  const [one, other] = [new Redis(url ?? '', { retryStrategy: () => null }), new Redis(url ?? '')];
  await Promise.all([one.ping(), other.ping()]);
  const directory = key();
  const rates = [aRate(10, one), aRate(10, other)];
  expect(await admitted(rates[0]!, directory, 40)).toBe(40);
  // What one has let in counts at the other.
  const untilRefused = async (rate: RequestRate, most: number) => {
    for (let n = 0; n < most; n += 1) if ((await rate.admit(directory)).retryAfterSeconds > 0) return n;
    return most;
  };
  expect(await untilRefused(rates[1]!, 40)).toBeLessThan(40);

  one.disconnect();
  expect(
    await admitted(
      aRate(10, one, () => 0),
      directory,
      60,
    ),
  ).toBe(40);
  other.disconnect();
});
