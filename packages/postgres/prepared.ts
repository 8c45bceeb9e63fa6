import { Pool, type QueryResult, type QueryResultRow } from 'pg';
import { CommitUnanswered, isOutage, isSessionEnd, isUnanswered } from './outage';
import { triedAgain } from './tried-again';

/** What a statement can be run on: a pool (one statement, one transaction) or a client inside a transaction. */
export interface Queryable {
  query<Row extends QueryResultRow>(config: Question): Promise<QueryResult<Row>>;
}

/** A statement with its values, as pg takes it. Without a name it is parsed each time. */
export interface Question {
  name?: string;
  text: string;
  values?: unknown[];
}

/** A statement that PostgreSQL parses and plans once for each connection, the shape of its rows and what it is given. */
export interface Prepared<Row extends QueryResultRow, Values extends object = unknown[]> {
  name: string;
  text: string;
  run(db: Queryable, values: Values): Promise<Row[]>;
  /** Of a statement that answers no rows: how many it has changed. */
  change(db: Queryable, values: Values): Promise<number>;
}

/**
 * Values are given in order ($1, $2), or, where there are more than can be matched at a glance, by name: `:requestId` in the text is
 * `requestId` in the record.
 *
 * Names of statements must be unique in a process: PostgreSQL refuses a second text under the same name.
 */
export function prepared<Row extends QueryResultRow, Values extends object = unknown[]>(
  name: string,
  written: string,
): Prepared<Row, Values> {
  const { text, parameters } = numbered(written);
  const inOrder = (values: object): unknown[] => (parameters ? pick(name, parameters, values) : (values as unknown[]));
  return {
    name,
    text,
    run: async (db, values) => (await ask<Row>(db, { name, text, values: inOrder(values) })).rows,
    change: async (db, values) => (await ask(db, { name, text, values: inOrder(values) })).rowCount ?? 0,
  };
}

/** On a pool a statement is a transaction of its own, and tried again as one. */
export function ask<Row extends QueryResultRow>(db: Queryable, question: Question): Promise<QueryResult<Row>> {
  return db instanceof Pool ? triedAgain(() => askAlone<Row>(db, question)) : db.query<Row>(question);
}

async function askAlone<Row extends QueryResultRow>(pool: Pool, question: Question): Promise<QueryResult<Row>> {
  const client = await pool.connect();
  let failure: unknown;
  try {
    return await client.query<Row>(question);
  } catch (error) {
    failure = error;
    const mayBeMade = isUnanswered(error) || isSessionEnd(error);
    throw mayBeMade && changes.test(question.text) ? new CommitUnanswered(error) : error;
  } finally {
    client.release(isOutage(failure));
  }
}

const changes = /\b(insert into|update \w+\s+(\w+\s+)?set|delete from|merge into)\b/i;

function pick(statement: string, parameters: readonly string[], record: object): unknown[] {
  const values = record as Record<string, unknown>;
  return parameters.map((parameter) => {
    const value = values[parameter];
    // pg would send null for it, and select, or change, something else.
    if (value === undefined) throw new TypeError(`the statement ${statement} was given no value for :${parameter}`);
    return value;
  });
}

// What is quoted or a comment is left alone; so are casts (::text) and slices (path[1:depth], where the colon follows something).
const parts = /'(?:[^']|'')*'|"[^"]*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\w*)\$[\s\S]*?\$\1\$|::|(?<![\w)\]]):([a-z]\w*)|\$\d+/gi;

/**
 * Gives named parameters the numbers that PostgreSQL knows them by, in the order in which they first come. `parameters` is undefined
 * where there are none: then the text is as PostgreSQL has it already.
 */
export function numbered(written: string): { text: string; parameters: readonly string[] | undefined } {
  const parameters: string[] = [];
  let hasNumbers = false;
  const text = written.replace(parts, (part: string, _tag, parameter?: string) => {
    if (/^\$\d/.test(part)) hasNumbers = true;
    if (parameter === undefined) return part;
    if (!parameters.includes(parameter)) parameters.push(parameter);
    return `$${parameters.indexOf(parameter) + 1}`;
  });
  if (hasNumbers && parameters.length > 0) throw new Error(`parameters by number and by name in one statement: ${written}`);
  return { text, parameters: parameters.length > 0 ? parameters : undefined };
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
