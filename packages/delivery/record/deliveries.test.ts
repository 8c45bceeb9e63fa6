import type { DirectoryPool } from '#directory';
import { newId } from '#identifier';
import { createTestDatabase, eventually, startVendor, type Vendor } from '#testing';
import { aLog, aWorker, keyring, loopback, type TestLog, type TestWorker } from '../a-log';
import { type Delivery, type DeliveryState, getDelivery, listDeliveries, retryDelivery } from './deliveries';
import { DeliveryNotFound, EndpointDisabled, InvalidDeliveryCursor } from '../endpoint/endpoint';
import { changeEndpoint, sendTestEvent } from '../endpoint/endpoints';
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

type Of = { environmentId: string; endpointId: string };

async function all(of: Of, { limit = 100, state }: { limit?: number; state?: DeliveryState } = {}): Promise<Delivery[]> {
  const found: Delivery[] = [];
  let cursor: string | undefined;
  do {
    const page = await listDeliveries(pool, { ...of, limit, state, cursor });
    expect(page.deliveries.length).toBeLessThanOrEqual(limit);
    found.push(...page.deliveries);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return found;
}

const shown = (deliveries: Delivery[]): [number, DeliveryState][] => deliveries.map(({ sequence, state }) => [sequence, state]);

const quiet = (log: TestLog) =>
  eventually(
    async () =>
      (
        await pool.query(
          `select 1 from event_outbox where environment_id = $1 union all select 1 from lanes where environment_id = $1 and next_attempt_at <= now() + interval '1 second'
   union all select 1 from delivery_exceptions where environment_id = $1 and next_attempt_at <= now() + interval '1 second'`,
          [log.environmentId],
        )
      ).rowCount === 0,
  );

async function aVendorThatRefuses(sequences: number[], status = 500): Promise<Vendor> {
  const vendor = await startVendor();
  vendor.answers(({ body }) =>
    sequences.includes((JSON.parse(body) as { sequence: number }).sequence) ? { status, body: 'no' } : { status: 200, body: 'ok' },
  );
  return vendor;
}

test('deliveries stand newest first, with their states and attempts', async () => {
  const log = await aLog(pool);
  const vendor = await aVendorThatRefuses([2]);
  const endpoint = await log.endpoint(vendor.url);
  const directory = await log.directory();
  working();
  await log.write(directory, 3);
  await quiet(log);
  const of = { environmentId: log.environmentId, endpointId: endpoint.id };
  const deliveries = await all(of);
  expect(shown(deliveries)).toEqual([
    [3, 'pending'],
    [2, 'pending'],
    [1, 'succeeded'],
  ]);
  expect(deliveries[0]).toMatchObject({ nextAttemptAt: null, attempts: [] }); // it waits for its turn
  expect(deliveries[1]!.nextAttemptAt!.getTime()).toBeGreaterThan(deliveries[1]!.attempts[0]!.at.getTime());
  expect(deliveries[1]!.attempts).toMatchObject([{ status: 500, error: 'it answered 500 Internal Server Error', responseBody: 'no' }]);
  expect(deliveries[2]).toMatchObject({
    type: 'user.updated',
    directoryId: directory.id,
    test: false,
    nextAttemptAt: null,
    attempts: [{ status: 200, error: null, responseBody: 'ok' }],
  });
  expect(await getDelivery(pool, { ...of, eventId: deliveries[1]!.eventId })).toEqual(deliveries[1]);
});

test('they come in pages, by state, through several directories, asides and test events', async () => {
  const log = await aLog(pool);
  const vendor = await aVendorThatRefuses([2, 5], 422);
  const endpoint = await log.endpoint(vendor.url);
  const of = { environmentId: log.environmentId, endpointId: endpoint.id };
  const [one, other] = [await log.directory(), await log.directory()];
  working();
  await log.write(one, 2);
  await log.write(other, 1);
  await quiet(log);
  await pool.query('update lanes set refusals = 11, next_attempt_at = now() where refusals = 1');
  await quiet(log);
  await sendTestEvent(pool, of);
  await log.write(one, 4); // its fifth is refused
  await quiet(log);

  const expected: [number, DeliveryState][] = [
    [6, 'pending'],
    [5, 'pending'],
    [4, 'succeeded'],
    [3, 'succeeded'],
    [0, 'succeeded'],
    [1, 'succeeded'],
    [2, 'parked'],
    [1, 'succeeded'],
  ];
  for (const limit of [1, 2, 3, 100]) {
    expect(shown(await all(of, { limit }))).toEqual(expected);
    for (const state of ['pending', 'succeeded', 'parked'] as const) {
      expect(shown(await all(of, { limit, state }))).toEqual(expected.filter(([, is]) => is === state));
    }
  }
});

test('a state that is rare is looked for in bounded stretches, and found', async () => {
  const log = await aLog(pool);
  const endpoint = await log.endpoint('http://127.0.0.1:9/');
  const directory = await log.directory();
  await log.write(directory, 1);
  await sequenceBatch(pool);
  await pool.query('update lanes set cursor_sequence = head_sequence, next_attempt_at = null');
  // A long log of somebody else's.
  await pool.query(
    `insert into event_feed (environment_id, position, organization_id, directory_id, sequence, event_id, type)
                    select $1, 1 + n, $2, $3, n, gen_random_uuid(), 'user.updated' from generate_series(1, 12000) n`,
    [log.environmentId, newId(), newId()],
  );
  await pool.query('update feed_heads set position = 12001 where environment_id = $1', [log.environmentId]);
  const of = { environmentId: log.environmentId, endpointId: endpoint.id };
  const first = await listDeliveries(pool, { ...of, limit: 10 });
  expect(first.deliveries).toEqual([]);
  expect(first.next).not.toBeNull();
  expect(shown(await all(of, { state: 'succeeded' }))).toEqual([[1, 'succeeded']]);
  await expect(listDeliveries(pool, { ...of, limit: 10, cursor: 'nonsense' })).rejects.toThrow(InvalidDeliveryCursor);
});

test('an event that was never owed is no delivery', async () => {
  const log = await aLog(pool);
  const directory = await log.directory();
  await log.write(directory, 1);
  await sequenceBatch(pool);
  const endpoint = await log.endpoint('http://127.0.0.1:9/', { eventTypes: ['user.created'] });
  await log.write(directory, 1, 'user.deleted');
  await log.write(directory, 1, 'user.created');
  await sequenceBatch(pool);
  const of = { environmentId: log.environmentId, endpointId: endpoint.id };
  expect(shown(await all(of))).toEqual([[3, 'pending']]);
  const { rows } = await pool.query<{ event_id: string }>('select event_id from event_feed where environment_id = $1 order by position', [
    log.environmentId,
  ]);
  for (const { event_id: eventId } of rows.slice(0, 2))
    await expect(getDelivery(pool, { ...of, eventId })).rejects.toThrow(DeliveryNotFound);
});

describe('sent again by hand', () => {
  const eventIdOf = async (of: Of, sequence: number): Promise<string> =>
    (await all(of)).find((delivery) => delivery.sequence === sequence)!.eventId;

  test('one that succeeded is sent once more, out of its turn, and stays succeeded whatever comes of it', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    const endpoint = await log.endpoint(vendor.url);
    const of = { environmentId: log.environmentId, endpointId: endpoint.id };
    const directory = await log.directory();
    working();
    await log.write(directory, 3);
    await quiet(log);
    const eventId = await eventIdOf(of, 2);
    expect((await retryDelivery(pool, { ...of, eventId })).state).toBe('pending');
    await quiet(log);
    expect(await getDelivery(pool, { ...of, eventId })).toMatchObject({ state: 'succeeded', attempts: [{ status: 204 }, { status: 204 }] });
    vendor.answers({ status: 500 });
    await retryDelivery(pool, { ...of, eventId });
    await quiet(log);
    expect(await getDelivery(pool, { ...of, eventId })).toMatchObject({
      state: 'succeeded',
      attempts: [{ status: 204 }, { status: 204 }, { status: 500 }],
    });
    expect(new Set(vendor.received.filter((_, i) => i === 1 || i > 2).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  test('one that is parked is sent once, and is delivered or parked again', async () => {
    const log = await aLog(pool);
    const vendor = await aVendorThatRefuses([1], 422);
    const endpoint = await log.endpoint(vendor.url);
    const of = { environmentId: log.environmentId, endpointId: endpoint.id };
    const directory = await log.directory();
    working();
    await log.write(directory, 1);
    await quiet(log);
    await pool.query('update lanes set refusals = 11, next_attempt_at = now()');
    await quiet(log);
    const eventId = await eventIdOf(of, 1);
    await retryDelivery(pool, { ...of, eventId });
    await quiet(log);
    expect((await getDelivery(pool, { ...of, eventId })).state).toBe('parked');
    vendor.answers({});
    await retryDelivery(pool, { ...of, eventId });
    await quiet(log);
    expect((await getDelivery(pool, { ...of, eventId })).state).toBe('succeeded');
    expect((await pool.query('select 1 from delivery_exceptions')).rowCount).toBe(0);
  });

  test('one that waits is tried now, but not before those that stand before it', async () => {
    const log = await aLog(pool);
    const vendor = await aVendorThatRefuses([1]);
    const endpoint = await log.endpoint(vendor.url);
    const of = { environmentId: log.environmentId, endpointId: endpoint.id };
    const directory = await log.directory();
    working();
    await log.write(directory, 2);
    await quiet(log);
    vendor.answers({});
    await retryDelivery(pool, { ...of, eventId: await eventIdOf(of, 2) });
    await quiet(log);
    expect(vendor.received.map(({ body }) => (JSON.parse(body) as { sequence: number }).sequence)).toEqual([1, 1, 2]);
  });

  test('nothing is sent to a disabled endpoint', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    const endpoint = await log.endpoint(vendor.url);
    const of = { environmentId: log.environmentId, endpointId: endpoint.id };
    const directory = await log.directory();
    working();
    await log.write(directory, 1);
    await quiet(log);
    const eventId = await eventIdOf(of, 1);
    await changeEndpoint(pool, keyring, { ...of, allowedCidrs: loopback, changes: { enabled: false } });
    await expect(retryDelivery(pool, { ...of, eventId })).rejects.toThrow(EndpointDisabled);
  });
});
