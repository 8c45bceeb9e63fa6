import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type DirectoryPool, readDirectoryPages, readEvents, rewindFeeds } from '#directory';
import { createTestDatabase, eventually, startVendor, verified, type Received, type Vendor } from '#testing';
import { aLog, aWorker, type TestLog, type TestWorker, told } from '../a-log';
import { getDelivery, listDeliveries } from '../record/deliveries';
import { changeEndpoint, deleteEndpoint, getEndpoint, rotateSecret } from '../endpoint/endpoints';
import { keyring, loopback } from '../a-log';
import { Lanes } from './lanes';
import { replay } from '../endpoint/replay';
import { sequenceBatch } from './sequencer';
import { sweep } from './sweep';

let pool: DirectoryPool;
const workers: TestWorker[] = [];

beforeEach(async () => {
  ({ pool } = await createTestDatabase());
});

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
});

function working(options: Parameters<typeof aWorker>[1] = {}): TestWorker {
  const worker = aWorker(pool, options);
  workers.push(worker);
  return worker;
}

const sequences = (received: readonly Received[], directoryId?: string): number[] =>
  told(received)
    .filter((event) => directoryId === undefined || event.directory_id.slice(4) === directoryId.replaceAll('-', ''))
    .map((event) => event.sequence);

const count = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

const allDone = (log: TestLog, withinMs = 20_000) =>
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
    { withinMs },
  );

/** As if its time had come: the schedule waits longer than a test may. */
const tryNow = (log: TestLog) =>
  pool.query(`update lanes l set next_attempt_at = now() from ${locked('next_attempt_at > now()')}`, [log.environmentId]);
const loseLeases = (log: TestLog) => pool.query(`update lanes l set lease_until = now() from ${locked('leased > 0')}`, [log.environmentId]);
/** In the order in which everybody locks lanes. */
const locked = (which: string): string => `(
  select endpoint_id, directory_id from lanes where environment_id = $1 and ${which} order by endpoint_id, directory_id for no key update
) k where l.endpoint_id = k.endpoint_id and l.directory_id = k.directory_id`;
const probeNow = (log: TestLog) =>
  pool.query('update webhook_endpoints set next_probe_at = now() where environment_id = $1 and open_since is not null', [
    log.environmentId,
  ]);

interface LaneRow {
  cursor_sequence: number;
  head_sequence: number;
  attempt: number;
  refusals: number;
  leased: number;
  lease_epoch: number;
  /** How long it has to wait yet: no longer than it was told to. */
  wait_s: number | null;
  /** From its last attempt to the next: no shorter than it was told to. */
  pause_s: number | null;
}
async function laneOf(endpointId: string, directoryId: string): Promise<LaneRow> {
  const { rows } = await pool.query<LaneRow>(
    `select cursor_sequence, head_sequence, attempt, refusals, leased, lease_epoch, extract(epoch from next_attempt_at - now())::float8 as wait_s,
            extract(epoch from next_attempt_at - (select max(a.at) from delivery_attempts a join events e on e.id = a.event_id
                                                   where a.endpoint_id = l.endpoint_id and e.directory_id = l.directory_id))::float8 as pause_s
       from lanes l where endpoint_id = $1 and directory_id = $2`,
    [endpointId, directoryId],
  );
  return rows[0]!;
}

describe('what an endpoint gets', () => {
  test('is each event of each directory once, in order, signed, the same JSON as by API', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    const endpoint = await log.endpoint(vendor.url);
    const [one, other] = [await log.directory(), await log.directory()];
    working();
    await log.write(one, 3);
    await log.write(other, 2);
    await log.write(one, 2);
    await allDone(log);

    expect(sequences(vendor.received, one.id)).toEqual([1, 2, 3, 4, 5]);
    expect(sequences(vendor.received, other.id)).toEqual([1, 2]);
    vendor.events(endpoint.secret); // throws where a signature is bad
    const { events } = await readEvents(pool, { environmentId: log.environmentId, after: 0, limit: 100 });
    expect(new Set(vendor.received.map(({ body }) => body))).toEqual(new Set(events.map(({ json }) => json)));
    expect(vendor.received[0]!.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': told(vendor.received)[0]!.id });
  });

  test('is a burst of many pages, in order', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    await log.endpoint(vendor.url);
    const directory = await log.directory();
    await log.write(directory, 330);
    working();
    await allDone(log);
    expect(sequences(vendor.received)).toEqual(count(1, 330));
  });

  test('is what it asks for: types, and headers of its own', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    await log.endpoint(vendor.url, { eventTypes: ['user.created', 'user.deleted'], headers: { 'X-Gateway-Key': 'open sesame' } });
    const directory = await log.directory();
    working();
    await log.write(directory, 1, 'user.created');
    await log.write(directory, 70, 'user.updated');
    await log.write(directory, 1, 'user.deleted');
    await log.write(directory, 1, 'user.updated');
    await allDone(log);
    await eventually(() => vendor.received.length === 2);
    expect(told(vendor.received).map(({ type, sequence }) => [type, sequence])).toEqual([
      ['user.created', 1],
      ['user.deleted', 72],
    ]);
    expect(vendor.received[0]!.headers['x-gateway-key']).toBe('open sesame');
    const { rows } = await pool.query<{ headers: Buffer }>('select headers from webhook_endpoints');
    expect(rows[0]!.headers.toString('latin1')).not.toContain('sesame');
  });

  test('is already readable by cursor when it comes', async () => {
    const log = await aLog(pool);
    const early: number[] = [];
    const vendor = await startVendor();
    await log.endpoint(vendor.url);
    const looks: Promise<void>[] = [];
    vendor.answers(({ body }) => {
      const { position } = JSON.parse(body) as { position: number };
      looks.push(
        readEvents(pool, { environmentId: log.environmentId, after: position - 1, limit: 1 }).then(({ events }) => {
          if (events[0]?.position !== position) early.push(position);
        }),
      );
      return {};
    });
    const directory = await log.directory();
    working();
    for (let i = 0; i < 20; i += 1) await log.write(directory);
    await allDone(log);
    await Promise.all(looks);
    expect(looks).toHaveLength(20);
    expect(early).toEqual([]);
  });

  test('ends when it is deleted, though it was being sent to', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ delayMs: 30 });
    const endpoint = await log.endpoint(vendor.url);
    const directory = await log.directory();
    working();
    await log.write(directory, 50);
    await eventually(() => vendor.received.length > 2);
    await deleteEndpoint(pool, { environmentId: log.environmentId, endpointId: endpoint.id });
    const got = vendor.received.length; // one of which may still be on its way
    await log.write(directory, 5);
    await allDone(log);
    expect(vendor.received.length).toBeLessThanOrEqual(got + 1);
    await expect(getEndpoint(pool, keyring, { environmentId: log.environmentId, endpointId: endpoint.id })).rejects.toThrow(
      'no such webhook endpoint',
    );
  });
});

describe('nothing is lost', () => {
  test('when doorbells are: the sweep rings again', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    await log.endpoint(vendor.url);
    const directories = await Promise.all([1, 2, 3].map(() => log.directory()));
    let bells = 0;
    working({ loses: () => ++bells % 2 === 1 });
    for (let i = 0; i < 5; i += 1) for (const directory of directories) await log.write(directory);
    await allDone(log);
    for (const directory of directories) expect(sequences(vendor.received, directory.id)).toEqual(count(1, 5));
  });

  test('and without the sweep it would be (or this test shows nothing)', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    await log.endpoint(vendor.url);
    const directory = await log.directory();
    working({ loses: () => true, sweepEveryMs: 0 });
    await log.write(directory);
    await eventually(async () => (await pool.query('select 1 from lanes where enqueued_at is not null')).rowCount === 1);
    expect(vendor.received).toEqual([]);
  });

  test('when the holder of a lane dies between the 2xx and the ack: one event comes twice, with the same id', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    const endpoint = await log.endpoint(vendor.url);
    const directory = await log.directory();
    await log.write(directory, 3);
    await sequenceBatch(pool);
    // A holder that gets as far as the answer, and no farther.
    const claimed = await new Lanes(pool).claim({ endpointId: endpoint.id, directoryId: directory.id });
    expect(claimed.kind).toBe('held');
    const { events } = await readEvents(pool, { environmentId: log.environmentId, after: 0, limit: 1 });
    await fetch(vendor.url, { method: 'POST', body: events[0]!.json });

    working();
    await eventually(async () => (await pool.query('select 1 from lanes where lease_until > now()')).rowCount === 1);
    expect(vendor.received).toHaveLength(1); // its lease holds still
    await pool.query(`update lanes set lease_until = now(), enqueued_at = enqueued_at - interval '6 seconds'`);
    await allDone(log);
    expect(sequences(vendor.received)).toEqual([1, 1, 2, 3]);
    expect(vendor.received[0]!.body).toBe(vendor.received[1]!.body);
  });

  test('and a holder that was thought dead writes nothing any more', async () => {
    const log = await aLog(pool);
    const endpoint = await log.endpoint('http://127.0.0.1:9/');
    const directory = await log.directory();
    await log.write(directory, 3);
    await sequenceBatch(pool);
    const lanes = new Lanes(pool);
    const name = { endpointId: endpoint.id, directoryId: directory.id };
    const first = await lanes.claim(name);
    await pool.query('update lanes set lease_until = now()');
    const second = await lanes.claim(name);
    if (first.kind !== 'held' || second.kind !== 'held') throw new Error('both should have held it');
    const record = {
      id: first.lane.endpointId,
      eventId: first.lane.endpointId,
      at: new Date(),
      status: 200,
      durationMs: 1,
      error: null,
      responseBody: '',
    };
    const ack = { sequence: 1, last: false, yield: false, attempts: [record], setAside: [] };

    expect(await lanes.ack({ lane: first.lane, ...ack })).toEqual({ kind: 'fenced' });
    expect(await lanes.renew(first.lane)).toBe(false);
    expect(await lanes.fail(first.lane, { record, refused: false, heldBack: true, delaySeconds: 1 })).toBe(false);
    await lanes.release(first.lane);
    expect(await laneOf(endpoint.id, directory.id)).toMatchObject({ cursor_sequence: 0, attempt: 0, leased: 1, lease_epoch: 2 });
    expect((await pool.query('select 1 from delivery_attempts')).rowCount).toBe(0);
    expect(await lanes.ack({ lane: second.lane, ...ack })).toMatchObject({ kind: 'acked', held: true });
  });

  test('with two workers, lost bells, lost leases, an endpoint that fails now and then, and endpoints made meanwhile', async () => {
    const log = await aLog(pool);
    const directories = await Promise.all([1, 2, 3].map(() => log.directory()));
    const flaky = await startVendor();
    let asked = 0;
    flaky.answers(() => (++asked % 7 === 0 ? { status: 500 } : asked % 11 === 0 ? { reset: true } : {}));
    const steady = await startVendor();
    await log.endpoint(flaky.url, { maxParallel: 2 });
    await log.endpoint(steady.url);
    let bells = 0;
    working({ loses: () => ++bells % 3 === 0 });
    working({ loses: () => ++bells % 3 === 1 });

    const late: { vendor: Vendor; from: Map<string, number> }[] = [];
    const written = new Map<string, number>(directories.map(({ id }) => [id, 0]));
    for (let i = 0; i < 40; i += 1) {
      const directory = directories[i % 3]!;
      const events = 1 + (i % 2);
      await log.write(directory, events);
      written.set(directory.id, written.get(directory.id)! + events);
      if (i % 7 === 3) await loseLeases(log);
      if (i % 5 === 0) await tryNow(log);
      if (i === 20) {
        const vendor = await startVendor();
        await log.endpoint(vendor.url, { start: 'beginning' });
        late.push({ vendor, from: new Map() });
      }
    }
    await eventually(
      async () => {
        await tryNow(log);
        await probeNow(log);
        const { rowCount } = await pool.query('select 1 from event_outbox union all select 1 from lanes where next_attempt_at is not null');
        return rowCount === 0;
      },
      { withinMs: 30_000, everyMs: 50 },
    );

    for (const { id } of directories) {
      const all = count(1, written.get(id)!);
      const firsts = (vendor: Vendor): number[] => [...new Set(sequences(vendor.received, id))];
      expect(firsts(steady)).toEqual(all);
      expect(firsts(late[0]!.vendor)).toEqual(all);
      expect(firsts(flaky)).toEqual(all);
    }
    expect(flaky.mostAtOnce()).toBeLessThanOrEqual(4); // 2, and at most one more for each lease that was taken away
  });
});

describe('a failing endpoint', () => {
  test('is tried again by the schedule, the event first that failed, and holds back no other directory', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    const [bad, good] = [await log.directory(), await log.directory()];
    vendor.answers(({ body }) => (body.includes(bad.id.replaceAll('-', '')) ? { status: 500, body: 'oh dear' } : {}));
    const endpoint = await log.endpoint(vendor.url);
    const worker = working();
    await log.write(bad, 2);
    await log.write(good, 2);
    await eventually(() => sequences(vendor.received, good.id).length === 2);
    await eventually(async () => (await laneOf(endpoint.id, bad.id)).attempt === 1);

    const waits = [await laneOf(endpoint.id, bad.id)];
    for (let attempt = 2; attempt <= 7; attempt += 1) {
      await tryNow(log);
      await eventually(async () => (await laneOf(endpoint.id, bad.id)).attempt === attempt);
      waits.push(await laneOf(endpoint.id, bad.id));
    }
    for (const [i, seconds] of [5, 30, 120, 300, 900, 1_800, 1_800].entries()) {
      expect(waits[i]!.pause_s).toBeGreaterThanOrEqual(seconds * 0.8);
      expect(waits[i]!.wait_s).toBeLessThanOrEqual(seconds * 1.2);
    }
    expect(sequences(vendor.received, bad.id)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect((await getEndpoint(pool, keyring, { environmentId: log.environmentId, endpointId: endpoint.id })).state).toBe('failing');

    await log.write(good, 1);
    await eventually(() => sequences(vendor.received, good.id).length === 3);
    vendor.answers({});
    await tryNow(log);
    await allDone(log);
    expect(sequences(vendor.received, bad.id).slice(7)).toEqual([1, 2]);
    await eventually(
      async () => (await getEndpoint(pool, keyring, { environmentId: log.environmentId, endpointId: endpoint.id })).state === 'active',
    );
    const attempts = (
      await getDelivery(pool, {
        environmentId: log.environmentId,
        endpointId: endpoint.id,
        eventId: worker.attempts.find(({ outcome }) => outcome === 'failed')!.eventId,
      })
    ).attempts;
    expect(attempts).toHaveLength(8);
    expect(attempts[0]).toMatchObject({ status: 500, error: 'it answered 500 Internal Server Error', responseBody: 'oh dear' });
    expect(attempts[7]).toMatchObject({ status: 204, error: null });
  });

  test.each([
    [{ status: 429, headers: { 'retry-after': '120' } }, 120],
    [{ status: 503, headers: { 'retry-after': '86400' } }, 3_600],
    [{ status: 429, headers: { 'retry-after': '2' } }, 2],
  ])('is heeded when it says when: %j', async (answer, seconds) => {
    const log = await aLog(pool);
    const vendor = await startVendor(answer);
    const endpoint = await log.endpoint(vendor.url);
    const directory = await log.directory();
    working();
    await log.write(directory);
    const lane = await eventually(async () => {
      const row = await laneOf(endpoint.id, directory.id);
      return row?.attempt === 1 && row;
    });
    expect(lane.pause_s).toBeGreaterThanOrEqual(seconds);
    expect(lane.wait_s).toBeLessThanOrEqual(seconds);
  });

  test('that answers 410 is disabled at once, keeps its place, and goes on when it is enabled', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ status: 410 });
    const endpoint = await log.endpoint(vendor.url);
    const directory = await log.directory();
    const worker = working();
    await log.write(directory, 2);
    const of = { environmentId: log.environmentId, endpointId: endpoint.id };
    await eventually(async () => (await getEndpoint(pool, keyring, of)).state === 'disabled');
    expect((await getEndpoint(pool, keyring, of)).disabledReason).toBe('gone');
    expect(worker.notices).toMatchObject([{ kind: 'endpoint_disabled', reason: 'gone' }]);
    await log.write(directory, 1);
    await eventually(async () => (await laneOf(endpoint.id, directory.id)).head_sequence === 3);
    expect(vendor.received).toHaveLength(1);

    vendor.answers({});
    await changeEndpoint(pool, keyring, { ...of, allowedCidrs: loopback, changes: { enabled: true } });
    await allDone(log);
    expect(sequences(vendor.received)).toEqual([1, 1, 2, 3]);
  });

  test('is warned of, and disabled after five days of nothing but failures', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ status: 500 });
    const endpoint = await log.endpoint(vendor.url);
    const directory = await log.directory();
    const worker = working();
    await log.write(directory);
    const failAgain = async (attempt: number, failingFor: string): Promise<void> => {
      await pool.query(`update webhook_endpoints set failing_since = now() - $1::interval`, [failingFor]);
      await pool.query('update lanes set attempt = $1, next_attempt_at = now()', [attempt - 1]);
      await eventually(async () => (await laneOf(endpoint.id, directory.id)).attempt === attempt);
    };
    await eventually(async () => (await laneOf(endpoint.id, directory.id)).attempt === 1);
    await failAgain(6, '2 hours');
    await failAgain(7, '3 hours');
    await failAgain(8, '30 hours');
    await failAgain(3, '6 days'); // its first failures in days: not yet
    expect((await getEndpoint(pool, keyring, { environmentId: log.environmentId, endpointId: endpoint.id })).state).toBe('failing');
    await failAgain(9, '6 days');
    expect(
      worker.notices.map((notice) => [
        notice.kind,
        'hours' in notice ? notice.hours : notice.kind === 'endpoint_disabled' && notice.reason,
      ]),
    ).toEqual([
      ['endpoint_failing', 1],
      ['endpoint_failing', 24],
      ['endpoint_failing', 72],
      ['endpoint_disabled', 'failing'],
    ]);
    expect((await getEndpoint(pool, keyring, { environmentId: log.environmentId, endpointId: endpoint.id })).state).toBe('disabled');
  });

  test('that refuses one event keeps its directory waiting until that event is parked, after 12 attempts', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    vendor.answers(({ body }) => ({ status: (JSON.parse(body) as { sequence: number }).sequence === 2 ? 422 : 200 }));
    const endpoint = await log.endpoint(vendor.url);
    const directory = await log.directory();
    const worker = working();
    await log.write(directory, 3);
    for (let attempt = 1; attempt <= 11; attempt += 1) {
      await eventually(async () => (await laneOf(endpoint.id, directory.id)).refusals === attempt);
      await tryNow(log);
    }
    await allDone(log);
    expect(sequences(vendor.received)).toEqual([1, ...Array.from({ length: 12 }, () => 2), 3]);
    const parked = worker.attempts.find(({ decision }) => decision === 'parked')!;
    const delivery = await getDelivery(pool, { environmentId: log.environmentId, endpointId: endpoint.id, eventId: parked.eventId });
    expect(delivery).toMatchObject({ state: 'parked', nextAttemptAt: null, sequence: 2 });
    expect(delivery.attempts).toHaveLength(12);
  });

  test('that refuses one event for a day has it parked too', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    vendor.answersNext({ status: 400 }, { status: 400 });
    const endpoint = await log.endpoint(vendor.url);
    const directory = await log.directory();
    working();
    await log.write(directory, 2);
    await eventually(async () => (await laneOf(endpoint.id, directory.id)).refusals === 1);
    await pool.query(`update lanes set refused_since = now() - interval '25 hours', next_attempt_at = now()`);
    await allDone(log);
    expect(sequences(vendor.received)).toEqual([1, 1, 2]);
  });

  test("a day by the database's clock, that is: one of the worker's own that is ahead parks nothing", async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ status: 400 });
    const endpoint = await log.endpoint(vendor.url);
    const directory = await log.directory();
    const worker = working();
    await log.write(directory, 1);
    await eventually(async () => (await laneOf(endpoint.id, directory.id)).refusals === 1);
    jest.useFakeTimers({
      now: Date.now() + 25 * 3_600_000,
      doNotFake: [
        'hrtime',
        'nextTick',
        'performance',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setInterval',
        'clearInterval',
        'setTimeout',
        'clearTimeout',
      ],
    });
    try {
      await tryNow(log);
      while (worker.attempts.length < 2) await delay(20);
    } finally {
      jest.useRealTimers();
    }
    expect(worker.attempts.map(({ decision }) => decision)).toEqual(['retry', 'retry']);
  });
});

describe('the breaker', () => {
  const open = async (): Promise<boolean> =>
    (await pool.query('select 1 from webhook_endpoints where open_since is not null')).rowCount === 1;

  test('lets one lane at a time through to an endpoint that is dead, and more and more once it lives again', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ status: 503 });
    const endpoint = await log.endpoint(vendor.url, { maxParallel: 8 });
    const directories = await Promise.all(count(1, 30).map(() => log.directory()));
    const worker = working();
    for (const directory of directories) await log.write(directory);
    await eventually(open);
    await eventually(async () => (await pool.query('select 1 from lanes where leased > 0')).rowCount === 0);
    const tried = vendor.received.length;
    expect(tried).toBeLessThanOrEqual(13); // five, and those that were under way with them

    await probeNow(log);
    await eventually(() => vendor.received.length === tried + 1);
    await eventually(
      async () =>
        (await pool.query(`select 1 from webhook_endpoints where failed_probes = 1 and next_probe_at > now() + interval '20 seconds'`))
          .rowCount === 1,
    );
    await probeNow(log);
    await eventually(async () => (await pool.query('select 1 from webhook_endpoints where failed_probes = 2')).rowCount === 1);
    expect(vendor.received).toHaveLength(tried + 2);

    let underWay = 0;
    const atOnce: number[] = [];
    vendor.answers(() => {
      atOnce.push(++underWay);
      setTimeout(() => {
        underWay -= 1;
      }, 20);
      return { delayMs: 20 };
    });
    await probeNow(log);
    await allDone(log);
    expect(await open()).toBe(false);
    expect(atOnce[0]).toBe(1);
    expect(Math.max(...atOnce.slice(0, 3))).toBeLessThanOrEqual(2);
    for (const directory of directories) expect([...new Set(sequences(vendor.received, directory.id))]).toEqual([1]);
    // Whoever waited for the endpoint alone did not wait out its own schedule.
    expect(worker.errors).toEqual([]);
    expect((await getEndpoint(pool, keyring, { environmentId: log.environmentId, endpointId: endpoint.id })).state).toBe('active');
  });

  test('is not opened by one event that fails again and again', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ status: 500 });
    const endpoint = await log.endpoint(vendor.url);
    const directory = await log.directory();
    working();
    await log.write(directory);
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      await eventually(async () => (await laneOf(endpoint.id, directory.id)).attempt === attempt);
      await tryNow(log);
    }
    expect(await open()).toBe(false);
  });

  test('keeps a dead endpoint from holding up the healthy', async () => {
    const log = await aLog(pool);
    const dead = await startVendor({ hang: true });
    const healthy = await startVendor();
    await log.endpoint(dead.url);
    await log.endpoint(healthy.url);
    const directories = await Promise.all(count(1, 20).map(() => log.directory()));
    working({ slots: { quick: 8, slow: 8 } });
    for (const directory of directories) await log.write(directory);
    // The dead one takes all 8 slots, and gives them up after 2 s.
    await eventually(() => healthy.received.length === 20, { withinMs: 6_000 });
    expect(dead.mostAtOnce()).toBeLessThanOrEqual(8);
    await workers.splice(0)[0]!.stop(0);
  }, 30_000);
});

test('a lane goes on where its page ended by its bytes, and an event too large for a page is sent by itself', async () => {
  const log = await aLog(pool);
  const vendor = await startVendor();
  const directory = await log.directory();
  await log.endpoint(vendor.url);
  await log.write(directory, 8);
  const data = `json_build_object('text', repeat('x', case when sequence = 5 then 3000000 else 400000 end))`;
  // Of half of them the size is known, as of those that this release writes.
  await pool.query(`update events set data = ${data}, bytes = case when sequence % 2 = 0 then octet_length((${data})::text) end`);
  const worker = working();
  await allDone(log);
  expect(sequences(vendor.received)).toEqual(count(1, 8));
  expect(worker.errors).toEqual([]);
  expect((await readDirectoryPages(pool, [{ directoryId: directory.id, after: 0, upTo: 8, limit: 50, types: null }]))[0]).toMatchObject({
    rows: [{ sequence: 1 }, { sequence: 2 }],
    isCut: true,
  });
});

test('a few lanes are seen to at once; of more than that, and of what is slow, others are to hear', async () => {
  const log = await aLog(pool);
  const vendor = await startVendor({ delayMs: 500 });
  const endpoint = await log.endpoint(vendor.url, { maxParallel: 20 });
  const directories = await Promise.all(count(1, 18).map(() => log.directory()));
  const { drain } = working({ loses: () => true, sweepEveryMs: 0 });
  for (const directory of directories) await log.write(directory);
  await eventually(async () => (await pool.query('select 1 from lanes')).rowCount === 18);

  const bells = directories.map(({ id }) => ({ endpointId: endpoint.id, directoryId: id, slow: false }));
  expect(drain.take({ ...bells[17]!, slow: true })).toBe(false);
  expect(bells.map((bell) => drain.take(bell))).toEqual([...Array.from({ length: 16 }, () => true), false, false]);
  await eventually(() => vendor.received.length === 16);
  expect(vendor.mostAtOnce()).toBe(16);
  await eventually(() => drain.take(bells[16]!));
  await eventually(() => vendor.received.length >= 17);
});

test('no more than max_parallel requests are under way to an endpoint, whatever number of lanes it has and of workers there are', async () => {
  const log = await aLog(pool);
  const vendor = await startVendor({ delayMs: 10 });
  await log.endpoint(vendor.url, { maxParallel: 3 });
  const directories = await Promise.all(count(1, 12).map(() => log.directory()));
  working();
  working();
  for (const directory of directories) await log.write(directory, 4);
  await allDone(log);
  expect(vendor.mostAtOnce()).toBe(3);
  for (const directory of directories) expect(sequences(vendor.received, directory.id)).toEqual([1, 2, 3, 4]);
});

test('those who look for the next lane of an endpoint at once get one each, those that have waited the longest', async () => {
  const log = await aLog(pool);
  const endpoint = await log.endpoint('http://127.0.0.1:9/', { maxParallel: 4 });
  const directories = await Promise.all(count(1, 6).map(() => log.directory()));
  for (const directory of directories) {
    await log.write(directory);
    await sequenceBatch(pool);
  }
  const lanes = new Lanes(pool);
  const named = lanes.claim({ endpointId: endpoint.id, directoryId: directories[1]!.id });
  const claims = await Promise.all([named, ...count(1, 4).map(() => lanes.claimNext(endpoint.id))]);
  expect(claims.map((claim) => claim.kind)).toEqual(['held', 'held', 'held', 'held', 'crowded']);
  const held = claims.flatMap((claim) => (claim.kind === 'held' ? [claim.lane.directoryId] : []));
  expect(new Set(held)).toEqual(new Set([1, 0, 2, 3].map((i) => directories[i]!.id)));
});

describe('ordering none', () => {
  test('does not wait: a failing event is tried again by itself', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    vendor.answers(({ body }) => ({ status: (JSON.parse(body) as { sequence: number }).sequence === 2 ? 500 : 200 }));
    const endpoint = await log.endpoint(vendor.url, { ordering: 'none' });
    const directory = await log.directory();
    const worker = working();
    await log.write(directory, 20);
    await eventually(() => new Set(sequences(vendor.received)).size === 20);
    await eventually(async () => (await laneOf(endpoint.id, directory.id)).cursor_sequence === 20);
    const { eventId } = worker.attempts.find(({ outcome }) => outcome === 'failed')!;
    const of = { environmentId: log.environmentId, endpointId: endpoint.id, eventId };
    expect(await getDelivery(pool, of)).toMatchObject({ state: 'pending', sequence: 2, attempts: [{ status: 500 }] });

    vendor.answers({});
    await pool.query('update delivery_exceptions set next_attempt_at = now()');
    await allDone(log);
    expect(await getDelivery(pool, of)).toMatchObject({ state: 'succeeded', attempts: [{ status: 500 }, { status: 204 }] });
    expect(sequences(vendor.received).filter((sequence) => sequence === 2)).toHaveLength(2);
  });

  test('keeps to max_parallel', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ delayMs: 5 });
    await log.endpoint(vendor.url, { ordering: 'none', maxParallel: 5 });
    const directories = await Promise.all(count(1, 4).map(() => log.directory()));
    working();
    for (const directory of directories) await log.write(directory, 15);
    await allDone(log);
    expect(vendor.mostAtOnce()).toBeLessThanOrEqual(5);
    expect(vendor.mostAtOnce()).toBeGreaterThan(1);
    expect(new Set(told(vendor.received).map(({ id }) => id)).size).toBe(60);
  });

  test('does not set each event of an endpoint aside that is dead', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor({ status: 500 });
    await log.endpoint(vendor.url, { ordering: 'none', maxParallel: 4 });
    const directory = await log.directory();
    working();
    await log.write(directory, 200);
    await eventually(async () => (await pool.query('select 1 from webhook_endpoints where open_since is not null')).rowCount === 1);
    await eventually(async () => (await pool.query('select 1 from lanes where leased > 0')).rowCount === 0);
    const { rows } = await pool.query<{ asides: number }>('select count(*) as asides from delivery_exceptions');
    expect(rows[0]!.asides).toBeLessThan(12);

    vendor.answers({});
    await eventually(
      async () => {
        await probeNow(log);
        await pool.query('update delivery_exceptions set next_attempt_at = now() where next_attempt_at > now()');
        const { rowCount } = await pool.query(
          'select 1 from delivery_exceptions union all select 1 from lanes where next_attempt_at is not null',
        );
        return rowCount === 0;
      },
      { everyMs: 100 },
    );
    expect(new Set(sequences(vendor.received)).size).toBe(200);
  });
});

describe('a rewind', () => {
  test('is told to every endpoint, whichever types it asks for, in its place', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor();
    const endpoint = await log.endpoint(vendor.url, { eventTypes: ['user.created'] });
    const directory = await log.directory();
    working();
    await log.write(directory, 2, 'user.created');
    await log.write(directory, 1, 'user.updated');
    await allDone(log);
    const { name } = await rewindFeeds(pool);
    await log.write(directory, 1, 'user.created');
    await allDone(log);

    expect(vendor.received.map(({ body }) => JSON.parse(body)).map(({ sequence, type, epoch }) => [sequence, type, epoch])).toEqual([
      [1, 'user.created', '1'],
      [2, 'user.created', '1'],
      [4, 'feed.rewound', name],
      [5, 'user.created', name],
    ]);
    const { deliveries } = await listDeliveries(pool, { environmentId: log.environmentId, endpointId: endpoint.id, limit: 10 });
    expect(deliveries.map(({ sequence, state }) => [sequence, state])).toEqual([5, 4, 2, 1].map((sequence) => [sequence, 'succeeded']));
  });

  test('is waited for also where order does not matter', async () => {
    const log = await aLog(pool);
    const vendor = await startVendor(({ body }) => (JSON.parse(body).type === 'feed.rewound' ? { status: 503 } : {}));
    const endpoint = await log.endpoint(vendor.url, { ordering: 'none' });
    const directory = await log.directory();
    await log.write(directory, 5);
    await rewindFeeds(pool);
    await log.write(directory, 5);
    working();
    await eventually(async () => (await laneOf(endpoint.id, directory.id)).attempt === 1);
    expect(sequences(vendor.received).sort((a, b) => a - b)).toEqual(count(1, 6));

    vendor.answers({});
    await tryNow(log);
    await allDone(log);
    expect(
      sequences(vendor.received)
        .slice(7)
        .sort((a, b) => a - b),
    ).toEqual(count(7, 11));
  });
});

test('a secret that rotates while a lane is being drained signs what comes next in it', async () => {
  const log = await aLog(pool);
  const vendor = await startVendor({ delayMs: 10 });
  const endpoint = await log.endpoint(vendor.url);
  const directory = await log.directory();
  working();
  await log.write(directory, 40);
  await eventually(() => vendor.received.length > 5);
  const { secret } = await rotateSecret(pool, keyring, { environmentId: log.environmentId, endpointId: endpoint.id });
  const at = vendor.received.length;
  await allDone(log);
  for (const one of vendor.received.slice(at + 1)) verified(secret, one);
  expect(vendor.received.length).toBeGreaterThan(at + 1);
  expect(sequences(vendor.received)).toEqual(count(1, 40));
});

test('a database that breaks off connections makes nothing come twice, as long as it comes back', async () => {
  const log = await aLog(pool);
  const vendor = await startVendor({ delayMs: 2 });
  await log.endpoint(vendor.url);
  const directories = await Promise.all(count(1, 3).map(() => log.directory()));
  const worker = working();
  for (const directory of directories) await log.write(directory, 60);
  for (let i = 0; i < 5; i += 1) {
    // Where all lanes were held when the connections broke, the first goes on when its lease ends.
    await eventually(() => vendor.received.length > i * 30, { withinMs: 60_000 });
    await pool
      .query(`select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()`)
      .catch(() => {});
  }
  await allDone(log, 60_000); // a drain that was broken off leaves its lane to the lease
  for (const directory of directories) {
    const got = sequences(vendor.received, directory.id);
    expect([...new Set(got)]).toEqual(count(1, 60));
    expect(got.length).toBeLessThanOrEqual(65); // where the drain itself was broken off, at most one each time
  }
  expect(worker.attempts.filter(({ outcome }) => outcome !== 'delivered')).toEqual([]);
}, 400_000);

test('a secret that rotates signs beside its successor, and then no more', async () => {
  const log = await aLog(pool);
  const vendor = await startVendor();
  const endpoint = await log.endpoint(vendor.url);
  const directory = await log.directory();
  const of = { environmentId: log.environmentId, endpointId: endpoint.id };
  working();
  await log.write(directory);
  await allDone(log);
  const { secret } = await rotateSecret(pool, keyring, { ...of, overlapSeconds: 600 });
  await log.write(directory);
  await allDone(log);
  const third = await rotateSecret(pool, keyring, of);
  await log.write(directory);
  await allDone(log);

  const [before, during, after] = vendor.received;
  verified(endpoint.secret, before!);
  verified(endpoint.secret, during!);
  verified(secret, during!);
  verified(third.secret, after!);
  expect(() => verified(secret, after!)).toThrow();
  expect(() => verified(endpoint.secret, after!)).toThrow();
});

test('a replay while it is being sent to brings everything again, in order, and never two at once', async () => {
  const log = await aLog(pool);
  const vendor = await startVendor({ delayMs: 3 });
  const endpoint = await log.endpoint(vendor.url);
  const directory = await log.directory();
  working();
  await log.write(directory, 60);
  await eventually(() => vendor.received.length > 20);
  await replay(pool, { environmentId: log.environmentId, endpointId: endpoint.id });
  const at = vendor.received.length;
  await allDone(log);
  const got = sequences(vendor.received);
  const again = got.indexOf(1, 1);
  expect(again).toBeLessThanOrEqual(at + 1);
  expect(got.slice(0, again)).toEqual(count(1, again));
  expect(got.slice(again)).toEqual(count(1, 60));
  expect(vendor.mostAtOnce()).toBe(1);
});

test('a worker that is stopped lets what is under way end, and lets go of what does not', async () => {
  const log = await aLog(pool);
  const vendor = await startVendor();
  vendor.answers(({ body }) => ((JSON.parse(body) as { sequence: number }).sequence === 3 ? { hang: true } : {}));
  const endpoint = await log.endpoint(vendor.url);
  const directory = await log.directory();
  const worker = working();
  await log.write(directory, 5);
  await eventually(() => vendor.received.length === 3);
  await worker.stop(200);
  workers.splice(0);
  expect(await laneOf(endpoint.id, directory.id)).toMatchObject({ cursor_sequence: 2, attempt: 0, leased: 0 });
  expect(worker.errors).toEqual([]);

  vendor.answers({});
  working();
  await allDone(log);
  expect(sequences(vendor.received)).toEqual([1, 2, 3, 3, 4, 5]);
});

test('the sweep finds what is due and nobody sees to, and rings once for it', async () => {
  const log = await aLog(pool);
  const endpoint = await log.endpoint('http://127.0.0.1:9/', { maxParallel: 2 });
  const directories = await Promise.all(count(1, 5).map(() => log.directory()));
  for (const directory of directories) await log.write(directory);
  await sequenceBatch(pool);
  expect(await sweep(pool)).toEqual([]); // rung a moment ago
  await pool.query(`update lanes set enqueued_at = now() - interval '6 seconds'`);
  const found = await sweep(pool);
  expect(found).toHaveLength(2); // as many as it may take in
  expect(found[0]).toMatchObject({ endpointId: endpoint.id, slow: false });
});

test('an endpoint that speaks nonsense, or nothing, is a failed attempt with a reason in words', async () => {
  const log = await aLog(pool);
  const babble = createServer((socket) => socket.end('220 smtp.example.com ESMTP\r\n'));
  await new Promise<void>((resolve) => babble.listen(0, '127.0.0.1', resolve));
  const address = babble.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await log.endpoint(`http://127.0.0.1:${port}/`);
  await log.endpoint('http://127.0.0.1:9/');
  const directory = await log.directory();
  const worker = working();
  await log.write(directory);
  await eventually(() => worker.attempts.length === 2);
  expect(new Set(worker.attempts.map(({ error }) => error))).toEqual(new Set(['its answer is not HTTP/1.1', 'the connection was refused']));
  babble.close();
});
