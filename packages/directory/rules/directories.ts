import type { Pool } from 'pg';
import type { SchemaSet } from '#scim';
import { newId, publicId } from '#identifier';
import { appendEvents } from '../log/event-log';
import { firstId, prepared } from '#postgres';
import { addressHashes } from '../resource/stored-user';
import type { DirectoryJson, Provider } from '../resource/told-directory';
import { type DirectoryPool, type DirectoryScope, inDirectory } from '../writing/transaction';

/** One IdP connection of an organization. */
export interface Directory extends DirectoryScope {
  name: string;
  provider: Provider;
  /** `pending` until the IdP's first accepted request. */
  state: 'pending' | 'active' | 'disabled';
  basicAuth: boolean;
  hasBearerToken: boolean;
  lastRequestAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

/** A directory as its IdP's requests meet it. */
export interface ScimDirectory extends Directory {
  /** The core schemas, and the extensions that its vendor has declared. */
  schemas: SchemaSet;
}

export interface DirectoryRow {
  id: string;
  environment_id: string;
  organization_id: string;
  organization_external_id: string | null;
  name: string;
  provider: Provider;
  disabled: boolean;
  activated_at: Date | null;
  basic_auth: boolean;
  has_bearer_token: boolean;
  last_request_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** Of `directories d join organizations o`. */
export const directoryColumns = `
         d.id, d.environment_id, d.organization_id, o.external_id as organization_external_id, d.name, d.provider, d.disabled,
         d.activated_at, d.basic_auth, d.last_request_at, d.created_at, d.updated_at`;

const hasBearerToken = `
         exists (select 1
                   from bearer_tokens t
                  where t.directory_id = d.id
                    and (t.expires_at is null or t.expires_at > now())) as has_bearer_token`;

const insertDirectory = prepared<{ id: string }>(
  'insert_directory',
  `
  with organization as (
    select environment_id, id, name
      from organizations
     where environment_id = $2
       and id = $3
       and deleted_at is null
       for share
  ), feed as (
    -- Held until the commit: a rewind waits for this directory, to tell it, or is waited for, and then this one is made in the new epoch.
    select epoch_name
      from feed_heads
     where environment_id = $2
       for key share
  ), directory as (
    insert into directories (id, environment_id, organization_id, name, provider)
    select $1, environment_id, id, coalesce($4, name), $5
      from organization
    returning id
  )
  insert into directory_heads (directory_id, epoch)
  select d.id, f.epoch_name
    from directory d
    left join feed f on true
  returning directory_id as id`,
);

/** `undefined` where the environment has no such organization. Without a name it takes its organization's. */
export async function createDirectory(
  pool: Pool,
  directory: { environmentId: string; organizationId: string; name?: string | undefined; provider: Provider },
): Promise<Directory | undefined> {
  const [row] = await insertDirectory.run(pool, [
    newId(),
    directory.environmentId,
    directory.organizationId,
    directory.name ?? null,
    directory.provider,
  ]);
  return row && getDirectory(pool, { environmentId: directory.environmentId, directoryId: row.id });
}

const selectDirectories = prepared<DirectoryRow>(
  'list_directories',
  `
  select ${directoryColumns}, ${hasBearerToken}
    from directories d
    join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id
   where d.environment_id = $1
     and d.deleted_at is null
     and d.id > $2
     and ($3::uuid is null or d.organization_id = $3)
     and ($4::text is null or o.external_id = $4)
   order by d.id
   limit $5`,
);

/** In the order of their making, from after the id `after`. */
export async function listDirectories(
  pool: Pool,
  query: {
    environmentId: string;
    limit: number;
    after?: string | undefined;
    organizationId?: string | undefined;
    organizationExternalId?: string | undefined;
  },
): Promise<Directory[]> {
  const rows = await selectDirectories.run(pool, [
    query.environmentId,
    query.after ?? firstId,
    query.organizationId ?? null,
    query.organizationExternalId ?? null,
    query.limit,
  ]);
  return rows.map(directoryOf);
}

const selectDirectory = prepared<DirectoryRow>(
  'get_directory',
  `
  select ${directoryColumns}, ${hasBearerToken}
    from directories d
    join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id
   where d.environment_id = $1
     and d.id = $2
     and d.deleted_at is null`,
);

export async function getDirectory(pool: Pool, query: { environmentId: string; directoryId: string }): Promise<Directory | undefined> {
  const [row] = await selectDirectory.run(pool, [query.environmentId, query.directoryId]);
  return row && directoryOf(row);
}

const updateDirectory = prepared<
  { disabled: boolean },
  { environmentId: string; directoryId: string; name: string | null; disabled: boolean | null; basicAuth: boolean | null; now: Date }
>(
  'change_directory',
  `
  update directories
     set name = coalesce(:name, name),
         disabled = coalesce(:disabled, disabled),
         basic_auth = coalesce(:basicAuth, basic_auth),
         updated_at = :now
   where environment_id = :environmentId
     and id = :directoryId
     and deleted_at is null`,
);

/** Changes a directory; disabling it is an event. A disabled one refuses its IdP from the next request on. */
export async function changeDirectory(
  pool: DirectoryPool,
  query: {
    environmentId: string;
    directoryId: string;
    changes: { name?: string | undefined; disabled?: boolean | undefined; basicAuth?: boolean | undefined };
    requestId?: string | null | undefined;
  },
): Promise<Directory | undefined> {
  const { environmentId, directoryId, changes } = query;
  const scope = await getDirectory(pool, query);
  if (!scope) return undefined;
  return inDirectory(pool, scope, query.requestId ?? null, async (tx) => {
    const [before] = await tx.read(selectDirectory, [environmentId, directoryId]);
    if (!before) return undefined;
    tx.write(updateDirectory, {
      environmentId,
      directoryId,
      name: changes.name ?? null,
      disabled: changes.disabled ?? null,
      basicAuth: changes.basicAuth ?? null,
      now: tx.now,
    });
    const after = directoryOf({
      ...before,
      name: changes.name ?? before.name,
      disabled: changes.disabled ?? before.disabled,
      basic_auth: changes.basicAuth ?? before.basic_auth,
      updated_at: tx.now,
    });
    if (after.state === 'disabled' && !before.disabled) {
      appendEvents(tx, [{ type: 'directory.disabled', data: () => ({ directory: directoryJson(after) }) }]);
    }
    return after;
  });
}

const updateProvider = prepared(
  'choose_provider',
  `
  update directories
     set provider = $3,
         updated_at = now()
   where environment_id = $1
     and id = $2
     and deleted_at is null
     and provider <> $3`,
);

/** Notes which identity provider a directory is connected to, where its IT admin knows better than its vendor. False where it is so already. */
export async function chooseProvider(
  pool: Pool,
  { environmentId, directoryId, provider }: { environmentId: string; directoryId: string; provider: Provider },
): Promise<boolean> {
  return (await updateProvider.change(pool, [environmentId, directoryId, provider])) === 1;
}

const markDirectoryDeleted = prepared(
  'delete_directory',
  `
  with tokens as (
    delete from bearer_tokens
     where directory_id = $2
  ), head as (
    delete from directory_heads -- whoever waits for the lock finds nothing to write to
     where directory_id = $2
  )
  update directories
     set deleted_at = $3
   where environment_id = $1
     and id = $2`,
);

/**
 * Deletes a directory, with one event for it and everybody in it. Its credentials end at once; its users and groups can no
 * longer be reached and are removed afterwards (`purgeDeletedDirectories`). False where there is none.
 */
export async function deleteDirectory(
  pool: DirectoryPool,
  query: { environmentId: string; directoryId: string; requestId?: string | null | undefined },
): Promise<boolean> {
  const scope = await getDirectory(pool, query);
  if (!scope) return false;
  return inDirectory(pool, scope, query.requestId ?? null, async (tx) => {
    const [row] = await tx.read(selectDirectory, [query.environmentId, query.directoryId]);
    if (!row) return false;
    const directory = directoryOf(row);
    tx.write(markDirectoryDeleted, [query.environmentId, query.directoryId, tx.now]);
    appendEvents(tx, [{ type: 'directory.deleted', data: () => ({ directory: directoryJson(directory) }) }]);
    return true;
  });
}

const markActivated = prepared<DirectoryRow>(
  'activate_directory',
  `
  with activated as (
    update directories
       set activated_at = $2,
           last_request_at = $2
     where id = $1
       and activated_at is null
       and deleted_at is null
    returning *
  )
  select ${directoryColumns}, true as has_bearer_token
    from activated d
    join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id`,
);

/** Notes the IdP's first accepted request. Any number of requests may come first at once; one event tells of it. */
export async function activateDirectory(pool: DirectoryPool, directory: DirectoryScope, requestId: string): Promise<void> {
  await inDirectory(pool, directory, requestId, async (tx) => {
    await tx.locked();
    const [row] = await tx.writeAndRead(markActivated, [directory.id, tx.now]);
    if (!row) return;
    const activated = directoryOf(row);
    appendEvents(tx, [{ type: 'directory.activated', data: () => ({ directory: directoryJson(activated) }) }]);
  });
}

const noteRequests = prepared(
  'note_directory_requests',
  `
  update directories d
     set last_request_at = greatest(d.last_request_at, n.at)
    from unnest($1::uuid[], $2::timestamptz[]) as n (id, at)
   where d.id = n.id`,
);

/** Notes when directories were last called. Called now and then with what has been gathered, not once for each request. */
export async function noteLastRequests(pool: Pool, last: ReadonlyMap<string, Date>): Promise<void> {
  await noteRequests.run(pool, [[...last.keys()], [...last.values()]]);
}

const deletedDirectories = prepared<{ id: string }>(
  'deleted_directories',
  `
  select id
    from directories
   where deleted_at is not null
   order by deleted_at
   limit 20`,
);

const purges = [
  prepared(
    'purge_memberships',
    `
    delete from memberships
     where ctid = any (array(select ctid from memberships where directory_id = $1 limit $2))`,
  ),
  prepared(
    'purge_users',
    `
    with departed as (
      delete from users u
       using directories d
       where d.id = u.directory_id
         and u.ctid = any (array(select ctid from users where directory_id = $1 limit $2))
      returning u.environment_id, u.organization_id, u.directory_id, u.id, u.email_keys, u.user_name_key, d.deleted_at
    )
    insert into departed_users (environment_id, organization_id, directory_id, user_id, email_hashes, departed_at)
    select environment_id, organization_id, directory_id, id, ${addressHashes}, deleted_at
      from departed`,
  ),
  prepared(
    'purge_groups',
    `
    delete from groups
     where ctid = any (array(select ctid from groups where directory_id = $1 limit $2))`,
  ),
];

const purgeDirectory = prepared(
  'purge_directory',
  `
  delete from directories
   where id = $1
     and deleted_at is not null`,
);

/**
 * Removes what deleted directories held, at most `limit` rows of each kind a call, each batch in a transaction of its own. A
 * directory's own row goes once it is empty. Answers whether anything may be left to do.
 */
export async function purgeDeletedDirectories(pool: Pool, limit: number): Promise<boolean> {
  let left = false;
  for (const { id } of await deletedDirectories.run(pool, [])) {
    let empty = true;
    for (const purge of purges) {
      if ((await purge.change(pool, [id, limit])) === limit) empty = false;
    }
    if (empty) await purgeDirectory.run(pool, [id]);
    left ||= !empty;
  }
  return left;
}

export function directoryOf(row: DirectoryRow): Directory {
  return {
    id: row.id,
    environmentId: row.environment_id,
    organizationId: row.organization_id,
    organizationExternalId: row.organization_external_id,
    name: row.name,
    provider: row.provider,
    state: row.disabled ? 'disabled' : row.activated_at ? 'active' : 'pending',
    basicAuth: row.basic_auth,
    hasBearerToken: row.has_bearer_token,
    lastRequestAt: row.last_request_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function directoryJson(directory: Directory): DirectoryJson {
  return {
    id: publicId('dir', directory.id),
    organization_id: publicId('org', directory.organizationId),
    organization_external_id: directory.organizationExternalId,
    name: directory.name,
    provider: directory.provider,
    state: directory.state,
    created_at: directory.createdAt.toISOString(),
    updated_at: directory.updatedAt.toISOString(),
  };
}
