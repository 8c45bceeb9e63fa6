import { bounds } from '#bounds';
import { type Json, type JsonObject, type Resource, type SchemaSet, compareCodePoints, maxValues } from '#scim';
import { type AssignedRole, type CompiledRole, type UserGroup, assignRoles, compileRole } from './assign-roles';
import { convert } from './convert';
import { type AttributeMapping, type Mapping, pathsOf } from './mapping-schema';
import { type Pattern, parsePattern, patternLimits, PatternStopped, type PatternWork } from './pattern';
import { type Problem, wantedOf } from './problems';
import { type Source, knownSource, readAll, readOne, readsGroups } from './read-path';
import { type SingleAttribute, singleAttributes, unwrapped } from './single-values';
import { type Traced, transform } from './transform';

export interface MappedUser {
  readonly resource: Resource;
  readonly groups: readonly UserGroup[];
}

export interface Mapped {
  /** by the vendor's names; one without a value is absent, so that an attribute that nobody has changes no user */
  attributes: JsonObject;
  roles: AssignedRole[];
  /** in the order of the mapping, the attributes' before the roles'; whatever their action, what is at fault stands in neither of the others */
  problems: Problem[];
}

/** What the patterns have taken; where that was all that a user may take, which of them took most. */
export interface MappedWork {
  steps: number;
  costly?: { attribute: string; pattern: string };
}

/** Applies a mapping to a user. The order of the user's groups makes no difference. `taken` is told what that took. */
export function applyMapping(mapping: Mapping, user: MappedUser, schemas: SchemaSet, taken: MappedWork = { steps: 0 }): Mapped {
  const compiled = compile(mapping, schemas);
  const groups = [...user.groups].sort((a, b) => compareCodePoints(a.id, b.id));
  const resource = compiled.readsGroups ? withGroups(user.resource, groups) : user.resource;
  const problems: Problem[] = [];

  const attributes: JsonObject = {};
  const work: UserWork = { stepsLeft: bounds.patternSteps, most: 0, last: 0 };
  for (const attribute of compiled.attributes) {
    const value = mapAttribute(attribute, resource, mapping, work, problems);
    if (value !== undefined) attributes[attribute.mapped.name] = value;
  }
  const roles = assignRoles(mapping, compiled.roles, resource, groups, problems);
  const { stepsLeft, mostBy } = work;
  taken.steps = bounds.patternSteps - Math.max(stepsLeft, 0);
  if (stepsLeft < 0 && mostBy) taken.costly = { attribute: mostBy.name, pattern: mostBy.pattern ?? '' };
  return { attributes, roles, problems };
}

/**
 * The resource as it is to be kept: of an attribute that nobody declared no schema says whether it is a list, but a mapping that reads
 * it as one value does. There a simple value in an array of one is that value, as a core attribute's is
 * (tolerances.single_value_in_array); anywhere else a list of one, which Entra's Split() makes, stays a list. So does what is as it
 * was `before`: a mapping that is saved changes nobody.
 */
export function withSingleValues(mapping: Mapping, resource: Resource, schemas: SchemaSet, before: Resource = {}): Resource {
  return unwrapped(compile(mapping, schemas).singles, resource, before);
}

/** RFC 7643 §4.1.2: `groups` is the server's, and so no part of what is stored. */
function withGroups(resource: Resource, groups: readonly UserGroup[]): Resource {
  return { ...resource, groups: groups.map(({ id, displayName }) => ({ value: id, display: displayName, type: 'direct' })) };
}

// ── What is worked out once ────────────────────────────────────────────────────────────────────

interface Compiled {
  attributes: CompiledAttribute[];
  roles: CompiledRole[];
  readsGroups: boolean;
  singles: readonly SingleAttribute[];
}

interface CompiledAttribute {
  mapped: AttributeMapping;
  sources: Source[];
  /** the paths, for a message */
  path: string;
  allowed?: ReadonlySet<Json>;
  pattern?: Pattern;
  wanted: string;
}

// A re-mapping applies one mapping to a hundred thousand users: its paths and patterns are read once.
const compiledMappings = new WeakMap<SchemaSet, WeakMap<Mapping, Compiled>>();

function compile(mapping: Mapping, schemas: SchemaSet): Compiled {
  let ofSchemas = compiledMappings.get(schemas);
  if (!ofSchemas) compiledMappings.set(schemas, (ofSchemas = new WeakMap()));
  let compiled = ofSchemas.get(mapping);
  if (!compiled) {
    const attributes = mapping.attributes.map((attribute) => compileAttribute(attribute, schemas));
    const roles = mapping.roles.rules.map((rule) => compileRole(rule, schemas));
    const sources = [
      ...attributes.flatMap((attribute) => attribute.sources),
      ...roles.flatMap((role) => ('source' in role ? [role.source] : [])),
    ];
    compiled = { attributes, roles, readsGroups: sources.some(readsGroups), singles: singleAttributes(mapping, schemas) };
    ofSchemas.set(mapping, compiled);
  }
  return compiled;
}

function compileAttribute(mapped: AttributeMapping, schemas: SchemaSet): CompiledAttribute {
  const sources = pathsOf(mapped).map((path) => knownSource(path, schemas));
  return {
    mapped,
    sources,
    path: sources.map(({ name }) => name).join(' or '),
    ...(mapped.allowed_values && { allowed: new Set<Json>(mapped.allowed_values) }),
    ...(mapped.pattern !== undefined && { pattern: parsePattern(mapped.pattern) }),
    wanted: wantedOf(mapped),
  };
}

// ── One attribute ──────────────────────────────────────────────────────────────────────────────

/** What the patterns may still cost for this user, and which attribute's has cost most. */
interface UserWork extends PatternWork {
  most: number;
  mostBy?: AttributeMapping;
  /** Of the one that is at work, which may have several texts. */
  last: number;
  lastBy?: AttributeMapping;
}

function mapAttribute(
  attribute: CompiledAttribute,
  resource: Resource,
  mapping: Mapping,
  work: UserWork,
  problems: Problem[],
): Json | undefined {
  const { mapped, sources, path, wanted } = attribute;
  if (mapped.constant !== undefined) return ownValue(mapped, mapped.constant);
  const standard = mapped.default === undefined || mapped.default === null ? undefined : ownValue(mapped, mapped.default);

  for (const source of sources) {
    const read = mapped.type === 'string_list' ? readAll(source, resource) : readOne(source, resource);
    const values = transform(
      read.map((value) => ({ value, sent: value })),
      mapped.transform ?? [],
    );
    if (values.length === 0) continue;
    const result = readValues(attribute, values, work);
    if ('value' in result) return result.value;
    problems.push({
      kind: 'invalid_value',
      attribute: mapped.name,
      path: source.name,
      sent: result.sent,
      wanted: result.wanted,
      action: mapping.rules.invalid_value,
    });
    return standard;
  }

  if (mapped.required && standard === undefined) {
    problems.push({ kind: 'missing_required', attribute: mapped.name, path, sent: null, wanted, action: mapping.rules.missing_required });
  }
  return standard;
}

/** A constant or default, which was checked when the mapping was parsed, in the form that a sent value would have. */
function ownValue({ type }: AttributeMapping, value: Json): Json {
  const converted = type === 'string_list' ? undefined : convert(type, value);
  return converted?.kind === 'value' ? converted.value : value;
}

type Read = { value: Json } | { sent: Json; wanted: string };

function readValues(attribute: CompiledAttribute, values: readonly Traced[], work: UserWork): Read {
  const isList = attribute.mapped.type === 'string_list';
  const most = isList ? maxValues : 1;
  if (values.length > most)
    return { sent: values.map(({ sent }) => sent), wanted: isList ? `a list of at most ${most} values` : 'a single value' };
  const read: Json[] = [];
  for (const { value, sent } of values) {
    const one = readValue(attribute, value, work);
    if ('wanted' in one) return { sent, wanted: one.wanted };
    read.push(one.value);
  }
  return { value: isList ? read : (read[0] ?? null) };
}

function readValue(
  { mapped, allowed, pattern, wanted }: CompiledAttribute,
  sent: Json,
  work: UserWork,
): { value: Json } | { wanted: string } {
  const converted = convert(mapped.type, sent);
  if (converted.kind === 'refused') return { wanted: allowed ? wanted : converted.wanted };
  const { value } = converted;
  if (allowed && !allowed.has(value)) return { wanted };
  if (pattern && typeof value === 'string') {
    if (value.length > patternLimits.textLength) return { wanted: `a text of at most ${patternLimits.textLength} characters` };
    const found = isFound(mapped, pattern, value, work);
    if (found === undefined)
      return {
        wanted: `among texts that can all be compared with their patterns in ${bounds.patternSteps} steps a user: most of them the pattern of ${JSON.stringify(work.mostBy?.name)} takes`,
      };
    if (!found) return { wanted };
  }
  return { value };
}

/** `undefined`: to find out would take more than this user's patterns have left. */
function isFound(mapped: AttributeMapping, pattern: Pattern, text: string, work: UserWork): boolean | undefined {
  if (work.stepsLeft < 0) return undefined;
  const before = work.stepsLeft;
  try {
    return pattern.test(text, work);
  } catch (error) {
    if (!(error instanceof PatternStopped)) throw error;
    return undefined;
  } finally {
    if (mapped !== work.lastBy) work.last = 0;
    work.lastBy = mapped;
    work.last += before - work.stepsLeft;
    if (work.last > work.most) {
      work.most = work.last;
      work.mostBy = mapped;
    }
  }
}
