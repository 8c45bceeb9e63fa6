import type { Pool, PoolClient } from 'pg';
import type { Keyring } from '#credential';
import type { EventType } from '#directory';
import { newId, presentTime } from '#identifier';
import {
  type DisabledReason,
  type Endpoint,
  EndpointDisabled,
  EndpointNotFound,
  type Ordering,
  type Start,
  TooManyEndpoints,
  UnknownOrganization,
} from './endpoint';
import { checkHeaders, openHeaders, sealHeaders } from './endpoint-headers';
import { checkUrl } from './endpoint-url';
import { exampleEvent } from './example-event';
import { inTransaction, prepared } from '#postgres';
import { newSecret } from './signature';
import { insertLanes, startsAfter } from './starts';
import { underFeedLock } from '../feed-lock';

export interface NewEndpoint {
  environmentId: string;
  url: string;
  /** WEBHOOK_ALLOWED_CIDRS: what may be reached though it is not public. */
  allowedCidrs: readonly string[];
  eventTypes?: EventType[] | null | undefined;
  organizationId?: string | null | undefined;
  description?: string | null | undefined;
  ordering?: Ordering | undefined;
  /** The default is `now`. */
  start?: Start | undefined;
  headers?: Record<string, string> | undefined;
  /** The default is 8. */
  maxParallel?: number | undefined;
}

/** What of an endpoint may be changed; its organization may not. What is undefined stays. */
export interface EndpointChanges {
  url?: string | undefined;
  /** Holds for the events that come after the change: those before it stay owed, or not owed, as they were. */
  eventTypes?: EventType[] | null | undefined;
  description?: string | null | undefined;
  ordering?: Ordering | undefined;
  headers?: Record<string, string> | undefined;
  maxParallel?: number | undefined;
  /** `true` brings a disabled one back where it stopped; `false` stops it. */
  enabled?: boolean | undefined;
}

// Every endpoint is looked at for every batch of events.
const endpointsAtMost = 50;

interface EndpointRow {
  id: string;
  environment_id: string;
  organization_id: string | null;
  url: string;
  description: string | null;
  event_types: EventType[] | null;
  ordering: Ordering;
  headers: Buffer | null;
  max_parallel: number;
  public_key: string;
  failing_since: Date | null;
  disabled_at: Date | null;
  disabled_reason: DisabledReason | null;
  created_at: Date;
  updated_at: Date;
}

const endpointColumns = `
         e.id, e.environment_id, e.organization_id, e.url, e.description, e.event_types, e.ordering, e.headers, e.max_parallel,
         e.failing_since, e.disabled_at, e.disabled_reason, e.created_at, e.updated_at,
         (select s.public_key
            from webhook_secrets s
           where s.endpoint_id = e.id
           order by s.id desc
           limit 1) as public_key`;

const lookBeforeInsert = prepared<{ endpoints: number; organization_known: boolean }>(
  'look_before_new_endpoint',
  `
  select (select count(*)
            from webhook_endpoints
           where environment_id = $1
             and deleted_at is null) as endpoints,
         $2::uuid is null or exists (select 1
                                       from organizations
                                      where environment_id = $1
                                        and id = $2
                                        and deleted_at is null) as organization_known`,
);

const insertEndpoint = prepared<
  never,
  {
    id: string;
    environmentId: string;
    organizationId: string | null;
    url: string;
    description: string | null;
    eventTypes: string[] | null;
    ordering: Ordering;
    headers: Buffer | null;
    maxParallel: number;
  }
>(
  'insert_webhook_endpoint',
  `
  insert into webhook_endpoints (id, environment_id, organization_id, url, description, event_types, ordering, headers, max_parallel)
  values (:id, :environmentId, :organizationId, :url, :description, :eventTypes, :ordering, :headers, :maxParallel)`,
);

const insertFilter = prepared(
  'insert_webhook_filter',
  `
  insert into webhook_filters (environment_id, endpoint_id, from_position, event_types)
  values ($1, $2, $3, $4)`,
);

/**
 * Makes an endpoint, and says its secret, once.
 *
 * It is owed exactly the events after its start, which lies between two positions: none that was given a position before it,
 * none missing after it, however many are being written meanwhile.
 *
 * @throws InvalidEndpointUrl, InvalidEndpointHeader, TooManyEndpoints, UnknownOrganization
 */
export async function createEndpoint(db: Pool, keyring: Keyring, endpoint: NewEndpoint): Promise<{ endpoint: Endpoint; secret: string }> {
  const { environmentId } = endpoint;
  const organizationId = endpoint.organizationId ?? null;
  const url = await checkUrl(endpoint.url, endpoint.allowedCidrs);
  const headers = checkHeaders(endpoint.headers ?? {});
  const start = endpoint.start ?? 'now';
  const id = newId();
  // Looked up before the log is held still, because it may take long: what lies before a position does not change.
  const starts =
    start === 'now' ? undefined : await startsAfter(db, { environmentId, organizationId, after: start === 'beginning' ? 0 : start.after });

  const secret = await underFeedLock(db, environmentId, async (feed) => {
    const { client } = feed;
    const [found] = await lookBeforeInsert.run(client, [environmentId, organizationId]);
    if (!found?.organization_known) throw new UnknownOrganization(organizationId ?? '');
    if (found.endpoints >= endpointsAtMost) throw new TooManyEndpoints(endpointsAtMost);

    await insertEndpoint.run(client, {
      id,
      environmentId,
      organizationId,
      url,
      description: endpoint.description ?? null,
      eventTypes: endpoint.eventTypes ?? null,
      ordering: endpoint.ordering ?? 'directory',
      headers: sealHeaders(keyring, id, headers),
      maxParallel: endpoint.maxParallel ?? 8,
    });
    const made = await insertSecret(client, keyring, { environmentId, endpointId: id });
    const after = start === 'now' ? feed.head : start === 'beginning' ? 0 : Math.min(start.after, feed.head);
    await insertFilter.run(client, [environmentId, id, after + 1, endpoint.eventTypes ?? null]);
    // Started now it has no lanes yet: the sequencer makes each with the first event that it owes.
    if (starts) await insertLanes(client, { environmentId, organizationId, endpointId: id, starts });
    return made.secret;
  });
  return { endpoint: await getEndpoint(db, keyring, { environmentId, endpointId: id }), secret };
}

const selectEndpoints = prepared<EndpointRow>(
  'list_webhook_endpoints',
  `
  select ${endpointColumns}
    from webhook_endpoints e
   where e.environment_id = $1
     and e.deleted_at is null
     and ($2::uuid is null or e.id < $2)
   order by e.id desc
   limit $3`,
);

/** Newest first, at most `limit`, older than the one whose id is `before`. */
export async function listEndpoints(
  db: Pool,
  keyring: Keyring,
  query: { environmentId: string; limit: number; before?: string | undefined },
): Promise<Endpoint[]> {
  const rows = await selectEndpoints.run(db, [query.environmentId, query.before ?? null, query.limit]);
  return rows.map((row) => endpointOf(row, keyring));
}

const selectEndpoint = prepared<EndpointRow>(
  'get_webhook_endpoint',
  `
  select ${endpointColumns}
    from webhook_endpoints e
   where e.environment_id = $1
     and e.id = $2
     and e.deleted_at is null`,
);

/** @throws EndpointNotFound */
export async function getEndpoint(db: Pool, keyring: Keyring, query: { environmentId: string; endpointId: string }): Promise<Endpoint> {
  const [row] = await selectEndpoint.run(db, [query.environmentId, query.endpointId]);
  if (!row) throw new EndpointNotFound(query.endpointId);
  return endpointOf(row, keyring);
}

interface LockedEndpoint {
  event_types: EventType[] | null;
  disabled_at: Date | null;
}

const lockEndpoint = prepared<LockedEndpoint>(
  'lock_webhook_endpoint_to_change',
  `
  select event_types, disabled_at
    from webhook_endpoints
   where environment_id = $1
     and id = $2
     and deleted_at is null
     for no key update`,
);

const updateEndpoint = prepared<
  never,
  {
    environmentId: string;
    endpointId: string;
    url: string | null;
    setsDescription: boolean;
    description: string | null;
    ordering: Ordering | null;
    setsHeaders: boolean;
    headers: Buffer | null;
    maxParallel: number | null;
    setsEventTypes: boolean;
    eventTypes: string[] | null;
  }
>(
  'change_webhook_endpoint',
  `
  update webhook_endpoints
     set url = coalesce(:url, url),
         description = case when :setsDescription then :description else description end,
         ordering = coalesce(:ordering, ordering),
         headers = case when :setsHeaders then :headers else headers end,
         max_parallel = coalesce(:maxParallel, max_parallel),
         event_types = case when :setsEventTypes then :eventTypes else event_types end,
         version = version + 1,
         updated_at = now()
   where environment_id = :environmentId
     and id = :endpointId`,
);

/**
 * Changes an endpoint. What is being sent to it at this moment is still sent as it was.
 *
 * @throws EndpointNotFound, InvalidEndpointUrl, InvalidEndpointHeader
 */
export async function changeEndpoint(
  db: Pool,
  keyring: Keyring,
  query: { environmentId: string; endpointId: string; allowedCidrs: readonly string[]; changes: EndpointChanges },
): Promise<Endpoint> {
  const { environmentId, endpointId, changes } = query;
  const url = changes.url === undefined ? null : await checkUrl(changes.url, query.allowedCidrs);
  const headers = changes.headers === undefined ? undefined : checkHeaders(changes.headers);

  const change = async (client: PoolClient, head: number | undefined): Promise<void> => {
    const [before] = await lockEndpoint.run(client, [environmentId, endpointId]);
    if (!before) throw new EndpointNotFound(endpointId);
    await updateEndpoint.run(client, {
      environmentId,
      endpointId,
      url,
      setsDescription: changes.description !== undefined,
      description: changes.description ?? null,
      ordering: changes.ordering ?? null,
      setsHeaders: headers !== undefined,
      headers: headers ? sealHeaders(keyring, endpointId, headers) : null,
      maxParallel: changes.maxParallel ?? null,
      setsEventTypes: changes.eventTypes !== undefined,
      eventTypes: changes.eventTypes ?? null,
    });
    if (head !== undefined) await insertFilter.run(client, [environmentId, endpointId, head + 1, changes.eventTypes ?? null]);
    if (changes.enabled === false && before.disabled_at === null) await disable.run(client, [environmentId, endpointId]);
    if (changes.enabled === true && before.disabled_at !== null) {
      await enable.run(client, [environmentId, endpointId]);
      await dueNow.run(client, [environmentId, endpointId]);
    }
  };
  // A change of the filter happens between two positions.
  if (changes.eventTypes !== undefined) await underFeedLock(db, environmentId, ({ client, head }) => change(client, head));
  else await inTransaction(db, (client) => change(client, undefined));
  return getEndpoint(db, keyring, { environmentId, endpointId });
}

const disable = prepared(
  'disable_webhook_endpoint',
  `
  update webhook_endpoints
     set disabled_at = now(),
         disabled_reason = 'by_hand'
   where environment_id = $1
     and id = $2`,
);

const enable = prepared(
  'enable_webhook_endpoint',
  `
  update webhook_endpoints
     set disabled_at = null,
         disabled_reason = null,
         failing_since = null,
         warnings = 0,
         consecutive_failures = 0,
         open_since = null,
         next_probe_at = null,
         failed_probes = 0,
         admitted = 1
   where environment_id = $1
     and id = $2`,
);

// Whatever it failed at before, it is tried now, from the first attempt on.
const dueNow = prepared(
  'webhook_endpoint_due_now',
  `
  with waiting as (
    select endpoint_id, directory_id
      from lanes
     where environment_id = $1
       and endpoint_id = $2
       and next_attempt_at is not null
     order by endpoint_id, directory_id
       for no key update
  )
  update lanes l
     set next_attempt_at = now(),
         attempt = 0,
         refusals = 0,
         refused_since = null,
         enqueued_at = null
    from waiting w
   where l.endpoint_id = w.endpoint_id
     and l.directory_id = w.directory_id`,
);

const markDeleted = prepared(
  'delete_webhook_endpoint',
  `
  update webhook_endpoints
     set deleted_at = now(),
         headers = null,
         version = version + 1
   where environment_id = $1
     and id = $2
     and deleted_at is null
  returning id`,
);

const deleteLanes = prepared(
  'delete_lanes_of_endpoint',
  `
  with gone as (
    select endpoint_id, directory_id
      from lanes
     where environment_id = $1
       and endpoint_id = $2
     order by endpoint_id, directory_id
       for update
  )
  delete from lanes l
   using gone g
   where l.endpoint_id = g.endpoint_id
     and l.directory_id = g.directory_id`,
);

const deleteOf = ['delivery_exceptions', 'webhook_filters', 'webhook_secrets'].map((table) =>
  prepared(
    `delete_${table}_of_endpoint`,
    `
  delete from ${table}
   where environment_id = $1
     and endpoint_id = $2`,
  ),
);

/**
 * Deletes an endpoint, with all that it is owed. Nothing more is sent to it but, at most, the next request of a lane that is at
 * work just now; its attempts are kept as long as others'.
 *
 * @throws EndpointNotFound
 */
export async function deleteEndpoint(db: Pool, query: { environmentId: string; endpointId: string }): Promise<void> {
  const values = [query.environmentId, query.endpointId];
  // Under the feed's lock, so that no lane is being made for it.
  await underFeedLock(db, query.environmentId, async ({ client }) => {
    const deleted = await markDeleted.run(client, values);
    if (deleted.length === 0) throw new EndpointNotFound(query.endpointId);
    await deleteLanes.run(client, values);
    for (const statement of deleteOf) await statement.run(client, values);
  });
}

// Those that would end anyhow keep their own time. More than three old ones would only make the header longer.
const endSecrets = prepared(
  'end_webhook_secrets',
  `
  with ranked as (
    select id, row_number() over (order by id desc) as age
      from webhook_secrets
     where environment_id = $1
       and endpoint_id = $2
       and (expires_at is null or expires_at > now())
  )
  update webhook_secrets s
     set expires_at = case when r.age > 3 then now() else least(s.expires_at, now() + $3::float8 * interval '1 second') end
    from ranked r
   where s.id = r.id`,
);

const removeEndedSecrets = prepared(
  'remove_ended_webhook_secrets',
  `
  delete from webhook_secrets
   where environment_id = $1
     and endpoint_id = $2
     and expires_at <= now()`,
);

const bumpVersion = prepared(
  'bump_webhook_endpoint_version',
  `
  update webhook_endpoints
     set version = version + 1
   where environment_id = $1
     and id = $2`,
);

/**
 * Replaces an endpoint's secret and its key pair. The old ones sign beside the new ones for `overlapSeconds` (default 0: not
 * from the next request on that is not already under way).
 *
 * @throws EndpointNotFound
 */
export async function rotateSecret(
  db: Pool,
  keyring: Keyring,
  query: { environmentId: string; endpointId: string; overlapSeconds?: number | undefined },
): Promise<{ secret: string; publicKey: string }> {
  const { environmentId, endpointId } = query;
  return inTransaction(db, async (client) => {
    const [endpoint] = await lockEndpoint.run(client, [environmentId, endpointId]);
    if (!endpoint) throw new EndpointNotFound(endpointId);
    await endSecrets.run(client, [environmentId, endpointId, query.overlapSeconds ?? 0]);
    await removeEndedSecrets.run(client, [environmentId, endpointId]);
    const made = await insertSecret(client, keyring, { environmentId, endpointId });
    await bumpVersion.run(client, [environmentId, endpointId]);
    return made;
  });
}

const insertTestEvent = prepared(
  'insert_test_event',
  `
  insert into delivery_exceptions (endpoint_id, event_id, environment_id, position, type, kind, state, once, test_event, next_attempt_at)
  select e.id, $3, e.environment_id, h.position, $4, 'test', 'waiting', true, $5, now()
    from webhook_endpoints e
    join feed_heads h on h.environment_id = e.environment_id
   where e.environment_id = $1
     and e.id = $2
     and e.deleted_at is null
     and e.disabled_at is null
  returning event_id`,
);

/**
 * Sends an example event, of `user.created` unless told otherwise, to that endpoint alone, once. It stands in no log, and
 * how it went in the endpoint's deliveries.
 *
 * @throws EndpointNotFound, EndpointDisabled
 */
export async function sendTestEvent(
  db: Pool,
  query: { environmentId: string; endpointId: string; type?: EventType | undefined },
): Promise<{ eventId: string }> {
  const eventId = newId();
  const type = query.type ?? 'user.created';
  const json = JSON.stringify(exampleEvent(eventId, type, presentTime()));
  const made = await insertTestEvent.run(db, [query.environmentId, query.endpointId, eventId, type, json]);
  if (made.length === 0) {
    const [endpoint] = await selectEndpoint.run(db, [query.environmentId, query.endpointId]);
    throw endpoint ? new EndpointDisabled(query.endpointId) : new EndpointNotFound(query.endpointId);
  }
  return { eventId };
}

const insertSecretRow = prepared<
  never,
  { id: string; environmentId: string; endpointId: string; secret: Buffer; privateKey: Buffer; publicKey: string }
>(
  'insert_webhook_secret',
  `
  insert into webhook_secrets (id, environment_id, endpoint_id, secret, private_key, public_key)
  values (:id, :environmentId, :endpointId, :secret, :privateKey, :publicKey)`,
);

async function insertSecret(
  client: PoolClient,
  keyring: Keyring,
  of: { environmentId: string; endpointId: string },
): Promise<{ secret: string; publicKey: string }> {
  const id = newId();
  const { secret, privateKey, publicKey } = newSecret();
  await insertSecretRow.run(client, {
    id,
    environmentId: of.environmentId,
    endpointId: of.endpointId,
    secret: keyring.encrypt(secret, `webhook_secret:${id}`),
    privateKey: keyring.encrypt(privateKey, `webhook_private_key:${id}`),
    publicKey,
  });
  return { secret, publicKey };
}

function endpointOf(row: EndpointRow, keyring: Keyring): Endpoint {
  return {
    id: row.id,
    environmentId: row.environment_id,
    url: row.url,
    eventTypes: row.event_types,
    organizationId: row.organization_id,
    description: row.description,
    ordering: row.ordering,
    state: row.disabled_at ? 'disabled' : row.failing_since ? 'failing' : 'active',
    headers: openHeaders(keyring, row.id, row.headers),
    maxParallel: row.max_parallel,
    publicKey: row.public_key,
    failingSince: row.failing_since,
    disabledAt: row.disabled_at,
    disabledReason: row.disabled_reason,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
