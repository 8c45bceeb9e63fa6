-- Everything but deliveries: who there is, what identity providers have pushed, and the log of it.
-- Locks nothing: all tables are new.

-- ── The vendor's side ──────────────────────────────────────────────────────────────────────────

create table environments (
  id         uuid        primary key,
  name       text        not null,
  created_at timestamptz not null default now()
);

-- Only a SHA-256 is kept: a key has over 190 bits of its own, so there is nothing to guess.
create table api_keys (
  id             uuid        primary key,
  environment_id uuid        not null references environments on delete cascade,
  name           text        not null,
  hash           bytea       not null unique,
  created_at     timestamptz not null default now(),
  last_used_at   timestamptz
);
create index api_keys_by_environment on api_keys (environment_id);

-- An answer to a POST, kept for 24 hours so that the same call answers the same; `response` is
-- encrypted because it may hold a secret. A row without a response is a call still under way.
create table idempotency_keys (
  environment_id uuid        not null,   -- the nil UUID for the operator's own calls
  key            text        not null,
  request_hash   bytea       not null,
  status         int,
  response       bytea,
  created_at     timestamptz not null default now(),
  primary key (environment_id, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

create table organizations (
  id             uuid        primary key,
  environment_id uuid        not null references environments on delete cascade,
  name           text        not null,
  external_id    text,
  domains        text[]      not null default '{}',
  contacts       text[]      not null default '{}',
  metadata       jsonb       not null default '{}',
  seat_limit     int,
  seat_mode      text        not null default 'reject' check (seat_mode in ('reject', 'expand', 'observe')),
  seat_ceiling   int,
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now(),
  deleted_at     timestamptz,
  unique (environment_id, id)
);
create unique index organizations_external_id on organizations (environment_id, external_id) where deleted_at is null;

create table directories (
  id              uuid        primary key,
  environment_id  uuid        not null,
  organization_id uuid        not null,
  name            text        not null,
  provider        text        not null,
  disabled        boolean     not null default false,
  activated_at    timestamptz,           -- the IdP's first accepted request
  basic_auth      boolean     not null default false,
  last_request_at timestamptz,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  deleted_at      timestamptz,           -- its users and groups are removed afterwards, in batches
  unique (environment_id, organization_id, id),
  foreign key (environment_id, organization_id) references organizations (environment_id, id)
);
create index directories_by_organization on directories (environment_id, organization_id, id);

-- The counter behind `sequence`. A narrow row of its own, so that updating it is cheap; locking it is what
-- puts the writers of one directory in line.
create table directory_heads (
  directory_id uuid   primary key references directories on delete cascade,
  sequence     bigint not null default 0
) with (fillfactor = 50);

create table bearer_tokens (
  id             uuid        primary key,
  environment_id uuid        not null,
  directory_id   uuid        not null references directories on delete cascade,
  name           text,
  hash           text        not null,   -- bcrypt
  created_at     timestamptz not null default now(),
  expires_at     timestamptz,
  last_used_at   timestamptz,
  unique (directory_id, id)
);

-- ── What identity providers have pushed ────────────────────────────────────────────────────────
-- `resource` is the SCIM resource as stored; `folded` is the same with caseExact=false strings case-folded and
-- dates in one form, for filters; `…_key` columns are folded by the application, because lower() under the
-- "C" locale cannot fold É.

create table users (
  id              uuid        not null,
  environment_id  uuid        not null,
  organization_id uuid        not null,
  directory_id    uuid        not null,
  user_name_key   text        not null,
  external_id     text,
  display_name    text,                  -- as a group's members are shown
  active          boolean     not null,
  active_since    timestamptz not null,  -- when `active` last became what it is
  email_keys      text[]      not null default '{}',
  resource        json        not null,
  folded          jsonb       not null,
  profile         json        not null,  -- what the vendor sees, but for groups, version and times
  version         bigint      not null,  -- sequence of the last event that changed the row itself; see memberships
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  primary key (directory_id, id),
  constraint users_user_name unique (directory_id, user_name_key),
  foreign key (environment_id, organization_id, directory_id) references directories (environment_id, organization_id, id)
);
create index users_by_id on users (id);
create index users_by_external_id on users (directory_id, external_id);
create index users_by_email on users using gin (email_keys);
create index users_by_seat on users (organization_id) where active;

create table groups (
  id               uuid        not null,
  environment_id   uuid        not null,
  organization_id  uuid        not null,
  directory_id     uuid        not null,
  display_name     text        not null,
  display_name_key text        not null,
  external_id      text,
  resource         json        not null, -- without members: they are rows
  folded           jsonb       not null,
  member_count     int         not null default 0,
  version          bigint      not null,
  created_at       timestamptz not null,
  updated_at       timestamptz not null,
  primary key (directory_id, id),
  constraint groups_display_name unique (directory_id, display_name_key),
  foreign key (environment_id, organization_id, directory_id) references directories (environment_id, organization_id, id)
);
create index groups_by_id on groups (id);
create index groups_by_external_id on groups (directory_id, external_id);

-- A member is a user or a group of the same directory. A membership that ended keeps its row with
-- present = false, also after its group is gone: a user's version is the greatest of its own and its memberships',
-- and must not fall. Group and member carry no foreign key: every writer holds the directory's head row, and a key
-- check for each of 50,000 members would be most of the work.
create table memberships (
  directory_id uuid    not null references directories on delete cascade,
  group_id     uuid    not null,
  member_id    uuid    not null,
  member_type  text    not null check (member_type in ('User', 'Group')),
  present      boolean not null,
  version      bigint  not null,
  changed_at   timestamptz not null,
  primary key (directory_id, group_id, member_id)
) with (fillfactor = 80);
create index memberships_by_member on memberships (directory_id, member_id);

-- Who has been deleted, so that "deleted since" can be told from "never seen". The address itself is not kept.
create table departed_users (
  environment_id  uuid        not null,
  organization_id uuid        not null,
  directory_id    uuid        not null,
  user_id         uuid        not null,
  email_hashes    bytea[]     not null,  -- SHA-256 of the folded addresses
  departed_at     timestamptz not null,
  primary key (user_id)
);
create index departed_users_by_email on departed_users using gin (email_hashes);

-- Extensions that a vendor declares for its directories: RFC 7643 §7 documents. Undeclared ones are kept too, as sent.
create table schema_extensions (
  environment_id uuid        not null references environments on delete cascade,
  urn_key        text        not null,   -- lower case: URNs are compared without case
  resource_type  text        not null check (resource_type in ('User', 'Group')),
  definition     jsonb       not null,
  created_at     timestamptz not null default now(),
  primary key (environment_id, urn_key)
);

-- ── The log ────────────────────────────────────────────────────────────────────────────────────

-- Immutable. No foreign key to directories: an event outlives what it tells of.
create table events (
  id                       uuid        primary key,   -- UUIDv7
  environment_id           uuid        not null,
  organization_id          uuid        not null,
  organization_external_id text,
  directory_id             uuid        not null,
  sequence                 bigint      not null,
  type                     text        not null,
  occurred_at              timestamptz not null,
  request_id               uuid,
  data                     json        not null
) partition by range (id);

-- Committed, and not yet given a position. Rows live for milliseconds.
create table event_outbox (
  id              bigint      generated always as identity primary key,
  environment_id  uuid        not null,
  organization_id uuid        not null,
  directory_id    uuid        not null,
  sequence        bigint      not null,
  event_id        uuid        not null,
  type            text        not null,
  created_at      timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index event_outbox_by_environment on event_outbox (environment_id, id);

-- The environment's order. Written by the sequencer alone.
create table event_feed (
  environment_id  uuid   not null,
  position        bigint not null,
  organization_id uuid   not null,
  directory_id    uuid   not null,
  sequence        bigint not null,
  event_id        uuid   not null,
  type            text   not null,
  primary key (environment_id, position),
  constraint event_feed_sequence unique (directory_id, sequence)
);

-- `position` is the last one given; `oldest_position` the oldest one still kept; `epoch` rises when the database
-- was set back (npm run rewind), and stands in every cursor.
create table feed_heads (
  environment_id  uuid   primary key references environments on delete cascade,
  position        bigint not null default 0,
  oldest_position bigint not null default 1,
  epoch           int    not null default 1
) with (fillfactor = 50);

-- Where the log ended when the database was found to have been set back: a cursor of an earlier epoch goes on from the
-- least of these that came after it.
create table feed_rewinds (
  environment_id uuid        not null references environments on delete cascade,
  epoch          int         not null,   -- the epoch that the rewind began
  position       bigint      not null,
  at             timestamptz not null default now(),
  primary key (environment_id, epoch)
);

-- The sequencer's own note of how far each directory is published. Not directory_heads: writers hold that row
-- until they commit, and the sequencer must not wait for them.
create table directory_published (
  directory_id    uuid   primary key,
  environment_id  uuid   not null,
  organization_id uuid   not null,
  sequence        bigint not null
) with (fillfactor = 50);
create index directory_published_by_environment on directory_published (environment_id);

-- ── What the IdP sent ──────────────────────────────────────────────────────────────────────────

create table requests (
  id             uuid        primary key,   -- UUIDv7
  environment_id uuid        not null,
  directory_id   uuid        not null,
  at             timestamptz not null,
  method         text        not null,
  path           text        not null,
  status         int         not null,
  outcome        text        not null check (outcome in ('succeeded', 'failed')),
  scim_type      text,
  detail         text,
  notes          text[]      not null default '{}',  -- what was tolerated or ignored
  duration_ms    real        not null,
  user_agent     text,
  request_body   json,
  response_body  json
) partition by range (id);
create index requests_by_directory on requests (directory_id, id desc);
create index requests_failed_by_directory on requests (directory_id, id desc) where outcome = 'failed';
