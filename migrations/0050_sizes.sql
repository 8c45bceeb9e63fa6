-- How large events, users and groups are, so that a page can be ended by its bytes without reading what is beyond it.
--
-- Adding a column that may be null locks its table (access exclusive) for a moment: nothing is rewritten, and nothing is filled in. Of
-- rows that have none, which are those of before and those that an older release inserts, the size is found by reading them. A user or
-- group that an older release changes keeps the size from before, until it is written again.
alter table events add column bytes int;            -- of data
alter table users add column resource_bytes int,
                  add column profile_bytes int;
alter table groups add column resource_bytes int;
