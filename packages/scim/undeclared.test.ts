/** An extension that nobody declared behaves as the core schema does: the same start and the same request come to the same. */
import fc from 'fast-check';
import { countCalls } from '../testing/calls';
import { ScimError } from './errors';
import { parseFilter } from './filter';
import { patchGroup } from './group-change';
import { matches } from './match';
import { parsePatch, patchUser } from './patch';
import { parseUser, replaceUser } from './requests';
import { isJsonObject } from './resource';
import type { Json, JsonObject, Resource } from './resource';
import { schemaSet } from './schemas';
import { enterpriseUserUrn, patchOpUrn } from './urns';

const undeclared = 'urn:ietf:params:scim:schemas:extension:acme:2.0:User';
const declared = 'urn:acme:params:scim:schemas:extension:typed:2.0:User';
const schemas = schemaSet([
  {
    urn: declared,
    resourceType: 'User',
    attributes: [
      { name: 'flag', type: 'boolean' },
      { name: 'count', type: 'decimal' },
      { name: 'tags', multiValued: true },
      { name: 'numbers', type: 'decimal', multiValued: true },
    ],
  },
]);

// ── Kinds, each with an attribute that a schema has ────────────────────────────────────────────

interface KindOfAttribute {
  kind: string;
  /** the extension that has it; absent: the core schema */
  urn?: string;
  name: string;
  /** what may be stored */
  stored: fc.Arbitrary<Json>;
  /** what may be sent for the whole of it */
  sent: fc.Arbitrary<Json>;
  /** one value, where there are several */
  one?: fc.Arbitrary<Json>;
  subAttributes?: readonly string[];
}

const text = fc.constantFrom('a', 'b', 'A', 'Straße', '7', '{"x"');
const type = fc.constantFrom('work', 'home', 'x');
const truth = fc.constantFrom<Json>(true, false, 'True', 'FALSE');
const empty = fc.constantFrom<Json>(null, '', []);
const wrapped = (value: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc.oneof(
    value,
    value.map((one): Json => [one]),
    empty,
  );
const record = (parts: Record<string, fc.Arbitrary<Json>>, required: string[] = []): fc.Arbitrary<JsonObject> =>
  fc.record(parts, { requiredKeys: required });
const orEmpty = (value: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc.oneof({ weight: 5, arbitrary: value }, fc.constantFrom<Json>(null, ''));

/** No two alike, and no two of them primary: a start that can be. */
const several = (value: fc.Arbitrary<JsonObject>): fc.Arbitrary<Json> =>
  fc
    .uniqueArray(value, { minLength: 1, maxLength: 3, selector: (one) => JSON.stringify(one['value'] ?? one['locality']) })
    .map((values) => values.map((one, index) => (index > 0 && one['primary'] === true ? { ...one, primary: false } : one)));
const valued = record({ value: text, type, display: text, primary: fc.boolean() }, ['value']);
const postal = record({ locality: text, country: text, type, primary: fc.boolean() }, ['locality', 'country']);
const someValued = record({ value: orEmpty(text), type: orEmpty(type), display: orEmpty(text), primary: truth });
const somePostal = record({ locality: orEmpty(text), country: orEmpty(text), type: orEmpty(type), primary: truth });
const different = (values: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc.uniqueArray(values, { maxLength: 3, selector: (one) => JSON.stringify(isJsonObject(one) ? (one['value'] ?? one['locality']) : one) });

const kinds: KindOfAttribute[] = [
  { kind: 'a text', name: 'title', stored: text, sent: wrapped(fc.oneof(text, fc.integer())) },
  { kind: 'a boolean', urn: declared, name: 'flag', stored: fc.boolean(), sent: wrapped(truth) },
  {
    kind: 'a number',
    urn: declared,
    name: 'count',
    stored: fc.constantFrom(1, 2.5),
    sent: wrapped(fc.constantFrom<Json>(1, 3, '7', '-2.5')),
  },
  {
    kind: 'a complex value',
    name: 'name',
    stored: record({ givenName: text, familyName: text }, ['givenName', 'familyName']),
    sent: wrapped(fc.oneof(record({ givenName: orEmpty(text), familyName: orEmpty(text) }), fc.constant('{"givenName":"z"}'))),
    subAttributes: ['givenName', 'familyName'],
  },
  {
    kind: 'a reference',
    urn: enterpriseUserUrn,
    name: 'manager',
    stored: record({ value: text, displayName: text }, ['value', 'displayName']),
    sent: wrapped(fc.oneof(record({ value: orEmpty(text), displayName: orEmpty(text) }), text, fc.constant('{"value":"z"}'))),
    subAttributes: ['value', 'displayName'],
  },
  {
    kind: 'values',
    name: 'emails',
    stored: several(valued),
    sent: fc.oneof(
      different(fc.oneof({ weight: 3, arbitrary: someValued }, text)),
      someValued,
      text,
      empty,
      fc.constant('[{"value":"z"}]'),
    ),
    one: fc.oneof(someValued, text),
    subAttributes: ['value', 'type', 'display', 'primary'],
  },
  {
    kind: 'values without "value"',
    name: 'addresses',
    stored: several(postal),
    sent: fc.oneof(different(somePostal), somePostal, empty),
    one: somePostal,
    subAttributes: ['locality', 'country', 'type', 'primary'],
  },
  {
    kind: 'texts',
    urn: declared,
    name: 'tags',
    stored: fc.uniqueArray(text, { minLength: 1, maxLength: 3 }),
    sent: fc.oneof(different(text), text, empty),
    one: text,
    subAttributes: [],
  },
  {
    kind: 'numbers',
    urn: declared,
    name: 'numbers',
    stored: fc.uniqueArray(fc.constantFrom(1, 2, 3), { minLength: 1, maxLength: 3 }),
    sent: fc.oneof(different(fc.constantFrom<Json>(1, 2, 5, '7')), fc.constantFrom<Json>(1, 9), empty),
    one: fc.constantFrom<Json>(1, 9, '4'),
    subAttributes: [],
  },
];

const literal = fc.oneof(text, type).map((one) => JSON.stringify(one));

/** What stands in the brackets of a value path. */
function inBrackets({ subAttributes = [], kind }: KindOfAttribute): fc.Arbitrary<string> {
  if (kind === 'numbers')
    return fc.tuple(fc.constantFrom('eq', 'ne', 'gt', 'le'), fc.constantFrom('1', '2', '9')).map((parts) => `value ${parts.join(' ')}`);
  const names = subAttributes.length === 0 ? ['value'] : subAttributes.filter((name) => name !== 'primary');
  const compared = fc
    .tuple(fc.constantFrom(...names), fc.constantFrom('eq', 'ne', 'co', 'sw', 'gt'), literal)
    .map((parts) => parts.join(' '));
  const leaf = fc.oneof(
    { weight: 4, arbitrary: compared },
    fc.constantFrom(...names).map((name) => `${name} pr`),
    ...(subAttributes.includes('primary') ? [fc.constantFrom('primary eq true', 'primary eq "True"', 'primary ne "false"')] : []),
  );
  return fc.oneof(
    { weight: 3, arbitrary: leaf },
    fc.tuple(leaf, leaf).map(([a, b]) => `${a} and ${b}`),
    leaf.map((one) => `not (${one})`),
  );
}

// ── PATCH ──────────────────────────────────────────────────────────────────────────────────────

interface Change {
  op: string;
  /** behind the attribute's name */
  path: string;
  value?: Json;
  /** the operation has no path, and its value names the attribute: within its extension's object, or by its path */
  pathless?: 'nested' | 'path';
}

function changesOf(attribute: KindOfAttribute): fc.Arbitrary<Change> {
  const { sent, one, subAttributes = [] } = attribute;
  const writes = fc.constantFrom('add', 'replace', 'Add', 'Replace');
  // A number is text where a text is stored; where none is, only a schema could say that it is wanted.
  const isStored = (name: string): boolean => !['display', 'type'].includes(name);
  const valueOf = (name: string): fc.Arbitrary<Json> =>
    wrapped(name === 'primary' ? truth : isStored(name) ? fc.oneof(text, fc.constantFrom<Json>(0, 7)) : type);
  const forms: fc.Arbitrary<Change>[] = [
    fc.record({ op: writes, path: fc.constant(''), value: sent }),
    fc.record({ op: writes, path: fc.constant(''), value: sent, pathless: fc.constantFrom('nested' as const, 'path' as const) }),
    fc.record({ op: fc.constant('remove'), path: fc.constant('') }),
  ];
  for (const name of subAttributes) {
    forms.push(
      fc.record({ op: writes, path: fc.constant(`.${name}`), value: valueOf(name) }),
      fc.record({ op: writes, path: fc.constant(`.${name}`), value: valueOf(name), pathless: fc.constant('path' as const) }),
      fc.record({ op: fc.constant('remove'), path: fc.constant(`.${name}`) }),
    );
  }
  if (one)
    forms.push(fc.record({ op: fc.constant('Remove'), path: fc.constant(''), value: fc.oneof(one, fc.array(one, { maxLength: 2 })) }));
  if (!one && subAttributes.length === 0) {
    forms.push(
      fc.record({ op: writes, path: fc.constantFrom('.value', '[value pr]', '[value eq "a"]'), value: text }),
      fc.record({ op: fc.constant('remove'), path: fc.constantFrom('.value', '[value pr]', '[value eq "a"]') }),
    );
  }
  if (one || subAttributes.length > 0) {
    const chosen = inBrackets(attribute).map((filter) => `[${filter}]`);
    forms.push(
      fc.record({ op: fc.constant('remove'), path: chosen }),
      fc.record({ op: writes, path: chosen, value: one ? wrapped(one) : sent }),
    );
    for (const name of subAttributes) {
      forms.push(
        fc.record({ op: writes, path: chosen.map((filter) => `${filter}.${name}`), value: valueOf(name) }),
        fc.record({ op: fc.constant('remove'), path: chosen.map((filter) => `${filter}.${name}`) }),
      );
    }
  }
  return fc.oneof(...forms);
}

/** The resource that has the attribute alone, in one schema or the other. */
function holding(urn: string | undefined, name: string, value: Json | undefined): Resource {
  const user: Resource = { userName: 'a' };
  if (value === undefined) return user;
  return urn === undefined ? { ...user, [name]: value } : { ...user, [urn]: { [name]: value } };
}

function heldBy(resource: Resource, urn: string | undefined, name: string): Json | undefined {
  const container = urn === undefined ? resource : resource[urn];
  return isJsonObject(container) ? container[name] : undefined;
}

function operationOf(urn: string | undefined, name: string, { op, path, value, pathless }: Change): JsonObject {
  const full = `${urn === undefined ? '' : `${urn}:`}${name}${path}`;
  if (pathless === undefined || value === undefined) return { op, path: full, ...(value !== undefined && { value }) };
  return { op, value: pathless === 'path' || urn === undefined ? { [full]: value } : { [urn]: { [name]: value } } };
}

/** What the attribute is afterwards; of a refusal, which one. Nothing else may have come about. */
function outcome(urn: string | undefined, name: string, stored: Json | undefined, change: Change): unknown {
  const before = holding(urn, name, stored);
  try {
    const { operations } = parsePatch({ schemas: [patchOpUrn], Operations: [operationOf(urn, name, change)] }, 'User', schemas);
    const { resource } = patchUser(before, operations);
    const value = heldBy(resource, urn, name);
    expect(resource).toEqual(holding(urn, name, value));
    return { value, isSame: JSON.stringify(value) === JSON.stringify(stored) };
  } catch (error) {
    if (error instanceof ScimError) return { refused: error.scimType };
    throw error;
  }
}

test.each(kinds.map((kind) => [kind.kind, kind] as const))('a PATCH of %s comes to the same in either', (_kind, attribute) => {
  const { urn, name, stored } = attribute;
  let changed = 0;
  fc.assert(
    fc.property(stored, changesOf(attribute), (start, change) => {
      const expected = outcome(urn, name, start, change);
      expect([start, change, outcome(undeclared, name, start, change)]).toEqual([start, change, expected]);
      if (!JSON.stringify(expected).includes('"isSame":true')) changed += 1;
    }),
    { numRuns: 1000 },
  );
  expect(changed).toBeGreaterThan(200);
});

test.each(kinds.map((kind) => [kind.kind, kind] as const))('a PUT of %s comes to the same in either', (_kind, attribute) => {
  const { urn, name, stored, sent } = attribute;
  const put = (of: string | undefined, start: Json, value: Json): unknown => {
    try {
      return heldBy(replaceUser(holding(of, name, start), holding(of, name, value), schemas).resource, of, name);
    } catch (error) {
      if (error instanceof ScimError) return { refused: error.scimType };
      throw error;
    }
  };
  fc.assert(
    fc.property(stored, fc.oneof(stored, sent), (start, value) => {
      expect([start, value, put(undeclared, start, value)]).toEqual([start, value, put(urn, start, value)]);
    }),
    { numRuns: 500 },
  );
});

const paths = [
  '[type eq "work"]',
  '[type eq "Home" and primary eq "True"]',
  '[type eq "nonexistent"]',
  '[primary eq "True"]',
  '[value eq "a"]',
  '[type ne "x"]',
];
const ofNothing: [string | undefined, string, fc.Arbitrary<Change>][] = [
  [undefined, 'title', fc.record({ op: fc.constantFrom('add', 'replace'), path: fc.constant(''), value: fc.oneof(text, empty) })],
  [
    undefined,
    'name',
    fc.oneof(
      fc.record({
        op: fc.constantFrom('add', 'replace'),
        path: fc.constant(''),
        value: fc.oneof(record({ givenName: orEmpty(text), familyName: orEmpty(text) }), empty),
        pathless: fc.constantFrom(undefined, 'nested' as const, 'path' as const),
      }),
      fc.record({
        op: fc.constantFrom('add', 'replace'),
        path: fc.constantFrom('.givenName', '.familyName'),
        value: fc.oneof(text, empty),
      }),
    ),
  ],
  [
    undefined,
    'emails',
    fc.oneof(
      fc.record({
        op: fc.constantFrom('add', 'replace'),
        path: fc.constant(''),
        value: different(someValued),
        pathless: fc.constantFrom(undefined, 'nested' as const, 'path' as const),
      }),
      fc.record({ op: fc.constantFrom('add', 'replace'), path: fc.constantFrom(...paths.map((path) => `${path}.value`)), value: text }),
      fc.record({ op: fc.constantFrom('add', 'replace'), path: fc.constantFrom(...paths), value: fc.oneof(text, valued) }),
      fc.record({ op: fc.constant('remove'), path: fc.constantFrom('', '.value', ...paths) }),
    ),
  ],
];

test.each(ofNothing)('a PATCH where nothing is stored comes to the same in either: %s %s', (urn, name, changes) => {
  fc.assert(
    fc.property(changes, (change) => {
      expect([change, outcome(undeclared, name, undefined, change)]).toEqual([change, outcome(urn, name, undefined, change)]);
    }),
    { numRuns: 1000 },
  );
});

// ── Filters ────────────────────────────────────────────────────────────────────────────────────

const operator = fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le');

/** Filters on one attribute; `@` stands for its name, whatever is before it. */
function filtersOf(attribute: KindOfAttribute): fc.Arbitrary<string> {
  const { kind, subAttributes = [], one } = attribute;
  const compared = (name: string): fc.Arbitrary<string> => fc.tuple(operator, literal).map((parts) => `${name} ${parts.join(' ')}`);
  const present = (name: string): fc.Arbitrary<string> => fc.constantFrom('pr', 'eq null', 'ne null').map((test) => `${name} ${test}`);
  const truths = (name: string): fc.Arbitrary<string> =>
    fc
      .tuple(fc.constantFrom('eq', 'ne'), fc.constantFrom('true', 'false', '"True"', '"FALSE"'))
      .map((parts) => `${name} ${parts.join(' ')}`);
  const numbers = fc
    .tuple(fc.constantFrom('eq', 'ne', 'gt', 'ge', 'lt', 'le'), fc.constantFrom('1', '2', '2.5'))
    .map((parts) => `@ ${parts.join(' ')}`);
  const ofKind: Record<string, fc.Arbitrary<string>> = { 'a boolean': truths('@'), 'a number': numbers, numbers };
  const hasValue = subAttributes.includes('value') || subAttributes.length === 0;
  return fc.oneof(
    present('@'),
    ...(hasValue ? [ofKind[kind] ?? compared('@')] : []),
    ...subAttributes.map((name) => (name === 'primary' ? truths(`@.${name}`) : compared(`@.${name}`))),
    ...subAttributes.map((name) => present(`@.${name}`)),
    ...(one || subAttributes.length > 0 ? [inBrackets(attribute).map((inner) => `@[${inner}]`)] : []),
    ...subAttributes
      .filter((name) => name !== 'primary')
      .map((name) => fc.tuple(inBrackets(attribute), compared(name)).map(([inner, rest]) => `@[${inner}].${rest}`)),
  );
}

test.each(kinds.map((kind) => [kind.kind, kind] as const))('a filter on %s finds the same in either', (_kind, attribute) => {
  const { urn, name, stored } = attribute;
  const finds = (of: string | undefined, filter: string, value: Json | undefined): boolean => {
    const named = filter.replaceAll('@', `${of === undefined ? '' : `${of}:`}${name}`);
    return matches(parseFilter(named, 'User', schemas), holding(of, name, value));
  };
  const seen = new Set<boolean>();
  fc.assert(
    fc.property(fc.option(stored, { nil: undefined, freq: 8 }), filtersOf(attribute), (value, filter) => {
      const expected = finds(urn, filter, value);
      expect([value, filter, finds(undeclared, filter, value)]).toEqual([value, filter, expected]);
      seen.add(expected);
    }),
    { numRuns: 800 },
  );
  expect(seen.size).toBe(2);
});

// ── One by one ─────────────────────────────────────────────────────────────────────────────────

const M = 'urn:ietf:params:scim:schemas:extension:my_schema:1.0:User';
const X = undeclared;
const [first, second]: [JsonObject, JsonObject] = [
  { value: '1', type: 'a', primary: true },
  { value: '2', type: 'b' },
];
const cards = [first, second];

function patchedIn(extension: string, held: Json | undefined, operation: JsonObject): Resource {
  const before = held === undefined ? { userName: 'a' } : { userName: 'a', [extension]: held };
  return patchUser(before, parsePatch({ schemas: [patchOpUrn], Operations: [operation] }, 'User', schemas).operations).resource;
}

test.each<[string, string, Json | undefined, JsonObject, Json | undefined]>([
  [
    'a complex value is changed in place',
    M,
    { badge: { colour: 'red', size: 'L' }, desk: '4b' },
    { op: 'replace', path: `${M}:badge`, value: { colour: 'blue' } },
    { badge: { colour: 'blue', size: 'L' }, desk: '4b' },
  ],
  [
    'a value is added to several',
    M,
    { cards: [{ value: 'c1' }] },
    { op: 'add', path: `${M}:cards`, value: { value: 'c2' } },
    { cards: [{ value: 'c1' }, { value: 'c2' }] },
  ],
  [
    'an object is an attribute of a schema',
    M,
    undefined,
    { op: 'add', path: `${M}:badge`, value: { colour: 'red' } },
    { badge: { colour: 'red' } },
  ],
  ['and as a name in a value', M, undefined, { op: 'replace', value: { [`${M}:badge`]: { colour: 'red' } } }, { badge: { colour: 'red' } }],
  [
    'and in the letters in which it is stored',
    M,
    { badge: { colour: 'red', size: 'L' } },
    { op: 'Replace', path: `${M.toUpperCase()}:BADGE`, value: { Colour: 'blue' } },
    { badge: { colour: 'blue', size: 'L' } },
  ],
  [
    'its part',
    M,
    { badge: { colour: 'red' } },
    { op: 'replace', path: `${M}:badge.colour`, value: { r: 1 } },
    { badge: { colour: { r: 1 } } },
  ],
  [
    'an attribute of a stored extension, whatever that is called',
    'urn:x:y:z',
    { desk: '4b' },
    { op: 'add', path: 'urn:x:y:z:badge', value: { colour: 'red' } },
    { desk: '4b', badge: { colour: 'red' } },
  ],
  [
    'an object leaves what it does not name',
    X,
    { desk: { floor: 'a', room: 'b', site: 's' }, badge: '1' },
    { op: 'replace', value: { [X]: { desk: { room: 'c', site: null } } } },
    { desk: { floor: 'a', room: 'c' }, badge: '1' },
  ],
  [
    'at the extension’s path',
    X,
    { desk: { floor: 'a', room: 'b' } },
    { op: 'replace', path: X, value: { desk: { room: 'c' } } },
    { desk: { floor: 'a', room: 'c' } },
  ],
  [
    'a name in it may be a path',
    X,
    { desk: { floor: 'a', room: 'b' } },
    { op: 'replace', value: { [X]: { 'desk.room': 'c' } } },
    { desk: { floor: 'a', room: 'c' } },
  ],
  ['{} names nothing', X, { desk: { floor: 'a' } }, { op: 'replace', path: `${X}:desk`, value: {} }, { desk: { floor: 'a' } }],
  ['nor does {} for the extension', X, { desk: { floor: 'a' } }, { op: 'replace', path: X, value: {} }, { desk: { floor: 'a' } }],
  [
    'a simple value is chosen by "value"',
    X,
    { assurance: ['low', 'high'] },
    { op: 'remove', path: `${X}:assurance[value eq "HIGH"]` },
    { assurance: ['low'] },
  ],
  ['the extension goes by null', X, { badge: '1' }, { op: 'replace', path: X, value: null }, undefined],
  ['the extension goes by ""', X, { badge: '1' }, { op: 'Replace', path: X.toLowerCase(), value: '' }, undefined],
  ['the extension goes by []', X, { badge: '1' }, { op: 'replace', path: X, value: [] }, undefined],
  ['and by a name without a path', X, { badge: '1' }, { op: 'replace', value: { [X]: null } }, undefined],
  ['an add of nothing adds nothing', X, { badge: '1' }, { op: 'add', path: X, value: null }, { badge: '1' }],
  [
    'an array of one is the chosen value',
    X,
    { emails: [{ value: 'm@x.test', type: 'work' }, { value: 'n@x.test' }] },
    { op: 'replace', path: `${X}:emails[value eq "m@x.test"]`, value: [{ value: 'o@x.test' }] },
    { emails: [{ value: 'o@x.test', type: 'work' }, { value: 'n@x.test' }] },
  ],
  [
    'remove of a named value',
    X,
    { cards: [{ value: '2' }, { value: '3' }] },
    { op: 'Remove', path: `${X}:cards`, value: { value: '2' } },
    { cards: [{ value: '3' }] },
  ],
  [
    'remove of several',
    X,
    { cards: [{ value: '2' }, { value: '3' }] },
    { op: 'Remove', path: `${X}:cards`, value: ['2', { value: '3' }] },
    undefined,
  ],
  ['remove of a number by its text', X, { ids: [2, 3] }, { op: 'Remove', path: `${X}:ids`, value: [{ value: '2' }] }, { ids: [3] }],
  [
    'simple values stay simple',
    X,
    { department_ids: ['1', '2'] },
    { op: 'Add', path: `${X}:department_ids`, value: [{ value: '2' }, { value: '3' }] },
    { department_ids: ['1', '2', '3'] },
  ],
  [
    'complex values stay complex',
    X,
    { cards: [{ value: '1' }] },
    { op: 'Add', path: `${X}:cards`, value: ['1', '2'] },
    { cards: [{ value: '1' }, { value: '2' }] },
  ],
  [
    'labels are not lost',
    X,
    { department_ids: ['1'] },
    { op: 'Add', path: `${X}:department_ids`, value: [{ value: '2', type: 'work' }] },
    { department_ids: [{ value: '1' }, { value: '2', type: 'work' }] },
  ],
  [
    'the primary one by text',
    X,
    { cards },
    { op: 'Replace', path: `${X}:cards[primary eq "True"].value`, value: '9' },
    { cards: [{ ...first, value: '9' }, second] },
  ],
  [
    'one is primary',
    X,
    { cards },
    { op: 'replace', path: `${X}:cards[type eq "b"].primary`, value: true },
    {
      cards: [
        { ...first, primary: false },
        { ...second, primary: true },
      ],
    },
  ],
  [
    'and that by text, in what is added',
    X,
    { cards },
    { op: 'add', path: `${X}:cards`, value: [{ value: '3', primary: 'True' }] },
    { cards: [{ ...first, primary: false }, second, { value: '3', primary: true }] },
  ],
  ['a boolean stays one', X, { flag: true }, { op: 'Replace', path: `${X}:flag`, value: 'False' }, { flag: false }],
  [
    'so does one in a complex value',
    X,
    { desk: { up: true } },
    { op: 'Replace', path: `${X}:desk.up`, value: 'False' },
    { desk: { up: false } },
  ],
  [
    'an object with a "value" is a value',
    'urn:x:y:z',
    undefined,
    { op: 'add', path: 'urn:x:y:z:cards', value: { value: 'c' } },
    { cards: { value: 'c' } },
  ],
  [
    'an empty list in a list is nothing',
    X,
    { folders: ['S'] },
    { op: 'add', path: `${X}:folders`, value: ['S', [null], {}] },
    { folders: ['S'] },
  ],
  ['a list in a list is kept as it comes', X, { at: ['S'] }, { op: 'replace', path: `${X}:at`, value: [['S', 'T']] }, { at: [['S', 'T']] }],
  ['a text stays one', X, { title: 'S' }, { op: 'replace', path: `${X}:title`, value: ['T'] }, { title: 'T' }],
  ['a list of one stays a list', X, { folders: ['S', 'T'] }, { op: 'replace', path: `${X}:folders`, value: ['S'] }, { folders: ['S'] }],
  ['a list of one is a list', X, undefined, { op: 'add', path: `${X}:folders`, value: ['S'] }, { folders: ['S'] }],
  [
    'one value for a list makes it one of one',
    X,
    { folders: ['S', 'T'] },
    { op: 'replace', path: `${X}:folders`, value: 'U' },
    { folders: ['U'] },
  ],
  [
    'a mapping that was changed to a list',
    X,
    { folders: 'S, T' },
    { op: 'replace', path: `${X}:folders`, value: ['S', 'T'] },
    { folders: ['S', 'T'] },
  ],
  ['or to an object', X, { badge: '1' }, { op: 'replace', path: `${X}:badge`, value: { colour: 'red' } }, { badge: { colour: 'red' } }],
  ['or to a text', X, { badge: { colour: 'red' } }, { op: 'replace', path: `${X}:badge`, value: 'red' }, { badge: 'red' }],
  [
    'values in another order',
    X,
    { folders: ['S', 'T'] },
    { op: 'replace', path: `${X}:folders`, value: ['T', 'S'] },
    { folders: ['S', 'T'] },
  ],
])('%s', (_what, extension, held, operation, expected) => {
  expect(patchedIn(extension, held, operation)).toEqual(
    expected === undefined ? { userName: 'a' } : { userName: 'a', [extension]: expected },
  );
});

test.each<[string, Json, JsonObject, string]>([
  ['two primary values', { cards }, { op: 'replace', path: `${X}:cards.primary`, value: true }, 'invalidValue'],
  ['a text in place of the extension', { badge: '1' }, { op: 'replace', path: X, value: 'x' }, 'invalidValue'],
  ['a list in place of the extension', { badge: '1' }, { op: 'replace', path: X, value: [{ badge: '2' }] }, 'invalidValue'],
  [
    'two values for a chosen one',
    { cards },
    { op: 'replace', path: `${X}:cards[value eq "1"]`, value: [{ value: '3' }, { value: '4' }] },
    'invalidValue',
  ],
  ['a part of a text', { title: 'S' }, { op: 'replace', path: `${X}:title.part`, value: 'x' }, 'invalidPath'],
  ['a value of a text', { title: 'S' }, { op: 'replace', path: `${X}:title[value eq "S"]`, value: 'x' }, 'invalidPath'],
  ['a part of values of several kinds', { mixed: [1, { b: 'c' }] }, { op: 'replace', path: `${X}:mixed.b`, value: 'x' }, 'invalidPath'],
  ['an object for a simple value', { folders: ['S'] }, { op: 'replace', path: `${X}:folders.value`, value: { a: 'b' } }, 'invalidPath'],
  ['a value that is not there', { cards }, { op: 'replace', path: `${X}:cards[type eq "c"].value`, value: 'x' }, 'noTarget'],
  ['a name that ends in a colon', { badge: '1' }, { op: 'replace', value: { [`${X}:`]: { badge: '2' } } }, 'invalidSyntax'],
  ['a name that is no path', { badge: '1' }, { op: 'replace', value: { [X]: { 'a:b': '2' } } }, 'invalidValue'],
])('what a core attribute refuses is refused: %s', (_what, held, operation, scimType) => {
  expect(() => patchedIn(X, held, operation)).toThrow(expect.objectContaining({ status: 400, scimType }));
});

test('of a whole resource what is kept is kept as it is sent', () => {
  const sent = { folders: ['S', 'S', 1], mixed: [1, { b: 'c' }], one: ['S'], object: { value: '1', type: 'x' }, flag: 'True', n: 5 };
  expect(parseUser({ userName: 'a', [X]: sent }, schemas).resource).toEqual({ userName: 'a', active: true, [X]: sent });
  expect(parseUser({ userName: 'a', 'urn:okta:app:1.0:user:custom': { badge: { a: '1' } } }, schemas).resource).toMatchObject({
    'urn:okta:app:1.0:user:custom': { badge: { a: '1' } },
  });
});

test('of a whole resource values are what several values are: each complex, at most one primary, and that a boolean', () => {
  const { resource } = parseUser(
    { userName: 'a', [X]: { cards: [{ value: '1', primary: 'True' }, '2'], card: { value: '3', primary: true } } },
    schemas,
  );
  expect(resource[X]).toEqual({ cards: [{ value: '1', primary: true }, { value: '2' }], card: [{ value: '3', primary: true }] });
});

test.each<[string, JsonObject]>([
  ['a name with a dot', { [X]: { 'desk.room': 'b' } }],
  ['a name with a colon', { [X]: { 'a:b': 'c' } }],
  ['a value path', { [X]: { 'cards[type eq "a"].value': 'b' } }],
  ['a URN that ends in a colon', { [`${X}:`]: { badge: '1' } }],
  ['any URN that ends in a colon', { 'urn:x:y:': 'z', [X]: { badge: '1' } }],
  ['EnterpriseUser with a colon behind it', { [`${enterpriseUserUrn}:`]: { department: 'D' } }],
  [
    'two primary values',
    {
      [X]: {
        cards: [
          { value: '1', primary: true },
          { value: '2', primary: 'True' },
        ],
      },
    },
  ],
])('of a whole resource it is refused: %s', (_what, body) => {
  expect(() => parseUser({ userName: 'a', ...body }, schemas)).toThrow(ScimError);
  expect(() => replaceUser({ userName: 'a' }, { userName: 'a', ...body }, schemas)).toThrow(ScimError);
});

test('a PUT keeps the letters in which an extension was first sent', () => {
  const before = { userName: 'a', [X]: { Badge: '1', desk: { Room: 'b' } } };
  expect(replaceUser(before, { userName: 'a', [X.toUpperCase()]: { BADGE: '2', DESK: { ROOM: 'c' } } }, schemas).resource).toEqual({
    userName: 'a',
    [X]: { Badge: '2', desk: { Room: 'c' } },
  });
});

test('a PUT of what is read changes nothing, though a name be that of an attribute and of an extension', () => {
  const all: Resource[] = [
    { userName: 'a', 'urn:x:y': { z: ['1', { a: 'b' }] }, 'urn:x:y:z': { c: '2' } },
    { userName: 'a', 'urn:x:y:z': { c: '2' }, 'urn:x:y': { z: { a: 'b' } } },
    { userName: 'a', [`${X}:badge`]: { colour: 'red' }, [X]: { desk: '4b' } },
  ];
  for (const stored of all) expect(replaceUser(stored, stored, schemas).resource).toEqual(stored);
});

test('a PUT of what any PATCH left changes nothing', () => {
  const urn = fc.constantFrom('urn:x:y', 'urn:x:y:z', 'urn:x:y:2.0', X, `${X}:badge`, 'urn:x:y:2.0:Group', declared);
  const name = fc.constantFrom(
    'z',
    'Z',
    'badge',
    'value',
    'type',
    'z.value',
    'z.type',
    'z[type eq "work"].value',
    'z[value eq "a"]',
    'badge[primary eq "True"]',
  );
  const path = fc.oneof(
    urn,
    fc.tuple(urn, name).map((parts) => parts.join(':')),
  );
  const leaf = fc.constantFrom<Json>('a', '', null, true, 'True', 5, '5', '{"value":"b"}');
  const part = fc.dictionary(fc.constantFrom('value', 'VALUE', 'type', 'primary', 'z', 'badge'), leaf, { maxKeys: 3 });
  const value = fc.oneof(
    leaf,
    part,
    fc.array(fc.oneof(leaf, part), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('z', 'badge', 'type'), fc.oneof(leaf, part, fc.array(part)), { maxKeys: 2 }),
  );
  const operation = fc.oneof(
    fc.record({ op: fc.constantFrom('add', 'replace', 'remove'), path, value }),
    fc.record({ op: fc.constantFrom('add', 'replace'), value: fc.dictionary(path, value, { maxKeys: 2 }) }),
  );
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 6 }), (operations) => {
      let user: Resource = { userName: 'a', active: true };
      for (const one of operations) {
        try {
          user = patchUser(user, parsePatch({ schemas: [patchOpUrn], Operations: [one] }, 'User', schemas).operations).resource;
        } catch (error) {
          expect(error).toBeInstanceOf(ScimError);
        }
      }
      expect(replaceUser(user, user, schemas).resource).toEqual(user);
    }),
    { numRuns: 2000 },
  );
});

test('a group’s attributes are no other', () => {
  const urn = 'urn:ietf:params:scim:schemas:extension:acme:2.0:Group';
  const { operations } = parsePatch({ Operations: [{ op: 'add', path: `${urn}:owner`, value: { name: 'A' } }] }, 'Group', schemas);
  expect(patchGroup({ displayName: 'g' }, operations).resource).toEqual({ displayName: 'g', [urn]: { owner: { name: 'A' } } });
});

test('a value of many parts takes ten times the steps of one with a tenth', async () => {
  const change = (parts: number): Resource => {
    const wide: JsonObject = Object.fromEntries(Array.from({ length: parts }, (_, index) => [`k${index}`, index]));
    return patchedIn(X, { a: wide }, { op: 'replace', path: `${X}:a`, value: { ...wide, k7: 'x' } });
  };
  expect(heldBy(change(10_000), X, 'a')).toMatchObject({ k6: 6, k7: 'x', k9999: 9999 });
  const steps = async (parts: number): Promise<number> => countCalls(() => change(parts), 'packages/scim/');
  expect(await steps(10_000)).toBeLessThan(11 * (await steps(1_000)));
});
