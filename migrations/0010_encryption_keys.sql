-- Which ENCRYPTION_KEY this database's values are encrypted with, and the keys that do not change with it.
--
-- Two new, empty tables: nothing is locked and nothing is read. They are filled by the first process that starts after this, once it
-- has opened something with its key. A process of the release before knows nothing of them, and needs nothing of them as long as
-- ENCRYPTION_KEY is what it was.

-- Every key that something in this database may be encrypted with. A process that has not all of them does not start.
create table encryption_keys (
  fingerprint text        primary key,
  used_since  timestamptz not null default now()
);

-- What marks the secrets that are given away (tokens, clients, links, sessions), encrypted like everything else that is read back.
create table installation_keys (
  name   text  primary key check (name in ('marking', 'succession')),
  sealed bytea not null
);
