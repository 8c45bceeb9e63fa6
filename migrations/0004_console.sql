-- The console's members: who they are, what they may see, how they sign in; and whose name a setup page bears.
-- Locks nothing: all tables are new.

-- A person who signs in to the console. One may belong to several environments.
create table members (
  id            uuid        primary key,
  email         text        not null,          -- as it was given
  email_key     text        not null unique,   -- in lower case
  password_hash text        not null,          -- bcrypt
  created_at    timestamptz not null default now()
);

create table environment_members (
  environment_id uuid        not null references environments on delete cascade,
  member_id      uuid        not null references members on delete cascade,
  role           text        not null check (role in ('admin', 'viewer')),
  created_at     timestamptz not null default now(),
  primary key (environment_id, member_id)
);
create index environment_members_by_member on environment_members (member_id);

-- Only a SHA-256 of the cookie is kept: it has 256 bits of its own.
create table member_sessions (
  id           uuid        primary key,
  hash         bytea       not null unique,
  member_id    uuid        not null references members on delete cascade,
  created_at   timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),   -- to within five minutes
  expires_at   timestamptz not null,
  user_agent   text
);
create index member_sessions_by_member on member_sessions (member_id);

-- Links that were mailed, each good for one use: whoever opens one has shown that the address is theirs.
create table member_links (
  id               uuid        primary key,
  hash             bytea       not null unique,      -- SHA-256 of what is in the link
  kind             text        not null check (kind in ('sign_up', 'password_reset', 'invitation')),
  email            text        not null,
  email_key        text        not null,
  password_hash    text,                             -- of a sign-up: the member's, once the address is shown to be theirs
  environment_name text,                             -- of a sign-up: what the member's first environment is to be called
  environment_id   uuid        references environments on delete cascade, -- of an invitation
  role             text        check (role in ('admin', 'viewer')),
  invited_by       uuid        references members on delete set null,
  created_at       timestamptz not null default now(),
  expires_at       timestamptz not null,
  check ((kind = 'sign_up') = (password_hash is not null)),
  check ((kind = 'sign_up') = (environment_name is not null)),
  check ((kind = 'invitation') = (environment_id is not null)),
  check ((kind = 'invitation') = (role is not null))
);
create index member_links_by_environment on member_links (environment_id) where kind = 'invitation';
create index member_links_by_email on member_links (email_key, kind);

-- In whose name the IT admin's setup page speaks; without a row, in the environment's.
create table setup_appearances (
  environment_id uuid        primary key references environments on delete cascade,
  vendor_name    text,
  color          text        check (color ~ '^#[0-9a-f]{6}$'),
  logo           bytea       check (length(logo) <= 65536),
  logo_type      text        check (logo_type in ('image/png', 'image/jpeg', 'image/webp')),
  support_email  text,
  updated_at     timestamptz not null default now(),
  check ((logo is null) = (logo_type is null))
);
