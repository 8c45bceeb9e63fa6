import { createEnvironment } from '#accounts';
import { createTestDatabase, eventually, type TestDatabase } from '#testing';
import { FeedWatch } from './feed-watch';

let db: TestDatabase;
let queries = 0;
beforeAll(async () => {
  db = await createTestDatabase();
  db.pool.on('acquire', () => {
    queries += 1;
  });
});

afterEach(() => jest.useRealTimers());
const timersButIntervals = [
  'Date',
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setTimeout',
  'clearTimeout',
] as const;

/** Until no query is under way, and what came of the last one has been done. */
async function idle(): Promise<void> {
  await eventually(() => db.pool.idleCount === db.pool.totalCount && db.pool.waitingCount === 0);
  await new Promise((resolve) => setImmediate(resolve));
}

const never = new AbortController().signal;
const append = (id: string, position: number) =>
  db.pool.query('update feed_heads set position = $2 where environment_id = $1', [id, position]);

/** Begins to wait, and says when it is over. */
function waiter(feed: FeedWatch, environmentId: string, head: number, ms = 30_000, signal = never) {
  const waiting = { over: false, done: Promise.resolve() };
  waiting.done = feed
    .watching(environmentId, () => feed.beyond(environmentId, head, ms, signal))
    .then(() => {
      waiting.over = true;
    });
  return waiting;
}

test('a hundred who wait for several environments cost one query in every interval, together', async () => {
  const environments = await Promise.all(['a', 'b', 'c'].map((name) => createEnvironment(db.pool, { name })));
  // The intervals are passed by hand; all other time goes by as ever.
  jest.useFakeTimers({ doNotFake: [...timersButIntervals] });
  const feed = new FeedWatch(db.pool, { askAgainMs: 200 });
  const waiting = Array.from({ length: 100 }, (_, i) =>
    waiter(feed, environments[i % 3]?.id ?? '', 0, 30_000, new AbortController().signal),
  );

  const before = queries;
  for (let interval = 1; interval <= 5; interval += 1) {
    jest.advanceTimersByTime(200);
    await idle();
    expect(queries - before).toBe(interval);
  }

  await append(environments[0]?.id ?? '', 1);
  jest.advanceTimersByTime(200);
  await eventually(() => waiting.filter(({ over }) => over).length === 34);
  expect(waiting.every(({ over }, i) => over === (i % 3 === 0))).toBe(true);
  await feed.stop();
  await Promise.all(waiting.map(({ done }) => done));

  const stopped = queries;
  jest.advanceTimersByTime(1_000);
  await idle();
  expect(queries).toBe(stopped);
});

test('what is heard wakes at once those who have not seen it, and nobody else', async () => {
  const feed = new FeedWatch(db.pool, { askAgainMs: 60_000 });
  const { id } = await createEnvironment(db.pool, { name: 'heard' });
  await append(id, 5);
  const [behind, there] = [waiter(feed, id, 4), waiter(feed, id, 5)];
  feed.heard(id);
  await behind.done;
  expect(there.over).toBe(false);
  // Whoever asks with an old head from now on need not wait at all.
  await waiter(feed, id, 4).done;

  await append(id, 6);
  feed.heard(undefined);
  await there.done;
  await feed.stop();
});

test('a log that was set back wakes those who wait beyond its end', async () => {
  const feed = new FeedWatch(db.pool, { askAgainMs: 60_000 });
  const { id } = await createEnvironment(db.pool, { name: 'set back' });
  await append(id, 9);
  const ahead = waiter(feed, id, 9);
  await append(id, 4);
  feed.heard(undefined);
  await ahead.done;
  const there = waiter(feed, id, 4);
  await append(id, 5);
  feed.heard(id);
  await there.done;
  await feed.stop();
});

test('many notices while a query runs are one more query', async () => {
  const feed = new FeedWatch(db.pool, { askAgainMs: 60_000 });
  const { id } = await createEnvironment(db.pool, { name: 'busy' });
  const waiting = waiter(feed, id, 0);
  const before = queries;
  for (let i = 0; i < 100; i++) feed.heard(id);
  await eventually(() => queries - before === 2);
  await idle();
  feed.heard('00000000-0000-0000-0000-000000000000'); // nobody waits for it
  await idle();
  expect(queries - before).toBe(2);
  await feed.stop();
  await waiting.done;
});

test('a wait ends with its time, with its caller, and with the broker', async () => {
  const feed = new FeedWatch(db.pool);
  const { id } = await createEnvironment(db.pool, { name: 'ends' });
  await waiter(feed, id, 0, 50).done;
  const caller = new AbortController();
  const left = waiter(feed, id, 0, 30_000, caller.signal);
  caller.abort();
  await left.done;
  const kept = waiter(feed, id, 0);
  await feed.stop();
  await kept.done;
  await waiter(feed, id, 0).done;
});

test('those who wait for the beat are woken together, once in so many intervals, and have no timers', async () => {
  const { id: environmentId } = await createEnvironment(db.pool, { name: 'beating' });
  jest.useFakeTimers({ doNotFake: timersButIntervals.filter((name) => name !== 'setTimeout') });
  const feed = new FeedWatch(db.pool, { askAgainMs: 200, beatMs: 600 });
  const grown: boolean[] = [];
  const followers = Array.from({ length: 100 }, () =>
    feed.watching(environmentId, async () => {
      for (let beats = 0; beats < 2; beats += 1) grown.push(await feed.beyond(environmentId, 0, undefined, new AbortController().signal));
    }),
  );
  expect(jest.getTimerCount()).toBe(1); // the interval
  const heardAfter: number[] = [];
  for (let interval = 1; interval <= 6; interval += 1) {
    jest.advanceTimersByTime(200);
    await new Promise((resolve) => setImmediate(resolve));
    heardAfter.push(grown.length);
  }
  expect([heardAfter, new Set(grown)]).toEqual([[0, 0, 100, 100, 100, 200], new Set([false])]);
  await Promise.all(followers);
  jest.useRealTimers();
  await idle();
  await feed.stop();
});
