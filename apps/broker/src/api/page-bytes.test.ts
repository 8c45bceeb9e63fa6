/** Pages end by their bytes as well as by their rows, wherever there are pages; what is too large for one comes alone. */
import { bounds } from '#bounds';
import { listPeople, readNewestEvents } from '#directory';
import { eventually } from '#testing';
import { aBroker, type TestBroker, type TestDirectory } from '../a-broker';
import { uuidOf } from '../scim/conformance/a-scim-directory';

let broker: TestBroker;
let directory: TestDirectory;
let ids: string[];
let groupId: string;
const users = 12;
const events = 1 + users + 1 + users; // directory.activated, the users, the group, its members

async function heads(): Promise<number> {
  const { rows } = await broker.db.pool.query<{ position: number }>('select position from feed_heads');
  return Number(rows[0]?.position);
}

// A user of 900 KB is one of 1.8 MB where the profile is shown beside the resource: emails stand in both.
const emails = (name: string) =>
  Array.from({ length: 15 }, (_, i) => ({ type: `${i}`, value: `${name}-${i}@acme.com`, display: 'x'.repeat(60_000) }));

beforeAll(async () => {
  broker = await aBroker();
  broker.sequence();
  directory = await broker.aDirectory({ provider: 'generic' });
  ids = [];
  for (let i = 0; i < users; i += 1) {
    const reply = await directory.idp.send({
      method: 'POST',
      path: '/Users',
      body: { userName: `user-${i}`, displayName: 'x'.repeat(60_000), emails: emails(`user-${i}`) },
    });
    expect(reply.status).toBe(201);
    ids.push((reply.body as { id: string }).id);
  }
  const group = { displayName: 'all', members: ids.map((value) => ({ value })) };
  const made = (await directory.idp.send({ method: 'POST', path: '/Groups', body: group })).body as { id: string };
  groupId = made.id;
  await eventually(async () => (await heads()) === events, { withinMs: 60_000 });
}, 120_000);

/** Follows a list to its end: how many rows each page had, how many bytes the largest, and what was listed. */
async function walk(
  first: string,
  next: (page: any, path: string) => string | undefined,
  get: (path: string) => Promise<{ status: number; body: any }>,
  rowsOf: (page: any) => any[] = (page) => page.data,
): Promise<{ sizes: number[]; largest: number; rows: any[] }> {
  const [sizes, rows]: [number[], any[]] = [[], []];
  let largest = 0;
  for (let path: string | undefined = first; path !== undefined;) {
    const { status, body } = await get(path);
    expect([path, status]).toEqual([path, 200]);
    sizes.push(rowsOf(body).length);
    rows.push(...rowsOf(body));
    if (rowsOf(body).length > 1) largest = Math.max(largest, JSON.stringify(body).length);
    path = next(body, first);
  }
  return { sizes, largest, rows };
}

const scim = async (path: string) => {
  const { status, body } = await directory.idp.send({ method: 'GET', path });
  return { status, body: body as any };
};
const api = (path: string) => broker.call('GET', path);
const nextCursor = (page: any, first: string) => (page.next_cursor ? `${first}&cursor=${page.next_cursor}` : undefined);
const idsOf = (rows: { id: string }[]) => rows.map(({ id }) => id);

test('a SCIM list, by index and by cursor, says how many there are and shows each once', async () => {
  let at = 1;
  const byIndex = await walk(
    '/Users?count=100',
    (page) => {
      expect([page.totalResults, page.startIndex, page.itemsPerPage]).toEqual([users, at, page.Resources.length]);
      at += page.Resources.length;
      return at <= users ? `/Users?count=100&startIndex=${at}` : undefined;
    },
    scim,
    (page) => page.Resources,
  );
  const byCursor = await walk(
    '/Users?count=100&cursor=',
    (page) => page.nextCursor && `/Users?count=100&cursor=${encodeURIComponent(page.nextCursor)}`,
    scim,
    (page) => page.Resources,
  );
  const sorted = await walk(
    '/Users?count=100&cursor=&sortBy=userName&filter=emails.display%20pr',
    (page) =>
      page.nextCursor && `/Users?count=100&sortBy=userName&filter=emails.display%20pr&cursor=${encodeURIComponent(page.nextCursor)}`,
    scim,
    (page) => page.Resources,
  );
  for (const walked of [byIndex, byCursor, sorted]) {
    expect(idsOf(walked.rows).sort()).toEqual([...ids].sort());
    expect([walked.sizes.length > 2, walked.largest < bounds.pageBytes * 1.1]).toEqual([true, true]);
  }
}, 120_000);

test('a query over users and groups shows groups where the users have ended', async () => {
  let at = 1;
  const { rows } = await walk(
    '/?count=100',
    (page) => {
      at += page.Resources.length;
      return at <= page.totalResults ? `/?count=100&startIndex=${at}` : undefined;
    },
    async (path) => {
      const { status, body } = await scim(path);
      return { status, body };
    },
    (page) => page.Resources,
  );
  expect(idsOf(rows)).toEqual([...ids, groupId]);
}, 120_000);

test.each([
  ['users', () => `/v1/directories/${directory.id}/users?limit=1000`],
  ['members', () => `/v1/directory_groups/${groupId}/members?limit=1000`],
])(
  'the list of %s of the API goes on by its cursor',
  async (_what, path) => {
    const { sizes, largest, rows } = await walk(path(), nextCursor, api);
    expect(idsOf(rows)).toEqual(ids);
    expect([sizes.length > 3, largest < bounds.pageBytes]).toEqual([true, true]);
  },
  120_000,
);

test('the events of a page, filtered or not, by polling and by stream, are told each once', async () => {
  for (const first of ['/v1/events?limit=1000', `/v1/events?limit=1000&directory_id=${directory.id}`]) {
    const { sizes, largest, rows } = await walk(
      first,
      (page) => {
        expect(page.has_more).toBe(page.data.at(-1).position < events);
        return page.has_more ? `${first}&after=${page.next_cursor}` : undefined;
      },
      api,
    );
    expect(rows.map(({ position }) => position)).toEqual(Array.from({ length: events }, (_, i) => i + 1));
    expect([sizes.length > 5, largest < bounds.pageBytes]).toEqual([true, true]);
  }
  const stream = await fetch(`${broker.url}/v1/events/stream`, { headers: { Authorization: `Bearer ${broker.apiKey}` } });
  let told = 0;
  for await (const part of stream.body!.pipeThrough(new TextDecoderStream())) {
    told += part.match(/^event: /gm)?.length ?? 0;
    if (told === events) break;
  }
  expect(told).toBe(events);
}, 120_000);

test('an event that is too large for a page comes alone', async () => {
  await broker.db.pool.query(
    `update events set data = json_build_object('user', json_build_object('title', repeat('x', $1))), bytes = null where sequence = 3`,
    [bounds.pageBytes + 1],
  );
  const { url, apiKey } = broker;
  const environmentId = uuidOf(broker.environmentId);
  const page = async (after: string) => {
    const response = await fetch(`${url}/v1/events?limit=3${after}`, { headers: { Authorization: `Bearer ${apiKey}` } });
    return JSON.parse(await response.text());
  };
  const before = await page('');
  expect(before.data.map((event: any) => event.sequence)).toEqual([1, 2]);
  const alone = await page(`&after=${before.next_cursor}`);
  expect(alone.data.map((event: any) => event.sequence)).toEqual([3]);
  expect((await page(`&after=${alone.next_cursor}`)).data[0].sequence).toBe(4);

  const backwards: string[] = [];
  const query = { environmentId, types: undefined, organizationId: undefined, directoryId: undefined, subject: undefined, limit: 1_000 };
  for (let at: number | null | undefined = undefined; at !== null;) {
    const read: Awaited<ReturnType<typeof readNewestEvents>> = await readNewestEvents(broker.db.pool, { ...query, before: at });
    backwards.push(...read.events);
    if (read.events.length > 1) expect(Buffer.byteLength(read.events.join())).toBeLessThan(bounds.pageBytes * 1.1);
    at = read.next;
  }
  expect(backwards.map((json) => JSON.parse(json).position)).toEqual(Array.from({ length: events }, (_, i) => events - i));
}, 120_000);

test('the list of requests goes on by its cursor', async () => {
  const path = `/v1/directories/${directory.id}/requests?limit=1000`;
  await eventually(async () => (await api(path)).body.data.length > users);
  await broker.db.pool.query(`update requests set request_body = json_build_object('title', repeat('x', 1500000))`);
  const { rows } = await broker.db.pool.query('select 1 from requests');
  const walked = await walk(path, nextCursor, api);
  expect(new Set(idsOf(walked.rows)).size).toBe(rows.length);
  expect([Math.max(...walked.sizes), walked.largest < bounds.pageBytes]).toEqual([2, true]);
}, 120_000);

test("the console's list of people goes on by name", async () => {
  await broker.db.pool.query(`update users set display_name = repeat('x', 1500000)`);
  const query = {
    environmentId: uuidOf(broker.environmentId),
    directoryId: uuidOf(directory.id),
    limit: 100,
    search: undefined,
    active: undefined,
  };
  const seen: string[] = [];
  for (let after: string | null | undefined = undefined; after !== null;) {
    const page: Awaited<ReturnType<typeof listPeople>> = await listPeople(broker.db.pool, { ...query, after });
    expect(page.data.length).toBeLessThanOrEqual(2);
    seen.push(...page.data.map(({ id }) => id));
    after = page.next;
  }
  expect(seen.sort()).toEqual([...ids].sort());
}, 120_000);
