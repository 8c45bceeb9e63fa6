import type { ResourceType } from '#scim';
import { groupColumns } from '../resource/stored-group';
import { shownUserColumns, userGroups } from '../resource/stored-user';

/** A table that is searched, as far as a query depends on which it is. */
export interface SearchedTable {
  type: ResourceType;
  /** The alias that conditions use. */
  row: 'u' | 'gr';
  name: 'users' | 'groups';
  columns: string;
  /** What a row of it is in bytes, as far as it is shown. */
  size: string;
  /** What the columns need besides the row. */
  joined: string;
  /** Indexed columns, by the attribute's place in the folded resource. */
  keys: Record<string, string>;
  lastModified: string;
  version: string;
}

export const userTable: SearchedTable = {
  type: 'User',
  row: 'u',
  name: 'users',
  columns: shownUserColumns,
  size: 'coalesce(u.resource_bytes, octet_length(u.resource::text))',
  joined: userGroups,
  keys: { username: 'u.user_name_key', externalid: 'u.external_id' },
  lastModified: `greatest(u.updated_at, (select max(m.changed_at) from memberships m where m.directory_id = u.directory_id and m.member_id = u.id))`,
  version: `greatest(u.version, (select max(m.version) from memberships m where m.directory_id = u.directory_id and m.member_id = u.id))`,
};

export const groupTable: SearchedTable = {
  type: 'Group',
  row: 'gr',
  name: 'groups',
  columns: groupColumns,
  size: 'coalesce(gr.resource_bytes, octet_length(gr.resource::text))',
  joined: '',
  keys: { displayname: 'gr.display_name_key', externalid: 'gr.external_id' },
  lastModified: 'gr.updated_at',
  version: 'gr.version',
};
