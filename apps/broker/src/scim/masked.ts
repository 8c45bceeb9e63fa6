const largestKept = 64 * 1024;

/**
 * A request's body as the request log keeps it: without secrets, and not at all where it is large.
 *
 * The one secret that SCIM carries is `password` (RFC 7643 §4.1.1): as an attribute, as a key of a pathless PATCH, or as
 * the value of an operation whose path names it.
 */
export function maskedBody(body: unknown, size: number): unknown {
  if (body === undefined) return undefined;
  if (size > largestKept) return { omitted: `a body of ${size} bytes` };
  return masked(body, 0);
}

/** The text without what PostgreSQL cannot store: NUL, and half surrogate pairs. One of them would lose what is written in the same statement. */
export function storable(text: string): string {
  return text.replace(/[\0\p{Cs}]/gu, '\ufffd');
}

const mask = '[masked]';

function masked(value: unknown, depth: number): unknown {
  if (depth > 20) return '[deeper]';
  if (Array.isArray(value)) return value.map((element) => masked(element, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const aimsAtPassword = entries.some(([name, path]) => name.toLowerCase() === 'path' && typeof path === 'string' && isPassword(path));
  return Object.fromEntries(entries.map(([name, inner]) => {
    const secret = isPassword(name) || (aimsAtPassword && name.toLowerCase() === 'value');
    return [name, secret ? mask : masked(inner, depth + 1)];
  }));
}

function isPassword(name: string): boolean {
  return /(^|[:.])password$/i.test(name.trim());
}
