import { type DirectoryPool, readEvents } from '#directory';
import { createTestDatabase, eventually } from '#testing';
import { aLog, type TestLog } from '../a-log';
import { sequenceBatch, Sequencer } from './sequencer';

let pool: DirectoryPool;

beforeAll(async () => {
  ({ pool } = await createTestDatabase());
});

interface FeedRow {
  position: number;
  directory_id: string;
  sequence: number;
}

async function feed(log: TestLog): Promise<FeedRow[]> {
  const { rows } = await pool.query<FeedRow>(
    'select position, directory_id, sequence from event_feed where environment_id = $1 order by position',
    [log.environmentId],
  );
  return rows;
}

async function sequenceAll(): Promise<void> {
  while (await sequenceBatch(pool)) {
    // until nothing waits
  }
}

test('events get dense positions in the order of their directory', async () => {
  const log = await aLog(pool);
  const [one, other] = [await log.directory(), await log.directory()];
  await log.write(one, 2);
  await log.write(other, 1);
  await log.write(one, 1);
  await sequenceAll();

  expect(await feed(log)).toEqual([
    { position: 1, directory_id: one.id, sequence: 1 },
    { position: 2, directory_id: one.id, sequence: 2 },
    { position: 3, directory_id: other.id, sequence: 1 },
    { position: 4, directory_id: one.id, sequence: 3 },
  ]);
  expect((await pool.query('select 1 from event_outbox')).rowCount).toBe(0);
});

test('a batch tells what it did, and that more waits', async () => {
  const log = await aLog(pool);
  const directory = await log.directory();
  await log.write(directory, 5);

  expect(await sequenceBatch(pool, { limit: 3 })).toMatchObject({ environmentIds: [log.environmentId], events: 3, bells: [], full: true });
  expect(await sequenceBatch(pool, { limit: 3 })).toMatchObject({ events: 2, full: false });
  expect(await sequenceBatch(pool, { limit: 3 })).toBeUndefined();
});

test('an event of another transaction that is still open does not hold up anything, nor is it skipped', async () => {
  const log = await aLog(pool);
  const [slow, quick] = [await log.directory(), await log.directory()];
  const open = await pool.connect();
  await open.query('begin');
  await open.query('select 1 from directory_heads where directory_id = $1 for no key update', [slow.id]);
  await open.query(
    `insert into event_outbox (environment_id, organization_id, directory_id, sequence, event_id, type, created_at)
                    values ($1, $2, $3, 1, gen_random_uuid(), 'user.updated', now())`,
    [log.environmentId, slow.organizationId, slow.id],
  );
  await log.write(quick, 2);
  await sequenceAll();
  expect((await feed(log)).map((row) => row.directory_id)).toEqual([quick.id, quick.id]);

  await open.query('commit');
  open.release();
  await sequenceAll();
  expect((await feed(log)).map((row) => [row.position, row.directory_id])).toEqual([
    [1, quick.id],
    [2, quick.id],
    [3, slow.id],
  ]);
});

test('one environment that cannot be served does not hold up the others', async () => {
  const [broken, whole] = [await aLog(pool), await aLog(pool)];
  const [a, b] = [await broken.directory(), await whole.directory()];
  // A feed that has this event already: what a half-done restore might leave.
  await pool.query(
    `insert into event_feed (environment_id, position, organization_id, directory_id, sequence, event_id, type)
                    values ($1, 77, $2, $3, 1, gen_random_uuid(), 'user.updated')`,
    [broken.environmentId, a.organizationId, a.id],
  );
  await broken.write(a);
  await whole.write(b);
  expect(await sequenceBatch(pool)).toMatchObject({ environmentIds: [whole.environmentId], events: 1 });
  await expect(sequenceBatch(pool)).rejects.toThrow('event_feed_sequence');
  await pool.query('delete from event_outbox');
});

test('with many writers, rollbacks, sequencers and pollers at once nobody sees a gap, a repeat or a directory out of order', async () => {
  const logs = [await aLog(pool), await aLog(pool)];
  const directories = await Promise.all(
    logs.flatMap((log) => Array.from({ length: 3 }, async () => ({ log, directory: await log.directory() }))),
  );
  const sequencers = Array.from(
    { length: 3 },
    () =>
      new Sequencer({
        pool,
        onBatch: () => {},
        onError: (error) => {
          throw error;
        },
      }),
  );
  for (const sequencer of sequencers) sequencer.start();

  let writing = true;
  const seen = new Map<string, { position: number; directoryId: string; sequence: number }[]>();
  const pollers = logs.flatMap((log) =>
    [1, 2].map(async (poller) => {
      const mine: { position: number; directoryId: string; sequence: number }[] = [];
      seen.set(`${log.environmentId} ${poller}`, mine);
      for (let after = 0, head = 0; writing || after < head;) {
        const page = await readEvents(pool, { environmentId: log.environmentId, after, limit: 7 * poller });
        mine.push(...page.events.map(({ position, directoryId, sequence }) => ({ position, directoryId, sequence })));
        after = page.scannedTo;
        head = page.head;
      }
    }),
  );

  const committed = new Map<string, number>();
  await Promise.all(
    directories.flatMap(({ log, directory }) =>
      [1, 2].map(async (writer) => {
        for (let i = 0; i < 40; i += 1) {
          if ((i + writer) % 9 === 0) await log.writeAndRollBack(directory);
          const count = 1 + ((i * writer) % 3);
          await log.write(directory, count);
          committed.set(log.environmentId, (committed.get(log.environmentId) ?? 0) + count);
        }
      }),
    ),
  );
  await eventually(async () => (await pool.query('select 1 from event_outbox limit 1')).rowCount === 0);
  writing = false;
  await Promise.all(pollers);
  await Promise.all(sequencers.map((sequencer) => sequencer.stop()));

  for (const log of logs) {
    const total = committed.get(log.environmentId) ?? 0;
    for (const poller of [1, 2]) {
      const mine = seen.get(`${log.environmentId} ${poller}`) ?? [];
      expect(mine.map(({ position }) => position)).toEqual(Array.from({ length: total }, (_, i) => i + 1));
      for (const { directory } of directories) {
        const sequences = mine.filter(({ directoryId }) => directoryId === directory.id).map(({ sequence }) => sequence);
        expect(sequences).toEqual(sequences.map((_, i) => i + 1));
      }
    }
  }
});

describe('lanes', () => {
  const lanes = async (log: TestLog): Promise<unknown[]> => {
    const { rows } = await pool.query(
      `select endpoint_id, directory_id, cursor_sequence, head_sequence, next_attempt_at is not null as owes
         from lanes where environment_id = $1 order by endpoint_id, directory_id`,
      [log.environmentId],
    );
    return rows;
  };

  test('are marked for those endpoints that want the type and the organization, and rung for', async () => {
    const log = await aLog(pool);
    const [one, other] = [await log.directory(), await log.directory()];
    const all = await log.endpoint('http://127.0.0.1/all');
    const typed = await log.endpoint('http://127.0.0.1/typed', { eventTypes: ['user.created'] });
    const scoped = await log.endpoint('http://127.0.0.1/scoped', { organizationId: other.organizationId });
    await log.write(one, 2, 'user.updated');
    await log.write(one, 1, 'user.created');
    await log.write(other, 1, 'user.updated');
    const batch = await sequenceBatch(pool);

    const expected = [
      { endpoint_id: all.id, directory_id: one.id, cursor_sequence: 0, head_sequence: 3, owes: true },
      { endpoint_id: all.id, directory_id: other.id, cursor_sequence: 0, head_sequence: 1, owes: true },
      { endpoint_id: typed.id, directory_id: one.id, cursor_sequence: 2, head_sequence: 3, owes: true },
      { endpoint_id: scoped.id, directory_id: other.id, cursor_sequence: 0, head_sequence: 1, owes: true },
    ];
    expect(await lanes(log)).toEqual(expected);
    expect(new Set(batch?.bells)).toEqual(
      new Set(expected.map(({ endpoint_id, directory_id }) => ({ endpointId: endpoint_id, directoryId: directory_id, slow: false }))),
    );
  });

  test('that were rung for, or are held, are not rung for again', async () => {
    const log = await aLog(pool);
    const directory = await log.directory();
    await log.endpoint('http://127.0.0.1/');
    await log.write(directory);
    expect((await sequenceBatch(pool))?.bells).toHaveLength(1);
    await log.write(directory);
    expect((await sequenceBatch(pool))?.bells).toHaveLength(0);
  });

  test('of disabled and deleted endpoints are not rung for; a disabled one keeps its place', async () => {
    const log = await aLog(pool);
    const directory = await log.directory();
    const disabled = await log.endpoint('http://127.0.0.1/');
    const deleted = await log.endpoint('http://127.0.0.1/');
    await pool.query(`update webhook_endpoints set disabled_at = now(), disabled_reason = 'by_hand' where id = $1`, [disabled.id]);
    await pool.query('update webhook_endpoints set deleted_at = now() where id = $1', [deleted.id]);
    await log.write(directory);
    expect((await sequenceBatch(pool))?.bells).toEqual([]);
    expect(await lanes(log)).toMatchObject([{ endpoint_id: disabled.id, owes: true }]);
  });
});
