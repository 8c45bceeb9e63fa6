import { invalidSyntax, invalidValue, quoted } from './errors';
import { foldCase, foldInstant, foldText } from './fold';
import { shown } from './notes';
import type { Notes } from './notes';
import { isJsonObject, isObject } from './resource';
import type { Json, JsonObject } from './resource';
import type { AttributeDefinition } from './schemas';
import { bareValue, booleanFromText, jsonFromText, numberFromText, onlyElement, textFromNumber } from './tolerances';

/**
 * An attribute's value from JSON: of the type that its definition wants, and what it is to be stored as. `name` is as sent.
 *
 * Undefined: unassigned. null, "" and [] are, wherever they stand (RFC 7643 §2.5), and so is a complex value with nothing in
 * it. Inside a complex value a null says that this sub-attribute was sent as unassigned; storedValue() takes it out.
 * Throws ScimError invalidValue.
 */
export function readValue(definition: AttributeDefinition, value: unknown, name: string, notes: Notes): Json | undefined {
  if (definition.type === 'any') return readAny(value, name, 0);
  if (definition.multiValued) return readValues(definition, value, name, notes);
  return readSingle(definition, Array.isArray(value) ? onlyElement(value, name, notes) : value, name, notes);
}

/** What readValue gave, without the nulls. */
export function storedValue(value: Json): Json | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

export const maxValues = 1000;

function readValues(definition: AttributeDefinition, sent: unknown, name: string, notes: Notes): Json[] | undefined {
  let value = sent;
  if (typeof value === 'string' && definition.type === 'complex') value = jsonFromText(value, name, notes);
  if (isUnassigned(value)) return undefined;
  // RFC 7644's own figures give a single value where an array is meant (§3.5.2.1), as do Entra and Okta.
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (elements.length > maxValues) throw invalidValue(`${name} has ${elements.length} values; ${maxValues} are the most.`);
  const read: Json[] = [];
  elements.forEach((element, index) => {
    const one = isUnassigned(element) ? undefined : readSingle(definition, element, `${name}[${index}]`, notes);
    const stored = one === undefined || isLabelOnly(one) ? undefined : storedValue(one);
    if (stored !== undefined) read.push(stored);
  });
  return read.length === 0 ? undefined : read;
}

/** tolerances.empty_is_unassigned: a value whose content was sent empty, and of which only type and primary are left. */
function isLabelOnly(element: Json): boolean {
  if (!isObject(element)) return false;
  const members = Object.entries(element);
  return (
    element['value'] === null ||
    (members.some(([, member]) => member === null) && members.every(([name, member]) => member === null || isLabel(name)))
  );
}

/** Whether a sub-attribute only says what the others are for. */
export function isLabel(name: string): boolean {
  return name === 'type' || name === 'primary';
}

/** One value, or one element of a multi-valued attribute. */
export function readSingle(definition: AttributeDefinition, value: unknown, name: string, notes: Notes): Json | undefined {
  if (isUnassigned(value)) return undefined;
  switch (definition.type) {
    case 'complex':
      return readComplex(definition, value, name, notes);
    case 'boolean': {
      const read = typeof value === 'string' ? booleanFromText(value, name, notes) : value;
      if (typeof read !== 'boolean') throw wrongType(name, 'true or false', value);
      return read;
    }
    case 'integer':
    case 'decimal': {
      const read = typeof value === 'string' ? numberFromText(value, name, notes) : value;
      if (typeof read !== 'number') throw wrongType(name, 'a number', value);
      if (definition.type === 'integer' && !Number.isInteger(read)) throw wrongType(name, 'a whole number', value);
      return readNumber(read, name);
    }
    case 'dateTime': {
      const text = readText(value, name);
      if (foldInstant(text) === undefined) throw wrongType(name, 'a time such as "2026-01-31T09:00:00Z"', value);
      return text;
    }
    case 'any':
      return readAny(value, name, 0);
    default: {
      const text = readText(definition.type === 'string' ? textFromNumber(value, name, notes) : value, name);
      if (
        definition.maxBytes !== undefined &&
        text.length * 8 > definition.maxBytes &&
        Buffer.byteLength(foldText(text, definition)) > definition.maxBytes
      ) {
        throw invalidValue(`${name} is longer than ${definition.maxBytes} bytes.`);
      }
      return text;
    }
  }
}

function readComplex(definition: AttributeDefinition, sent: unknown, name: string, notes: Notes): JsonObject | undefined {
  let value = sent;
  if (typeof value === 'string') value = jsonFromText(value, name, notes);
  if (typeof value === 'string') value = bareValue(value, definition, name, notes);
  if (isUnassigned(value)) return undefined;
  if (!isObject(value))
    throw wrongType(name, `an object with ${definition.subAttributes?.map((sub) => sub.name).join(', ') ?? 'members'}`, value);
  checkNamedOnce(value, name);
  const read: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    const sub = definition.subAttributesByName.get(key.toLowerCase());
    if (!sub) notes.add(`ignored unknown attribute ${shown(name)}.${shown(key)}`);
    else if (sub.mutability !== 'readOnly') read[sub.name] = readValue(sub, member, `${name}.${key}`, notes) ?? null;
  }
  return Object.keys(read).length === 0 ? undefined : read;
}

export function isUnassigned(value: unknown): boolean {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

/** A string that can be stored: PostgreSQL has no NUL in text and no half surrogate pairs in UTF-8. */
export function readText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrongType(name, 'a string', value);
  if (/[\0\p{Cs}]/u.test(value)) throw invalidValue(`${name} holds a character that cannot be stored (NUL, or half of a surrogate pair).`);
  return value;
}

function readNumber(value: number, name: string): number {
  // Beyond 2^53 JSON.parse has rounded already: what would be stored is not what was sent.
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    throw invalidValue(`${name} is a number too large to be kept exactly: send it as a string.`);
  }
  return value;
}

const maxDepth = 16;

/** What an undeclared extension holds is kept as it is, but for what is empty in it. */
function readAny(value: unknown, name: string, depth: number): Json | undefined {
  if (depth > maxDepth) throw invalidValue(`${shown(name)} is nested more than ${maxDepth} deep.`);
  if (isUnassigned(value)) return undefined;
  if (typeof value === 'string') return readText(value, name);
  if (typeof value === 'number') return readNumber(value, name);
  if (typeof value === 'boolean') return value;
  if (Array.isArray(value)) {
    if (value.length > maxValues) throw invalidValue(`${shown(name)} has ${value.length} values; ${maxValues} are the most.`);
    const elements = value.map((element: unknown) => readAny(element, name, depth + 1)).filter((element) => element !== undefined);
    return elements.length === 0 ? undefined : elements;
  }
  if (!isObject(value)) throw wrongType(name, 'JSON', value);
  checkNamedOnce(value, name);
  const read: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    checkName(key);
    const one = readAny(member, `${name}.${key}`, depth + 1);
    if (one !== undefined) read[key] = one;
  }
  return Object.keys(read).length === 0 ? undefined : read;
}

/**
 * What was sent for an attribute that nobody declared, if it can be kept; as what it is to be read, only what is stored can say (kindOf).
 * null: what is empty.
 */
export function readLoosely(value: unknown, name: string, depth = 0): Json {
  if (depth > maxDepth) throw invalidValue(`${shown(name)} is nested more than ${maxDepth} deep.`);
  if (isUnassigned(value)) return null;
  if (typeof value === 'string') return readText(value, name);
  if (typeof value === 'number') return readNumber(value, name);
  if (typeof value === 'boolean') return value;
  if (Array.isArray(value)) {
    if (value.length > maxValues) throw invalidValue(`${shown(name)} has ${value.length} values; ${maxValues} are the most.`);
    const read = value.map((element: unknown) => readLoosely(element, name, depth + 1));
    return depth > 0 && read.every((element) => element === null) ? null : read;
  }
  if (!isObject(value)) throw wrongType(name, 'JSON', value);
  checkNamedOnce(value, name);
  const read: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    checkName(key);
    read[key] = readLoosely(member, `${name}.${key}`, depth + 1);
  }
  return read;
}

/** Throws ScimError invalidValue for an attribute name of an extension that cannot be kept. */
export function checkName(name: string): void {
  // Assigning __proto__ would change what an object is, not what it holds.
  if (name === '__proto__' || name === '' || name.length > 500 || /[\0\p{Cs}]/u.test(name))
    throw invalidValue(`${quoted(name)} cannot be the name of an attribute.`);
}

/** RFC 7643 §2.1: names are the same whatever their case; of two that are nobody could say which is meant. Throws ScimError invalidSyntax. */
export function checkNamedOnce(object: Record<string, unknown>, where: string): void {
  const twice = namedTwice(object);
  if (twice !== undefined) throw invalidSyntax(`${shown(where)} has ${quoted(twice)} twice: case makes no difference in a name.`);
}

/** The second of two names that differ in case alone. */
export function namedTwice(object: Record<string, unknown>): string | undefined {
  const names = Object.keys(object);
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name.toLowerCase()).size);
}

function wrongType(name: string, wanted: string, value: unknown): Error {
  const found = Array.isArray(value)
    ? 'an array'
    : isObject(value)
      ? 'an object'
      : typeof value === 'string'
        ? quoted(value)
        : String(value);
  return invalidValue(`${shown(name)} must be ${wanted}, and is ${found}.`);
}

// ── Several values ─────────────────────────────────────────────────────────────────────────────

/**
 * Adds values to those of a multi-valued attribute, none of them twice: what has the same type and value, or, having no
 * value, is the same altogether, is joined (RFC 7643 §2.4). Gives the new values and which of them were added or joined.
 */
export function appendValues(existing: readonly Json[], added: readonly Json[]): { values: Json[]; touched: Set<number> } {
  const values = [...existing];
  const places = new Map<string, number>();
  values.forEach((value, index) => places.set(identityOf(value), index));
  // Of an attribute that nobody declared two may be alike but for their labels: one that is there as it is sent is that one.
  const exactly = new Map(values.map((value, index) => [JSON.stringify(value), index]));
  const touched = new Set<number>();
  for (const value of added) {
    const identity = identityOf(value);
    const place = exactly.get(JSON.stringify(value)) ?? places.get(identity);
    const known = place === undefined ? undefined : values[place];
    if (place === undefined || known === undefined) {
      places.set(identity, values.length);
      touched.add(values.length);
      values.push(value);
    } else {
      touched.add(place);
      if (isObject(known) && isObject(value)) values[place] = { ...known, ...value };
    }
  }
  return { values, touched };
}

function identityOf(value: Json): string {
  if (!isObject(value)) return JSON.stringify(value);
  if (Object.hasOwn(value, 'value')) {
    const { type, value: content } = value;
    const label = typeof type === 'string' ? foldCase(type) : JSON.stringify(type ?? null);
    return `${label}\0${typeof content === 'string' ? content : JSON.stringify(content)}`;
  }
  return JSON.stringify(value, Object.keys(value).sort());
}

/**
 * The value as it is after a change; as it was before where nobody could tell the two apart: several values have no order (RFC 7643
 * §2.4), and `primary: false` says no more than its absence.
 */
export function settled(before: Json | undefined, after: Json | undefined): Json | undefined {
  if (!Array.isArray(before) || !Array.isArray(after) || before.length !== after.length) return after;
  const [were, are] = [before.map(meaningOf).sort(), after.map(meaningOf).sort()];
  return were.every((meaning, index) => meaning === are[index]) ? before : after;
}

function meaningOf(element: Json): string {
  if (!isJsonObject(element)) return inOrder(element);
  const { primary, ...rest } = element;
  return inOrder(primary === false ? rest : element);
}

/** JSON that is the same whatever the order of names. */
function inOrder(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(inOrder).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${inOrder(member)}`);
  return `{${members.sort().join(',')}}`;
}

/**
 * RFC 7643 §2.4: "The primary attribute value 'true' MUST appear no more than once." Where a change makes one of the `touched`
 * values primary, the others no longer are (RFC 7644 §3.5.2); where it makes several primary, nobody can say which is meant.
 */
export function settlePrimary(values: Json[], touched: ReadonlySet<number>, name: string): Json[] {
  const isPrimary = (value: Json | undefined): boolean => isObject(value) && value['primary'] === true;
  const made = [...touched].filter((index) => isPrimary(values[index]));
  if (made.length > 1) throw invalidValue(`${shown(name)} has ${made.length} values with "primary": true; it may have one.`);
  if (made.length === 0) return values;
  return values.map((value, index) => (index !== made[0] && isPrimary(value) && isObject(value) ? { ...value, primary: false } : value));
}
