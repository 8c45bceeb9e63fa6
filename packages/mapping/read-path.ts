import { type Json, type JsonObject, type Path, ScimError, type SchemaSet, isJsonObject, isUri, matchesElement, parsePath } from '#scim';

/** Where a mapping reads: a SCIM path, or everything in an extension. `name` is what identity providers know it by. */
export type Source =
  | { readonly kind: 'path'; readonly name: string; readonly path: Path }
  | { readonly kind: 'extension'; readonly name: string; readonly urn: string }
  /** no schema has it any more: it has no value */
  | { readonly kind: 'unknown'; readonly name: string };

/** Throws ScimError (invalidPath, invalidFilter) for a path that no user has or that is not kept. */
export function parseSource(sent: string, schemas: SchemaSet): Source {
  const text = sent.trim();
  if (text.endsWith('*')) {
    const urn = text.slice(0, -2);
    const isCore = urn.toLowerCase() === schemas.core.User.urn.toLowerCase();
    if (!text.endsWith(':*') || !isUri(urn) || isCore || /[\s[\]"()*]/.test(urn)) {
      throw new ScimError(
        400,
        'invalidPath',
        'A * stands for the attributes of an extension, behind its whole URN: "urn:…:2.0:Metadata:*".',
      );
    }
    return { kind: 'extension', name: text, urn };
  }
  const path = parsePath(text, 'User', schemas);
  const name = path.extension === undefined ? path.attribute?.name : undefined;
  if (name !== undefined && notKept.includes(name)) {
    throw new ScimError(400, 'invalidPath', `"${name}" is nothing that an identity provider maps a value to.`);
  }
  return { kind: 'path', name: nameOf(path), path };
}

/** Whole, and in the schema's own letters: vendors may write "department", and Entra's list of attributes has "urn:…:2.0:User:department". */
function nameOf({ text, extension, attribute, filter, subAttribute, undeclaredUrn }: Path): string {
  const written = text.trim();
  if (undeclaredUrn !== undefined || !attribute) return written;
  const chosen = filter ? written.slice(written.indexOf('['), written.lastIndexOf(']') + 1) : '';
  return `${extension === undefined ? '' : `${extension}:`}${attribute.name}${chosen}${subAttribute ? `.${subAttribute.name}` : ''}`;
}

// The server's own, or accepted and thrown away.
const notKept = ['id', 'meta', 'schemas', 'password'];

/** The same for a mapping that was valid once: an extension's declaration may have been changed since. */
export function knownSource(text: string, schemas: SchemaSet): Source {
  try {
    return parseSource(text, schemas);
  } catch (error) {
    if (error instanceof ScimError) return { kind: 'unknown', name: text };
    throw error;
  }
}

export function readsGroups(source: Source): boolean {
  return source.kind === 'path' && source.path.extension === undefined && source.path.attribute?.name === 'groups';
}

/** All the values that a source has, in the order in which they are stored; nothing among them is null or empty. */
export function readAll(source: Source, user: JsonObject): Json[] {
  return readCandidates(source, user).flatMap((candidate) => candidate.values);
}

/** The same, the values of a primary one first. */
export function readPrimaryFirst(source: Source, user: JsonObject): Json[] {
  const candidates = readCandidates(source, user);
  const primary = candidates.filter((candidate) => candidate.primary);
  const others = candidates.filter((candidate) => !candidate.primary);
  return [...primary, ...others].flatMap((candidate) => candidate.values);
}

/**
 * What a source has where one value is wanted: of several complex values the primary one that has it, else the first that has
 * it. Several values that are not complex are all given: there is nothing to choose by.
 */
export function readOne(source: Source, user: JsonObject): Json[] {
  const candidates = readCandidates(source, user);
  const chosen = candidates.find((candidate) => candidate.primary) ?? candidates[0];
  return (chosen?.complex ? [chosen] : candidates.filter((candidate) => !candidate.complex)).flatMap((candidate) => candidate.values);
}

interface Candidate {
  values: Json[];
  complex: boolean;
  primary: boolean;
}

function readCandidates(source: Source, user: JsonObject): Candidate[] {
  switch (source.kind) {
    case 'unknown':
      return [];
    case 'extension':
      return candidatesOf(memberOf(user, source.urn), undefined);
    case 'path': {
      const { extension, attribute, filter, subAttribute, undeclaredUrn } = source.path;
      // What nobody declared may be an extension as well as an attribute in one; what is stored says which.
      const container = extension === undefined ? user : memberOf(user, extension);
      const value = attribute && isJsonObject(container) ? memberOf(container, attribute.name) : undefined;
      const whole = attribute ? (filter || subAttribute ? undefined : undeclaredUrn) : extension;
      const stored = whole === undefined || value !== undefined ? undefined : memberOf(user, whole);
      if (isJsonObject(stored)) return candidatesOf(stored, undefined);
      if (!attribute || value === undefined) return [];
      const elements = Array.isArray(value) ? value : [value];
      const chosen = filter ? elements.filter((element) => isSomething(element) && matchesElement(filter, element)) : elements;
      return candidatesOf(chosen, subAttribute?.name);
    }
  }
}

function candidatesOf(value: Json | (Json | undefined)[] | undefined, subAttribute: string | undefined): Candidate[] {
  const candidates: Candidate[] = [];
  for (const element of Array.isArray(value) ? value : [value]) {
    if (isJsonObject(element)) {
      const values = subAttribute === undefined ? [element] : (memberOf(element, subAttribute) ?? []);
      const present = (Array.isArray(values) ? values : [values]).filter(isSomething);
      if (present.length > 0) candidates.push({ values: present, complex: true, primary: memberOf(element, 'primary') === true });
    } else if (isSomething(element) && (subAttribute === undefined || subAttribute.toLowerCase() === 'value')) {
      // RFC 7643 §2.4: the elements of a simple attribute are their own value.
      candidates.push({ values: [element], complex: false, primary: false });
    }
  }
  return candidates;
}

function isSomething(value: Json | undefined): value is Json {
  if (value === undefined || value === null || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** A member whatever the case of its name: what an extension holds was kept as it was sent. */
export function memberOf(object: JsonObject, name: string): Json | undefined {
  if (Object.hasOwn(object, name)) return object[name];
  const lower = name.toLowerCase();
  const key = Object.keys(object).find((candidate) => candidate.toLowerCase() === lower);
  return key === undefined ? undefined : object[key];
}
