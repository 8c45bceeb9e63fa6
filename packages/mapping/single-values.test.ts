import { coreSchemas, type Json, type Resource } from '#scim';
import { parseMapping } from './parse-mapping';
import { withSingleValues } from './apply-mapping';

const urn = 'urn:ietf:params:scim:schemas:extension:acme:2.0:User';
const holding = (value: Json, name = 'title'): Resource => ({ userName: 'a', [urn]: { [name]: value } });
const mapping = (...attributes: object[]): ReturnType<typeof parseMapping> => parseMapping({ attributes });

test.each(['string', 'number', 'boolean', 'date'])('a value in an array of one is that value where the mapping reads a %s', (type) => {
  const single = mapping({ name: 'title', type, from: `${urn}:title` });
  expect(withSingleValues(single, holding(['S']), coreSchemas)).toEqual(holding('S'));
  expect(withSingleValues(single, holding([5], 'TITLE'), coreSchemas)).toEqual(holding(5, 'TITLE'));
});

test.each<[string, object[], Json]>([
  ['it is read as a list', [{ name: 'title', type: 'string_list', from: `${urn}:title` }], ['S']],
  [
    'it is read as a list as well',
    [
      { name: 'a', type: 'string', from: `${urn}:title` },
      { name: 'b', type: 'string_list', from: `${urn}:title` },
    ],
    ['S'],
  ],
  ['it is read as an object', [{ name: 'title', type: 'object', from: `${urn}:title` }], ['S']],
  ['it is chosen from', [{ name: 'title', type: 'string', from: `${urn}:title[value pr]` }], ['S']],
  ['nothing is said of it', [{ name: 'title', type: 'string', from: `${urn}:other` }], ['S']],
  ['there are several', [{ name: 'title', type: 'string', from: `${urn}:title` }], ['S', 'T']],
  ['it is complex', [{ name: 'title', type: 'string', from: `${urn}:title` }], [{ value: 'S' }]],
])('a list stays a list where %s', (_why, attributes, value) => {
  expect(withSingleValues(mapping(...attributes), holding(value), coreSchemas)).toEqual(holding(value));
});

test('what was there before the mapping stays as it was', () => {
  const single = mapping({ name: 'title', type: 'string', from: `${urn}:title` });
  expect(withSingleValues(single, holding(['S']), coreSchemas, holding(['S']))).toEqual(holding(['S']));
  expect(withSingleValues(single, holding(['T']), coreSchemas, holding(['S']))).toEqual(holding('T'));
});
