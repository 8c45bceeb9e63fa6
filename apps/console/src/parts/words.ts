import type { Provider } from '../broker/answers';

export const providerNames: Record<Provider, string> = {
  entra: 'Microsoft Entra ID',
  okta: 'Okta',
  jumpcloud: 'JumpCloud',
  onelogin: 'OneLogin',
  google: 'Google Workspace',
  ping: 'PingOne',
  generic: 'Other (SCIM 2.0)',
};

/** As a sentence begins with it. */
export const providerShortNames: Record<Provider, string> = {
  entra: 'Entra',
  okta: 'Okta',
  jumpcloud: 'JumpCloud',
  onelogin: 'OneLogin',
  google: 'Google',
  ping: 'PingOne',
  generic: 'The identity provider',
};

/** The same, where it does not begin the sentence. */
export function inSentence(provider: Provider): string {
  return provider === 'generic' ? 'the identity provider' : providerShortNames[provider];
}

const whole = new Intl.NumberFormat('en');

export function count(n: number, one: string, many = `${one}s`): string {
  return `${whole.format(n)} ${n === 1 ? one : many}`;
}

export function number(n: number): string {
  return whole.format(n);
}

/** `once`, `3 times`. */
export function times(n: number): string {
  return n === 1 ? 'once' : `${whole.format(n)} times`;
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const steps: [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** `12 minutes ago`, `in 3 days`, `just now`. */
export function ago(time: string | Date, now = Date.now()): string {
  const seconds = (new Date(time).getTime() - now) / 1000;
  for (const [unit, size] of steps) {
    // What is past is rounded down and what is to come to the nearest: an hour less a second is "in 1 hour".
    if (Math.abs(seconds) >= size - (seconds > 0 ? 10 : 0))
      return relative.format(seconds < 0 ? Math.trunc(seconds / size) : Math.round(seconds / size), unit);
  }
  return Math.abs(seconds) < 10 ? 'just now' : seconds < 0 ? `${Math.round(-seconds)} seconds ago` : `in ${Math.round(seconds)} seconds`;
}

const long = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const clockOfDay = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hour12: false });
const dayOfYear = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' });
const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });

export function dateAndTime(time: string): string {
  return long.format(new Date(time));
}

/** The clock's time today, with the day before it on other days, and the year where it is not this one. */
export function clockTime(time: string): string {
  const at = new Date(time);
  const now = new Date();
  if (at.toDateString() === now.toDateString()) return clock.format(at);
  return at.getFullYear() === now.getFullYear() ? `${dayOfYear.format(at)}, ${clockOfDay.format(at)}` : day.format(at);
}

export function date(time: string): string {
  return day.format(new Date(time));
}

export function duration(ms: number): string {
  if (ms < 1) return '< 1 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

/** A percentage that does not call 99.96 % whole. */
export function share(part: number, of: number): string {
  if (of === 0) return '–';
  const percent = (part / of) * 100;
  return percent === 100 || percent === 0
    ? `${percent} %`
    : percent > 99.9
      ? '> 99.9 %'
      : `${percent.toFixed(percent > 99 || percent < 1 ? 1 : 0)} %`;
}

/** The first part of an id and its end: enough to tell it from its neighbours. */
export function shortId(id: string): string {
  return id.length > 20 ? `${id.slice(0, 8)}…${id.slice(-6)}` : id;
}
