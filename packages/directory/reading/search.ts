/**
 * SCIM queries → SQL. The filters that IdPs match with (userName, externalId, id, e-mail, displayName, membership) become
 * conditions that indexes serve; every other one is evaluated by PostgreSQL on the folded resource, in this directory alone.
 * The meaning is that of `matches` in the scim package, and a property test holds the two together.
 */
import type { Pool, QueryResult, QueryResultRow } from 'pg';
import { bounds } from '#bounds';
import { type ListQuery, ScimError } from '#scim';
import { ask, isWithin, type OfPage, type Queryable, weighed } from '#postgres';
import { type GroupRow, groupOf, type StoredGroup } from '../resource/stored-group';
import { type ShownUser, shownUserOf, type UserRow } from '../resource/stored-user';
import type { DirectoryScope } from '../writing/transaction';
import { readCursor, writeCursor } from './list-cursor';
import type { ListTotals } from './list-totals';
import { SearchCompiler } from './search-compiler';
import { groupTable, type SearchedTable, userTable } from './searched-tables';

/** A page of what a query selects. `total` is of everything selected, not of the page. */
export interface Found<T> {
  total: number;
  resources: T[];
  /** There is more, and this is where it goes on; only where the query is paged by cursor. */
  nextCursor?: string;
}

/** What lists are read with. */
export interface ListSource {
  pool: Pool;
  /** Where it is asked if it goes by a key, and so is as quick as anything there. */
  lookups: Queryable;
  totals: ListTotals;
}

/** @throws ScimError `invalidCursor`, `expiredCursor` or `invalidCount` (RFC 9865 §2.1) */
export async function searchUsers(
  source: ListSource,
  directory: DirectoryScope,
  query: ListQuery,
  baseUrl: string,
): Promise<Found<ShownUser>> {
  const found = await search<Omit<UserRow, 'profile'>>(source, directory, query, userTable, baseUrl);
  return { ...found, resources: found.resources.map(shownUserOf) };
}

/** Groups without their members: see `readMembers`. @throws as searchUsers */
export async function searchGroups(
  source: ListSource,
  directory: DirectoryScope,
  query: ListQuery,
  baseUrl: string,
): Promise<Found<StoredGroup>> {
  const found = await search<GroupRow>(source, directory, query, groupTable, baseUrl);
  return { ...found, resources: found.resources.map(groupOf) };
}

async function search<Row extends { id: string }>(
  { pool, lookups, totals }: ListSource,
  directory: DirectoryScope,
  query: ListQuery,
  table: SearchedTable,
  baseUrl: string,
): Promise<Found<Row & { sort_key?: string | null }>> {
  const sql = new SearchCompiler(table, directory.id, baseUrl);
  const where = query.filter ? sql.condition(query.filter, `${table.row}.folded`) : 'true';
  const counted = sql.values.length;
  const sortKey = query.sort && sql.sortKey(query.sort.by);
  const order = sortKey?.sql;
  const direction = query.sort?.descending ? 'desc nulls first' : 'asc nulls last';
  const count = async (state?: string): Promise<number> => {
    if (state !== undefined && query.filter === undefined) return totals.of(table, directory, state) ?? count();
    const { rows } = await select<{ total: number; state: string }>(
      pool,
      `select count(*) as total, ${stateNow} from ${table.name} ${table.row} where ${table.row}.directory_id = $1 and ${where}`,
      sql.values.slice(0, counted),
      query.filter === undefined ? `search_count_${table.name}` : undefined,
    );
    const [row] = rows;
    if (row && query.filter === undefined) totals.set(table, directory, row);
    return row?.total ?? 0;
  };
  if (query.count === 0) return { total: await count(), resources: [] };

  const paged = query.cursor !== undefined;
  const place = query.cursor ? readCursor(query.cursor, directory.id, query, sortKey) : undefined;
  const after = place && { id: place.id, key: place.key === true ? await readSortKey(pool, directory, query, table, place.id) : place.key };
  const beyond = after ? `and ${sql.beyond(after, sortKey, query.sort?.descending ?? false)}` : '';
  // One more than the page tells whether there is another.
  const limit = sql.bind(query.count + 1);
  const offset = paged ? '' : `offset ${sql.bind(query.startIndex - 1)}`;
  const inOrder = `${order ? `${order} ${direction}, ` : ''}${table.row}.id`;
  // First which resources, then what they hold: of those before the page nothing but what they are chosen and ordered by is read.
  // "limit 1" keeps PostgreSQL from joining the page with everybody.
  const page = `
    select ${table.columns}, ${table.row}.sort_key, ${table.row}.matched, ${stateNow}
      from ${weighed(
        `
            select ${table.row}.*, p.sort_key, p.nth, ${table.size} as size
              from (select ${table.row}.id, ${order ? `(${order})::text` : 'null'} as sort_key, row_number() over (order by ${inOrder}) as nth
                      from ${table.name} ${table.row}
                     where ${table.row}.directory_id = $1
                       and ${where} ${beyond}
                     order by ${inOrder}
                     limit ${limit} ${offset}) p
             cross join lateral (select * from ${table.name} where directory_id = $1 and id = p.id limit 1) ${table.row}`,
        'l.nth',
      )} ${table.row} ${table.joined}
     where ${isWithin(table.row, bounds.pageBytes)}
     order by ${table.row}.place`;
  const key = keyOf(query, table);
  const { rows } = await select<Row & OfPage & { sort_key?: string | null; state: string }>(
    key === undefined ? pool : lookups,
    page,
    sql.values,
    key !== undefined ? `search_${table.name}_by_${key}` : isPlain(query) ? `search_${table.name}` : undefined,
  );
  // A page that would be too large ends before its count: RFC 7644 §3.4.2.4 has the count be the most.
  const isCut = (rows[0]?.matched ?? 0) > rows.length;
  const more = isCut || rows.length > query.count;
  const resources = rows.slice(0, query.count);
  const last = resources.at(-1);
  // A page that holds the end needs no counting: that is every match by userName or externalId.
  const known = !more && !after && (rows.length > 0 || query.startIndex === 1);
  const total = known ? query.startIndex - 1 + rows.length : await count(rows[0]?.state);
  return {
    total,
    resources,
    ...(paged && more && last ? { nextCursor: writeCursor(directory.id, query, last.id, last.sort_key ?? null) } : {}),
  };
}

/** How far the directory had come at the moment that a statement looks at it. */
const stateNow = `(select concat(h.sequence, ' ', h.epoch) from directory_heads h where h.directory_id = $1) as state`;

/** What IdPs ask all day: who has this userName, displayName or externalId? The key that it goes by. */
function keyOf({ filter, sort, cursor }: ListQuery, table: SearchedTable): string | undefined {
  if (sort !== undefined || cursor !== undefined || filter?.kind !== 'comparison') return undefined;
  const key = filter.attribute.keys.join('.');
  return filter.operator === 'eq' && typeof filter.value === 'string' && Object.hasOwn(table.keys, key) ? key : undefined;
}

/** A page of everybody. */
function isPlain({ filter, sort, cursor }: ListQuery): boolean {
  return filter === undefined && sort === undefined && cursor === undefined;
}

/**
 * What is asked all day has a name, under which it is planned once for each connection; nothing of its text may depend on what
 * was asked for. Of other queries there are as many as anybody makes up.
 *
 * @throws ScimError `tooMany` (RFC 7644 §3.12) where PostgreSQL ended the query because its time was up.
 */
async function select<Row extends QueryResultRow>(db: Queryable, text: string, values: unknown[], name = ''): Promise<QueryResult<Row>> {
  try {
    return await ask<Row>(db, { name, text, values });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === '57014')) throw error;
    throw new ScimError(
      400,
      'tooMany',
      'This query takes too long here. Ask for less: filter by userName, externalId, id, displayName or an e-mail address, or page by cursor.',
    );
  }
}

/** What one resource is sorted by: what was too long for a cursor. */
async function readSortKey(
  pool: Pool,
  directory: DirectoryScope,
  query: ListQuery,
  table: SearchedTable,
  id: string,
): Promise<string | null> {
  const sql = new SearchCompiler(table, directory.id, '');
  const order = query.sort ? sql.sortKey(query.sort.by).sql : 'null';
  const {
    rows: [row],
  } = await select<{ key: string | null }>(
    pool,
    `
    select (${order})::text as key
      from ${table.name} ${table.row}
     where ${table.row}.directory_id = $1
       and ${table.row}.id = ${sql.bind(id)}`,
    sql.values,
  );
  if (!row)
    throw new ScimError(400, 'expiredCursor', 'The resource that this cursor stood at is gone: start again without a cursor value.');
  return row.key;
}
