import { forgetEvents } from '#delivery';
import { bounds } from '#bounds';
import { eventually, statementsOf } from '#testing';
import { idAt, newId, publicId } from '#identifier';
import { rewindFeeds } from '#directory';
import { createLog } from '#runtime';
import { aBroker, caller, type TestBroker, type TestDirectory } from '../a-broker';
import { startBroker } from '../broker';

interface Event {
  id: string;
  type: string;
  position: number;
  sequence: number;
  directory_id: string;
}

const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';

let broker: TestBroker;
let directory: TestDirectory;
beforeAll(async () => {
  broker = await aBroker();
  broker.sequence();
  directory = await broker.aDirectory();
});

let users = 0;
async function aUser({ idp }: TestDirectory = directory): Promise<string> {
  const { status, body } = await idp.post('/Users', { schemas: [userSchema], userName: `u${users++}@acme.com` });
  expect(status).toBe(201);
  return (body as { id: string }).id;
}

/** The cursor behind everything that is there. */
async function theEnd(): Promise<string> {
  let cursor = '';
  await eventually(async () => {
    const { rows } = await broker.db.pool.query('select 1 from event_outbox');
    return rows.length === 0;
  });
  for (let more = true; more;) {
    const { body } = await broker.call('GET', `/v1/events?limit=1000${cursor && `&after=${cursor}`}`);
    cursor = body.next_cursor;
    more = body.has_more;
  }
  return cursor;
}

/** A request that waits for 30 s, as long as one may. */
function waiter(query: string) {
  const leaving = new AbortController();
  let answered = false;
  const data = broker.call('GET', `/v1/events?${query}&wait=30`, { signal: leaving.signal }).then(({ body }): Event[] => {
    answered = true;
    return body.data;
  });
  return {
    data,
    isAnswered: () => answered,
    leave: () => {
      leaving.abort();
      return data.catch(() => {});
    },
  };
}

test('following the cursor gives every event once, in the order of positions, without a hole', async () => {
  for (let i = 0; i < 5; i++) await aUser();
  await theEnd();
  const positions: number[] = [];
  let cursor: string | undefined;
  for (let more = true; more;) {
    const { body } = await broker.call('GET', `/v1/events?limit=2${cursor === undefined ? '' : `&after=${cursor}`}`);
    positions.push(...body.data.map((event: Event) => event.position));
    cursor = body.next_cursor;
    more = body.has_more;
  }
  expect(positions).toEqual(positions.map((_, i) => i + 1));
  expect(positions.length).toBeGreaterThanOrEqual(6);

  const empty = await broker.call('GET', `/v1/events?after=${cursor}`);
  expect(empty.body).toEqual({ data: [], next_cursor: cursor, has_more: false });
});

test('the id of an event is a place too', async () => {
  await aUser();
  await aUser();
  await theEnd();
  const { data } = (await broker.call('GET', '/v1/events')).body;
  const [first, ...rest] = data;
  expect((await broker.call('GET', `/v1/events?after=${first.id}`)).body.data).toEqual(rest);
});

test('events are filtered by type, organization and directory, and the cursor passes what did not match', async () => {
  const start = await theEnd();
  const other = await broker.aDirectory();
  await aUser(other);
  const id = await aUser(directory);
  await directory.idp.delete(`/Users/${id}`);
  const end = await theEnd();

  const typesOf = async (query: string): Promise<string[]> =>
    (await broker.call('GET', `/v1/events?after=${start}&${query}`)).body.data.map(({ type }: Event) => type);
  expect(await typesOf(`directory_id=${other.id}`)).toEqual(['directory.activated', 'user.created']);
  expect(await typesOf(`organization_id=${directory.organizationId}`)).toEqual(['user.created', 'user.deleted']);
  expect(await typesOf('types=user.deleted, directory.activated')).toEqual(['directory.activated', 'user.deleted']);
  const nothing = await broker.call('GET', `/v1/events?after=${start}&types=group.created`);
  expect(nothing.body).toEqual({ data: [], next_cursor: end, has_more: false });
});

test.each([
  ['types=user.creatd', 'types'],
  ['types=', 'types'],
  ['directory_id=org_x', 'directory_id'],
  ['wait=31', 'wait'],
  ['wait=-1', 'wait'],
  ['after=xyz', 'after'],
])('refuses ?%s', async (query, parameter) => {
  const answer = await broker.call('GET', `/v1/events?${query}`);
  expect([answer.status, answer.body.errors[0].parameter]).toEqual([400, parameter]);
});

describe('a request that waits', () => {
  test('is answered as soon as something comes, while those go on waiting for whom it is not', async () => {
    const after = await theEnd();
    const [waiting, another] = [waiter(`after=${after}`), waiter(`after=${after}&types=group.created`)];
    await new Promise((resolve) => setTimeout(resolve, 300));
    await aUser();
    expect((await waiting.data).map(({ type }) => type)).toEqual(['user.created']);
    expect(another.isAnswered()).toBe(false);
    await another.leave();
  });

  test('is not answered by what its filter leaves out, nor by what happens in another environment', async () => {
    const before = await theEnd();
    await aUser();
    const after = await theEnd();
    const [filtered, elsewhere] = [waiter(`after=${before}&types=group.created`), waiter(`after=${after}`)];
    await aUser(await broker.aDirectory({ key: await broker.stranger() }));
    await theEnd();
    expect([filtered.isAnswered(), elsewhere.isAnswered()]).toEqual([false, false]);
    await Promise.all([filtered.leave(), elsewhere.leave()]);
    const { body } = await broker.call('GET', `/v1/events?after=${before}&wait=0.1&types=group.created`);
    expect(body).toEqual({ data: [], next_cursor: after, has_more: false });
  });
});

test('users and groups are there as they were when their events are kept no more, and what comes next is told', async () => {
  const own = await aBroker();
  own.sequence();
  const { id, idp } = await own.aDirectory();
  const user = (await idp.post('/Users', { schemas: [userSchema], userName: 'ada@acme.com', title: 'Lead' })).body as { id: string };
  const group = (await idp.post('/Groups', { displayName: 'Eng', members: [{ value: user.id }] })).body as { id: string };
  await eventually(async () => (await own.call('GET', '/v1/events')).body.data.length === 4);
  const paths = [
    `/v1/directory_users/${user.id}`,
    `/v1/directory_groups/${group.id}`,
    `/v1/directory_groups/${group.id}/members`,
    `/v1/directories/${id}/users`,
    `/v1/directories/${id}/groups`,
  ];
  const shown = async (): Promise<unknown[]> =>
    (await Promise.all(paths.map((path) => own.call('GET', path)))).map(({ status, body }) => [status, body]);
  const before = await shown();

  expect(await forgetEvents(own.db.pool, { before: new Date(Date.now() + 1_000) })).toBe(4);
  await own.db.pool.query('delete from events');
  expect((await own.call('GET', '/v1/events')).body.data).toEqual([]);
  expect(await shown()).toEqual(before);

  const {
    body: { events_cursor: cursor },
  } = await own.call('GET', `/v1/directories/${id}/users`);
  await idp.patch(`/Users/${user.id}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'title', value: 'Boss' }],
  });
  const next = await eventually(async () => {
    const { body } = await own.call('GET', `/v1/events?after=${cursor}&wait=5`);
    return body.data.length === 1 && body.data[0];
  });
  expect([next.position, next.type, next.data.previous]).toEqual([5, 'user.updated', { title: 'Lead' }]);
});

describe('a cursor whose place is no more', () => {
  test('is refused with the oldest one that is left, and so is the id of an event that is no longer kept', async () => {
    const own = await aBroker();
    own.sequence();
    const { idp } = await own.aDirectory();
    for (let i = 0; i < 4; i++) await idp.post('/Users', { schemas: [userSchema], userName: `k${i}` });
    const all = (await eventually(async () => {
      const { body } = await own.call('GET', '/v1/events');
      return body.data.length === 5 && body;
    })) as { data: Event[] };
    const [, second] = all.data;
    const old = (await own.call('GET', '/v1/events?limit=1')).body.next_cursor;

    await own.db.pool.query('update feed_heads set oldest_position = 4');
    await own.db.pool.query('delete from event_feed where position < 4');
    const expired = await own.call('GET', `/v1/events?after=${old}`);
    expect([expired.status, expired.body.code]).toEqual([410, 'cursor_expired']);
    const on = await own.call('GET', `/v1/events?after=${expired.body.cursor}`);
    expect(on.body.data.map(({ position }: Event) => position)).toEqual([4, 5]);
    expect((await own.call('GET', '/v1/events')).body).toEqual(on.body);

    const gone = await own.call('GET', `/v1/events?after=${second?.id}`);
    expect([gone.status, gone.body]).toEqual([410, expired.body]);
    expect((await own.call('GET', `/v1/events?after=${publicId('evt', newId())}`)).status).toBe(404);
  });

  test('since the database was set back, is refused with the one to go on from', async () => {
    const own = await aBroker();
    own.sequence();
    const { idp } = await own.aDirectory();
    await idp.post('/Users', { schemas: [userSchema], userName: 'before' });
    const before = await eventually(async () => {
      const { body } = await own.call('GET', '/v1/events');
      return body.data.length === 2 && body;
    });
    await rewindFeeds(own.db.pool);
    await idp.post('/Users', { schemas: [userSchema], userName: 'after' });

    const refused = await own.call('GET', `/v1/events?after=${before.next_cursor}&wait=5`);
    expect([refused.status, refused.body.code]).toEqual([409, 'feed_rewound']);
    const on = await eventually(async () => {
      const { body } = await own.call('GET', `/v1/events?after=${refused.body.cursor}&wait=5`);
      return body.data.length === 2 && body;
    });
    const [told, next] = on.data;
    expect([told.position, told.type, told.data.previous_epoch]).toEqual([3, 'feed.rewound', before.data[0].epoch]);
    expect([next.position, next.type, next.epoch]).toEqual([4, 'user.created', told.data.epoch]);
    expect((await own.call('GET', '/v1/events?types=group.created')).body.data).toEqual([told]);
    expect((await own.call('GET', `/v1/events?after=${on.next_cursor}`)).body).toEqual({
      data: [],
      next_cursor: on.next_cursor,
      has_more: false,
    });

    // The id of an event of the log that is no more; of one that was never made there is nothing to say.
    const lost = publicId('evt', idAt(new Date(Date.parse(told.occurred_at) - 1_000)));
    const byId = await own.call('GET', `/v1/events?after=${lost}`);
    expect([byId.status, byId.body.code, byId.body.cursor]).toEqual([409, 'feed_rewound', refused.body.cursor]);
    expect((await own.call('GET', `/v1/events?after=${publicId('evt', newId())}`)).status).toBe(404);
  });

  test('beyond the head, is proof by itself that the database was set back', async () => {
    const own = await aBroker();
    own.sequence();
    const { idp } = await own.aDirectory();
    await idp.post('/Users', { schemas: [userSchema], userName: 'only' });
    const all = await eventually(async () => {
      const { body } = await own.call('GET', '/v1/events');
      return body.data.length === 2 && body;
    });
    const ahead = Buffer.from(all.next_cursor, 'base64url');
    ahead.writeBigUInt64BE(3n, 21);
    const paths = ['/v1/events?', '/v1/events?wait=5&', '/v1/events?types=user.created&', '/v1/events/stream?'];
    for (const path of paths) {
      const refused = await own.call('GET', `${path}after=${ahead.toString('base64url')}`);
      expect([path, refused.status, refused.body.code, refused.body.cursor]).toEqual([path, 409, 'feed_rewound', all.next_cursor]);
    }
    const start = { url: 'https://example.com/', start: { cursor: ahead.toString('base64url') } };
    expect((await own.call('POST', '/v1/webhook_endpoints', { body: start })).body.code).toBe('feed_rewound');
  });
});

describe('the stream', () => {
  test('sends what is there and what comes, each with the cursor to go on from, and ends with its key', async () => {
    const { id: keyId, key } = (await broker.call('POST', '/v1/api_keys', { body: { name: 'stream' } })).body;
    const after = await theEnd();
    await aUser();
    const stream = await open(`/v1/events/stream?after=${after}`, { Authorization: `Bearer ${key}` });
    const [first] = await stream.next(1);
    expect(first).toMatchObject({ event: 'user.created' });
    await aUser();
    const [second] = await stream.next(1);

    const resumed = await open(`/v1/events/stream?after=${after}`, { Authorization: `Bearer ${key}`, 'Last-Event-ID': first?.id ?? '' });
    expect(await resumed.next(1)).toEqual([second]);
    expect((await broker.call('GET', `/v1/events?after=${first?.id}`)).body.data).toEqual([JSON.parse(second?.data ?? '')]);

    await broker.call('DELETE', `/v1/api_keys/${keyId}`);
    await aUser();
    expect(await stream.rest()).toEqual([]);
    expect(await resumed.rest()).toEqual([]);
  });

  test('ends where the database is set back, and its last id is refused', async () => {
    const own = await aBroker();
    own.sequence();
    const { idp } = await own.aDirectory();
    await idp.post('/Users', { schemas: [userSchema], userName: 'before' });
    await eventually(async () => (await own.call('GET', '/v1/events')).body.data.length === 2);
    const stream = await open('/v1/events/stream', { Authorization: `Bearer ${own.apiKey}` }, own.url);
    const [, last] = await stream.next(2);
    await rewindFeeds(own.db.pool);
    expect(await stream.rest()).toEqual([]);
    const again = await own.call('GET', '/v1/events/stream', { headers: { 'Last-Event-ID': last?.id ?? '' } });
    expect([again.status, again.body.code]).toEqual([409, 'feed_rewound']);
  });

  test('has headers that can be asked for alone', async () => {
    const answer = await broker.call('HEAD', '/v1/events/stream');
    expect([answer.status, answer.headers.get('content-type'), answer.text]).toEqual([200, 'text/event-stream', '']);
  });

  test('is refused in the shape of any other answer', async () => {
    const answer = await broker.call('GET', '/v1/events/stream?after=xyz');
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_cursor']);
  });
});

describe('those who wait', () => {
  const aKey = async (name: string): Promise<string> => (await broker.call('POST', '/v1/api_keys', { body: { name } })).body.key;
  const refused = { status: 429, body: expect.objectContaining({ code: 'too_many_streams' }) };

  /** So many streams of a key, in the place where they are: who have all heard from it by now. */
  async function streams(key: string, number: number, after: string) {
    const leaving = Array.from({ length: number }, () => new AbortController());
    const opened = await Promise.all(
      leaving.map(({ signal }) =>
        fetch(`${broker.url}/v1/events/stream?after=${after}`, { headers: { Authorization: `Bearer ${key}` }, signal }),
      ),
    );
    expect(opened.map(({ status }) => status)).toEqual(Array.from({ length: number }, () => 200));
    const readers = opened.map(({ body }) => body!.pipeThrough(new TextDecoderStream()).getReader());
    const heard = () => Promise.all(readers.map(async (reader) => (await reader.read()).value ?? ''));
    await heard();
    return { heard, leave: () => leaving.forEach((one) => one.abort()) };
  }

  test('are fifty of a key, and whoever only asks is always answered', async () => {
    const key = await aKey('fifty');
    const after = await theEnd();
    const held = await streams(key, bounds.waitingOfKey - 1, after);
    const polling = new AbortController();
    const poll = broker.call('GET', `/v1/events?after=${after}&wait=30`, { key, signal: polling.signal }).catch(() => undefined);
    const wait = `/v1/events?after=${after}&wait=0.01`;
    await eventually(async () => (await broker.call('GET', wait, { key })).status === 429);

    expect(await broker.call('GET', '/v1/events/stream', { key })).toMatchObject(refused);
    const late = await broker.call('GET', wait, { key });
    expect([late, late.headers.get('retry-after')]).toEqual([expect.objectContaining(refused), '5']);
    expect(await broker.call('GET', '/v1/consumers/billing/events?wait=0.01', { key })).toMatchObject(refused);
    expect((await broker.call('GET', `/v1/events?after=${after}`, { key })).status).toBe(200);
    expect((await broker.call('GET', wait)).status).toBe(200); // another key

    polling.abort();
    await poll;
    await eventually(async () => (await broker.call('GET', wait, { key })).status === 200);
    held.leave();
  });

  test('are two hundred of an environment', async () => {
    const after = await theEnd();
    const keys = await Promise.all([1, 2, 3, 4, 5].map((n) => aKey(`one of five, ${n}`)));
    const held = await Promise.all(keys.slice(0, 4).map((key) => streams(key, bounds.waitingOfEnvironment / 4, after)));
    expect(await broker.call('GET', '/v1/events?wait=0.01', { key: keys[4]! })).toMatchObject(refused);
    expect((await broker.call('GET', '/v1/events?wait=0.01', { key: await broker.stranger() })).status).toBe(200);
    for (const { leave } of held) leave();
    await eventually(async () => (await broker.call('GET', `/v1/events?after=${after}&wait=0.01`, { key: keys[4]! })).status === 200);
  });

  test('share one read where they are at the same place, and one look at their key', async () => {
    const key = await aKey('sharing');
    const after = await theEnd();
    const held = await streams(key, 40, after);
    const about = (name: string, asked: string[]) => asked.filter((statement) => statement === name).length;
    const asked = await statementsOf(async () => {
      await aUser();
      const told = await held.heard();
      expect([new Set(told).size, told[0]]).toEqual([1, expect.stringContaining('event: user.created')]);
    });
    expect([about('feed_page', asked), about('has_api_key', asked)]).toEqual([1, 1]);
    held.leave();
  });
});

test('many pollers, on two brokers, each see every event once and in order while many write', async () => {
  const one = await aBroker();
  one.sequence();
  const other = await startBroker({ config: { ...one.config }, log: createLog('fatal', 'test') });
  const directories = await Promise.all([1, 2, 3].map(() => one.aDirectory()));
  const expected = directories.length * (1 + 15);

  const poll = async (url: string, limit: number): Promise<Event[]> => {
    const call = caller(url, one.apiKey);
    const seen: Event[] = [];
    let after = '';
    while (seen.length < expected) {
      const { body } = await call('GET', `/v1/events?limit=${limit}&wait=5${after && `&after=${after}`}`);
      seen.push(...body.data);
      after = body.next_cursor;
    }
    return seen;
  };
  const pollers = [
    [one.url, 1],
    [one.url, 100],
    [other.url, 7],
    [other.url, 1000],
  ] as const;
  const [, ...logs] = await Promise.all([
    Promise.all(
      directories.map(async (written, d) => {
        await Promise.all(
          Array.from({ length: 15 }, (_, i) => written.idp.post('/Users', { schemas: [userSchema], userName: `w${d}-${i}` })),
        );
      }),
    ),
    ...pollers.map(([url, limit]) => poll(url, limit)),
  ]);
  await other.stop();

  for (const log of logs) {
    expect(log.map(({ position }) => position)).toEqual(Array.from({ length: expected }, (_, i) => i + 1));
    for (const { id } of directories) {
      expect(log.filter((event) => event.directory_id === id).map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: 16 }, (_, i) => i + 1),
      );
    }
    expect(log).toEqual(logs[0]);
  }
});

test('those who wait are woken also where the connection that tells of news was lost', async () => {
  const after = await theEnd();
  const [waiting, another] = [waiter(`after=${after}`), waiter(`after=${after}&types=group.created`)];
  await new Promise((resolve) => setTimeout(resolve, 200));
  await broker.db.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'causeway broker listening' and datname = current_database()",
  );
  await aUser();
  expect(await waiting.data).toHaveLength(1);
  expect(another.isAnswered()).toBe(false);
  await another.leave();
});

interface Sent {
  id: string;
  event?: string;
  data?: string;
}

async function open(path: string, headers: Record<string, string>, url = broker.url) {
  const response = await fetch(`${url}${path}`, { headers });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const take = async (): Promise<Sent[] | undefined> => {
    const chunk = await reader?.read();
    if (!chunk || chunk.done) return undefined;
    const blocks = (text + chunk.value).split('\n\n');
    text = blocks.pop() ?? '';
    return blocks
      .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s))))
      .filter((sent) => sent.data !== undefined) as Sent[];
  };
  return {
    next: async (count: number): Promise<Sent[]> => {
      const sent: Sent[] = [];
      while (sent.length < count) sent.push(...((await take()) ?? []));
      return sent;
    },
    rest: async (): Promise<Sent[]> => {
      const sent: Sent[] = [];
      for (let more = await take(); more; more = await take()) sent.push(...more);
      return sent;
    },
  };
}
