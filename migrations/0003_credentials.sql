-- Every way in for identity providers, links to the setup page, and the log of who changed what.
--
-- New tables, but for bearer_tokens. Adding its columns rewrites nothing (their defaults are constants to PostgreSQL), and
-- holds it exclusively for a moment; the index on it is built while writes to it wait, and it has a few rows for each
-- directory. The foreign keys lock environments and directories against writes (share row exclusive) for the moment that it
-- takes to add a key to an empty table.

-- A token without a name is the one that POST …/bearer_token replaces; those with one live beside it.
alter table bearer_tokens
  add column expiry_set_at       timestamptz not null default now(), -- when its end was decided: made, or replaced
  add column expiry_announced_at timestamptz;                        -- the last `credential.expiring`
-- last_used_at is written every second that a token is in use, and stands in no index.
alter table bearer_tokens set (fillfactor = 70);
create index bearer_tokens_expiring on bearer_tokens (expires_at) where expires_at is not null;

-- ── OAuth 2.0 ──────────────────────────────────────────────────────────────────────────────────
-- Of secrets, codes and tokens only SHA-256 is kept: each has 192 random bits. All of a client goes with its row.

create table oauth_clients (
  id             uuid        primary key,   -- outside, oac_…: the client_id as well
  environment_id uuid        not null,
  directory_id   uuid        not null references directories on delete cascade,
  grant_type     text        not null check (grant_type in ('client_credentials', 'authorization_code')),
  redirect_uris  text[]      not null,      -- exactly these; of an authorization_code client alone
  created_at     timestamptz not null default now(),
  last_used_at   timestamptz,
  check ((grant_type = 'authorization_code') = (cardinality(redirect_uris) > 0))
) with (fillfactor = 70);
create index oauth_clients_by_directory on oauth_clients (directory_id, id);

-- One, or two while a secret is being changed.
create table oauth_client_secrets (
  id                  uuid        primary key,
  client_id           uuid        not null references oauth_clients on delete cascade,
  hash                bytea       not null,
  created_at          timestamptz not null default now(),
  expires_at          timestamptz,
  expiry_set_at       timestamptz not null default now(),
  expiry_announced_at timestamptz
);
create index oauth_client_secrets_by_client on oauth_client_secrets (client_id);
create index oauth_client_secrets_expiring on oauth_client_secrets (expires_at) where expires_at is not null;

-- What an IT admin has allowed: a code, once; then a refresh token that is replaced each time it is used. Every refresh token
-- carries this row's id, so one that is neither the present one nor the one just before it has been used before.
create table oauth_grants (
  id                    uuid        primary key,
  directory_id          uuid        not null,
  client_id             uuid        not null references oauth_clients on delete cascade,
  code_hash             bytea       not null,
  code_expires_at       timestamptz not null,
  code_used_at          timestamptz,
  redirect_uri          text,                  -- where the request named it; then the exchange must name it again
  code_challenge        text,                  -- RFC 7636, S256
  refresh_hash          bytea,                 -- null until the code is exchanged
  previous_refresh_hash bytea,
  refreshed_at          timestamptz,
  expires_at            timestamptz not null,  -- of the refresh token, or of the code while there is none
  created_at            timestamptz not null default now()
) with (fillfactor = 70);
create index oauth_grants_by_client on oauth_grants (client_id);
create index oauth_grants_by_expiry on oauth_grants (expires_at);

create table oauth_access_tokens (
  id           uuid        primary key,
  directory_id uuid        not null,
  client_id    uuid        not null references oauth_clients on delete cascade,
  grant_id     uuid        references oauth_grants on delete cascade,
  hash         bytea       not null,
  expires_at   timestamptz not null
);
create index oauth_access_tokens_by_client on oauth_access_tokens (client_id);
create index oauth_access_tokens_by_grant on oauth_access_tokens (grant_id) where grant_id is not null;
create index oauth_access_tokens_by_expiry on oauth_access_tokens (expires_at);

-- ── The IT admin's setup page ──────────────────────────────────────────────────────────────────

create table setup_links (
  id             uuid        primary key,
  environment_id uuid        not null references environments on delete cascade,
  directory_id   uuid        not null references directories on delete cascade,
  hash           bytea       not null,
  created_at     timestamptz not null default now(),
  expires_at     timestamptz not null
);
create index setup_links_by_directory on setup_links (directory_id);
create index setup_links_by_expiry on setup_links (expires_at);

-- A browser that has opened a link. Ends with it where the link is revoked, and by itself soon otherwise.
create table setup_sessions (
  id         uuid        primary key,
  link_id    uuid        not null references setup_links on delete cascade,
  hash       bytea       not null,
  expires_at timestamptz not null
);
create index setup_sessions_by_link on setup_sessions (link_id);
create index setup_sessions_by_expiry on setup_sessions (expires_at);

-- ── Who did what ───────────────────────────────────────────────────────────────────────────────

-- Names of things and of fields, never what was in them: there is nothing here that could be a secret.
create table audit_log (
  id             uuid        primary key,   -- UUIDv7
  environment_id uuid        not null references environments on delete cascade,
  at             timestamptz not null default now(),
  actor_type     text        not null check (actor_type in ('api_key', 'operator', 'member', 'it_admin')),
  actor_id       uuid,                      -- no foreign key: what was done outlives whoever did it
  actor_name     text,                      -- as it was then
  act            text        not null,
  targets        text[]      not null,      -- public ids, the outermost first
  fields         text[]      not null,
  request_id     uuid,
  remote_address text,
  user_agent     text
);
create index audit_log_by_environment on audit_log (environment_id, id);
