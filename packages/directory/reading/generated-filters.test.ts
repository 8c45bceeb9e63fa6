/** Filters of every kind, on users and groups of every kind: what PostgreSQL selects is what matches in memory, and is the same when the filter is written anew. */
import fc from 'fast-check';
import { newId, publicId } from '#identifier';
import {
  formatFilter,
  type JsonObject,
  type ListQuery,
  matches,
  parseFilter,
  parseUser,
  renderResource,
  type ResourceType,
  schemaSet,
  type StoredResource,
  wholeResource,
} from '#scim';
import { testDatabase } from '#testing';
import {
  createDirectory,
  createGroup,
  createOrganization,
  createUser,
  type MemberIdentity,
  readMembers,
  type ScimDirectory,
  searchGroups,
  searchUsers,
  type DirectoryPool,
  type ListSource,
  ListTotals,
} from '../index';

const baseUrl = 'https://causeway.test/scim/v2/dir_x';
const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
const groupUrn = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const undeclared = 'urn:ietf:params:scim:schemas:extension:2.0:CustomExtensionName';
const declared = 'urn:acme:params:scim:schemas:extension:typed:2.0:User';
const schemas = schemaSet([
  {
    urn: declared,
    resourceType: 'User',
    attributes: [
      { name: 'since', type: 'dateTime' },
      { name: 'days', type: 'dateTime', multiValued: true },
      { name: 'floor', type: 'integer' },
      { name: 'ratio', type: 'decimal' },
      { name: 'flag', type: 'boolean' },
      { name: 'code', caseExact: true },
      { name: 'codes', caseExact: true, multiValued: true },
      { name: 'desk', type: 'complex', subAttributes: [{ name: 'room' }, { name: 'seats', type: 'integer' }] },
      {
        name: 'badges',
        type: 'complex',
        multiValued: true,
        subAttributes: [{ name: 'value' }, { name: 'type' }, { name: 'from', type: 'dateTime' }],
      },
    ],
  },
]);

// ── What there is ──────────────────────────────────────────────────────────────────────────────

const texts = [
  'a',
  'A',
  'ab',
  'B',
  'É',
  'é',
  'e\u0301',
  'E\u0301',
  'ß',
  'ẞ',
  'SS',
  'İ',
  'i',
  'ı',
  'I',
  'ﬃ',
  'FFI',
  'ΌΔΟΣ',
  'όδος',
  'ς',
  'ΐ',
  'Ǆ',
  'ǆ',
  'Å',
  'Å',
  'Ж',
  'ж',
  '😀',
  '\uffff',
  '𐐀',
  '𐐨',
  '%',
  '_',
  '%a%',
  '\\',
  '\\%',
  '\\\\',
  '"',
  '\\"',
  "'",
  "''",
  '$1',
  '$$',
  '*',
  '.*',
  '?',
  '{',
  '[0]',
  ' ',
  ' a',
  'a ',
  '\n',
  '\t',
  '\u2028',
  '\u0001',
  '\u007f',
  'true',
  'null',
  '5',
  '2026-01-31T09:00:00Z',
  'strict $.a',
  'x'.repeat(1_500),
];
const text = fc.constantFrom(...texts);
const longer = fc.oneof(
  { weight: 4, arbitrary: text },
  fc.tuple(text, text).map((both) => both.join('')),
);
const instants = [
  '2026-01-31T09:00:00Z',
  '2026-01-31T10:00:00+01:00',
  '2026-01-31T09:00:00.0004Z',
  '2026-01-31T09:00:00.001Z',
  '2026-01-31T24:00:00Z',
  '2026-02-01T00:00:00-00:00',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999+14:00',
  '1969-12-31T23:59:59.999',
];
const instant = fc.constantFrom(...instants);
const type = fc.constantFrom('work', 'Work', 'home', 'x');
const several = (value: fc.Arbitrary<unknown>) =>
  fc
    .array(fc.record({ value, type, primary: fc.boolean(), display: text }, { requiredKeys: ['value'] }), { minLength: 1, maxLength: 3 })
    .map((values) => values.map((one, i) => ({ ...one, ...(i > 0 && { primary: false }) })));

const userBodies = fc.record(
  {
    externalId: longer,
    displayName: longer,
    title: text,
    nickName: text,
    active: fc.boolean(),
    profileUrl: text,
    name: fc.record({ givenName: text, familyName: text, formatted: longer }, { requiredKeys: [] }),
    emails: several(text),
    roles: several(longer),
    photos: several(text),
    addresses: fc.array(fc.record({ type, locality: text, country: text, primary: fc.constant(false) }, { requiredKeys: [] }), {
      maxLength: 2,
    }),
    [enterprise]: fc.record(
      { department: text, costCenter: text, manager: fc.record({ value: text, displayName: text }, { requiredKeys: ['value'] }) },
      { requiredKeys: [] },
    ),
    [undeclared]: fc.record(
      {
        Folders: fc.array(text, { maxLength: 3 }),
        n: fc.constantFrom<unknown>(0, 1, 1.5, -3, '1', true, 'true'),
        flag: fc.boolean(),
        mixed: fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 2 }), fc.record({ value: text }), several(text)),
        object: fc.record({ Key: text, n: fc.integer({ min: 0, max: 2 }) }, { requiredKeys: [] }),
        objects: fc.array(fc.record({ value: text, k: fc.integer({ min: 0, max: 2 }) }, { requiredKeys: [] }), { maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
    [declared]: fc.record(
      {
        since: instant,
        days: fc.array(instant, { maxLength: 2 }),
        floor: fc.integer({ min: -2, max: 3 }),
        ratio: fc.constantFrom(0, 0.5, -1.25, 2e10),
        flag: fc.boolean(),
        code: text,
        codes: fc.array(text, { maxLength: 3 }),
        desk: fc.record({ room: text, seats: fc.integer({ min: 0, max: 2 }) }, { requiredKeys: [] }),
        badges: fc.array(fc.record({ value: text, type, from: instant }, { requiredKeys: ['value'] }), { maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

let pool: DirectoryPool;
let lists: ListSource;
let directory: ScimDirectory;
const shown: Record<ResourceType, JsonObject[]> = { User: [], Group: [] };

beforeAll(async () => {
  ({ pool } = await testDatabase());
  lists = { pool, lookups: pool, totals: new ListTotals({ atMost: 10 }) };
  const environmentId = newId();
  await pool.query('insert into environments (id, name) values ($1, $2)', [environmentId, 'test']);
  const organization = await createOrganization(pool, { environmentId, name: 'Acme' });
  directory = { ...(await createDirectory(pool, { environmentId, organizationId: organization.id, provider: 'generic' }))!, schemas };
  const members: MemberIdentity[] = [];
  for (const [i, body] of fc.sample(userBodies, { numRuns: 120, seed: 7 }).entries()) {
    const { resource } = parseUser({ userName: `${texts[i % texts.length]}${i}`, ...body }, schemas);
    members.push({ id: (await createUser(pool, directory, newId(), resource)).id, type: 'User' });
  }
  for (let i = 0; i < 12; i += 1) {
    const group = await createGroup(
      pool,
      directory,
      newId(),
      {
        displayName: `${texts[(i * 5) % (texts.length - 1)]} ${i}`,
        ...(i % 3 && { externalId: texts[i] ?? '' }),
        ...(i % 4 === 0 && { 'urn:acme:Group': { n: i, T: texts[i] ?? '' } }),
      },
      members.filter((_, n) => n % (i + 2) === 1),
    );
    if (i % 4 === 1) members.push({ id: group.id, type: 'Group' });
  }
  const all: ListQuery = { startIndex: 1, count: 1_000, projection: wholeResource, fingerprint: '', notes: [] };
  const rendered = (
    kind: ResourceType,
    stored: { id: string; resource: JsonObject; createdAt: Date; updatedAt: Date; version: number },
    more: Partial<StoredResource>,
  ): JsonObject =>
    renderResource(
      {
        type: kind,
        id: publicId(kind === 'User' ? 'usr' : 'grp', stored.id),
        resource: stored.resource,
        baseUrl,
        created: stored.createdAt,
        lastModified: stored.updatedAt,
        version: stored.version,
        ...more,
      },
      wholeResource,
      schemas,
    );
  for (const user of (await searchUsers(lists, directory, all, baseUrl)).resources) {
    shown.User.push(
      rendered('User', user, { groups: user.groups.map(({ id, displayName }) => ({ id: publicId('grp', id), display: displayName })) }),
    );
  }
  for (const group of (await searchGroups(lists, directory, all, baseUrl)).resources) {
    const of: NonNullable<StoredResource['members']> = [];
    for await (const part of readMembers(pool, directory, [group]))
      of.push(
        ...part.members.map(({ id, type: kind, display }) => ({
          value: publicId(kind === 'User' ? 'usr' : 'grp', id),
          type: kind,
          ...(display !== null && { display }),
        })),
      );
    shown.Group.push(rendered('Group', group, { members: of }));
  }
});

// ── What is asked ──────────────────────────────────────────────────────────────────────────────

/** A literal that somebody may well have, or a part of it, or in another case. */
const literal = fc
  .oneof(
    { weight: 3, arbitrary: longer },
    fc.tuple(longer, fc.nat({ max: 3 }), fc.nat({ max: 3 })).map(([whole, from, length]) =>
      Array.from(whole)
        .slice(from, from + length)
        .join(''),
    ),
    longer.map((whole) => whole.toUpperCase()),
    longer.map((whole) => whole.toLowerCase()),
  )
  .map((one) => JSON.stringify(one));
const anyCase = (name: string): fc.Arbitrary<string> => fc.constantFrom(name, name, name.toUpperCase(), name.toLowerCase());
const operator = fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le', 'EQ', 'Co');
const equality = fc.constantFrom('eq', 'ne');
const order = fc.constantFrom('eq', 'ne', 'gt', 'ge', 'lt', 'le');

function compared(names: string[], operators: fc.Arbitrary<string>, literals: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...names).chain(anyCase), operators, literals).map((parts) => parts.join(' '));
}

function known(kind: ResourceType): fc.Arbitrary<string> {
  return fc.nat().map((i) => {
    const { meta } = shown[kind][i % shown[kind].length]!;
    const { location = '', version, created, lastModified } = meta as Record<string, string>;
    const id = location.slice(location.lastIndexOf('/') + 1);
    return (
      [
        `id eq "${id}"`,
        `meta.location eq ${JSON.stringify(location)}`,
        `meta.version eq ${JSON.stringify(version)}`,
        `meta.created le "${created}"`,
        `meta.lastModified ge "${String(lastModified).replace('Z', '+00:00')}"`,
        `meta.created eq "${created}"`,
        `id gt "${id}"`,
        `meta.location ew "${id}"`,
      ][i % 8] ?? ''
    );
  });
}

const present = (names: string[]): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...names).chain(anyCase), fc.constantFrom('pr', 'eq null', 'ne null')).map((parts) => parts.join(' '));
const numbers = fc.constantFrom('0', '1', '1.5', '-3', '2e10', '0.5', '-1.25');
const someId = (kind: ResourceType): fc.Arbitrary<string> =>
  fc.nat().map((i) => JSON.stringify(shown[kind][i % shown[kind].length]!['id']));

function combined(leaf: fc.Arbitrary<string>, maxDepth: number): fc.Arbitrary<string> {
  return fc.letrec<{ filter: string }>((tie) => ({
    filter: fc.oneof(
      { maxDepth },
      leaf,
      fc.tuple(tie('filter'), fc.constantFrom('and', 'or', 'AND'), tie('filter')).map((parts) => parts.join(' ')),
      fc.tuple(tie('filter'), fc.constantFrom('and', 'or'), tie('filter')).map(([a, word, b]) => `(${a}) ${word} (${b})`),
      fc.tuple(fc.constantFrom('not (', 'not(', 'NOT  ('), tie('filter')).map(([word, a]) => `${word}${a})`),
    ),
  })).filter;
}

const strings = [
  'userName',
  'externalId',
  'displayName',
  'title',
  'nickName',
  'profileUrl',
  'name.givenName',
  'name.familyName',
  'emails',
  'emails.value',
  'emails.type',
  'emails.display',
  'roles.value',
  'photos.value',
  'addresses.locality',
  `${userUrn}:title`,
  `${enterprise}:department`,
  `${enterprise}:manager`,
  'manager.displayName',
  'costCenter',
  `${undeclared}:folders`,
  `${undeclared}:object.key`,
  `${undeclared}:objects.value`,
  `${undeclared}:folders.value`,
  `${undeclared}:objects`,
  `${undeclared}:mixed`,
  `${undeclared}:mixed.value`,
  `${undeclared}:mixed.type`,
  `${declared}:code`,
  `${declared}:codes`,
  `${declared}:desk.room`,
  `${declared}:badges.value`,
  'groups.display',
  'schemas',
  'meta.resourceType',
  'urn:nobody:knows:2.0:User:x',
];
const element = (subs: string[]): fc.Arbitrary<string> =>
  combined(fc.oneof(compared(subs, operator, fc.oneof(literal, fc.constantFrom('"work"', '"HOME"'))), present(subs)), 2);
const inBrackets = fc
  .oneof(
    fc.tuple(
      fc.constantFrom('emails', 'roles', 'photos', `${userUrn}:emails`),
      combined(
        fc.oneof(
          compared(['value', 'type', 'display'], operator, fc.oneof(literal, fc.constantFrom('"work"', '"Home"'))),
          fc.constantFrom('primary eq true', 'primary ne "True"', 'primary pr', 'type eq null'),
        ),
        3,
      ),
    ),
    fc.tuple(fc.constantFrom('addresses'), element(['locality', 'type', 'country'])),
    fc.tuple(
      fc.constantFrom(`${declared}:badges`),
      fc.oneof(
        element(['value', 'type']),
        compared(
          ['from'],
          order,
          instant.map((one) => `"${one}"`),
        ),
      ),
    ),
    fc.tuple(fc.constantFrom(`${undeclared}:objects`), fc.oneof(element(['value']), compared(['k'], order, numbers))),
    fc.tuple(fc.constantFrom(`${undeclared}:folders`, `${declared}:codes`), element(['value'])),
    fc.tuple(
      fc.constantFrom(`${undeclared}:mixed`),
      fc.oneof(element(['value', 'type']), fc.constantFrom('primary eq true', 'primary eq "True"', 'primary ne "false"')),
    ),
    fc.tuple(fc.constant('name'), element(['givenName', 'familyName'])),
    fc.tuple(fc.constant('groups'), element(['display', 'value', 'type', '$ref'])),
    fc.tuple(fc.constant(`${enterprise}:manager`), element(['value', 'displayName'])),
  )
  .chain(([name, inner]) =>
    fc.oneof(
      { weight: 2, arbitrary: fc.constant(`${name}[${inner}]`) },
      ...(/emails|roles|badges/.test(name)
        ? [
            fc
              .tuple(
                fc.constantFrom('value', 'type'),
                fc.oneof(
                  fc.tuple(operator, literal).map((parts) => parts.join(' ')),
                  fc.constantFrom('pr', 'eq null', 'ne null'),
                ),
              )
              .map(([sub, rest]) => `${name}[${inner}].${sub} ${rest}`),
          ]
        : []),
    ),
  );

const userFilter = combined(
  fc.oneof(
    { weight: 4, arbitrary: compared(strings, operator, literal) },
    { weight: 3, arbitrary: inBrackets },
    present([
      ...strings,
      'name',
      'emails',
      'active',
      'roles.primary',
      'groups',
      'meta',
      enterprise,
      undeclared,
      declared,
      `${undeclared}:n`,
      `${undeclared}:object`,
      `${declared}:desk`,
      `${declared}:since`,
      'urn:nobody:knows:x:y',
    ]),
    compared(['active', `${declared}:flag`, 'roles.primary'], equality, fc.constantFrom('true', 'false', '"True"', 'FALSE')),
    compared([`${undeclared}:n`], equality, fc.constantFrom('true', '"1"', '1', '"true"', 'false', '1.5')),
    compared([`${undeclared}:flag`, `${undeclared}:mixed.primary`], equality, fc.constantFrom('true', 'false', '"True"', '"FALSE"')),
    compared(
      [
        `${declared}:floor`,
        `${declared}:ratio`,
        `${declared}:desk.seats`,
        `${undeclared}:n`,
        `${undeclared}:objects.k`,
        `${undeclared}:object.n`,
      ],
      order,
      numbers,
    ),
    compared(
      [`${declared}:since`, `${declared}:days`, `${declared}:badges.from`, 'meta.created', 'meta.lastModified'],
      order,
      instant.map((one) => `"${one}"`),
    ),
    known('User'),
    compared(['groups', 'groups.value'], operator, someId('Group')),
    fc.constantFrom(
      `schemas eq "${enterprise}"`,
      `schemas co "${declared.toUpperCase()}"`,
      'meta.resourceType eq "User"',
      'meta.resourceType ne "user"',
      'groups.type eq "direct"',
    ),
  ),
  4,
);

const groupFilter = combined(
  fc.oneof(
    {
      weight: 3,
      arbitrary: compared(
        ['displayName', 'externalId', 'members.display', 'urn:acme:Group:t', `${groupUrn}:displayName`],
        operator,
        literal,
      ),
    },
    compared(['members', 'members.value'], operator, fc.oneof(someId('User'), someId('Group'))),
    compared(['members.type'], equality, fc.constantFrom('"User"', '"group"', '"x"')),
    present(['members', 'externalId', 'members.display', 'urn:acme:Group', 'urn:acme:Group:n', 'displayName']),
    compared(['urn:acme:Group:n'], order, numbers),
    known('Group'),
    fc
      .tuple(someId('User'), fc.constantFrom('type eq "User"', 'display pr', 'not (type eq "Group")', 'display co "a"', '$ref co "Users"'))
      .map(([id, rest]) => `members[value eq ${id} and ${rest}]`),
    element(['value', 'display', 'type', '$ref']).map((inner) => `members[${inner}]`),
  ),
  3,
);

async function selected(kind: ResourceType, filter: string): Promise<{ found: unknown[]; expected: unknown[] }> {
  const parsed = parseFilter(filter, kind, schemas);
  const query: ListQuery = { filter: parsed, startIndex: 1, count: 1_000, projection: wholeResource, fingerprint: filter, notes: [] };
  const { resources, total } =
    kind === 'User' ? await searchUsers(lists, directory, query, baseUrl) : await searchGroups(lists, directory, query, baseUrl);
  expect(total).toBe(resources.length);
  return {
    found: resources.map(({ id }) => publicId(kind === 'User' ? 'usr' : 'grp', id)),
    expected: shown[kind].filter((one) => matches(parsed, one)).map(({ id }) => id),
  };
}

test.each<[ResourceType, fc.Arbitrary<string>, number]>([
  ['User', userFilter, 800],
  ['Group', groupFilter, 300],
])(
  'filters of every kind select the same %ss in SQL as in memory',
  async (kind, filters, numRuns) => {
    let some = 0;
    await fc.assert(
      fc.asyncProperty(filters, async (filter) => {
        fc.pre(filter.length < 2_500);
        const { found, expected } = await selected(kind, filter);
        expect([filter, found]).toEqual([filter, expected]);
        if (found.length > 0 && found.length < shown[kind].length) some += 1;
      }),
      { numRuns },
    );
    // Filters that always select nobody, or everybody, would show little.
    expect(some).toBeGreaterThan(numRuns / 4);
  },
  300_000,
);

test.each<[ResourceType, fc.Arbitrary<string>]>([
  ['User', userFilter],
  ['Group', groupFilter],
])('filters of every kind on %ss are the same when they are written anew', (kind, filters) => {
  fc.assert(
    fc.property(filters, (filter) => {
      fc.pre(filter.length < 1_500);
      const parsed = parseFilter(filter, kind, schemas);
      expect(parseFilter(formatFilter(parsed), kind, schemas)).toEqual(parsed);
    }),
    { numRuns: 1_000 },
  );
});
