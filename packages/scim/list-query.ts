import { invalidFilter, invalidPath, invalidSyntax, invalidValue, quoted, ScimError } from './errors';
import { findSortAttribute, formatFilter, narrowFilter, parseFilter } from './filter';
import type { AttributeReference, Filter } from './filter-tree';
import { Notes } from './notes';
import { checkMessageSchemas, memberOf } from './patch';
import { parseProjection, projectionFromBody } from './projection';
import type { Projection } from './projection';
import { checkNamedOnce, isUnassigned } from './read-value';
import { isObject } from './resource';
import type { ResourceType } from './resource';
import type { SchemaSet } from './schemas';
import { searchRequestUrn } from './urns';

/** As express's simple query parser gives it: a parameter that was sent twice is an array. */
export type QueryParameters = Readonly<Record<string, string | string[] | undefined>>;

export interface PageLimits {
  readonly defaultPageSize: number;
  readonly maxPageSize: number;
}

/** What a list or a search asks for (RFC 7644 §3.4.2, RFC 9865). */
export interface ListQuery {
  /** undefined: everything */
  readonly filter?: Filter;
  /** Without a value last when ascending, first when descending; of several values the primary counts, else the first; ties by id. */
  readonly sort?: { readonly by: AttributeReference; readonly descending: boolean };
  /** from 1; always 1 with a cursor */
  readonly startIndex: number;
  /** 0 to maxPageSize */
  readonly count: number;
  /** undefined: paged by index; '': the first page by cursor; else as sent, the nextCursor of an earlier page */
  readonly cursor?: string;
  readonly projection: Projection;
  /** equal for two queries that select and sort the same: what a cursor must be bound to (RFC 9865 §2.1) */
  readonly fingerprint: string;
  readonly notes: string[];
}

/**
 * The query of GET /Users, /Groups or, with `type` undefined, the root. Empty parameters are absent, but `cursor`; unknown ones
 * are ignored. Throws ScimError: invalidFilter, invalidPath (sortBy), invalidValue (numbers, sortOrder, cursor with
 * startIndex), invalidSyntax (a parameter sent twice), invalidCursor.
 */
export function parseListQuery(query: QueryParameters, type: ResourceType | undefined, schemas: SchemaSet, limits: PageLimits): ListQuery {
  const filter = query['filter'];
  if (filter !== undefined && typeof filter !== 'string')
    throw invalidFilter(`filter was sent ${filter.length} times: join the filters by "and".`);
  const asked: Asked = {
    filter,
    sortBy: single(query, 'sortBy'),
    sortOrder: single(query, 'sortOrder'),
    startIndex: wholeNumber(single(query, 'startIndex'), 'startIndex'),
    count: wholeNumber(single(query, 'count'), 'count'),
    cursor: single(query, 'cursor', true),
    projection: parseProjection(query, type, schemas),
  };
  return listQuery(asked, type, schemas, limits, new Notes());
}

/** The body of POST …/.search (RFC 7644 §3.4.3): the same query as JSON. Throws as parseListQuery does, invalidSyntax for what is no search request. */
export function parseSearchRequest(body: unknown, type: ResourceType | undefined, schemas: SchemaSet, limits: PageLimits): ListQuery {
  if (!isObject(body)) throw invalidSyntax('A search request must be a JSON object.');
  checkNamedOnce(body, 'The search request');
  const notes = new Notes();
  const schemasSent = memberOf(body, 'schemas');
  if (!isUnassigned(schemasSent) && !Array.isArray(schemasSent))
    throw invalidSyntax(`schemas must be [${quoted(searchRequestUrn)}] in a search request.`);
  checkMessageSchemas(schemasSent, searchRequestUrn, notes);
  const asked: Asked = {
    filter: text(body, 'filter'),
    sortBy: text(body, 'sortby'),
    sortOrder: text(body, 'sortorder'),
    startIndex: integer(body, 'startindex'),
    count: integer(body, 'count'),
    cursor: text(body, 'cursor'),
    projection: projectionFromBody(memberOf(body, 'attributes'), memberOf(body, 'excludedattributes'), type, schemas),
  };
  return listQuery(asked, type, schemas, limits, notes);
}

/** What a query at the root means for one of the two types: there its filter can match nothing where it names what the type does not have. */
export function narrowQuery(query: ListQuery, type: ResourceType, schemas: SchemaSet): ListQuery {
  const { filter, sort, ...rest } = query;
  const by = sort && findSortAttribute(sortName(sort.by), type, schemas);
  return {
    ...rest,
    ...(filter && { filter: narrowFilter(filter, type, schemas) }),
    ...(sort && by && { sort: { by, descending: sort.descending } }),
  };
}

interface Asked {
  filter: string | undefined;
  sortBy: string | undefined;
  sortOrder: string | undefined;
  startIndex: number | undefined;
  count: number | undefined;
  cursor: string | undefined;
  projection: Projection;
}

function listQuery(asked: Asked, type: ResourceType | undefined, schemas: SchemaSet, limits: PageLimits, notes: Notes): ListQuery {
  const { cursor } = asked;
  if (cursor !== undefined) {
    if (asked.startIndex !== undefined)
      throw invalidValue('cursor and startIndex cannot be used together: page by the one or by the other.');
    // RFC 9865 §2.1: "Cursor values … consist of unreserved characters".
    if (!/^[A-Za-z0-9._~-]{0,1024}$/.test(cursor))
      throw new ScimError(400, 'invalidCursor', 'cursor must be a nextCursor that this service gave, as it is.');
  }
  const filter = asked.filter?.trim() ? parseFilter(asked.filter, type, schemas) : undefined;
  const sort = asked.sortBy ? parseSort(asked.sortBy, asked.sortOrder, type, schemas) : undefined;
  if (!sort) checkSortOrder(asked.sortOrder);
  return {
    ...(filter && { filter }),
    ...(sort && { sort }),
    startIndex: Math.max(1, asked.startIndex ?? 1),
    count: Math.min(limits.maxPageSize, Math.max(0, asked.count ?? limits.defaultPageSize)),
    ...(cursor !== undefined && { cursor }),
    projection: asked.projection,
    fingerprint: JSON.stringify([type ?? '', filter ? formatFilter(filter) : '', sort ? sortName(sort.by) : '', sort?.descending ?? false]),
    notes: notes.list(),
  };
}

const maxSortLength = 4096; // as long as a PATCH path may be

function parseSort(sortBy: string, sortOrder: string | undefined, type: ResourceType | undefined, schemas: SchemaSet): ListQuery['sort'] {
  const by = sortBy.length > maxSortLength ? undefined : findSortAttribute(sortBy.trim(), type, schemas);
  if (!by)
    throw invalidPath(
      `sortBy is ${quoted(sortBy)}, by which ${type ?? 'resource'}s cannot be sorted: name one attribute, such as userName or name.familyName.`,
    );
  return { by, descending: checkSortOrder(sortOrder) === 'descending' };
}

function checkSortOrder(sortOrder: string | undefined): 'ascending' | 'descending' {
  const lower = (sortOrder ?? 'ascending').trim().toLowerCase();
  if (lower !== 'ascending' && lower !== 'descending')
    throw invalidValue(`sortOrder must be "ascending" or "descending", and is ${quoted(sortOrder ?? '')}.`);
  return lower;
}

function sortName({ extension, attribute, subAttribute }: AttributeReference): string {
  return `${extension ? `${extension}:` : ''}${attribute.name}${subAttribute ? `.${subAttribute.name}` : ''}`;
}

function single(query: QueryParameters, name: string, keepEmpty = false): string | undefined {
  const value = query[name];
  if (value === undefined || (value === '' && !keepEmpty)) return undefined;
  if (typeof value !== 'string') throw invalidSyntax(`${name} was sent ${value.length} times: send it once.`);
  return value;
}

/** A number beyond what can be counted exactly is beyond every list. */
function wholeNumber(value: string | undefined, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[+-]?\d{1,400}$/.test(value.trim())) throw invalidValue(`${name} must be a whole number, and is ${quoted(value)}.`);
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)));
}

function text(body: Record<string, unknown>, lowerName: string): string | undefined {
  const value = memberOf(body, lowerName);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value === '' && lowerName !== 'cursor' ? undefined : value;
  throw lowerName === 'filter' ? invalidFilter('filter must be a string.') : invalidValue(`${lowerName} must be a string.`);
}

function integer(body: Record<string, unknown>, lowerName: string): number | undefined {
  const value = memberOf(body, lowerName);
  if (value === undefined || value === null) return undefined;
  if (!Number.isSafeInteger(value)) throw invalidValue(`${lowerName} must be a whole number, without quotes.`);
  return Number(value);
}
