import { findAttribute, findSubAttribute } from './attribute-names';
import { invalidPath, quoted, UnknownPath } from './errors';
import { parseElementFilter } from './filter';
import type { Filter } from './filter-tree';
import type { ResourceType } from './resource';
import type { AttributeDefinition, SchemaSet } from './schemas';

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
  return new UnknownPath(
    'invalidPath',
    `${quoted(name)}${where} is no attribute of a ${type}. /Schemas lists the attributes that there are.`,
  );
}
