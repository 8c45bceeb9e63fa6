-- Users whose deactivation or deletion was refused, the last time that it was. Whether they are there still, active since before then,
-- is asked of users: nobody who leaves after all, which is nearly everybody, needs to be taken out.
--
-- A new table. Its foreign key locks users against writes (share row exclusive) for the moment that it takes to add a key to an empty
-- table.
create table refused_departures (
  directory_id uuid        not null,
  user_id      uuid        not null,
  refused_at   timestamptz not null,
  request_id   uuid        not null,
  primary key (directory_id, user_id),
  foreign key (directory_id, user_id) references users (directory_id, id) on delete cascade
);
