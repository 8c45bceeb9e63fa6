import type { Pool, PoolClient } from 'pg';
import { type DeclaredExtension, foldResource, parseDeclaredExtension, type Resource, ScimError } from '#scim';
import { beginRemap } from './begin-remap';
import { firstId, inTransaction, prepared } from '#postgres';
import type { DirectoryPool } from '../writing/transaction';

/** What a vendor declares is no extension that can be kept; the message says why. */
export class InvalidExtension extends Error {}

/** An environment has as many extensions as it may have: they are read with every SCIM request. */
export class TooManyExtensions extends Error {
  constructor() {
    super(`an environment may declare ${extensionsAtMost} extensions`);
  }
}

const extensionsAtMost = 50;

/** The declared extensions of `directories d`, as the text of one JSON array; null where there are none. */
export const extensionsOfDirectory = `
         (select json_agg(x.definition order by x.urn_key)::text
            from schema_extensions x
           where x.environment_id = d.environment_id) as extensions`;

// Whoever declares another one at the same moment waits for the environment's row, so that the count is right.
const upsertExtension = prepared<{ urn_key: string }>(
  'declare_extension',
  `
  with environment as (
    select id
      from environments
     where id = $1
       for no key update
  )
  insert into schema_extensions (environment_id, urn_key, resource_type, definition)
  select e.id, lower($2), $3, $4
    from environment e
   where exists (select 1 from schema_extensions x where x.environment_id = e.id and x.urn_key = lower($2))
      or (select count(*) from schema_extensions x where x.environment_id = e.id) < $5
  on conflict (environment_id, urn_key) do update
     set resource_type = excluded.resource_type,
         definition = excluded.definition
  returning urn_key`,
);

/**
 * Declares an extension for every directory of an environment, in place of an earlier declaration of the same URN. `document` is
 * the declaration as JSON. What is stored under the URN stays as it is, and is from now on filtered as the declaration has it.
 *
 * @throws InvalidExtension, TooManyExtensions
 */
export async function declareExtension(
  pool: DirectoryPool,
  environmentId: string,
  document: unknown,
  requestId: string,
): Promise<DeclaredExtension> {
  const extension = readExtension(document);
  await inTransaction(pool, async (client) => {
    const [declared] = await upsertExtension.run(client, [
      environmentId,
      extension.urn,
      extension.resourceType,
      JSON.stringify(extension),
      extensionsAtMost,
    ]);
    if (!declared) throw new TooManyExtensions();
    await remapEverybody(client, environmentId, requestId);
  });
  await foldAnew(pool, environmentId, extension.urn);
  return extension;
}

function readExtension(document: unknown): DeclaredExtension {
  try {
    return parseDeclaredExtension(document);
  } catch (error) {
    if (error instanceof ScimError) throw new InvalidExtension(error.detail);
    throw error;
  }
}

const selectExtensions = prepared<{ definition: DeclaredExtension }>(
  'list_extensions',
  `
  select definition
    from schema_extensions
   where environment_id = $1
   order by urn_key`,
);

export async function listExtensions(pool: Pool, environmentId: string): Promise<DeclaredExtension[]> {
  return (await selectExtensions.run(pool, [environmentId])).map((row) => row.definition);
}

const deleteExtension = prepared<{ urn_key: string }>(
  'withdraw_extension',
  `
  delete from schema_extensions
   where environment_id = $1
     and urn_key = lower($2)
  returning urn_key`,
);

/** Withdraws a declaration; what was stored under its URN stays. False where there is none. */
export async function withdrawExtension(pool: DirectoryPool, environmentId: string, urn: string, requestId: string): Promise<boolean> {
  const withdrawn = await inTransaction(pool, async (client) => {
    await lockEnvironment.run(client, [environmentId]);
    if ((await deleteExtension.run(client, [environmentId, urn])).length === 0) return false;
    await remapEverybody(client, environmentId, requestId);
    return true;
  });
  if (!withdrawn) return false;
  await foldAnew(pool, environmentId, urn);
  return true;
}

const lockEnvironment = prepared(
  'lock_environment_of_extensions',
  `
  select id
    from environments
   where id = $1
     for no key update`,
);

const mappedScopes = prepared<{ directory_id: string | null }>(
  'mapped_scopes',
  `
  select directory_id
    from attribute_mappings
   where environment_id = $1`,
);

/** What a mapping reads may be an attribute by its short name, which a declaration gives and takes. */
async function remapEverybody(client: PoolClient, environmentId: string, requestId: string): Promise<void> {
  for (const { directory_id: directoryId } of await mappedScopes.run(client, [environmentId]))
    await beginRemap(client, { environmentId, directoryId }, requestId);
}

interface FoldedRow {
  directory_id: string;
  id: string;
  resource: Resource;
  version: number;
}

const foldedAtOnce = 500;

/** What an environment has declared, as `schemasOf` takes it. */
export const environmentExtensions = prepared<{ extensions: string | null }>(
  'extensions_of_environment',
  `
  select ${extensionsOfDirectory}
    from (select $1::uuid as environment_id) d`,
);

const directoriesOfEnvironment = prepared<{ id: string }>(
  'directories_of_environment',
  `
  select id
    from directories
   where environment_id = $1
     and deleted_at is null`,
);

const withData = {
  User: prepared<FoldedRow>('users_with_extension', selectWithData('users')),
  Group: prepared<FoldedRow>('groups_with_extension', selectWithData('groups')),
};
const fold = {
  User: prepared('fold_users', updateFolded('users')),
  Group: prepared('fold_groups', updateFolded('groups')),
};

function selectWithData(table: string): string {
  return `
  select directory_id, id, resource, version
    from ${table}
   where directory_id = $1
     and id > $2
     and folded ? $3
   order by id
   limit $4`;
}

// Who was changed meanwhile has been folded by that change.
function updateFolded(table: string): string {
  return `
  update ${table} t
     set folded = n.folded::jsonb
    from unnest($2::uuid[], $3::text[], $4::bigint[]) as n (id, folded, version)
   where t.directory_id = $1
     and t.id = n.id
     and t.version = n.version`;
}

/**
 * Folds what is stored under a URN as the schemas now have it: whether case makes a difference, and which texts are times, is
 * the declaration's to say, and filters compare the folded copy. Some at a time, so that no writer waits long.
 */
async function foldAnew(pool: DirectoryPool, environmentId: string, urn: string): Promise<void> {
  const [row] = await environmentExtensions.run(pool, [environmentId]);
  const schemas = pool.known.schemas.of(row?.extensions ?? null);
  for (const { id: directoryId } of await directoriesOfEnvironment.run(pool, [environmentId])) {
    for (const type of ['User', 'Group'] as const) {
      for (let last = firstId; ;) {
        const rows = await withData[type].run(pool, [directoryId, last, urn.toLowerCase(), foldedAtOnce]);
        await fold[type].run(pool, [
          directoryId,
          rows.map((each) => each.id),
          rows.map(({ resource }) => JSON.stringify(foldResource(resource, type, schemas))),
          rows.map((each) => each.version),
        ]);
        if (rows.length < foldedAtOnce) break;
        last = rows.at(-1)!.id;
      }
    }
  }
}
