/** Groups of one name, of which a directory may have several, and which of them a mapping means by it: the oldest. */
import { groupNames, type Mapping } from '#mapping';
import { foldCase } from '#scim';
import { type Prepared, prepared } from '#postgres';
import type { QueryResultRow } from 'pg';
import type { Mappable } from '../resource/mapped-user';
import type { StoredUser } from '../resource/stored-user';
import type { DirectoryTransaction } from '../writing/transaction';

const oldestOfNames = prepared<{ directory_id: string; id: string; key: string }>(
  'oldest_groups_of_names',
  `
  select distinct on (g.directory_id, g.display_name_key) g.directory_id, g.id, g.display_name_key as key
    from groups g
   where g.directory_id = any ($1::uuid[])
     and g.display_name_key = any ($2::text[])
     and g.id is distinct from $3
   order by g.directory_id, g.display_name_key, g.created_at, g.id`,
);

/** Runs a statement: in a transaction, or on a pool. */
type Ask = <Row extends QueryResultRow>(statement: Prepared<Row>, values: unknown[]) => Promise<Row[]>;

/** A user of a directory, as far as their groups go. */
type Grouped = Pick<StoredUser, 'groups'> & { directoryId: string };

/**
 * The same users, of whose groups those are marked that a mapping does not mean by their name. Nothing is read where it names none
 * of their groups. `leaving`: a group that is about to go, and so no longer counts.
 */
export async function withNamesakes<User extends Grouped>(
  ask: Ask,
  mapping: Mapping,
  users: readonly User[],
  leaving: string | null = null,
): Promise<(User & { groups: (User['groups'][number] & { isNamesake?: boolean })[] })[]> {
  if (users.every(({ groups }) => groups.length === 0)) return [...users];
  const names = groupNames(mapping);
  const named = names.size === 0 ? [] : users.filter(({ groups }) => groups.some(({ displayName }) => names.has(foldCase(displayName))));
  if (named.length === 0) return [...users];
  const directories = [...new Set(named.map(({ directoryId }) => directoryId))];
  const rows = await ask(oldestOfNames, [directories, [...names], leaving]);
  const oldest = new Map(rows.map(({ directory_id, id, key }) => [`${directory_id} ${key}`, id]));
  return users.map((user) => ({
    ...user,
    groups: user.groups.map((group) => {
      const meant = oldest.get(`${user.directoryId} ${foldCase(group.displayName)}`);
      return meant === undefined || meant === group.id ? group : { ...group, isNamesake: true };
    }),
  }));
}

/** The users' groups, those marked that the mapping does not mean by their name. */
export async function groupsAsMeant(
  tx: DirectoryTransaction,
  mapping: Mapping,
  users: readonly StoredUser[],
  leaving?: string,
): Promise<Mappable['groups'][]> {
  const named = users.map(({ groups }) => ({ groups, directoryId: tx.directory.id }));
  return (await withNamesakes((statement, values) => tx.read(statement, values), mapping, named, leaving)).map(({ groups }) => groups);
}

const oldestOthers = prepared<{ id: string }>(
  'oldest_other_groups_of_names',
  `
  select distinct on (g.display_name_key) g.id
    from groups g
   where g.directory_id = $1
     and g.display_name_key = any ($2::text[])
     and g.id <> $3
   order by g.display_name_key, g.created_at, g.id`,
);

/** The groups that some names mean, one group left out. */
export async function oldestBut(tx: DirectoryTransaction, names: readonly string[], groupId: string): Promise<string[]> {
  return (await tx.read(oldestOthers, [tx.directory.id, names, groupId])).map(({ id }) => id);
}
