import fc from 'fast-check';
import { newId, publicId } from '#identifier';
import { coreSchemas, type JsonObject, type ListQuery, matches, parseFilter, type Resource, wholeResource } from '#scim';
import { testDatabase } from '#testing';
import { aMappedDirectory } from '../people/a-mapped-directory';
import {
  createDirectory,
  createGroup,
  createOrganization,
  createUser,
  deleteUser,
  readMembers,
  type ScimDirectory,
  searchGroups,
  searchUsers,
  type StoredUser,
  type ListSource,
  ListTotals,
} from '../index';
import type { DirectoryPool } from '../writing/transaction';

let pool: DirectoryPool;
let lists: ListSource;
let directory: ScimDirectory;
const users: { stored: StoredUser; shown: JsonObject }[] = [];

const baseUrl = 'https://causeway.test/scim/v2/dir_x';
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const custom = 'urn:ietf:params:scim:schemas:extension:2.0:CustomExtensionName';

const texts = ['a', 'A', 'b', 'ab', 'É', 'é', 'ß', 'ss', '%', '_', 'a%b', '\\', '"', "'", 'Ω', '😀', 'ﬀ', 'z', 'İ', 'ı', 'i'];
const text = fc.constantFrom(...texts);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });

const resource: fc.Arbitrary<Resource> = fc
  .record({
    externalId: optional(text),
    displayName: optional(text),
    title: optional(text),
    nickName: optional(text),
    active: fc.boolean(),
    name: optional(fc.record({ givenName: optional(text), familyName: optional(text) })),
    emails: optional(
      fc.array(fc.record({ value: text, type: optional(fc.constantFrom('work', 'Work', 'home')), primary: optional(fc.boolean()) }), {
        minLength: 1,
        maxLength: 3,
      }),
    ),
    [enterprise]: optional(fc.record({ department: optional(text), manager: optional(fc.record({ value: text })) })),
    [custom]: optional(
      fc.record({ folders: fc.array(text, { minLength: 1, maxLength: 3 }), count: optional(fc.integer({ min: 0, max: 3 })) }),
    ),
  })
  .map((value) => JSON.parse(JSON.stringify(value, (_key, inner: unknown) => (isEmpty(inner) ? undefined : inner))) as Resource);

function isEmpty(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((inner) => inner === undefined || isEmpty(inner))
  );
}

beforeAll(async () => {
  ({ pool } = await testDatabase());
  lists = { pool, lookups: pool, totals: new ListTotals({ atMost: 10 }) };
  const environmentId = newId();
  await pool.query('insert into environments (id, name) values ($1, $2)', [environmentId, 'test']);
  const organization = await createOrganization(pool, { environmentId, name: 'Acme' });
  directory = {
    ...(await createDirectory(pool, { environmentId, organizationId: organization.id, provider: 'okta' }))!,
    schemas: coreSchemas,
  };
  // What is searched for must not lie in another directory of the same table.
  const other = {
    ...(await createDirectory(pool, { environmentId, organizationId: organization.id, provider: 'okta' }))!,
    schemas: coreSchemas,
  };
  for (const [i, sample] of fc.sample(resource, { numRuns: 150, seed: 1 }).entries()) {
    const withName = { userName: `${texts[i % texts.length]}${i}`, ...sample };
    await createUser(pool, other, newId(), withName);
    users.push({ stored: await createUser(pool, directory, newId(), withName), shown: {} });
  }
  const group = await createGroup(
    pool,
    directory,
    newId(),
    { displayName: 'Élan' },
    users.slice(0, 10).map(({ stored }) => ({ id: stored.id, type: 'User' })),
  );
  for (const [i, user] of users.entries()) {
    const { stored } = user;
    const groups =
      i < 10
        ? [{ value: publicId('grp', group.id), display: 'Élan', type: 'direct', $ref: `${baseUrl}/Groups/${publicId('grp', group.id)}` }]
        : [];
    if (i < 10)
      stored.version =
        152 +
        users
          .slice(0, 10)
          .sort((a, b) => (a.stored.id < b.stored.id ? -1 : 1))
          .findIndex((other) => other === user);
    const extensions = Object.keys(stored.resource).filter((name) => name.startsWith('urn:'));
    user.shown = {
      ...stored.resource,
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ...extensions],
      id: publicId('usr', stored.id),
      ...(groups.length > 0 ? { groups } : {}),
      meta: {
        resourceType: 'User',
        created: stored.createdAt.toISOString(),
        lastModified: (i < 10 ? group : stored).updatedAt.toISOString(),
        location: `${baseUrl}/Users/${publicId('usr', stored.id)}`,
        version: `W/"${stored.version}"`,
      },
    };
  }
});

function query(filter: string | undefined, more: Partial<ListQuery> = {}): ListQuery {
  return {
    ...(filter === undefined ? {} : { filter: parseFilter(filter, 'User', coreSchemas) }),
    startIndex: 1,
    count: 1_000,
    projection: wholeResource,
    fingerprint: filter ?? '',
    notes: [],
    ...more,
  };
}

async function bySql(filter: string): Promise<string[]> {
  const { resources, total } = await searchUsers(lists, directory, query(filter), baseUrl);
  expect(total).toBe(resources.length);
  return resources.map(({ id }) => publicId('usr', id));
}

function inMemory(filter: string): unknown[] {
  const parsed = parseFilter(filter, 'User', coreSchemas);
  return users.filter(({ shown }) => matches(parsed, shown)).map(({ shown }) => shown.id);
}

const literal = text.map((value) => JSON.stringify(value));
const stringAttributes = [
  'userName',
  'externalId',
  'displayName',
  'title',
  'nickName',
  'name.givenName',
  'name.familyName',
  'emails.value',
  'emails',
  'emails.type',
  `${enterprise}:department`,
  `${enterprise}:manager.value`,
  `${enterprise}:manager`,
  `${custom}:folders`,
  'groups.display',
  'groups.value',
  'id',
  'schemas',
  'meta.resourceType',
  'meta.version',
];
const comparison = fc.oneof(
  fc
    .tuple(fc.constantFrom(...stringAttributes), fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'), literal)
    .map((parts) => parts.join(' ')),
  fc.constantFrom(...stringAttributes, 'active', 'name', enterprise).map((attribute) => `${attribute} pr`),
  fc.tuple(fc.constant('active'), fc.constantFrom('eq', 'ne'), fc.boolean()).map((parts) => parts.join(' ')),
  fc
    .tuple(fc.constant(`${custom}:count`), fc.constantFrom('eq', 'gt', 'le'), fc.integer({ min: 0, max: 3 }))
    .map((parts) => parts.join(' ')),
  fc
    .tuple(
      fc.constantFrom('meta.created', 'meta.lastModified'),
      fc.constantFrom('gt', 'le', 'eq'),
      fc.constantFrom('"2020-01-01T00:00:00Z"', '"2999-01-01T00:00:00+02:00"'),
    )
    .map((parts) => parts.join(' ')),
);
const inBrackets = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 2 },
    fc.oneof(
      fc
        .tuple(fc.constantFrom('value', 'type'), fc.constantFrom('eq', 'ne', 'co', 'sw'), fc.oneof(literal, fc.constant('"work"')))
        .map((parts) => parts.join(' ')),
      fc.constantFrom('primary eq true', 'type pr', 'primary pr'),
    ),
    fc.tuple(tie('filter'), fc.constantFrom('and', 'or'), tie('filter')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie('filter').map((a) => `not (${a})`),
  ),
})).filter;
const filter = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(
      comparison,
      inBrackets.map((inner) => `emails[${inner}]`),
    ),
    fc.tuple(tie('filter'), fc.constantFrom('and', 'or'), tie('filter')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie('filter').map((a) => `not (${a})`),
  ),
})).filter;

test('a filter selects in SQL exactly what it matches in memory', async () => {
  await fc.assert(
    fc.asyncProperty(filter, async (generated) => {
      expect(new Set(await bySql(generated))).toEqual(new Set(inMemory(generated)));
    }),
    { numRuns: 400 },
  );
}, 120_000);

test.each([
  ['userName eq "A0"', 1],
  ['externalId eq "É"', undefined],
  ['emails[type eq "work" and value eq "É"]', undefined],
  ['emails.value eq "ss"', undefined],
  ['groups.display eq "ÉLAN"', 10],
  ['schemas co "enterprise"', undefined],
])('%s', async (text, count) => {
  const found = await bySql(text);
  expect(found).toEqual(inMemory(text));
  if (count !== undefined) expect(found).toHaveLength(count);
  expect(found.length).toBeGreaterThan(0);
});

test('pages by index see everybody once, in one order, and the total each time', async () => {
  const seen: string[] = [];
  for (let startIndex = 1; ; startIndex += 7) {
    const { resources, total } = await searchUsers(lists, directory, query(undefined, { startIndex, count: 7 }), baseUrl);
    expect(total).toBe(150);
    if (resources.length === 0) break;
    seen.push(...resources.map(({ id }) => id));
  }
  expect(seen).toEqual(users.map(({ stored }) => stored.id));
});

describe.each([undefined, 'userName', 'title', 'emails.value', 'meta.created', 'id', `${custom}:count`, 'meta.lastModified'])(
  'sorted by %s',
  (sortBy) => {
    test.each([false, true])('descending %s, pages by cursor see everybody once, in the order of the whole', async (descending) => {
      const sort = sortBy === undefined ? {} : { sort: { by: attributeOf(sortBy), descending } };
      const whole = await searchUsers(lists, directory, query(undefined, sort), baseUrl);
      const seen: string[] = [];
      for (let cursor: string | undefined = ''; cursor !== undefined;) {
        const page: Awaited<ReturnType<typeof searchUsers>> = await searchUsers(
          lists,
          directory,
          query(undefined, { ...sort, count: 11, cursor }),
          baseUrl,
        );
        expect(page.total).toBe(150);
        seen.push(...page.resources.map(({ id }) => id));
        cursor = page.nextCursor;
      }
      expect(seen).toEqual(whole.resources.map(({ id }) => id));
      expect(new Set(seen).size).toBe(150);
    });
  },
);

function attributeOf(name: string) {
  const parsed = parseFilter(`${name} pr`, 'User', coreSchemas);
  if (parsed.kind !== 'present') throw new Error(`${name} is not an attribute`);
  return parsed.attribute;
}

test('a cursor is of use to its own query only', async () => {
  const first = await searchUsers(lists, directory, query(undefined, { count: 5, cursor: '' }), baseUrl);
  const again = (more: Partial<ListQuery>) =>
    searchUsers(lists, directory, query(undefined, { count: 5, cursor: first.nextCursor!, ...more }), baseUrl);
  await expect(again({ fingerprint: 'other' })).rejects.toMatchObject({ status: 400, scimType: 'invalidCursor' });
  await expect(again({ count: 6 })).rejects.toMatchObject({ status: 400, scimType: 'invalidCount' });
  await expect(again({ cursor: 'nonsense' })).rejects.toMatchObject({ status: 400, scimType: 'invalidCursor' });
});

test('groups are found by name in any case, and by their members', async () => {
  const groupQuery = (text: string): ListQuery => ({ ...query(undefined), filter: parseFilter(text, 'Group', coreSchemas) });
  const member = publicId('usr', users[3]!.stored.id);
  for (const text of [
    'displayName eq "élan"',
    `members eq "${member}"`,
    `members.value eq "${member}"`,
    `members[value eq "${member}" and type eq "User"]`,
    'displayName sw "É" and members pr',
  ]) {
    const { resources } = await searchGroups(lists, directory, groupQuery(text), baseUrl);
    expect([text, resources.length]).toEqual([text, 1]);
    for await (const { groupId, members } of readMembers(pool, directory, resources))
      expect([groupId, members.length]).toEqual([resources[0]!.id, 10]);
  }
  for (const text of [`members eq "${publicId('usr', users[20]!.stored.id)}"`, 'members.value eq "nobody"', 'not (members pr)']) {
    expect((await searchGroups(lists, directory, groupQuery(text), baseUrl)).resources).toEqual([]);
  }
});

test('a total is right on every page, whoever comes and goes between them', async () => {
  const { directory } = await aMappedDirectory();
  const total = async (startIndex: number): Promise<number> => {
    const byCursor = await searchUsers(lists, directory, query(undefined, { cursor: '', count: 1 }), baseUrl);
    const { total: all } = await searchUsers(lists, directory, query(undefined, { startIndex, count: 1 }), baseUrl);
    expect(byCursor.total).toBe(all);
    return all;
  };
  const made: StoredUser[] = [];
  for (const name of ['a', 'b', 'c']) made.push(await createUser(pool, directory, newId(), { userName: name, active: true }));
  expect([await total(1), await total(2), await total(1)]).toEqual([3, 3, 3]);
  await createUser(pool, directory, newId(), { userName: 'd', active: true });
  expect([await total(1), await total(2)]).toEqual([4, 4]);
  await deleteUser(pool, directory, newId(), made[0]!.id, () => {});
  expect([await total(1), await total(2)]).toEqual([3, 3]);
});
