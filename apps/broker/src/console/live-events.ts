import { once } from 'node:events';
import type { Response } from 'express';
import type { Pool } from 'pg';
import { type FeedEpoch, isSameEpoch, type LoggedEvent, readEvents, safePosition } from '#directory';

/** Wakes those who wait for an environment's log to grow. */
export interface Feed {
  readonly stopped: boolean;
  watching<T>(environmentId: string, work: () => Promise<T>): Promise<T>;
  beyond(environmentId: string, head: number, ms: number, signal: AbortSignal): Promise<unknown>;
}

/** What is followed. */
export interface LiveQuery {
  environmentId: string;
  /** The position after which to begin. */
  after: number;
  types: string[] | undefined;
  organizationId: string | undefined;
  directoryId: string | undefined;
  /** `usr_…` or `grp_…`: only events that tell of this one. */
  subject: string | undefined;
}

const heartbeatMs = 15_000;
// A stream ends after a minute, and the browser opens the next one where this one ended: so it is found out anew who is signed in.
const longestMs = 60_000;

/**
 * Streams events as they are committed (server-sent events): `data` is the event as API and webhook have it, `id` the position up to
 * which the log has been looked through, with which a browser that was cut off goes on by itself.
 */
export async function streamEvents(res: Response, pool: Pool, feed: Feed, query: LiveQuery): Promise<void> {
  const { environmentId, types, organizationId, directoryId, subject } = query;
  const left = new AbortController();
  res.once('close', () => left.abort());
  const end = performance.now() + longestMs;
  let { after } = query;
  let epoch: FeedEpoch | undefined;

  await feed.watching(environmentId, async () => {
    while (!left.signal.aborted) {
      // The first page is read before the stream begins: a failure is still an answer of its own.
      const page = await readEvents(pool, { environmentId, after, limit: 200, types, organizationId, directoryId });
      if (!res.headersSent) begin(res);
      if (after > page.head || (epoch && !isSameEpoch(epoch, page.epoch))) {
        // The log was set back: whoever looks at it is shown what has taken the place of what they saw.
        after = Math.min(page.head, await safePosition(pool, { environmentId, epoch: epoch ?? page.epoch, position: after }));
        epoch = page.epoch;
        res.write(`id: ${after}\n\n`);
        continue;
      }
      epoch = page.epoch;
      const told = page.events
        .filter((event) => subject === undefined || tellsOf(event, subject))
        .map(({ json, position }) => `id: ${position}\ndata: ${json}\n\n`);
      // An id without data wakes nobody, and is where the browser goes on.
      const passed = page.scannedTo > after ? `id: ${page.scannedTo}\n\n` : '';
      if (!res.write(told.join('') + passed || ': nothing new\n\n'))
        await once(res, 'drain', { signal: left.signal }).catch(() => undefined);

      after = page.scannedTo;
      const leftMs = end - performance.now();
      if (feed.stopped || leftMs <= 0) break;
      if (after >= page.head) await feed.beyond(environmentId, page.head, Math.min(heartbeatMs, leftMs), left.signal);
    }
  });
  res.end();
}

function begin(res: Response): void {
  res.locals.decision ??= 'streamed';
  res.locals.waited = true;
  res.statusCode = 200;
  res.setHeader('Content-Type', 'text/event-stream');
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('X-Accel-Buffering', 'no'); // nginx would hold small writes back
  res.write('retry: 1000\n\n');
}

function tellsOf({ json }: LoggedEvent, subject: string): boolean {
  if (!json.includes(subject)) return false;
  const { data } = JSON.parse(json) as { data: Record<string, { id?: unknown } | null> }; // our own JSON, of our own making
  return [data.user, data.group, data.member_group].some((one) => one?.id === subject);
}
