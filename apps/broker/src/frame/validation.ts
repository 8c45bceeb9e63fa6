import type { Static, TSchema } from '@sinclair/typebox';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { type Prefix, parsePublicId } from '#identifier';
import { type Audience, type Fault, Problem, escapePointer, invalidParameter, refusal } from './errors';
import { digits } from './shapes';

// A body says what it means: "5" is no number in it. A query knows only text, so there "5" becomes one.
const bodies = addFormats(new Ajv2020({ allErrors: true, strict: true, verbose: true, allowUnionTypes: true }));
const queries = addFormats(
  new Ajv2020({ allErrors: true, strict: true, verbose: true, allowUnionTypes: true, coerceTypes: true, useDefaults: true }),
);

const faultsAtMost = 20;

/** Makes the reader of a body: `unknown` → the schema's type, or a Problem that points at what is wrong. */
export function bodyReader<S extends TSchema>(schema: S): (body: unknown, audience: Audience) => Static<S> {
  const validate = bodies.compile<Static<S>>(schema);
  return (body, audience) => {
    if (!validate(body)) throw audience === 'pages' ? invalidForPages(validate) : invalid(validate, pointerAt);
    return body;
  };
}

/**
 * Makes the reader of a query. A program is refused a parameter that the schema does not know: it was meant to narrow something down,
 * and would be answered as if it had. Of our own pages' parameters one that is empty is not set.
 */
export function queryReader<S extends TSchema>(schema: S): (query: Record<string, unknown>, audience: Audience) => Static<S> {
  const validate = queries.compile<Static<S>>(schema);
  const names = Object.keys(schema.properties ?? {});
  return (query, audience) => {
    const isSet = (value: unknown): boolean => (audience === 'pages' ? typeof value === 'string' && value !== '' : value !== undefined);
    if (audience === 'programs') refuseUnknown(query, names);
    // What is missing must be absent, not undefined, for a default to take its place.
    const known: unknown = Object.fromEntries(names.filter((name) => isSet(query[name])).map((name) => [name, query[name]]));
    refuseUnstorable(known, parameterAt);
    if (!validate(known)) throw audience === 'pages' ? invalidForPages(validate) : invalid(validate, parameterAt);
    return known;
  };
}

/** The UUID in a parameter that filters by an id. An id that nothing has filters everything out; what is no id is a mistake. */
export function idParameter(parameter: string, prefix: Prefix, text: string): string {
  const id = parsePublicId(prefix, text);
  if (id === undefined) throw invalidParameter(parameter, `must be an id such as ${prefix}_${digits}`);
  return id;
}

type FaultAt = (path: string, detail: string) => Fault;
const pointerAt: FaultAt = (path, detail) => ({ pointer: path, detail });
const parameterAt: FaultAt = (path, detail) => ({ parameter: path.slice(1), detail });

function refuseUnknown(query: Record<string, unknown>, names: string[]): void {
  const detail =
    names.length === 0 ? 'is not known: this path takes no parameters' : `is not known; the parameters are ${names.join(', ')}`;
  const faults = Object.keys(query)
    .filter((name) => !names.includes(name))
    .slice(0, faultsAtMost)
    .map((parameter) => ({ parameter, detail }));
  const [first] = faults;
  if (first) throw new Problem('unknown_parameter', `${first.parameter}: ${detail}`, { faults });
}

function invalid(validate: ValidateFunction, faultAt: FaultAt): Problem {
  const errors = withoutBranches(validate.errors ?? []);
  const faults = errors.slice(0, faultsAtMost).map((error) => {
    const [path, detail] = sentence(error);
    return faultAt(path, detail);
  });
  const [first] = faults;
  const where = first && ('pointer' in first ? first.pointer : first.parameter);
  const detail = first ? `${where === '' ? 'the body' : where}: ${first.detail}` : 'the request is not valid';
  return new Problem('invalid_request', faults.length > 1 ? `${detail} (and ${faults.length - 1} more)` : detail, { faults });
}

/** What a page shows as it is, beside the field: a sentence, by the schema's own `description` where it has one that says what it should be. */
function invalidForPages({ errors }: ValidateFunction): Problem {
  const [error] = errors ?? [];
  const missing: unknown = error?.keyword === 'required' ? error.params.missingProperty : undefined;
  const field = typeof missing === 'string' ? missing : error?.instancePath.slice(1).split('/')[0];
  const description: unknown = error?.parentSchema?.description;
  const said =
    missing === undefined && typeof description === 'string'
      ? description
      : `${field || 'The request'} ${missing === undefined ? (error?.message ?? 'is not valid') : 'is missing'}.`;
  return refusal('invalid_request', said, { field: field || undefined });
}

// Of a field that may be one of several things, ajv reports why it is none of them, one by one. One sentence will do.
function withoutBranches(errors: ErrorObject[]): ErrorObject[] {
  const unions = errors.filter((error) => error.keyword === 'anyOf').map((error) => error.schemaPath);
  return errors.filter((error) => !unions.some((union) => error.schemaPath.startsWith(`${union}/`)));
}

const articles: Record<string, string> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  null: 'null',
};

/** A fault as somebody would say it: where, and what is wrong. */
function sentence(error: ErrorObject): [path: string, detail: string] {
  const { keyword, instancePath, params, parentSchema, message } = error;
  switch (keyword) {
    case 'required':
      return [`${instancePath}/${escapePointer(String(params.missingProperty))}`, 'is required'];
    case 'additionalProperties':
      return [
        `${instancePath}/${escapePointer(String(params.additionalProperty))}`,
        `is not a field here; the fields are ${Object.keys(parentSchema?.properties ?? {}).join(', ')}`,
      ];
    case 'type':
      return [
        instancePath,
        `must be ${String(params.type)
          .split(',')
          .map((type) => articles[type] ?? type)
          .join(' or ')}`,
      ];
    case 'enum':
      return [instancePath, `must be one of ${JSON.stringify(params.allowedValues).slice(1, -1).replaceAll('","', '", "')}`];
    case 'anyOf':
    case 'pattern':
      return [instancePath, parentSchema?.description ? `must be ${String(parentSchema.description)}` : (message ?? 'is not valid')];
    case 'format':
      return [instancePath, params.format === 'email' ? 'must be an e-mail address' : `must be a ${String(params.format)}`];
    default:
      return [instancePath, message ?? 'is not valid'];
  }
}

// PostgreSQL stores no NUL in a text, and neither it nor UTF-8 has half a surrogate pair.
// oxlint-disable-next-line no-control-regex -- NUL is what it looks for: PostgreSQL keeps none in a text
const unstorable = /\u0000|\p{Surrogate}/u;
const deepest = 32;

/** Refuses what no schema speaks of and no table can hold: characters that are no text, and nesting without end. */
export function refuseUnstorable(value: unknown, faultAt: FaultAt = pointerAt, path = '', depth = 0): void {
  if (typeof value === 'string') {
    if (unstorable.test(value)) throw oneFault(faultAt(path, 'holds a character that is no text (U+0000, or half a surrogate pair)'));
  } else if (typeof value === 'object' && value !== null) {
    if (depth === deepest) throw oneFault(faultAt(path, `is nested more than ${deepest} deep`));
    for (const [key, inner] of Object.entries(value)) {
      const at = `${path}/${escapePointer(key)}`;
      refuseUnstorable(key, faultAt, at, depth + 1);
      refuseUnstorable(inner, faultAt, at, depth + 1);
    }
  }
}

function oneFault(fault: Fault): Problem {
  return new Problem('invalid_request', `${'pointer' in fault ? fault.pointer : fault.parameter}: ${fault.detail}`, { faults: [fault] });
}
