import { type AttributeReference, type Filter, leafOf, ownValueOf } from '#scim';
import { parsePublicId } from '#identifier';
import type { SearchedTable } from './searched-tables';

/** Conditions on one table of one directory, and the values that they are bound to. */
export class SearchCompiler {
  readonly values: unknown[];
  readonly #table: SearchedTable;
  readonly #baseUrl: string;

  constructor(table: SearchedTable, directoryId: string, baseUrl: string) {
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

  #present(reference: AttributeReference, document: string): string {
    const { keys, extension, subAttribute, undeclaredUrn } = reference;
    if (this.#isRoot(document)) {
      const [first] = keys;
      if (first === 'id' || first === 'meta') return 'true';
      const membership = this.#membershipOf(first);
      if (membership) return `exists (select 1 from ${membership.from})`;
    }
    const own = subAttribute || extension === undefined ? ownValueOf(reference) : undefined;
    const ways = [
      this.#path(keys),
      ...(own ? [`${this.bind(`${jsonPath(own.keys)} ? (@.type() != "object")`)}::jsonpath`] : []),
      ...(undeclaredUrn === undefined ? [] : [this.#path([undeclaredUrn.toLowerCase()])]),
    ].map((path) => `jsonb_path_exists(${document}, ${path})`);
    return ways.length === 1 ? ways.join('') : `(${ways.join(' or ')})`;
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
    const own = ownValueOf(filter.attribute);
    const values = [own?.keys ?? keys, ...(own ? [[...own.keys, 'value']] : [])]
      .map((path) => `select jsonb_path_query(${document}, ${this.#path(path)})`)
      .join(' union all ');
    const compared = this.#compareJson('v.value', operator, value);
    // tolerances.boolean_as_text: of what nobody declared the value says that it is a boolean.
    const isTruth = leafOf(filter.attribute).type === 'any' && operator === 'eq' && (value === 'true' || value === 'false');
    const matched = isTruth ? `(${compared} or v.value = ${this.bind(value)}::jsonb)` : compared;
    return `exists (select 1 from (${values}) as v (value) where ${matched})`;
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
  sortKey(reference: AttributeReference): SortKey {
    const { keys, attribute, subAttribute } = reference;
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
    // Of an attribute that nobody declared only the resource knows whether it is complex, and so is sorted by its "value".
    const own = ownValueOf(reference);
    const path = own ? [...own.keys, 'value'] : keys;
    const chosen = `${jsonPath(path.slice(0, -1))} ? (@."primary" == true) ${jsonPath(path.slice(-1)).slice(1)}`;
    const places = [
      ...((attribute.multiValued || attribute.type === 'any') && path.length > 1 ? [`${this.bind(chosen)}::jsonpath`] : []),
      this.#path(path),
      ...(own ? [this.#path(own.keys)] : []),
    ].map((place) => `jsonb_path_query_first(${row}.folded, ${place})`);
    const primary = places.length === 1 ? places.join('') : `coalesce(${places.join(', ')})`;
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
export interface SortKey {
  sql: string;
  type: 'text' | 'numeric';
}
