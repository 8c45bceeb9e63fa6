import { useState } from 'react';
import { Problem } from '../broker/call';

/** The fields of a form: their values, how inputs are bound to them, and what the broker said of each. */
export function useFields<F extends Record<string, unknown>>(initial: F) {
  const [values, setValues] = useState(initial);
  const set = <K extends keyof F>(name: K, value: F[K]): void => setValues((before) => ({ ...before, [name]: value }));
  return {
    values,
    set,
    reset: (to: F = initial): void => setValues(to),
    /** For an input of text. */
    text: (name: { [K in keyof F]: F[K] extends string ? K : never }[keyof F], error?: Error | null) => ({
      value: values[name] as string,
      onChange: (event: { currentTarget: { value: string } }): void => set(name, event.currentTarget.value as F[typeof name]),
      error: faultOf(error, String(name)),
    }),
  };
}

/** What the broker said of one field. */
export function faultOf(error: Error | null | undefined, field: string): string | undefined {
  if (!(error instanceof Problem)) return undefined;
  const direct = error.fields[field];
  if (direct !== undefined) return direct;
  return Object.entries(error.fields).find(([pointer]) => pointer.startsWith(`${field}/`))?.[1];
}
