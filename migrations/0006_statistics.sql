-- PostgreSQL shall not know how many rows each directory has, nor each group.
--
-- What it has counted it believes: of a directory that was made since the last analyze it expects one row, and plans nested loops
-- over what are soon 50,000 users. Without statistics it expects a two-hundredth of the table for every directory, and so always
-- takes the index that names one user or one membership. docs/decisions/0009-directories-without-statistics.md has the numbers.
--
-- Takes a lock (share update exclusive) for a moment, which neither readers nor writers wait for. Statistics that are there already
-- stay, so an installation that has some goes on as before for the directories that it had.
alter table users alter column directory_id set statistics 0;
alter table groups alter column directory_id set statistics 0;
alter table memberships alter column directory_id set statistics 0,
                        alter column group_id set statistics 0;
