import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Keyring } from '#credential';
import { InvalidEndpointHeader } from './endpoint';

// What the connection, the content and the signature say of themselves is not the vendor's to choose.
const reserved = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);

const longestHeaders = 8_192;

/** The headers with their names in lower case. @throws InvalidEndpointHeader */
export function checkHeaders(headers: Record<string, string>): Record<string, string> {
  const checked = new Map<string, string>();
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase();
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw new InvalidEndpointHeader(given, 'HTTP does not allow its name or value');
    }
    if (reserved.has(name) || name.startsWith('webhook-')) throw new InvalidEndpointHeader(given, 'it is set by us');
    if (checked.has(name)) throw new InvalidEndpointHeader(given, 'it is there twice');
    checked.set(name, value);
  }
  const all = Object.fromEntries(checked);
  if (JSON.stringify(all).length > longestHeaders)
    throw new InvalidEndpointHeader(Object.keys(headers)[0] ?? '', 'together they are over 8 KiB');
  return all;
}

export function sealHeaders(keyring: Keyring, endpointId: string, headers: Record<string, string>): Buffer | null {
  return Object.keys(headers).length === 0 ? null : keyring.encrypt(JSON.stringify(headers), `webhook_headers:${endpointId}`);
}

export function openHeaders(keyring: Keyring, endpointId: string, sealed: Buffer | null): Record<string, string> {
  if (sealed === null) return {};
  const headers: unknown = JSON.parse(keyring.decrypt(sealed, `webhook_headers:${endpointId}`).toString());
  if (typeof headers !== 'object' || headers === null) return {};
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

// Shorter ones are words, and would blank half of what an endpoint says.
const shortestSecret = 6;

/**
 * What an endpoint has answered, without the values of the headers that it was sent: one that echoes its requests, as many do
 * when they fail, must not have kept in the clear what is sealed elsewhere.
 */
export function withoutHeaderValues(text: string, headers: Record<string, string>): string {
  let blanked = text;
  for (const value of Object.values(headers)) {
    // Of "Bearer abc" what follows the scheme is the secret; and JSON writes a quote or a backslash in it as two characters.
    for (const secret of new Set([value, value.replace(/^\S+ +/, '')].flatMap((one) => [one, JSON.stringify(one).slice(1, -1)]))) {
      if (secret.length < shortestSecret) continue;
      blanked = blanked.replaceAll(secret, '***');
      // Of a long answer only the beginning is read, and it may end in the middle of one.
      for (let length = secret.length - 1; length >= shortestSecret; length--) {
        if (blanked.endsWith(secret.slice(0, length))) blanked = `${blanked.slice(0, -length)}***`;
      }
    }
  }
  return blanked;
}
