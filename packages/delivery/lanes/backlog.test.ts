import { eventually, startVendor, testDatabase } from '#testing';
import { aLog, aWorker } from '../a-log';
import { readBacklog } from './backlog';
import { sequenceBatch } from './sequencer';

test('what is behind is told: events without a position and how old they are, lanes that owe, lanes that wait for another try', async () => {
  const { pool } = await testDatabase();
  expect(await readBacklog(pool)).toEqual({ oldestUnsequencedMs: 0, dirtyLanes: 0, blockedLanes: 0 });

  const log = await aLog(pool);
  const vendor = await startVendor({ status: 500 });
  await log.endpoint(vendor.url);
  const [failing, waiting] = [await log.directory(), await log.directory()];
  await log.write(failing, 3);
  await pool.query("update event_outbox set created_at = created_at - interval '1 hour'");
  await log.write(waiting);
  const oldest = async () =>
    (await pool.query<{ ms: number }>('select extract(epoch from now() - min(created_at))::float8 * 1000 as ms from event_outbox')).rows[0]!
      .ms;
  const [before, unsequenced, after] = [await oldest(), await readBacklog(pool), await oldest()];
  expect(unsequenced).toEqual({ oldestUnsequencedMs: expect.any(Number), dirtyLanes: 0, blockedLanes: 0 });
  expect([before, after, unsequenced.oldestUnsequencedMs].sort((a, b) => a - b)).toEqual([before, unsequenced.oldestUnsequencedMs, after]);
  expect(before).toBeGreaterThanOrEqual(3_600_000);

  await sequenceBatch(pool);
  expect(await readBacklog(pool)).toEqual({ oldestUnsequencedMs: 0, dirtyLanes: 2, blockedLanes: 0 });

  const worker = aWorker(pool);
  await eventually(async () => expect(await readBacklog(pool)).toEqual({ oldestUnsequencedMs: 0, dirtyLanes: 2, blockedLanes: 2 }));
  vendor.answers({});
  await pool.query('update lanes set next_attempt_at = now() where next_attempt_at is not null');
  await eventually(async () => expect(await readBacklog(pool)).toEqual({ oldestUnsequencedMs: 0, dirtyLanes: 0, blockedLanes: 0 }));
  await worker.stop();
});
