import type { Pool } from 'pg';
import { createPool } from '#runtime';
import { aPostgresProxy, createTestDatabase, type PostgresProxy, type TestDatabase } from '#testing';
import { CommitUnanswered, isOutage } from './outage';
import { prepared } from './prepared';
import { inOneFlush, inTransaction, inTransactionOn } from './transaction';

let db: TestDatabase;
let proxy: PostgresProxy;
let pool: Pool;

beforeAll(async () => {
  db = await createTestDatabase();
  await db.pool.query('create table notes (text text primary key)');
  proxy = await aPostgresProxy({ host: new URL(db.url).searchParams.get('host') ?? '', port: 5432 });
  pool = createPool(proxy.through(db.url), { max: 2, applicationName: 'test', onError: () => {} });
});
afterAll(async () => {
  await pool.end();
  await proxy.stop();
});

const insert = prepared<{ text: string }>('insert_note', 'insert into notes values ($1) returning text');
const terminate = prepared('terminate_itself', 'select pg_terminate_backend(pg_backend_pid())');
const failure = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const isThere = async (text: string): Promise<boolean> =>
  (await db.pool.query('select 1 from notes where text = $1', [text])).rows.length === 1;

test.each<[string, 'commits' | 'writes', (text: string) => Promise<unknown>]>([
  ['a transaction', 'commits', (text) => inTransaction(pool, (client) => insert.run(client, [text]))],
  ['a transaction in one flush', 'commits', (text) => inOneFlush(pool, (client) => insert.run(client, [text]))],
  [
    'a transaction on a client of its own',
    'commits',
    async (text) => {
      const client = await pool.connect();
      await inTransactionOn(client, (on) => insert.run(on, [text])).finally(() => client.release(true));
    },
  ],
  ['a statement that is one by itself', 'writes', (text) => insert.run(pool, [text])],
])('%s that was committed, and whose answer is lost, is not known to be made', async (name, what, write) => {
  proxy.lose(what, 1);
  const error = await failure(write(name));
  expect([error instanceof CommitUnanswered, isOutage(error)]).toEqual([true, true]);
  expect(await isThere(name)).toBe(true);
  await write(`${name}, again`);
  expect(await isThere(`${name}, again`)).toBe(true);
});

test('a connection that breaks before the commit is sent leaves no doubt', async () => {
  const error = await failure(
    inTransaction(pool, async (client) => {
      await insert.run(client, ['before']);
      await terminate.run(client, []);
    }),
  );
  expect([error instanceof CommitUnanswered, isOutage(error)]).toEqual([false, true]);
  expect(await isThere('before')).toBe(false);
});

test('nor does a statement that the server has refused, though the commit was sent behind it', async () => {
  const ended = await failure(inOneFlush(pool, (client) => Promise.all([insert.run(client, ['ended']), terminate.run(client, [])])));
  expect([ended instanceof CommitUnanswered, isOutage(ended)]).toEqual([false, true]);
  expect(await isThere('ended')).toBe(false);

  await insert.run(pool, ['taken']);
  expect(await failure(inOneFlush(pool, (client) => insert.run(client, ['taken'])))).toMatchObject({ code: '23505' });
});

test('nor does a read', async () => {
  const error = await failure(terminate.run(pool, []));
  expect([error instanceof CommitUnanswered, isOutage(error)]).toEqual([false, true]);
});
