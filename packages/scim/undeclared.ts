/**
 * What kind of attribute one is that nobody declared. An identity provider sends what it likes under a URN of its own, and no schema
 * says what it is: what is stored says it, and what is sent where nothing is stored. By that it is read and changed as a core
 * attribute of the kind (tolerances.undeclared_extension).
 */
import type { Filter } from './filter-tree';
import type { Path } from './path';
import { isJsonObject } from './resource';
import type { Json } from './resource';
import { attribute } from './schemas';
import type { AttributeDefinition, AttributeType } from './schemas';
import { booleanFromText, canonicalTypes } from './tolerances';

export interface Kind {
  /** what a schema would say */
  readonly definition: AttributeDefinition;
  /** what is stored, and what was sent, as the definition has them; inside the latter null is what was sent empty */
  readonly before?: Json;
  readonly value?: Json;
}

interface Sent {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: Path;
  readonly value?: Json;
}

/**
 * What is stored goes first: a text in an array of one is a text where a text is stored, and `{"value": "2"}` is "2" where the values
 * are simple. Where a whole value cannot be of the stored kind, as a list in place of a text, it says a new one: an attribute is
 * mapped anew at the identity provider, and there is nobody else to ask.
 *
 * `former`: of a PUT, what there was. Undefined: the path asks for a part of what has none.
 */
export function kindOf(name: string, current: Json | undefined, former: Json | undefined, sent: Sent): Kind | undefined {
  const { filter, subAttribute } = sent.path;
  const stored = current ?? former;
  const were = elementsOf(stored);
  const writes = sent.op !== 'remove' && sent.value !== undefined;
  const isWhole = !filter && !subAttribute;
  const isOne = current !== undefined && !Array.isArray(current);
  if (isOne && isScalar(current) && !isWhole) return undefined;
  const isList = isWhole ? isListOf(stored, writes ? sent.value : undefined) : Array.isArray(stored) || (filter !== undefined && !isOne);
  const value = writes && !(isWhole && isList) ? onlyOf(sent.value) : sent.value;
  // What is empty says nothing: of [{}, "a"] the one value is a text.
  const come = (writes && !subAttribute ? (isWhole ? elementsOf(value) : [value ?? null]) : []).filter(
    (element) => element !== null && !(isJsonObject(element) && Object.keys(element).length === 0),
  );

  const simple = (type: AttributeType, plain = value): Kind => ({
    definition: attribute(name, '', { type, multiValued: isList }),
    ...(current !== undefined && { before: current }),
    ...(plain !== undefined && { value: plain }),
  });
  const complex = (elements = were): Kind => {
    const before = elements === were ? current : elementsOf(current).map(wrapped);
    const definition = complexDefinition(name, isList, elements, come, { ...sent, ...(value !== undefined && { value }) });
    // Where one is "True" and another says something else, each is read by itself.
    const isMixed = isList && !subAttribute && definition.subAttributesByName.get('primary')?.type === 'any';
    const read = value !== undefined && isMixed ? (Array.isArray(value) ? value.map(withTruth) : withTruth(value)) : value;
    return { definition, ...(before !== undefined && { before }), ...(read !== undefined && { value: read }) };
  };
  const asSent = (): Kind => (isOfObjects(come) ? complex() : simple('any'));

  if (were.length === 0) return isWhole ? asSent() : complex();
  if (were.every(isScalar)) {
    const asksForMore = [...(subAttribute ? [subAttribute.name] : []), ...(filter && writes ? namesIn(filter) : [])].some(isNotValue);
    if (!writes) return simple('any');
    if (asksForMore) return complex(were.map(wrapped));
    if (subAttribute && !elementsOf(value).every((one) => one === null || isScalar(one))) return undefined;
    const plain = value === undefined ? undefined : plainOf(value);
    if (come.every(isPlain)) return simple(scalarType(were, elementsOf(plain)), plain);
    if (come.some(Array.isArray)) return isWhole ? simple('any') : complex(were.map(wrapped));
    return isList ? complex(were.map(wrapped)) : asSent();
  }
  const isReplaced = sent.op === 'replace' || current === undefined;
  // Values of several kinds, or lists in a list, are kept as they came; they have no parts in common.
  if (!were.every(isJsonObject)) {
    if (subAttribute || (filter && writes)) return undefined;
    return isWhole && isReplaced ? asSent() : simple('any');
  }
  const hasValue = were.some((element) => memberOf(element, 'value') !== undefined);
  const fits = come.every((element) => isJsonObject(element) || (typeof element === 'string' && (hasValue || /^\s*[[{]/.test(element))));
  return fits || !isWhole || (isList && !isReplaced) ? complex() : asSent();
}

/** RFC 7643 §2.4: only of several values one is primary. */
function isListOf(stored: Json | undefined, sent: Json | undefined): boolean {
  if (Array.isArray(stored)) return true;
  if (sent === undefined) return false;
  if (Array.isArray(sent) && (stored === undefined || sent.length > 1)) return true;
  return [...elementsOf(stored), ...elementsOf(sent)].some((element) => isTruth(memberOf(element, 'primary')));
}

/** Of every sub-attribute that is stored, sent or named by the path: what its values say of it. Each is looked at once, however many. */
function complexDefinition(name: string, isList: boolean, were: readonly Json[], come: readonly Json[], sent: Sent): AttributeDefinition {
  const { filter, subAttribute } = sent.path;
  const parts = new Map<string, { name: string; stored: Json[]; coming: Json[] }>();
  // In the letters in which it is stored, or was sent first.
  const part = (original: string): { stored: Json[]; coming: Json[] } => {
    const key = original.toLowerCase();
    const known = parts.get(key) ?? { name: original, stored: [], coming: [] };
    parts.set(key, known);
    return known;
  };
  for (const element of were.filter(isJsonObject)) for (const [one, value] of Object.entries(element)) part(one).stored.push(value);
  for (const element of come.filter(isJsonObject)) for (const [one, value] of Object.entries(element)) part(one).coming.push(value);
  if (subAttribute && sent.op !== 'remove' && sent.value !== undefined) part(subAttribute.name).coming.push(sent.value);
  for (const one of [...(subAttribute ? [subAttribute.name] : []), ...(filter ? namesIn(filter) : [])]) part(one);
  if (filter && were.length === 0) part('value');

  const subAttributes = [...parts].map(([key, { name: original, stored, coming }]) => {
    const single = coming.map((value) => onlyOf(value) ?? null).filter((value) => value !== null);
    const isPrimary = key === 'primary' && isList && [...stored, ...single].every(isTruth);
    const type = isPrimary ? 'boolean' : stored.length === 0 ? 'any' : scalarType(stored, single);
    return attribute(original, '', { type, ...(key === 'type' && { canonicalValues: canonicalTypes }) });
  });
  return attribute(name, '', { type: 'complex', multiValued: isList, subAttributes });
}

/** The type of values that are stored, as long as what comes can be read as one of it; else any, and what comes is kept as it is. */
function scalarType(were: readonly Json[], come: readonly Json[]): AttributeType {
  if (were.every((value) => typeof value === 'boolean')) return come.every(isTruth) ? 'boolean' : 'any';
  if (were.every((value) => typeof value === 'number')) return come.every(isNumber) ? 'decimal' : 'any';
  const isText = (value: Json): boolean => typeof value === 'string' || Number.isSafeInteger(value);
  return were.every((value) => typeof value === 'string') && come.every(isText) ? 'string' : 'any';
}

function isTruth(value: Json | undefined): boolean {
  return typeof value === 'boolean' || (typeof value === 'string' && typeof booleanFromText(value) === 'boolean');
}

function isNumber(value: Json): boolean {
  return typeof value === 'number' || (typeof value === 'string' && String(Number(value)) === value && /^-?[\d.]{1,15}$/.test(value));
}

/** tolerances.boolean_as_text, of `primary` */
function withTruth(element: Json): Json {
  if (!isJsonObject(element)) return element;
  const read = (name: string, member: Json): Json =>
    name.toLowerCase() === 'primary' && typeof member === 'string' ? booleanFromText(member) : member;
  return Object.fromEntries(Object.entries(element).map(([name, member]) => [name, read(name, member)]));
}

function isScalar(value: Json): boolean {
  return typeof value !== 'object';
}

/** Complex values, texts among them that are the "value" of one. */
function isOfObjects(elements: readonly Json[]): boolean {
  const objects = elements.filter(isJsonObject);
  if (objects.length === elements.length) return objects.length > 0;
  const others = elements.filter((element) => !isJsonObject(element));
  return (
    objects.length > 0 && others.every((one) => typeof one === 'string') && objects.every((one) => memberOf(one, 'value') !== undefined)
  );
}

/** A simple value, an object of nothing but one under "value", or nothing. */
function isPlain(element: Json): boolean {
  if (!isJsonObject(element)) return isScalar(element) || isNothing(element);
  const members = Object.entries(element).filter(([, member]) => !isNothing(member));
  return members.every(([name, member]) => !isNotValue(name) && isScalar(member)) && members.length <= 1;
}

/** What reads as unassigned, however deep it is. */
function isNothing(value: Json): boolean {
  if (Array.isArray(value)) return value.every(isNothing);
  return value === null || (isJsonObject(value) && Object.values(value).every(isNothing));
}

function plainOf(value: Json): Json {
  if (isNothing(value)) return null;
  if (Array.isArray(value)) return value.map(plainOf);
  return isJsonObject(value) ? (memberOf(value, 'value') ?? null) : value;
}

function wrapped(element: Json): Json {
  return isJsonObject(element) ? element : { value: element };
}

export function elementsOf(value: Json | undefined): readonly Json[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function onlyOf(value: Json | undefined): Json | undefined {
  return Array.isArray(value) && value.length === 1 && !Array.isArray(value[0]) ? value[0] : value;
}

function isNotValue(name: string): boolean {
  return name.toLowerCase() !== 'value';
}

function memberOf(element: Json, lowerName: string): Json | undefined {
  if (!isJsonObject(element)) return undefined;
  for (const [name, member] of Object.entries(element)) if (name.toLowerCase() === lowerName) return member ?? undefined;
  return undefined;
}

/** The sub-attributes that the filter of a value path names. */
function namesIn(filter: Filter): string[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.flatMap(namesIn);
    case 'not':
    case 'value_path':
      return namesIn(filter.filter);
    case 'comparison':
    case 'present':
      return [filter.attribute.attribute.name];
    case 'nothing':
      return [];
  }
}
