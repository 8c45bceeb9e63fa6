/** Sorting (RFC 7644 §3.4.2.3). */
import { anError, aScimDirectory, enterpriseUrn, type ScimUnderTest, seen, userUrn } from './a-scim-directory';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

async function sorted(sortBy: string, more: Record<string, string> = {}, endpoint = '/Users'): Promise<string[]> {
  const { status, body } = await scim.query(endpoint, { sortBy, ...more });
  expect([sortBy, status]).toEqual([sortBy, 200]);
  return body.Resources.map((resource: Record<string, string>) => resource.userName ?? resource.displayName);
}

test('S1 ascending unless told otherwise; another order is refused', async () => {
  for (const userName of ['b', 'c', 'a']) await scim.aUser({ userName });
  expect(await sorted('userName')).toEqual(['a', 'b', 'c']);
  expect(await sorted('userName', { sortOrder: 'ascending' })).toEqual(['a', 'b', 'c']);
  expect(await sorted('userName', { sortOrder: 'Descending' })).toEqual(['c', 'b', 'a']);
  for (const sortOrder of ['up', 'desc']) {
    expect(seen(await scim.query('/Users', { sortBy: 'userName', sortOrder }))).toEqual(anError(400, 'invalidValue'));
    expect(seen(await scim.query('/Users', { sortOrder }))).toEqual(anError(400, 'invalidValue'));
  }
});

test('S2 who has no value comes last ascending and first descending', async () => {
  await scim.aUser({ userName: 'none' });
  await scim.aUser({ userName: 'z', title: 'z' });
  await scim.aUser({ userName: 'a', title: 'a' });
  expect(await sorted('title')).toEqual(['a', 'z', 'none']);
  expect(await sorted('title', { sortOrder: 'descending' })).toEqual(['none', 'z', 'a']);
});

test('S3 of several values the primary one counts, else the first; of a complex one a part must be named', async () => {
  await scim.aUser({ userName: 'second', emails: [{ value: 'z@x' }, { value: 'b@x', primary: true }], name: { familyName: 'Y' } });
  await scim.aUser({ userName: 'third', emails: [{ value: 'c@x' }, { value: 'a@x' }], name: { familyName: 'x' } });
  await scim.aUser({ userName: 'first', emails: [{ value: 'a@x' }], name: { familyName: 'Z' } });
  expect(await sorted('emails.value')).toEqual(['first', 'second', 'third']);
  expect(await sorted('emails')).toEqual(['first', 'second', 'third']);
  expect(await sorted('name.familyName')).toEqual(['third', 'second', 'first']);
  expect(seen(await scim.query('/Users', { sortBy: 'name' }))).toEqual(anError(400, 'invalidPath'));
});

test('S3 and so is an attribute that nobody declared, whatever its kind', async () => {
  const urn = 'urn:ietf:params:scim:schemas:extension:acme:2.0:User';
  await scim.aUser({
    userName: 'second',
    [urn]: { cards: [{ value: 'z' }, { value: 'b', primary: true }], floors: ['2', '1'], badge: { value: 'b' } },
  });
  await scim.aUser({ userName: 'third', [urn]: { cards: [{ value: 'c' }, { value: 'a' }], floors: ['3', '0'], badge: { value: 'c' } } });
  await scim.aUser({ userName: 'first', [urn]: { cards: [{ value: 'a', type: 'z' }], floors: ['1'], badge: 'a' } });
  for (const name of ['cards', 'cards.value', 'floors', 'floors.value', 'badge', 'badge.value'])
    expect([name, await sorted(`${urn}:${name}`)]).toEqual([name, ['first', 'second', 'third']]);
});

test('S4 case and locale make no difference, and equals come in the order of their ids', async () => {
  for (const userName of ['É2', 'e3', 'é1', 'Z', 'z1', 'a']) await scim.aUser({ userName, title: 'same' });
  expect(await sorted('userName')).toEqual(['a', 'e3', 'Z', 'z1', 'é1', 'É2']);
  const byTitle = await sorted('title');
  expect(byTitle).toEqual(['É2', 'e3', 'é1', 'Z', 'z1', 'a']);
  expect(await sorted('title', { sortOrder: 'descending' })).toEqual(byTitle);
});

test('S5 names may have their URN; what nothing can be sorted by is refused', async () => {
  await scim.aUser({ userName: 'b', [enterpriseUrn]: { department: 'X', manager: { value: '1' } } });
  await scim.aUser({ userName: 'a', [enterpriseUrn]: { department: 'y', manager: { value: '2' } } });
  expect(await sorted(`${userUrn}:userName`)).toEqual(['a', 'b']);
  expect(await sorted(`${enterpriseUrn.toUpperCase()}:department`)).toEqual(['b', 'a']);
  expect(await sorted(`${enterpriseUrn}:manager.value`)).toEqual(['b', 'a']);
  for (const sortBy of ['nope', 'name.nope', 'emails[type eq "work"]', 'a b', '__proto__', ',', 'userName,title', 'members.value']) {
    expect([sortBy, seen(await scim.query('/Users', { sortBy }))]).toEqual([sortBy, anError(400, 'invalidPath')]);
  }
});

test('S5 times, ids and groups can be sorted as well', async () => {
  const first = await scim.aUser({ userName: 'first' });
  await scim.aUser({ userName: 'second' });
  await scim.patch(`/Users/${first.id}`, [{ op: 'add', path: 'title', value: 'x' }]);
  expect(await sorted('meta.created', { sortOrder: 'descending' })).toEqual(['second', 'first']);
  expect(await sorted('meta.lastModified')).toEqual(['second', 'first']);
  expect(await sorted('id')).toEqual(['first', 'second']);
  for (const displayName of ['b', 'A']) await scim.aGroup({ displayName });
  expect(await sorted('displayName', {}, '/Groups')).toEqual(['A', 'b']);
  expect(await sorted('displayName', {}, '/')).toEqual(['first', 'second', 'A', 'b']);
});

test('S6 that sorting is supported is announced', async () => {
  expect((await scim.get('/ServiceProviderConfig')).body.sort).toEqual({ supported: true });
});
