import { publicId } from '#identifier';
import type { JsonObject, Resource } from '#scim';
import { prepared } from '#postgres';
import { type Profile, rawOf } from './profile';
import type { DirectoryScope } from '../writing/transaction';

/** A user as stored. */
export interface StoredUser {
  id: string;
  resource: Resource;
  profile: Profile;
  groups: { id: string; displayName: string; externalId: string | null }[];
  /** The sequence of the last event that changed the user, or put it into or out of a group. */
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** As much of it as SCIM shows. */
export type ShownUser = Omit<StoredUser, 'profile'>;

/**
 * SQL, of rows of users: what is kept of the addresses that somebody who departed was known by, to answer /v1/access. A userName
 * with an @ is one too: not every identity provider sends `emails`.
 */
export const addressHashes = `
  array(select sha256(convert_to(address, 'UTF8'))
          from unnest(email_keys || case when user_name_key like '%@%' then user_name_key end) as address
         where address is not null)`;

/** A user as the API and the events show it. */
export interface UserJson extends Profile {
  id: string;
  directory_id: string;
  organization_id: string;
  groups: { id: string; display_name: string }[];
  raw: JsonObject;
  version: number;
  created_at: string;
  updated_at: string;
}

export function userJson(directory: Pick<DirectoryScope, 'id' | 'organizationId'>, user: StoredUser): UserJson {
  const { roles, attributes, ...profile } = user.profile;
  return {
    id: publicId('usr', user.id),
    directory_id: publicId('dir', directory.id),
    organization_id: publicId('org', directory.organizationId),
    ...profile,
    roles,
    groups: user.groups.map((group) => ({ id: publicId('grp', group.id), display_name: group.displayName })),
    attributes,
    raw: rawOf(user.resource, 'User'),
    version: user.version,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
  };
}

export interface UserRow {
  id: string;
  resource: Resource;
  profile: Profile;
  groups: { id: string; display_name: string; external_id: string | null }[];
  version: number;
  created_at: Date;
  updated_at: Date;
}

/** Of `users u` joined with `userGroups`. */
export const shownUserColumns = `
         u.id, u.resource, g.groups, greatest(u.version, g.version) as version,
         u.created_at, greatest(u.updated_at, g.changed_at) as updated_at`;

export const userColumns = `${shownUserColumns}, u.profile`;

/** A user's groups, and how far its memberships have moved its version: a row for every row of `users u`. */
export const userGroups = `
    cross join lateral (
      select coalesce(json_agg(json_build_object('id', m.group_id, 'display_name', gr.display_name, 'external_id', gr.external_id) order by m.group_id)
                        filter (where m.present), '[]') as groups,
             max(m.version) as version,
             max(m.changed_at) as changed_at
        from memberships m
        left join groups gr on gr.directory_id = m.directory_id and gr.id = m.group_id
       where m.directory_id = u.directory_id
         and m.member_id = u.id) g`;

export const selectUser = prepared<UserRow>(
  'user',
  `
  select ${userColumns}
    from users u ${userGroups}
   where u.directory_id = $1
     and u.id = $2`,
);

export function userOf(row: UserRow): StoredUser {
  return { ...shownUserOf(row), profile: row.profile };
}

export function shownUserOf(row: Omit<UserRow, 'profile'>): ShownUser {
  return {
    id: row.id,
    resource: row.resource,
    groups: row.groups.map((group) => ({ id: group.id, displayName: group.display_name, externalId: group.external_id })),
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
