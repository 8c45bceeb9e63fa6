import type { Pool } from 'pg';
import { coreSchemas, type DeclaredExtension, parseDeclaredExtension, type SchemaSet, schemaSet } from '#scim';
import { prepared } from './prepared';

/** The declared extensions of `directories d`, as the text of one JSON array; null where there are none. */
export const extensionsOfDirectory = `
         (select json_agg(x.definition order by x.urn_key)::text
            from schema_extensions x
           where x.environment_id = d.environment_id) as extensions`;

// Read with every request, so never out of date; built once for each wording.
const built = new Map<string, SchemaSet>();

/** The schemas that a list of declared extensions makes, with the core ones. */
export function schemasOf(extensions: string | null): SchemaSet {
  if (extensions === null) return coreSchemas;
  let schemas = built.get(extensions);
  if (!schemas) {
    const declared: unknown = JSON.parse(extensions);
    schemas = schemaSet((Array.isArray(declared) ? declared : []).map(parseDeclaredExtension));
    if (built.size > 1_000) built.clear();
    built.set(extensions, schemas);
  }
  return schemas;
}

const upsertExtension = prepared('declare_extension', `
  insert into schema_extensions (environment_id, urn_key, resource_type, definition)
  values ($1, lower($2), $3, $4)
  on conflict (environment_id, urn_key) do update
     set resource_type = excluded.resource_type,
         definition = excluded.definition`);

/** Declares an extension for every directory of an environment, in place of an earlier declaration of the same URN. */
export async function declareExtension(pool: Pool, environmentId: string, extension: DeclaredExtension): Promise<void> {
  await upsertExtension.run(pool, [environmentId, extension.urn, extension.resourceType, JSON.stringify(extension)]);
}

const selectExtensions = prepared<{ definition: DeclaredExtension }>('list_extensions', `
  select definition
    from schema_extensions
   where environment_id = $1
   order by urn_key`);

export async function listExtensions(pool: Pool, environmentId: string): Promise<DeclaredExtension[]> {
  return (await selectExtensions.run(pool, [environmentId])).map((row) => row.definition);
}

const deleteExtension = prepared<{ urn_key: string }>('withdraw_extension', `
  delete from schema_extensions
   where environment_id = $1
     and urn_key = lower($2)
  returning urn_key`);

/** Withdraws a declaration; what was stored under its URN stays. False where there is none. */
export async function withdrawExtension(pool: Pool, environmentId: string, urn: string): Promise<boolean> {
  return (await deleteExtension.run(pool, [environmentId, urn])).length > 0;
}
