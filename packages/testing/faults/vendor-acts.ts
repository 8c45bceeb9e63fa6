import { setTimeout as delay } from 'node:timers/promises';
import type { VendorApi } from './client';
import { isObject, listIn, resourceIn, textIn } from './events';
import { readLog } from './poller';
import type { EndpointRecord, Listing, Records, Resource } from './records';
import type { Random } from './random';
import type { Sink } from './system';

export interface NewEndpoint {
  name: string;
  types?: string[];
  organizationId?: string;
  ordering?: 'directory' | 'none';
  start?: 'now' | 'beginning';
  maxParallel?: number;
}

/** What the vendor does with its webhook endpoints during a run, and what it may expect of each of them. */
export class Endpoints {
  readonly records: EndpointRecord[] = [];
  /** Those that may have been made by a call that was not answered. Nobody knows their secrets. */
  readonly abandoned: string[] = [];
  /** Cursors around the making of endpoints that start now: told from positions at the end, when the log stands still. */
  readonly #starts = new Map<EndpointRecord, { before: string; after: string }>();
  #keys = 0;

  constructor(
    private readonly api: VendorApi,
    private readonly sink: Sink,
    private readonly directoryId: string,
    private readonly run: string,
  ) {}

  /** Makes an endpoint. A try that is not answered may have made one too: every try has a URL of its own. */
  async create({
    name: wanted,
    types,
    organizationId,
    ordering = 'directory',
    start = 'now',
    maxParallel = 8,
  }: NewEndpoint): Promise<EndpointRecord> {
    for (let attempt = 1; attempt <= 100; attempt++) {
      const name = attempt === 1 ? wanted : `${wanted}-try-${attempt}`;
      const before = await this.#cursor();
      const sentAt = Date.now();
      const made = await this.api.askOnce('POST', '/v1/webhook_endpoints', {
        url: this.sink.urlOf(name),
        start,
        ordering,
        max_parallel: maxParallel,
        ...(types ? { event_types: types } : {}),
        ...(organizationId ? { organization_id: organizationId } : {}),
      });
      if (made.kind === 'open') {
        this.abandoned.push(name);
        await delay(250);
        continue;
      }
      const record: EndpointRecord = {
        name,
        ordering,
        maxParallel,
        id: textIn(made.body, 'id'),
        types: types ?? null,
        organizationId: organizationId ?? null,
        startsAfter: { least: 0, most: 0 },
        secrets: [{ secret: textIn(made.body, 'secret'), sentAt, knownAt: Date.now() }],
        stops: [],
        deletedAt: null,
      };
      if (start === 'now') this.#starts.set(record, { before, after: await this.#cursor() });
      this.records.push(record);
      return record;
    }
    throw new Error(`the endpoint ${wanted} could not be made`);
  }

  async disable(endpoint: EndpointRecord): Promise<void> {
    await this.api.ask('PATCH', `/v1/webhook_endpoints/${endpoint.id}`, { enabled: false });
    endpoint.stops.push({ from: Date.now(), until: null });
  }

  async enable(endpoint: EndpointRecord): Promise<void> {
    const stop = endpoint.stops.at(-1);
    if (stop && stop.until === null) stop.until = Date.now();
    await this.api.ask('PATCH', `/v1/webhook_endpoints/${endpoint.id}`, { enabled: true });
  }

  /** The old secret signs as well until long after the run. */
  async rotate(endpoint: EndpointRecord): Promise<void> {
    const sentAt = Date.now();
    const rotated = await this.api.ask(
      'POST',
      `/v1/webhook_endpoints/${endpoint.id}/rotate_secret`,
      { overlap: 86_400 },
      { idempotencyKey: `${this.run}-${++this.#keys}` },
    );
    endpoint.secrets.push({ secret: textIn(rotated, 'secret'), sentAt, knownAt: Date.now() });
  }

  async delete(endpoint: EndpointRecord): Promise<void> {
    await this.api.ask('DELETE', `/v1/webhook_endpoints/${endpoint.id}`).catch((error: unknown) => {
      // Gone by an earlier try whose answer was lost.
      if (!(error instanceof Error && error.message.includes(': 404 '))) throw error;
    });
    endpoint.deletedAt = Date.now();
  }

  /** How many endpoints still owe something that is not tried and parked, and whose they are. */
  async pending(): Promise<string[]> {
    const pending: string[] = [];
    for (const { id, name, deletedAt } of this.records) {
      if (deletedAt !== null) continue;
      const page = await this.api.ask('GET', `/v1/webhook_endpoints/${id}/deliveries?state=pending&limit=1`);
      if (listIn(page, 'data').length > 0) pending.push(name);
    }
    return pending;
  }

  /** Finds out where those that started now began. The log must stand still: `head` is its last position. */
  async placeStarts(head: number): Promise<void> {
    const positionOf = async (cursor: string): Promise<number> => {
      const page = await this.api.ask('GET', `/v1/events?after=${cursor}&limit=1`);
      const [next] = listIn(page, 'data');
      return isObject(next) && typeof next.position === 'number' ? next.position - 1 : head;
    };
    for (const [record, { before, after }] of this.#starts) {
      record.startsAfter = { least: await positionOf(before), most: await positionOf(after) };
    }
  }

  async #cursor(): Promise<string> {
    return textIn(await this.api.ask('GET', `/v1/directories/${this.directoryId}/users?limit=1`), 'events_cursor');
  }
}

/** All users or groups of a directory, page by page, and the cursor that came with them. */
export async function list(
  api: VendorApi,
  what: 'users' | 'groups',
  directoryId: string,
  { limit, pauseMs = 0 }: { limit: number; pauseMs?: number },
): Promise<{ items: Resource[]; eventsCursor: string }> {
  const items: Resource[] = [];
  let eventsCursor = '';
  for (let cursor: string | undefined; ;) {
    const page = await api.ask(
      'GET',
      `/v1/directories/${directoryId}/${what}?limit=${limit}${cursor === undefined ? '' : `&cursor=${cursor}`}`,
    );
    items.push(...listIn(page, 'data').map(resourceIn));
    eventsCursor ||= textIn(page, 'events_cursor');
    cursor = textIn(page, 'next_cursor') || undefined;
    if (cursor === undefined) return { items, eventsCursor };
    await delay(pauseMs);
  }
}

/** Lists directories while they change, now and then; the events that follow each list are read at the end. */
export class Lister {
  readonly #begun: (Omit<Listing, 'events'> & { cursor: string })[] = [];

  constructor(
    private readonly api: VendorApi,
    private readonly directoryIds: readonly string[],
    private readonly random: Random,
  ) {}

  async listNowAndThen(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      await delay(this.random.whole(400, 2_000));
      const directoryId = this.random.pick(this.directoryIds);
      const what = this.random.pick(['users', 'groups'] as const);
      const at = Date.now();
      // Small pages, slowly, so that much changes in between.
      const { items, eventsCursor } = await list(this.api, what, directoryId, { limit: 5, pauseMs: 30 });
      this.#begun.push({ what, directoryId, at, items, cursor: eventsCursor });
    }
  }

  async follow(records: Records): Promise<void> {
    for (const { cursor, ...listing } of this.#begun) {
      const events = await readLog((path) => this.api.ask('GET', path), { after: cursor, directoryId: listing.directoryId });
      records.append('listing', { ...listing, events });
    }
  }
}
