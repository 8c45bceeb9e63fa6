import { directoryHealth } from '#directory';
import { parsePublicId } from '#identifier';
import { eventually } from '#testing';
import { aBroker, type TestBroker, type TestDirectory } from '../a-broker';

const patchOp = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const bulkRequest = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';

let broker: TestBroker;
let directory: TestDirectory;
let ada: string;

beforeAll(async () => {
  broker = await aBroker();
  broker.sequence();
});

beforeEach(async () => {
  directory = await broker.aDirectory({ provider: 'entra' });
  ada = await user('ada', '1');
});

async function user(userName: string, externalId: string): Promise<string> {
  const { body } = await directory.idp.post('/Users', { schemas: [userUrn], userName, externalId, active: true });
  return (body as { id: string }).id;
}

const patch = (id: string, ...Operations: object[]) => directory.idp.patch(`/Users/${id}`, { schemas: [patchOp], Operations });

/** What the vendor has been told of refused writes: the path, and whether somebody was to leave by it. */
async function told(times: number): Promise<[string, boolean | undefined][]> {
  return eventually(async () => {
    const { body } = await broker.call('GET', `/v1/events?types=provisioning.failed&directory_id=${directory.id}`);
    const requests: [string, boolean | undefined][] = body.data.map(({ data }: { data: any }) => [
      data.request.path,
      data.request.deactivation_refused,
    ]);
    return requests.length >= times && requests;
  });
}

async function stillActive(): Promise<string[]> {
  const [environmentId = '', directoryId = ''] = [parsePublicId('env', broker.environmentId), parsePublicId('dir', directory.id)];
  const health = await directoryHealth(broker.db.pool, { environmentId, directoryId, now: new Date() });
  return (health?.refused_departures ?? []).map(({ user_name: name }) => name);
}

test('a departure that is refused for whatever stands beside it is told as one, and seen until it has happened', async () => {
  const deactivation = { op: 'Replace', path: 'active', value: 'False' };
  for (const beside of [
    { op: 'Replace', path: 'dispalyName', value: 'x' },
    { op: 'Add', path: 'emails[', value: 'x' },
    { op: 'move', path: 'title' },
  ]) {
    expect((await patch(ada, deactivation, beside)).status).toBe(400);
  }
  expect((await patch(ada, { op: 'Replace', path: 'dispalyName', value: 'x' })).status).toBe(400);
  await patch(ada, { op: 'Replace', path: 'active', value: true }, { op: 'Replace', path: 'dispalyName', value: 'x' });
  const bob = await user('bob', '2');
  expect((await directory.idp.put(`/Users/${ada}`, { schemas: [userUrn], userName: 'bob', externalId: '2', active: false })).status).toBe(
    409,
  );
  const bulk = {
    schemas: [bulkRequest],
    Operations: [
      {
        method: 'PATCH',
        path: `/Users/${bob}`,
        data: { schemas: [patchOp], Operations: [deactivation, { op: 'Replace', path: 'foo', value: 1 }] },
      },
    ],
  };
  expect((await directory.idp.post('/Bulk', bulk)).status).toBe(200);
  const path = `/Users/${ada}`;
  expect(await told(7)).toEqual([
    [path, true],
    [path, true],
    [path, true],
    [path, undefined],
    [path, undefined],
    [path, true],
    [`/Users/${bob}`, true],
  ]);
  expect(await stillActive()).toEqual(['bob', 'ada']);

  expect((await patch(ada, deactivation)).status).toBe(200);
  expect(await stillActive()).toEqual(['bob']);
  await patch(ada, { op: 'Replace', path: 'active', value: true });
  expect((await directory.idp.delete(`/Users/${bob}`)).status).toBe(204);
  expect(await stillActive()).toEqual([]);
});

test('who is inactive already, or not here, cannot be kept from leaving', async () => {
  const off = { op: 'replace', path: 'active', value: false };
  await patch(ada, off);
  expect((await patch(ada, off, { op: 'replace', path: 'foo', value: 1 })).status).toBe(400);
  expect((await patch('usr_00000000000000000000000000000000', off, { op: 'replace', path: 'foo', value: 1 })).status).toBe(404);
  expect(await told(1)).toEqual([[`/Users/${ada}`, undefined]]);
  expect(await stillActive()).toEqual([]);
});

test('a directory that is disabled, and a bulk request that is refused whole, keep people from leaving', async () => {
  const operations = Array.from({ length: 1_001 }, () => ({ method: 'DELETE', path: `/Users/${ada}` }));
  expect((await directory.idp.post('/Bulk', { schemas: [bulkRequest], Operations: operations })).status).toBe(413);
  await broker.call('PATCH', `/v1/directories/${directory.id}`, { body: { state: 'disabled' } });
  expect((await directory.idp.delete(`/Users/${ada}`)).status).toBe(403);
  expect((await patch(ada, { op: 'replace', value: { active: false } })).status).toBe(403);
  expect((await told(3)).map(([, refused]) => refused)).toEqual([true, true, true]);
});

test('an unknown path is passed over where the vendor has it so, and whoever was to leave has left', async () => {
  const off = { op: 'replace', path: 'active', value: false };
  const unknown = [
    { op: 'add', path: 'dispalyName', value: 'x' },
    { op: 'replace', path: 'name.nick', value: 'x' },
    { op: 'remove', path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:desk' },
    { op: 'replace', path: 'emails[type eq "work"].colour', value: 'red' },
    { op: 'replace', path: 'emails[colour eq "red"].value', value: 'x' },
  ];
  const body = { attributes: [], rules: { unknown_path: 'ignore' } };
  expect((await broker.call('PUT', `/v1/directories/${directory.id}/attribute_mapping`, { body })).status).toBe(200);
  expect((await broker.call('GET', `/v1/directories/${directory.id}/attribute_mapping`)).body.rules.unknown_path).toBe('ignore');
  expect((await broker.call('POST', `/v1/directories/${directory.id}/attribute_mapping/preview`, { body })).body).toMatchObject({
    changed: 0,
    failing: 0,
  });

  for (const operation of unknown) expect([operation.path, (await patch(ada, operation)).status]).toEqual([operation.path, 200]);
  expect((await patch(ada, ...unknown, { op: 'replace', path: 'emails[', value: 'x' }, off)).body).toMatchObject({
    scimType: 'invalidPath',
  });
  const { status, body: left } = await patch(ada, ...unknown, off);
  expect([status, (left as { active: boolean }).active]).toEqual([200, false]);
  const requests = await eventually(async () => {
    const { body: page } = await broker.call('GET', `/v1/directories/${directory.id}/requests?limit=1`);
    // Requests are written down a little later: those with one note each come before it.
    return page.data[0]?.status === 200 && page.data[0].notes.length > 1 && page.data;
  });
  expect(requests[0].notes).toEqual(unknown.map(({ op, path }) => `passed over the ${op} of ${path}, which no schema has`));
  const group = (await directory.idp.post('/Groups', { displayName: 'Eng' })).body as { id: string };
  const ofGroup = {
    schemas: [patchOp],
    Operations: [
      { op: 'add', path: 'colour', value: 'red' },
      { op: 'replace', path: 'displayName', value: 'Engineers' },
    ],
  };
  expect((await directory.idp.patch(`/Groups/${group.id}`, ofGroup)).body).toMatchObject({ displayName: 'Engineers' });
});

test('it is the environment’s mapping that says so where the directory has none of its own', async () => {
  const unknown = { op: 'add', path: 'dispalyName', value: 'x' };
  const body = { rules: { unknown_path: 'ignore' } };
  await broker.call('PUT', '/v1/attribute_mapping', { body });
  expect((await patch(ada, unknown)).status).toBe(200);
  await broker.call('PUT', `/v1/directories/${directory.id}/attribute_mapping`, { body: { rules: {} } });
  expect((await patch(ada, unknown)).body).toMatchObject({ scimType: 'invalidPath' });
  await broker.call('PUT', '/v1/attribute_mapping', { body: {} });
  expect((await broker.call('PUT', '/v1/attribute_mapping', { body: { rules: { unknown_path: 'warn' } } })).status).toBe(400);
});
