import { aBroker, type TestBroker, type TestDirectory } from '../a-broker';

const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];
const patch = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

let broker: TestBroker;
let directory: TestDirectory;
let path: string;

beforeAll(async () => {
  broker = await aBroker();
});

beforeEach(async () => {
  directory = await broker.aDirectory();
  path = `/v1/directories/${directory.id}/brake`;
});

async function users(count: number): Promise<string[]> {
  return Promise.all(
    Array.from(
      { length: count },
      async (_, i) => ((await directory.idp.post('/Users', { schemas, userName: `u${i}` })).body as { id: string }).id,
    ),
  );
}

const off = (id: string) =>
  directory.idp.patch(`/Users/${id}`, { schemas: [patch], Operations: [{ op: 'replace', path: 'active', value: false }] });

test('is null until it is set, and set to null it is off', async () => {
  expect((await broker.call('GET', path)).text).toBe('null');
  const set = await broker.call('PUT', path, { body: { max_users: 2, window_seconds: 600 } });
  expect([set.status, set.body]).toEqual([200, { max_users: 2, max_percent: null, window_seconds: 600, engaged_at: null, departures: 0 }]);
  expect((await broker.call('GET', path)).body).toEqual(set.body);
  expect((await broker.call('PUT', path, { body: null })).text).toBe('null');
  expect((await broker.call('POST', `${path}/release`)).text).toBe('null');
});

test.each([
  [{ window_seconds: 60 }, '/max_users'],
  [{ max_users: 0, window_seconds: 60 }, '/max_users'],
  [{ max_percent: 0, window_seconds: 60 }, '/max_percent'],
  [{ max_percent: 101, window_seconds: 60 }, '/max_percent'],
  [{ max_users: 1 }, '/window_seconds'],
  [{ max_users: 1, window_seconds: 60, engaged: true }, '/engaged'],
])('%j is no brake', async (body, pointer) => {
  const answer = await broker.call('PUT', path, { body });
  expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, pointer]);
});

test('engaged, deactivations and deletions are answered 429 with Retry-After and change nothing; released, the next try passes', async () => {
  const [a, b, c, d] = await users(4);
  await broker.call('PUT', path, { body: { max_users: 2, window_seconds: 600 } });
  expect((await off(a!)).status).toBe(200);
  expect((await directory.idp.delete(`/Users/${b}`)).status).toBe(204);

  for (const refused of [await off(c!), await directory.idp.delete(`/Users/${d}`)]) {
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '300']);
    expect(refused.body).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '429',
      detail: expect.stringContaining('The brake of this directory is engaged'),
    });
  }
  const bulk = await directory.idp.post('/Bulk', {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
    Operations: [
      { method: 'DELETE', path: `/Users/${c}` },
      { method: 'PATCH', path: `/Users/${d}`, data: { schemas: [patch], Operations: [{ op: 'replace', value: { title: 'x' } }] } },
    ],
  });
  expect((bulk.body as { Operations: { status: string }[] }).Operations.map(({ status }) => status)).toEqual(['429', '200']);
  expect([bulk.status, bulk.headers.get('retry-after')]).toEqual([200, '300']);
  const stored = (await broker.call('GET', `/v1/directories/${directory.id}/users?active=true`)).body.data;
  expect(new Set(stored.map(({ id }: { id: string }) => id))).toEqual(new Set([c, d]));
  const types = async () =>
    (
      await broker.db.pool.query<{ type: string }>(
        `select type from events where directory_id = $1 and type <> 'user.created' order by sequence`,
        [uuidOf(directory.id)],
      )
    ).rows.map(({ type }) => type);
  expect(await types()).toEqual(['directory.activated', 'user.deactivated', 'user.deleted', 'directory.brake_engaged', 'user.updated']);

  expect((await broker.call('POST', `${path}/release`)).body).toMatchObject({ engaged_at: null, departures: 0 });
  expect((await off(c!)).status).toBe(200);
  expect((await types()).slice(5)).toEqual(['directory.brake_released', 'user.deactivated']);
});

function uuidOf(id: string): string {
  return id.replace(/^[a-z]+_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
