/** Connections that end before, while or after a request arrives: what did not arrive was not refused, and what arrived is answered. */
import { connect, type Socket } from 'node:net';
import { eventually, resetConnection } from '#testing';
import { aScimDirectory, type ScimUnderTest, theBroker, userUrn, uuidOf } from './conformance/a-scim-directory';

/** A POST of a user as it goes over the wire, its body in one piece or in chunks. */
function aPost(scim: ScimUnderTest, userName: string, { chunked = false, more = {} } = {}): { head: string; body: string } {
  const json = JSON.stringify({ schemas: [userUrn], userName, title: 'Countess', ...more });
  const path = new URL(scim.url).pathname;
  const length = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${Buffer.byteLength(json)}`;
  return {
    head: `POST ${path}/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${scim.token}\r\nContent-Type: application/scim+json\r\n${length}\r\n\r\n`,
    body: chunked ? `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n` : json,
  };
}

function aSocket(scim: ScimUnderTest): Socket {
  return connect({ port: Number(new URL(scim.url).port), host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
}

/** What is in the request log of the directory, once so much is. */
async function logged(scim: ScimUnderTest, count: number): Promise<{ status: number; detail: string | null; outcome: string }[]> {
  const { db } = await theBroker();
  const read = async () =>
    (
      await db.pool.query<{ status: number; detail: string | null; outcome: string }>(
        'select status, detail, outcome from requests where directory_id = $1 order by id',
        [uuidOf(scim.id)],
      )
    ).rows;
  await eventually(async () => (await read()).length >= count);
  return read();
}

/** Holds a lock until it is released. */
async function holding(lock: string, values: unknown[] = []): Promise<() => Promise<void>> {
  const { db } = await theBroker();
  const client = await db.pool.connect();
  await client.query('begin');
  await client.query(lock, values);
  return async () => {
    await client.query('rollback');
    client.release();
  };
}

async function somebodyWaits(): Promise<void> {
  const { db } = await theBroker();
  await eventually(async () => {
    const { rows } = await db.pool.query("select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()");
    return rows.length > 0;
  });
}

const broken = (words: RegExp): object => ({ status: 499, outcome: 'failed', detail: expect.stringMatching(words) });
const notWhole = broken(/broken off before the request had arrived whole/);

describe.each([{ chunked: false }, { chunked: true }])('a body, chunked: $chunked', ({ chunked }) => {
  test.each(['FIN', 'RST'])('that is cut off in the middle by %s is no failure', async (by) => {
    const scim = await aScimDirectory();
    const { head, body } = aPost(scim, 'ada', { chunked });
    const socket = aSocket(scim);
    await new Promise((resolve) => socket.write(head + body.slice(0, 40), resolve));
    // The broker is reading the body by then: it notes the directory's first request before.
    const { db } = await theBroker();
    await eventually(async () => {
      const { rows } = await db.pool.query('select 1 from events where directory_id = $1', [uuidOf(scim.id)]);
      return rows.length === 1;
    });
    if (by === 'FIN') socket.end();
    else resetConnection(socket);

    expect(await logged(scim, 1)).toEqual([notWhole]);
    await scim.aUser();
    expect(await scim.events()).toEqual(['user.created']);
    socket.destroy();
  });

  test.each(['FIN', 'RST'])('that is cut off by %s as soon as it has begun is no failure', async (by) => {
    const scim = await aScimDirectory();
    const { head, body } = aPost(scim, 'ada', { chunked });
    const socket = aSocket(scim);
    await new Promise((resolve) => socket.write(head + body.slice(0, 40), resolve));
    if (by === 'FIN') socket.end();
    else resetConnection(socket);

    expect(await logged(scim, 1)).toEqual([notWhole]);
    await scim.aUser();
    expect(await scim.events()).toEqual(['user.created']);
    socket.destroy();
  });

  test('that is whole when its client resets the connection at once is no failure', async () => {
    const scim = await aScimDirectory();
    const { head, body } = aPost(scim, 'ada', { chunked });
    const socket = aSocket(scim);
    await new Promise((resolve) => socket.write(head + body, resolve));
    resetConnection(socket);

    // Whether the broker meets the reset or the end of what was sent is not ours to say: it has the whole of it.
    const [{ status } = { status: 0 }] = await logged(scim, 1);
    expect([201, 499]).toContain(status);
    await scim.aUser();
    expect(await scim.events()).not.toContain('provisioning.failed');
  });

  test.each<[string, string, number]>([
    ['whole', 'RST', 100_000],
    ['cut off', 'RST', 40],
    ['cut off', 'FIN', 40],
  ])('that is %s by %s while nobody reads it yet is no failure', async (_, by, bytes) => {
    const scim = await aScimDirectory();
    const release = await holding('lock table directories in access exclusive mode');
    try {
      const { head, body } = aPost(scim, 'ada', { chunked });
      const socket = aSocket(scim);
      await new Promise((resolve) => socket.write(head + body.slice(0, bytes), resolve));
      await somebodyWaits();
      if (by === 'FIN') socket.end();
      else resetConnection(socket);
      await new Promise((resolve) => setTimeout(resolve, 100)); // nobody can be asked whether the broker has met it
    } finally {
      await release();
    }
    expect(await logged(scim, 1)).toEqual([notWhole]);
    await scim.aUser();
    expect(await scim.events()).toEqual(['user.created']);
  });

  // Of 240,000 bytes, which come in several pieces: each value is as long as one may be.
  const inPieces = Object.fromEntries(
    ['nickName', 'displayName', 'userType', 'locale'].map((name) => [name, 'of Lovelace '.repeat(5_000)]),
  );

  test.each([{}, inPieces])('that is whole when its client half-closes is done and answered', async (more) => {
    const scim = await aScimDirectory();
    const { head, body } = aPost(scim, 'ada', { chunked, more });
    const socket = aSocket(scim);
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString()));
    socket.end(head + body);
    await new Promise((resolve) => socket.once('close', resolve));

    expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\n[\s\S]*"userName":"ada"/);
    expect(await logged(scim, 1)).toEqual([{ status: 201, outcome: 'succeeded', detail: null }]);
    expect(await scim.events()).toEqual(['user.created']);
  });
});

test('a write that is refused when its client has gone is not told as a failure: nobody was refused', async () => {
  const scim = await aScimDirectory();
  await scim.aUser({ userName: 'ada', externalId: 'one' });
  await logged(scim, 1);
  const release = await holding('select 1 from directory_heads where directory_id = $1 for update', [uuidOf(scim.id)]);
  try {
    const { head, body } = aPost(scim, 'ada');
    const socket = aSocket(scim);
    await new Promise((resolve) => socket.write(head + body, resolve));
    await somebodyWaits();
    resetConnection(socket);
    expect((await logged(scim, 2)).at(-1)).toEqual(broken(/broken off before it was answered[\s\S]*safe/));
  } finally {
    await release();
  }
  await scim.aUser();
  expect(await scim.events()).toEqual(['user.created', 'user.created']);
});

test('a whole request by another door is answered though its client has half-closed', async () => {
  const broker = await theBroker();
  const json = JSON.stringify({ name: 'Half-closed' });
  const socket = connect({ port: Number(new URL(broker.url).port), host: '127.0.0.1', allowHalfOpen: true });
  let answer = '';
  socket.on('data', (data: Buffer) => (answer += data.toString()));
  socket.end(
    `POST /v1/organizations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${broker.apiKey}\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`,
  );
  await new Promise((resolve) => socket.once('close', resolve));
  expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\n[\s\S]*"name":"Half-closed"/);
});

test.each(['/v1/events?wait=30', '/v1/events/stream'])('who waits at %s and half-closes is answered with what there is', async (path) => {
  const broker = await theBroker();
  const socket = connect({ port: Number(new URL(broker.url).port), host: '127.0.0.1', allowHalfOpen: true });
  let answer = '';
  socket.on('data', (data: Buffer) => (answer += data.toString()));
  socket.end(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${broker.apiKey}\r\n\r\n`);
  await new Promise((resolve) => socket.once('close', resolve));
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});
