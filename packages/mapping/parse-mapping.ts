import { Ajv2020, type ErrorObject } from 'ajv/dist/2020';
import { type Json, ScimError, type SchemaSet, coreSchemas, isJsonObject } from '#scim';
import { convert, isStorable, wantedOfType } from './convert';
import {
  type AttributeMapping,
  type Mapping,
  type MappingBody,
  MappingSchema,
  type MappingType,
  type RoleRule,
  defaultMapping,
  pathsOf,
} from './mapping-schema';
import { PatternRefused, parsePattern } from './pattern';
import { parseSource } from './read-path';

/** `pointer`: RFC 6901, into the mapping; `detail` follows it in a sentence. */
export interface MappingFault {
  pointer: string;
  detail: string;
}

/** A body that is no mapping, with every fault that was found, twenty at most. */
export class InvalidMapping extends Error {
  constructor(readonly errors: readonly MappingFault[]) {
    const [first] = errors;
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
    super(first ? `${first.pointer === '' ? 'the mapping' : first.pointer}: ${first.detail}${more}` : 'the mapping is not valid');
    this.name = 'InvalidMapping';
  }
}

/**
 * A vendor's mapping from JSON; throws InvalidMapping. What is left out gets its default: no attributes, no roles, mode `one`, and
 * of the rules `reject` for invalid_value, missing_required and unknown_path, `ignore` for the others.
 *
 * `schemas` are those of the directories that it is for: a path without a URN may name an attribute of a declared extension. An
 * extension that nobody declared may always be named, since identity providers send what they like there.
 */
export function parseMapping(body: unknown, schemas: SchemaSet = coreSchemas): Mapping {
  if (!validate(body)) throw new InvalidMapping(faultsOf(validate.errors ?? []));
  const faults = [...attributeFaults(body.attributes ?? [], schemas), ...roleFaults(body.roles?.rules ?? [], schemas)];
  if (!isStorable(body))
    faults.push({ pointer: '', detail: 'holds a character that is no text (U+0000, or half a surrogate pair), or is nested too deep' });
  if (faults.length > 0) throw new InvalidMapping(faults.slice(0, faultsAtMost));
  return {
    attributes: body.attributes ?? [],
    roles: { ...defaultMapping.roles, ...body.roles },
    rules: {
      invalid_value: 'reject',
      missing_required: 'reject',
      foreign_domain: 'ignore',
      email_elsewhere: 'ignore',
      unknown_path: 'reject',
      ...body.rules,
    },
  };
}

const validate = new Ajv2020({ allErrors: true, strict: true, verbose: true, allowUnionTypes: true }).compile<MappingBody>(MappingSchema);
const faultsAtMost = 20;

// ── What the schema cannot say ─────────────────────────────────────────────────────────────────

function attributeFaults(attributes: readonly AttributeMapping[], schemas: SchemaSet): MappingFault[] {
  const faults: MappingFault[] = [];
  const names = new Set<string>();
  attributes.forEach((attribute, index) => {
    const at = (field: string, detail: string): void => void faults.push({ pointer: `/attributes/${index}${field}`, detail });
    if (names.has(attribute.name)) at('/name', `is the second attribute named ${JSON.stringify(attribute.name)}`);
    names.add(attribute.name);
    for (const [field, detail] of valueFaults(attribute)) at(field, detail);
    const paths = pathsOf(attribute);
    paths.forEach((path, place) => {
      const detail = pathFault(path, attribute.type, schemas);
      if (detail !== undefined) at(typeof attribute.from === 'string' ? '/from' : `/from/${place}`, detail);
    });
    if (attribute.pattern !== undefined) {
      try {
        parsePattern(attribute.pattern);
      } catch (error) {
        if (!(error instanceof PatternRefused)) throw error;
        at('/pattern', error.message);
      }
    }
  });
  return faults;
}

const onlyWithFrom = ['required', 'allowed_values', 'pattern', 'default', 'transform'] as const;

/** What is wrong with one attribute, paths and pattern aside: which field, and what. */
function* valueFaults(attribute: AttributeMapping): Generator<[field: string, detail: string]> {
  const { type, from, constant, allowed_values: allowed, pattern, transform = [], default: standard } = attribute;
  if (from === undefined && constant === undefined) yield ['/from', 'is required, unless there is a constant'];
  if (from !== undefined && constant !== undefined) yield ['/constant', 'cannot stand beside from: it is in place of it'];
  if (constant !== undefined) {
    for (const field of onlyWithFrom) if (attribute[field] !== undefined) yield [`/${field}`, 'makes no difference to a constant'];
    if (!isOfType(type, constant)) yield ['/constant', `must be ${ownWords[type]}`];
  }
  if (standard !== undefined && standard !== null && !isOfType(type, standard)) yield ['/default', `must be ${ownWords[type]}, or null`];

  if (allowed && !['string', 'number', 'string_list'].includes(type)) yield ['/allowed_values', `cannot be listed for type ${type}`];
  else if (allowed?.some((value) => typeof value !== (type === 'number' ? 'number' : 'string'))) {
    yield ['/allowed_values', `must all be ${type === 'number' ? 'numbers' : 'strings'}, as the type says`];
  }
  if (pattern !== undefined && type !== 'string' && type !== 'string_list')
    yield ['/pattern', `is for type string or string_list, and the type is ${type}`];
  if (type === 'object' && transform.length > 0) yield ['/transform', 'is for texts, and the type is object'];
}

const ownWords: Record<MappingType, string> = {
  ...wantedOfType,
  string: 'a string',
  string_list: 'an array of strings that are not empty',
};

/** Whether a vendor's own value is of the type: nothing is converted for somebody who can write what is meant. */
function isOfType(type: MappingType, value: Json): boolean {
  switch (type) {
    case 'string_list':
      return Array.isArray(value) && value.every((element) => typeof element === 'string' && element !== '');
    case 'object':
      return isJsonObject(value);
    case 'date':
      return typeof value === 'string' && convert('date', value).kind === 'value';
    default:
      return typeof value === type && value !== '';
  }
}

function roleFaults(rules: readonly RoleRule[], schemas: SchemaSet): MappingFault[] {
  return rules.flatMap((rule, index) => {
    const detail = 'role_from' in rule ? pathFault(rule.role_from, 'string', schemas) : undefined;
    return detail === undefined ? [] : [{ pointer: `/roles/rules/${index}/role_from`, detail }];
  });
}

function pathFault(path: string, type: MappingType, schemas: SchemaSet): string | undefined {
  try {
    const source = parseSource(path, schemas);
    const isWhole = source.kind === 'extension' || (source.kind === 'path' && !source.path.attribute);
    return isWhole && type !== 'object'
      ? `is a whole extension, which only an attribute of type object can be: ${JSON.stringify(path)}`
      : undefined;
  } catch (error) {
    if (error instanceof ScimError) return `is no SCIM path of a user. ${error.detail}`;
    throw error;
  }
}

// ── What the schema says ───────────────────────────────────────────────────────────────────────

function faultsOf(errors: readonly ErrorObject[]): MappingFault[] {
  // Of a field that may be one of several things, ajv reports why it is none of them, one by one. One sentence will do.
  const unions = errors.filter((error) => error.keyword === 'anyOf').map((error) => error.schemaPath);
  return errors
    .filter((error) => !unions.some((union) => error.schemaPath.startsWith(`${union}/`)))
    .slice(0, faultsAtMost)
    .map(faultOf);
}

const articles: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  null: 'null',
};

/** A fault as somebody would say it: where, and what is wrong. */
function faultOf({ keyword, instancePath, params, parentSchema, message }: ErrorObject): MappingFault {
  const words: unknown = parentSchema?.description;
  switch (keyword) {
    case 'required':
      return { pointer: `${instancePath}/${escapePointer(String(params.missingProperty))}`, detail: 'is required' };
    case 'additionalProperties': {
      const fields = Object.keys(parentSchema?.properties ?? {}).join(', ');
      return {
        pointer: `${instancePath}/${escapePointer(String(params.additionalProperty))}`,
        detail: `is not a field here; the fields are ${fields}`,
      };
    }
    case 'type':
      return {
        pointer: instancePath,
        detail: `must be ${String(params.type)
          .split(',')
          .map((type) => articles[type] ?? type)
          .join(' or ')}`,
      };
    case 'enum':
      return {
        pointer: instancePath,
        detail: `must be one of ${JSON.stringify(params.allowedValues).slice(1, -1).replaceAll('","', '", "')}`,
      };
    case 'anyOf':
    case 'pattern':
      return { pointer: instancePath, detail: typeof words === 'string' ? `must be ${words}` : (message ?? 'is not valid') };
    default:
      return { pointer: instancePath, detail: message ?? 'is not valid' };
  }
}

/** A key as one step of a JSON pointer (RFC 6901). */
function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
