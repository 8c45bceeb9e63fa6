import { withoutOwnSecrets } from '#runtime';

const largestKept = 64 * 1024;

/**
 * A request's body as the request log keeps it: without secrets, and not at all where it is large.
 *
 * The one secret that SCIM carries is `password` (RFC 7643 §4.1.1): as an attribute, as a key of a pathless PATCH, or as
 * the value of an operation whose path names it. A credential that somebody has put into a field by mistake is blanked as well.
 */
export function maskedBody(body: unknown, size: number): unknown {
  if (body === undefined) return undefined;
  if (size > largestKept) return { omitted: `a body of ${size} bytes` };
  return masked(body, 0);
}

/**
 * The text as the request log keeps it: without secrets, such as a token in the query, and without what PostgreSQL cannot store,
 * NUL and half surrogate pairs. One of them would lose what is written in the same statement.
 */
export function storable(text: string): string {
  return withoutOwnSecrets(text)
    .replace(comparedPassword, `$1${mask}`)
    .replace(/[\0\p{Cs}]/gu, '\ufffd');
}

// In a filter, as JSON has it or as an address: password eq "hunter2", password%20eq%20%22hunter2%22.
const comparedPassword = /(password(?:\s|%20|\+)+[a-z]{2}(?:\s|%20|\+)+)(?:\\?"(?:[^"\\]|\\.)*"?|%22.*?(?:%22|$))/gi;

const mask = '[masked]';

function masked(value: unknown, depth: number): unknown {
  if (depth > 20) return '[deeper]';
  if (typeof value === 'string') return withoutOwnSecrets(withoutPasswords(value, depth)).replace(comparedPassword, `$1${mask}`);
  if (Array.isArray(value)) return value.map((element) => masked(element, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const aimsAtPassword = entries.some(([name, path]) => name.toLowerCase() === 'path' && typeof path === 'string' && isPassword(path));
  return Object.fromEntries(
    entries.map(([name, inner]) => {
      const secret = isPassword(name) || (aimsAtPassword && name.toLowerCase() === 'value');
      return [withoutOwnSecrets(name), secret ? mask : masked(inner, depth + 1)];
    }),
  );
}

/** A value may be JSON in a string, with a password in it. Left as it was sent where none is. */
function withoutPasswords(text: string, depth: number): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    const value: unknown = JSON.parse(text);
    const [sent, kept] = [JSON.stringify(value), JSON.stringify(masked(value, depth + 1))];
    return sent === kept ? text : kept;
  } catch {
    return text;
  }
}

function isPassword(name: string): boolean {
  return /(^|[:.])password$/i.test(name.trim());
}
