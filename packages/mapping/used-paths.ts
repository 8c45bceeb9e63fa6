import { coreSchemas, foldCase } from '#scim';
import { type Mapping, pathsOf } from './mapping-schema';
import { listed, wantedOf } from './problems';
import { knownSource, readsGroups } from './read-path';

/** A SCIM path that the identity provider is to map something to. */
export interface UsedPath {
  /** as the mapping has it */
  path: string;
  /** the vendor's attributes that are taken from it, and `roles` */
  for: string[];
  /** nothing else will do: a required attribute without a default has no other path */
  required: boolean;
  /** what is to be sent there, in words: `one of "Premium", "Standard"` */
  wanted: string;
}

/** The SCIM paths that a mapping reads, each once, in its order. A user's groups are not among them: no attribute is mapped to those. */
export function usedPaths(mapping: Mapping): UsedPath[] {
  const used = new Map<string, UsedPath>();
  const add = ({ path, for: names, required, wanted }: UsedPath): void => {
    if (readsGroups(knownSource(path, coreSchemas))) return;
    const known = used.get(path);
    if (!known) used.set(path, { path, for: names, required, wanted });
    else used.set(path, { ...known, for: [...new Set([...known.for, ...names])], required: known.required || required });
  };
  for (const attribute of mapping.attributes) {
    const paths = pathsOf(attribute);
    const required = attribute.required === true && (attribute.default ?? null) === null && paths.length === 1;
    for (const path of paths) add({ path, for: [attribute.name], required, wanted: wantedOf(attribute) });
  }
  for (const rule of mapping.roles.rules) {
    if (!('role_from' in rule)) continue;
    const sent = rule.lookup && !rule.transform ? Object.keys(rule.lookup) : rule.allowed_values;
    add({ path: rule.role_from, for: ['roles'], required: false, wanted: sent ? `one of ${listed(sent)}` : 'a role’s name' });
  }
  return [...used.values()];
}

/** The names of groups that give roles, folded. */
export function groupNames(mapping: Mapping): ReadonlySet<string> {
  return new Set(mapping.roles.rules.flatMap((rule) => ('group' in rule ? [foldCase(rule.group)] : [])));
}

/** Whether a user's groups make a difference: if not, a change of membership need not be mapped. */
export function needsGroups(mapping: Mapping): boolean {
  const paths = mapping.attributes.flatMap(pathsOf);
  for (const rule of mapping.roles.rules) {
    if ('group' in rule || 'group_external_id' in rule) return true;
    paths.push(rule.role_from);
  }
  return paths.some((path) => readsGroups(knownSource(path, coreSchemas)));
}
