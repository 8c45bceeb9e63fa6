import { Client } from 'pg';
import { createTestDatabase, eventually, type TestDatabase } from '#testing';
import { FeedNotices, listenToFeed } from './feed-notices';

let db: TestDatabase;

beforeEach(async () => {
  db = await createTestDatabase();
});

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: db.url, application_name: 'feed listener' });
  await client.connect();
  return client;
}

test('whoever listens hears which environments have grown, often at once but told once', async () => {
  const heard: (string | undefined)[] = [];
  const listener = listenToFeed(connect, (id) => heard.push(id));
  await eventually(() => heard.length === 1);
  expect(heard).toEqual([undefined]);
  expect(listener.listening).toBe(true);

  const notices = new FeedNotices(db.pool, (error) => {
    throw error;
  });
  for (let i = 0; i < 50; i += 1) notices.tell(['a', 'b']);
  await eventually(() => heard.includes('a') && heard.includes('b'));
  await notices.stop();
  const before = heard.length;
  expect(before).toBeLessThanOrEqual(5);
  notices.tell(['c']);
  await eventually(() => heard.length === before + 1);
  expect(heard.at(-1)).toBe('c');
  await notices.stop();
  await listener.stop();
  expect(listener.listening).toBe(false);
});

test('a connection that breaks is made anew, and what may have been missed is told', async () => {
  const heard: (string | undefined)[] = [];
  const listener = listenToFeed(connect, (id) => heard.push(id));
  await eventually(() => heard.length === 1);
  await db.pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'feed listener'`);
  await eventually(() => heard.length === 2);
  expect(heard).toEqual([undefined, undefined]);
  const notices = new FeedNotices(db.pool, (error) => {
    throw error;
  });
  notices.tell(['a']);
  await eventually(() => heard.at(-1) === 'a');
  await notices.stop();
  await listener.stop();
});

test('a database that cannot be reached is tried again until it can, or until we stop', async () => {
  let tries = 0;
  const heard: (string | undefined)[] = [];
  const listener = listenToFeed(
    async () => {
      tries += 1;
      if (tries < 3) throw new Error('away');
      return connect();
    },
    (id) => heard.push(id),
  );
  await eventually(() => heard.length === 1);
  expect(tries).toBe(3);
  await listener.stop();

  const hopeless = listenToFeed(
    () => Promise.reject(new Error('away')),
    () => {},
  );
  await hopeless.stop();
});
