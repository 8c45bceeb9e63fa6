/** Filters (RFC 7644 §3.4.2.2), over HTTP. The tests of one describe share a directory, which they only read. */
import { countCalls } from '#testing';
import { anError, aScimDirectory, enterpriseUrn, groupUrn, nobody, type ScimUnderTest, seen, userUrn } from './a-scim-directory';

const custom = 'urn:ietf:params:scim:schemas:extension:2.0:Metadata';
const oddUrn = 'urn:ietf:params:scim:schemas:extension:2.0:CustomExtensionName';

let scim: ScimUnderTest;
let ada: { id: string; userName: string; meta: { created: string; lastModified: string; location: string; version: string } };
let bob: { id: string };
let engineers: { id: string };

beforeAll(async () => {
  scim = await aScimDirectory();
  ada = await scim.aUser({
    userName: 'Ada@Acme.com',
    externalId: 'Ext-1',
    displayName: 'Ada Lovelace',
    title: 'É 100% "real" \\ _',
    active: true,
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [
      { value: 'Ada@Acme.com', type: 'work', primary: true },
      { value: 'countess@home.org', type: 'home' },
    ],
    phoneNumbers: [{ value: '555', type: 'mobile' }],
    [enterpriseUrn]: { department: 'Straße', employeeNumber: '7', manager: { value: 'M-1', displayName: 'Boss' } },
    [custom]: { costCenter: 'CC1', level: 3, since: '2024-01-01' },
    [oddUrn]: { folders: ['A', 'b'], flag: true },
  });
  bob = await scim.aUser({
    userName: 'bob',
    active: false,
    emails: [
      { value: 'bob@home.org', type: 'work' },
      { value: 'bob@acme.com', type: 'home' },
    ],
    name: { givenName: 'Bob' },
    [custom]: { level: 10 },
  });
  await scim.aUser({ userName: 'zoë', title: '', roles: [{ value: 'x', primary: 'True' }] });
  engineers = await scim.aGroup({ displayName: 'Élan', members: [{ value: ada.id }] });
  await scim.aGroup({ displayName: 'Nested', externalId: 'g', members: [{ value: engineers.id }] });
});

const found = (filter: string) => scim.matching(filter);
const groups = (filter: string) => scim.matching(filter, '/Groups');

async function selects(cases: [filter: string, names: string[]][]): Promise<void> {
  for (const [filter, names] of cases) expect([filter, await found(filter)]).toEqual([filter, names]);
}

async function refuses(filters: string[], endpoint = '/Users'): Promise<void> {
  for (const filter of filters)
    expect([filter, seen(await scim.query(endpoint, { filter }))]).toEqual([filter, anError(400, 'invalidFilter')]);
}

const a = 'Ada@Acme.com';
const b = 'bob';
const z = 'zoë';

test('F1 every operator, on strings, times and numbers', async () => {
  await selects([
    ['userName eq "bob"', [b]],
    ['userName ne "bob"', [a, z]],
    ['userName co "ob"', [b]],
    ['userName sw "b"', [b]],
    ['userName ew "b"', [b]],
    ['userName pr', [a, b, z]],
    ['title pr', [a]],
    ['userName gt "bob"', [z]],
    ['userName ge "bob"', [b, z]],
    ['userName lt "bob"', [a]],
    ['userName le "bob"', [a, b]],
    ['userName ge ""', [a, b, z]],
    [`${custom}:level gt 3`, [b]],
    [`${custom}:level ge 3`, [a, b]],
    [`${custom}:level lt 10`, [a]],
    [`${custom}:level eq 3.0`, [a]],
    [`${custom}:level le 9.99`, [a]],
    ['meta.created gt "2011-05-13T04:42:34+02:00"', [a, b, z]],
    ['meta.created lt "2011-05-13T04:42:34Z"', []],
  ]);
});

test('F1 times are compared as instants, whatever their zone and precision', async () => {
  const created = new Date(ada.meta.created);
  const elsewhere = new Date(created.getTime() + 5.5 * 3_600_000).toISOString().replace('Z', '+05:30');
  await selects([
    [`meta.created eq "${ada.meta.created}"`, [a]],
    [`meta.created eq "${elsewhere}"`, [a]],
    [`meta.created le "${elsewhere}"`, [a]],
    [`meta.created gt "${elsewhere}"`, [b, z]],
  ]);
});

test('F2 booleans and binary values have no order', async () => {
  await refuses([
    'active gt true',
    'active ge false',
    'active lt true',
    'active le true',
    'active co true',
    'active sw "t"',
    'active ew "e"',
    'x509Certificates.value gt "x"',
    'emails.primary gt false',
  ]);
});

test('F3 what is no filter is refused, and never selects everybody', async () => {
  await refuses(
    [
      'userName regex "x"',
      'userName',
      'userName eq',
      'userName eq "x',
      'userName eq x"',
      '(userName eq "x"',
      'userName eq "x")',
      'userName eq "x" and',
      'and',
      'or userName pr',
      'userName eq "x" userName eq "y"',
      "userName eq 'x'",
      ' ',
      '"x"',
      'userName "x"',
      'eq "x"',
      'userName pr "x"',
      'userName eq "x" xor title pr',
      'not userName pr',
      'not',
      '()',
      'userName eq "x"; drop table users',
      'emails[',
      'emails[]',
      'emails[type eq "work"',
      'emails[type eq "work"]]',
      'emails[type eq "work"].',
      'emails]',
      'userName = "x"',
      'userName eq "a\tb" and',
      'userName eq "\\x"',
      '.userName pr',
      'name. pr',
      'userName.x eq "y"',
      'name..givenName pr',
      'userName eq "x"and title pr',
    ].filter((filter) => filter.trim() !== ''),
  );
});

test('F4 a string needs its quotes', async () => {
  await refuses(['userName eq bob', 'userName eq bob@acme.com', 'userName eq True and title pr']);
});

test('F5 case makes no difference where the schema says so, in any alphabet, and does elsewhere', async () => {
  await selects([
    ['userName eq "ADA@ACME.COM"', [a]],
    ['userName eq "ZOË"', [z]],
    ['userName co "OË"', [z]],
    ['title sw "é"', [a]],
    [`${enterpriseUrn}:department eq "STRASSE"`, [a]],
    ['emails.value eq "ADA@acme.COM"', [a]],
    ['displayName sw "ADA"', [a]],
    ['externalId eq "ext-1"', []],
    ['externalId eq "Ext-1"', [a]],
    ['externalId sw "ext"', []],
    [`id eq "${ada.id.toUpperCase()}"`, []],
    ['meta.resourceType eq "user"', []],
    ['userName eq "zoe\u0308"', [z]],
    ['userName eq "zoe"', []],
  ]);
  expect(await groups('displayName eq "éLAN"')).toEqual(['Élan']);
});

test('F6 escapes of JSON strings are read, and nothing is a wild card', async () => {
  await selects([
    ['title eq "\\u00c9 100% \\"real\\" \\\\ _"', [a]],
    ['title co "\\"real\\""', [a]],
    ['title co "\\\\"', [a]],
    ['emails.value co "\\/"', []],
    ['title co "%"', [a]],
    ['title sw "%"', []],
    ['title co "_"', [a]],
    ['title eq "_________________"', []],
    ["userName co \"b' or '1'='1\"", []],
    ['userName eq "$1"', []],
    ['userName co "*"', []],
    ['userName eq ".*"', []],
  ]);
});

test('F7 of several values any will do, each for its own comparison; in brackets one for all of them', async () => {
  await selects([
    ['emails.value co "home.org"', [a, b]],
    ['emails co "home.org"', [a, b]],
    ['emails.type eq "work" and emails.value co "home.org"', [a, b]],
    ['emails[type eq "work" and value co "home.org"]', [b]],
    ['emails[type eq "home" and value co "home.org"]', [a]],
    ['emails eq "COUNTESS@home.org"', [a]],
    ['phoneNumbers eq "555"', [a]],
    [`${oddUrn}:folders eq "B"`, [a]],
    [`${oddUrn}:folders co "c"`, []],
  ]);
});

test('F8 brackets hold whole filters', async () => {
  await selects([
    ['emails[type eq "work" or value sw "bob"]', [a, b]],
    ['emails[not (type eq "work") and value co "acme"]', [b]],
    ['emails[(type eq "home" or type eq "work") and (value sw "ada" or value sw "x")]', [a]],
    ['emails[primary eq true]', [a]],
    ['emails[not (primary pr)]', [a, b]],
    ['emails[value ew "org" and not (type eq "home")]', [b]],
    ['emails[TYPE EQ "WORK" AND VALUE SW "ADA"]', [a]],
    ['name[givenName eq "Ada"]', [a]],
  ]);
});

test('F9 brackets may be followed by a sub-attribute, as Entra and Okta send', async () => {
  await selects([
    ['emails[type eq "work"].value eq "ada@acme.com"', [a]],
    ['emails[type eq "work"].value eq "countess@home.org"', []],
    ['emails[type eq "home"].value co "acme" and active eq false', [b]],
    ['emails[type eq "work"].primary eq true', [a]],
    ['emails[type eq "work"].value pr', [a, b]],
    ['emails[type eq "work"].value ne "ada@acme.com"', [b, z]],
  ]);
});

test('F10 pr asks for a value that is not empty', async () => {
  await selects([
    ['emails pr', [a, b]],
    ['emails.type pr', [a, b]],
    ['name pr', [a, b]],
    ['name.familyName pr', [a]],
    [`${enterpriseUrn}:department pr`, [a]],
    [`${enterpriseUrn}:manager pr`, [a]],
    [`${enterpriseUrn} pr`, [a]],
    ['title pr', [a]],
    ['nickName pr', []],
    ['roles.primary pr', [z]],
    ['groups pr', [a]],
    ['meta pr', [a, b, z]],
    ['id pr', [a, b, z]],
    ['schemas pr', [a, b, z]],
    [`${oddUrn}:flag pr`, [a]],
  ]);
  expect(await groups('members pr')).toEqual(['Élan', 'Nested']);
});

test('F11 not, with a space behind it or without, once or twice', async () => {
  await selects([
    ['not (userName eq "bob")', [a, z]],
    ['not(userName eq "bob")', [a, z]],
    ['NOT (userName eq "bob")', [a, z]],
    ['not (not (userName eq "bob"))', [b]],
    ['not (emails pr) and userName pr', [z]],
    ['not (userName eq "bob" or userName eq "zoë")', [a]],
  ]);
});

test('F12 not binds closest, then and, then or', async () => {
  await selects([
    ['userName eq "bob" or userName eq "zoë" and title pr', [b]],
    ['(userName eq "bob" or userName eq "zoë") and title pr', []],
    ['userName eq "zoë" and title pr or userName eq "bob"', [b]],
    ['not (userName eq "bob") and active eq true', [a, z]],
    ['userName eq "x" or userName eq "bob" and active eq false or title pr', [a, b]],
  ]);
});

test('F13 names with their URN, which ends where the schema’s does', async () => {
  await selects([
    [`${userUrn}:userName eq "bob"`, [b]],
    [`${userUrn}:name.givenName eq "ada"`, [a]],
    [`${userUrn}:emails[type eq "work"].value sw "bob"`, [b]],
    [`${enterpriseUrn}:department eq "straße"`, [a]],
    [`${enterpriseUrn}:manager.value eq "M-1"`, [a]],
    [`${enterpriseUrn.toUpperCase()}:MANAGER.DISPLAYNAME eq "boss"`, [a]],
    [`${custom}:costCenter eq "cc1"`, [a]],
    [`${custom.toUpperCase()}:COSTCENTER eq "cc1"`, [a]],
    [`${oddUrn}:folders eq "a"`, [a]],
    [`${oddUrn}:flag eq true`, [a]],
    ['department eq "straße"', [a]],
  ]);
  expect(await groups(`${groupUrn}:displayName eq "élan"`)).toEqual(['Élan']);
});

test('F14 what the server knows can be asked for: id, meta, schemas, externalId', async () => {
  await selects([
    [`id eq "${ada.id}"`, [a]],
    [`id ne "${ada.id}"`, [b, z]],
    [`id eq "${nobody}"`, []],
    ['id eq "x"', []],
    ['meta.lastModified ge "2026-01-01T00:00:00Z"', [a, b, z]],
    ['meta.resourceType eq "User"', [a, b, z]],
    ['meta.resourceType eq "Group"', []],
    [`schemas eq "${enterpriseUrn}"`, [a]],
    [`schemas eq "${userUrn.toUpperCase()}"`, [a, b, z]],
    ['externalId eq "Ext-1"', [a]],
    [`meta.location eq "${ada.meta.location}"`, [a]],
    [`meta.location ew "${bob.id}"`, [b]],
  ]);
  const { version } = (await scim.get(`/Users/${ada.id}`)).body.meta;
  await selects([[`meta.version eq "${version.replaceAll('"', '\\"')}"`, [a]]]);
});

test('F15 an absent attribute is not equal: ne is true of it, as not(eq) is', async () => {
  await selects([
    ['title ne "x"', [a, b, z]],
    ['not (title eq "x")', [a, b, z]],
    ['name.familyName ne "Lovelace"', [b, z]],
    ['not (name.familyName eq "Lovelace")', [b, z]],
    ['emails.value ne "bob@acme.com"', [a, z]],
    ['not (emails.value eq "bob@acme.com")', [a, z]],
  ]);
});

test('F16 eq null is not present, ne null is pr', async () => {
  await selects([
    ['title eq null', [b, z]],
    ['title ne null', [a]],
    ['emails eq null', [z]],
    ['emails[type eq "work"].value ne null', [a, b]],
    [`${enterpriseUrn}:manager eq null`, [b, z]],
  ]);
  await refuses(['title gt null', 'title co null']);
});

test('F17 a core attribute that there is not is a mistake; one of a URN that nobody knows has no value', async () => {
  await refuses([
    'nope eq "x"',
    'name.nope eq "x"',
    'emails[nope eq "x"]',
    'emails.nope pr',
    `${userUrn}:nope eq "x"`,
    'members.value eq "x"',
    'nope pr or userName pr',
  ]);
  await selects([
    ['urn:nobody:knows:2.0:User:x eq "y"', []],
    ['not (urn:nobody:knows:2.0:User:x eq "y")', [a, b, z]],
    ['urn:nobody:knows:2.0:User:x pr or userName eq "bob"', [b]],
    [`${groupUrn}:displayName eq "x"`, []],
    [`${enterpriseUrn}:nope eq "x"`, []],
  ]);
  await refuses(['userName eq "x"', 'groups.value eq "x"'], '/Groups');
});

test('F18 a password cannot be asked for', async () => {
  await refuses([
    'password eq "x"',
    'password pr',
    'PASSWORD sw "x"',
    `${userUrn}:password ne "x"`,
    'not (password pr)',
    'userName pr and password eq "x"',
  ]);
});

test('F19 membership can be asked for from both sides', async () => {
  await selects([
    [`groups.value eq "${engineers.id}"`, [a]],
    [`groups[value eq "${engineers.id}"]`, [a]],
    ['groups.display eq "ÉLAN"', [a]],
    ['groups.value eq "x"', []],
    [`not (groups.value eq "${engineers.id}")`, [b, z]],
    ['groups[display sw "É" and type eq "direct"]', [a]],
    [`groups.$ref ew "${engineers.id}"`, [a]],
  ]);
  for (const [filter, names] of [
    [`members.value eq "${ada.id}"`, ['Élan']],
    [`members[value eq "${ada.id}"]`, ['Élan']],
    [`members.value eq "${engineers.id}"`, ['Nested']],
    ['members.type eq "Group"', ['Nested']],
    ['members.display eq "ada lovelace"', ['Élan']],
    [`members.value eq "${nobody}"`, []],
    ['members.value eq "x"', []],
    [`members[value eq "${ada.id}" and type eq "User"]`, ['Élan']],
    [`not (members.value eq "${ada.id}")`, ['Nested']],
  ] as const)
    expect([filter, await groups(filter)]).toEqual([filter, names]);
});

test('F20 Entra’s reference checks: manager and members without a sub-attribute', async () => {
  expect((await scim.query('/Users', { filter: `id eq "${ada.id}" and manager eq "M-1"`, attributes: 'id' })).body).toMatchObject({
    totalResults: 1,
    Resources: [{ schemas: [userUrn], id: ada.id }],
  });
  expect((await scim.query('/Users', { filter: `id eq "${ada.id}" and manager eq "M-2"`, attributes: 'id' })).body.totalResults).toBe(0);
  expect(
    (await scim.query('/Groups', { filter: `id eq "${engineers.id}" and members eq "${ada.id}"`, excludedAttributes: 'members' })).body
      .totalResults,
  ).toBe(1);
  expect(
    (await scim.query('/Groups', { filter: `id eq "${engineers.id}" and members eq "${bob.id}"`, excludedAttributes: 'members' })).body
      .totalResults,
  ).toBe(0);
});

test('F21 a filter may have so many bytes, comparisons and brackets, and is refused beyond', async () => {
  await selects([
    [`${'('.repeat(30)}userName eq "bob"${')'.repeat(30)}`, [b]],
    [Array.from({ length: 100 }, () => 'userName eq "bob"').join(' or '), [b]],
    [`userName eq "bob" or title eq "${'x'.repeat(4_000)}"`, [b]],
  ]);
  await refuses([
    `${'('.repeat(31)}userName pr${')'.repeat(31)}`,
    Array.from({ length: 101 }, () => 'userName pr').join(' or '),
    `userName eq "${'x'.repeat(4_096)}"`,
    `title eq "${'é'.repeat(2_048)}"`,
  ]);
});

test('F21 and none takes long to refuse', async () => {
  for (const filter of [
    `${'a'.repeat(4_000)}`,
    `${'('.repeat(4_000)}`,
    `${'not '.repeat(1_000)}`,
    `userName eq "${'\\'.repeat(4_000)}`,
    `emails[${'['.repeat(4_000)}`,
    ' '.repeat(4_000) + 'x',
  ]) {
    const ask = async () =>
      expect(
        (await scim.post('/Users/.search', { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], filter })).body.scimType,
      ).toBe('invalidFilter');
    // A step for each character at most: the machine's load is no part of it.
    expect([filter, (await countCalls(ask, 'packages/scim/')) < filter.length + 300]).toEqual([filter, true]);
  }
});

test('F22 a filter goes with paging and sorting', async () => {
  const { body } = await scim.query('/Users', {
    filter: 'userName pr',
    sortBy: 'userName',
    sortOrder: 'descending',
    startIndex: 2,
    count: 1,
  });
  expect([body.totalResults, body.startIndex, body.Resources.map(({ userName }: { userName: string }) => userName)]).toEqual([3, 2, [b]]);
});

test('F23 booleans and numbers have no quotes, but a boolean may', async () => {
  await selects([
    ['active eq true', [a, z]],
    ['active eq false', [b]],
    ['active eq "True"', [a, z]],
    ['active eq "false"', [b]],
    ['active eq TRUE', [a, z]],
    ['active ne true', [b]],
    ['roles[primary eq "True"].value eq "x"', [z]],
    ['emails.primary eq true', [a]],
  ]);
  await refuses(['active eq "yes"', 'active eq 1', 'userName eq 5', 'userName eq true']);
});
