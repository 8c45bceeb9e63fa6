import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Keyring } from '#credential';
import { InvalidEndpointHeader } from './endpoint';

// What the connection, the content and the signature say of themselves is not the vendor's to choose.
const reserved = new Set([
  'connection', 'content-encoding', 'content-length', 'content-type', 'date', 'expect', 'host', 'keep-alive', 'proxy-authorization',
  'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'user-agent',
]);

const longestHeaders = 8_192;

/** The headers with their names in lower case. @throws InvalidEndpointHeader */
export function checkHeaders(headers: Record<string, string>): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase();
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw new InvalidEndpointHeader(given, 'HTTP does not allow its name or value');
    }
    if (reserved.has(name) || name.startsWith('webhook-')) throw new InvalidEndpointHeader(given, 'it is set by us');
    if (name in checked) throw new InvalidEndpointHeader(given, 'it is there twice');
    checked[name] = value;
  }
  if (JSON.stringify(checked).length > longestHeaders) throw new InvalidEndpointHeader(Object.keys(headers)[0] ?? '', 'together they are over 8 KiB');
  return checked;
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
