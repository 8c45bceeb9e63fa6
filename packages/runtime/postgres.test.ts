import { eventually, freePort, testDatabase } from '#testing';
import { checkDatabase, createPool, DatabaseUnusable } from './postgres';

test('a named statement may be sent again before its first answer has come', async () => {
  const { pool } = await testDatabase();
  const client = await pool.connect();
  const answers = await Promise.all([1, 2, 3].map((n) => client.query({ name: 'twice', text: 'select $1::int as n', values: [n] })));
  client.release();
  expect(answers.map(({ rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]]);
});

test('queries of one client travel together', async () => {
  const { pool } = await testDatabase();
  const client = await pool.connect();
  // Sent one after the other's answer, the second statement could not have begun before the first one ended.
  const [first, second] = await Promise.all([
    client.query<{ ended: Date }>(`select clock_timestamp() as ended from pg_sleep(0.2)`),
    client.query<{ received: Date }>('select statement_timestamp() as received'),
  ]);
  client.release();
  expect(client.pipeline).toBe(true);
  expect(second.rows[0]?.received.getTime()).toBeGreaterThanOrEqual(first.rows[0]?.ended.getTime() ?? Infinity);
});

test('an error among pipelined queries fails that query alone, and the client stays good', async () => {
  const { pool } = await testDatabase();
  const client = await pool.connect();
  const [one, two, three] = await Promise.allSettled([
    client.query('select 1 as n'),
    client.query('select 1/0'),
    client.query({ name: 'third', text: 'select 3 as n' }),
  ]);
  client.release();
  expect([one.status, two.status, three.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((await pool.query({ name: 'third', text: 'select 3 as n' })).rows).toEqual([{ n: 3 }]);
});

test('a pipelined transaction whose statement fails commits nothing', async () => {
  const { pool } = await testDatabase();
  await pool.query('create table pipelined (n int primary key)');
  const client = await pool.connect();
  const answers = await Promise.allSettled(
    ['begin', 'insert into pipelined values (1)', 'insert into pipelined values (1)', 'commit'].map((text) => client.query(text)),
  );
  client.release();
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect((await pool.query('select count(*) as n from pipelined')).rows).toEqual([{ n: 0 }]);
});

test('types come as the code takes them', async () => {
  const { pool } = await testDatabase();
  const text = `select 9007199254740991::int8 as n, '{1,NULL,3}'::int8[] as ns, '{"a":1}'::json as j, '[1]'::jsonb as b, timestamptz '2026-01-31 09:00Z' as t, 1.5::numeric as d`;
  const row = { n: 9007199254740991, ns: [1, null, 3], j: { a: 1 }, b: [1], t: new Date('2026-01-31T09:00:00Z'), d: '1.5' };
  expect((await pool.query(text)).rows).toEqual([row]);
});

test('an int8 that no number can hold is an error, not another number', async () => {
  const { pool } = await testDatabase();
  await expect(pool.query('select 9007199254740993::int8')).rejects.toThrow('does not fit a number');
});

test('a client that breaks while it is lent out, between two queries, is told of and ends nothing', async () => {
  const { url, pool } = await testDatabase();
  const errors: Error[] = [];
  const own = createPool(url, { max: 1, applicationName: 'broken', onError: (error) => errors.push(error) });
  const client = await own.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
  await eventually(() => errors.length > 0);
  client.release();
  // And the pool has a good one for the next.
  expect((await own.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
  await own.end();
});

test('a statement that runs too long ends, and so does a transaction that nobody goes on with', async () => {
  const { url } = await testDatabase();
  const own = createPool(url, { max: 1, applicationName: 'slow', onError: () => {}, statementTimeoutMs: 50 });
  await expect(own.query('select pg_sleep(5)')).rejects.toThrow('statement timeout');
  expect(
    (await own.query(`select current_setting('idle_in_transaction_session_timeout') as t, current_setting('application_name') as a`)).rows,
  ).toEqual([{ t: '15s', a: 'slow' }]);
  await own.end();
});

describe('a database that cannot be used is told in one sentence without its password', () => {
  test('a good one is not', async () => {
    await checkDatabase((await testDatabase()).url);
  });

  test('nothing listens', async () => {
    const port = await freePort();
    await expect(checkDatabase(`postgres://causeway:hunter2@127.0.0.1:${port}/causeway`)).rejects.toEqual(
      new DatabaseUnusable(`The database "causeway" at 127.0.0.1:${port} (DATABASE_URL) cannot be used: nothing listens there.`),
    );
  });

  test('no such database', async () => {
    const { url } = await testDatabase();
    await expect(checkDatabase(url.replace(/test_\w+/, 'nowhere'))).rejects.toThrow(
      /^The database "nowhere" at .* cannot be used: database "nowhere" does not exist\.$/,
    );
  });

  test('no such host', async () => {
    await expect(checkDatabase('postgres://causeway:hunter2@db.invalid/causeway')).rejects.toThrow(
      /its host name is not known|cannot be used/,
    );
  });

  test('one that is too old', async () => {
    const { url, pool } = await testDatabase();
    const name = new URL(url).pathname.slice(1);
    // No older server is at hand: this one is made to say that it is, to this database's sessions.
    await pool.query(`create schema old`);
    await pool.query(
      `create function old.current_setting(text) returns text language sql as $$ select case $1 when 'server_version_num' then '130014' else '13.14' end $$`,
    );
    await pool.query(`alter database ${name} set search_path = old, pg_catalog, public`);
    await expect(checkDatabase(url)).rejects.toThrow(/^The database "test_\w+" at .* is PostgreSQL 13\.14; Causeway needs 14 or newer\.$/);
    await pool.query(`alter database ${name} reset search_path`);
  });
});
