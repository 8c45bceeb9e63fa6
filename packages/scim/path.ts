import { invalidPath, quoted } from './errors';
import { parseElementFilter } from './filter';
import type { Filter } from './filter';
import { resourceTypeNames } from './resource';
import type { ResourceType } from './resource';
import { anyAttribute, extensionOf } from './schemas';
import type { AttributeDefinition, Schema, SchemaSet } from './schemas';
import { extensionWithAttribute } from './tolerances';
import { isUri } from './urns';

/** What a PATCH operation points at (RFC 7644 §3.5.2, `PATH = attrPath / valuePath [subAttr]`). */
export interface Path {
  /** as sent, for messages */
  readonly text: string;
  /** the extension's URN as declared, or as sent where nobody declared it; absent for a core attribute */
  readonly extension?: string;
  /** absent: the whole extension */
  readonly attribute?: AttributeDefinition;
  /** on the elements of `attribute` */
  readonly filter?: Filter;
  readonly subAttribute?: AttributeDefinition;
  /** set where nobody declared the URN: it may be the name of an extension as well as of an attribute in one */
  readonly undeclaredUrn?: string;
}

/** Throws ScimError: invalidPath where the path is malformed or names what a schema does not have, invalidFilter for what is in its brackets. */
export function parsePath(text: string, type: ResourceType, schemas: SchemaSet): Path {
  const path = findPath(text, type, schemas);
  if (path.kind === 'found') return path.path;
  throw path.kind === 'malformed' ? malformed(text) : unknownAttribute(text, path.name, type);
}

export type FoundPath =
  | { readonly kind: 'found'; readonly path: Path }
  /** a schema that is not open does not have this attribute or sub-attribute */
  | { readonly kind: 'unknown'; readonly name: string }
  | { readonly kind: 'malformed' };

/** Like parsePath, for the caller to whom an unknown attribute is not an error; still throws invalidFilter. */
export function findPath(sent: string, type: ResourceType, schemas: SchemaSet): FoundPath {
  const text = sent.trim();
  if (text === '' || text.length > maxPathLength) return { kind: 'malformed' };
  const opening = text.indexOf('[');
  const name = opening < 0 ? text : text.slice(0, opening);

  const found = findAttribute(name, type, schemas);
  if (found.kind === 'malformed') return found;
  if (found.kind === 'unknown') return { kind: 'unknown', name };
  if (found.kind === 'schema') {
    if (opening >= 0 || !found.extension) return { kind: 'malformed' };
    return { kind: 'found', path: { text: sent, extension: found.extension } };
  }
  const { extension, attribute, subAttribute, undeclaredUrn } = found;
  if (opening < 0) return { kind: 'found', path: { text: sent, extension, attribute, subAttribute, undeclaredUrn } };

  const closing = closingBracket(text, opening);
  if (closing === undefined || subAttribute) return { kind: 'malformed' };
  const inner = text.slice(opening + 1, closing);
  if (/^\s*\d*\s*$/.test(inner)) return { kind: 'malformed' }; // emails[] and emails[0]: values are chosen by what they are
  if (!attribute.multiValued && attribute.type !== 'complex' && attribute.type !== 'any') return { kind: 'malformed' };
  const filter = parseElementFilter(inner, attribute);

  const rest = text.slice(closing + 1);
  if (rest === '') return { kind: 'found', path: { text: sent, extension, attribute, filter } };
  if (!rest.startsWith('.')) return { kind: 'malformed' };
  const sub = findSubAttribute(attribute, rest.slice(1));
  if (sub === 'malformed') return { kind: 'malformed' };
  if (sub === undefined) return { kind: 'unknown', name: `${name}${rest}` };
  return { kind: 'found', path: { text: sent, extension, attribute, filter, subAttribute: sub } };
}

const maxPathLength = 4096;

function closingBracket(text: string, opening: number): number | undefined {
  let inString = false;
  for (let i = opening + 1; i < text.length; i += 1) {
    const character = text[i];
    if (inString) {
      if (character === '\\') i += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === ']') return i;
  }
  return undefined;
}

function malformed(text: string): Error {
  return invalidPath(
    `The path ${quoted(text)} is malformed. A path is an attribute, such as "displayName" or "name.givenName", or chooses values, such as 'emails[type eq "work"].value'.`,
  );
}

export function unknownAttribute(text: string, name: string, type: ResourceType): Error {
  const where = name === text.trim() ? '' : ` in the path ${quoted(text)}`;
  return invalidPath(`${quoted(name)}${where} is no attribute of a ${type}. /Schemas lists the attributes that there are.`);
}

// ── Names ──────────────────────────────────────────────────────────────────────────────────────

/**
 * An attribute that a filter, or sortBy, names, found in the schemas.
 *
 * `keys` says where its value lies in a folded resource (foldResource): lower-case names from the top of the resource,
 * such as ['username'], ['emails', 'value'] or ['urn:ietf:…:2.0:user', 'manager', 'value']; inside a value path from the
 * element, such as ['type'], and [] for the element itself. Any step may meet an array: then any element counts.
 */
export interface AttributeReference {
  /** the extension's URN as declared, or as sent where nobody declared it; absent for a core attribute */
  readonly extension?: string;
  readonly attribute: AttributeDefinition;
  readonly subAttribute?: AttributeDefinition;
  readonly keys: readonly string[];
}

/** What a value of the reference is: the sub-attribute's definition, or the attribute's. */
export function leafOf(reference: AttributeReference): AttributeDefinition {
  return reference.subAttribute ?? reference.attribute;
}

export type FoundAttribute =
  | {
      readonly kind: 'attribute';
      readonly extension?: string;
      readonly attribute: AttributeDefinition;
      readonly subAttribute?: AttributeDefinition;
      /** the whole name, where nobody declared its URN */
      readonly undeclaredUrn?: string;
    }
  /** the URN of a schema and nothing behind it; `extension` absent: the core schema */
  | { readonly kind: 'schema'; readonly extension?: string }
  /** `ofUri`: it has a URN in front of it */
  | { readonly kind: 'unknown'; readonly ofUri: boolean }
  | { readonly kind: 'malformed' };

/** Finds `name`, `name.sub`, `urn:…:name` and `urn:…:name.sub` (RFC 7644 §3.10), whatever their case. */
export function findAttribute(name: string, type: ResourceType, schemas: SchemaSet): FoundAttribute {
  if (!isUri(name)) {
    const found = findIn(schemas.core[type], undefined, name);
    const extension = found.kind === 'unknown' ? extensionWithAttribute(name, type, schemas) : undefined;
    return extension ? findIn(extension, extension.urn, name) : found;
  }

  // A URN contains dots and, Entra's, versions in odd places, so nothing but the known URNs says where it ends.
  const lower = name.toLowerCase();
  for (let end = lower.length; end > 0; end = lower.lastIndexOf(':', end - 1)) {
    const urn = lower.slice(0, end);
    const ofCore = resourceTypeNames.find((known) => schemas.core[known].urn.toLowerCase() === urn);
    if (ofCore && ofCore !== type) return { kind: 'unknown', ofUri: true };
    const schema = ofCore ? schemas.core[ofCore] : extensionOf(schemas, type, urn);
    if (!schema) continue;
    const extension = ofCore ? undefined : schema.urn;
    if (end === lower.length) return { kind: 'schema', extension };
    return findIn(schema, extension, name.slice(end + 1));
  }
  return findUndeclared(name);
}

function findIn(schema: Schema, extension: string | undefined, name: string): FoundAttribute {
  const dot = name.indexOf('.');
  const head = dot < 0 ? name : name.slice(0, dot);
  if (!isName(head)) return { kind: 'malformed' };
  const known = schema.attributesByName.get(head.toLowerCase());
  const attribute = known ?? (schema.open ? anyAttribute(head) : undefined);
  if (!attribute) return { kind: 'unknown', ofUri: extension !== undefined };
  if (dot < 0) return { kind: 'attribute', extension, attribute };
  const subAttribute = findSubAttribute(attribute, name.slice(dot + 1));
  if (subAttribute === 'malformed') return { kind: 'malformed' };
  return subAttribute ? { kind: 'attribute', extension, attribute, subAttribute } : { kind: 'unknown', ofUri: extension !== undefined };
}

/** Of a URN that nobody declared, what stands before the last colon is the extension and what stands behind it the attribute: Entra's reading. */
function findUndeclared(name: string): FoundAttribute {
  if (/[\p{Cc}\p{Cs}]/u.test(name)) return { kind: 'malformed' }; // it could not be stored
  const colon = name.lastIndexOf(':');
  const extension = name.slice(0, colon);
  const last = name.slice(colon + 1);
  // Nothing stands behind a colon in http://…/ADSCIM/2.0/Group, and a version at the end, as in urn:…:acme:2.0, is no attribute.
  if (/^https?:/i.test(name) || /^\d+(\.\d+)+$/.test(last)) return { kind: 'schema', extension: name };
  const parts = name.split(':');
  if (parts.length < 3 || !parts.every(isPartOfUrn)) return { kind: 'malformed' };
  const [head = '', sub, ...more] = last.split('.');
  // A URN is urn:namespace:name at least (RFC 8141 §2), and there are no two dots in an attribute: it is the extension alone.
  if (parts.length === 3 || more.length > 0) return { kind: 'schema', extension: name };
  return {
    kind: 'attribute',
    extension,
    attribute: anyAttribute(head),
    ...(sub === undefined ? {} : { subAttribute: anyAttribute(sub) }),
    undeclaredUrn: name,
  };
}

/** Whether it may stand between two colons. Asked of all of them: an extension that is kept must be read again under its own name. */
function isPartOfUrn(text: string): boolean {
  const [head = '', ...more] = text.split('.');
  // urn:…:2.0:User.manager: an attribute stands behind a colon, and User is the end of a schema's name (RFC 7643 §10.3.1).
  const isSchemaEnd = more.length > 0 && resourceTypeNames.some((type) => type.toLowerCase() === head.toLowerCase());
  return !isSchemaEnd && [head, ...more].every(isName);
}

function findSubAttribute(attribute: AttributeDefinition, name: string): AttributeDefinition | 'malformed' | undefined {
  if (!isName(name)) return 'malformed';
  return attribute.type === 'any' ? anyAttribute(name) : attribute.subAttributesByName.get(name.toLowerCase());
}

/**
 * Wider than RFC 7643 §2.1: what nobody declared may be called what it likes, Entra's metadata keys for example, as long as
 * a path can be told from it. `__proto__` is no name: assigning it would not make a member.
 */
export function isName(text: string): boolean {
  return /^[^\s"()[\].:]+(?: +[^\s"()[\].:]+)*$/.test(text) && !/[\p{Cc}\p{Cs}]/u.test(text) && text !== '__proto__';
}
