import { type Json, type Resource, type SchemaSet, foldCase, isJsonObject } from '#scim';
import { readJson } from './convert';
import type { Mapping, RoleRule } from './mapping-schema';
import { type Problem, listed } from './problems';
import { type Source, knownSource, memberOf, readPrimaryFirst } from './read-path';
import { lookUp, transform } from './transform';

/** A group that the user is a member of; `id` comes back as `group_id` of a role, so it is the public one. */
export interface UserGroup {
  readonly id: string;
  readonly displayName: string;
  readonly externalId?: string | null;
  /** There is another group of that name, which is older: it is the one that a rule means by the name. */
  readonly isNamesake?: boolean;
}

/** A role and where it came from. */
export interface AssignedRole {
  role: string;
  /**
   * The place of the rule in `roles.rules`, from 0. -1: no rule gave it, it is the default. A missing `rule` would be read as 0
   * by a client whose language has no other way, and the first rule is often the one that makes administrators.
   */
  rule: number;
  /** of a rule that names a group */
  group_id?: string;
}

export const ruleOfDefault = -1;

export type CompiledRole =
  | { readonly role: string; readonly isMeant: (group: UserGroup) => boolean }
  | { readonly rule: Extract<RoleRule, { role_from: string }>; readonly source: Source };

export function compileRole(rule: RoleRule, schemas: SchemaSet): CompiledRole {
  if ('group' in rule) {
    const key = foldCase(rule.group);
    return { role: rule.role, isMeant: ({ displayName, isNamesake }) => !isNamesake && foldCase(displayName) === key };
  }
  if ('group_external_id' in rule) return { role: rule.role, isMeant: ({ externalId }) => externalId === rule.group_external_id };
  return { rule, source: knownSource(rule.role_from, schemas) };
}

/**
 * The roles that the rules give, in the order of the rules: the first alone where the mode is `one`; each role once, by the first
 * rule that gives it, where it is `many`; the default where no rule gives one. `groups` are sorted by id.
 */
export function assignRoles(
  mapping: Mapping,
  compiled: readonly CompiledRole[],
  resource: Resource,
  groups: readonly UserGroup[],
  problems: Problem[],
): AssignedRole[] {
  const { mode, default: standard } = mapping.roles;
  const assigned = new Map<string, AssignedRole>();
  for (const [rule, compiledRole] of compiled.entries()) {
    for (const given of rolesGiven(compiledRole, resource, groups, mapping, problems)) {
      if (!assigned.has(given.role))
        assigned.set(given.role, { role: given.role, rule, ...(given.groupId !== undefined && { group_id: given.groupId }) });
      if (mode === 'one') return [...assigned.values()];
    }
  }
  if (assigned.size === 0 && standard !== null) return [{ role: standard, rule: ruleOfDefault }];
  return [...assigned.values()];
}

interface GivenRole {
  role: string;
  groupId?: string;
}

/** What one rule gives, as far as it is asked: where one role is enough, nobody minds what comes behind it. */
function* rolesGiven(
  compiled: CompiledRole,
  resource: Resource,
  groups: readonly UserGroup[],
  mapping: Mapping,
  problems: Problem[],
): Generator<GivenRole> {
  if ('isMeant' in compiled) {
    const group = groups.find(compiled.isMeant);
    if (group) yield { role: compiled.role, groupId: group.id };
    return;
  }
  const { rule, source } = compiled;
  const texts = readPrimaryFirst(source, resource).flatMap(roleTexts);
  const values = transform(
    texts.map((text) => ({ value: text, sent: text })),
    rule.transform ?? [],
  );
  for (const { value, sent } of values) {
    // A role is a privilege: what the vendor's table does not list gives none.
    const role = rule.lookup ? lookUp(rule.lookup, value) : typeof value === 'object' ? undefined : String(value);
    if (role === undefined) continue;
    const wanted = unfit(role, rule.allowed_values);
    if (wanted === undefined) yield { role };
    else problems.push({ kind: 'invalid_value', attribute: 'roles', path: source.name, sent, wanted, action: mapping.rules.invalid_value });
  }
}

const maxRoleLength = 200;

/** What would be a role, where this is none. */
function unfit(role: string, allowed: readonly string[] | undefined): string | undefined {
  if (allowed) return allowed.includes(role) ? undefined : `one of ${listed(allowed)}`;
  return role.length > maxRoleLength ? `a role’s name of at most ${maxRoleLength} characters` : undefined;
}

/**
 * The roles in a value. Of a complex one its "value", else its "display" or "displayName"; and since Entra's
 * AssertiveAppRoleAssignmentsComplex() sends {"id", "value", "displayName"} as JSON in the text of "value", the same of a text
 * that is an object's JSON. An app role may have no value, and Entra then sends null for it.
 */
function roleTexts(value: Json): string[] {
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  if (Array.isArray(value)) return value.flatMap(roleTexts);
  if (isJsonObject(value)) {
    for (const name of ['value', 'display', 'displayName']) {
      const text = memberOf(value, name);
      if (typeof text === 'string' && text !== '') return name === 'value' ? roleTexts(text) : [text];
    }
    return [];
  }
  if (value === null) return [];
  const json = readJson(value);
  return json === undefined ? [value] : roleTexts(json);
}
