-- Places in the log that the server keeps for vendors who do not want to keep a cursor.
--
-- The table is new. Its foreign key locks environments against writes (share row exclusive) for the moment that it takes to add a
-- key to an empty table.
create table consumers (
  environment_id uuid        not null references environments on delete cascade,
  name           text        not null,
  epoch          int         not null,   -- of the feed, when the place was committed
  position       bigint      not null,   -- of the last event that is done with; 0 before the first
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now(),
  primary key (environment_id, name)
) with (fillfactor = 70);
