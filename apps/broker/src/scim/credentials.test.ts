/** Every way in at once: each by itself, each seen, each ended by itself. */
import { announceExpiringCredentials, forgetExpiredCredentials } from '#directory';
import { eventually, identityProvider, type ScimAnswer } from '#testing';
import { aBroker, type TestBroker } from '../a-broker';

let broker: TestBroker;
beforeAll(async () => {
  broker = await aBroker();
  broker.sequence();
});

const withHeader = (directoryId: string, authorization: string): Promise<ScimAnswer> =>
  identityProvider({ baseUrl: `${broker.url}/scim/v2/${directoryId}` }).send({ method: 'GET', path: '/Users', headers: { authorization } });
const status = async (directoryId: string, token: string): Promise<number> => (await withHeader(directoryId, `Bearer ${token}`)).status;
const basic = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

test('several named tokens live at once, each is seen in use, and ends by itself', async () => {
  const { id, token: unnamed } = await broker.aDirectory();
  const path = `/v1/directories/${id}/bearer_tokens`;
  const [first, second] = [
    (await broker.call('POST', path, { body: { name: 'Entra' } })).body,
    (await broker.call('POST', path, { body: { name: 'script', expires_in: 3600 } })).body,
  ];
  expect(second).toEqual({
    id: expect.stringMatching(/^tok_[0-9a-f]{32}$/),
    name: 'script',
    token: expect.stringMatching(/^cwt_[A-Za-z0-9_-]{56}$/),
    created_at: expect.any(String),
    expires_at: new Date(Date.parse(second.created_at) + 3_600_000).toISOString(),
    last_used_at: null,
  });
  for (const token of [unnamed, first.token, second.token]) expect(await status(id, token)).toBe(200);

  await eventually(async () =>
    (await broker.call('GET', path)).body.data.every((one: { last_used_at: string | null }) => one.last_used_at !== null),
  );
  const listed = await broker.call('GET', path);
  expect(listed.body.data.map(({ name }: { name: string }) => name)).toEqual([null, 'Entra', 'script']);
  expect(listed.text).not.toContain('cwt_');

  expect((await broker.call('DELETE', `${path}/${first.id}`)).status).toBe(204);
  expect((await broker.call('DELETE', `${path}/${first.id}`)).status).toBe(404);
  expect([await status(id, first.token), await status(id, second.token), await status(id, unnamed)]).toEqual([401, 200, 200]);
});

test('replacing the unnamed token leaves named ones alone; revoking all ends them too', async () => {
  const { id, token: before } = await broker.aDirectory();
  const named = (await broker.call('POST', `/v1/directories/${id}/bearer_tokens`, { body: { name: 'Entra' } })).body.token;
  const after = (await broker.call('POST', `/v1/directories/${id}/bearer_token`)).body.token;
  expect([await status(id, before), await status(id, after), await status(id, named)]).toEqual([401, 200, 200]);
  await broker.call('DELETE', `/v1/directories/${id}/bearer_token`);
  expect([await status(id, after), await status(id, named)]).toEqual([401, 401]);
});

test('of replacements at the same moment one token is left', async () => {
  const { id } = await broker.aDirectory();
  const made = await Promise.all(Array.from({ length: 6 }, () => broker.call('POST', `/v1/directories/${id}/bearer_token`)));
  const answers = await Promise.all(made.map(({ body }) => status(id, body.token)));
  expect(answers.filter((one) => one === 200)).toHaveLength(1);
});

test('a token ends when it expires, and is forgotten', async () => {
  const { id } = await broker.aDirectory();
  const { token } = (await broker.call('POST', `/v1/directories/${id}/bearer_tokens`, { body: { name: 'short', expires_in: 60 } })).body;
  expect(await status(id, token)).toBe(200);
  await broker.db.pool.query("update bearer_tokens set expires_at = now() - interval '1 second' where name = 'short'");
  expect(await status(id, token)).toBe(401);
  await forgetExpiredCredentials(broker.db.pool, new Date());
  expect((await broker.db.pool.query("select 1 from bearer_tokens where name = 'short'")).rowCount).toBe(0);
});

test('the last use is written some at a time, not with each request', async () => {
  const { id, token } = await broker.aDirectory();
  const writes = async (): Promise<number> => {
    await broker.db.pool.query('select pg_stat_force_next_flush()');
    return Number(
      (await broker.db.pool.query("select n_tup_upd from pg_stat_user_tables where relname = 'bearer_tokens'")).rows[0].n_tup_upd,
    );
  };
  await eventually(async () => (await status(id, token)) === 200);
  const before = await writes();
  for (let i = 0; i < 60; i++) expect(await status(id, token)).toBe(200);
  await eventually(async () => (await broker.call('GET', `/v1/directories/${id}/bearer_tokens`)).body.data[0].last_used_at !== null);
  expect((await writes()) - before).toBeLessThan(10);
});

describe('HTTP Basic', () => {
  test('opens a directory that allows it, with its id and its bearer token', async () => {
    const { id, token } = await broker.aDirectory();
    expect((await withHeader(id, basic(id, token))).status).toBe(401);
    await broker.call('PATCH', `/v1/directories/${id}`, { body: { basic_auth: true } });
    expect((await withHeader(id, basic(id, token))).status).toBe(200);
    await broker.call('PATCH', `/v1/directories/${id}`, { body: { basic_auth: false } });
    expect((await withHeader(id, basic(id, token))).status).toBe(401);
  });

  test('with anything else is refused like any other credential that is none', async () => {
    const [one, other] = [await broker.aDirectory(), await broker.aDirectory()];
    for (const { id } of [one, other]) await broker.call('PATCH', `/v1/directories/${id}`, { body: { basic_auth: true } });
    const garbage = await withHeader(one.id, 'Bearer garbage');
    for (const header of [
      basic(other.id, one.token),
      basic(one.id, other.token),
      basic('', one.token),
      basic(one.id, ''),
      basic(one.id, `${one.token}x`),
      'Basic !!!',
      'Basic',
      `Basic ${one.token}`,
    ]) {
      const { status: refused, body } = await withHeader(one.id, header);
      expect([header, refused, body]).toEqual([header, 401, garbage.body]);
    }
  });
});

test('all ways are open at once, and closing one leaves the others', async () => {
  const { id, token } = await broker.aDirectory();
  await broker.call('PATCH', `/v1/directories/${id}`, { body: { basic_auth: true } });
  const named = (await broker.call('POST', `/v1/directories/${id}/bearer_tokens`, { body: { name: 'second' } })).body;
  const client = (await broker.call('POST', `/v1/directories/${id}/oauth_clients`, { body: { grant_type: 'client_credentials' } })).body;
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: client.client_id, client_secret: client.client_secret });
  const given: any = await (await fetch(`${broker.url}/oauth/${id}/token`, { method: 'POST', body: form })).json();
  const all = async (): Promise<number[]> =>
    (
      await Promise.all([
        withHeader(id, `Bearer ${token}`),
        withHeader(id, token),
        withHeader(id, basic(id, token)),
        withHeader(id, `Bearer ${named.token}`),
        withHeader(id, `Bearer ${given.access_token}`),
        withHeader(id, given.access_token),
      ])
    ).map((one) => one.status);
  expect(await all()).toEqual([200, 200, 200, 200, 200, 200]);
  await broker.call('DELETE', `/v1/directories/${id}/oauth_clients/${client.id}`);
  expect(await all()).toEqual([200, 200, 200, 200, 401, 401]);
  await broker.call('DELETE', `/v1/directories/${id}/bearer_tokens/${named.id}`);
  expect(await all()).toEqual([200, 200, 200, 401, 401, 401]);
});

describe('credential.expiring', () => {
  const day = 86_400_000;
  const inDays = (days: number): Date => new Date(Date.now() + days * day);
  const announcedFor = async (directoryId: string, now: Date): Promise<string[]> => {
    const announced = await announceExpiringCredentials(broker.db.pool, now);
    return announced.filter(({ directory }) => directory.id === uuidOf(directoryId)).map(({ credential }) => credential.kind);
  };

  test('is logged once two weeks before the end and once a day before, whoever else asks at the same moment', async () => {
    const { id } = await broker.aDirectory();
    const token = (await broker.call('POST', `/v1/directories/${id}/bearer_tokens`, { body: { name: 'yearly', expires_in: 365 * 86_400 } }))
      .body;
    const twice = async (now: Date): Promise<string[]> => (await Promise.all([announcedFor(id, now), announcedFor(id, now)])).flat();
    expect(await twice(inDays(350))).toEqual([]);
    expect(await twice(inDays(351.5))).toEqual(['bearer_token']);
    expect(await twice(inDays(352))).toEqual([]);
    expect(await twice(inDays(364.5))).toEqual(['bearer_token']);
    expect(await twice(inDays(364.6))).toEqual([]);
    expect(await twice(inDays(366))).toEqual([]);

    const events = await eventually(async () => {
      const { data } = (await broker.call('GET', `/v1/events?directory_id=${id}`)).body;
      return data.length === 2 && data;
    });
    expect(events[0]).toMatchObject({
      type: 'credential.expiring',
      sequence: 1,
      directory_id: id,
      request_id: null,
      data: { credential: { kind: 'bearer_token', id: token.id, name: 'yearly', expires_at: token.expires_at, last_used_at: null } },
    });
  });

  test('tells of a client secret that is being replaced, by its client', async () => {
    const { id } = await broker.aDirectory();
    const client = (await broker.call('POST', `/v1/directories/${id}/oauth_clients`, { body: { grant_type: 'client_credentials' } })).body;
    expect(await announcedFor(id, inDays(5))).toEqual([]);
    await broker.call('POST', `/v1/directories/${id}/oauth_clients/${client.id}/rotate_secret`);
    expect(await announcedFor(id, inDays(0.1))).toEqual([]);
    expect(await announcedFor(id, inDays(6.5))).toEqual(['oauth_client']);
    expect(await announcedFor(id, inDays(6.6))).toEqual([]);
  });

  test('is not logged for what was made to live shortly, nor for what is gone', async () => {
    const { id } = await broker.aDirectory();
    const path = `/v1/directories/${id}/bearer_tokens`;
    await broker.call('POST', path, { body: { name: 'an hour', expires_in: 3600 } });
    const revoked = (await broker.call('POST', path, { body: { name: 'revoked', expires_in: 20 * 86_400 } })).body;
    await broker.call('DELETE', `${path}/${revoked.id}`);
    expect(await announcedFor(id, inDays(0.04))).toEqual([]);
    expect(await announcedFor(id, inDays(19.5))).toEqual([]);
  });
});

function uuidOf(publicId: string): string {
  return publicId.replace(/^\w+_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
