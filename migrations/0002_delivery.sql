-- Webhook endpoints, what they are owed, and what came of it.
-- All tables are new. Their foreign keys lock environments and organizations against writes (share row exclusive) for the
-- moment that it takes to add a key to an empty table.

create table webhook_endpoints (
  id                   uuid        primary key,
  environment_id       uuid        not null references environments on delete cascade,
  organization_id      uuid,                              -- null: every organization
  url                  text        not null,
  description          text,
  event_types          text[],                            -- null: every type; the newest of webhook_filters
  ordering             text        not null default 'directory' check (ordering in ('directory', 'none')),
  headers              bytea,                             -- encrypted: they may hold secrets
  max_parallel         int         not null default 8 check (max_parallel between 1 and 100),
  version              int         not null default 1,    -- rises with whatever a sender must know: url, headers, secrets, filters …
  created_at           timestamptz not null default now(),
  updated_at           timestamptz not null default now(),
  deleted_at           timestamptz,

  disabled_at          timestamptz,
  disabled_reason      text        check (disabled_reason in ('gone', 'failing', 'by_hand')),
  failing_since        timestamptz,                       -- the first failure since the last success
  warnings             int         not null default 0,    -- how many of the warnings (1 h, 24 h, 72 h) were given for it
  last_success_at      timestamptz,                       -- to the minute: not written for every success
  slow_until           timestamptz,                       -- until then its deliveries are kept apart from those of quick ones

  -- The breaker. Open, it lets one lane through at next_probe_at; closed by a success, it admits 1, 2, 4 … lanes.
  consecutive_failures int         not null default 0,    -- of the endpoint itself: connection, TLS, timeout, 5xx …
  open_since           timestamptz,
  next_probe_at        timestamptz,
  failed_probes        int         not null default 0,
  admitted             int,                               -- null: max_parallel

  unique (environment_id, id),
  foreign key (environment_id, organization_id) references organizations (environment_id, id),
  check ((disabled_at is null) = (disabled_reason is null)),
  check ((open_since is null) = (next_probe_at is null))
) with (fillfactor = 70);

-- A secret and the key pair beside it. Several while a secret rotates; the newest one is the endpoint's.
create table webhook_secrets (
  id             uuid        primary key,
  environment_id uuid        not null,
  endpoint_id    uuid        not null,
  secret         bytea       not null,   -- encrypted: whsec_…
  private_key    bytea       not null,   -- encrypted: Ed25519, PKCS #8
  public_key     text        not null,   -- whpk_…
  created_at     timestamptz not null default now(),
  expires_at     timestamptz,
  foreign key (environment_id, endpoint_id) references webhook_endpoints (environment_id, id) on delete cascade
);
create index webhook_secrets_by_endpoint on webhook_secrets (endpoint_id);

-- Which events are owed. A row says: from this position on, these types (to directory_id alone, where it is set); of the rows
-- that speak of an event the newest is right. Written under the environment's feed_heads lock, that is, between two positions.
create table webhook_filters (
  id             bigint  generated always as identity primary key,
  environment_id uuid    not null,
  endpoint_id    uuid    not null,
  directory_id   uuid,
  from_position  bigint  not null,
  event_types    text[],
  foreign key (environment_id, endpoint_id) references webhook_endpoints (environment_id, id) on delete cascade
);
create index webhook_filters_by_endpoint on webhook_filters (endpoint_id, id);

-- A lane is (endpoint, directory): the unit of order, of blocking and of work. No foreign key to directories: the last event
-- of a directory, directory.deleted, is delivered when it is gone.
create table lanes (
  endpoint_id     uuid        not null,
  directory_id    uuid        not null,
  environment_id  uuid        not null,
  start_sequence  bigint      not null,   -- events up to it were never owed
  cursor_sequence bigint      not null,   -- events up to it are done with
  head_sequence   bigint      not null,   -- the last one owed
  attempt         int         not null default 0,   -- failed attempts of the event at the front
  refusals        int         not null default 0,   -- those of them that were the event's own fault
  refused_since   timestamptz,
  held_back       boolean     not null default false, -- the last failure was the endpoint's: due as soon as it answers again
  next_attempt_at timestamptz,            -- null: nothing is owed
  leased          int         not null default 0,   -- how many requests its holder may have under way; 0: nobody holds it
  lease_epoch     bigint      not null default 0,   -- rises with every claim: whoever holds an older one writes nothing
  lease_until     timestamptz,
  enqueued_at     timestamptz,            -- a doorbell was rung then, and may have been lost
  primary key (endpoint_id, directory_id),
  foreign key (environment_id, endpoint_id) references webhook_endpoints (environment_id, id) on delete cascade
) with (fillfactor = 70);
-- Of what changes in a lane only next_attempt_at and leased are in an index, and an ack in the midst of a burst leaves both
-- alone: its update stays within the page.
create index lanes_due on lanes (endpoint_id, next_attempt_at) where next_attempt_at is not null;
create index lanes_leased on lanes (endpoint_id) where leased > 0;

-- Deliveries that go their own way: parked events, failed ones of ordering `none`, sent again by hand, test events.
create table delivery_exceptions (
  endpoint_id     uuid        not null,
  event_id        uuid        not null,
  environment_id  uuid        not null,
  directory_id    uuid,                   -- null: a test event
  sequence        bigint      not null default 0,
  position        bigint      not null,   -- of a test event: the log's head when it was made
  type            text        not null,
  kind            text        not null check (kind in ('lane', 'again', 'test')), -- taken out of a lane; sent again though it succeeded; a test event
  state           text        not null check (state in ('waiting', 'parked', 'succeeded')),
  once            boolean     not null default false, -- asked for by hand: one attempt, whatever comes of it
  test_event      text,                   -- its JSON: it stands in no log
  attempt         int         not null default 0,
  refusals        int         not null default 0,
  refused_since   timestamptz,
  next_attempt_at timestamptz,
  lease_epoch     bigint      not null default 0,
  lease_until     timestamptz,
  enqueued_at     timestamptz,
  created_at      timestamptz not null default now(),
  primary key (endpoint_id, event_id),
  foreign key (environment_id, endpoint_id) references webhook_endpoints (environment_id, id) on delete cascade,
  check ((state = 'waiting') = (next_attempt_at is not null))
);
create index delivery_exceptions_due on delivery_exceptions (endpoint_id, next_attempt_at) where next_attempt_at is not null;
create index delivery_exceptions_by_position on delivery_exceptions (endpoint_id, position, event_id);

-- One HTTP POST each. No foreign key: a log, dropped by the week.
create table delivery_attempts (
  id             uuid        not null,    -- UUIDv7
  environment_id uuid        not null,
  endpoint_id    uuid        not null,
  event_id       uuid        not null,
  at             timestamptz not null,
  status         int,                     -- null: nothing was answered
  duration_ms    real        not null,
  error          text,                    -- in plain words; null: it succeeded
  response_body  text,
  primary key (endpoint_id, event_id, id)
) partition by range (id);
