import { rewindFeeds } from '#directory';
import { eventually } from '#testing';
import { type Answer, aBroker, type TestBroker, type TestDirectory } from '../a-broker';

let broker: TestBroker;
let directory: TestDirectory;
let names = 0;
const aName = (): string => `reader-${++names}`;

beforeAll(async () => {
  broker = await aBroker();
  broker.sequence();
  directory = await broker.aDirectory();
  await write(5);
});

let users = 0;
async function write(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const { status } = await directory.idp.post('/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: `u${users++}@acme.com`,
    });
    expect(status).toBe(201);
  }
  await eventually(async () => (await broker.db.pool.query('select 1 from event_outbox')).rows.length === 0);
}

const read = (name: string, query = ''): Promise<Answer> => broker.call('GET', `/v1/consumers/${name}/events${query}`);
const commit = (name: string, cursor: string): Promise<Answer> => broker.call('POST', `/v1/consumers/${name}/commit`, { body: { cursor } });
const seek = (name: string, to: string): Promise<Answer> => broker.call('POST', `/v1/consumers/${name}/seek`, { body: { to } });
const positions = ({ body }: Answer): number[] => body.data.map(({ position }: { position: number }) => position);
const headPosition = async (): Promise<number> =>
  (await broker.db.pool.query(`select position from feed_heads where environment_id = (select environment_id from directories limit 1)`))
    .rows[0].position;

test('what is read is read again until it is committed, and then never', async () => {
  const name = aName();
  const first = await read(name, '?limit=2');
  expect(positions(first)).toEqual([1, 2]);
  expect(positions(await read(name, '?limit=2'))).toEqual([1, 2]);
  const committed = await commit(name, first.body.next_cursor);
  expect([committed.status, committed.body]).toEqual([
    200,
    {
      name,
      cursor: first.body.next_cursor,
      position: 2,
      behind: (await headPosition()) - 2,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    },
  ]);
  expect(positions(await read(name, '?limit=2'))).toEqual([3, 4]);
  expect((await broker.call('GET', `/v1/consumers/${name}`)).body).toEqual(committed.body);
});

test('reading alone keeps nothing under the name', async () => {
  const name = aName();
  await read(name);
  expect((await broker.call('GET', `/v1/consumers/${name}`)).status).toBe(404);
});

test('a commit never goes back: of two that read in one name the slower one takes nothing from the faster', async () => {
  const name = aName();
  const [slow, fast] = [await read(name, '?limit=1'), await read(name, '?limit=4')];
  await commit(name, fast.body.next_cursor);
  const late = await commit(name, slow.body.next_cursor);
  expect([late.status, late.body.position]).toEqual([200, 4]);
  expect(positions(await read(name, '?limit=1'))).toEqual([5]);
});

test('commits at once end at the greatest', async () => {
  const name = aName();
  const cursors = await Promise.all([1, 2, 3, 4, 5].map(async (limit) => (await read(name, `?limit=${limit}`)).body.next_cursor));
  const answers = await Promise.all(cursors.map((cursor) => commit(name, cursor)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect((await broker.call('GET', `/v1/consumers/${name}`)).body.position).toBe(5);
});

test('an event that came by webhook is committed by its id', async () => {
  const name = aName();
  const { body } = await read(name, '?limit=3');
  expect((await commit(name, body.data[2].id)).body.position).toBe(3);
  expect((await commit(name, 'evt_00000000000000000000000000000000')).status).toBe(404);
});

test('a filter moves on over what does not match', async () => {
  const name = aName();
  const { body } = await read(name, '?types=group.created');
  expect([body.data, body.has_more]).toEqual([[], false]);
  expect((await commit(name, body.next_cursor)).body.behind).toBe(0);
});

test('it waits for what comes next', async () => {
  const name = aName();
  await seek(name, 'now');
  const waiting = read(name, '?wait=10');
  await write(1);
  expect(positions(await waiting)).toEqual([await headPosition()]);
});

test('it goes where it is put: to the beginning, to now, to a time, to a cursor', async () => {
  const name = aName();
  const head = await headPosition();
  expect((await seek(name, 'now')).body).toMatchObject({ position: head, behind: 0 });
  expect((await seek(name, 'beginning')).body).toMatchObject({ position: 0, behind: head });
  const { body } = await read(name, '?limit=3');
  expect((await seek(name, body.next_cursor)).body.position).toBe(3);
  expect((await seek(name, body.data[1].occurred_at)).body.position).toBeLessThan(2);
  expect((await seek(name, new Date(Date.now() + 60_000).toISOString())).body.position).toBe(head);
  for (const to of ['2026-13-45T00:00:00Z', '2026-01-01', 'nonsense']) expect([to, (await seek(name, to)).status]).toEqual([to, 400]);
});

test('what is no place of this log is refused', async () => {
  const name = aName();
  const ahead = Buffer.from((await read(name)).body.next_cursor, 'base64url');
  ahead.writeBigUInt64BE(1_000_000n, 21);
  expect((await commit(name, 'nonsense')).body.code).toBe('invalid_cursor');
  expect((await commit(name, ahead.toString('base64url'))).body.code).toBe('feed_rewound');
  expect((await broker.call('POST', `/v1/consumers/${name}/commit`, { body: {} })).body.errors).toEqual([
    { pointer: '/cursor', detail: 'is required' },
  ]);
  expect((await read('a%20b')).status).toBe(400);
});

test('another environment has consumers of its own by the same names', async () => {
  const name = aName();
  const { body } = await read(name);
  await commit(name, body.next_cursor);
  const key = await broker.stranger();
  expect((await broker.call('GET', `/v1/consumers/${name}`, { key })).status).toBe(404);
  expect((await broker.call('GET', `/v1/consumers/${name}/events`, { key })).body.data).toEqual([]);
  expect((await broker.call('POST', `/v1/consumers/${name}/commit`, { key, body: { cursor: body.next_cursor } })).body.code).toBe(
    'invalid_cursor',
  );
  expect((await broker.call('DELETE', `/v1/consumers/${name}`, { key })).status).toBe(404);
  expect((await broker.call('GET', `/v1/consumers/${name}`)).status).toBe(200);
});

test('a consumer is forgotten, and there are a hundred at most', async () => {
  const listed = async (): Promise<string[]> => {
    const all: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: Answer = await broker.call('GET', `/v1/consumers?limit=7${cursor && `&cursor=${cursor}`}`);
      all.push(...body.data.map(({ name }: { name: string }) => name));
      cursor = body.next_cursor;
    }
    return all;
  };
  const before = await listed();
  for (let i = before.length; i < 100; i++) expect((await seek(`more-${i}`, 'now')).status).toBe(200);
  expect((await seek('one-more', 'now')).body.code).toBe('too_many_consumers');
  expect((await seek(before[0] ?? '', 'now')).status).toBe(200);
  expect(await listed()).toEqual([...new Set(await listed())].sort());
  expect((await broker.call('DELETE', '/v1/consumers/more-99')).status).toBe(204);
  expect((await broker.call('DELETE', '/v1/consumers/more-99')).status).toBe(404);
  expect((await seek('one-more', 'now')).status).toBe(200);
});

test('after the database was set back the place is refused until it is sought anew', async () => {
  const name = 'one-more';
  await seek(name, 'beginning');
  const { body } = await read(name, '?limit=2');
  await commit(name, body.next_cursor);
  await rewindFeeds(broker.db.pool);
  const refused = await read(name);
  expect([refused.status, refused.body.code]).toEqual([409, 'feed_rewound']);
  expect((await commit(name, body.next_cursor)).body.code).toBe('feed_rewound');
  expect((await seek(name, refused.body.cursor)).body.position).toBe(2);
  expect(positions(await read(name, '?limit=1'))).toEqual([3]);
});

test('where what comes next is no longer kept it says so, with the oldest place that is', async () => {
  const name = 'one-more';
  await seek(name, 'beginning');
  await broker.db.pool.query(
    `update feed_heads set oldest_position = 3 where environment_id = (select environment_id from directories limit 1)`,
  );
  const refused = await read(name);
  expect([refused.status, refused.body.code]).toEqual([410, 'cursor_expired']);
  await seek(name, refused.body.cursor);
  expect(positions(await read(name, '?limit=1'))).toEqual([3]);
});
