-- Which transaction appended an event that waits for its position. The sequencer remembers which transactions it has seen the end of, and asks
-- for the others alone: while somebody keeps an old snapshot open (a dump, say) what it has taken out cannot be vacuumed away, and it must not
-- walk over all of that each time.
--
-- Rows that wait now get this migration's own transaction. The table is locked against everybody (access exclusive) for as long as it takes to
-- index the few rows that wait: milliseconds. Older releases leave the column to its default, which is right.
alter table event_outbox add column xid xid8 not null default pg_current_xact_id();
create index event_outbox_by_transaction on event_outbox (xid);
