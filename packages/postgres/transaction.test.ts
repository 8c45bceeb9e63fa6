import type { Pool } from 'pg';
import { createTestDatabase } from '#testing';
import { inOneFlush } from './transaction';

let pool: Pool;
beforeAll(async () => {
  ({ pool } = await createTestDatabase());
  await pool.query('create table notes (text text not null)');
});

const write = (...texts: (string | null)[]): Promise<unknown> =>
  inOneFlush(pool, (client) => Promise.all(texts.map((text) => client.query('insert into notes values ($1)', [text]))));
const texts = async (): Promise<string[]> =>
  (await pool.query<{ text: string }>('select text from notes order by 1')).rows.map(({ text }) => text);

test('what is sent in one flush holds together, or not at all; and the connection is good for the next', async () => {
  await write('a', 'b');
  await expect(write('c', null, 'd')).rejects.toThrow('null value');
  expect(await texts()).toEqual(['a', 'b']);
  for (let i = 0; i < 30; i += 1) await expect(write(null)).rejects.toThrow('null value');
  await write('e');
  expect(await texts()).toEqual(['a', 'b', 'e']);
  expect(pool.totalCount).toBe(1);
});

test('a connection that breaks meanwhile is not used again', async () => {
  const dying = inOneFlush(pool, (client) => client.query('select pg_terminate_backend(pg_backend_pid())'));
  await expect(dying).rejects.toThrow();
  await write('f');
  expect(await texts()).toContain('f');
});
