import { publicId } from '#identifier';
import type { JsonObject, Resource } from '#scim';
import { prepared } from '#postgres';
import { rawOf } from './profile';
import type { DirectoryScope, DirectoryTransaction } from '../writing/transaction';

/** A group as stored; its members are rows of their own. */
export interface StoredGroup {
  id: string;
  resource: Resource;
  memberCount: number;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** A group as the API and the events show it. */
export interface GroupJson {
  id: string;
  directory_id: string;
  organization_id: string;
  external_id: string | null;
  display_name: string;
  member_count: number;
  raw: JsonObject;
  version: number;
  created_at: string;
  updated_at: string;
}

export function groupJson(directory: Pick<DirectoryScope, 'id' | 'organizationId'>, group: StoredGroup): GroupJson {
  const { externalId, displayName } = group.resource;
  return {
    id: publicId('grp', group.id),
    directory_id: publicId('dir', directory.id),
    organization_id: publicId('org', directory.organizationId),
    external_id: typeof externalId === 'string' ? externalId : null,
    display_name: typeof displayName === 'string' ? displayName : '',
    member_count: group.memberCount,
    raw: rawOf(group.resource, 'Group'),
    version: group.version,
    created_at: group.createdAt.toISOString(),
    updated_at: group.updatedAt.toISOString(),
  };
}

export interface GroupRow {
  id: string;
  resource: Resource;
  member_count: number;
  version: number;
  created_at: Date;
  updated_at: Date;
}

/** Of `groups gr`. */
export const groupColumns = `
         gr.id, gr.resource, gr.member_count, gr.version, gr.created_at, gr.updated_at`;

const updateCounts = prepared(
  'update_group_counts',
  `
  update groups gr
     set member_count = n.member_count,
         version = n.version,
         updated_at = $2
    from unnest($3::uuid[], $4::int[], $5::bigint[]) as n (id, member_count, version)
   where gr.directory_id = $1
     and gr.id = n.id`,
);

/** Stores how many members groups have now, and the version that this made of them. */
export function storeGroupCounts(tx: DirectoryTransaction, groups: StoredGroup[]): void {
  tx.write(updateCounts, [
    tx.directory.id,
    tx.now,
    groups.map((group) => group.id),
    groups.map((group) => group.memberCount),
    groups.map((group) => group.version),
  ]);
}

export function groupOf(row: GroupRow): StoredGroup {
  return {
    id: row.id,
    resource: row.resource,
    memberCount: row.member_count,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
