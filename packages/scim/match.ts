import { compareCodePoints, foldText } from './fold';
import { leafOf, ownValueOf } from './filter-tree';
import type { AttributeReference, Comparison, Filter } from './filter-tree';
import { isJsonObject } from './resource';
import type { Json, JsonObject } from './resource';
import type { AttributeDefinition } from './schemas';

/**
 * Whether a full representation satisfies the filter; it must have what the filter may ask for: schemas, id, meta, groups or
 * members. It answers as a comparison with foldResource's output does:
 *
 * - of a multi-valued attribute any one value suffices;
 * - an absent attribute is equal to nothing, so `ne` is true of it, and `not (a eq x)` is the same as `a ne x`: true where
 *   no value equals x;
 * - null, "", [] and {} are absent.
 */
export function matches(filter: Filter, resource: JsonObject): boolean {
  return matchesValue(filter, resource);
}

/** Whether one element of a multi-valued attribute satisfies the filter of a value path. */
export function matchesElement(filter: Filter, element: Json): boolean {
  return matchesValue(filter, element);
}

function matchesValue(filter: Filter, root: Json): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((part) => matchesValue(part, root));
    case 'or':
      return filter.filters.some((part) => matchesValue(part, root));
    case 'not':
      return !matchesValue(filter.filter, root);
    case 'present':
      return (
        someValue(filter.attribute, root, isPresent, isNamed(filter.attribute)) ||
        (filter.attribute.undeclaredUrn !== undefined && isPresent(memberOf(root, filter.attribute.undeclaredUrn, true)))
      );
    case 'comparison':
      return someValue(filter.attribute, root, (value) => satisfies(filter, value), true);
    case 'value_path':
      return someValue(filter.attribute, root, (element) => matchesValue(filter.filter, element), false);
    case 'nothing':
      return false;
  }
}

function satisfies({ attribute, operator, value: wanted }: Comparison, value: Json): boolean {
  if (typeof value === 'string') {
    if (typeof wanted !== 'string' || value === '') return false;
    const folded = foldText(value, leafOf(attribute));
    switch (operator) {
      case 'eq':
        return folded === wanted;
      case 'co':
        return folded.includes(wanted);
      case 'sw':
        return folded.startsWith(wanted);
      case 'ew':
        return folded.endsWith(wanted);
      default:
        return isInOrder(operator, compareCodePoints(folded, wanted));
    }
  }
  if (typeof value === 'number' && typeof wanted === 'number')
    return operator === 'eq' ? value === wanted : isInOrder(operator, value - wanted);
  if (typeof value !== 'boolean' || operator !== 'eq') return false;
  // tolerances.boolean_as_text: of what nobody declared the value says that it is a boolean.
  return value === wanted || (leafOf(attribute).type === 'any' && String(value) === wanted);
}

function isInOrder(operator: Comparison['operator'], difference: number): boolean {
  switch (operator) {
    case 'gt':
      return difference > 0;
    case 'ge':
      return difference >= 0;
    case 'lt':
      return difference < 0;
    case 'le':
      return difference <= 0;
    default:
      return false;
  }
}

/** Whether the reference has a sub-attribute in its name, or is one. */
function isNamed({ extension, subAttribute }: AttributeReference): boolean {
  return subAttribute !== undefined || extension === undefined;
}

/**
 * Whether any value that the reference leads to passes the test; arrays on the way are gone through. `compared`: what is wanted of an
 * attribute that nobody declared are its own values (ownValueOf), and not what holds them.
 */
function someValue(reference: AttributeReference, root: Json, test: (value: Json) => boolean, compared: boolean): boolean {
  const { extension, attribute, keys } = reference;
  const own = compared ? ownValueOf(reference) : undefined;
  const ownValue = (element: Json): boolean =>
    isJsonObject(element) ? someElement(memberOf(element, 'value', true), test) : test(element);
  if (keys.length === 0) return someElement(root, test);
  if (own?.keys.length === 0) return someElement(root, ownValue);
  const container = extension === undefined ? root : memberOf(root, extension, true);
  if (!isJsonObject(container)) return false;
  const value = memberOf(container, attribute.name, isLoose(attribute, extension));
  if (own) return someElement(value, ownValue);
  const { subAttribute } = reference;
  if (!subAttribute) return someElement(value, test);
  return someElement(
    value,
    (element) => isJsonObject(element) && someElement(memberOf(element, subAttribute.name, subAttribute.type === 'any'), test),
  );
}

/** Whether the name may stand in the resource in another case: what an extension holds was kept as it was sent. */
function isLoose(attribute: AttributeDefinition, extension: string | undefined): boolean {
  return extension !== undefined || attribute.type === 'any' || attribute.name.includes(':');
}

function someElement(value: Json | undefined, test: (value: Json) => boolean): boolean {
  if (value === undefined || value === null) return false;
  return Array.isArray(value) ? value.some((element) => someElement(element, test)) : test(value);
}

function memberOf(object: Json, name: string, anyCase: boolean): Json | undefined {
  if (!isJsonObject(object)) return undefined;
  if (Object.hasOwn(object, name)) return object[name];
  if (!anyCase) return undefined;
  const key = keyIn(object, name);
  return key === undefined ? undefined : object[key];
}

/** The own name of the object that is equal to `name` but for case. */
export function keyIn(object: JsonObject, name: string): string | undefined {
  if (Object.hasOwn(object, name)) return name;
  const lower = name.toLowerCase();
  return Object.keys(object).find((key) => key.toLowerCase() === lower);
}

/** RFC 7644 §3.4.2.2, pr: "has a non-empty or non-null value, or … contains a non-empty node for complex attributes". */
export function isPresent(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return false;
  if (Array.isArray(value)) return value.some((element) => isPresent(element));
  if (isJsonObject(value)) return Object.values(value).some((member) => isPresent(member));
  return true;
}
