import type { QueryResult, QueryResultRow } from 'pg';

/** What a statement can be run on: a pool (one statement, one transaction) or a client inside a transaction. */
export interface Queryable {
  query<Row extends QueryResultRow>(config: { name: string; text: string; values: unknown[] }): Promise<QueryResult<Row>>;
}

/** A statement that PostgreSQL parses and plans once for each connection, and the shape of its rows. */
export interface Prepared<Row extends QueryResultRow> {
  run(db: Queryable, values: unknown[]): Promise<Row[]>;
}

/** Names must be unique in a process: PostgreSQL refuses a second text under the same name. */
export function prepared<Row extends QueryResultRow>(name: string, text: string): Prepared<Row> {
  return { run: async (db, values) => (await db.query<Row>({ name, text, values })).rows };
}
