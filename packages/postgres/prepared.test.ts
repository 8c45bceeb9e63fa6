import type { Pool } from 'pg';
import { createTestDatabase } from '#testing';
import { numbered, prepared } from './prepared';

let pool: Pool;
beforeAll(async () => {
  ({ pool } = await createTestDatabase());
});

test('a parameter has a name, and one number however often it comes', async () => {
  const statement = prepared<{ sum: number; word: string }, { one: number; other: number; word: string }>(
    'named_parameters',
    'select :one::int + :other::int + :one::int as sum, :word::text as word',
  );
  expect(statement.text).toBe('select $1::int + $2::int + $1::int as sum, $3::text as word');
  expect(await statement.run(pool, { word: 'x', other: 20, one: 1 })).toEqual([{ sum: 22, word: 'x' }]);
});

test('null is a value, and a value that is missing is told of before anything is asked', async () => {
  const statement = prepared<{ given: string | null }, { given?: string | null }>('missing_parameter', 'select :given::text as given');
  expect(await statement.run(pool, { given: null })).toEqual([{ given: null }]);
  await expect(statement.run(pool, {})).rejects.toThrow('the statement missing_parameter was given no value for :given');
});

test.each([
  ['casts', `select '1'::text::int, :one::uuid[]`, `select '1'::text::int, $1::uuid[]`],
  [
    'slices',
    'select (path)[1:depth], path[low:high], path[f(x):n], (a)[b[1]:c], :one',
    'select (path)[1:depth], path[low:high], path[f(x):n], (a)[b[1]:c], $1',
  ],
  ['text in quotes', `select 'at :noon', 'it''s :late', "a :name", :one`, `select 'at :noon', 'it''s :late', "a :name", $1`],
  ['text between dollars', 'select $$:one$$, $body$ :two $$ $body$, :one', 'select $$:one$$, $body$ :two $$ $body$, $1'],
  ['comments', `select 1 -- isn't :this one\n, /* nor :that */ :one`, `select 1 -- isn't :this one\n, /* nor :that */ $1`],
  ['what stands after an operator', 'select 1+:one, (:one), -:one, path[:one]', 'select 1+$1, ($1), -$1, path[$1]'],
])('of %s nothing is taken for a parameter that is none', (_, written, text) => {
  expect(numbered(written)).toEqual({ text, parameters: ['one'] });
});

test('a statement has numbers or names, and not both', () => {
  expect(numbered('select $1, $2')).toEqual({ text: 'select $1, $2', parameters: undefined });
  expect(() => numbered('select $1, :name')).toThrow('by number and by name');
});

test('a change answers how many rows it was of', async () => {
  await pool.query('create table notes (text text)');
  const write = prepared<never, { texts: string[] }>('write_notes', 'insert into notes select unnest(:texts::text[])');
  expect(await write.change(pool, { texts: ['a', 'b'] })).toBe(2);
});
