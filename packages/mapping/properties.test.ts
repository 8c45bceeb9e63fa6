import { Ajv2020 } from 'ajv/dist/2020';
import fc from 'fast-check';
import { type Json, type JsonObject, coreSchemas, enterpriseUserUrn } from '#scim';
import { applyMapping } from './apply-mapping';
import { MappingSchema } from './mapping-schema';
import { InvalidMapping, parseMapping } from './parse-mapping';
import { problemError } from './problems';
import { needsGroups, usedPaths } from './used-paths';

const metadata = 'urn:ietf:params:scim:schemas:extension:2.0:Metadata';
const paths = [
  'userType',
  'title',
  'active',
  'externalId',
  'name',
  'name.givenName',
  'emails',
  'emails.value',
  'emails[type eq "work"].value',
  'emails[primary eq true]',
  'roles',
  'roles[primary eq true].value',
  'groups.display',
  'groups',
  enterpriseUserUrn,
  `${enterpriseUserUrn}:manager`,
  'manager.displayName',
  metadata,
  `${metadata}:plan`,
  `${metadata}:plan.x`,
];
const path = fc.constantFrom(...paths);
const word = fc.constantFrom('a', 'A', ' a ', 'a,b', 'true', '5', '2026-01-31', '{"value":"a"}', 'work', '__proto__', 'constructor', '');
const filled = word.filter((text) => text !== '');

const step = fc.oneof(
  fc.constantFrom('trim', 'lower', 'upper'),
  fc.record({ split: fc.constantFrom(',', ' ') }),
  fc.record({ lookup: fc.dictionary(word, fc.oneof(word, fc.integer(), fc.boolean())) }),
);
const attribute = (name: string) =>
  fc.oneof(
    fc.record(
      {
        name: fc.constant(name),
        type: fc.constantFrom('string', 'string_list'),
        from: fc.oneof(
          path.filter((text) => text !== metadata && text !== enterpriseUserUrn),
          fc.constant(['userType', 'roles']),
        ),
        required: fc.boolean(),
        allowed_values: fc.uniqueArray(word, { minLength: 1 }),
        pattern: fc.constantFrom('^a', '\\d', '^(a|b)*$'),
        default: fc.constant(null),
        transform: fc.array(step, { maxLength: 3 }),
      },
      { requiredKeys: ['name', 'type', 'from'] },
    ),
    fc.record(
      {
        name: fc.constant(name),
        type: fc.constantFrom('number', 'boolean', 'date'),
        from: path.filter((text) => text !== metadata && text !== enterpriseUserUrn),
        required: fc.boolean(),
        transform: fc.array(step, { maxLength: 3 }),
      },
      { requiredKeys: ['name', 'type', 'from'] },
    ),
    fc.record({
      name: fc.constant(name),
      type: fc.constant('object'),
      from: fc.oneof(path, fc.constant(`${metadata}:*`)),
      required: fc.boolean(),
    }),
    fc.record({ name: fc.constant(name), type: fc.constant('string'), constant: filled }),
  );
const rule = fc.oneof(
  fc.record({ role: filled, group: filled }),
  fc.record(
    {
      role_from: fc.constantFrom('userType', 'roles', 'groups.display', `${metadata}:role`),
      transform: fc.array(step, { maxLength: 2 }),
      lookup: fc.dictionary(word, filled),
    },
    { requiredKeys: ['role_from'] },
  ),
);
const action = fc.constantFrom('reject', 'warn', 'ignore');
const aBody = fc.record(
  {
    attributes: fc.tuple(attribute('x'), attribute('y'), attribute('constructor')),
    roles: fc.record(
      { mode: fc.constantFrom('one', 'many'), default: fc.option(filled), rules: fc.array(rule, { maxLength: 4 }) },
      { requiredKeys: [] },
    ),
    rules: fc.record(
      { invalid_value: action, missing_required: action, foreign_domain: action, email_elsewhere: action },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

const { value: someJson } = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    word,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(
    fc.constantFrom(
      'value',
      'VALUE',
      'display',
      'displayName',
      'type',
      'primary',
      'plan',
      'role',
      'manager',
      'givenName',
      'x',
      '__proto__',
    ),
    tie('value'),
    { maxKeys: 3 },
  ),
}));
const aResource = fc.dictionary(
  fc.constantFrom(
    'userType',
    'title',
    'active',
    'externalId',
    'name',
    'emails',
    'roles',
    'groups',
    enterpriseUserUrn,
    metadata,
    metadata.toUpperCase(),
    '__proto__',
  ),
  someJson,
);
const someGroups = fc.uniqueArray(fc.record({ id: fc.string(), displayName: word }), { selector: ({ id }) => id, maxLength: 4 });

test('a mapping that was parsed is one that can be parsed, from its JSON too, and is the same again', () => {
  fc.assert(
    fc.property(aBody, (body) => {
      const mapping = parseMapping(body);
      expect(parseMapping(mapping)).toEqual(mapping);
      expect(parseMapping(JSON.parse(JSON.stringify(mapping)))).toEqual(mapping);
      expect(mapping).toMatchObject(body);
    }),
  );
});

test('whatever a body is, it is a mapping or an InvalidMapping that names what is wrong', () => {
  const validate = new Ajv2020({ strict: false }).compile(MappingSchema);
  const almost = aBody.chain((body) =>
    fc
      .tuple(fc.constant(body), fc.constantFrom('attributes', 'roles', 'rules'), fc.anything())
      .map(([whole, field, value]) => ({ ...whole, [field]: value })),
  );
  fc.assert(
    fc.property(fc.oneof(fc.anything(), almost), (body) => {
      try {
        parseMapping(body);
        expect(validate(body)).toBe(true);
      } catch (error) {
        if (!(error instanceof InvalidMapping)) throw error;
        expect(error.errors.length).toBeGreaterThan(0);
        expect(error.errors.length).toBeLessThanOrEqual(20);
      }
    }),
    { numRuns: 500 },
  );
});

test('whatever a resource is, it is mapped, and what is at fault is told in words', () => {
  fc.assert(
    fc.property(aBody, aResource, someGroups, (body, resource, groups) => {
      const mapping = parseMapping(body);
      const { attributes, roles, problems } = applyMapping(mapping, { resource, groups }, coreSchemas);

      const names = mapping.attributes.map(({ name }) => name);
      for (const [name, value] of Object.entries(attributes)) {
        const { type, allowed_values: allowed } = mapping.attributes.find((candidate) => candidate.name === name) ?? {};
        const expected = {
          string: 'string',
          number: 'number',
          boolean: 'boolean',
          date: 'string',
          string_list: 'object',
          object: 'object',
        }[type ?? 'object'];
        expect(typeof value).toBe(expected);
        expect(Array.isArray(value)).toBe(type === 'string_list');
        if (allowed) expect(allowed).toEqual(expect.arrayContaining(Array.isArray(value) ? value : [value]));
      }
      expect(names).toEqual(expect.arrayContaining(Object.keys(attributes)));
      if (mapping.roles.mode === 'one') expect(roles.length).toBeLessThanOrEqual(1);
      expect(new Set(roles.map(({ role }) => role)).size).toBe(roles.length);
      for (const role of roles) expect(role.rule === -1 ? role.role : mapping.roles.rules[role.rule]).toBeTruthy();
      for (const problem of problems) {
        expect(problem.action).toBe(mapping.rules[problem.kind]);
        expect(problemError(problem)).toMatchObject({
          status: 400,
          scimType: 'invalidValue',
          detail: expect.stringContaining(problem.path),
        });
      }
      JSON.stringify([usedPaths(mapping), attributes]);
    }),
    { numRuns: 2000 },
  );
});

test('a preview tells what a save will do: the same mapping gives the same, parsed anew, from stored JSON, with the groups in any order', () => {
  fc.assert(
    fc.property(aBody, aResource, someGroups, (body, resource, groups) => {
      const before = JSON.stringify([body, resource, groups]);
      const saved = applyMapping(parseMapping(body), { resource, groups }, coreSchemas);
      const stored: Json = JSON.parse(JSON.stringify(body));
      const preview = applyMapping(parseMapping(stored), { resource: structuredClone(resource), groups: groups.toReversed() }, coreSchemas);
      expect(preview).toEqual(saved);
      expect(JSON.stringify([body, resource, groups])).toBe(before);
    }),
  );
});

test('where groups are not needed, they make no difference', () => {
  fc.assert(
    fc.property(aBody, aResource, someGroups, (body, resource, groups) => {
      const mapping = parseMapping(body);
      fc.pre(!needsGroups(mapping));
      expect(applyMapping(mapping, { resource, groups }, coreSchemas)).toEqual(
        applyMapping(mapping, { resource, groups: [] }, coreSchemas),
      );
    }),
  );
});
