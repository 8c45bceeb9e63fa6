import { invalidSyntax, invalidValue } from './errors';
import { findAttribute } from './attribute-names';
import { isJsonObject, isObject, resourceTypeNames } from './resource';
import type { Json, JsonObject, ResourceType } from './resource';
import { extensionOf } from './schemas';
import type { AttributeDefinition, SchemaSet } from './schemas';
import { isUri } from './urns';

/** Which attributes an answer shows (RFC 7644 §3.9). */
export interface Projection {
  /** all that are returned by default; only these; or all but these */
  readonly kind: 'default' | 'only' | 'without';
  /** lower-case, a core URN in front taken off: 'name', 'name.familyname', 'urn:…:user', 'urn:…:user:department' */
  readonly names: ReadonlySet<string>;
}

export const wholeResource: Projection = { kind: 'default', names: new Set() };

const maxNamesLength = 8192;

/**
 * The `attributes` and `excludedAttributes` of a query. Where both are sent `attributes` counts; the RFC calls them mutually
 * exclusive and names no error. Unknown names are ignored. Throws ScimError for a parameter that was sent twice or is too long.
 */
export function parseProjection(
  query: Readonly<Record<string, string | string[] | undefined>>,
  type: ResourceType | undefined,
  schemas: SchemaSet,
): Projection {
  return projectionOf(listed(query['attributes'], 'attributes'), listed(query['excludedAttributes'], 'excludedAttributes'), type, schemas);
}

/** The same from a search request, where they are arrays (tolerances.list_as_text). */
export function projectionFromBody(
  attributes: unknown,
  excludedAttributes: unknown,
  type: ResourceType | undefined,
  schemas: SchemaSet,
): Projection {
  return projectionOf(listedInBody(attributes, 'attributes'), listedInBody(excludedAttributes, 'excludedAttributes'), type, schemas);
}

/** Whether the caller asked for particular attributes: then a PATCH is answered with a body (RFC 7644 §3.5.2). */
export function isExplicit(projection: Projection): boolean {
  return projection.kind !== 'default';
}

/** Whether a group's members would be shown, and so must be read. */
export function wantsMembers(projection: Projection): boolean {
  return wants(projection, 'members');
}

/** Whether a user's groups would be shown, and so must be read. */
export function wantsGroups(projection: Projection): boolean {
  return wants(projection, 'groups');
}

function wants({ kind, names }: Projection, name: string): boolean {
  if (kind === 'default') return true;
  if (kind === 'without') return !names.has(name) && !names.has(wholeCore);
  if (names.has(name) || names.has(wholeCore)) return true;
  for (const wanted of names) if (wanted.startsWith(`${name}.`)) return true;
  return false;
}

// ── Reading ────────────────────────────────────────────────────────────────────────────────────

const wholeCore = '*';

function listed(parameter: string | string[] | undefined, name: string): string[] {
  if (parameter === undefined) return [];
  if (typeof parameter !== 'string')
    throw invalidSyntax(`${name} was sent ${parameter.length} times: send it once, with commas between the names.`);
  if (parameter.length > maxNamesLength) throw invalidValue(`${name} is longer than ${maxNamesLength} characters.`);
  return parameter.split(',');
}

function listedInBody(value: unknown, name: string): string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return listed(value, name);
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string'))
    throw invalidValue(`${name} must be an array of attribute names.`);
  return listed(value.join(','), name);
}

function projectionOf(attributes: string[], excluded: string[], type: ResourceType | undefined, schemas: SchemaSet): Projection {
  const wanted = named(attributes);
  if (wanted.length > 0) return { kind: 'only', names: normalized(wanted, type, schemas) };
  const unwanted = named(excluded);
  return unwanted.length > 0 ? { kind: 'without', names: normalized(unwanted, type, schemas) } : wholeResource;
}

function named(names: string[]): string[] {
  return names.map((name) => name.trim()).filter((name) => name !== '');
}

function normalized(names: readonly string[], type: ResourceType | undefined, schemas: SchemaSet): Set<string> {
  const result = new Set<string>();
  for (const candidate of type ? [type] : resourceTypeNames) for (const name of names) result.add(normalizedName(name, candidate, schemas));
  return result;
}

function normalizedName(name: string, type: ResourceType, schemas: SchemaSet): string {
  const lower = name.toLowerCase();
  const core = schemas.core[type].urn.toLowerCase();
  if (lower === core) return wholeCore;
  if (lower.startsWith(`${core}:`)) return lower.slice(core.length + 1);
  if (isUri(lower)) return lower;
  const found = findAttribute(name, type, schemas);
  return found.kind === 'attribute' && found.extension ? `${found.extension.toLowerCase()}:${lower}` : lower;
}

// ── Showing ────────────────────────────────────────────────────────────────────────────────────

/** What the projection leaves of a full representation; what is returned "never" and, unless asked for, on "request" goes too. */
export function project(resource: JsonObject, projection: Projection, type: ResourceType, schemas: SchemaSet): JsonObject {
  const core = schemas.core[type].attributesByName;
  const shown: JsonObject = {};
  for (const [name, value] of Object.entries(resource)) {
    const key = name.toLowerCase();
    const definition = core.get(key);
    if (definition || !isUri(name)) {
      const part = projectAttribute(value, key, definition, projection, projection.names.has(wholeCore));
      if (part !== undefined) shown[name] = part;
    } else if (isJsonObject(value)) {
      const part = projectExtension(value, key, extensionOf(schemas, type, key)?.attributesByName, projection);
      if (Object.keys(part).length > 0) shown[name] = part;
    }
  }
  return shown;
}

function projectExtension(
  extension: JsonObject,
  urn: string,
  definitions: ReadonlyMap<string, AttributeDefinition> | undefined,
  projection: Projection,
): JsonObject {
  const shown: JsonObject = {};
  const whole = projection.names.has(urn);
  for (const [name, value] of Object.entries(extension)) {
    const key = name.toLowerCase();
    const part = projectAttribute(value, `${urn}:${key}`, definitions?.get(key), projection, whole);
    if (part !== undefined) shown[name] = part;
  }
  return shown;
}

/** `wholeSchema`: the projection names the schema that the attribute is of. */
function projectAttribute(
  value: Json,
  name: string,
  definition: AttributeDefinition | undefined,
  { kind, names }: Projection,
  wholeSchema: boolean,
): Json | undefined {
  const returned = definition?.returned ?? 'default';
  if (returned === 'always') return value;
  if (returned === 'never') return undefined;
  if (kind === 'default') return returned === 'request' ? undefined : value;
  if (kind === 'without') {
    if (names.has(name) || wholeSchema || returned === 'request') return undefined;
    return withSubAttributes(value, (sub) => !names.has(`${name}.${sub}`));
  }
  if (names.has(name) || (wholeSchema && returned === 'default')) return value;
  return isObject(value) || Array.isArray(value) ? withSubAttributes(value, (sub) => names.has(`${name}.${sub}`), true) : undefined;
}

/** The value with those of its sub-attributes; undefined where none is left. `chosen`: what has no sub-attributes is not among them. */
function withSubAttributes(value: Json, isShown: (sub: string) => boolean, chosen = false): Json | undefined {
  if (Array.isArray(value)) {
    const elements = value.map((element) => withSubAttributes(element, isShown, chosen)).filter((element) => element !== undefined);
    return elements.length === 0 ? undefined : elements;
  }
  if (!isJsonObject(value)) return chosen ? undefined : value;
  const members = Object.entries(value).filter(([name]) => isShown(name.toLowerCase()));
  return members.length === 0 ? undefined : Object.fromEntries(members);
}
