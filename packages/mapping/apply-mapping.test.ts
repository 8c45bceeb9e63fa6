import { bounds } from '#bounds';
import { type Json, type JsonObject, schemaSet, coreSchemas, enterpriseUserUrn } from '#scim';
import { type Mapped, type MappedWork, applyMapping } from './apply-mapping';
import type { UserGroup } from './assign-roles';
import { parseMapping } from './parse-mapping';

const metadata = 'urn:ietf:params:scim:schemas:extension:2.0:Metadata';

/** What becomes of a user by a mapping of one attribute, `x`. */
function mapped(attribute: object, resource: JsonObject, groups: UserGroup[] = []): Mapped {
  const mapping = parseMapping({ attributes: [{ name: 'x', type: 'string', ...attribute }] });
  return applyMapping(mapping, { resource, groups }, coreSchemas);
}
const valueOf = (attribute: object, resource: JsonObject, groups?: UserGroup[]): Json | undefined =>
  mapped(attribute, resource, groups).attributes['x'];
const problemsOf = (attribute: object, resource: JsonObject) =>
  mapped(attribute, resource).problems.map(({ kind, path, sent, wanted, action }) => ({ kind, path, sent, wanted, action }));
/** The words for what would have been right. */
const wantedOf = (attribute: object, resource: JsonObject): string | undefined => mapped(attribute, resource).problems[0]?.wanted;

describe('a value of each type', () => {
  const inMetadata = (value: Json): JsonObject => ({ [metadata]: { v: value } });

  test.each<[string, Json, Json]>([
    ['string', 'a', 'a'],
    ['string', 5, '5'],
    ['string', true, 'true'],
    ['string', ['only'], 'only'],
    ['string', { value: 'a', display: 'b' }, 'a'],
    ['number', 5.5, 5.5],
    ['number', '-5.50', -5.5],
    ['number', '007', 7],
    ['number', '-0', 0],
    ['number', '1e3', 1000],
    ['boolean', false, false],
    ['boolean', 'True', true],
    ['boolean', 'FALSE', false],
    ['date', '2026-01-31', '2026-01-31'],
    ['date', '2026-01-31T10:00:00+01:00', '2026-01-31T09:00:00.000Z'],
    ['date', '2026-01-31T09:00:00', '2026-01-31T09:00:00.000Z'],
    ['string_list', 'a, b', ['a, b']],
    ['string_list', ['a', 5, { value: 'c' }], ['a', '5', 'c']],
    ['object', { a: [1] }, { a: [1] }],
    ['object', '{"a": {"b": 1}}', { a: { b: 1 } }],
  ])('%s from %j', (type, sent, value) => {
    expect(mapped({ type, from: `${metadata}:v` }, inMetadata(sent))).toEqual({ attributes: { x: value }, roles: [], problems: [] });
  });

  test.each<[string, Json, string]>([
    ['string', { display: 'b' }, 'a text'],
    ['string', ['a', 'b'], 'a single value'],
    ['number', '5 ', 'a number'],
    ['number', '0x10', 'a number'],
    ['number', true, 'a number'],
    ['number', '12345678901234567890', 'a number small enough to be kept exactly'],
    ['number', '1e999', 'a number small enough to be kept exactly'],
    ['boolean', 'yes', 'true or false'],
    ['boolean', 1, 'true or false'],
    ['date', '2026-02-30', 'a date such as "2026-01-31" or "2026-01-31T09:00:00Z"'],
    ['date', '31/01/2026', 'a date such as "2026-01-31" or "2026-01-31T09:00:00Z"'],
    ['date', 20260131, 'a date such as "2026-01-31" or "2026-01-31T09:00:00Z"'],
    ['string_list', { display: 'b' }, 'a text'],
    ['object', 'a', 'an object'],
    ['object', '[1]', 'an object'],
    ['object', '{"a": "\\u0000"}', 'an object'],
    ['object', '{"a": 1e999}', 'an object'],
  ])('%s cannot be made of %j', (type, sent, wanted) => {
    const from = `${metadata}:v`;
    expect(mapped({ type, from }, inMetadata(sent))).toEqual({
      attributes: {},
      roles: [],
      problems: [{ kind: 'invalid_value', attribute: 'x', path: from, sent, wanted, action: 'reject' }],
    });
  });
});

describe('where a value is taken from', () => {
  const emails: Json[] = [
    { value: 'home@acme.com', type: 'home' },
    { value: 'work@acme.com', type: 'WORK', primary: true },
  ];

  test('a path chooses by its filter', () => {
    expect(valueOf({ from: 'emails[type eq "work"].value' }, { emails })).toBe('work@acme.com');
    expect(valueOf({ from: 'emails[type eq "other"].value' }, { emails })).toBeUndefined();
  });

  test('of several complex values the primary one counts, else the first that has what is asked for', () => {
    expect(valueOf({ from: 'emails.value' }, { emails })).toBe('work@acme.com');
    expect(valueOf({ from: 'emails' }, { emails })).toBe('work@acme.com');
    expect(valueOf({ from: 'emails.display' }, { emails: [...emails, { display: 'Ada' }] })).toBe('Ada');
    expect(valueOf({ type: 'object', from: 'emails[type eq "home"]' }, { emails })).toEqual({ value: 'home@acme.com', type: 'home' });
  });

  test('a list has all of them, in their order', () => {
    expect(valueOf({ type: 'string_list', from: 'emails.value' }, { emails })).toEqual(['home@acme.com', 'work@acme.com']);
  });

  test('the first path that has a value counts', () => {
    const from = ['userType', `${metadata}:plan`, 'title'];
    expect(valueOf({ from }, { title: 't', [metadata]: { plan: 'p' } })).toBe('p');
    expect(valueOf({ from }, { title: 't' })).toBe('t');
    expect(valueOf({ from, transform: ['trim'] }, { userType: '  ', title: 't' })).toBe('t');
  });

  test('a value that is wrong is not passed over for one that is right', () => {
    expect(problemsOf({ from: ['userType', 'title'], allowed_values: ['a'] }, { userType: 'b', title: 'a' })).toEqual([
      { kind: 'invalid_value', path: 'userType', sent: 'b', wanted: 'one of "a"', action: 'reject' },
    ]);
  });

  test('an extension is found whatever its case, and its attributes too', () => {
    expect(valueOf({ from: `${metadata.toUpperCase()}:PLAN` }, { [metadata]: { plan: 'p' } })).toBe('p');
    expect(valueOf({ from: 'department' }, { [enterpriseUserUrn]: { department: 'd' } })).toBe('d');
    expect(valueOf({ from: `${enterpriseUserUrn}:manager` }, { [enterpriseUserUrn]: { manager: { value: 'm', displayName: 'M' } } })).toBe(
      'm',
    );
    expect(
      valueOf({ from: `${enterpriseUserUrn}:manager.displayName` }, { [enterpriseUserUrn]: { manager: { value: 'm', displayName: 'M' } } }),
    ).toBe('M');
  });

  test('a whole extension is an object, by its URN with or without the star', () => {
    const resource = { [metadata]: { CostCenter: '7', Site: 'Berlin' } };
    expect(valueOf({ type: 'object', from: `${metadata}:*` }, resource)).toEqual({ CostCenter: '7', Site: 'Berlin' });
    expect(valueOf({ type: 'object', from: metadata }, resource)).toEqual({ CostCenter: '7', Site: 'Berlin' });
    expect(valueOf({ type: 'object', from: `${metadata}:*` }, {})).toBeUndefined();
  });

  test('the names of the user’s groups are attributes too, in an order of their own', () => {
    const groups = [
      { id: 'grp_2', displayName: 'Sales' },
      { id: 'grp_1', displayName: 'All' },
    ];
    const attribute = { type: 'string_list', from: 'groups.display' };
    expect(valueOf(attribute, {}, groups)).toEqual(['All', 'Sales']);
    expect(valueOf(attribute, {}, groups.toReversed())).toEqual(['All', 'Sales']);
    expect(valueOf({ from: 'groups[display sw "sal"].value' }, {}, groups)).toBe('grp_2');
  });

  test('a constant is the same for everybody', () => {
    expect(valueOf({ constant: 'scim' }, {})).toBe('scim');
    expect(valueOf({ type: 'date', constant: '2026-01-31T10:00:00+01:00' }, {})).toBe('2026-01-31T09:00:00.000Z');
  });

  test('a path into an extension that is no longer declared has no value', () => {
    const urn = 'urn:ietf:params:scim:schemas:extension:acme:2.0:User';
    const schemas = schemaSet([{ urn, resourceType: 'User', attributes: [{ name: 'tier' }] }]);
    const mapping = parseMapping({ attributes: [{ name: 'x', type: 'string', from: 'tier' }] }, schemas);
    const user = { resource: { [urn]: { tier: 'gold' } }, groups: [] };
    expect(applyMapping(mapping, user, schemas).attributes).toEqual({ x: 'gold' });
    expect(applyMapping(mapping, user, coreSchemas)).toEqual({ attributes: {}, roles: [], problems: [] });
  });
});

test.each([
  ['USERTYPE', 'userType'],
  ['urn:ietf:params:scim:schemas:core:2.0:User:Title', 'title'],
  ['Department', `${enterpriseUserUrn}:department`],
  ['manager.DISPLAYNAME', `${enterpriseUserUrn}:manager.displayName`],
  ['Emails[type eq "work"].Value', 'emails[type eq "work"].value'],
  [`${metadata}:Plan.x`, `${metadata}:Plan.x`],
])('what the vendor wrote as %s is told by the name that identity providers have for it, %s', (from, path) => {
  expect(problemsOf({ from, required: true }, {})).toMatchObject([{ kind: 'missing_required', path }]);
});

describe('transforms', () => {
  test.each<[Json[], Json, Json]>([
    [['trim', 'lower'], ' PreMium ', 'premium'],
    [['upper'], 'straße', 'STRASSE'],
    [['lower', { lookup: { prem: 'Premium' } }], 'PREM', 'Premium'],
    [[{ lookup: { prem: 'Premium' } }], 'other', 'other'],
    [[{ lookup: { prem: 'Premium' } }], 'toString', 'toString'],
  ])('%j of %j', (transform, sent, value) => {
    expect(valueOf({ from: 'title', transform }, { title: sent })).toBe(value);
  });

  test('split makes a list, of which trim leaves out what is empty', () => {
    const attribute = { type: 'string_list', from: 'title', transform: [{ split: ',' }, 'trim'] };
    expect(valueOf(attribute, { title: 'Folder 1, Folder 2,, ' })).toEqual(['Folder 1', 'Folder 2']);
    expect(valueOf(attribute, { title: ' , ' })).toBeUndefined();
  });

  test('split for a type of one value is right as long as there is one', () => {
    const attribute = { from: 'title', transform: [{ split: ',' }] };
    expect(valueOf(attribute, { title: 'a,' })).toBe('a');
    expect(wantedOf(attribute, { title: 'a,b' })).toBe('a single value');
  });

  test('a lookup may give what is of the type already', () => {
    expect(valueOf({ type: 'boolean', from: 'title', transform: [{ lookup: { Ja: true, Nein: false } }] }, { title: 'Ja' })).toBe(true);
    expect(valueOf({ type: 'string', from: 'active', transform: [{ lookup: { true: 'on' } }] }, { active: true })).toBe('on');
  });
});

describe('what is allowed', () => {
  test('a value is compared exactly, and told as it was sent', () => {
    const attribute = { from: 'userType', allowed_values: ['Premium', 'Standard'] };
    expect(valueOf(attribute, { userType: 'Premium' })).toBe('Premium');
    expect(problemsOf(attribute, { userType: 'premium ' })).toEqual([
      { kind: 'invalid_value', path: 'userType', sent: 'premium ', wanted: 'one of "Premium", "Standard"', action: 'reject' },
    ]);
  });

  test('of a list the element at fault is told', () => {
    expect(
      problemsOf(
        { type: 'string_list', from: 'title', allowed_values: ['a', 'b'], transform: [{ split: ',' }, 'trim'] },
        { title: 'a, c' },
      ),
    ).toEqual([{ kind: 'invalid_value', path: 'title', sent: ' c', wanted: 'one of "a", "b"', action: 'reject' }]);
  });

  test('numbers are allowed as numbers', () => {
    expect(valueOf({ type: 'number', from: 'title', allowed_values: [1, 2] }, { title: '2' })).toBe(2);
    expect(wantedOf({ type: 'number', from: 'title', allowed_values: [1, 2] }, { title: 'two' })).toBe('one of 1, 2');
  });

  test('a pattern is searched for in texts that are not too long', () => {
    const attribute = { from: 'title', pattern: '^[A-Z]+$' };
    expect(valueOf(attribute, { title: 'ABC' })).toBe('ABC');
    expect(wantedOf(attribute, { title: 'abc' })).toBe('a text that matches ^[A-Z]+$');
    expect(wantedOf(attribute, { title: 'A'.repeat(1_001) })).toBe('a text of at most 1000 characters');
  });

  test('the longest list of UUIDs can have a pattern, and no list can keep everybody else waiting', () => {
    const uuids = { type: 'string_list', from: `${metadata}:v`, pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' };
    expect(valueOf(uuids, { [metadata]: { v: Array.from({ length: 1_000 }, () => '0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef') } })).toHaveLength(
      1_000,
    );
    expect(wantedOf({ ...uuids, pattern: '(a?){200}b' }, { [metadata]: { v: Array.from({ length: 20 }, () => 'a'.repeat(900)) } })).toEqual(
      expect.stringContaining('steps a user: most of them the pattern of'),
    );
  });

  test('all patterns of a user share their steps, and the dearest is named', () => {
    const attribute = (name: string, pattern: string) => ({ name, type: 'string' as const, from: 'title', pattern });
    const many = Array.from({ length: 90 }, (_, i) => attribute(`cheap${i}`, 'x?a'));
    const draft = parseMapping({
      attributes: [...many, attribute('dear', '(a?){150}b'), attribute('late', '^a')],
      rules: { invalid_value: 'warn' },
    });
    const taken: MappedWork = { steps: 0 };
    const { attributes, problems } = applyMapping(draft, { resource: { title: 'a'.repeat(1_000) }, groups: [] }, coreSchemas, taken);
    expect(Object.keys(attributes)).toEqual(many.map(({ name }) => name));
    expect(problems.map((problem) => [problem.kind, problem.attribute, problem.wanted.includes('the pattern of "dear"')])).toEqual([
      ['invalid_value', 'dear', true],
      ['invalid_value', 'late', true],
    ]);
    expect(taken).toEqual({ steps: bounds.patternSteps, costly: { attribute: 'dear', pattern: '(a?){150}b' } });
  });

  test('a list has at most as many values as SCIM lets an attribute have', () => {
    expect(wantedOf({ type: 'string_list', from: 'title', transform: [{ split: ',' }] }, { title: 'a,'.repeat(1_001) })).toBe(
      'a list of at most 1000 values',
    );
  });

  test('where it is not rejected, the default stands in for what is wrong', () => {
    const resource = { userType: 'Gold' };
    const attribute = { name: 'x', type: 'string', from: 'userType', allowed_values: ['Premium'], required: true };
    const standing = (more: object) =>
      applyMapping(
        parseMapping({ attributes: [{ ...attribute, ...more }], rules: { invalid_value: 'warn' } }),
        { resource, groups: [] },
        coreSchemas,
      );
    expect(standing({ default: 'Standard' })).toMatchObject({
      attributes: { x: 'Standard' },
      problems: [{ kind: 'invalid_value', action: 'warn' }],
    });
    expect(standing({})).toEqual({ attributes: {}, roles: [], problems: [expect.objectContaining({ kind: 'invalid_value' })] });
  });
});

describe('what is missing', () => {
  test('an attribute without a value is absent', () => {
    expect(mapped({ from: 'userType', default: null }, {})).toEqual({ attributes: {}, roles: [], problems: [] });
  });

  test('a default is a value', () => {
    expect(mapped({ from: 'userType', required: true, default: 'Standard' }, { userType: '' })).toEqual({
      attributes: { x: 'Standard' },
      roles: [],
      problems: [],
    });
  });

  test('a required one is told with every path that would do', () => {
    expect(problemsOf({ from: ['userType', `${metadata}:plan`], required: true, allowed_values: ['a'] }, {})).toEqual([
      { kind: 'missing_required', path: `userType or ${metadata}:plan`, sent: null, wanted: 'one of "a"', action: 'reject' },
    ]);
  });
});
