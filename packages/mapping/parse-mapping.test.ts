import { schemaSet } from '#scim';
import { Ajv2020 } from 'ajv/dist/2020';
import { MappingSchema, defaultMapping } from './mapping-schema';
import { InvalidMapping, type MappingFault, parseMapping } from './parse-mapping';

function faults(body: unknown): readonly MappingFault[] {
  try {
    parseMapping(body);
    return [];
  } catch (error) {
    if (error instanceof InvalidMapping) return error.errors;
    throw error;
  }
}

const metadata = 'urn:ietf:params:scim:schemas:extension:2.0:Metadata';

test('a mapping with everything in it comes back as it is', () => {
  const body = {
    attributes: [
      {
        name: 'plan',
        type: 'string',
        from: ['userType', `${metadata}:plan`],
        required: true,
        allowed_values: ['Premium', 'Standard'],
        default: null,
        transform: ['trim', 'lower', { split: ',' }, { lookup: { a: 'b', premium: 'Premium' } }],
      },
      { name: 'metadata', type: 'object', from: `${metadata}:*` },
      { name: 'source', type: 'string', constant: 'scim' },
      { name: 'code', type: 'string', from: 'title', pattern: '^[A-Z]+$' },
    ],
    roles: {
      mode: 'many',
      default: 'member',
      rules: [
        { role: 'admin', group: 'IT Admins' },
        { role: 'auditor', group_external_id: '0d5b7c4e' },
        { role_from: 'roles[primary eq true].value', lookup: { Admin: 'admin' } },
      ],
    },
    rules: {
      invalid_value: 'warn',
      missing_required: 'reject',
      foreign_domain: 'ignore',
      email_elsewhere: 'reject',
      unknown_path: 'ignore',
    },
  };
  expect(parseMapping(body)).toEqual(body);
});

test('what is left out gets the standard', () => {
  const standard = {
    attributes: [],
    roles: { mode: 'one', default: null, rules: [] },
    rules: {
      invalid_value: 'reject',
      missing_required: 'reject',
      foreign_domain: 'ignore',
      email_elsewhere: 'ignore',
      unknown_path: 'reject',
    },
  };
  expect(parseMapping({})).toEqual(standard);
  expect(parseMapping({ roles: { default: 'member' }, rules: { foreign_domain: 'warn' } })).toEqual({
    ...standard,
    roles: { mode: 'one', default: 'member', rules: [] },
    rules: { ...standard.rules, foreign_domain: 'warn' },
  });
});

test('the mapping of nobody is one that a vendor could write', () => {
  expect(parseMapping(defaultMapping)).toEqual(defaultMapping);
});

test('every fault is named, with its place', () => {
  expect(
    faults({
      attributes: [
        { name: 'plan', type: 'text', from: 'userType' },
        { type: 'string', from: 'userType' },
        { name: '__proto__', type: 'string', from: 'userType' },
        { name: 'a', type: 'string', from: [] },
        { name: 'b', type: 'string', from: 'title', transform: ['reverse'] },
        { name: 'c', type: 'string', from: 'title', 'max/length': 5 },
      ],
      roles: { mode: 'all', rules: [{ role: 'admin' }] },
      extra: 1,
    }),
  ).toEqual([
    { pointer: '/extra', detail: 'is not a field here; the fields are attributes, roles, rules' },
    { pointer: '/attributes/0/type', detail: 'must be one of "string", "number", "boolean", "date", "string_list", "object"' },
    { pointer: '/attributes/1/name', detail: 'is required' },
    { pointer: '/attributes/2/name', detail: 'must be a name that begins with a letter and has at most 100 letters, digits, "-" and "_"' },
    {
      pointer: '/attributes/3/from',
      detail: expect.stringMatching(/^must be a SCIM path, such as "userType", or a list of 1 to 5 of them/),
    },
    { pointer: '/attributes/4/transform/0', detail: 'must be "trim", "lower", "upper", {"split": ","} or {"lookup": {"sent": "wanted"}}' },
    {
      pointer: '/attributes/5/max~1length',
      detail: expect.stringMatching(/^is not a field here; the fields are name, type, from, constant,/),
    },
    { pointer: '/roles/mode', detail: 'must be one of "one", "many"' },
    {
      pointer: '/roles/rules/0',
      detail:
        'must be {"role", "group"}, {"role", "group_external_id"}, or {"role_from"} with "transform", "lookup" and "allowed_values" where they are needed',
    },
  ]);
});

test.each<[string, object, MappingFault]>([
  ['neither from nor constant', {}, { pointer: '/from', detail: 'is required, unless there is a constant' }],
  [
    'both from and constant',
    { from: 'title', constant: 'x' },
    { pointer: '/constant', detail: 'cannot stand beside from: it is in place of it' },
  ],
  ['a constant that is required', { constant: 'x', required: true }, { pointer: '/required', detail: 'makes no difference to a constant' }],
  ['a constant of another type', { type: 'number', constant: '5' }, { pointer: '/constant', detail: 'must be a number' }],
  [
    'a default of another type',
    { type: 'boolean', from: 'title', default: 'true' },
    { pointer: '/default', detail: 'must be true or false, or null' },
  ],
  [
    'a default that is no date',
    { type: 'date', from: 'title', default: '31.1.2026' },
    { pointer: '/default', detail: 'must be a date such as "2026-01-31" or "2026-01-31T09:00:00Z", or null' },
  ],
  [
    'a list as default that is none',
    { type: 'string_list', from: 'title', default: 'a' },
    { pointer: '/default', detail: 'must be an array of strings that are not empty, or null' },
  ],
  [
    'allowed values of another type',
    { type: 'number', from: 'title', allowed_values: ['1'] },
    { pointer: '/allowed_values', detail: 'must all be numbers, as the type says' },
  ],
  [
    'allowed values of a boolean',
    { type: 'boolean', from: 'title', allowed_values: ['1'] },
    { pointer: '/allowed_values', detail: 'cannot be listed for type boolean' },
  ],
  [
    'a pattern for a number',
    { type: 'number', from: 'title', pattern: '1' },
    { pointer: '/pattern', detail: 'is for type string or string_list, and the type is number' },
  ],
  [
    'a pattern that is none',
    { from: 'title', pattern: '(' },
    { pointer: '/pattern', detail: 'is not a regular expression: Unterminated group' },
  ],
  [
    'a pattern that looks ahead',
    { from: 'title', pattern: '(?=a)' },
    { pointer: '/pattern', detail: 'has a lookahead, (?=…) or (?!…), which is not supported' },
  ],
  [
    'a transform of an object',
    { type: 'object', from: 'name', transform: ['trim'] },
    { pointer: '/transform', detail: 'is for texts, and the type is object' },
  ],
  [
    'a path that no user has',
    { from: ['title', 'plan'] },
    {
      pointer: '/from/1',
      detail: 'is no SCIM path of a user. "plan" is no attribute of a User. /Schemas lists the attributes that there are.',
    },
  ],
  [
    'a path to what the server makes',
    { from: 'meta.created' },
    { pointer: '/from', detail: 'is no SCIM path of a user. "meta" is nothing that an identity provider maps a value to.' },
  ],
  [
    'a wildcard as text',
    { from: `${metadata}:*` },
    { pointer: '/from', detail: `is a whole extension, which only an attribute of type object can be: "${metadata}:*"` },
  ],
  [
    'a wildcard behind no URN',
    { type: 'object', from: 'name.*' },
    {
      pointer: '/from',
      detail: 'is no SCIM path of a user. A * stands for the attributes of an extension, behind its whole URN: "urn:…:2.0:Metadata:*".',
    },
  ],
  [
    'text that no table can hold',
    { from: 'title', default: 'a\0' },
    { pointer: '', detail: 'holds a character that is no text (U+0000, or half a surrogate pair), or is nested too deep' },
  ],
])('%s is refused', (_, attribute, { pointer, detail }) => {
  expect(faults({ attributes: [{ name: 'x', type: 'string', ...attribute }] })).toEqual([
    { pointer: pointer === '' ? '' : `/attributes/0${pointer}`, detail },
  ]);
});

test('a name may stand once', () => {
  const attribute = { name: 'plan', type: 'string', from: 'title' };
  expect(faults({ attributes: [attribute, attribute] })).toEqual([
    { pointer: '/attributes/1/name', detail: 'is the second attribute named "plan"' },
  ]);
});

test('a role can be no whole extension', () => {
  expect(faults({ roles: { rules: [{ role: 'admin', group: 'A' }, { role_from: `${metadata}:*` }] } })).toEqual([
    { pointer: '/roles/rules/1/role_from', detail: `is a whole extension, which only an attribute of type object can be: "${metadata}:*"` },
  ]);
});

test('an attribute of a declared extension may be named without its URN', () => {
  const urn = 'urn:ietf:params:scim:schemas:extension:acme:2.0:User';
  const schemas = schemaSet([{ urn, resourceType: 'User', attributes: [{ name: 'tier' }] }]);
  const body = { attributes: [{ name: 'tier', type: 'string', from: 'tier' }] };
  expect(faults(body)).toHaveLength(1);
  expect(parseMapping(body, schemas).attributes).toEqual(body.attributes);
});

test('what is wrong is a sentence', () => {
  expect(() => parseMapping(7)).toThrow('the mapping: must be an object');
  expect(() => parseMapping({ rules: { invalid_value: 1, foreign_domain: 2 } })).toThrow(/^\/rules\/invalid_value: .* \(and \d more\)$/);
});

test('the schema can be compiled as strictly as the API does', () => {
  const compile = () =>
    new Ajv2020({ allErrors: true, strict: true, verbose: true, allowUnionTypes: true }).compile(JSON.parse(JSON.stringify(MappingSchema)));
  expect(compile).not.toThrow();
});
