import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type JsonObject, type Resource, type SchemaSet } from '#scim';
import { type Mapping, type MappingType, pathsOf } from './mapping-schema';
import { knownSource, memberOf } from './read-path';

/** An attribute that nobody declared and that a mapping reads as single values alone. */
export interface SingleAttribute {
  extension: string;
  name: string;
}

/** The resource with a simple value in place of an array of it; what is as it was before stays. */
export function unwrapped(attributes: readonly SingleAttribute[], resource: Resource, before: Resource): Resource {
  let kept = resource;
  for (const { extension, name } of attributes) {
    const container = memberOf(kept, extension);
    const value = isJsonObject(container) ? memberOf(container, name) : undefined;
    if (!isJsonObject(container) || !Array.isArray(value) || value.length !== 1) continue;
    const [only] = value;
    const former = memberOf(before, extension);
    const isAsBefore = isJsonObject(former) && isDeepStrictEqual(memberOf(former, name), value);
    if (only === undefined || typeof only === 'object' || isAsBefore) continue;
    kept = { ...kept, [keyOf(kept, extension)]: { ...container, [keyOf(container, name)]: only } };
  }
  return kept;
}

function keyOf(object: JsonObject, name: string): string {
  return Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase()) ?? name;
}

const single: readonly MappingType[] = ['string', 'number', 'boolean', 'date'];

export function singleAttributes(mapping: Mapping, schemas: SchemaSet): SingleAttribute[] {
  const read = new Map<string, SingleAttribute & { types: MappingType[] }>();
  for (const mapped of mapping.attributes) {
    for (const path of pathsOf(mapped)) {
      const source = knownSource(path, schemas);
      if (source.kind !== 'path') continue;
      const { extension, attribute, filter, subAttribute } = source.path;
      if (extension === undefined || attribute?.type !== 'any' || filter || subAttribute) continue;
      const key = `${extension}:${attribute.name}`.toLowerCase();
      read.set(key, { extension, name: attribute.name, types: [...(read.get(key)?.types ?? []), mapped.type] });
    }
  }
  return [...read.values()].filter(({ types }) => types.every((type) => single.includes(type)));
}
