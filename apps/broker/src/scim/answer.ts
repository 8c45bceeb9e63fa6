import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { mediaType } from '#scim';
import type { Answer } from './exchange';

// What a group is answered with is of a known length until it is longer than this; then it is sent as it is read.
const gatheredBytesAtMost = 1024 * 1024;

/** G1: exactly this media type. express' own res.json would add a charset, which strict clients refuse. */
export async function send(res: Response, { status, body, location, etag, retryAfterSeconds }: Answer): Promise<void> {
  const shown = status === 204 || status === 304 ? undefined : body;
  const parts = shown && isText(shown) ? bytesOf(shown) : undefined;
  // Read before anything is sent: as long as nothing has been, a failure can still be answered as one.
  const begun = parts && (await gather(parts));
  const whole = begun ? (begun.isWhole ? begun.bytes : undefined) : shown && JSON.stringify(shown);

  res.locals.decision ??= status < 300 ? 'answered' : undefined;
  res.statusCode = status;
  if (location) res.setHeader('Location', location);
  if (etag) res.setHeader('ETag', etag);
  if (retryAfterSeconds !== undefined) res.setHeader('Retry-After', String(retryAfterSeconds));
  if (!shown) {
    res.end();
    return;
  }
  res.setHeader('Content-Type', mediaType);
  if (whole !== undefined) res.setHeader('Content-Length', Buffer.byteLength(whole));
  if (res.req.method === 'HEAD') res.end();
  else if (whole !== undefined) res.end(whole);
  else if (begun) await pipeline(rest(begun.bytes, parts, res), res); // no faster than it is taken, and no longer than somebody is there
}

async function* bytesOf(text: AsyncIterable<string>): AsyncGenerator<Buffer, void> {
  for await (const part of text) yield Buffer.from(part);
}

function isText(body: NonNullable<Answer['body']>): body is AsyncIterable<string> {
  return Symbol.asyncIterator in body;
}

async function gather(text: AsyncGenerator<Buffer, void>): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const parts: Buffer[] = [];
  for (let length = 0; length <= gatheredBytesAtMost;) {
    const { value: part } = await text.next();
    if (!part) return { bytes: Buffer.concat(parts), isWhole: true };
    parts.push(part);
    length += part.length;
  }
  return { bytes: Buffer.concat(parts), isWhole: false };
}

/** What fails here cuts the answer off, which is how the client sees it. */
async function* rest(begun: Buffer, text: AsyncGenerator<Buffer, void>, res: Response): AsyncGenerator<Buffer, void> {
  yield begun;
  try {
    yield* text;
  } catch (failure) {
    res.locals.failure = failure;
    throw failure;
  }
}
