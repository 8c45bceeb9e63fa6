/** An extension that nobody declared behaves as the core schema does: the same start and the same request come to the same. */
import fc from 'fast-check';
import { ScimError } from './errors';
import { parseFilter } from './filter';
import { matches } from './match';
import { parsePatch, patchUser } from './patch';
import { replaceUser } from './requests';
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
