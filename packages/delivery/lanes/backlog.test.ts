import { setTimeout as delay } from 'node:timers/promises';
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
  await delay(60);
  await log.write(waiting);
  const unsequenced = await readBacklog(pool);
  expect(unsequenced.oldestUnsequencedMs).toBeGreaterThanOrEqual(50);
  expect(unsequenced.oldestUnsequencedMs).toBeLessThan(30_000);
  expect(unsequenced).toMatchObject({ dirtyLanes: 0, blockedLanes: 0 });

  await sequenceBatch(pool);
  expect(await readBacklog(pool)).toEqual({ oldestUnsequencedMs: 0, dirtyLanes: 2, blockedLanes: 0 });

  const worker = aWorker(pool);
  await eventually(async () => expect(await readBacklog(pool)).toEqual({ oldestUnsequencedMs: 0, dirtyLanes: 2, blockedLanes: 2 }));
  vendor.answers({});
  await pool.query('update lanes set next_attempt_at = now() where next_attempt_at is not null');
  await eventually(async () => expect(await readBacklog(pool)).toEqual({ oldestUnsequencedMs: 0, dirtyLanes: 0, blockedLanes: 0 }));
  await worker.stop();
});
