import type { DirectoryPool, ListTotals, ScimDirectory } from '#directory';
import type { Lookups } from '#postgres';
import type { JsonObject } from '#scim';

/** One SCIM operation on its way: a request of its own, or one of a bulk request. */
export interface Exchange {
  pool: DirectoryPool;
  /** For what is read by an id. */
  lookups: Lookups;
  totals: ListTotals;
  directory: ScimDirectory;
  requestId: string;
  /** `https://…/scim/v2/dir_…`, without a trailing slash. */
  baseUrl: string;
  ifMatch?: string | undefined;
  ifNoneMatch?: string | undefined;
  /** What was tolerated or ignored, for the request log. */
  notes: string[];
}

/** What an operation came to. Refusals are thrown. */
export interface Answer {
  status: number;
  /** Text in parts where it may be long: read only if it is sent, and no faster than it is taken. */
  body?: JsonObject | AsyncIterable<string>;
  location?: string;
  etag?: string;
  /** Where a part of it was refused only for now. */
  retryAfterSeconds?: number;
  /** The SCIM id of the resource concerned. */
  id?: string;
}
