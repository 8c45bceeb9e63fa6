import { probeDelaysSeconds, retryAfterSeconds, retryDelaySeconds } from './retry-schedule';

test('5 s, 30 s, 2 min, 5 min, 15 min, 30 min, and every 30 min from then on, give or take a fifth', () => {
  const delays = (random: number): number[] =>
    [1, 2, 3, 4, 5, 6, 7, 50].map((failures) => Math.round(retryDelaySeconds(failures, {}, random)));
  expect(delays(0.5)).toEqual([5, 30, 120, 300, 900, 1_800, 1_800, 1_800]);
  expect(delays(0)).toEqual([4, 24, 96, 240, 720, 1_440, 1_440, 1_440]);
  expect(delays(1)).toEqual([6, 36, 144, 360, 1_080, 2_160, 2_160, 2_160]);
});

test('Retry-After takes its place, from a second to an hour; of a refused event it can only be longer', () => {
  expect(retryDelaySeconds(3, { retryAfterSeconds: 10 }, 0.5)).toBe(10);
  expect(retryDelaySeconds(1, { retryAfterSeconds: 0 }, 0.5)).toBe(1);
  expect(retryDelaySeconds(1, { retryAfterSeconds: 86_400 }, 0.5)).toBe(3_600);
  expect(retryDelaySeconds(3, { retryAfterSeconds: 10, refused: true }, 0.5)).toBe(120);
});

test('Retry-After is seconds or a date', () => {
  const now = new Date('2026-01-31T09:00:00Z');
  expect(retryAfterSeconds('120', now)).toBe(120);
  expect(retryAfterSeconds('Sat, 31 Jan 2026 09:01:00 GMT', now)).toBe(60);
  expect(retryAfterSeconds('Sat, 31 Jan 2026 08:00:00 GMT', now)).toBe(0);
  for (const text of [undefined, '', 'soon', '-5', '1.5e']) expect(retryAfterSeconds(text, now)).toBeUndefined();
});

test('an endpoint is probed after 5 s, 30 s, 2 min, and every 5 min from then on', () => {
  expect(probeDelaysSeconds(0.5).map(Math.round)).toEqual([5, 30, 120, 300]);
});
