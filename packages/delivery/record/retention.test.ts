import type { DirectoryPool } from '#directory';
import { idAt, newId } from '#identifier';
import { createTestDatabase } from '#testing';
import { aLog, type TestLog } from '../a-log';
import { positionBefore } from '../endpoint/replay';
import { forgetEvents, forgetLeftovers } from './retention';
import { sequenceBatch } from '../lanes/sequencer';

let pool: DirectoryPool;

beforeEach(async () => {
  ({ pool } = await createTestDatabase());
});

const dayMs = 86_400_000;

/** A log whose events are so many days old, in the order of their positions. */
async function anAgedLog(...ages: number[]): Promise<TestLog> {
  const log = await aLog(pool);
  const directory = await log.directory();
  await log.write(directory, ages.length);
  while (await sequenceBatch(pool)) {
    // until nothing waits
  }
  for (const [i, age] of ages.entries()) {
    const at = new Date(Date.now() - age * dayMs);
    await pool.query('update event_feed set event_id = $1 where environment_id = $2 and position = $3', [
      `${idAt(at).slice(0, 24)}${newId().slice(24)}`,
      log.environmentId,
      i + 1,
    ]);
  }
  return log;
}

const kept = async (log: TestLog): Promise<{ oldest: number; positions: number[] }> => {
  const { rows } = await pool.query<{ position: number }>('select position from event_feed where environment_id = $1 order by position', [
    log.environmentId,
  ]);
  const head = await pool.query<{ oldest_position: number }>('select oldest_position from feed_heads where environment_id = $1', [
    log.environmentId,
  ]);
  return { oldest: head.rows[0]!.oldest_position, positions: rows.map(({ position }) => position) };
};

test('events from before a time are forgotten: always a beginning of the log, in every environment', async () => {
  const log = await anAgedLog(400, 390, 380, 10, 380, 5);
  const other = await anAgedLog(400, 399);
  const young = await anAgedLog(3);
  expect(await forgetEvents(pool, { before: new Date(Date.now() - 365 * dayMs) })).toBe(5);
  expect(await kept(log)).toEqual({ oldest: 4, positions: [4, 5, 6] }); // the fifth was long under way
  expect(await kept(other)).toEqual({ oldest: 3, positions: [] });
  expect(await kept(young)).toEqual({ oldest: 1, positions: [1] });
  expect(await forgetEvents(pool, { before: new Date(Date.now() - 365 * dayMs) })).toBe(0);
});

test('with them go what was parked of them, and the lanes of directories that are no more', async () => {
  const log = await anAgedLog(400, 400);
  const endpoint = await log.endpoint('http://127.0.0.1:9/', { start: 'beginning' });
  await pool.query(
    `insert into delivery_exceptions (endpoint_id, event_id, environment_id, position, type, kind, state, created_at)
                    values ($1, gen_random_uuid(), $2, 1, 'user.created', 'lane', 'parked', now()), ($1, gen_random_uuid(), $2, 2, 'user.created', 'test', 'parked', now() - interval '100 days')`,
    [endpoint.id, log.environmentId],
  );
  await forgetEvents(pool, { before: new Date(Date.now() - 365 * dayMs) });
  await forgetLeftovers(pool, { attemptsBefore: new Date(Date.now() - 90 * dayMs) });
  expect((await pool.query('select 1 from delivery_exceptions')).rowCount).toBe(0);
  expect((await pool.query('select 1 from lanes')).rowCount).toBe(1); // its directory is there
  await pool.query('delete from directories');
  await forgetLeftovers(pool, { attemptsBefore: new Date() });
  expect((await pool.query('select 1 from lanes union all select 1 from directory_published')).rowCount).toBe(0);
});

test('the place of a time is found in the log, by halves', async () => {
  const log = await aLog(pool);
  const directory = await log.directory();
  const times: Date[] = [];
  for (let i = 0; i < 7; i += 1) {
    times.push(new Date());
    await log.write(directory, 3);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  while (await sequenceBatch(pool)) {
    // until nothing waits
  }
  expect(await Promise.all(times.map((time) => positionBefore(pool, log.environmentId, time)))).toEqual([0, 3, 6, 9, 12, 15, 18]);
  expect(await positionBefore(pool, log.environmentId, new Date(Date.now() + 1_000))).toBe(21);
  expect(await positionBefore(pool, newId(), new Date())).toBe(0);
});
