import { request as httpRequest } from 'node:http';
import type { Reply, ScimUnderTest } from './a-scim-directory';

/** A request with exactly these headers, byte for byte what is given. */
export function rawRequest(
  scim: Pick<ScimUnderTest, 'url' | 'token'>,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string | Buffer,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(scim.url + path, { method, headers: { authorization: `Bearer ${scim.token}`, ...headers } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: new Headers(response.headers as Record<string, string>),
          text,
          body: text === '' ? undefined : JSON.parse(text),
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
