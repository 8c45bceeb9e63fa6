/**
 * What an IdP's request costs the database: which statements travel together, and how often somebody waits for an answer. One round
 * trip more is a fifth of a request, so whoever adds one is asked here whether it cannot travel with another.
 */
import { isObject } from '#scim';
import { createTestDatabase, eventually, type ScimAnswer, type TestDatabase } from '#testing';
import { aBroker, type TestDirectory } from '../a-broker';
import { aListeningWire, type ListeningWire } from './a-listening-wire';

let db: TestDatabase;
let wire: ListeningWire;
let idp: TestDirectory['idp'];
let ada: string;
let group: string;

const user = (name: string) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName: `${name}@acme.com`,
  externalId: name,
  title: 'Engineer',
  active: true,
});
const patch = (operation: object) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] });
const idOf = ({ body }: ScimAnswer): string => (isObject(body) ? String(body.id) : '');
const authentication = ['bearer_token'];

// What is done beside the requests: written down some time later, for many of them at once, or looked at every second.
const besides = ['kept_of_directories', 'insert_requests', 'note_directory_requests', 'note_bearer_token_uses', 'look_whether_set_back'];

/** The round trips of one request, by the statements in them. */
async function trips(ask: () => Promise<{ status: number }>): Promise<string[][]> {
  wire.take();
  expect((await ask()).status).toBeLessThan(300);
  return wire.take().filter((trip) => !trip.some((statement) => besides.includes(statement) || statement.startsWith('listen')));
}

beforeAll(async () => {
  db = await createTestDatabase();
  wire = await aListeningWire(db.url);
  const broker = await aBroker({ databaseUrl: wire.url });
  ({ idp } = await broker.aDirectory());
  ada = idOf(await idp.post('/Users', user('ada')));
  group = idOf(await idp.post('/Groups', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Eng' }));
});
afterAll(() => wire.stop());

test('a user is read in two', async () => {
  expect(await trips(() => idp.get(`/Users/${ada}`))).toEqual([authentication, ['user']]);
});

test.each([
  ['somebody', 'ada'],
  ['nobody', 'eve'],
])('a match that finds %s takes two', async (_, name) => {
  expect(await trips(() => idp.get(`/Users?filter=userName+eq+"${name}@acme.com"`))).toEqual([
    authentication,
    [expect.stringMatching(/^search_/)],
  ]);
});

test('a list takes two, and one more where there is more to count and somebody has come or gone since it was counted', async () => {
  const search = [expect.stringMatching(/^search_/)];
  await idp.post('/Users', user('another'));
  expect(await trips(() => idp.get('/Users?count=100'))).toEqual([authentication, search]);
  expect(await trips(() => idp.get('/Users?count=1'))).toEqual([authentication, search, search]);
  expect(await trips(() => idp.get('/Users?count=1'))).toEqual([authentication, search]);
  await idp.post('/Users', user('one more'));
  expect(await trips(() => idp.get('/Users?count=1'))).toEqual([authentication, search, search]);
});

test('a user is created in three', async () => {
  expect(await trips(() => idp.post('/Users', user('bob')))).toEqual([
    authentication,
    ['begin', 'lock_organization_seats', 'lock_directory_head', 'policy_of_directory'],
    ['insert_user', 'insert_events', 'commit'],
  ]);
});

test.each([
  ['PATCH', () => idp.patch(`/Users/${ada}`, patch({ op: 'Replace', path: 'title', value: 'Manager' }))],
  ['PUT', () => idp.put(`/Users/${ada}`, { ...user('ada'), title: 'Director' })],
])('a user is changed by a %s in three', async (_, ask) => {
  expect(await trips(ask)).toEqual([
    authentication,
    ['begin', 'lock_organization_seats', 'lock_directory_head', 'policy_of_directory', 'user'],
    ['update_user', 'insert_events', 'commit'],
  ]);
});

test('a change that changes nothing writes nothing', async () => {
  await idp.patch(`/Users/${ada}`, patch({ op: 'Replace', path: 'title', value: 'Same' }));
  expect(await trips(() => idp.patch(`/Users/${ada}`, patch({ op: 'Replace', path: 'title', value: 'Same' })))).toEqual([
    authentication,
    ['begin', 'lock_organization_seats', 'lock_directory_head', 'policy_of_directory', 'user'],
    ['commit'],
  ]);
});

test('a member is added in four, and one more for those that are shown, and removed likewise', async () => {
  const change = (op: 'Add' | 'Remove') =>
    trips(() => idp.patch(`/Groups/${group}`, patch({ op, path: 'members', value: [{ value: ada }] })));
  const before = [authentication, ['begin', 'lock_directory_head', 'policy_of_directory', 'group']];
  expect(await change('Add')).toEqual([
    ...before,
    ['unknown_member', 'begin_memberships', 'user'],
    ['update_group_counts', 'insert_events', 'commit'],
    ['members_of_groups'],
  ]);
  expect(await change('Remove')).toEqual([...before, ['end_membership', 'user'], ['update_group_counts', 'insert_events', 'commit']]);
});

test('a user leaves in four', async () => {
  const id = idOf(await idp.post('/Users', user('leaver')));
  expect(await trips(() => idp.delete(`/Users/${id}`))).toEqual([
    authentication,
    ['begin', 'lock_organization_seats', 'lock_directory_head', 'policy_of_directory', 'user'],
    ['groups_of_member'],
    ['delete_user', 'insert_events', 'commit'],
  ]);
});

test('those who come to a directory while it is held share what follows: sixteen take two commits', async () => {
  const holder = await db.pool.connect();
  await holder.query('begin');
  await holder.query('select 1 from directory_heads for no key update');
  wire.take();
  const answers = Promise.all(Array.from({ length: 16 }, (_, i) => idp.post('/Users', user(`one of many ${i}`))));
  const asked: string[] = [];
  await eventually(() => {
    asked.push(...wire.take().flat());
    return asked.filter((statement) => statement === 'bearer_token').length === 16;
  });
  await holder.query('rollback');
  holder.release();

  expect((await answers).map(({ status }) => status)).toEqual(Array.from({ length: 16 }, () => 201));
  asked.push(...wire.take().flat());
  const count = (name: string): number => asked.filter((statement) => statement === name).length;
  expect([count('begin'), count('policy_of_directory'), count('insert_user'), count('insert_events'), count('commit')]).toEqual([
    2, 2, 16, 2, 2,
  ]);
});
