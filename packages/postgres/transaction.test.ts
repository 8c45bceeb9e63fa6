import type { Pool, PoolClient } from 'pg';
import { createTestDatabase } from '#testing';
import { inOneFlush, inTransaction, inTransactionOn } from './transaction';

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

/** Two who meet at two rows: each has one when it asks for the other's. Answers how often each was begun. */
async function crossing(run: (work: (db: Pool | PoolClient) => Promise<void>) => Promise<void>): Promise<number[]> {
  await pool.query('create table if not exists counters (id int primary key, n int not null)');
  await pool.query('insert into counters values (1, 0), (2, 0) on conflict (id) do update set n = 0');
  const begun = [0, 0];
  let arrived = 0;
  let go = (): void => {};
  const both = new Promise<void>((resolve) => (go = resolve));
  const update = (db: Pool | PoolClient, id: number) => db.query('update counters set n = n + 1 where id = $1', [id]);
  await Promise.all(
    [0, 1].map((who) =>
      run(async (db) => {
        begun[who] = (begun[who] ?? 0) + 1;
        await update(db, who === 0 ? 1 : 2);
        arrived += 1;
        if (arrived === 2) go();
        await both;
        await update(db, who === 0 ? 2 : 1);
      }),
    ),
  );
  expect((await pool.query('select n from counters')).rows).toEqual([{ n: 2 }, { n: 2 }]);
  return begun.sort((a, b) => a - b);
}

test('of two that lock one another out the one that is rolled back is made again, and nothing twice', async () => {
  expect(await crossing((work) => inTransaction(pool, work))).toEqual([1, 2]);
  expect(
    await crossing(async (work) => {
      const client = await pool.connect();
      await inTransactionOn(client, work).finally(() => client.release());
    }),
  ).toEqual([1, 2]);
});

test('what others came between when it commits is made again, three times at most', async () => {
  await pool.query('create sequence tries');
  await pool.query(`
    create function refuse() returns trigger language plpgsql as $$
      begin
        if nextval('tries') <= (select text::int from orders) then raise exception 'as ordered' using errcode = '40001'; end if;
        return null;
      end $$`);
  await pool.query('create table orders (text text)');
  await pool.query('create table lines (text text)');
  await pool.query(
    'create constraint trigger refuse after insert on lines deferrable initially deferred for each row execute function refuse()',
  );
  const lines = async (failures: number): Promise<number> => {
    await pool.query('truncate lines, orders');
    await pool.query("select setval('tries', 1, false)");
    await pool.query('insert into orders values ($1)', [failures]);
    await inTransaction(pool, (client) => client.query("insert into lines values ('a')"));
    return (await pool.query('select from lines')).rowCount ?? 0;
  };
  expect(await lines(3)).toBe(1);
  await expect(lines(4)).rejects.toThrow('as ordered');
  expect((await pool.query('select from lines')).rowCount).toBe(0);
});
