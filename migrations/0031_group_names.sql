-- Identity providers may have two groups of one name, which they know apart by externalId. The same name with the same externalId, or
-- twice without one, is still refused here; a name with and without one is refused by the application, under the directory's lock.
--
-- Building the index makes writers of groups wait, a second for a million of them; taking the constraint away locks the table for a
-- moment. The release before translates the refusal by the same name, and only lets in what it would not have made by itself.
create unique index groups_names on groups (directory_id, display_name_key, coalesce(external_id, ''));
alter table groups drop constraint groups_display_name;
alter index groups_names rename to groups_display_name;
