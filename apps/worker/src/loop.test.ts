import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '#testing';
import { startLoops } from './loop';

const never = 3_600_000;

test('each loop is run at once or when its time comes, and again, and never twice at once', async () => {
  const runs: string[] = [];
  let underWay = 0;
  let most = 0;
  const loops = startLoops(
    [
      {
        name: 'quick',
        everyMs: 1,
        run: async () => {
          most = Math.max(most, ++underWay);
          await delay(3);
          underWay -= 1;
          runs.push('quick');
        },
      },
      { name: 'rare', everyMs: never, run: async () => void runs.push('rare') },
      { name: 'late', everyMs: 1, afterMs: never, run: async () => void runs.push('late') },
    ],
    () => {},
  );
  await eventually(() => runs.filter((name) => name === 'quick').length > 5);
  await loops.stop(never);
  expect(most).toBe(1);
  expect(runs.filter((name) => name !== 'quick')).toEqual(['rare']);
  const done = runs.length;
  await delay(20);
  expect(runs).toHaveLength(done);
});

test('one that fails is told of by its name, tried again, and keeps no other from running', async () => {
  const failed: unknown[] = [];
  let others = 0;
  const loops = startLoops(
    [
      { name: 'broken', everyMs: 1, run: () => Promise.reject(new Error('the database is away')) },
      { name: 'other', everyMs: 1, run: async () => void (others += 1) },
    ],
    (error, { name }) => failed.push([name, error]),
  );
  await eventually(() => failed.length > 2 && others > 2);
  await loops.stop(never);
  expect(failed[0]).toEqual(['broken', new Error('the database is away')]);
});

test('stopping tells what is under way, waits for it, and not for longer than it may', async () => {
  let told = false;
  let ended = false;
  const polite = startLoops(
    [
      {
        name: 'polite',
        everyMs: never,
        run: async (stop) => {
          await new Promise((resolve) => stop.addEventListener('abort', resolve));
          told = true;
          await delay(10);
          ended = true;
        },
      },
    ],
    () => {},
  );
  await delay(5);
  await polite.stop(never);
  expect([told, ended]).toEqual([true, true]);

  const stuck = startLoops([{ name: 'stuck', everyMs: never, run: () => new Promise(() => {}) }], () => {});
  await delay(5);
  await stuck.stop(20);
});
