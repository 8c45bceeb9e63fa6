import type { QueryResult, QueryResultRow } from 'pg';

/** What a statement can be run on: a pool (one statement, one transaction) or a client inside a transaction. */
export interface Queryable {
  query<Row extends QueryResultRow>(config: { name: string; text: string; values: unknown[] }): Promise<QueryResult<Row>>;
}

/** A statement that PostgreSQL parses and plans once for each connection, and the shape of its rows. */
export interface Prepared<Row extends QueryResultRow> {
  name: string;
  text: string;
  run(db: Queryable, values: unknown[]): Promise<Row[]>;
}

/** Names must be unique in a process: PostgreSQL refuses a second text under the same name. */
export function prepared<Row extends QueryResultRow>(name: string, text: string): Prepared<Row> {
  return {
    name,
    text,
    run: async (db, values) => (await db.query<Row>({ name, text, values })).rows,
  };
}

/** Whether a statement was refused by the constraint or unique index of that name. */
export function violates(error: unknown, constraint: string): boolean {
  return error instanceof Error && 'constraint' in error && error.constraint === constraint;
}

/**
 * The bounds of all ids: what a page begins after where no id is given. A bound that is always there keeps the condition
 * one that an index serves, whatever plan PostgreSQL has settled on.
 */
export const firstId = '00000000-0000-0000-0000-000000000000';
export const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
