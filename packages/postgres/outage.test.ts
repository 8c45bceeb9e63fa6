import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { createTestDatabase } from '#testing';
import { isOutage, isPoolFull, isRolledBack } from './outage';

const withCode = (code: string): Error => Object.assign(new Error('something'), { code });

test.each([
  ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'],
  ['08000', '08001', '08003', '08004', '08006', '08007', '08P01'],
  ['53000', '53100', '53200', '53300', '53400'],
  ['57014', '57P01', '57P02', '57P03', '57P04', '57P05'],
  ['25P03', '25P04', '25006', '55P03', '40001', '40P01'],
  ['55000', '3D000'],
])('an outage is %s, %s, …', (...codes) => {
  expect(codes.filter((code) => !isOutage(withCode(code)))).toEqual([]);
});

test('none is what a statement, or a value, is refused for', () => {
  const codes = ['22P02', '23503', '23505', '25P02', '42601', '42P01', '42501', '28P01', 'P0001', 'XX000', '0A000', 'EACCES'];
  expect(codes.filter((code) => isOutage(withCode(code)))).toEqual([]);
  expect([undefined, null, 'ECONNREFUSED', { code: 'ECONNREFUSED' }, new Error('nothing')].filter(isOutage)).toEqual([]);
});

test('a socket that is not there is an outage, and a file is none', async () => {
  const client = new pg.Client({ host: '/no/such/folder' });
  expect(isOutage(await client.connect().catch((error: unknown) => error))).toBe(true);
  expect(isOutage(await readFile('/no/such/file').catch((error: unknown) => error))).toBe(false);
});

test('a connection that broke, or says nothing, is one by what pg says of it', async () => {
  const { pool, url } = await createTestDatabase();
  const client = new pg.Client({ connectionString: url, query_timeout: 50 });
  client.on('error', () => {});
  const ends = new Promise((resolve) => client.once('end', resolve));
  await client.connect();
  const failed = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'nothing failed',
      (error: unknown) => error,
    );
  const failures = [await failed(client.query('select pg_sleep(1)'))];
  const { rows } = await pool.query<{ gone: boolean }>(
    'select pg_terminate_backend(pid) as gone from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  expect(rows).toEqual([{ gone: true }]);
  await ends;
  failures.push(await failed(client.query('select 1')));
  const ended = new pg.Pool();
  await ended.end();
  failures.push(await failed(ended.query('select 1')));
  expect(failures.map((error) => [error instanceof Error && error.message, isOutage(error)])).toEqual([
    ['Query read timeout', true],
    ['Client has encountered a connection error and is not queryable', true],
    ['Cannot use a pool after calling end on the pool', true],
  ]);
});

test('a pool whose connections are all lent out is told from a database that cannot be reached', async () => {
  const { url } = await createTestDatabase();
  const failure = async (options: pg.PoolConfig, lent: number): Promise<unknown> => {
    const pool = new pg.Pool({ connectionTimeoutMillis: 50, max: 1, ...options });
    const clients = await Promise.all(Array.from({ length: lent }, () => pool.connect()));
    const error: unknown = await pool.query('select 1').catch((thrown: unknown) => thrown);
    for (const client of clients) client.release();
    await pool.end();
    return error;
  };
  const full = await failure({ connectionString: url, connectionTimeoutMillis: 2_000 }, 1);
  expect([isPoolFull(full), isOutage(full)]).toEqual([true, true]);
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const unreachable = await failure({ host: '127.0.0.1', port }, 0);
  silent.close();
  expect([isPoolFull(unreachable), isOutage(unreachable)]).toEqual([false, true]);
});

test('known to be rolled back is what PostgreSQL has chosen for it, and no other outage', () => {
  expect(['40001', '40P01', '40002', '40003', '57P01', '08006', '23505'].filter((code) => isRolledBack(withCode(code)))).toEqual([
    '40001',
    '40P01',
  ]);
});
