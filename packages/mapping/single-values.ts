import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type Resource, type SchemaSet } from '#scim';
import { type Mapping, type MappingType, pathsOf } from './mapping-schema';
import { knownSource, memberOf } from './read-path';

/**
 * The resource as it is to be kept: of an attribute that nobody declared no schema says whether it is a list, but a mapping that reads
 * it as one value does. There a simple value in an array of one is that value, as a core attribute's is
 * (tolerances.single_value_in_array); anywhere else a list of one, which Entra's Split() makes, stays a list. So does what is as it
 * was `before`: a mapping that is saved changes nobody.
 */
export function withSingleValues(mapping: Mapping, resource: Resource, schemas: SchemaSet, before: Resource = {}): Resource {
  let kept = resource;
  for (const { extension, name } of singleAttributes(mapping, schemas)) {
    const key = Object.keys(kept).find((one) => one.toLowerCase() === extension.toLowerCase());
    const container = key === undefined ? undefined : kept[key];
    if (key === undefined || !isJsonObject(container)) continue;
    const value = memberOf(container, name);
    if (!Array.isArray(value) || value.length !== 1 || value[0] === undefined || typeof value[0] === 'object') continue;
    const former = memberOf(before, extension);
    if (isJsonObject(former) && isDeepStrictEqual(memberOf(former, name), value)) continue;
    const member = Object.keys(container).find((one) => one.toLowerCase() === name.toLowerCase()) ?? name;
    kept = { ...kept, [key]: { ...container, [member]: value[0] } };
  }
  return kept;
}

interface Attribute {
  extension: string;
  name: string;
}

const single: readonly MappingType[] = ['string', 'number', 'boolean', 'date'];
const known = new WeakMap<SchemaSet, WeakMap<Mapping, Attribute[]>>();

/** The attributes that nobody declared and that the mapping reads as single values alone. Worked out once. */
function singleAttributes(mapping: Mapping, schemas: SchemaSet): Attribute[] {
  let ofSchemas = known.get(schemas);
  if (!ofSchemas) known.set(schemas, (ofSchemas = new WeakMap()));
  let attributes = ofSchemas.get(mapping);
  if (!attributes) {
    const byKey = new Map<string, Attribute & { types: MappingType[] }>();
    for (const mapped of mapping.attributes) {
      for (const path of pathsOf(mapped)) {
        const source = knownSource(path, schemas);
        if (source.kind !== 'path') continue;
        const { extension, attribute, filter, subAttribute } = source.path;
        if (extension === undefined || attribute?.type !== 'any' || filter || subAttribute) continue;
        const key = `${extension}:${attribute.name}`.toLowerCase();
        const types = [...(byKey.get(key)?.types ?? []), mapped.type];
        byKey.set(key, { extension, name: attribute.name, types });
      }
    }
    attributes = [...byKey.values()].filter(({ types }) => types.every((type) => single.includes(type)));
    ofSchemas.set(mapping, attributes);
  }
  return attributes;
}
