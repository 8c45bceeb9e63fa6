import fc from 'fast-check';
import { ScimError } from './errors';
import { filterLimits, formatFilter, narrowFilter, parseFilter } from './filter';
import type { Filter } from './filter-tree';
import { coreSchemas, schemaSet } from './schemas';
import { enterpriseUserUrn, groupUrn, userUrn } from './urns';

const parse = (text: string, type: 'User' | 'Group' = 'User'): Filter => parseFilter(text, type, coreSchemas);
const parseAtRoot = (text: string): Filter => parseFilter(text, undefined, coreSchemas);
/** The filter as text in its one form: every name in its schema’s case, every rewriting done. */
const formatted = (text: string, type: 'User' | 'Group' = 'User'): string => formatFilter(parse(text, type));
const invalidFilter = expect.objectContaining({ status: 400, scimType: 'invalidFilter' });

describe('F1 operators', () => {
  test.each(['eq', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'])('%s compares a string', (operator) => {
    expect(parse(`title ${operator} "Ab"`)).toMatchObject({ kind: 'comparison', operator, value: 'ab', sent: 'Ab' });
  });

  test('a time is compared as an instant', () => {
    expect(parse('meta.created ge "2011-05-13T04:42:34+02:00"')).toMatchObject({
      value: '2011-05-13T02:42:34.000Z',
      sent: '2011-05-13T04:42:34+02:00',
    });
  });

  test('a number is compared as one', () => {
    const schemas = schemaSet([{ urn: 'urn:x:y:User', resourceType: 'User', attributes: [{ name: 'floor', type: 'integer' }] }]);
    expect(parseFilter('urn:x:y:User:floor gt 5', 'User', schemas)).toMatchObject({ operator: 'gt', value: 5 });
    expect(() => parseFilter('urn:x:y:User:floor gt "5"', 'User', schemas)).toThrow(invalidFilter);
    expect(() => parseFilter('urn:x:y:User:floor co 5', 'User', schemas)).toThrow(invalidFilter);
  });
});

test.each([
  'active gt true',
  'active ge false',
  'active lt true',
  'active le true',
  'active co "true"',
  'x509Certificates.value gt "a"',
  'emails.primary gt true',
  'meta.created co "2011"',
])('F2 %s is refused', (text) => {
  expect(() => parse(text)).toThrow(invalidFilter);
});

test.each([
  'userName regex "x"',
  'userName eq',
  'userName',
  'userName eq "x',
  'userName eq "x\\"',
  '(userName eq "x"',
  'userName eq "x")',
  'userName eq "x" foo',
  'userName eq "x" and',
  '',
  '   ',
  "userName eq 'x'",
  'and',
  'not',
  'not userName eq "x"',
  'userName eq "x" or or title pr',
  'emails[type eq "work"',
  'emails[type eq "work"]]',
  'emails[]',
  'emails[type]',
  '()',
  '[',
  ']',
  '"',
  'emails[type eq "work"].',
  'emails[type eq "work"].value',
  'emails[type eq "work"]value eq "x"',
  'userName eq "x"and title pr',
  'userName eq "\\x"',
  'userName eq "a\nb"',
  'title[value eq "x"]',
  'emails[addresses[type eq "x"]]',
  'userName eq {}',
  'userName eq []',
  'userName pr pr',
  '.userName eq "x"',
  'userName. eq "x"',
  'name.givenName.x eq "x"',
  'userName eq nul',
])('F3 %j is refused', (text) => {
  expect(() => parse(text)).toThrow(invalidFilter);
});

test.each([
  ['userName eq “kim”', 'Write userName eq "kim"'],
  ['userName eq “Kim Doe” and active eq true', 'Write userName eq "Kim Doe"'],
  ['not (userName eq „Kim“)', 'Write userName eq "Kim"'],
  ['userName eq ‘O’Brien’', 'Write userName eq "O’Brien"'],
  ['userName eq «kim»', 'Write userName eq "kim"'],
  ['userName eq "kim”', 'Write userName eq "kim"'],
  ['userName eq “kim"', 'Write userName eq "kim"'],
  ['userName eq "kim” and title eq "x"', 'Write userName eq "kim"'],
  ["displayName eq 'Kim Doe'", 'Write displayName eq "Kim Doe"'],
  ['emails[type eq “work”].value eq "x"', 'Write type eq "work"'],
  ['userName eq “a \\ b”', 'Write userName eq "a \\\\ b"'],
])('F4 quotes that are not straight are shown what to type: %s', (filter, shown) => {
  expect(() => parseFilter(filter, 'User', coreSchemas)).toThrow(invalidFilter);
  expect(() => parseFilter(filter, 'User', coreSchemas)).toThrow(shown);
});

test('F4 curly quotes in a string are a part of it', () => {
  expect(parseFilter('title eq "say “hi”"', 'User', coreSchemas)).toMatchObject({ value: 'say “hi”' });
});

test('F4 a string without quotes is refused, with what would be right', () => {
  expect(() => parse('userName eq bob')).toThrow('write a string in double quotes, as in userName eq "bob"');
  expect(() => parse('userName eq 5')).toThrow(invalidFilter);
});

describe('F6 strings', () => {
  test.each([
    ['"a\\"b"', 'a"b'],
    ['"\\u00e9"', 'é'],
    ['"a\\/b"', 'a/b'],
    ['"%_\\\\"', '%_\\'],
    ['"x\' or 1=1; --"', "x' or 1=1; --"],
    ['"] ) and or"', '] ) and or'],
  ])('%s is decoded', (literal, value) => {
    expect(parse(`externalId eq ${literal}`)).toMatchObject({ value, sent: value });
  });
});

describe('F7, F8 value paths', () => {
  test('an attribute without a sub-attribute stands for its value', () => {
    expect(formatted('emails co "x"')).toBe('emails.value co "x"');
    expect(formatted('emails.value co "x"')).toBe('emails.value co "x"');
  });

  test('what stands in brackets is asked of one value', () => {
    const filter = parse('emails[type eq "work" and value co "y"]');
    expect(filter).toMatchObject({
      kind: 'value_path',
      attribute: { keys: ['emails'] },
      filter: { kind: 'and', filters: [{ attribute: { keys: ['type'] } }, { attribute: { keys: ['value'] } }] },
    });
  });

  test('and, or, not and parentheses stand in brackets', () => {
    expect(formatted('emails[ (type eq "a" or type eq "b") and not (value co "y") ]')).toBe(
      'emails[(type eq "a" or type eq "b") and not (value co "y")]',
    );
  });

  test('a sub-attribute is one of the attribute’s', () => {
    expect(() => parse('emails[userName eq "x"]')).toThrow('no sub-attribute of emails');
  });

  test('the values of a simple attribute are their own value', () => {
    const schemas = schemaSet([{ urn: 'urn:x:y:User', resourceType: 'User', attributes: [{ name: 'folders', multiValued: true }] }]);
    expect(parseFilter('urn:x:y:User:folders[value eq "A"]', 'User', schemas)).toMatchObject({
      kind: 'value_path',
      filter: { attribute: { keys: [] }, value: 'a' },
    });
  });
});

describe('F9 a value path with a sub-attribute', () => {
  test('asks the same value', () => {
    expect(parse('emails[type eq "work"].value eq "x"')).toEqual(parse('emails[type eq "work" and value eq "x"]'));
    expect(parse('emails[type eq "work"].value pr')).toEqual(parse('emails[type eq "work" and value pr]'));
  });

  test('F15 by ne is the negation of that by eq', () => {
    expect(parse('emails[type eq "work"].value ne "x"')).toEqual(parse('not (emails[type eq "work"].value eq "x")'));
    expect(parse('emails[type eq "work"].value eq null')).toEqual(parse('not (emails[type eq "work"].value pr)'));
  });
});

test.each([
  'emails pr',
  'emails.type pr',
  'name pr',
  `${enterpriseUserUrn}:department pr`,
  `${enterpriseUserUrn} pr`,
  'meta pr',
  'groups pr',
])('F10 %s', (text) => {
  expect(parse(text)).toMatchObject({ kind: 'present' });
  expect(formatted(text)).toBe(text);
});

test('F11 not, with and without a space, twice, and in any case', () => {
  expect(formatted('not (title pr)')).toBe('title eq null');
  expect(parse('not(title sw "a")')).toEqual(parse('NOT  ( title sw "a" )'));
  expect(formatted('not (not (title sw "a"))')).toBe('not (not (title sw "a"))');
});

test('F12 "and" binds closer than "or", and "not" closest', () => {
  expect(parse('title pr or nickName pr and locale pr')).toEqual(parse('title pr or (nickName pr and locale pr)'));
  expect(parse('(title pr or nickName pr) and locale pr')).not.toEqual(parse('title pr or nickName pr and locale pr'));
  expect(parse('not (title pr) and locale pr')).toEqual(parse('(not (title pr)) and locale pr'));
});

describe('F13 names with a URN', () => {
  test.each([
    [`${userUrn}:userName eq "x"`, 'userName eq "x"'],
    [`${userUrn.toUpperCase()}:NAME.givenname eq "x"`, 'name.givenName eq "x"'],
    [`${enterpriseUserUrn}:department eq "x"`, `${enterpriseUserUrn}:department eq "x"`],
    [`${enterpriseUserUrn.toUpperCase()}:Manager.Value eq "x"`, `${enterpriseUserUrn}:manager.value eq "x"`],
    [`${enterpriseUserUrn}:manager eq "x"`, `${enterpriseUserUrn}:manager.value eq "x"`],
  ])('%s', (text, expected) => {
    expect(formatted(text)).toBe(expected);
  });

  test.each([
    'urn:ietf:params:scim:schemas:extension:2.0:CustomExtensionName:folders',
    'urn:ietf:params:scim:schemas:extension:2.0:Metadata:costCenter',
    'urn:ietf:params:scim:schemas:extension:Acme:2.0:User:badge',
  ])('%s, which nobody declared, ends before the last colon', (name) => {
    const colon = name.lastIndexOf(':');
    expect(parse(`${name} eq "X"`)).toMatchObject({
      attribute: { extension: name.slice(0, colon), keys: [name.slice(0, colon).toLowerCase(), name.slice(colon + 1).toLowerCase()] },
      value: 'x',
    });
  });
});

test.each([
  'meta.lastModified ge "2026-01-01T00:00:00Z"',
  'meta.resourceType eq "User"',
  `schemas eq "${enterpriseUserUrn}"`,
  'id eq "usr_1"',
  'externalId eq "Ab"',
])('F14 %s', (text) => {
  expect(formatted(text)).toBe(text);
});

test('F14, F5 ids are caseExact, and URNs are not', () => {
  expect(parse('externalId eq "Ab"')).toMatchObject({ value: 'Ab' });
  expect(parse('id eq "USR_1"')).toMatchObject({ value: 'USR_1' });
  expect(parse(`schemas eq "${userUrn}"`)).toMatchObject({ value: userUrn.toLowerCase() });
});

test('F15 a ne x is not (a eq x)', () => {
  expect(parse('title ne "x"')).toEqual(parse('not (title eq "x")'));
  expect(formatted('not (title eq "x")')).toBe('title ne "x"');
});

test('F16 eq null is absence, ne null presence, and nothing else compares with null', () => {
  expect(parse('title eq null')).toEqual(parse('not (title pr)'));
  expect(parse('title ne null')).toEqual(parse('title pr'));
  expect(() => parse('title gt null')).toThrow(invalidFilter);
});

describe('F17 unknown attributes', () => {
  test('of the core schema are refused', () => {
    expect(() => parse('dispalyName eq "x"')).toThrow('"dispalyName" is no attribute of a User');
    expect(() => parse('members eq "x"')).toThrow(invalidFilter);
    expect(() => parse('constructor eq "x"')).toThrow(invalidFilter);
    expect(() => parse('__proto__ pr')).toThrow(invalidFilter);
    expect(() => parse('name.toString eq "x"')).toThrow(invalidFilter);
  });

  test('of a URN match nothing', () => {
    expect(parse(`${enterpriseUserUrn}:nope eq "x"`)).toEqual({ kind: 'nothing', name: `${enterpriseUserUrn}:nope` });
    expect(parse(`${enterpriseUserUrn}:nope[a eq "x"].b ne 5`)).toEqual(parse(`not (${enterpriseUserUrn}:nope pr)`));
  });
});

test.each(['password eq "x"', 'password pr', `${userUrn}:PASSWORD sw "a"`, 'not (password pr)'])('F18 %s is refused', (text) => {
  expect(() => parse(text)).toThrow(invalidFilter);
});

test('F19, F20 members, groups and manager by id', () => {
  expect(formatted('groups.value eq "grp_1"')).toBe('groups.value eq "grp_1"');
  expect(formatted('members eq "usr_1"', 'Group')).toBe('members.value eq "usr_1"');
  expect(formatted('members[value eq "usr_1"]', 'Group')).toBe('members[value eq "usr_1"]');
  expect(formatted('id eq "U" and manager eq "M"')).toBe(`id eq "U" and ${enterpriseUserUrn}:manager.value eq "M"`);
});

describe('F21 limits', () => {
  test('a filter is at most 4 KB long', () => {
    expect(() => parse(`userName eq "${'x'.repeat(filterLimits.bytes)}"`)).toThrow(invalidFilter);
    expect(() => parse(`userName eq "${'é'.repeat(filterLimits.bytes / 2)}"`)).toThrow(invalidFilter);
  });

  test('parentheses are at most 30 deep, and a thousand do no harm', () => {
    expect(parse(`${'('.repeat(30)}title pr${')'.repeat(30)}`)).toEqual(parse('title pr'));
    expect(() => parse(`${'('.repeat(31)}title pr${')'.repeat(31)}`)).toThrow(invalidFilter);
    expect(() => parse('('.repeat(1000))).toThrow(invalidFilter);
    expect(() => parse('not('.repeat(1000))).toThrow(invalidFilter);
  });

  test('there are at most 100 comparisons', () => {
    expect(parse(Array<string>(100).fill('title pr').join(' or '))).toMatchObject({ kind: 'or' });
    expect(() => parse(Array<string>(101).fill('title pr').join(' or '))).toThrow(invalidFilter);
  });
});

test('F23 booleans, in quotes and without, in any case', () => {
  for (const literal of ['true', '"true"', '"True"', 'True']) expect(parse(`active eq ${literal}`)).toMatchObject({ value: true });
  expect(() => parse('active eq "banana"')).toThrow(invalidFilter);
  expect(() => parse('active eq 1')).toThrow(invalidFilter);
});

test('P30 roles[primary eq "True"] compares a boolean', () => {
  expect(parse('roles[primary eq "True"].value eq "x"')).toEqual(parse('roles[primary eq true and value eq "x"]'));
});

test('G11 names and operators in any case', () => {
  expect(parse('USERNAME Eq "x" AND Name.GIVENNAME sW "y" oR TITLE Pr')).toEqual(
    parse('userName eq "x" and name.givenName sw "y" or title pr'),
  );
});

test('a comparison of a complex attribute that has no value is refused, with what would be right', () => {
  expect(() => parse('name eq "x"')).toThrow('such as name.formatted');
  expect(() => parse('addresses eq "x"')).toThrow(invalidFilter);
  expect(() => parse(`${enterpriseUserUrn} eq "x"`)).toThrow(invalidFilter);
});

test('G20 NUL and half surrogate pairs are refused', () => {
  expect(() => parse('userName eq "\\u0000"')).toThrow(invalidFilter);
  expect(() => parse('userName eq "\\ud800"')).toThrow(invalidFilter);
});

describe('R12 at the root', () => {
  test('an attribute of either type will do', () => {
    expect(formatFilter(parseAtRoot('members pr or userName pr'))).toBe('members pr or userName pr');
    expect(() => parseAtRoot('dispalyName pr')).toThrow(invalidFilter);
  });

  test('what one type does not have matches nothing of it', () => {
    const filter = parseAtRoot('userName eq "x" or displayName eq "y"');
    expect(narrowFilter(filter, 'User', coreSchemas)).toEqual(parse('userName eq "x" or displayName eq "y"'));
    expect(narrowFilter(filter, 'Group', coreSchemas)).toMatchObject({
      kind: 'or',
      filters: [
        { kind: 'nothing', name: 'userName' },
        { kind: 'comparison', value: 'y' },
      ],
    });
    expect(narrowFilter(parseAtRoot(`members[value eq "x"] and ${groupUrn}:members pr`), 'User', coreSchemas)).toMatchObject({
      filters: [{ kind: 'nothing' }, { kind: 'nothing' }],
    });
  });
});

describe('of any text', () => {
  const names = [
    'userName',
    'emails',
    'emails.value',
    'emails.type',
    'active',
    'meta.created',
    'name',
    'NAME.givenName',
    `${enterpriseUserUrn}:department`,
    `${enterpriseUserUrn}:manager`,
    'urn:x:y:z',
    'urn:x:y:z.sub',
    'schemas',
    'manager',
    'nope',
    'password',
    'value',
    'type',
    'not',
    'and',
  ];
  const token = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...names) },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        'eq',
        'ne',
        'co',
        'sw',
        'gt',
        'le',
        'pr',
        'and',
        'or',
        'not',
        '(',
        ')',
        '[',
        ']',
        '].value',
        ' ',
        '"',
        '"x"',
        'true',
        '"True"',
        'null',
        '5',
        '-1.5e3',
        '"2026-01-31T09:00:00Z"',
      ),
    },
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.string().map((text) => JSON.stringify(text)),
  );
  const almostFilters = fc.array(token, { maxLength: 14 }).map((tokens) => tokens.join(' '));

  test('F3 parsing gives a filter or refuses it, and never crashes', () => {
    fc.assert(
      fc.property(
        fc.oneof(almostFilters, fc.string({ unit: 'binary' })),
        fc.constantFrom('User' as const, 'Group' as const, undefined),
        (text, type) => {
          try {
            parseFilter(text, type, coreSchemas);
          } catch (error) {
            expect(error).toBeInstanceOf(ScimError);
            expect(error).toEqual(invalidFilter);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  const literal = fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => JSON.stringify(text));
  const comparison = fc.oneof(
    fc
      .tuple(
        fc.constantFrom(
          'userName',
          'title',
          'emails',
          'emails.type',
          'name.givenName',
          `${enterpriseUserUrn}:manager`,
          'urn:x:y:z',
          'urn:x:y:z.sub',
          'id',
        ),
        fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'),
        literal,
      )
      .map((parts) => parts.join(' ')),
    fc.constantFrom(
      'title pr',
      'name pr',
      'emails.value pr',
      'title eq null',
      'name ne null',
      'active eq true',
      'active ne "False"',
      'meta.created gt "2026-01-31T09:00:00+02:00"',
      'urn:x:y:z eq 5',
      `${enterpriseUserUrn}:nope eq 5`,
    ),
  );
  const element = fc
    .tuple(fc.constantFrom('type', 'value', 'display'), fc.constantFrom('eq', 'ne', 'co'), literal)
    .map((parts) => parts.join(' '));
  const logic = (leaf: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.letrec<{ filter: string }>((tie) => ({
      filter: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.tuple(tie('filter'), tie('filter')).map(([a, b]) => `${a} and (${b})`),
        fc.tuple(tie('filter'), tie('filter')).map(([a, b]) => `(${a}) or ${b}`),
        tie('filter').map((a) => `not (${a})`),
      ),
    })).filter;
  const filters = logic(
    fc.oneof(
      { weight: 3, arbitrary: comparison },
      logic(element).map((inner) => `emails[${inner}]`),
      fc
        .tuple(logic(element), literal, fc.constantFrom('eq', 'ne', 'sw'))
        .map(([inner, value, operator]) => `emails[${inner}].value ${operator} ${value}`),
    ),
  );

  test('a filter that is formatted and parsed again is the same', () => {
    fc.assert(
      fc.property(filters, (text) => {
        fc.pre(text.length < filterLimits.bytes / 2);
        const filter = parse(text);
        expect(parse(formatFilter(filter))).toEqual(filter);
      }),
      { numRuns: 1000 },
    );
  });
});
