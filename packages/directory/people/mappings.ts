/** What vendors do with mappings: read them, save them, try a draft. How a user is mapped stands in mapped-user.ts. */
import { setImmediate as othersFirst } from 'node:timers/promises';
import { bounds } from '#bounds';
import type { Pool, PoolClient } from 'pg';
import { defaultMapping, type MappedWork, type Mapping, parseMapping, type Problem, problemError, type UnknownPathAction } from '#mapping';
import { newId, publicId } from '#identifier';
import { type JsonObject, type SchemaSet } from '#scim';
import { addressesElsewhere } from './admission';
import { beginRemap } from '../rules/begin-remap';
import { getDirectory } from '../rules/directories';
import { firstId, inTransaction, prepared, type Queryable } from '#postgres';
import { type Mappable, mapUser } from '../resource/mapped-user';
import { withNamesakes } from './namesakes';
import { type AssignedRole, emailKeysOf, sameJson } from '../resource/profile';
import { mappedAtOnce, rulesOfAddresses } from './remap';
import { environmentExtensions, extensionsOfDirectory } from '../rules/schema-extensions';
import { type StoredUser, type UserRow, userColumns, userGroups, userOf } from '../resource/stored-user';
import type { DirectoryPool, DirectoryScope } from '../writing/transaction';

/** Whose mapping: an environment's, or a directory's own in its place. */
export interface MappingScope {
  environmentId: string;
  /** Absent: the environment's. */
  directoryId?: string | undefined;
}

const selectMapping = prepared<{ scope_id: string; mapping: Mapping }>(
  'get_attribute_mapping',
  `
  select scope_id, mapping
    from attribute_mappings
   where environment_id = $1
     and scope_id in ($1, $2)
   order by scope_id = $2 desc
   limit 1`,
);

/**
 * The mapping that holds for a scope. `inherited`: the directory has none of its own, and this is its environment's.
 * `undefined` where the environment has no such directory.
 */
export async function getMapping(pool: Pool, scope: MappingScope): Promise<{ mapping: Mapping; inherited: boolean } | undefined> {
  if (!(await exists(pool, scope))) return undefined;
  const id = scope.directoryId ?? scope.environmentId;
  const [row] = await selectMapping.run(pool, [scope.environmentId, id]);
  return { mapping: row ? complete(row.mapping) : defaultMapping, inherited: row?.scope_id !== id && scope.directoryId !== undefined };
}

/** A mapping that was saved before there was a rule says nothing of it. */
function complete(mapping: Mapping): Mapping {
  return { ...mapping, rules: { ...mapping.rules, unknown_path: mapping.rules.unknown_path ?? 'reject' } };
}

const selectUnknownPath = prepared<{ unknown_path: UnknownPathAction | null }>(
  'unknown_path_of_directory',
  `
  select mapping #>> '{rules,unknown_path}' as unknown_path
    from attribute_mappings
   where environment_id = $1
     and scope_id in ($1, $2)
   order by scope_id = $2 desc
   limit 1`,
);

/** What becomes of a PATCH in a directory that names what the schema does not have. Asked where one does, which is seldom. */
export async function unknownPathAction(db: Queryable, directory: DirectoryScope): Promise<UnknownPathAction> {
  const [row] = await selectUnknownPath.run(db, [directory.environmentId, directory.id]);
  return row?.unknown_path ?? 'reject';
}

async function exists(pool: Pool, { environmentId, directoryId }: MappingScope): Promise<boolean> {
  return directoryId === undefined || (await getDirectory(pool, { environmentId, directoryId })) !== undefined;
}

/** A mapping from JSON, read with the extensions that the environment has declared. @throws InvalidMapping */
export async function readMapping(pool: DirectoryPool, environmentId: string, body: unknown): Promise<Mapping> {
  const [row] = await environmentExtensions.run(pool, [environmentId]);
  return parseMapping(body, pool.known.schemas.of(row?.extensions ?? null));
}

/** What came of saving: `remapId` where there are users who must be mapped anew. */
export interface SavedMapping {
  mapping: Mapping;
  remapId?: string;
}

const upsertMapping = prepared(
  'save_attribute_mapping',
  `
  insert into attribute_mappings (scope_id, environment_id, directory_id, revision, mapping)
  values ($1, $2, $3, $4, $5)
  on conflict (scope_id) do update
     set revision = excluded.revision,
         mapping = excluded.mapping,
         updated_at = now()`,
);

/**
 * Saves a mapping: from here on everybody who is written is mapped by it, and everybody else soon (`remapUsers`).
 * `undefined` where the environment has no such directory.
 */
export async function saveMapping(pool: Pool, scope: MappingScope, mapping: Mapping, requestId: string): Promise<SavedMapping | undefined> {
  if (!(await exists(pool, scope))) return undefined;
  const { environmentId, directoryId } = scope;
  return inTransaction(pool, async (client) => {
    const before = await lockMapping(client, scope);
    await upsertMapping.run(client, [directoryId ?? environmentId, environmentId, directoryId ?? null, newId(), JSON.stringify(mapping)]);
    return { mapping, ...(await remapIfNeeded(client, scope, before, mapping, requestId)) };
  });
}

const deleteMapping = prepared<{ scope_id: string }>(
  'remove_attribute_mapping',
  `
  delete from attribute_mappings
   where environment_id = $1
     and scope_id = $2
  returning scope_id`,
);

/** Takes a directory's own mapping away, so that its environment's holds again. `undefined` where it has none. */
export async function removeMapping(pool: Pool, scope: Required<MappingScope>, requestId: string): Promise<SavedMapping | undefined> {
  if (!(await exists(pool, scope))) return undefined;
  return inTransaction(pool, async (client) => {
    const before = await lockMapping(client, scope);
    const gone = await deleteMapping.run(client, [scope.environmentId, scope.directoryId]);
    if (gone.length === 0) return undefined;
    const mapping = await mappingInForce(client, { environmentId: scope.environmentId });
    return { mapping, ...(await remapIfNeeded(client, scope, before, mapping, requestId)) };
  });
}

const lockEnvironment = prepared(
  'lock_environment_to_map',
  `
  select id
    from environments
   where id = $1
     for no key update`,
);

/** Puts those in line who save mappings of one environment, and answers what held until now. */
async function lockMapping(client: PoolClient, scope: MappingScope): Promise<Mapping> {
  await lockEnvironment.run(client, [scope.environmentId]);
  return mappingInForce(client, scope);
}

async function mappingInForce(client: PoolClient, { environmentId, directoryId }: MappingScope): Promise<Mapping> {
  const [row] = await selectMapping.run(client, [environmentId, directoryId ?? environmentId]);
  return row?.mapping ?? defaultMapping;
}

const hasUsers = prepared<{ users: boolean }>(
  'scope_has_users',
  `
  select exists (select 1
                   from directories d
                  where d.environment_id = $1
                    and d.deleted_at is null
                    and case when $2::uuid is null
                             then not exists (select 1 from attribute_mappings m where m.scope_id = d.id)
                             else d.id = $2 end
                    and exists (select 1 from users u where u.directory_id = d.id)) as users`,
);

/** Rules alone change nobody: what is at fault stands in no attribute, whatever is done about it. */
async function remapIfNeeded(
  client: PoolClient,
  scope: MappingScope,
  before: Mapping,
  after: Mapping,
  requestId: string,
): Promise<{ remapId?: string }> {
  if (sameJson(before.attributes, after.attributes) && sameJson(before.roles, after.roles)) return {};
  const { environmentId, directoryId = null } = scope;
  const [row] = await hasUsers.run(client, [environmentId, directoryId]);
  // Also where there is nobody to be seen: somebody may be on their way in who began under the mapping of before.
  const remapId = await beginRemap(client, { environmentId, directoryId }, requestId);
  return row?.users ? { remapId } : {};
}

// ── Preview ────────────────────────────────────────────────────────────────────────────────────

/** What a draft would do to the users that are stored. */
export interface MappingPreview {
  /** How many users were looked at: all, unless there are more than may be. */
  users: number;
  complete: boolean;
  /** Whose attributes or roles would change. */
  changed: number;
  /** Active ones who break a rule whose action is `reject`: their next write would be refused. */
  failing: number;
  /** Which rules are broken, by how many users; most first. */
  reasons: { problem: Pick<Problem, 'kind' | 'attribute' | 'path' | 'wanted' | 'action'>; users: number }[];
  /** Which patterns take more steps than a user may have, and of how many users; most first. */
  costlyPatterns: { attribute: string; pattern: string; users: number }[];
  /** Some who fail, then some who change. */
  examples: MappingExample[];
}

export interface MappingExample {
  user: { id: string; userName: string; directoryId: string };
  before: MappedValues;
  after: MappedValues;
  problems: (Problem & { detail: string })[];
}

interface MappedValues {
  attributes: JsonObject;
  roles: AssignedRole[];
}

interface PreviewRow extends UserRow {
  directory_id: string;
  organization_id: string;
  domains: string[];
  extensions: string | null;
}

const previewPage = prepared<PreviewRow>(
  'users_to_preview',
  `
  select ${userColumns}, u.directory_id, d.organization_id, o.domains, ${extensionsOfDirectory}
    from directories d
    join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id
   cross join lateral (select *
                         from users u
                        where u.directory_id = d.id
                          and u.id > case when d.id = $3 then $4::uuid else '${firstId}' end
                        order by u.id
                        limit ${mappedAtOnce}) u ${userGroups}
   where d.environment_id = $1
     and d.deleted_at is null
     and d.id >= $3
     and case when $2::uuid is null
              then not exists (select 1 from attribute_mappings m where m.scope_id = d.id)
              else d.id = $2 end
   order by d.id, u.id
   limit ${mappedAtOnce}`,
);

const previewedAtMost = 10_000;
const examplesAtMost = 10;
const reasonsAtMost = 50;

/**
 * Applies a draft to the users of a scope, page by page, and stores nothing. It looks at all of them, or at the first 10,000 in
 * the order of directories and users where there are more. `undefined` where the environment has no such directory.
 */
export async function previewMapping(pool: DirectoryPool, scope: MappingScope, draft: Mapping): Promise<MappingPreview | undefined> {
  if (!(await exists(pool, scope))) return undefined;
  const count = new PreviewCount();
  let [directoryId, userId] = [firstId, firstId];
  for (;;) {
    const rows = await previewPage.run(pool, [scope.environmentId, scope.directoryId ?? null, directoryId, userId]);
    const last = rows.at(-1);
    if (!last || count.users >= previewedAtMost || count.steps >= bounds.previewPatternSteps) return count.result(!last);
    [directoryId, userId] = [last.directory_id, last.id];
    await count.add(pool, scope.environmentId, draft, rows);
  }
}

class PreviewCount {
  users = 0;
  /** Of all patterns. */
  steps = 0;
  readonly #costly = new Map<string, MappingPreview['costlyPatterns'][number]>();
  readonly #reasons = new Map<string, MappingPreview['reasons'][number]>();
  readonly #failures: MappingExample[] = [];
  readonly #changes: MappingExample[] = [];
  #changed = 0;
  #failing = 0;

  async add(pool: DirectoryPool, environmentId: string, draft: Mapping, rows: PreviewRow[]): Promise<void> {
    const taken =
      draft.rules.email_elsewhere === 'ignore' ? new Map<string, Set<string>>() : await addressesTaken(pool, environmentId, rows);
    const users = rows.map((row) => ({ row, directoryId: row.directory_id, ...userOf(row) }));
    for (const { row, ...user } of await withNamesakes((statement, values) => statement.run(pool, values), draft, users)) {
      const before = this.steps;
      this.#addUser(draft, row, user, pool.known.schemas.of(row.extensions), taken.get(row.organization_id) ?? new Set());
      if (this.steps - before > bounds.patternSteps / 10) await othersFirst(); // others are not to wait for a page of these
    }
  }

  result(complete: boolean): MappingPreview {
    return {
      users: this.users,
      complete,
      changed: this.#changed,
      failing: this.#failing,
      reasons: [...this.#reasons.values()].sort((a, b) => b.users - a.users).slice(0, reasonsAtMost),
      costlyPatterns: [...this.#costly.values()].sort((a, b) => b.users - a.users),
      examples: [...this.#failures, ...this.#changes],
    };
  }

  #addUser(draft: Mapping, row: PreviewRow, user: StoredUser & Mappable, schemas: SchemaSet, taken: ReadonlySet<string>): void {
    const work: MappedWork = { steps: 0 };
    const { attributes, roles, problems: found } = mapUser(draft, schemas, user, work);
    this.steps += work.steps;
    if (work.costly) this.#addCostly(work.costly);
    const { attributes: attributesBefore, roles: rolesBefore, active } = user.profile;
    const problems = [...found, ...rulesOfAddresses(draft, user, row.domains, active ? taken : new Set())].filter(
      ({ action }) => action !== 'ignore',
    );
    const changes = !sameJson(attributes, attributesBefore) || !sameJson(roles, rolesBefore);
    const fails = active && problems.some(({ action }) => action === 'reject');

    this.users += 1;
    if (changes) this.#changed += 1;
    if (fails) this.#failing += 1;
    this.#addReasons(problems);
    const examples = fails ? this.#failures : changes ? this.#changes : undefined;
    if (examples && examples.length < examplesAtMost) {
      examples.push({
        user: { id: publicId('usr', user.id), userName: user.profile.user_name, directoryId: publicId('dir', row.directory_id) },
        before: { attributes: attributesBefore, roles: rolesBefore },
        after: { attributes, roles },
        problems: problems.map((problem) => ({ ...problem, detail: problemError(problem).detail })),
      });
    }
  }

  #addCostly({ attribute, pattern }: { attribute: string; pattern: string }): void {
    const known = this.#costly.get(attribute);
    if (known) known.users += 1;
    else this.#costly.set(attribute, { attribute, pattern, users: 1 });
  }

  /** A user who breaks a rule with several values counts once. */
  #addReasons(problems: Problem[]): void {
    const ofUser = new Map(problems.map((problem) => [`${problem.kind} ${problem.attribute} ${problem.path}`, problem]));
    for (const [key, { kind, attribute, path, wanted, action }] of ofUser) {
      const known = this.#reasons.get(key);
      if (known) known.users += 1;
      else this.#reasons.set(key, { problem: { kind, attribute, path, wanted, action }, users: 1 });
    }
  }
}

/** The addresses of a page's active users that are active in another organization too, for each of their organizations. */
async function addressesTaken(pool: Pool, environmentId: string, rows: PreviewRow[]): Promise<Map<string, Set<string>>> {
  const keys = new Map<string, string[]>();
  for (const row of rows.filter(({ profile }) => profile.active)) {
    keys.set(row.organization_id, [...(keys.get(row.organization_id) ?? []), ...emailKeysOf(row.resource)]);
  }
  const taken = new Map<string, Set<string>>();
  for (const [organizationId, ofOrganization] of keys) {
    taken.set(organizationId, await addressesElsewhere(pool, { environmentId, organizationId }, ofOrganization));
  }
  return taken;
}
