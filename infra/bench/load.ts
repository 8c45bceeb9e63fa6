/** Sends SCIM requests, so many at once or so many a second, and takes the time of each. */
import { Pool } from 'undici';
import type { ScimRequest } from './requests';

/** Where requests go. */
export interface Target {
  /** `http://…/Users` is this and `/Users`. */
  base: string;
  token: string;
}

export interface Answer {
  status: number;
  body: any;
}

export class Connections {
  readonly pool: Pool;
  constructor(base: string, count = 32) {
    this.pool = new Pool(new URL(base).origin, { connections: count, pipelining: 1, headersTimeout: 600_000, bodyTimeout: 600_000 });
  }
}

/** Throws where the server refuses: nothing here is meant to be. */
export async function send({ pool }: Connections, { base, token }: Target, { method, path, body }: ScimRequest): Promise<Answer> {
  const { statusCode, body: answered } = await pool.request({
    method,
    path: new URL(base).pathname + path,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/scim+json' }) },
    body: body ? JSON.stringify(body) : null,
  });
  const text = await answered.text();
  if (statusCode >= 300) throw new Error(`${method} ${path}: ${statusCode} ${text.slice(0, 500)}`);
  return { status: statusCode, body: text === '' ? undefined : JSON.parse(text) };
}

export interface Measured {
  /** Milliseconds of each request. */
  times: number[];
  seconds: number;
}

/** Keeps `inFlight` requests under way for so long. `ask` is given a number of its own each time, and answers the milliseconds it took. */
export async function closedLoop(inFlight: number, seconds: number, ask: (n: number) => Promise<number>): Promise<Measured> {
  const times: number[] = [];
  const begun = performance.now();
  const until = begun + seconds * 1_000;
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < until) times.push(await ask(next++));
    }),
  );
  return { times, seconds: (performance.now() - begun) / 1_000 };
}

/** Sends at the times planned, whatever became of the earlier ones; each is timed from when it was due. Answers the milliseconds of the n-th. */
export async function openLoop(perSecond: number, seconds: number, ask: (n: number) => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  const begun = performance.now();
  const underWay: Promise<void>[] = [];
  for (let n = 0; n < perSecond * seconds; n += 1) {
    const due = begun + (n * 1_000) / perSecond;
    const wait = due - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    underWay.push(
      ask(n).then(() => {
        times[n] = performance.now() - due;
      }),
    );
  }
  await Promise.all(underWay);
  return times;
}

export async function inParallel(inFlight: number, count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) await work(next++);
    }),
  );
}
