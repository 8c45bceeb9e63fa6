import fc from 'fast-check';
import { ScimError } from './errors';
import { parseDeclaredExtension, schemaSet } from './schemas';
import { enterpriseUserUrn, userUrn } from './urns';

const urn = 'urn:ietf:params:scim:schemas:extension:2.0:Acme';
const valid = { urn, resourceType: 'User', attributes: [{ name: 'a' }] };

test('a declaration is read, and kept as it is by JSON', () => {
  const sent = {
    ...valid,
    name: 'Acme',
    attributes: [
      { name: 'badge', mutability: 'immutable', returned: 'request', caseExact: true },
      { name: 'desk', type: 'complex', multiValued: true, subAttributes: [{ name: 'room', type: 'integer' }] },
      { name: 'link', type: 'reference', referenceTypes: ['external'], canonicalValues: ['x'] },
    ],
  };
  expect(JSON.parse(JSON.stringify(parseDeclaredExtension(sent)))).toEqual(sent);
  expect(parseDeclaredExtension(JSON.parse(JSON.stringify(parseDeclaredExtension(sent))))).toEqual(parseDeclaredExtension(sent));
});

test.each<[string, unknown]>([
  ['urn', { ...valid, urn: 'acme' }],
  ['urn', { ...valid, urn: 5 }],
  ['urn', { ...valid, urn: userUrn.toUpperCase() }],
  ['urn', { ...valid, urn: enterpriseUserUrn }],
  ['urn', { ...valid, urn: 'urn:x:a[b' }],
  ['resourceType', { ...valid, resourceType: 'Device' }],
  ['attributes', { ...valid, attributes: [] }],
  ['attributes', { ...valid, attributes: {} }],
  ['attributes[0].name', { ...valid, attributes: [{ name: '__proto__' }] }],
  ['attributes[0].name', { ...valid, attributes: [{ name: 'a b' }] }],
  ['two attributes named "A"', { ...valid, attributes: [{ name: 'a' }, { name: 'A' }] }],
  ['attributes[0].type', { ...valid, attributes: [{ name: 'a', type: 'any' }] }],
  ['attributes[0].mutability', { ...valid, attributes: [{ name: 'a', mutability: 'readOnly' }] }],
  ['attributes[0].returned', { ...valid, attributes: [{ name: 'a', returned: 'never' }] }],
  ['attributes[0].multiValued', { ...valid, attributes: [{ name: 'a', multiValued: 'yes' }] }],
  ['attributes[0].subAttributes', { ...valid, attributes: [{ name: 'a', type: 'complex' }] }],
  [
    'subAttributes[0].type',
    {
      ...valid,
      attributes: [{ name: 'a', type: 'complex', subAttributes: [{ name: 'b', type: 'complex', subAttributes: [{ name: 'c' }] }] }],
    },
  ],
])('what is wrong with %s is said', (what, declaration) => {
  expect(() => parseDeclaredExtension(declaration)).toThrow(what);
  expect(() => parseDeclaredExtension(declaration)).toThrow(ScimError);
});

test('a declaration of anything is read or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.record({ urn: fc.constant(urn), resourceType: fc.constant('User'), attributes: fc.jsonValue() })),
      (declaration) => {
        try {
          schemaSet([parseDeclaredExtension(declaration)]);
        } catch (error) {
          expect(error).toBeInstanceOf(ScimError);
        }
      },
    ),
  );
});
