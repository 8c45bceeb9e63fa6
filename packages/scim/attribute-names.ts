import { resourceTypeNames } from './resource';
import type { ResourceType } from './resource';
import { anyAttribute, extensionOf } from './schemas';
import type { AttributeDefinition, Schema, SchemaSet } from './schemas';
import { extensionWithAttribute } from './tolerances';
import { isUri } from './urns';

/** What a name stands for, in a path, a filter, sortBy or the list of attributes to be answered. */
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

export function findSubAttribute(attribute: AttributeDefinition, name: string): AttributeDefinition | 'malformed' | undefined {
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
