/**
 * Loaded by node before a process's own main, in runs whose plan has failpoints: `node --require failpoints.js main.js`. At
 * each of the named points a file is looked for in FAULTS_FAILPOINTS; the first process that comes by takes it, and does to
 * itself what the file says. So the code that ships knows nothing of failpoints, and one file stops one process.
 */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { Doorbell } from '../../delivery/lanes/doorbell';
import { Drain } from '../../delivery/lanes/drain';
import { Lanes } from '../../delivery/lanes/lanes';
import * as transactions from '../../directory/writing/transaction';
import { interpose } from './interpose';

/** Where a process may be stopped. */
export const failpoints = {
  /** A change is committed, and its caller has not been answered. */
  committed: 'committed',
  /** Positions are given, and nobody has been told of the lanes that have work. */
  sequenced: 'sequenced',
  /** The doorbells have been rung, or a first lane is being seen to here, and whoever rang knows nothing of it. */
  rung: 'rung',
  /** A lane is leased, and nothing has been sent. */
  claimed: 'claimed',
  /** An endpoint has answered, and the lane does not know it. */
  answered: 'answered',
} as const;

export type Failpoint = keyof typeof failpoints;

const folder = process.env['FAULTS_FAILPOINTS'];

function pass(point: Failpoint): void {
  if (folder === undefined) return;
  const armed = path.join(folder, point);
  if (!existsSync(armed)) return;
  const taken = `${armed}.by-${process.pid}`;
  try {
    renameSync(armed, taken);
  } catch {
    return; // another process was faster
  }
  // Both are heard before the next statement.
  process.kill(process.pid, readFileSync(taken, 'utf8') === 'stop' ? 'SIGSTOP' : 'SIGKILL');
}

interpose(transactions, 'inDirectory', (inDirectory) => async (...parameters) => {
  const result = await inDirectory(...parameters);
  pass('committed');
  return result;
});

interpose(
  Doorbell.prototype,
  'ring',
  (ring) =>
    async function (this: Doorbell, bells) {
      if (bells.length > 0) pass('sequenced');
      const rung = await ring.call(this, bells);
      if (bells.length > 0) pass('rung');
      return rung;
    },
);

interpose(
  Drain.prototype,
  'take',
  (take) =>
    function (this: Drain, bell) {
      pass('sequenced');
      const taken = take.call(this, bell);
      if (taken) pass('rung');
      return taken;
    },
);

interpose(
  Lanes.prototype,
  'claim',
  (claim) =>
    async function (this: Lanes, name) {
      const claimed = await claim.call(this, name);
      if (claimed.kind === 'held') pass('claimed');
      return claimed;
    },
);

interpose(
  Lanes.prototype,
  'ack',
  (ack) =>
    function (this: Lanes, given) {
      if (given.attempts.length > 0) pass('answered');
      return ack.call(this, given);
    },
);
