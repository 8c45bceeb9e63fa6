/** 5 s, 30 s, 2 min, 5 min, 15 min, 30 min: six tries in the first 53 minutes; then every 30 min. */
const delays = [5, 30, 120, 300, 900, 1_800];

/** A tenth of an endpoint's own day of bad luck should not come back all at once. */
const spread = 0.2;

export const longestRetryAfterSeconds = 3_600;

/** The longest that is waited after the first failure in a row, the second …, where the endpoint did not say how long. */
export const longestDelaysSeconds: readonly number[] = delays.map((seconds) => seconds * (1 + spread));

/**
 * How long to wait after the `failures`th failure in a row (from 1), ± 20 %.
 *
 * `Retry-After` takes the place of the schedule, up to an hour and from a second; where the event itself was refused it can only
 * lengthen it, or twelve refusals would pass in twelve seconds.
 *
 * @param random 0 … 1
 */
export function retryDelaySeconds(
  failures: number,
  answer: { retryAfterSeconds?: number | undefined; refused?: boolean } = {},
  random: number = Math.random(),
): number {
  const scheduled = (delays[Math.min(failures, delays.length) - 1] ?? 5) * (1 - spread + 2 * spread * random);
  if (answer.retryAfterSeconds === undefined) return scheduled;
  const asked = Math.min(Math.max(answer.retryAfterSeconds, 1), longestRetryAfterSeconds);
  return answer.refused ? Math.max(asked, scheduled) : asked;
}

/**
 * How long until an endpoint whose breaker is open is probed again, by the number of probes that failed. At most 5 minutes:
 * the probe may be the first event of a directory that knows nothing of the others' bad luck.
 */
export function probeDelaysSeconds(random: number = Math.random()): number[] {
  return [1, 2, 3, 4].map((failures) => retryDelaySeconds(failures, {}, random));
}

/** RFC 9110 §10.2.3: seconds or a date. `undefined` for anything else. */
export function retryAfterSeconds(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header);
  // Date.parse takes "-5" for a date too.
  const date = /^\s*[A-Za-z]{3}/.test(header) ? Date.parse(header) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now.getTime()) / 1000);
}
