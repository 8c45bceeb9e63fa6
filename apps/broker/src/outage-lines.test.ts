import { aPostgresProxy, createTestDatabase, eventually } from '#testing';
import { aBroker } from './a-broker';

test('an outage is two lines, with a count of what failed between; its requests are at info, and a fault at error', async () => {
  const db = await createTestDatabase();
  const behind = { host: new URL(db.url).searchParams.get('host') ?? '', port: 5432 };
  let proxy = await aPostgresProxy(behind);
  const broker = await aBroker({ databaseUrl: proxy.through(db.url) }, 'info');
  const lines = (): Record<string, unknown>[] => broker.logged.map((line) => JSON.parse(line));
  const { idp } = await broker.aDirectory();
  const loud = () => lines().filter(({ level }) => level !== 'info');
  expect((await idp.get('/Users')).status).toBe(200);
  expect(loud()).toEqual([]);

  await proxy.stop();
  const during = await Promise.all(Array.from({ length: 60 }, () => idp.get('/Users')));
  expect(new Set(during.map(({ status }) => status))).toEqual(new Set([503]));
  proxy = await aPostgresProxy(behind, proxy.port);
  await eventually(async () => (await idp.get('/Users')).status === 200);
  await eventually(() => loud().length === 2, { withinMs: 20_000 });
  expect(loud()).toEqual([
    expect.objectContaining({ level: 'warn', msg: expect.stringMatching(/^an outage of the database has begun/) }),
    expect.objectContaining({
      level: 'warn',
      msg: 'the outage of the database is over',
      seconds: expect.any(Number),
      failed: expect.objectContaining({ requests: lines().filter(({ status }) => status === 503).length }),
    }),
  ]);
  const told = lines().filter(({ msg, status }) => msg === 'request' && status === 503);
  expect(told.length).toBeGreaterThanOrEqual(60);
  expect(told.every(({ level, outage }) => level === 'info' && typeof outage === 'string')).toBe(true);

  await db.pool.query('alter table users rename to users_gone');
  expect((await idp.get('/Users')).status).toBe(500);
  await eventually(() => loud().length === 3);
  expect(loud().at(-1)).toMatchObject({ level: 'error', msg: 'request failed', err: { code: '42P01' } });
  await proxy.stop();
});
