/**
 * The fault tests in their short form: two systems of real processes, side by side, with a fault of most kinds in each. The long
 * form is `npm run test:faults`; docs/faults.md says what all of it means.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { redisUrl } from '../test-database';
import { missedBy, violationsOf } from './invariants';
import { shortPlans } from './plans';
import { Random } from './random';
import type { Run } from './records';
import { complaints, summary } from './report';
import { run } from './run';

// FAULTS_SEED brings the plan of an earlier run back; the moments in which it meets the processes are its own.
const seed = process.env['FAULTS_SEED'] ?? randomBytes(4).toString('hex');
const home = path.join(os.tmpdir(), `causeway-faults-${process.pid}`);
const longEnoughMs = 300_000;

let runs: { standalone: Run; split: Run };

beforeAll(async () => {
  const plans = shortPlans(new Random(seed), { redis: redisUrl() !== undefined });
  const [standalone, split] = await Promise.all(
    (['standalone', 'split'] as const).map((name) => {
      const folder = path.join(home, name);
      mkdirSync(folder, { recursive: true });
      return run({ ...plans[name], seed: `${seed}.${name}`, folder });
    }),
  );
  if (!standalone || !split) throw new Error('a run is missing');
  runs = { standalone, split };
  process.stdout.write(`fault tests, FAULTS_SEED=${seed}\n  ${summary(standalone)}\n  ${summary(split)}\n`);
}, longEnoughMs);

afterAll(() => {
  const green = runs !== undefined && violationsOf(runs.standalone).length + violationsOf(runs.split).length === 0;
  if (green) rmSync(home, { recursive: true, force: true });
  else process.stdout.write(`the records of these runs: ${home}\n`);
});

test('everything in one process, killed with -9 again and again, keeps every promise', () => {
  expect(complaints(runs.standalone)).toEqual([]);
  expect(runs.standalone.calls.filter(({ outcome }) => outcome === 'acknowledged').length).toBeGreaterThan(20);
});

test('two brokers and two workers keep every promise while what they stand on breaks', () => {
  expect(complaints(runs.split)).toEqual([]);
  expect(runs.split.calls.filter(({ outcome }) => outcome === 'acknowledged').length).toBeGreaterThan(20);
});

test('the control is found wanting: whoever takes the order of ids or times for the order of commits misses events', () => {
  const missed = [runs.standalone, runs.split].flatMap((one) =>
    one.plan.pollers.filter(({ mode }) => mode === 'naive').flatMap((poller) => missedBy(one, poller)),
  );
  expect(missed.length).toBeGreaterThan(0);
});
