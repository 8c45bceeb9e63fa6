import { headBytesAtMost, type WireRefusal } from '#runtime';
import { mediaType, ScimError } from '#scim';
import { Problem } from './frame/errors';
import { urlBytesAtMost, urlTooLong } from './frame/url-length';

/**
 * The refusal of a request whose line and headers are so large that nobody has read them. `begun` is as much of it as is known. Who
 * sends URLs without end is an identity provider: where it cannot be seen which door was meant, it is answered as they are.
 */
export function refuseLargeHead(publicUrl: string): (begun: string) => WireRefusal {
  return (begun) => {
    const line = /^[A-Z]+ (\S*)/.exec(begun);
    const url = line?.[1];
    // A URL has no blanks, and a packet out of the midst of one has none either.
    const isUrl = url === undefined ? !/\s/.test(begun) : url.length > urlBytesAtMost || line?.[0].length === begun.length;
    const status = isUrl ? 414 : 431;
    const headersTooLarge = `The headers are larger than ${headBytesAtMost / 1024} KiB.`;
    if (url === undefined || url.startsWith('/scim/')) {
      const body = JSON.stringify(new ScimError(status, undefined, isUrl ? urlTooLong : headersTooLarge));
      return { status, contentType: mediaType, body };
    }
    const problem = isUrl
      ? new Problem('url_too_long', `the URL is longer than ${urlBytesAtMost / 1024} KiB`)
      : new Problem('headers_too_large', `the headers are larger than ${headBytesAtMost / 1024} KiB`);
    return { status, contentType: 'application/problem+json', body: problem.toText(publicUrl) };
  };
}
