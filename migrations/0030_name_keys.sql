-- How userNames and e-mail addresses are compared: as RFC 8265 compares them, and without blanks around them. ß is no longer ss, and
-- full-width letters are plain ones. The keys are made by the application, and so are those of users who are there already, in this
-- very transaction (packages/directory/people/name-keys.ts): of names in plain ASCII, which are nearly all, they stay as they are.
--
-- One walk over users, a few seconds for a million, which locks nothing. The directories in which somebody has another key are held
-- against writers from there until the commit. The release before finds those few by a name that foldCase leaves as it is.
comment on column users.user_name_key is 'of the userName, by foldName; where two became alike, by foldCase still';
comment on column users.email_keys is 'of the addresses, by foldName';
