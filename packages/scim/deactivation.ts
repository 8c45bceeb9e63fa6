import { isObject } from './resource';
import { userUrn } from './urns';

/**
 * Whether a PUT or a PATCH asks for a user to be inactive, as far as can be told of one that may be refused for whatever else is in it:
 * who was to leave and has not must be told of. It reads what `patchUser` reads, and does not mind what else is wrong.
 */
export function asksToDeactivate(method: 'PUT' | 'PATCH', body: unknown): boolean {
  if (!isObject(body)) return false;
  if (method === 'PUT') return activeIn(body) === false;
  const operations: unknown = member(body, 'operations');
  const said = (Array.isArray(operations) ? operations : []).flatMap((operation: unknown) => saidBy(operation) ?? []);
  return said.at(-1) === false; // of several the last one counts
}

function saidBy(operation: unknown): boolean | undefined {
  if (!isObject(operation)) return undefined;
  const op = member(operation, 'op');
  if (typeof op !== 'string' || !/^\s*(add|replace)\s*$/i.test(op)) return undefined;
  const path = member(operation, 'path');
  const value = member(operation, 'value');
  if (path === undefined || path === null || path === '') return activeIn(fromText(value));
  return typeof path === 'string' && isActive(path) ? booleanOf(value) : undefined;
}

/** What attributes say of `active`: by its name, with its URN or without, or below that. */
function activeIn(attributes: unknown): boolean | undefined {
  if (!isObject(attributes)) return undefined;
  const said = Object.entries(attributes).flatMap(([name, value]) => {
    if (isActive(name)) return booleanOf(value) ?? [];
    return name.trim().toLowerCase() === userUrn.toLowerCase() ? (activeIn(value) ?? []) : [];
  });
  return said.at(-1);
}

function isActive(name: string): boolean {
  const plain = name.trim().toLowerCase();
  return plain === 'active' || plain === `${userUrn.toLowerCase()}:active`;
}

/** As IdPs write it: `false`, `"False"`, `[false]`. */
function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return { true: true, false: false }[value.trim().toLowerCase()];
  if (Array.isArray(value)) return value.length === 1 ? booleanOf(value[0]) : undefined;
  return isObject(value) ? booleanOf(member(value, 'value') ?? member(value, 'active')) : undefined;
}

function fromText(value: unknown): unknown {
  if (typeof value !== 'string') return Array.isArray(value) && value.length === 1 ? value[0] : value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

function member(object: Record<string, unknown>, lowerName: string): unknown {
  return Object.entries(object).find(([name]) => name.toLowerCase() === lowerName)?.[1];
}
