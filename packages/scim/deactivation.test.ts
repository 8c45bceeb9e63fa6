import { asksToDeactivate } from './deactivation';

const urn = 'urn:ietf:params:scim:schemas:core:2.0:User';
const patch = (...operations: unknown[]): object => ({ Operations: operations });

test.each([
  ['by its path', patch({ op: 'replace', path: 'active', value: false })],
  ['as text, in any case', patch({ op: 'Replace', path: 'Active', value: 'False' })],
  ['with its URN', patch({ op: 'add', path: `${urn}:active`, value: false })],
  ['without a path', patch({ op: 'replace', value: { active: false, title: 'x' } })],
  ['without a path, with its URN', patch({ op: 'Add', value: { [`${urn}:active`]: 'false' } })],
  ['below its URN', patch({ op: 'replace', value: { [urn.toUpperCase()]: { active: false } } })],
  ['in a text of JSON', patch({ op: 'replace', value: '{"active":false}' })],
  ['in an array of one', patch({ op: 'replace', path: 'active', value: [{ value: 'False' }] })],
  ['beside what nobody knows', patch({ op: 'replace', path: 'dispalyName', value: 'x' }, { op: 'replace', path: 'active', value: false })],
  ['before what nobody knows', { operations: [{ OP: 'replace', PATH: 'active', VALUE: false }, 5, null] }],
  ['at last', patch({ op: 'add', path: 'active', value: true }, { op: 'replace', path: 'active', value: false })],
])('a PATCH asks for somebody to be inactive %s', (_how, body) => {
  expect(asksToDeactivate('PATCH', body)).toBe(true);
});

test.each([
  ['no operation', {}],
  ['no object', []],
  ['another attribute', patch({ op: 'replace', path: 'name.active', value: false })],
  ['an extension’s', patch({ op: 'replace', path: 'urn:x:User:active', value: false })],
  ['what is no boolean', patch({ op: 'replace', path: 'active', value: 'no' })],
  ['a removal', patch({ op: 'remove', path: 'active' })],
  ['an empty value', patch({ op: 'replace', path: 'active', value: null })],
  ['active in the end', patch({ op: 'replace', path: 'active', value: false }, { op: 'add', value: { active: 'True' } })],
])('a PATCH does not: %s', (_what, body) => {
  expect(asksToDeactivate('PATCH', body)).toBe(false);
});

test('a PUT asks for it where it says so', () => {
  const bodies = [{ active: false }, { ACTIVE: 'False' }, { [urn]: { active: false } }, { active: true }, { userName: 'x' }, 'x'];
  expect(bodies.map((body) => asksToDeactivate('PUT', body))).toEqual([true, true, true, false, false, false]);
});
