import type { Json } from '#scim';
import type { TransformStep } from './mapping-schema';

/** A value on its way: what became of it, and what it was as the identity provider sent it. */
export interface Traced {
  readonly value: Json;
  readonly sent: Json;
}

/** Takes each value through the steps, in order. What is empty at the end, such as the text of nothing but spaces, is no value. */
export function transform(values: readonly Traced[], steps: readonly TransformStep[]): Traced[] {
  let current = [...values];
  for (const step of steps) current = current.flatMap((traced) => take(traced, step));
  return current.filter(({ value }) => value !== '');
}

function take(traced: Traced, step: TransformStep): Traced[] {
  const { value, sent } = traced;
  if (typeof step === 'object' && 'lookup' in step) return [{ value: lookUp(step.lookup, value) ?? value, sent }];
  if (typeof value !== 'string') return [traced];
  switch (step) {
    case 'trim':
      return [{ value: value.trim(), sent }];
    case 'lower':
      return [{ value: value.toLowerCase(), sent }];
    case 'upper':
      return [{ value: value.toUpperCase(), sent }];
    default:
      // The part is what the IT admin has to look for, not the whole list.
      return value.split(step.split).map((part) => ({ value: part, sent: part }));
  }
}

/** What a table has for a value: a number or a boolean is looked up by its text. */
export function lookUp<Found extends Json>(table: Readonly<Record<string, Found>>, value: Json): Found | undefined {
  if (value === null || typeof value === 'object') return undefined;
  const key = String(value);
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
