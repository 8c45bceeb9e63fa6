import { defaultMapping, parseMapping } from '#mapping';
import { coreSchemas } from '#scim';
import { KnownMappings, KnownSchemas } from './known-rules';

const ofGroups = parseMapping({ roles: { rules: [{ role: 'admin', group: 'Admins' }] } }, coreSchemas);

test('a mapping is one object for every directory at its revision, and says whether groups matter to it', () => {
  const mappings = new KnownMappings({ directories: 10, mappings: 10 });
  const known = mappings.add('one', 'revision', ofGroups);
  expect(mappings.add('other', 'revision', structuredClone(ofGroups))).toBe(known);
  expect(mappings.ofDirectory('other')).toBe(known);
  expect(known).toEqual({ revision: 'revision', mapping: ofGroups, readsGroups: true });
  expect(mappings.add('one', 'later', defaultMapping)).toMatchObject({ revision: 'later', readsGroups: false });
  expect(mappings.ofDirectory('one')?.revision).toBe('later');
});

test('the mapping, and the directory, that were seen first are forgotten where there is no room', () => {
  const mappings = new KnownMappings({ directories: 3, mappings: 2 });
  for (const n of [1, 2, 3]) mappings.add(`directory ${n}`, `revision ${n}`, defaultMapping);
  expect([1, 2, 3].map((n) => mappings.ofDirectory(`directory ${n}`)?.revision)).toEqual([undefined, 'revision 2', 'revision 3']);
  for (const n of [4, 5]) mappings.add(`directory ${n}`, 'revision 3', defaultMapping);
  expect([2, 3, 4, 5].map((n) => mappings.ofDirectory(`directory ${n}`)?.revision)).toEqual([undefined, ...Array(3).fill('revision 3')]);
});

test('schemas are built once for each wording, as long as there is room', () => {
  const wording = (name: string): string =>
    JSON.stringify([
      { urn: `urn:ietf:params:scim:schemas:extension:${name}:2.0:User`, resourceType: 'User', attributes: [{ name, type: 'string' }] },
    ]);
  const schemas = new KnownSchemas({ atMost: 2 });
  expect(schemas.of(null)).toBe(coreSchemas);
  const [a, b] = [schemas.of(wording('a')), schemas.of(wording('b'))];
  expect([schemas.of(wording('a')), schemas.of(wording('b'))].map((each, n) => each === [a, b][n])).toEqual([true, true]);
  schemas.of(wording('c'));
  expect(schemas.of(wording('b'))).toBe(b);
  expect(schemas.of(wording('a'))).not.toBe(a);
});
