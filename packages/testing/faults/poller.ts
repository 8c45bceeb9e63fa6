import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Brokers, call } from './client';
import { eventIn, isObject, listIn, sightingOf, textIn } from './events';
import type { LoggedEvent, PollerRecord, Records, Sighting } from './records';

export interface PollerOptions {
  poller: PollerRecord;
  brokers: Brokers;
  apiKey: string;
  records: Records;
}

/**
 * Somebody who follows the log from its beginning, and puts on record what each answer held. It asks another broker every time,
 * and where it hears nothing whole it asks again from where it was.
 */
export class Poller {
  #seen = 0;
  #trouble = '';

  constructor(private readonly options: PollerOptions) {}

  /** How many events it has seen. */
  get seen(): number {
    return this.#seen;
  }

  /** What last went wrong, for the report. */
  get trouble(): string {
    return this.#trouble;
  }

  async follow(until: AbortSignal): Promise<void> {
    return this.options.poller.mode === 'stream' ? this.#followStream(until) : this.#poll(until);
  }

  async #poll(until: AbortSignal): Promise<void> {
    const {
      poller: { mode },
      brokers,
    } = this.options;
    let after: string | undefined;
    while (!until.aborted) {
      const query = this.#query({
        limit: mode === 'event_id' ? '7' : '100',
        ...(mode === 'cursor' ? {} : { wait: '3' }),
        ...(after === undefined ? {} : { after }),
      });
      const heard = await call(`${brokers.next}/v1/events?${query}`, { method: 'GET', headers: this.#headers(), withinMs: 20_000 });
      if (heard.kind === 'unheard' || heard.status !== 200) {
        this.#trouble = heard.kind === 'unheard' ? heard.reason : `${heard.status} ${heard.text}`;
        await delay(100);
        continue;
      }
      const page: unknown = JSON.parse(heard.text);
      const events = listIn(page, 'data').map(eventIn);
      this.#note(events);
      after = mode === 'event_id' ? (events.at(-1)?.id ?? after) : textIn(page, 'next_cursor');
      if (mode === 'cursor') await delay(25);
    }
  }

  async #followStream(until: AbortSignal): Promise<void> {
    let last: string | undefined;
    while (!until.aborted) {
      // Not for ever with one broker: the place must be good at the other one too.
      const signal = AbortSignal.any([until, AbortSignal.timeout(5_000)]);
      try {
        const response = await fetch(`${this.options.brokers.next}/v1/events/stream?${this.#query({})}`, {
          signal,
          headers: { ...this.#headers(), ...(last === undefined ? {} : { 'last-event-id': last }) },
        });
        if (response.status !== 200 || !response.body) throw new Error(`${response.status} ${await response.text()}`);
        for await (const { id, data } of messages(response.body)) {
          if (data !== undefined) this.#note([eventIn(JSON.parse(data))]);
          if (id !== undefined) last = id;
        }
      } catch (error) {
        if (!signal.aborted) this.#trouble = String(error);
        if (!until.aborted) await delay(50);
      }
    }
  }

  #note(events: LoggedEvent[]): void {
    if (events.length === 0) return;
    this.#seen += events.length;
    this.options.records.append('page', { poller: this.options.poller.name, at: Date.now(), events: events.map(sightingOf) });
  }

  #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.options.apiKey}` };
  }

  #query(more: Record<string, string>): string {
    const { types, organizationId, directoryId } = this.options.poller;
    return new URLSearchParams({
      ...more,
      ...(types === null ? {} : { types: types.join(',') }),
      ...(organizationId === null ? {} : { organization_id: organizationId }),
      ...(directoryId === null ? {} : { directory_id: directoryId }),
    }).toString();
  }
}

/** The messages of server-sent events; one that was cut off is none. */
async function* messages(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ id?: string; data?: string }> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, end)
          .split('\n')
          .map((line): [string, string] => {
            const colon = line.indexOf(': ');
            return [line.slice(0, colon), line.slice(colon + 2)];
          }),
      );
      text = text.slice(end + 2);
      const [id, data] = [fields.get('id'), fields.get('data')];
      yield { ...(id === undefined ? {} : { id }), ...(data === undefined ? {} : { data }) };
    }
  }
}

/** By what the naive reader goes on: what looks as if it rose, and is given before the commit. */
const naiveOrders = {
  id: { after: 'id > $1::uuid', by: 'id', first: '00000000-0000-0000-0000-000000000000' },
  time: { after: 'occurred_at > $1::timestamptz', by: 'occurred_at', first: '1970-01-01T00:00:00Z' },
} as const;

/**
 * A negative control: reads the table of events itself and goes on after the greatest id, or time, that it has seen, as one
 * would who takes those for the order of commits. It must miss events, or the run was too tame to prove anything.
 */
export async function readNaively(
  { poller, databaseUrl, order, records }: { poller: PollerRecord; databaseUrl: string; order: keyof typeof naiveOrders; records: Records },
  until: AbortSignal,
): Promise<void> {
  const { after, by, first } = naiveOrders[order];
  let last: string = first;
  while (!until.aborted) {
    const client = new pg.Client({ connectionString: databaseUrl, application_name: 'naive reader' });
    client.on('error', () => {}); // the query says so
    try {
      await client.connect();
      while (!until.aborted) {
        const { rows } = await client.query<{ id: string; sequence: string; last: string }>(
          `select 'evt_' || replace(id::text, '-', '') as id, sequence::text, ${by}::text as last from events where ${after} order by ${by} limit 500`,
          [last],
        );
        last = rows.at(-1)?.last ?? last;
        const events = rows.map(({ id, sequence }): Sighting => ({ id, sequence: Number(sequence), position: 0, digest: '' }));
        if (events.length > 0) records.append('page', { poller: poller.name, at: Date.now(), events });
        await delay(2);
      }
    } catch {
      await delay(100);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

/** The whole log, or what of it comes after a cursor, read page by page. */
export async function readLog(
  ask: (path: string) => Promise<unknown>,
  { after, directoryId }: { after?: string; directoryId?: string } = {},
): Promise<LoggedEvent[]> {
  const log: LoggedEvent[] = [];
  for (let cursor = after; ;) {
    const query = new URLSearchParams({
      limit: '500',
      ...(cursor === undefined ? {} : { after: cursor }),
      ...(directoryId === undefined ? {} : { directory_id: directoryId }),
    });
    const page = await ask(`/v1/events?${query.toString()}`);
    log.push(...listIn(page, 'data').map(eventIn));
    cursor = textIn(page, 'next_cursor');
    if (isObject(page) && page.has_more === false) return log;
  }
}
