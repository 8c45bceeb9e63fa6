import type { DirectoryPool } from '#directory';
import { createTestDatabase, eventually, startVendor } from '#testing';
import { aLog, aWorker, keyring, type TestLog, type TestWorker, told } from '../a-log';
import { getEndpoint } from '../endpoint/endpoints';
import { Lanes } from './lanes';
import { sequenceBatch } from './sequencer';
import { sweep } from './sweep';
import { pullBackTimes } from './times-ahead';

let pool: DirectoryPool;
const workers: TestWorker[] = [];

beforeEach(async () => {
  ({ pool } = await createTestDatabase());
});

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
});

function working(options: Parameters<typeof aWorker>[1] = {}): void {
  workers.push(aWorker(pool, options));
}

/** As if the database's clock had gone back by an hour since everything was written. */
const setClockBack = async (): Promise<void> => {
  const hour = `interval '1 hour'`;
  await pool.query(
    `update lanes set lease_until = lease_until + ${hour}, next_attempt_at = next_attempt_at + ${hour}, enqueued_at = enqueued_at + ${hour},
                      refused_since = refused_since + ${hour}`,
  );
  await pool.query(
    `update delivery_exceptions set lease_until = lease_until + ${hour}, next_attempt_at = next_attempt_at + ${hour},
                                    enqueued_at = enqueued_at + ${hour}, refused_since = refused_since + ${hour}, created_at = created_at + ${hour}`,
  );
  await pool.query(`update webhook_endpoints set next_probe_at = next_probe_at + ${hour}, open_since = open_since + ${hour}`);
};

const nothingIsOwed = (log: TestLog): Promise<unknown> =>
  eventually(
    async () => {
      const { rowCount } = await pool.query(
        `select 1 from event_outbox where environment_id = $1
         union all select 1 from lanes where environment_id = $1 and next_attempt_at is not null
         union all select 1 from delivery_exceptions where environment_id = $1 and next_attempt_at is not null`,
        [log.environmentId],
      );
      return rowCount === 0;
    },
    { withinMs: 20_000 },
  );

const none = { lanes: 0, asides: 0, endpoints: 0 };

describe('after a clock that was set back', () => {
  test('what was due, rung for or leased goes on, within a lease', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    const endpoint = await log.endpoint(vendor.url);
    const [due, held] = [await log.directory(), await log.directory()];
    for (const directory of [due, held]) await log.write(directory, 2);
    await sequenceBatch(pool);
    await new Lanes(pool).claim({ endpointId: endpoint.id, directoryId: held.id }); // by somebody who dies
    await setClockBack();

    expect(await sweep(pool)).toEqual([]);
    expect(await pullBackTimes(pool)).toEqual({ ...none, lanes: 2 });
    expect(await pullBackTimes(pool)).toEqual(none);
    const { rows } = await pool.query<{ seconds: number }>(
      'select extract(epoch from lease_until - now())::float8 as seconds from lanes where leased > 0',
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.seconds).toBeLessThanOrEqual(20);
    working();
    await eventually(() => vendor.received.length === 2);
    await pool.query('update lanes set lease_until = now() where leased > 0'); // as if it had passed
    await nothingIsOwed(log);
    expect(told(vendor.received).map(({ sequence }) => sequence)).toEqual([1, 2, 1, 2]);
  });

  test('a bell that was rung later than now is rung again', async () => {
    const log = await aLog(pool);
    const endpoint = await log.endpoint('http://127.0.0.1:9/');
    const directory = await log.directory();
    await log.write(directory);
    await sequenceBatch(pool);
    await pool.query(`update lanes set enqueued_at = now() + interval '1 hour'`);
    expect(await sweep(pool)).toEqual([{ endpointId: endpoint.id, directoryId: directory.id, slow: false }]);
    expect(await sweep(pool)).toEqual([]);
  });

  test('the holder of a lane that lives goes on holding it', async () => {
    const log = await aLog(pool);
    const endpoint = await log.endpoint('http://127.0.0.1:9/');
    const directory = await log.directory();
    await log.write(directory, 2);
    await sequenceBatch(pool);
    const lanes = new Lanes(pool);
    const claim = await lanes.claim({ endpointId: endpoint.id, directoryId: directory.id });
    if (claim.kind !== 'held') throw new Error('nobody holds it');
    await setClockBack();
    await pullBackTimes(pool);
    expect(await lanes.claim({ endpointId: endpoint.id, directoryId: directory.id })).toEqual({ kind: 'nothing' });
    const acked = await lanes.ack({ lane: claim.lane, sequence: 1, last: false, yield: false, attempts: [], setAside: [] });
    expect(acked).toMatchObject({ kind: 'acked', held: true });
  });

  test('what waits for a retry is tried again, and its endpoint probed', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ status: 500 });
    const endpoint = await log.endpoint(vendor.url);
    for (let i = 0; i < 6; i += 1) await log.write(await log.directory());
    working({ sweepEveryMs: 0 });
    const open = async (): Promise<boolean> =>
      (await pool.query('select 1 from webhook_endpoints where open_since is not null')).rowCount === 1;
    await eventually(open);
    await eventually(async () => (await pool.query('select 1 from lanes where leased > 0')).rowCount === 0);
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    await setClockBack();

    vendor.answers({});
    const pulledBack = await pullBackTimes(pool);
    expect(pulledBack).toMatchObject({ asides: 0, endpoints: 1 });
    expect(pulledBack.lanes).toBeGreaterThan(4);
    expect(await pullBackTimes(pool)).toEqual(none);
    working();
    await nothingIsOwed(log);
    const { state } = await getEndpoint(pool, keyring, { environmentId: log.environmentId, endpointId: endpoint.id });
    expect(state).toBe('active');
  });

  test('a refused event is tried again once for it, and not with every look', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ status: 422 });
    await log.endpoint(vendor.url);
    await log.write(await log.directory());
    working();
    await eventually(async () => (await pool.query('select 1 from lanes where refusals = 1 and leased = 0')).rowCount === 1);
    await setClockBack();
    expect(await pullBackTimes(pool)).toEqual({ ...none, lanes: 1 });
    await eventually(async () => (await pool.query('select 1 from lanes where refusals = 2 and leased = 0')).rowCount === 1);
    expect(await pullBackTimes(pool)).toEqual(none);
  });

  test('what is aside goes on', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    vendor.answersNext({ status: 500 }, { status: 422 });
    await log.endpoint(vendor.url, { ordering: 'none' });
    await log.write(await log.directory(), 3);
    working();
    await eventually(() => vendor.received.length === 3);
    await eventually(async () => (await pool.query('select 1 from lanes where next_attempt_at is not null')).rowCount === 0);
    await setClockBack();
    expect(await pullBackTimes(pool)).toEqual({ ...none, asides: 2 });
    await nothingIsOwed(log);
    expect(new Set(told(vendor.received).map(({ sequence }) => sequence))).toEqual(new Set([1, 2, 3]));
  });
});

test('what lies as far ahead as it can by rule is left as it is', async () => {
  const log = await aLog(pool);
  const endpoint = await log.endpoint('http://127.0.0.1:9/');
  const directories = await Promise.all([1, 2, 3, 4].map(() => log.directory()));
  for (const directory of directories) await log.write(directory);
  await sequenceBatch(pool);
  const set = (i: number, columns: string): Promise<unknown> =>
    pool.query(`update lanes set ${columns} where endpoint_id = $1 and directory_id = $2`, [endpoint.id, directories[i]?.id]);
  await set(0, `leased = 1, lease_until = now() + interval '20 seconds'`);
  await set(1, `attempt = 1, held_back = true, next_attempt_at = now() + interval '6 seconds'`);
  await set(2, `attempt = 9, held_back = true, next_attempt_at = now() + interval '36 minutes'`);
  await set(3, `attempt = 1, refusals = 1, refused_since = now(), next_attempt_at = now() + interval '1 hour'`);
  await pool.query(`update webhook_endpoints set open_since = now(), next_probe_at = now() + interval '1 hour'`);
  await pool.query(
    `insert into delivery_exceptions (endpoint_id, event_id, environment_id, position, type, kind, state, attempt, next_attempt_at)
     values ($1, $2, $3, 1, 'user.created', 'lane', 'waiting', 1, now() + interval '1 hour')`,
    [endpoint.id, directories[0]?.id, log.environmentId],
  );
  expect(await pullBackTimes(pool)).toEqual(none);

  await set(2, `attempt = 1`);
  expect(await pullBackTimes(pool)).toEqual({ ...none, lanes: 1 });
});
