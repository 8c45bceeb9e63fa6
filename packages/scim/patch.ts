import { isDeepStrictEqual } from 'node:util';
import { invalidPath, invalidSyntax, invalidValue, mutability, noTarget, quoted, ScimError, UnknownPath } from './errors';
import { keyIn, matchesElement } from './match';
import { Notes, shown } from './notes';
import { findPath, parsePath } from './path';
import type { Path } from './path';
import { readMembers } from './read-members';
import {
  appendValues,
  checkName,
  checkNamedOnce,
  isLabel,
  isUnassigned,
  maxValues,
  readLoosely,
  readSingle,
  readValue,
  settled,
  settlePrimary,
  storedValue,
} from './read-value';
import { isJsonObject, isObject } from './resource';
import type { Json, JsonObject, MemberReference, Resource, ResourceType } from './resource';
import { anyAttribute, extensionOf } from './schemas';
import type { AttributeDefinition, SchemaSet } from './schemas';
import { isNamedValue, jsonFromText, valueMadeByFilter } from './tolerances';
import { elementsOf, kindOf } from './undeclared';
import { isUri, patchOpUrn } from './urns';

/** One change at one target; an operation without a path was taken apart into one for each attribute of its value. */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: Path;
  /**
   * Of the type that the schema wants; inside a complex value null clears a sub-attribute. Absent: the attribute is cleared.
   * Of a remove: which of several values; absent: all of them.
   */
  readonly value?: Json;
  /** in place of `value` for a group's members */
  readonly members?: readonly MemberReference[];
  /** The same for an extension of the path's whole name, which nobody declared: what is stored says which of the two is meant. */
  readonly asExtension?: readonly PatchOperation[];
}

/** Changes of attributes in one request, members aside. */
export const maxAttributeChanges = 1000;

/** Values that the operations of one request may look at: a thousand operations on a thousand values would hold up everybody else. */
const maxValuesLookedAt = 100_000;

/**
 * A PATCH body (RFC 7644 §3.5.2), every path resolved and every value of its attribute's type.
 *
 * Throws ScimError: invalidSyntax, invalidPath, invalidFilter (in brackets), invalidValue, noTarget (a remove without a
 * path), mutability (a path to what is readOnly), or 413; UnknownPath for what the schema does not have, unless that is to be passed
 * over and noted.
 */
export function parsePatch(
  body: unknown,
  type: ResourceType,
  schemas: SchemaSet,
  unknownPath: 'reject' | 'ignore' = 'reject',
): { operations: PatchOperation[]; notes: string[] } {
  const notes = new Notes();
  if (!isObject(body)) throw invalidSyntax('A PATCH body must be a JSON object with "Operations".');
  checkNamedOnce(body, 'The PATCH');
  checkMessageSchemas(memberOf(body, 'schemas'), patchOpUrn, notes);
  const list = memberOf(body, 'operations');
  if (!Array.isArray(list) || list.length === 0)
    throw invalidSyntax('A PATCH body must have "Operations", an array of at least one operation.');
  const reading = new OperationReader(type, schemas, notes, false, unknownPath === 'ignore');
  list.forEach((entry: unknown, index) => reading.readOperation(entry, `Operations[${index}]`));
  return { operations: reading.operations, notes: notes.list() };
}

/**
 * Applies the operations one after the other. Pure: `before` is not touched, and a ScimError (noTarget, mutability, invalidValue)
 * means that nothing has changed. A deeply equal result means that the request changed nothing.
 */
export function patchUser(before: Resource, operations: readonly PatchOperation[]): { resource: Resource; notes: string[] } {
  const notes = new Notes();
  return { resource: applyOperations(before, operations, notes), notes: notes.list() };
}

/** A message's `schemas`: it may be missing, but must not be another message's. Throws ScimError invalidSyntax. */
export function checkMessageSchemas(schemas: unknown, urn: string, notes: Notes): void {
  if (isUnassigned(schemas)) {
    notes.add(`took the missing schemas for ${urn}`);
    return;
  }
  const listed: readonly unknown[] = Array.isArray(schemas) ? schemas : [schemas];
  if (!listed.some((entry) => typeof entry === 'string' && entry.toLowerCase() === urn.toLowerCase())) {
    throw invalidSyntax(`schemas must be [${quoted(urn)}] in this request.`);
  }
}

/** A message's member whatever the case of its name (RFC 7643 §2.1). */
export function memberOf(body: Record<string, unknown>, lowerName: string): unknown {
  for (const [key, value] of Object.entries(body)) if (key.toLowerCase() === lowerName) return value;
  return undefined;
}

// ── Reading ────────────────────────────────────────────────────────────────────────────────────

/** Turns operations, or the attributes of a whole resource, into operations that each have one target. */
export class OperationReader {
  readonly operations: PatchOperation[] = [];
  private attributeChanges = 0;

  /** `isResource`: what is read is a whole one, not a PATCH. `passesOver`: operations on what the schema does not have are left out. */
  constructor(
    private readonly type: ResourceType,
    private readonly schemas: SchemaSet,
    private readonly notes: Notes,
    private readonly isResource = false,
    private readonly passesOver = false,
  ) {}

  readOperation(entry: unknown, where: string): void {
    if (!isObject(entry)) throw invalidSyntax(`${where} must be an object with "op".`);
    checkNamedOnce(entry, where);
    const sentOp = memberOf(entry, 'op');
    const op = typeof sentOp === 'string' ? sentOp.toLowerCase() : undefined;
    if (op !== 'add' && op !== 'replace' && op !== 'remove') {
      throw invalidSyntax(
        `${where}.op must be "add", "replace" or "remove"${typeof sentOp === 'string' ? `, and is ${quoted(sentOp)}` : ''}.`,
      );
    }
    const sentPath = memberOf(entry, 'path') ?? '';
    if (typeof sentPath !== 'string') throw invalidPath(`${where}.path must be a string.`);
    const value = memberOf(entry, 'value');
    if (op !== 'remove' && value === undefined) throw invalidSyntax(`${where} has no "value", which ${op} needs.`);

    if (sentPath === '' || sentPath.toLowerCase() === this.schemas.core[this.type].urn.toLowerCase()) {
      if (op === 'remove') throw noTarget(`${where} is a remove without a path: it must say what to remove.`);
      const attributes = typeof value === 'string' ? jsonFromText(value, `${where}.value`, this.notes) : value;
      if (!isObject(attributes)) throw invalidValue(`${where} has no path, so its value must be an object of attributes.`);
      this.readAttributes(op, attributes);
      return;
    }
    try {
      this.readTarget(op, sentPath, value);
    } catch (error) {
      if (!this.passesOver || !(error instanceof UnknownPath)) throw error;
      this.notes.add(`passed over the ${op} of ${shown(sentPath)}, which no schema has`);
    }
  }

  /** The attributes of a value that has no path, or of a whole resource: each name is a path. What cannot be written is ignored and noted. */
  readAttributes(op: 'add' | 'replace', attributes: Record<string, unknown>): void {
    this.readNamed(op, attributes, new Map(), false);
  }

  /** `named`: the core attributes that there were, and by which names; with its URN an attribute is the same one as without. */
  private readNamed(
    op: 'add' | 'replace',
    attributes: Record<string, unknown>,
    named: Map<AttributeDefinition, string>,
    underCoreUrn: boolean,
  ): void {
    checkNamedOnce(attributes, 'The body');
    for (const [key, value] of Object.entries(attributes)) {
      if (key.toLowerCase() === 'schemas') continue;
      const found = findPath(key, this.type, this.schemas);
      if (found.kind !== 'found') {
        const isCore = !underCoreUrn && key.toLowerCase() === this.schemas.core[this.type].urn.toLowerCase();
        if (isCore && isObject(value)) this.readNamed(op, value, named, true);
        else if (isUri(key) && key.trim().endsWith(':') && !isUnassigned(value))
          throw invalidSyntax(
            `${quoted(key)} ends in a colon, and so names nothing: an attribute’s name stands behind it, or it does not.`,
          );
        else this.notes.add(`ignored unknown attribute ${shown(key)}`);
        continue;
      }
      const { path } = found;
      if (path.attribute && path.extension === undefined && !path.filter && !path.subAttribute) {
        const other = named.get(path.attribute);
        if (other !== undefined)
          throw invalidSyntax(`${quoted(other)} and ${quoted(key)} are one and the same attribute: send one of them.`);
        named.set(path.attribute, key);
      }
      if (path.attribute && isReadOnly(path)) {
        if (!isUnassigned(value) && path.attribute.name !== 'id' && path.attribute.name !== 'meta')
          this.notes.add(`ignored read-only attribute ${shown(key)}`);
        continue;
      }
      if (!path.attribute) this.readExtension(op, path.extension ?? key, value);
      else this.push(op, path, value);
    }
  }

  private readTarget(op: PatchOperation['op'], text: string, value: unknown): void {
    const path = parsePath(text, this.type, this.schemas);
    if (!path.attribute && path.extension !== undefined) {
      if (op === 'remove') this.removeExtension(path.extension, text);
      else this.readExtension(op, path.extension, value);
      return;
    }
    if (isReadOnly(path)) {
      const instead = path.attribute?.name === 'groups' ? ': a user’s groups are changed through /Groups' : '';
      throw mutability(`${quoted(text)} is read-only${instead}.`);
    }
    if (path.attribute?.name === 'schemas' && !path.extension) {
      if (op === 'remove') throw mutability('"schemas" cannot be removed: it says of which extensions the resource has data.');
      this.notes.add('ignored schemas: they follow from the attributes');
      return;
    }
    this.push(op, path, value);
  }

  private readExtension(op: 'add' | 'replace', urn: string, value: unknown): void {
    if (isUnassigned(value)) {
      if (op === 'replace') this.removeExtension(urn, urn);
      return;
    }
    if (!isObject(value)) throw invalidValue(`${quoted(urn)} is an extension: its value must be an object of its attributes.`);
    checkNamedOnce(value, urn);
    const schema = extensionOf(this.schemas, this.type, urn.toLowerCase());
    for (const [key, member] of Object.entries(value)) {
      const text = `${urn}:${key}`;
      if ((!schema || (schema.open && !schema.attributesByName.has(key.toLowerCase()))) && !/[.:[\]]/.test(key)) {
        checkName(key);
        this.push(op, { text, extension: urn, attribute: anyAttribute(key) }, member);
        continue;
      }
      // What a path would read as something else must not be kept by that name: keys are paths, or are refused.
      if (!schema && this.isResource) throw invalidValue(`${quoted(key)} in ${quoted(urn)} cannot be the name of an attribute.`);
      const found = findPath(text, this.type, this.schemas);
      const isOfIt = found.kind === 'found' && found.path.attribute && found.path.extension?.toLowerCase() === urn.toLowerCase();
      if (isOfIt) this.push(op, { ...found.path, undeclaredUrn: undefined }, member);
      else if (!schema || schema.open) throw invalidValue(`${quoted(key)} in ${quoted(urn)} cannot be the name of an attribute.`);
      else this.notes.add(`ignored unknown attribute ${shown(text)}`);
    }
  }

  /** The value as that of an extension of the path's name, where it may be one: tolerances.undeclared_extension. */
  private asExtension(
    op: 'add' | 'replace',
    { extension, undeclaredUrn }: Path,
    value: unknown,
  ): { asExtension?: readonly PatchOperation[] } {
    if (undeclaredUrn === undefined || !isObject(value)) return {};
    const reader = new OperationReader(this.type, this.schemas, this.notes, this.isResource);
    reader.attributeChanges = this.attributeChanges - 1;
    try {
      reader.readExtension(op, undeclaredUrn, value);
    } catch (error) {
      // It is an attribute, unless an extension of that name is stored: its sub-attributes may be called what they like.
      if (error instanceof ScimError && !this.isResource && isNameInSchema(extension)) return {};
      throw error;
    }
    this.attributeChanges = Math.max(this.attributeChanges, reader.attributeChanges);
    return { asExtension: reader.operations };
  }

  private removeExtension(extension: string, text: string): void {
    // One by one first what must not go, so that it is refused where it has a value.
    for (const attribute of extensionOf(this.schemas, this.type, extension.toLowerCase())?.attributes ?? []) {
      if (attribute.mutability === 'immutable')
        this.push('remove', { text: `${extension}:${attribute.name}`, extension, attribute }, undefined);
    }
    this.operations.push({ op: 'remove', path: { text, extension } });
  }

  private push(op: PatchOperation['op'], path: Path, value: unknown): void {
    const { attribute } = path;
    if (!attribute) return;
    if (path.extension === undefined && attribute.name === 'members' && this.type === 'Group') {
      const none = isUnassigned(value) && !Array.isArray(value);
      this.operations.push(none ? { op, path } : { op, path, members: readMembers(value, path.text, this.notes) });
      return;
    }
    this.attributeChanges += 1;
    if (this.attributeChanges > maxAttributeChanges)
      throw new ScimError(413, undefined, `The request changes more than ${maxAttributeChanges} attributes: send it in parts.`);
    if (attribute.returned === 'never') {
      this.notes.add(`accepted ${attribute.name}, which is not kept`);
      return;
    }
    const isActive = attribute.name === 'active' && path.extension === undefined;
    if (op === 'remove') {
      if (isActive)
        this.notes.add('kept active as it is: it cannot be removed'); // tolerances.active_not_cleared
      else this.operations.push({ op, path, ...namedValues(value) });
      return;
    }
    if (attribute.type === 'any') {
      // Read when it is known of what kind it is (kindOf).
      const loose = readLoosely(value, path.text);
      this.operations.push({ op, path, ...(loose !== null && { value: loose }), ...this.asExtension(op, path, value) });
      return;
    }
    const read = readAt(path, value, this.notes);
    if (read !== undefined) this.operations.push({ op, path, value: read });
    else if (isActive)
      this.notes.add('kept active as it is: an empty value was sent for it'); // tolerances.active_not_cleared
    else if (isClearing(op, path, value)) this.operations.push({ op, path });
  }
}

/** A value as the path's attribute wants it. */
function readAt({ attribute, filter, subAttribute, text }: Path, value: unknown, notes: Notes): Json | undefined {
  if (!attribute) return undefined;
  if (subAttribute) return readValue(subAttribute, value, text, notes);
  if (!filter) return readValue(attribute, value, text, notes);
  const one: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (Array.isArray(one) && one.length > 0) throw invalidValue(`${shown(text)} chooses single values, and ${one.length} were sent.`);
  return readSingle(attribute, one, text, notes);
}

function isReadOnly({ attribute, subAttribute }: Path): boolean {
  return attribute?.mutability === 'readOnly' || subAttribute?.mutability === 'readOnly';
}

/**
 * Whether a value that reads as nothing means that the attribute is to go. An add to several values adds nothing instead, and an
 * object leaves what it does not name (RFC 7644 §3.5.2.3), so {} and one of nothing but what is unknown or read-only changes nothing.
 */
function isClearing(op: 'add' | 'replace', { attribute, filter, subAttribute }: Path, sent: unknown): boolean {
  const isOfValues = attribute?.multiValued === true && !filter && !subAttribute;
  const read: unknown = typeof sent === 'string' ? jsonFromText(sent, '', new Notes()) : sent;
  const value: unknown = !isOfValues && Array.isArray(read) && read.length === 1 ? read[0] : read;
  if (op === 'add' && isOfValues) return false;
  if (!isObject(value)) return true;
  // One value in place of them all, and it is empty.
  return isOfValues && Object.keys(value).length > 0 && Object.values(value).every((member) => isUnassigned(member));
}

/** tolerances.remove_named_values: null and "" are what a serializer makes of no value, [] names none. */
function namedValues(value: unknown): { value?: Json[] } {
  if (isUnassigned(value) && !Array.isArray(value)) return {};
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
  return { value: elements.flatMap(namedValue) };
}

function namedValue(element: unknown): Json[] {
  if (typeof element === 'string' || typeof element === 'number' || typeof element === 'boolean') return [element];
  if (!isObject(element)) return [];
  const { value, type } = element;
  const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return isScalar ? [{ value, ...(typeof type === 'string' && { type }) }] : [];
}

// ── Applying ───────────────────────────────────────────────────────────────────────────────────

/** What the operations of one request share. */
interface Run {
  readonly notes: Notes;
  /** Of a whole resource: what it is to replace, or {}. It says of which kind is what nobody declared. */
  readonly former?: Resource;
  valuesLookedAt: number;
}

/**
 * Applies operations to a copy of the resource; operations on a group's members are not among them. `former`: they are those of a
 * whole resource, and this is what it replaces, if anything.
 */
export function applyOperations(before: Resource, operations: readonly PatchOperation[], notes: Notes, former?: Resource): Resource {
  const resource = { ...before };
  const run = { notes, valuesLookedAt: 0, ...(former && { former }) };
  for (const operation of operations) applyOperation(resource, operation, run);
  return resource;
}

function applyOperation(resource: JsonObject, operation: PatchOperation, run: Run): void {
  const { op, path } = operation;
  const { attribute, extension } = path;
  if (isOfExtension(resource, operation, run)) {
    for (const one of operation.asExtension ?? []) applyOperation(resource, one, run);
    return;
  }
  const whole = attribute ? path.undeclaredUrn : extension;
  const clears = op === 'remove' || (op === 'replace' && attribute !== undefined && operation.value === undefined);
  const wholeKey = clears && whole !== undefined && !path.filter ? keyIn(resource, whole) : undefined;
  // Where nobody declared it the name may stand for an attribute as well: of what is removed nothing is left by that name.
  if (wholeKey !== undefined) delete resource[wholeKey];
  if (!attribute) return;
  if (extension === undefined) {
    setMember(resource, attribute.name, changed(resource[attribute.name], attribute, operation, run));
    return;
  }
  const former = run.former ? memberNamed(run.former, extension) : undefined;
  const extensionKey = keyIn(resource, extension) ?? former?.name ?? extension;
  const stored = Object.hasOwn(resource, extensionKey) ? resource[extensionKey] : undefined;
  const container: JsonObject = isJsonObject(stored) ? { ...stored } : {};
  const formerly = isJsonObject(former?.value) ? memberNamed(former.value, attribute.name) : undefined;
  const key = keyIn(container, attribute.name) ?? formerly?.name ?? attribute.name;
  const current = Object.hasOwn(container, key) ? container[key] : undefined;
  setMember(container, key, changed(current, attribute, operation, run, formerly?.value));
  setMember(resource, extensionKey, Object.keys(container).length === 0 ? undefined : container);
}

/**
 * Whether a name that nobody declared is that of an extension, and not of an attribute in one: what is stored says it, then the name,
 * `…:User:badge`, and then that an object was sent. Throws ScimError invalidValue where an extension would become something else.
 */
function isOfExtension(resource: Resource, { op, path, value, asExtension }: PatchOperation, { former }: Run): boolean {
  const { extension, attribute, undeclaredUrn } = path;
  if (undeclaredUrn === undefined || extension === undefined || !attribute) return false;
  const stored = (name: string): JsonObject | undefined => {
    const member = memberNamed(former ?? resource, name)?.value;
    return isJsonObject(member) ? member : undefined;
  };
  const container = stored(extension);
  const isStored = stored(undeclaredUrn) !== undefined;
  const isAttribute = container !== undefined && keyIn(container, attribute.name) !== undefined;
  if (isAttribute && !(former && isStored)) return false;
  if (!asExtension) {
    if (isStored && op !== 'remove' && value !== undefined && !path.subAttribute)
      throw invalidValue(`${quoted(path.text)} is an extension: its value must be an object of its attributes.`);
    return false;
  }
  // Of a whole resource an object under a URN is an extension (RFC 7643 §3.3).
  if (isStored || former) return true;
  if (isJsonObject(value) && isValueOfSeveral(value)) return false;
  // A version ends no extension's name: urn:…:extension:2.0:Metadata is one itself.
  const isInOne = container !== undefined && !/:\d+(\.\d+)*$/.test(extension);
  return !isInOne && !isNameInSchema(extension);
}

/** RFC 7643 §2.4: what has a "value" and nothing but what may stand beside one is a value, and no extension. */
function isValueOfSeveral(object: JsonObject): boolean {
  const names = Object.keys(object).map((name) => name.toLowerCase());
  return names.includes('value') && names.every((name) => ['value', 'type', 'primary', 'display', '$ref'].includes(name));
}

/** RFC 7643 §10.3.1: the name of a resource type ends the URN of a schema, and so what stands behind it is in the schema. */
function isNameInSchema(urn: string | undefined): boolean {
  return urn !== undefined && /:(User|Group)$/.test(urn);
}

function memberNamed(object: JsonObject, name: string): { name: string; value: Json | undefined } | undefined {
  const key = keyIn(object, name);
  return key === undefined ? undefined : { name: key, value: object[key] };
}

function setMember(object: JsonObject, name: string, value: Json | undefined): void {
  if (value === undefined) delete object[name];
  else object[name] = value;
}

/** `formerly`: of an attribute that nobody declared, what it was before the PUT. */
function changed(
  current: Json | undefined,
  attribute: AttributeDefinition,
  operation: PatchOperation,
  run: Run,
  formerly?: Json,
): Json | undefined {
  const isAny = attribute.type === 'any';
  const next = settled(
    current,
    isAny ? changedUndeclared(current, formerly, attribute, operation, run) : changedValue(current, attribute, operation, run),
  );
  const text = quoted(operation.path.text);
  if (attribute.required && isBlank(next)) {
    if (operation.op === 'remove') throw mutability(`${text} is required: it can be replaced, not removed.`);
    throw invalidValue(`${text} is required: it cannot be empty.`);
  }
  if (attribute.mutability === 'immutable' && current !== undefined && !isDeepStrictEqual(current, next)) {
    throw mutability(`${text} cannot be changed once it has a value.`);
  }
  return next;
}

export function isBlank(value: Json | undefined): boolean {
  return value === undefined || (typeof value === 'string' && value.trim() === '');
}

function changedValue(current: Json | undefined, attribute: AttributeDefinition, operation: PatchOperation, run: Run): Json | undefined {
  if (attribute.multiValued) return changedValues(current, attribute, operation, run);
  if (attribute.type === 'complex') return changedComplex(current, attribute, operation);
  return operation.op === 'remove' ? undefined : operation.value;
}

function changedComplex(current: Json | undefined, attribute: AttributeDefinition, { op, path, value }: PatchOperation): Json | undefined {
  const before = isJsonObject(current) ? current : {};
  if (path.filter && !matchesElement(path.filter, before)) {
    if (op === 'remove') return current;
    throw noTarget(`${quoted(path.text)}: the user’s ${attribute.name} is not what the path asks for.`);
  }
  if (!path.subAttribute) return op === 'remove' || !isJsonObject(value) ? undefined : merged(before, value, attribute);
  const member = op === 'remove' ? null : (value ?? null);
  return merged(before, { [path.subAttribute.name]: member }, attribute);
}

/** RFC 7644 §3.5.2.3: the sub-attributes that were sent are replaced, their siblings stay. Undefined: nothing is left. */
function merged(before: JsonObject, changes: JsonObject, attribute: AttributeDefinition): JsonObject | undefined {
  const hasValue = attribute.subAttributesByName.has('value') && Object.hasOwn(changes, 'value');
  if (hasValue && changes['value'] === null) return undefined; // tolerances.empty_is_unassigned: a reference to nobody
  // Another manager: the former one's name is not this one's.
  const anotherOne =
    hasValue && !attribute.multiValued && before['value'] !== undefined && !isDeepStrictEqual(before['value'], changes['value']);
  const next = anotherOne ? {} : { ...before };
  for (const [name, value] of Object.entries(changes)) setMember(next, name, value === null ? undefined : value);
  return Object.keys(next).length === 0 ? undefined : next;
}

/** As a core attribute of the kind that what is stored and what is sent say. */
function changedUndeclared(
  current: Json | undefined,
  formerly: Json | undefined,
  attribute: AttributeDefinition,
  sent: PatchOperation,
  run: Run,
): Json | undefined {
  const stored = current ?? formerly;
  const isWhole = !sent.path.filter && !sent.path.subAttribute;
  if (sent.op !== 'remove' && isWhole && stored !== undefined && isDeepStrictEqual(sent.value, stored)) return stored;
  const operation = withJsonRead(sent, stored, run.notes);
  const { op, path } = operation;
  const kind = kindOf(attribute.name, current, formerly, operation);
  if (!kind) throw invalidPath(`${quoted(path.text)} asks for a part of ${attribute.name}, and what is stored there has none.`);
  const { definition, before } = kind;
  const asked = path.subAttribute?.name.toLowerCase();
  const isSimple = definition.type !== 'complex';
  const subAttribute = isSimple || asked === undefined ? undefined : definition.subAttributesByName.get(asked);
  const at: Path = { ...path, attribute: definition, subAttribute };

  const writes = op !== 'remove' && operation.value !== undefined;
  const value = writes ? readAt(at, kind.value, run.notes) : operation.value;
  if (writes && value === undefined && !isClearing(op, at, kind.value)) return current;
  if (op === 'add' && value === undefined && isWhole && Array.isArray(current)) return current; // nothing is added
  const clears = op === 'remove' || value === undefined;
  if (isSimple && asked !== undefined && asked !== 'value' && clears) return current; // a simple value has no such part

  // RFC 7643 §2.4: a simple value is its own "value", so to set that of them all is to replace them.
  const meant = isSimple && asked === 'value' && !path.filter && op === 'add' ? 'replace' : op;
  const change: PatchOperation = { op: meant, path: at, ...(value !== undefined && { value }) };
  if (!definition.multiValued) {
    // tolerances.remove_named_values
    const isOther = op === 'remove' && isWhole && value !== undefined && current !== undefined && !isNamedValue(current, elementsOf(value));
    if (isOther) return current;
    if (!isSimple) return changedComplex(before, definition, change);
    return clears ? undefined : value;
  }
  return changedValues(before, definition, change, run, true);
}

/** tolerances.json_in_text, where complex values are stored: what is in it says which sub-attributes there are. */
function withJsonRead(operation: PatchOperation, stored: Json | undefined, notes: Notes): PatchOperation {
  const { op, path, value } = operation;
  const were = elementsOf(stored);
  if (op === 'remove' || value === undefined || path.subAttribute || were.length === 0 || !were.every(isJsonObject)) return operation;
  const read = (one: Json): Json => (typeof one === 'string' ? readLoosely(jsonFromText(one, path.text, notes), path.text) : one);
  return { ...operation, value: Array.isArray(value) ? value.map(read) : read(value) };
}

function changedValues(
  current: Json | undefined,
  attribute: AttributeDefinition,
  { op, path, value }: PatchOperation,
  run: Run,
  isUndeclared = false,
): Json | undefined {
  const before = elementsOf(current);
  run.valuesLookedAt += before.length;
  if (run.valuesLookedAt > maxValuesLookedAt)
    throw new ScimError(
      413,
      undefined,
      `The request changes attributes of many values too often, ${attribute.name} last: send it in parts.`,
    );
  const sent = value === undefined ? [] : Array.isArray(value) && !path.filter && !path.subAttribute ? value : [value];
  let after: Json[];
  if (!path.filter && !path.subAttribute) {
    if (op === 'remove') after = value === undefined ? [] : before.filter((element) => !isNamedValue(element, sent));
    else {
      const existing = op === 'add' ? before : [];
      // What nobody declared is kept as it is sent, values that are alike among it.
      const isAsSent = isUndeclared && existing.length === 0;
      const { values, touched } = isAsSent ? { values: [...sent], touched: new Set(sent.keys()) } : appendValues(existing, sent);
      after = settlePrimary(values, touched, path.text);
    }
  } else if (op === 'remove' || value === undefined || (!path.subAttribute && isJsonObject(value) && value['value'] === null))
    after = withoutChosen(before, attribute, path);
  else after = withChosenChanged(before, attribute, path, op, value, run, isUndeclared);
  if (after.length > maxValues)
    throw invalidValue(`${shown(path.text)}: ${attribute.name} would have ${after.length} values; ${maxValues} are the most.`);
  return after.length === 0 ? undefined : after;
}

/** Removes the chosen values, or their sub-attribute. */
function withoutChosen(before: readonly Json[], attribute: AttributeDefinition, { filter, subAttribute }: Path): Json[] {
  return before.flatMap((element) => {
    if (filter && !matchesElement(filter, element)) return [element];
    if (!subAttribute || !isJsonObject(element)) return [];
    const rest = { ...element };
    delete rest[keyIn(rest, subAttribute.name) ?? subAttribute.name];
    return isHollow(rest, attribute, subAttribute) ? [] : [rest];
  });
}

/** Whether what is left of a value is only its labels: an e-mail address that is no address. */
function isHollow(rest: JsonObject, attribute: AttributeDefinition, removed: AttributeDefinition): boolean {
  if (removed.name === 'value' && attribute.subAttributesByName.has('value')) return true;
  return Object.keys(rest).every(isLabel);
}

/** Sets the chosen values' sub-attribute, or joins the value to them; where none is chosen, makes one if that is what is meant. */
function withChosenChanged(
  before: readonly Json[],
  attribute: AttributeDefinition,
  path: Path,
  op: 'add' | 'replace',
  value: Json,
  run: Run,
  isUndeclared: boolean,
): Json[] {
  const { filter, subAttribute, text } = path;
  const change = (element: Json): Json => {
    const changed = isJsonObject(element) ? { ...element } : {};
    if (subAttribute) changed[keyIn(changed, subAttribute.name) ?? subAttribute.name] = value;
    else if (isJsonObject(value)) Object.assign(changed, value);
    else return value;
    return storedValue(changed) ?? element;
  };
  const touched = new Set<number>();
  const after = before.map((element, index) => {
    if (filter && !matchesElement(filter, element)) return element;
    touched.add(index);
    return change(element);
  });
  if (touched.size === 0) {
    const made = filter ? valueMadeByFilter(filter, op, attribute) : {};
    const isMade = made && (!isUndeclared || attribute.type === 'complex');
    const read = isMade ? (isUndeclared ? (readSingle(attribute, made, text, run.notes) ?? {}) : made) : undefined;
    if (!read) throw noTarget(`${quoted(text)} chooses no value: there is none to ${op === 'add' ? 'add to' : 'replace'}.`);
    touched.add(after.length);
    after.push(change(read));
    run.notes.add(`created ${shown(text)}, which was not there`);
  }
  const values = settlePrimary(after, touched, text);
  // The change may have made two values one and the same; some of what nobody declared may have been so before.
  const wereAlike = isUndeclared && appendValues([], before).values.length < before.length;
  return wereAlike ? values : appendValues([], values).values;
}
