-- What a vendor makes of what is pushed: mappings, seats, the brake; who is to be forgotten; what is mailed.
--
-- New tables, but for directory_heads. Its new column rewrites nothing (its default is a constant to PostgreSQL); filling it counts
-- the active users of every directory, which reads their index once, and until the commit every writer waits. The foreign keys
-- lock environments, organizations and directories against writes (share row exclusive) for the moment that it takes to add a key
-- to an empty table.

-- Kept by every writer under the very lock that it holds anyway: an organization's seats are the sum of its directories'.
alter table directory_heads add column active_users int not null default 0;
update directory_heads h
   set active_users = (select count(*) from users u where u.directory_id = h.directory_id and u.active);

-- ── Mapping ────────────────────────────────────────────────────────────────────────────────────

-- An environment's mapping, or a directory's own in its place. `revision` is new with every save: a process that knows the
-- revision need not be given the mapping.
create table attribute_mappings (
  scope_id       uuid        primary key,   -- the directory's id, or the environment's
  environment_id uuid        not null references environments on delete cascade,
  directory_id   uuid        references directories on delete cascade,
  revision       uuid        not null,
  mapping        json        not null,
  updated_at     timestamptz not null default now(),
  check (scope_id = coalesce(directory_id, environment_id))
);
create index attribute_mappings_by_environment on attribute_mappings (environment_id);
create index attribute_mappings_by_directory on attribute_mappings (directory_id) where directory_id is not null;

-- Users that are mapped anew because a mapping was saved: batch by batch, each with the step of these cursors in its own
-- transaction. Directories up to passed_directory_id are done; in current_directory_id, users up to passed_user_id.
create table remaps (
  id                   uuid        primary key,
  environment_id       uuid        not null references environments on delete cascade,
  directory_id         uuid        references directories on delete cascade,   -- null: all that have no mapping of their own
  request_id           uuid,                        -- of the API; stands in the events
  created_at           timestamptz not null default now(),
  users_total          int,                         -- counted when it begins
  users_done           int         not null default 0,
  users_changed        int         not null default 0,
  users_failing        int         not null default 0,
  passed_directory_id  uuid,
  current_directory_id uuid,
  passed_user_id       uuid,
  lease_until          timestamptz,
  finished_at          timestamptz,
  superseded           boolean     not null default false   -- finished because a newer one has taken its place
);
create index remaps_by_environment on remaps (environment_id, id);
create index remaps_unfinished on remaps (id) where finished_at is null;
create index remaps_by_directory on remaps (directory_id) where directory_id is not null;

-- ── Seats ──────────────────────────────────────────────────────────────────────────────────────

-- There is a row where organizations.seat_limit is set. Locked before any directory's head by whoever changes who is active.
create table organization_seats (
  organization_id uuid     primary key references organizations on delete cascade,
  announced       smallint not null default 0   -- the highest threshold that was told of, in percent
) with (fillfactor = 50);

-- ── The brake ──────────────────────────────────────────────────────────────────────────────────

create table directory_brakes (
  directory_id   uuid             primary key references directories on delete cascade,
  max_users      int              check (max_users > 0),
  max_percent    double precision check (max_percent > 0),
  window_seconds int              not null check (window_seconds > 0),
  engaged_at     timestamptz,
  check (max_users is not null or max_percent is not null)
) with (fillfactor = 50);

-- Who was deactivated or deleted where there is a brake; forgotten once the window has passed, or it is released.
create table brake_departures (
  directory_id uuid        not null references directories on delete cascade,
  user_id      uuid        not null,
  at           timestamptz not null,
  primary key (directory_id, user_id)
);
create index brake_departures_by_time on brake_departures (directory_id, at);

-- ── Erasure ────────────────────────────────────────────────────────────────────────────────────

-- A person to be forgotten. What is looked for (`person`) is known only from what is being erased, so it is kept until the end.
create table erasures (
  user_id        uuid        primary key,
  environment_id uuid        not null references environments on delete cascade,
  directory_id   uuid        not null,
  created_at     timestamptz not null default now(),
  up_to_sequence bigint,                     -- of the directory's log; null until it begins
  phase          text        not null default 'collect' check (phase in ('collect', 'events', 'requests', 'done')),
  sequence       bigint      not null default 0,
  request_id     uuid,                       -- requests up to it are done
  person         json,
  lease_until    timestamptz,
  finished_at    timestamptz,
  check ((phase = 'done') = (finished_at is not null))
);
create index erasures_unfinished on erasures (created_at) where finished_at is null;

-- ── Mail ───────────────────────────────────────────────────────────────────────────────────────

-- How far the mail's reader of an environment's log has come.
create table mail_cursors (
  environment_id uuid   primary key references environments on delete cascade,
  position       bigint not null
) with (fillfactor = 50);
insert into mail_cursors (environment_id, position)
select environment_id, position from feed_heads;

-- Provisioning that fails in a directory, from its first failure until there has been none for a while.
create table provisioning_troubles (
  directory_id   uuid        primary key,
  environment_id uuid        not null references environments on delete cascade,
  began_at       timestamptz not null,
  last_at        timestamptz not null,
  first_sequence bigint      not null,
  last_sequence  bigint      not null,
  failures       int         not null,
  told_at        timestamptz          -- null: more of them are waited for before it is told
) with (fillfactor = 50);

-- Written and not sent yet, one for each reader. Rows go away when they are sent or given up.
create table mails (
  id              uuid        primary key,
  environment_id  uuid        references environments on delete cascade,
  recipient       text        not null,
  subject         text        not null,
  body            text        not null,
  created_at      timestamptz not null default now(),
  attempts        int         not null default 0,
  next_attempt_at timestamptz not null default now()
);
create index mails_due on mails (next_attempt_at);
create index mails_by_environment on mails (environment_id);
