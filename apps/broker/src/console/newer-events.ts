import type { Pool } from 'pg';
import { type LoggedEvent, readEvents } from '#directory';

/** Wakes those who wait for an environment's log to grow. */
export interface Feed {
  readonly stopped: boolean;
  watching<T>(environmentId: string, work: () => Promise<T>): Promise<T>;
  beyond(environmentId: string, head: number, ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * The events after a position, oldest first; where there are none, waits until there are, for `waitMs` at most. `head` is the
 * position up to which the log has been looked through.
 */
export async function waitForNewer(
  pool: Pool,
  feed: Feed,
  query: {
    environmentId: string;
    after: number;
    types: string[] | undefined;
    organizationId: string | undefined;
    directoryId: string | undefined;
    /** `usr_…` or `grp_…`: only events that tell of this one. */
    subject: string | undefined;
    waitMs: number;
    signal: AbortSignal;
  },
): Promise<{ events: string[]; head: number }> {
  const { environmentId, types, organizationId, directoryId, subject, signal } = query;
  const until = performance.now() + query.waitMs;
  return feed.watching(environmentId, async () => {
    for (let after = query.after; ;) {
      const page = await readEvents(pool, { environmentId, after, limit: 200, types, organizationId, directoryId });
      const events = page.events.filter((event) => subject === undefined || tellsOf(event, subject)).map(({ json }) => json);
      const leftMs = until - performance.now();
      if (events.length > 0 || leftMs <= 0 || signal.aborted || feed.stopped) return { events, head: page.scannedTo };
      if (page.scannedTo >= page.head) await feed.beyond(environmentId, page.head, leftMs, signal);
      after = page.scannedTo;
    }
  });
}

function tellsOf({ json }: LoggedEvent, subject: string): boolean {
  if (!json.includes(subject)) return false;
  const { data } = JSON.parse(json) as { data: Record<string, { id?: unknown } | null> }; // our own JSON, of our own making
  return [data.user, data.group, data.member_group].some((one) => one?.id === subject);
}
