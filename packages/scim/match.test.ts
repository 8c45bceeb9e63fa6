import fc from 'fast-check';
import { compareCodePoints, foldResource } from './fold';
import { parseFilter } from './filter';
import type { Filter } from './filter-tree';
import { isPresent, matches } from './match';
import { leafOf, ownValueOf } from './filter-tree';
import { isJsonObject } from './resource';
import type { Json, JsonObject } from './resource';
import { coreSchemas } from './schemas';
import { enterpriseUserUrn, userUrn } from './urns';

const user: JsonObject = {
  schemas: [userUrn, enterpriseUserUrn],
  id: 'usr_1',
  externalId: 'Ab-1',
  userName: 'Éva@Example.com',
  active: true,
  name: { givenName: 'Éva', familyName: 'Straße' },
  title: '50% off_x',
  emails: [
    { value: 'eva@work.example', type: 'work', primary: true },
    { value: 'eva@home.example', type: 'home' },
  ],
  groups: [{ value: 'grp_1', display: 'Engineering', type: 'direct' }],
  [enterpriseUserUrn]: { department: 'Engines', manager: { value: 'usr_2' } },
  'urn:ietf:params:scim:schemas:extension:2.0:Custom': { Folders: ['A', 'B'], level: 5, on: true },
  meta: {
    resourceType: 'User',
    created: '2026-01-31T09:00:00.000Z',
    lastModified: '2026-02-01T09:00:00.000Z',
    location: 'https://x/Users/usr_1',
    version: 'W/"1"',
  },
};
const custom = 'urn:ietf:params:scim:schemas:extension:2.0:Custom';

test.each([
  ['F1 eq', 'userName eq "Éva@Example.com"', true],
  ['F1 ne', 'userName ne "x"', true],
  ['F1 co', 'title co "% OFF"', true],
  ['F1 sw', 'title sw "50"', true],
  ['F1 ew', 'title ew "_X"', true],
  ['F1 gt', 'title gt "5"', true],
  ['F1 lt', 'title lt "5"', false],
  ['F1 ge', 'title ge "50% off_x"', true],
  ['F1 le', 'title le "50% off_x"', true],
  ['F1 instants', 'meta.created eq "2026-01-31T10:00:00+01:00"', true],
  ['F1 instants in order', 'meta.created lt "2026-01-31T10:00:00.001+01:00"', true],
  ['F1 numbers', `${custom}:level gt 4`, true],
  ['F1 numbers are no text', `${custom}:level eq "5"`, false],
  ['F5 É is é', 'userName sw "éVA"', true],
  ['F5 ß is ss', 'name.familyName eq "STRASSE"', true],
  ['F5 externalId has case', 'externalId eq "ab-1"', false],
  ['F5 id has case', 'id eq "USR_1"', false],
  ['F6 % is itself', 'title eq "50%"', false],
  ['F6 _ is itself', 'title co "off-x"', false],
  ['F7 any value', 'emails.value co "home"', true],
  ['F7 the default sub-attribute', 'emails co "WORK.example"', true],
  ['F7 different values', 'emails.type eq "work" and emails.value co "home"', true],
  ['F7 the same value', 'emails[type eq "work" and value co "home"]', false],
  ['F7 the same value, there', 'emails[type eq "home" and value co "home"]', true],
  ['F8 or in brackets', 'emails[type eq "x" or (value co "home" and not (primary eq true))]', true],
  ['F9 there', 'emails[type eq "work"].value eq "EVA@work.example"', true],
  ['F9 not there', 'emails[type eq "home"].value eq "eva@work.example"', false],
  ['F10 pr', 'emails pr', true],
  ['F10 pr of a sub-attribute', 'emails.type pr', true],
  ['F10 pr of what is not there', 'phoneNumbers pr', false],
  ['F10 pr of a complex one', 'name pr', true],
  ['F10 pr in an extension', `${enterpriseUserUrn}:department pr`, true],
  ['F10 pr of an extension', `${enterpriseUserUrn} pr`, true],
  ['F10 pr of another extension', 'urn:x:y:z pr', false],
  ['F11 not', 'not (userName co "x@y")', true],
  ['F12 precedence', 'title eq "a" and title eq "b" or active eq true', true],
  ['F13 URN', `${userUrn}:userName sw "éva"`, true],
  ['F13 undeclared, in another case', `${custom.toUpperCase()}:FOLDERS eq "b"`, true],
  ['F14 schemas', `schemas eq "${enterpriseUserUrn.toUpperCase()}"`, true],
  ['F14 resourceType', 'meta.resourceType eq "User"', true],
  ['F15 ne of what is not there', 'nickName ne "x"', true],
  ['F15 eq of what is not there', 'nickName eq "x"', false],
  ['F15 not eq of what is not there', 'not (nickName eq "x")', true],
  ['F15 ne of several values: none equals', 'emails.type ne "work"', false],
  ['F15 ne in brackets: one differs', 'emails[type ne "work"]', true],
  ['F16 eq null', 'nickName eq null', true],
  ['F16 ne null', 'title ne null', true],
  ['F17 an unknown attribute of a URN', `${enterpriseUserUrn}:nope eq "x"`, false],
  ['F19 groups', 'groups.value eq "grp_1"', true],
  ['F20 manager', 'id eq "usr_1" and manager eq "usr_2"', true],
  ['F23 boolean', 'active eq "True"', true],
  ['F23 undeclared boolean', `${custom}:on eq true`, true],
])('%s: %s is %s', (_clause, text, expected) => {
  expect(matches(parseFilter(text, 'User', coreSchemas), user)).toBe(expected);
});

const x = 'urn:ietf:params:scim:schemas:extension:acme:2.0:User';
const undeclaredKinds: JsonObject = {
  userName: 'a',
  [x]: {
    assurance: ['low', 'high'],
    level: 'high',
    cards: [
      { value: 'gold', type: 'a', primary: true },
      { Value: 'tin', type: 'b', primary: false },
    ],
    desk: { value: 'D-1', floor: '4' },
    flag: true,
    off: false,
    text: 'True',
    rooms: [{ floor: '4' }],
  },
};

test.each<[string, boolean]>([
  ['assurance[value eq "HIGH"]', true],
  ['assurance[value eq "none"]', false],
  ['assurance[value sw "lo" and value ew "ow"]', true],
  ['assurance[value eq "low" and value eq "high"]', false],
  ['assurance[not (value eq "low")]', true],
  ['assurance[value pr]', true],
  ['assurance[type pr]', false],
  ['assurance.value eq "high"', true],
  ['assurance.VALUE co "ig"', true],
  ['assurance.value ne "high"', false],
  ['assurance.value pr', true],
  ['assurance.type pr', false],
  ['assurance eq "high"', true],
  ['level.value eq "high"', true],
  ['level[value eq "high"]', true],
  ['cards co "g"', true],
  ['cards eq "tin"', true],
  ['cards eq "a"', false],
  ['cards ne "gold"', false],
  ['cards.value eq "TIN"', true],
  ['cards[value eq "tin" and type eq "b"]', true],
  ['cards[value eq "tin" and type eq "a"]', false],
  ['cards[type eq "a"].value eq "gold"', true],
  ['cards[primary eq "True"]', true],
  ['cards[primary eq "true" and type eq "b"]', false],
  ['cards[primary eq "FALSE" and type eq "b"]', true],
  ['cards.primary eq "True"', true],
  ['cards.primary eq true', true],
  ['desk eq "d-1"', true],
  ['desk[floor eq "4"]', true],
  ['flag eq "True"', true],
  ['flag eq "False"', false],
  ['flag ne "True"', false],
  ['off eq "False"', true],
  ['flag co "t"', false],
  ['text eq "true"', true],
  ['text eq true', false],
  ['rooms.value pr', false],
  ['rooms eq "4"', false],
  ['rooms[value pr]', false],
])('F7, F8, F23 of an attribute that nobody declared: %s is %s', (filter, expected) => {
  expect(matches(parseFilter(`${x}:${filter}`, 'User', coreSchemas), undeclaredKinds)).toBe(expected);
});

test.each([
  [`${x} pr`, true],
  [`${x.toUpperCase()} pr`, true],
  [`${x} eq null`, false],
  ['urn:ietf:params:scim:schemas:extension:acme:2.0:Group pr', false],
])('F10 an extension that nobody declared is present where it holds data: %s is %s', (filter, expected) => {
  expect(matches(parseFilter(filter, 'User', coreSchemas), undeclaredKinds)).toBe(expected);
});

test('F10 what is empty is not present', () => {
  const empties: (Json | undefined)[] = [undefined, null, '', [], {}, [[]], [{}], { a: '' }, [{ a: null }]];
  for (const empty of empties) expect(isPresent(empty)).toBe(false);
  for (const value of [false, 0, 'x', [0], { a: [{ b: false }] }]) expect(isPresent(value)).toBe(true);
});

// ── The same answer from a resource and from what is stored folded ─────────────────────────────

/** What a database does with a filter on a folded document: it knows keys and values, and no schema. */
function matchesFolded(filter: Filter, document: Json): boolean {
  const values = (keys: readonly string[]): Json[] =>
    keys.reduce<Json[]>(
      (nodes, key) => nodes.flatMap((node) => (isJsonObject(node) && Object.hasOwn(node, key) ? elements(node[key]) : [])),
      elements(document),
    );
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((part) => matchesFolded(part, document));
    case 'or':
      return filter.filters.some((part) => matchesFolded(part, document));
    case 'not':
      return !matchesFolded(filter.filter, document);
    case 'nothing':
      return false;
    case 'present': {
      const { subAttribute, extension, undeclaredUrn } = filter.attribute;
      const own = subAttribute || extension === undefined ? ownValueOf(filter.attribute) : undefined;
      return [
        ...values(filter.attribute.keys),
        ...(own ? values(own.keys).filter((value) => !isJsonObject(value)) : []),
        ...(undeclaredUrn === undefined ? [] : values([undeclaredUrn.toLowerCase()])),
      ].some(isPresent);
    }
    case 'value_path':
      return values(filter.attribute.keys).some((element) => matchesFolded(filter.filter, element));
    case 'comparison': {
      const own = ownValueOf(filter.attribute);
      const compared = own ? [...values(own.keys), ...values([...own.keys, 'value'])] : values(filter.attribute.keys);
      const isAny = leafOf(filter.attribute).type === 'any';
      return compared.some((value) => compares(filter.operator, isAny && value === true ? asWanted(filter.value) : value, filter.value));
    }
  }
}

function elements(value: Json | undefined): Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.flatMap(elements) : [value];
}

/** A boolean of an attribute that nobody declared: the text "true" asks for it as well. */
function asWanted(wanted: Json): Json {
  return wanted === 'true' ? wanted : true;
}

function compares(operator: string, value: Json, wanted: string | number | boolean): boolean {
  if (typeof value !== typeof wanted || value === '') return false;
  if (operator === 'eq') return value === wanted;
  if (typeof value !== 'string' || typeof wanted !== 'string') return isInOrder(operator, Number(value) - Number(wanted));
  switch (operator) {
    case 'co':
      return value.includes(wanted);
    case 'sw':
      return value.startsWith(wanted);
    case 'ew':
      return value.endsWith(wanted);
    default:
      return isInOrder(operator, compareCodePoints(value, wanted));
  }
}

function isInOrder(operator: string, difference: number): boolean {
  switch (operator) {
    case 'gt':
      return difference > 0;
    case 'ge':
      return difference >= 0;
    case 'lt':
      return difference < 0;
    default:
      return difference <= 0;
  }
}

test('a resource and its folded form satisfy the same filters', () => {
  const text = fc.constantFrom('a', 'A', 'b', 'É', 'é', 'ß', 'ss', 'ı', 'i', '😀', '%', 'ab');
  const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
  const resources = fc
    .record({
      userName: text,
      title: optional(text),
      active: fc.boolean(),
      name: optional(fc.record({ givenName: text })),
      emails: optional(
        fc.array(fc.record({ value: text, type: optional(text), primary: optional(fc.boolean()) }), { minLength: 1, maxLength: 3 }),
      ),
      [enterpriseUserUrn]: optional(fc.record({ department: text, manager: optional(fc.record({ value: text })) })),
      [custom]: optional(
        fc.record({
          Folders: fc.array(text, { minLength: 1, maxLength: 3 }),
          level: optional(fc.integer({ min: 0, max: 3 })),
          on: optional(fc.boolean()),
          cards: optional(
            fc.array(fc.oneof(text, fc.record({ value: optional(text), on: optional(fc.boolean()) })), { minLength: 1, maxLength: 3 }),
          ),
        }),
      ),
    })
    .map((resource): JsonObject => JSON.parse(JSON.stringify(resource)));
  const literal = text.map((value) => JSON.stringify(value));
  const leaf = fc.oneof(
    fc
      .tuple(
        fc.constantFrom(
          'userName',
          'title',
          'name.givenName',
          'emails',
          'emails.type',
          `${enterpriseUserUrn}:department`,
          'manager',
          `${custom}:folders`,
          `${custom}:folders.value`,
          `${custom}:cards`,
          `${custom}:cards.value`,
          `${custom}:level`,
        ),
        fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'),
        literal,
      )
      .map((parts) => parts.join(' ')),
    fc.constantFrom(
      'title pr',
      'name pr',
      'emails.primary eq true',
      `${custom}:level ge 2`,
      `${custom}:LEVEL lt 2`,
      `schemas eq "${custom}"`,
      `${custom} pr`,
      `${custom}:on eq "True"`,
      `${custom}:cards.on eq "True"`,
      `${custom}:cards.value pr`,
      `${custom}:cards[value pr]`,
      `${custom}:cards[value eq "a"]`,
      'active ne true',
    ),
    fc
      .tuple(fc.constantFrom('type', 'value'), fc.constantFrom('eq', 'ne'), literal, literal)
      .map(([name, operator, value, other]) => `emails[${name} ${operator} ${value} and value co ${other}]`),
  );
  const filters = fc.letrec<{ filter: string }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.tuple(tie('filter'), tie('filter')).map(([a, b]) => `(${a}) and (${b})`),
      tie('filter').map((a) => `not (${a})`),
    ),
  })).filter;
  fc.assert(
    fc.property(filters, resources, (filterText, resource) => {
      const filter = parseFilter(filterText, 'User', coreSchemas);
      const schemas = [userUrn, ...Object.keys(resource).filter((name) => name.startsWith('urn:'))];
      expect(matches(filter, { ...resource, schemas })).toBe(matchesFolded(filter, foldResource(resource, 'User', coreSchemas)));
    }),
    { numRuns: 3000 },
  );
});
