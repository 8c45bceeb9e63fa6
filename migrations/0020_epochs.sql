-- Epochs that never meet: each rewind begins one with a name of its own, drawn at random, which every event bears that is appended in it.
--
-- Adds columns without rewriting anything. Each table is locked against everybody (access exclusive) for a moment; that waits for readers of
-- the same table, and is given up after 10 s, so run it when no dump is under way. What the release before this one writes meanwhile is right:
-- an event without an epoch is of the one that the log was in at its position, a head without one is in its environment's.

-- `epoch` stays what it was: 1, 2, 3 … along one history. Of two histories that were restored from one backup the same number names two
-- epochs, and the name tells them apart. The first is called 1 everywhere: what comes before all restores is the same log.
alter table feed_heads add column epoch_name     text   not null default '1',
                       add column epoch_began    bigint not null default 0,     -- the position after which it is not the log of the one before
                       add column epoch_previous text   not null default '1';   -- the name of the one before

alter table feed_rewinds add column name text,             -- null: of a release that gave none; the one before it goes on
                         add column head bigint;           -- the last position given before it; `position` may lie further back

-- The epoch in which the directory's sequences are drawn. Beside the counter, to be read under the same lock. What is there is of the first
-- epoch, which the default says without a row being written; what an older release adds has none, and is in its environment's.
alter table directory_heads add column epoch text default '1';
alter table directory_heads alter column epoch drop default;

alter table events add column epoch text default '1';
alter table events alter column epoch drop default;
