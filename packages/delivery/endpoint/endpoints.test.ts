import type { DirectoryPool } from '#directory';
import { idAt, newId } from '#identifier';
import { ensurePartitions } from '#runtime';
import { createTestDatabase, eventually, startVendor, type Vendor } from '#testing';
import { aLog, aWorker, keyring, loopback, type TestLog, type TestWorker, told } from '../a-log';
import { EndpointDisabled, EndpointNotFound, TooManyEndpoints, UnknownOrganization } from './endpoint';
import { changeEndpoint, createEndpoint, deleteEndpoint, getEndpoint, listEndpoints, rotateSecret, sendTestEvent } from './endpoints';
import { getDelivery, listDeliveries } from '../record/deliveries';
import { replay } from './replay';
import { countReplay } from './replay-preview';
import { sequenceBatch } from '../lanes/sequencer';

let pool: DirectoryPool;
const workers: TestWorker[] = [];

beforeEach(async () => {
  ({ pool } = await createTestDatabase());
});

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
});

function working(): TestWorker {
  const worker = aWorker(pool);
  workers.push(worker);
  return worker;
}

const allDone = (log: TestLog) =>
  eventually(
    async () => {
      const { rowCount } = await pool.query(
        `select 1 from event_outbox where environment_id = $1 union all select 1 from lanes where environment_id = $1 and next_attempt_at is not null
     union all select 1 from delivery_exceptions where environment_id = $1 and next_attempt_at is not null`,
        [log.environmentId],
      );
      return rowCount === 0;
    },
    { withinMs: 20_000 },
  );

const sequenceAll = async (): Promise<void> => {
  while (await sequenceBatch(pool)) {
    // until nothing waits
  }
};

const positions = (vendor: Vendor): number[] =>
  told(vendor.received)
    .map(({ position }) => position)
    .sort((a, b) => a - b);
const count = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
const head = async (log: TestLog): Promise<number> =>
  (await pool.query<{ position: number }>('select position from feed_heads where environment_id = $1', [log.environmentId])).rows[0]!
    .position;

test('an endpoint is made, shown without its secret, changed and deleted', async () => {
  const log = await aLog(pool);
  const { endpoint, secret } = await createEndpoint(pool, keyring, {
    environmentId: log.environmentId,
    url: 'https://Example.com/hooks',
    allowedCidrs: [],
    headers: { Authorization: 'Bearer x' },
    description: 'all of it',
  });
  expect(secret).toMatch(/^whsec_/);
  expect(endpoint).toMatchObject({
    url: 'https://example.com/hooks',
    eventTypes: null,
    organizationId: null,
    description: 'all of it',
    ordering: 'directory',
    state: 'active',
    headers: { authorization: 'Bearer x' },
    maxParallel: 8,
    disabledAt: null,
  });
  expect(JSON.stringify(endpoint)).not.toContain(secret);
  expect(endpoint.publicKey).toMatch(/^whpk_/);
  const of = { environmentId: log.environmentId, endpointId: endpoint.id };
  expect(await getEndpoint(pool, keyring, of)).toEqual(endpoint);

  const changed = await changeEndpoint(pool, keyring, {
    ...of,
    allowedCidrs: [],
    changes: { url: 'https://example.org/', description: null, headers: {}, maxParallel: 2, ordering: 'none' },
  });
  expect(changed).toMatchObject({
    url: 'https://example.org/',
    description: null,
    headers: {},
    maxParallel: 2,
    ordering: 'none',
    eventTypes: null,
  });
  expect(await changeEndpoint(pool, keyring, { ...of, allowedCidrs: [], changes: { enabled: false } })).toMatchObject({
    state: 'disabled',
    disabledReason: 'by_hand',
  });
  expect(await changeEndpoint(pool, keyring, { ...of, allowedCidrs: [], changes: { enabled: true } })).toMatchObject({
    state: 'active',
    disabledReason: null,
  });

  await deleteEndpoint(pool, of);
  await expect(getEndpoint(pool, keyring, of)).rejects.toThrow(EndpointNotFound);
  await expect(deleteEndpoint(pool, of)).rejects.toThrow(EndpointNotFound);
  expect(await listEndpoints(pool, keyring, { environmentId: log.environmentId, limit: 10 })).toEqual([]);
});

test('endpoints are listed newest first, page by page', async () => {
  const log = await aLog(pool);
  const made = [];
  for (let i = 0; i < 3; i += 1) made.unshift((await log.endpoint(`http://127.0.0.1/${i}`)).id);
  const [first, second] = await listEndpoints(pool, keyring, { environmentId: log.environmentId, limit: 2 });
  const rest = await listEndpoints(pool, keyring, { environmentId: log.environmentId, limit: 2, before: second!.id });
  expect([first!.id, second!.id, ...rest.map(({ id }) => id)]).toEqual(made);
});

test("another environment's endpoint does not exist, for any verb", async () => {
  const [log, other] = [await aLog(pool), await aLog(pool)];
  const endpoint = await log.endpoint('http://127.0.0.1/');
  const of = { environmentId: other.environmentId, endpointId: endpoint.id };
  await expect(getEndpoint(pool, keyring, of)).rejects.toThrow(EndpointNotFound);
  await expect(changeEndpoint(pool, keyring, { ...of, allowedCidrs: loopback, changes: { eventTypes: [] } })).rejects.toThrow(
    EndpointNotFound,
  );
  await expect(changeEndpoint(pool, keyring, { ...of, allowedCidrs: loopback, changes: { enabled: false } })).rejects.toThrow(
    EndpointNotFound,
  );
  await expect(deleteEndpoint(pool, of)).rejects.toThrow(EndpointNotFound);
  await expect(rotateSecret(pool, keyring, of)).rejects.toThrow(EndpointNotFound);
  await expect(sendTestEvent(pool, of)).rejects.toThrow(EndpointNotFound);
  await expect(replay(pool, of)).rejects.toThrow(EndpointNotFound);
  await expect(listDeliveries(pool, { ...of, limit: 10 })).rejects.toThrow(EndpointNotFound);
  await expect(getDelivery(pool, { ...of, eventId: newId() })).rejects.toThrow(EndpointNotFound);
  expect(await listEndpoints(pool, keyring, { environmentId: other.environmentId, limit: 10 })).toEqual([]);
});

describe('what cannot be', () => {
  test("another environment's organization", async () => {
    const [log, other] = [await aLog(pool), await aLog(pool)];
    const { organizationId } = await other.directory();
    await expect(log.endpoint('http://127.0.0.1/', { organizationId })).rejects.toThrow(UnknownOrganization);
  });

  test('more than 50 endpoints', async () => {
    const log = await aLog(pool);
    await pool.query(
      `insert into webhook_endpoints (id, environment_id, url) select gen_random_uuid(), $1, 'https://example.com' from generate_series(1, 50)`,
      [log.environmentId],
    );
    await expect(log.endpoint('http://127.0.0.1/')).rejects.toThrow(TooManyEndpoints);
  });
});

describe('where an endpoint starts', () => {
  test('now: with the next event; at the beginning: with the first; at a place: with the one after it', async () => {
    const log = await aLog(pool);
    const [one, other] = [await log.directory(), await log.directory()];
    await log.write(one, 3);
    await log.write(other, 3);
    await log.write(one, 3);
    await sequenceAll();
    const [now, beginning, after4, scoped, late] = [
      await startVendor(),
      await startVendor(),
      await startVendor(),
      await startVendor(),
      await startVendor(),
    ];
    await log.endpoint(now.url);
    await log.endpoint(beginning.url, { start: 'beginning' });
    await log.endpoint(after4.url, { start: { after: 4 } });
    await log.endpoint(scoped.url, { start: 'beginning', organizationId: other.organizationId });
    await log.endpoint(late.url, { start: { after: 9_999 } });
    await log.write(other, 1);
    working();
    await allDone(log);
    expect(positions(now)).toEqual([10]);
    expect(positions(beginning)).toEqual(count(1, 10));
    expect(positions(after4)).toEqual(count(5, 10));
    expect(positions(scoped)).toEqual([4, 5, 6, 10]);
    expect(positions(late)).toEqual([10]);
  });

  test('lies between two positions, however many are being written: nothing missed, nothing early', async () => {
    const log = await aLog(pool);
    const directories = await Promise.all(count(1, 4).map(() => log.directory()));
    working();
    let writing = true;
    const writers = directories.map(async (directory) => {
      while (writing) await log.write(directory);
    });
    const made: { vendor: Vendor; from: number; types: boolean }[] = [];
    for (let i = 0; i < 12; i += 1) {
      const vendor = await startVendor();
      const before = await head(log);
      const start = i % 3 === 0 ? 'now' : i % 3 === 1 ? 'beginning' : { after: Math.max(0, before - 5) };
      const endpoint = await log.endpoint(vendor.url, { start });
      const { rows } = await pool.query<{ from_position: number }>('select from_position from webhook_filters where endpoint_id = $1', [
        endpoint.id,
      ]);
      made.push({ vendor, from: rows[0]!.from_position, types: false });
      expect(rows[0]!.from_position).toBeGreaterThanOrEqual(start === 'now' ? before + 1 : typeof start === 'object' ? start.after + 1 : 1);
    }
    writing = false;
    await Promise.all(writers);
    await allDone(log);
    const end = await head(log);
    for (const { vendor, from } of made) expect(positions(vendor)).toEqual(count(from, end));
  });

  test('a filter that is changed holds for what comes after the change, and what is owed already stays owed', async () => {
    const log = await aLog(pool);
    const directory = await log.directory();
    const vendor = await startVendor();
    const endpoint = await log.endpoint(vendor.url, { eventTypes: ['user.created'] });
    const of = { environmentId: log.environmentId, endpointId: endpoint.id, allowedCidrs: loopback };
    await log.write(directory, 1, 'user.created'); // 1
    await log.write(directory, 1, 'user.updated'); // 2: not asked for
    await sequenceAll();
    await changeEndpoint(pool, keyring, { ...of, changes: { eventTypes: ['user.created', 'user.updated'] } });
    await log.write(directory, 1, 'user.updated'); // 3
    await sequenceAll();
    await changeEndpoint(pool, keyring, { ...of, changes: { eventTypes: ['user.deleted'] } });
    await log.write(directory, 1, 'user.created'); // 4: not any more
    await log.write(directory, 1, 'user.deleted'); // 5
    await sequenceAll();
    await pool.query('update lanes set enqueued_at = null'); // as if nobody had been rung for
    working();
    await allDone(log);
    expect(positions(vendor)).toEqual([1, 3, 5]);
    const { deliveries } = await listDeliveries(pool, { ...of, limit: 10 });
    expect(deliveries.map(({ sequence, state }) => [sequence, state])).toEqual([
      [5, 'succeeded'],
      [3, 'succeeded'],
      [1, 'succeeded'],
    ]);
  });

  test('and while many write a filter is widened between two positions', async () => {
    const log = await aLog(pool);
    const directories = await Promise.all(count(1, 4).map(() => log.directory()));
    const vendor = await startVendor();
    const endpoint = await log.endpoint(vendor.url, { eventTypes: ['user.created'] });
    working();
    let writing = true;
    const writers = directories.map(async (directory) => {
      while (writing) await log.write(directory);
    });
    await eventually(async () => (await head(log)) > 20);
    await changeEndpoint(pool, keyring, {
      environmentId: log.environmentId,
      endpointId: endpoint.id,
      allowedCidrs: loopback,
      changes: { eventTypes: null },
    });
    const { rows } = await pool.query<{ from_position: number }>('select from_position from webhook_filters where event_types is null');
    const widened = rows[0]!.from_position;
    await eventually(async () => (await head(log)) > widened + 20);
    writing = false;
    await Promise.all(writers);
    await allDone(log);
    expect(positions(vendor)).toEqual(count(widened, await head(log)));
  });
});

describe('a replay', () => {
  const replayed = async (
    since: Parameters<typeof replay>[1]['since'],
    of: { log: TestLog; endpointId: string; vendor: Vendor },
    directoryId?: string,
  ): Promise<number[]> => {
    of.vendor.received.splice(0);
    await replay(pool, { environmentId: of.log.environmentId, endpointId: of.endpointId, since, directoryId });
    await allDone(of.log);
    return positions(of.vendor);
  };

  test('brings everything again from a place, from a time, or from the beginning; of one directory, if told so', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    const [one, other] = [await log.directory(), await log.directory()];
    await log.write(one, 2);
    await log.write(other, 2);
    await sequenceAll();
    const endpoint = await log.endpoint(vendor.url);
    working();
    await log.write(one, 2);
    await allDone(log);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const time = new Date();
    await log.write(other, 2);
    await allDone(log);
    expect(positions(vendor)).toEqual([5, 6, 7, 8]);

    const of = { log, endpointId: endpoint.id, vendor };
    expect(await replayed({ after: 6 }, of)).toEqual([7, 8]);
    expect(await replayed(time, of)).toEqual([7, 8]);
    expect(await replayed({ after: 3 }, of, other.id)).toEqual([4, 7, 8]);
    expect(await replayed(undefined, of)).toEqual(count(1, 8)); // also from before it was there
    expect(await replayed(undefined, of, one.id)).toEqual([1, 2, 5, 6]);
    expect(await replayed(new Date(Date.now() + 60_000), of)).toEqual([]);
    expect(await replayed(new Date(0), of)).toEqual(count(1, 8));
  });

  test.each([-20, 20])('goes by the time of the log, where the clock of a broker that makes ids is %i minutes off', async (minutes) => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    const directory = await log.directory();
    const endpoint = await log.endpoint(vendor.url);
    working();
    await log.write(directory, 10);
    await allDone(log);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { rows } = await pool.query<{ now: Date }>('select clock_timestamp() as now');
    await log.write(directory, 21);
    await allDone(log);
    const time = rows[0]!.now;
    await makeIdsAt(log, new Date(time.getTime() + minutes * 60_000));
    // What it is told of is found by halves only where there is something well before it.
    await pool.query(`update events set occurred_at = occurred_at - interval '1 hour' where environment_id = $1 and sequence <= 8`, [
      log.environmentId,
    ]);

    const of = { log, endpointId: endpoint.id, vendor };
    expect(await replayed(time, of)).toEqual(count(11, 31));
    expect(await replayed(new Date(time.getTime() - 30 * 60_000), of)).toEqual(count(9, 31));
    const preview = await countReplay(pool, keyring, {
      environmentId: log.environmentId,
      endpointId: endpoint.id,
      since: time,
      directoryId: undefined,
    });
    expect(preview).toMatchObject({ events: 21, capped: false });
    expect(Date.parse(preview.first_at ?? '')).toBeGreaterThanOrEqual(time.getTime());
  });

  /** As if they had been made then. */
  async function makeIdsAt(log: TestLog, time: Date): Promise<void> {
    await ensurePartitions(pool);
    const { rows } = await pool.query<{ id: string }>('select id from events where environment_id = $1 order by sequence', [
      log.environmentId,
    ]);
    const made = rows.map((_, i) => idAt(new Date(time.getTime() + i)));
    const ids = [rows.map(({ id }) => id), made];
    await pool.query('update events e set id = m.made from unnest($1::uuid[], $2::uuid[]) as m (id, made) where e.id = m.id', ids);
    await pool.query(
      'update event_feed f set event_id = m.made from unnest($1::uuid[], $2::uuid[]) as m (id, made) where f.event_id = m.id',
      ids,
    );
  }

  test('brings what it asks for today, and parked events too', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ status: 422 });
    const directory = await log.directory();
    const endpoint = await log.endpoint(vendor.url, { eventTypes: ['user.created'] });
    working();
    await log.write(directory, 1, 'user.created');
    await log.write(directory, 1, 'user.deleted');
    await eventually(async () => (await pool.query('select 1 from lanes where refusals = 1')).rowCount === 1);
    await pool.query('update lanes set refusals = 11, next_attempt_at = now()');
    await allDone(log);
    const of = { environmentId: log.environmentId, endpointId: endpoint.id };
    expect((await listDeliveries(pool, { ...of, limit: 10 })).deliveries.map(({ state }) => state)).toEqual(['parked']);

    vendor.answers({});
    await changeEndpoint(pool, keyring, { ...of, allowedCidrs: loopback, changes: { eventTypes: null } });
    expect(await replayed(undefined, { log, endpointId: endpoint.id, vendor })).toEqual([1, 2]);
    expect((await listDeliveries(pool, { ...of, limit: 10 })).deliveries.map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
  });
});

describe('a test event', () => {
  test('comes to that endpoint alone, signed, marked, once, and stands among the deliveries', async () => {
    const log = await aLog(pool);
    const [vendor, other] = [await startVendor(), await startVendor()];
    const endpoint = await log.endpoint(vendor.url, { eventTypes: ['group.deleted'] });
    await log.endpoint(other.url);
    working();
    const of = { environmentId: log.environmentId, endpointId: endpoint.id };
    const { eventId } = await sendTestEvent(pool, { ...of, type: 'group.member_added' });
    await eventually(() => vendor.received.length === 1);
    expect(vendor.events(endpoint.secret)).toMatchObject([
      { type: 'group.member_added', test: true, position: 0, sequence: 0, data: { group: {}, user: {} } },
    ]);
    await allDone(log);
    expect(await getDelivery(pool, { ...of, eventId })).toMatchObject({
      test: true,
      state: 'succeeded',
      directoryId: null,
      attempts: [{ status: 204 }],
    });
    expect(other.received).toEqual([]);
    expect(await head(log)).toBe(0);
  });

  test('that fails is not tried again, and says nothing of the endpoint', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ status: 500 });
    const endpoint = await log.endpoint(vendor.url);
    working();
    const of = { environmentId: log.environmentId, endpointId: endpoint.id };
    const { eventId } = await sendTestEvent(pool, of);
    await allDone(log);
    expect(await getDelivery(pool, { ...of, eventId })).toMatchObject({
      state: 'parked',
      nextAttemptAt: null,
      attempts: [{ status: 500 }],
    });
    expect((await getEndpoint(pool, keyring, of)).state).toBe('active');
  });

  test('does not go to a disabled endpoint', async () => {
    const log = await aLog(pool);
    const endpoint = await log.endpoint('http://127.0.0.1/');
    const of = { environmentId: log.environmentId, endpointId: endpoint.id };
    await changeEndpoint(pool, keyring, { ...of, allowedCidrs: loopback, changes: { enabled: false } });
    await expect(sendTestEvent(pool, of)).rejects.toThrow(EndpointDisabled);
  });
});

test('an endpoint that is disabled by hand keeps its place, and goes on where it stopped', async () => {
  const log = await aLog(pool);
  const vendor = await startVendor();
  const endpoint = await log.endpoint(vendor.url);
  const directory = await log.directory();
  const of = { environmentId: log.environmentId, endpointId: endpoint.id, allowedCidrs: loopback };
  working();
  await log.write(directory, 2);
  await allDone(log);
  await changeEndpoint(pool, keyring, { ...of, changes: { enabled: false } });
  await log.write(directory, 3);
  await eventually(async () => (await head(log)) === 5);
  expect(positions(vendor)).toEqual([1, 2]);
  await changeEndpoint(pool, keyring, { ...of, changes: { enabled: true } });
  await allDone(log);
  expect(positions(vendor)).toEqual(count(1, 5));
});

test("the last event of a directory is delivered though the directory's row is gone", async () => {
  const log = await aLog(pool);
  const vendor = await startVendor();
  await log.endpoint(vendor.url);
  const directory = await log.directory();
  await log.write(directory, 1, 'directory.deleted');
  await pool.query('delete from directories where id = $1', [directory.id]);
  working();
  await allDone(log);
  expect(told(vendor.received).map(({ type }) => type)).toEqual(['directory.deleted']);
});
