import { type Json, foldInstant, isJsonObject } from '#scim';
import type { MappingType } from './mapping-schema';
import { memberOf } from './read-path';

/** `wanted` completes "… is not …". */
export type Converted = { kind: 'value'; value: Json } | { kind: 'refused'; wanted: string };

export const wantedOfType: Record<MappingType, string> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  date: 'a date such as "2026-01-31" or "2026-01-31T09:00:00Z"',
  string_list: 'a text',
  object: 'an object',
};

/**
 * A value as its type has it; of a string_list, one element of it.
 *
 * A complex value stands for its "value" (RFC 7644 §3.4.2.2) where something simple is wanted. Text that is a number, a
 * boolean in any case, or an object's JSON is converted, since some identity providers send nothing but text. A date stays a
 * date; a time is given in UTC with milliseconds, and one without a zone is taken for UTC.
 */
export function convert(type: MappingType, sent: Json): Converted {
  if (type === 'object') return toObject(sent);
  const value = isJsonObject(sent) ? (memberOf(sent, 'value') ?? sent) : sent;
  if (typeof value === 'object') return refused(type);
  switch (type) {
    case 'string':
    case 'string_list':
      return { kind: 'value', value: String(value) };
    case 'number':
      return toNumber(value);
    case 'boolean': {
      if (typeof value === 'boolean') return { kind: 'value', value };
      const lower = typeof value === 'string' ? value.toLowerCase() : '';
      return lower === 'true' || lower === 'false' ? { kind: 'value', value: lower === 'true' } : refused(type);
    }
    case 'date':
      return typeof value === 'string' ? toDate(value) : refused(type);
  }
}

const refused = (type: MappingType): Converted => ({ kind: 'refused', wanted: wantedOfType[type] });

function toNumber(value: string | number | boolean): Converted {
  if (typeof value === 'boolean' || (typeof value === 'string' && !/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(value)))
    return refused('number');
  const number = Number(value);
  // Beyond 2^53 it would not be the number that was sent.
  if (!Number.isFinite(number) || (Number.isInteger(number) && !Number.isSafeInteger(number))) {
    return { kind: 'refused', wanted: 'a number small enough to be kept exactly' };
  }
  return { kind: 'value', value: Object.is(number, -0) ? 0 : number };
}

function toDate(text: string): Converted {
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text) && foldInstant(`${text}T00:00:00Z`) !== undefined;
  const value = isDate ? text : foldInstant(text);
  return value === undefined ? refused('date') : { kind: 'value', value };
}

function toObject(value: Json): Converted {
  if (isJsonObject(value)) return { kind: 'value', value };
  const read = typeof value === 'string' ? readJson(value) : undefined;
  return isJsonObject(read) ? { kind: 'value', value: read } : refused('object');
}

/** The object or array that a text is the JSON of; undefined for any other text, and for what could not be stored. */
export function readJson(text: string): Json | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isStorable(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const maxDepth = 16;

/** PostgreSQL has no NUL in text and no half surrogate pairs in UTF-8, and JSON has no number as large as 1e999. */
export function isStorable(value: unknown, depth = 0): value is Json {
  if (typeof value === 'string') return !/[\0\p{Cs}]/u.test(value);
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return typeof value === 'boolean';
  if (value === null) return true;
  if (depth > maxDepth) return false;
  const members: unknown[] = Array.isArray(value) ? value : [...Object.keys(value), ...Object.values(value)];
  return members.every((member) => isStorable(member, depth + 1));
}
