/**
 * What comes in bytes and is to be text. Every door reads UTF-8 and refuses what is none: decoded all the same, whatever does not
 * fit becomes U+FFFD, and jürgen@ and jörgen@, sent in ISO 8859-1, become one.
 */
import { isUtf8 } from 'node:buffer';
import { parse, type ParsedUrlQuery } from 'node:querystring';
import type { IncomingMessage, ServerResponse } from 'node:http';
import zlib from 'node:zlib';

/** A body that is not the UTF-8 that it says it is, or, saying nothing, has to be. */
export class BodyNotUtf8 extends Error {
  // What body-parser hands on is known by these two.
  readonly status = 400;
  readonly type = 'body.not.utf8';

  constructor() {
    super('the body is not UTF-8');
  }
}

/** A query with a % that begins no percent-encoding, or with bytes that are not UTF-8. */
export class QueryNotUtf8 extends Error {
  readonly status = 400;

  constructor() {
    super('the query is not UTF-8: a "%" in it begins no percent-encoding, or stands for bytes of another encoding');
  }
}

/** body-parser's `verify`. A body that says that it is in another encoding is decoded by that. */
export function refuseOtherThanUtf8(_req: IncomingMessage, _res: ServerResponse, bytes: Buffer, charset: string): void {
  if (isCalledUtf8(charset) && !isUtf8(bytes)) throw new BodyNotUtf8();
}

/** The same for a form, whose bytes are percent-encoded once more. */
export function refuseFormOtherThanUtf8(req: IncomingMessage, res: ServerResponse, bytes: Buffer, charset: string): void {
  refuseOtherThanUtf8(req, res, bytes, charset);
  if (isCalledUtf8(charset) && !isDecodable(bytes.toString())) throw new BodyNotUtf8();
}

// Under whichever of its names: body-parser compares them as iconv-lite does.
function isCalledUtf8(charset: string): boolean {
  return /^(unicode11)?utf8$/.test(charset.toLowerCase().replace(/[^0-9a-z]/g, ''));
}

/**
 * A query as names and values, in place of express' own parser, which takes what cannot be decoded as it stands: a filter for
 * J%FCrgen then finds nobody, and the identity provider creates him a second time. (Bytes beyond ASCII that are not percent-encoded
 * Node itself refuses.)
 *
 * @throws QueryNotUtf8
 */
export function parseQuery(text: string | null | undefined): ParsedUrlQuery {
  const encoded = text ?? '';
  if (!isDecodable(encoded)) throw new QueryNotUtf8();
  return parse(encoded);
}

function isDecodable(encoded: string): boolean {
  if (!encoded.includes('%')) return true;
  try {
    decodeURIComponent(encoded);
    return true;
  } catch {
    return false;
  }
}

/** For the header Accept-Encoding of a 415 (RFC 9110 §15.5.16): what a body may be compressed by. */
export const acceptedEncodings = ['gzip', 'deflate', 'br', ...('createZstdDecompress' in zlib ? ['zstd'] : [])].join(', ');
