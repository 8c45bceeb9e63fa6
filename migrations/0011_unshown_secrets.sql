-- The secrets that the first start makes, encrypted, until they have been shown to whoever started it.
--
-- A new, empty table: its foreign keys lock environments and members against writes (share row exclusive) for the moment that it
-- takes to add them. The release before shows what it makes at once, and knows nothing of this.
create table unshown_secrets (
  kind           text        primary key check (kind in ('api_key', 'password')),
  environment_id uuid        references environments on delete cascade,   -- whose API key it is
  member_id      uuid        references members on delete cascade,        -- whose password it is
  sealed         bytea       not null,
  created_at     timestamptz not null default now(),
  check ((kind = 'api_key') = (environment_id is not null)),
  check ((kind = 'password') = (member_id is not null))
);
