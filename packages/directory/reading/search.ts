/**
 * SCIM queries → SQL. The filters that IdPs match with (userName, externalId, id, e-mail, displayName, membership) become
 * conditions that indexes serve; every other one is evaluated by PostgreSQL on the folded resource, in this directory alone.
 * The meaning is that of `matches` in the scim package, and a property test holds the two together.
 */
import { createHash } from 'node:crypto';
import type { Pool, QueryResult, QueryResultRow } from 'pg';
import { type AttributeReference, type Filter, type ListQuery, type ResourceType, ScimError } from '#scim';
import { parsePublicId } from '#identifier';
import { firstId, prepared, type Queryable } from '#postgres';
import { type GroupRow, groupColumns, groupOf, type StoredGroup } from '../resource/stored-group';
import { type ShownUser, shownUserColumns, shownUserOf, userGroups, type UserRow } from '../resource/stored-user';
import type { DirectoryScope } from '../writing/transaction';

/** A page of what a query selects. `total` is of everything selected, not of the page. */
export interface Found<T> {
  total: number;
  resources: T[];
  /** There is more, and this is where it goes on; only where the query is paged by cursor. */
  nextCursor?: string;
}

/**
 * `lookups`: where it is asked if it goes by a key, and so is as quick as anything there.
 *
 * @throws ScimError `invalidCursor`, `expiredCursor` or `invalidCount` (RFC 9865 §2.1)
 */
export async function searchUsers(
  pool: Pool,
  directory: DirectoryScope,
  query: ListQuery,
  baseUrl: string,
  lookups: Queryable = pool,
): Promise<Found<ShownUser>> {
  const found = await search<Omit<UserRow, 'profile'>>(pool, lookups, directory, query, userTable, baseUrl);
  return { ...found, resources: found.resources.map(shownUserOf) };
}

/** Groups without their members: see `readMembers`. @throws as searchUsers */
export async function searchGroups(
  pool: Pool,
  directory: DirectoryScope,
  query: ListQuery,
  baseUrl: string,
  lookups: Queryable = pool,
): Promise<Found<StoredGroup>> {
  const found = await search<GroupRow>(pool, lookups, directory, query, groupTable, baseUrl);
  return { ...found, resources: found.resources.map(groupOf) };
}

interface Table {
  type: ResourceType;
  /** The alias that conditions use. */
  row: 'u' | 'gr';
  name: 'users' | 'groups';
  columns: string;
  /** What the columns need besides the row. */
  joined: string;
  /** Indexed columns, by the attribute's place in the folded resource. */
  keys: Record<string, string>;
  lastModified: string;
  version: string;
}

const userTable: Table = {
  type: 'User',
  row: 'u',
  name: 'users',
  columns: shownUserColumns,
  joined: userGroups,
  keys: { username: 'u.user_name_key', externalid: 'u.external_id' },
  lastModified: `greatest(u.updated_at, (select max(m.changed_at) from memberships m where m.directory_id = u.directory_id and m.member_id = u.id))`,
  version: `greatest(u.version, (select max(m.version) from memberships m where m.directory_id = u.directory_id and m.member_id = u.id))`,
};

const groupTable: Table = {
  type: 'Group',
  row: 'gr',
  name: 'groups',
  columns: groupColumns,
  joined: '',
  keys: { displayname: 'gr.display_name_key', externalid: 'gr.external_id' },
  lastModified: 'gr.updated_at',
  version: 'gr.version',
};

async function search<Row extends { id: string }>(
  pool: Pool,
  lookups: Queryable,
  directory: DirectoryScope,
  query: ListQuery,
  table: Table,
  baseUrl: string,
): Promise<Found<Row & { sort_key?: string | null }>> {
  const sql = new Compiler(table, directory.id, baseUrl);
  const where = query.filter ? sql.condition(query.filter, `${table.row}.folded`) : 'true';
  const counted = sql.values.length;
  const sortKey = query.sort && sql.sortKey(query.sort.by);
  const order = sortKey?.sql;
  const direction = query.sort?.descending ? 'desc nulls first' : 'asc nulls last';
  const count = async (sequence?: number): Promise<number> => {
    if (sequence !== undefined && query.filter === undefined) return totals.of(table, directory, sequence) ?? count();
    const { rows } = await select<{ total: number; sequence: number }>(
      pool,
      `select count(*) as total, ${sequenceNow} from ${table.name} ${table.row} where ${table.row}.directory_id = $1 and ${where}`,
      sql.values.slice(0, counted),
      { everyday: query.filter === undefined },
    );
    const [row] = rows;
    if (row && query.filter === undefined) totals.set(table, directory, row);
    return row?.total ?? 0;
  };
  if (query.count === 0) return { total: await count(), resources: [] };

  const paged = query.cursor !== undefined;
  const place = query.cursor ? readCursor(query.cursor, query, sortKey) : undefined;
  const after = place && { id: place.id, key: place.key === true ? await readSortKey(pool, directory, query, table, place.id) : place.key };
  const beyond = after ? `and ${sql.beyond(after, sortKey, query.sort?.descending ?? false)}` : '';
  // One more than the page tells whether there is another.
  const limit = sql.bind(query.count + 1);
  const offset = paged ? '' : `offset ${sql.bind(query.startIndex - 1)}`;
  const inOrder = `${order ? `${order} ${direction}, ` : ''}${table.row}.id`;
  // First which resources, then what they hold: of those before the page nothing but what they are chosen and ordered by is read.
  // "limit 1" keeps PostgreSQL from joining the page with everybody.
  const page = `
    select ${table.columns}, p.sort_key, ${sequenceNow}
      from (select ${table.row}.id, ${order ? `(${order})::text` : 'null'} as sort_key, row_number() over (order by ${inOrder}) as place
              from ${table.name} ${table.row}
             where ${table.row}.directory_id = $1
               and ${where} ${beyond}
             order by ${inOrder}
             limit ${limit} ${offset}) p
     cross join lateral (select * from ${table.name} where directory_id = $1 and id = p.id limit 1) ${table.row} ${table.joined}
     order by p.place`;
  const byKey = isByKey(query, table);
  const { rows } = await select<Row & { sort_key?: string | null; sequence: number }>(byKey ? lookups : pool, page, sql.values, {
    everyday: byKey || isPlain(query),
  });
  const more = rows.length > query.count;
  const resources = more ? rows.slice(0, query.count) : rows;
  const last = resources.at(-1);
  // A page that holds the end needs no counting: that is every match by userName or externalId.
  const known = !more && !after && (rows.length > 0 || query.startIndex === 1);
  const total = known ? query.startIndex - 1 + rows.length : await count(rows[0]?.sequence);
  return { total, resources, ...(paged && more && last ? { nextCursor: writeCursor(query, last.id, last.sort_key ?? null) } : {}) };
}

/** How far the directory had come at the moment that a statement looks at it. */
const sequenceNow = '(select h.sequence from directory_heads h where h.directory_id = $1) as sequence';

/**
 * How many there are in a directory altogether, as counted when its sequence was this: whoever comes or goes moves it, in the same
 * transaction, so a total goes for as long as the sequence is the same, and no longer. An IdP that reads a directory of a million
 * page by page has it counted once.
 */
class Totals {
  readonly #counted = new Map<string, { sequence: number; total: number }>();

  of(table: Table, directory: DirectoryScope, sequence: number): number | undefined {
    const counted = this.#counted.get(`${table.name} ${directory.id}`);
    return counted?.sequence === sequence ? counted.total : undefined;
  }

  set(table: Table, directory: DirectoryScope, { sequence, total }: { sequence: number; total: number }): void {
    if (this.#counted.size >= totalsAtMost) this.#counted.clear();
    this.#counted.set(`${table.name} ${directory.id}`, { sequence, total });
  }
}

const totalsAtMost = 10_000;
const totals = new Totals();

/** What IdPs ask all day: who has this userName, displayName or externalId? */
function isByKey({ filter, sort, cursor }: ListQuery, table: Table): boolean {
  return (
    sort === undefined &&
    cursor === undefined &&
    filter?.kind === 'comparison' &&
    filter.operator === 'eq' &&
    typeof filter.value === 'string' &&
    filter.attribute.keys.join('.') in table.keys
  );
}

/** A page of everybody. */
function isPlain({ filter, sort, cursor }: ListQuery): boolean {
  return filter === undefined && sort === undefined && cursor === undefined;
}

const names = new Map<string, string>();

/**
 * What is asked all day is planned once for each connection. Of other queries there are as many as anybody makes up.
 *
 * @throws ScimError `tooMany` (RFC 7644 §3.12) where PostgreSQL ended the query because its time was up.
 */
async function select<Row extends QueryResultRow>(
  db: Queryable,
  text: string,
  values: unknown[],
  { everyday = false } = {},
): Promise<QueryResult<Row>> {
  const name = everyday ? (names.get(text) ?? `search_${names.size}`) : '';
  if (everyday) names.set(text, name);
  try {
    return await db.query<Row>({ name, text, values });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === '57014')) throw error;
    throw new ScimError(
      400,
      'tooMany',
      'This query takes too long here. Ask for less: filter by userName, externalId, id, displayName or an e-mail address, or page by cursor.',
    );
  }
}

/** Conditions on one table of one directory, and the values that they are bound to. */
class Compiler {
  readonly values: unknown[];
  readonly #table: Table;
  readonly #baseUrl: string;

  constructor(table: Table, directoryId: string, baseUrl: string) {
    this.#table = table;
    this.#baseUrl = baseUrl;
    this.values = [directoryId];
  }

  bind(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  /** `document` is the SQL of the jsonb value that references start at: the folded resource, or one element of it. */
  condition(filter: Filter, document: string): string {
    switch (filter.kind) {
      case 'and':
        return `(${filter.filters.map((f) => this.condition(f, document)).join(' and ')})`;
      case 'or':
        return `(${filter.filters.map((f) => this.condition(f, document)).join(' or ')})`;
      case 'not':
        return `((${this.condition(filter.filter, document)}) is not true)`; // a comparison with nothing is null in SQL, false in SCIM
      case 'nothing':
        return 'false';
      case 'present':
        return this.#present(filter.attribute, document);
      case 'comparison':
        return this.#comparison(filter, document);
      case 'value_path':
        return this.#valuePath(filter.attribute, filter.filter, document);
    }
  }

  #present({ keys }: AttributeReference, document: string): string {
    if (this.#isRoot(document)) {
      const [first] = keys;
      if (first === 'id' || first === 'meta') return 'true';
      const membership = this.#membershipOf(first);
      if (membership) return `exists (select 1 from ${membership.from})`;
    }
    return `jsonb_path_exists(${document}, ${this.#path(keys)})`;
  }

  #comparison(filter: Extract<Filter, { kind: 'comparison' }>, document: string): string {
    const { operator, value } = filter;
    const { keys } = filter.attribute;
    if (this.#isRoot(document)) {
      const computed = this.#computed(keys, filter);
      if (computed) return computed;
      const column = operator === 'eq' && typeof value === 'string' ? this.#table.keys[keys.join('.')] : undefined;
      if (column) return `${column} = ${this.bind(value)}`;
      if (this.#table.type === 'User' && operator === 'eq' && typeof value === 'string' && keys.join('.') === 'emails.value') {
        return `u.email_keys @> array[${this.bind(value)}::text]`;
      }
    }
    const { extension, attribute, subAttribute } = filter.attribute;
    // What can only be one value needs no path; and a path over everybody is most of the work of counting them.
    if (
      this.#isRoot(document) &&
      extension === undefined &&
      !attribute.multiValued &&
      attribute.type !== 'any' &&
      !subAttribute?.multiValued
    ) {
      return this.#compareJson(`(${document} #> ${this.bind(keys)}::text[])`, operator, value);
    }
    const element = `jsonb_path_query(${document}, ${this.#path(keys)}) as v (value)`;
    return `exists (select 1 from ${element} where ${this.#compareJson('v.value', operator, value)})`;
  }

  #valuePath(attribute: AttributeReference, filter: Filter, document: string): string {
    const { keys } = attribute;
    const membership = this.#isRoot(document) ? this.#membershipOf(keys[0]) : undefined;
    if (membership) return `exists (select 1 from ${membership.from} where ${this.condition(filter, 'e.value')})`;
    const exact = `exists (select 1 from jsonb_path_query(${document}, ${this.#path(keys)}) as e (value) where ${this.condition(filter, 'e.value')})`;
    // `emails[type eq "work" and value eq "x"]`, as Entra and Okta match: the index finds who has the address at all.
    const address =
      this.#isRoot(document) && this.#table.type === 'User' && keys.join('.') === 'emails' ? requiredValue(filter) : undefined;
    return address === undefined ? exact : `(u.email_keys @> array[${this.bind(address)}::text] and ${exact})`;
  }

  /** Attributes that the server makes: they are columns, not in the folded resource. */
  #computed(keys: readonly string[], { operator, value }: { operator: string; value: string | number | boolean }): string | undefined {
    const { row, type } = this.#table;
    const prefix = type === 'User' ? 'usr' : 'grp';
    const id = `('${prefix}_' || replace(${row}.id::text, '-', ''))`;
    switch (keys[0]) {
      case 'id':
        if (operator === 'eq') {
          const own = parsePublicId(prefix, String(value));
          return own ? `${row}.id = ${this.bind(own)}` : 'false';
        }
        return this.#compareText(id, operator, value);
      case 'meta':
        switch (keys[1]) {
          case 'created':
            return this.#compareTime(`${row}.created_at`, operator, value);
          case 'lastmodified':
            return this.#compareTime(this.#table.lastModified, operator, value);
          case 'resourcetype':
            return this.#compareText(`'${type}'::text`, operator, value);
          case 'location':
            return this.#compareText(`(${this.bind(`${this.#baseUrl}/${type}s/`)}::text || ${id})`, operator, value);
          case 'version':
            return this.#compareText(`('W/"' || ${this.#table.version} || '"')`, operator, value);
          default:
            return 'false';
        }
      default: {
        const [key, part = 'value'] = keys;
        const byId = part === 'value' && operator === 'eq';
        const own = parsePublicId('grp', String(value)) ?? (key === 'members' ? parsePublicId('usr', String(value)) : undefined);
        if (byId && own === undefined && (key === 'groups' || key === 'members')) return 'false';
        const membership = this.#membershipOf(key);
        if (!membership) return undefined;
        if (byId) return `exists (select 1 from ${membership.from} where ${membership.id} = ${this.bind(own)})`;
        return `exists (select 1 from ${membership.from} where ${this.#compareJson(`(e.value -> '${part.replaceAll("'", "''")}')`, operator, value)})`;
      }
    }
  }

  /** A user's groups or a group's members, each with an element `e.value` as a filter sees it. */
  #membershipOf(key: string | undefined): { from: string; id: string } | undefined {
    if (this.#table.type === 'User' && key === 'groups') {
      return {
        id: 'm.group_id',
        from: `(select m.group_id
                  from memberships m
                 where m.directory_id = $1
                   and m.member_id = u.id
                   and m.present) m
               join groups mg on mg.directory_id = $1 and mg.id = m.group_id
               cross join lateral (select jsonb_build_object('value', 'grp_' || replace(m.group_id::text, '-', ''), 'display', mg.display_name_key,
                                                             'type', 'direct', '$ref', ${this.bind(`${this.#baseUrl}/Groups/grp_`)}::text || replace(m.group_id::text, '-', '')) as value) e`,
      };
    }
    if (this.#table.type === 'Group' && key === 'members') {
      return {
        id: 'm.member_id',
        from: `(select m.member_id, m.member_type
                  from memberships m
                 where m.directory_id = $1
                   and m.group_id = gr.id
                   and m.present) m
               left join users mu on mu.directory_id = $1 and mu.id = m.member_id
               left join groups mg on mg.directory_id = $1 and mg.id = m.member_id
               cross join lateral (select jsonb_build_object('value', case m.member_type when 'User' then 'usr_' else 'grp_' end || replace(m.member_id::text, '-', ''),
                                                             'type', lower(m.member_type), 'display', coalesce(mu.folded ->> 'displayname', mu.user_name_key, mg.display_name_key),
                                                             '$ref', ${this.bind(this.#baseUrl)}::text || case m.member_type when 'User' then '/Users/usr_' else '/Groups/grp_' end || replace(m.member_id::text, '-', '')) as value) e`,
      };
    }
    return undefined;
  }

  /** The value that a resource is sorted by: of several the primary one, else the first (RFC 7644 §3.4.2.3). */
  sortKey({ keys, attribute, subAttribute }: AttributeReference): SortKey {
    const { row } = this.#table;
    switch (keys.join('.')) {
      case 'id':
      case 'meta.resourcetype':
      case 'meta.location':
        return { sql: `${row}.id::text collate "C"`, type: 'text' };
      case 'meta.created':
        return { sql: `extract(epoch from ${row}.created_at)`, type: 'numeric' };
      case 'meta.lastmodified':
        return { sql: `extract(epoch from ${this.#table.lastModified})`, type: 'numeric' };
    }
    const leaf = subAttribute ?? attribute;
    const first = `jsonb_path_query_first(${row}.folded, ${this.#path(keys)})`;
    const primary =
      attribute.multiValued && keys.length > 1
        ? `coalesce(jsonb_path_query_first(${row}.folded, ${this.bind(`${jsonPath(keys.slice(0, -1))} ? (@."primary" == true) ${jsonPath(keys.slice(-1)).slice(1)}`)}::jsonpath), ${first})`
        : first;
    if (leaf.type === 'integer' || leaf.type === 'decimal') {
      return { sql: `(case when jsonb_typeof(${primary}) = 'number' then (${primary})::numeric end)`, type: 'numeric' };
    }
    return { sql: `((${primary}) #>> '{}') collate "C"`, type: 'text' };
  }

  /** The rows after the one that a cursor stands at, in the order of the query. */
  beyond(after: { id: string; key: string | null }, order: SortKey | undefined, descending: boolean): string {
    const { row } = this.#table;
    const later = `${row}.id > ${this.bind(after.id)}`;
    if (!order) return later;
    const { sql, type } = order;
    if (after.key === null)
      return descending ? `((${sql}) is null and ${later} or (${sql}) is not null)` : `((${sql}) is null and ${later})`;
    const key = `${this.bind(after.key)}::${type}`;
    return descending
      ? `((${sql}) < ${key} or (${sql}) = ${key} and ${later})`
      : `((${sql}) > ${key} or (${sql}) = ${key} and ${later} or (${sql}) is null)`;
  }

  #compareJson(json: string, operator: string, value: string | number | boolean): string {
    if (typeof value === 'boolean') return `${json} = ${this.bind(String(value))}::jsonb`;
    if (typeof value === 'number') {
      return `case when jsonb_typeof(${json}) = 'number' then (${json})::numeric ${sqlOperators[operator] ?? '='} ${this.bind(value)}::numeric else false end`;
    }
    return `(jsonb_typeof(${json}) = 'string' and ${this.#compareText(`(${json} #>> '{}')`, operator, value)})`;
  }

  #compareText(text: string, operator: string, value: string | number | boolean): string {
    const bound = `${this.bind(String(value))}::text`;
    switch (operator) {
      case 'co':
        return `strpos(${text}, ${bound}) > 0`;
      case 'sw':
        return `starts_with(${text}, ${bound})`;
      case 'ew':
        return `right(${text}, length(${bound})) = ${bound}`;
      default:
        return `${text} collate "C" ${sqlOperators[operator] ?? '='} ${bound}`;
    }
  }

  #compareTime(column: string, operator: string, value: string | number | boolean): string {
    if (operator === 'co' || operator === 'sw' || operator === 'ew') {
      return this.#compareText(`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`, operator, value);
    }
    // As milliseconds: SCIM's dates may be of the year 0, and PostgreSQL has none.
    return `extract(epoch from date_trunc('milliseconds', ${column})) * 1000 ${sqlOperators[operator] ?? '='} ${this.bind(Date.parse(String(value)))}::numeric`;
  }

  #path(keys: readonly string[]): string {
    return `${this.bind(jsonPath(keys))}::jsonpath`;
  }

  #isRoot(document: string): boolean {
    return document === `${this.#table.row}.folded`;
  }
}

const sqlOperators: Record<string, string> = { eq: '=', gt: '>', ge: '>=', lt: '<', le: '<=' };

// Lax mode, PostgreSQL's default: a step into an array steps into each of its elements.
function jsonPath(keys: readonly string[]): string {
  return `$${keys.map((key) => `.${JSON.stringify(key)}`).join('')}[*]`;
}

/** The text that `value` must equal for a filter on an element to hold, where it says so. */
function requiredValue(filter: Filter): string | undefined {
  if (
    filter.kind === 'comparison' &&
    filter.operator === 'eq' &&
    filter.attribute.keys.join('.') === 'value' &&
    typeof filter.value === 'string'
  ) {
    return filter.value;
  }
  if (filter.kind !== 'and') return undefined;
  return filter.filters.map(requiredValue).find((value) => value !== undefined);
}

/** What a query is ordered by, and how its value is written as text and read again. */
interface SortKey {
  sql: string;
  type: 'text' | 'numeric';
}

interface CursorPlace {
  id: string;
  /** What the resource is sorted by; null: nothing; true: too long for a cursor, to be read again. */
  key: string | null | true;
}

/** Seconds for which a cursor of a list can be used, as ServiceProviderConfig says. */
export const listCursorSeconds = 24 * 3600;

// A cursor is a part of a URL, and the scim package takes none of more than 1,024 characters.
const keyBytesAtMost = 400;

// What a cursor says: which query it belongs to, and the last resource seen. It opens nothing: it is of use only with a
// credential of the directory, and only there. RFC 9865 §2.1 wants unreserved characters, which base64url is.
function writeCursor(query: ListQuery, id: string, key: string | null): string {
  const place = key !== null && Buffer.byteLength(JSON.stringify(key)) > keyBytesAtMost ? true : key;
  return Buffer.from(JSON.stringify([2, digestOf(query), query.count, Math.floor(Date.now() / 1000), id, place])).toString('base64url');
}

function digestOf(query: ListQuery): string {
  return createHash('sha256').update(query.fingerprint).digest('base64url').slice(0, 22);
}

function readCursor(text: string, query: ListQuery, order: SortKey | undefined): CursorPlace {
  const invalid = new ScimError(
    400,
    'invalidCursor',
    'This cursor is not one that this query was given. Repeat the query without a cursor value to start again.',
  );
  let fields: unknown;
  try {
    fields = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw invalid;
  }
  if (!Array.isArray(fields) || fields.length !== 6) throw invalid;
  const [version, digest, count, issuedAt, id, key]: unknown[] = fields;
  if (version !== 2 || typeof issuedAt !== 'number' || typeof id !== 'string' || !uuid.test(id) || !isKey(key, order)) throw invalid;
  if (digest !== digestOf(query)) throw invalid;
  if (count !== query.count) {
    throw new ScimError(
      400,
      'invalidCount',
      `This cursor was given for pages of ${String(count)}: use the same count, or start again without a cursor value.`,
    );
  }
  if (issuedAt + listCursorSeconds < Date.now() / 1000) {
    throw new ScimError(400, 'expiredCursor', 'This cursor is more than 24 hours old: start again without a cursor value.');
  }
  return { id, key };
}

function isKey(key: unknown, order: SortKey | undefined): key is CursorPlace['key'] {
  if (key === null) return true;
  if (!order) return false;
  if (key === true) return order.type === 'text';
  if (typeof key !== 'string') return false;
  return order.type === 'numeric' ? /^-?\d{1,400}(\.\d{1,400})?$/.test(key) : !/[\0\p{Cs}]/u.test(key);
}

/** What one resource is sorted by: what was too long for a cursor. */
async function readSortKey(pool: Pool, directory: DirectoryScope, query: ListQuery, table: Table, id: string): Promise<string | null> {
  const sql = new Compiler(table, directory.id, '');
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

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export interface GroupMember {
  id: string;
  type: ResourceType;
  display: string | null;
}

/** Some members of a group. */
export interface MembersPart {
  groupId: string;
  members: GroupMember[];
}

type MemberRow = GroupMember & { group_id: string };

// Names by subqueries, one member at a time: joined, of a directory that PostgreSQL knows nothing of yet, every member could be
// compared with every user.
const memberColumns = `
         m.group_id, m.member_id as id, m.member_type as type,
         case m.member_type
           when 'User' then (select u.display_name from users u where u.directory_id = m.directory_id and u.id = m.member_id)
           else (select g.display_name from groups g where g.directory_id = m.directory_id and g.id = m.member_id)
         end as display`;

const membersOfGroup = prepared<MemberRow>(
  'members_of_group',
  `
  select ${memberColumns}
    from memberships m
   where m.directory_id = $1
     and m.group_id = $2
     and m.present
     and m.member_id > $3
   order by m.member_id
   limit $4`,
);

const membersOfGroups = prepared<MemberRow>(
  'members_of_groups',
  `
  select ${memberColumns}
    from memberships m
   where m.directory_id = $1
     and m.group_id = any ($2::uuid[])
     and m.present
   order by m.group_id, m.member_id`,
);

const membersReadAtOnce = 5_000;

/**
 * The members of groups, each group's in the order in which they were made, some thousand at a time: a group may come in several
 * parts, and one that has none does not come. Many small groups are read together.
 */
export async function* readMembers(
  pool: Pool,
  directory: DirectoryScope,
  groups: readonly Pick<StoredGroup, 'id' | 'memberCount'>[],
): AsyncGenerator<MembersPart, void> {
  let together: string[] = [];
  let expected = 0;
  for (const { id, memberCount } of groups) {
    if (expected + memberCount > membersReadAtOnce) {
      yield* membersTogether(pool, directory, together);
      together = [];
      expected = 0;
    }
    if (memberCount > membersReadAtOnce) {
      yield* membersInParts(pool, directory, id);
    } else if (memberCount > 0) {
      together.push(id);
      expected += memberCount;
    }
  }
  yield* membersTogether(pool, directory, together);
}

async function* membersTogether(pool: Pool, directory: DirectoryScope, groupIds: string[]): AsyncGenerator<MembersPart, void> {
  if (groupIds.length === 0) return;
  const byGroup = new Map<string, GroupMember[]>(groupIds.map((id) => [id, []]));
  for (const { group_id: groupId, ...member } of await membersOfGroups.run(pool, [directory.id, groupIds]))
    byGroup.get(groupId)?.push(member);
  for (const [groupId, members] of byGroup) if (members.length > 0) yield { groupId, members };
}

async function* membersInParts(pool: Pool, directory: DirectoryScope, groupId: string): AsyncGenerator<MembersPart, void> {
  for (let last = firstId; ;) {
    const rows = await membersOfGroup.run(pool, [directory.id, groupId, last, membersReadAtOnce]);
    const end = rows.at(-1);
    if (!end) return;
    yield { groupId, members: rows.map(({ id, type, display }) => ({ id, type, display })) };
    if (rows.length < membersReadAtOnce) return;
    last = end.id;
  }
}
