import { isDeepStrictEqual } from 'node:util';
import { invalidSyntax, invalidValue, mutability, quoted } from './errors';
import { isOnMembers } from './group-change';
import { keyIn } from './match';
import { Notes } from './notes';
import { applyOperations, isBlank, memberOf, OperationReader } from './patch';
import { isUnassigned, settled } from './read-value';
import { isJsonObject, isObject, resourceTypeNames } from './resource';
import type { MemberReference, Resource, ResourceType } from './resource';
import type { SchemaSet } from './schemas';
import { isUri } from './urns';

/** `notes`: what was tolerated or ignored, in words for the request log. */
export interface ParsedUser {
  resource: Resource;
  notes: string[];
}
export interface ParsedGroup extends ParsedUser {
  /** each once */
  members: MemberReference[];
}

/** The body of POST /Users. `active` is true where it was not sent. Throws ScimError (invalidSyntax, invalidValue). */
export function parseUser(body: unknown, schemas: SchemaSet): ParsedUser {
  const { resource, notes } = readBody(body, 'User', schemas);
  if (!Object.hasOwn(resource, 'active')) resource['active'] = true;
  return { resource, notes: notes.list() };
}

/** The body of POST /Groups. Throws ScimError (invalidSyntax, invalidValue). */
export function parseGroup(body: unknown, schemas: SchemaSet): ParsedGroup {
  const { resource, members, notes } = readBody(body, 'Group', schemas);
  return { resource, members, notes: notes.list() };
}

/**
 * The body of PUT /Users/{id} (RFC 7644 §3.5.1): what was not sent is cleared, but `active`, which stays as it is
 * (tolerances.active_not_cleared). Throws ScimError, mutability among them for another value of an immutable attribute.
 */
export function replaceUser(before: Resource, body: unknown, schemas: SchemaSet): ParsedUser {
  const { resource, notes } = readBody(body, 'User', schemas, before);
  keepImmutable(before, resource, 'User', schemas);
  const { active } = before;
  if (!Object.hasOwn(resource, 'active') && active !== undefined) {
    resource['active'] = active;
    notes.add('kept active as it is: it was not sent');
  }
  return { resource, notes: notes.list() };
}

/** The body of PUT /Groups/{id}: `members` are all that it is to have, none where they were not sent. */
export function replaceGroup(before: Resource, body: unknown, schemas: SchemaSet): ParsedGroup {
  const { resource, members, notes } = readBody(body, 'Group', schemas, before);
  keepImmutable(before, resource, 'Group', schemas);
  return { resource, members, notes: notes.list() };
}

/** Whether a stored user is active: one of whom it is not said is not. */
export function isActive(user: Resource): boolean {
  return user['active'] === true;
}

/** `before`: what the body is to replace, if it is there. */
function readBody(
  body: unknown,
  type: ResourceType,
  schemas: SchemaSet,
  before?: Resource,
): { resource: Resource; members: MemberReference[]; notes: Notes } {
  if (!isObject(body)) throw invalidSyntax(`The body must be a JSON object: a ${type}.`);
  const notes = new Notes();
  checkResourceSchemas(memberOf(body, 'schemas'), type, schemas, notes);
  const reader = new OperationReader(type, schemas, notes, true);
  reader.readAttributes('add', body);

  const members = new Map<string, MemberReference>();
  for (const operation of reader.operations) for (const member of operation.members ?? []) members.set(member.value, member);
  const attributes = reader.operations.filter((operation) => !isOnMembers(operation));
  const read = applyOperations({}, attributes, notes, before ?? {});
  const resource = before ? asItWas(before, read) : read;
  for (const { name, required } of schemas.core[type].attributes) {
    if (required && isBlank(resource[name])) throw invalidValue(`${name} is required, and must be a string that is not empty.`);
  }
  return { resource, members: [...members.values()], notes };
}

/** The resource with what is as it was in the form in which it was: several values in another order are the same ones (settled). */
function asItWas(before: Resource, after: Resource): Resource {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => {
      const former = Object.hasOwn(before, name) ? before[name] : undefined;
      const isExtension = isUri(name) && isJsonObject(value) && isJsonObject(former);
      return [name, isExtension ? asItWas(former, value) : (settled(former, value) ?? value)];
    }),
  );
}

/** tolerances.schemas_missing_or_foreign; what is certainly a mistake is refused (invalidSyntax). */
function checkResourceSchemas(sent: unknown, type: ResourceType, schemas: SchemaSet, notes: Notes): void {
  const { urn } = schemas.core[type];
  if (isUnassigned(sent)) {
    notes.add(`took the missing schemas for ${urn}`);
    return;
  }
  if (!Array.isArray(sent) || !sent.every((entry) => typeof entry === 'string')) {
    throw invalidSyntax(`schemas must be an array of URNs, such as [${quoted(urn)}].`);
  }
  const listed = new Set(sent.map((entry) => entry.toLowerCase()));
  if (listed.has(urn.toLowerCase())) return;
  const other = resourceTypeNames.find((name) => listed.has(schemas.core[name].urn.toLowerCase()));
  if (other) throw invalidSyntax(`schemas says that this is a ${other}, and it was sent as a ${type}: it must list ${quoted(urn)}.`);
  notes.add(`took schemas without ${urn} for one with it`);
}

/** RFC 7644 §3.5.1: an immutable attribute that has a value must have the same one in the PUT; one that was not sent stays. */
function keepImmutable(before: Resource, after: Resource, type: ResourceType, schemas: SchemaSet): void {
  for (const schema of schemas.extensions[type].values()) {
    const key = keyIn(before, schema.urn);
    const stored = key === undefined ? undefined : before[key];
    if (key === undefined || !isJsonObject(stored)) continue;
    for (const attribute of schema.attributes) {
      const name = keyIn(stored, attribute.name);
      const value = name === undefined ? undefined : stored[name];
      if (attribute.mutability !== 'immutable' || name === undefined || value === undefined) continue;
      const sent = after[key];
      const container = isJsonObject(sent) ? sent : {};
      if (!Object.hasOwn(container, name)) after[key] = { ...container, [name]: value };
      else if (!isDeepStrictEqual(container[name], value))
        throw mutability(`${quoted(`${schema.urn}:${attribute.name}`)} cannot be changed once it has a value.`);
    }
  }
}
