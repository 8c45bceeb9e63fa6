import type { Pool } from 'pg';
import type { Keyring } from '#credential';
import { alwaysTold, type EventType, type LoggedEvent } from '#directory';
import { openHeaders } from '../endpoint/endpoint-headers';
import type { Ordering } from '../endpoint/endpoint';
import { prepared } from '#postgres';
import { signingKey, type SigningKey } from '../endpoint/signature';

/** What must be known of an endpoint to send to it. */
export interface Sender {
  endpointId: string;
  environmentId: string;
  /** Of the endpoint's row: another one means that something here has changed. */
  version: number;
  url: URL;
  headers: Record<string, string>;
  ordering: Ordering;
  keys: SigningKey[];
  /** Newest first. */
  filters: Filter[];
}

/** From `fromPosition` on these types are owed, to `directoryId` alone where it is set. */
export interface Filter {
  directoryId: string | null;
  fromPosition: number;
  eventTypes: EventType[] | null;
}

/** Whether an event is owed: of the filters that speak of it, the newest one says. */
export function isOwed(filters: readonly Filter[], event: Pick<LoggedEvent, 'directoryId' | 'position' | 'type'>): boolean {
  const filter = filters.find(
    ({ directoryId, fromPosition }) => event.position >= fromPosition && (directoryId === null || directoryId === event.directoryId),
  );
  return filter !== undefined && (filter.eventTypes === null || filter.eventTypes.includes(event.type) || event.type === alwaysTold);
}

/** The types worth reading for a directory, besides those that are always told; `null` for all of them. */
export function typesWorthReading(filters: readonly Filter[]): EventType[] | null {
  const types = new Set<EventType>();
  for (const { eventTypes } of filters) {
    if (eventTypes === null) return null;
    for (const type of eventTypes) types.add(type);
  }
  return [...types];
}

/** Looks senders up, and remembers those that it has seen: opening secrets costs more than sending with them. */
export class Senders {
  readonly #seen = new Map<string, Sender>();

  constructor(
    private readonly pool: Pool,
    private readonly keyring: Keyring,
    private readonly remembered: { atMost: number },
  ) {}

  /** The database was set back: endpoints may be what they were. */
  forget(): void {
    this.#seen.clear();
  }

  /** The endpoint as it is at `version` or later; `undefined` once it is gone. */
  async at(endpointId: string, version: number): Promise<Sender | undefined> {
    const seen = this.#seen.get(endpointId);
    this.#seen.delete(endpointId);
    const sender = seen && seen.version >= version ? seen : await loadSender(this.pool, this.keyring, endpointId);
    // The map keeps the order of insertion: the first is the one that was not asked for the longest.
    if (sender) this.#seen.set(endpointId, sender);
    if (this.#seen.size > this.remembered.atMost) this.#seen.delete(this.#seen.keys().next().value ?? '');
    return sender;
  }
}

interface SenderRow {
  environment_id: string;
  version: number;
  url: string;
  headers: Buffer | null;
  ordering: Ordering;
}

const selectSender = prepared<SenderRow>(
  'webhook_sender',
  `
  select environment_id, version, url, headers, ordering
    from webhook_endpoints
   where id = $1
     and deleted_at is null`,
);

const selectKeys = prepared<{ id: string; secret: Buffer; private_key: Buffer; expires_at: Date | null }>(
  'webhook_sender_keys',
  `
  select id, secret, private_key, expires_at
    from webhook_secrets
   where endpoint_id = $1
     and (expires_at is null or expires_at > now())
   order by id desc`,
);

const selectFilters = prepared<{ directory_id: string | null; from_position: number; event_types: EventType[] | null }>(
  'webhook_sender_filters',
  `
  select directory_id, from_position, event_types
    from webhook_filters
   where endpoint_id = $1
   order by id desc`,
);

async function loadSender(pool: Pool, keyring: Keyring, endpointId: string): Promise<Sender | undefined> {
  // The endpoint first: if it changes between these, what follows is newer than the version says, and is read again.
  const [row] = await selectSender.run(pool, [endpointId]);
  if (!row) return undefined;
  const [keys, filters] = await Promise.all([selectKeys.run(pool, [endpointId]), selectFilters.run(pool, [endpointId])]);
  return {
    endpointId,
    environmentId: row.environment_id,
    version: row.version,
    url: new URL(row.url),
    headers: openHeaders(keyring, endpointId, row.headers),
    ordering: row.ordering,
    keys: keys.map((key) =>
      signingKey(
        keyring.decrypt(key.secret, `webhook_secret:${key.id}`).toString(),
        keyring.decrypt(key.private_key, `webhook_private_key:${key.id}`),
        key.expires_at,
      ),
    ),
    filters: filters.map((filter) => ({
      directoryId: filter.directory_id,
      fromPosition: filter.from_position,
      eventTypes: filter.event_types,
    })),
  };
}
