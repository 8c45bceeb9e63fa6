import type { Request } from 'express';
import { type Prefix, parsePublicId } from '#identifier';
import { notFound, PageProblem } from './errors';

// What stands in the query of a request of our pages. A parameter that is empty is not set.

export function text(req: Request, name: string): string | undefined {
  const value = req.query[name];
  if (typeof value !== 'string' || value === '') return undefined;
  // PostgreSQL stores no NUL in a text, and so finds none.
  if (value.length > 500 || value.includes('\0')) throw new PageProblem('invalid_request', `${name} is too long, or no text.`, name);
  return value;
}

export function wholeNumber(req: Request, name: string, least: number, most: number): number | undefined {
  const value = text(req, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!Number.isInteger(number) || number < least || number > most)
    throw new PageProblem('invalid_request', `${name} is a whole number from ${least} to ${most}.`, name);
  return number;
}

export function limit(req: Request): number {
  return wholeNumber(req, 'limit', 1, 200) ?? 50;
}

export function cursor(req: Request): string | undefined {
  const value = text(req, 'cursor');
  return value === undefined ? undefined : Buffer.from(value, 'base64url').toString('utf8').replaceAll('\0', '');
}

export function id(req: Request, name: string, prefix: Prefix): string | undefined {
  const value = text(req, name);
  if (value === undefined) return undefined;
  const parsed = parsePublicId(prefix, value);
  if (parsed === undefined) throw new PageProblem('invalid_request', `${name} is not the id of anything.`, name);
  return parsed;
}

export function subject(req: Request): string | undefined {
  const value = text(req, 'subject');
  if (value === undefined) return undefined;
  if (!parsePublicId('usr', value) && !parsePublicId('grp', value))
    throw new PageProblem('invalid_request', 'subject is the id of a user or a group.', 'subject');
  return value;
}

export function idInPath(value: unknown, prefix: Prefix): string {
  const parsed = typeof value === 'string' ? parsePublicId(prefix, value) : undefined;
  if (parsed === undefined) throw notFound();
  return parsed;
}
