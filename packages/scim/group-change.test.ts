import fc from 'fast-check';
import { countCalls } from '../testing/calls';
import { patchGroup } from './group-change';
import type { MemberChange } from './group-change';
import { parsePatch } from './patch';
import { coreSchemas } from './schemas';
import { groupUrn, patchOpUrn } from './urns';

const refused = (scimType: string) => expect.objectContaining({ status: 400, scimType });

function changes(...operations: object[]): MemberChange[] {
  return patchGroup({ displayName: 'g' }, parsePatch({ schemas: [patchOpUrn], Operations: operations }, 'Group', coreSchemas).operations)
    .memberChanges;
}
const ids = (...values: string[]): { value: string }[] => values.map((value) => ({ value }));

describe('P25 forms of members', () => {
  test.each([
    ['an array', [{ value: 'a' }]],
    ['one', { value: 'a' }],
    ['ids', ['a']],
    ['an id', 'a'],
    ['with $ref null', [{ $ref: null, value: 'a' }]],
    ['JSON in a string', '[{"value":"a"}]'],
  ])('%s', (_form, value) => {
    expect(changes({ op: 'Add', path: 'members', value })).toEqual([{ kind: 'add', members: ids('a') }]);
    expect(changes({ op: 'Remove', path: 'members', value })).toEqual([{ kind: 'remove', members: ids('a') }]);
    expect(changes({ op: 'Replace', path: 'MEMBERS', value })).toEqual([{ kind: 'replace', members: ids('a') }]);
    expect(changes({ op: 'add', path: `${groupUrn}:members`, value })).toEqual([{ kind: 'add', members: ids('a') }]);
    expect(changes({ op: 'add', value: { members: value } })).toEqual([{ kind: 'add', members: ids('a') }]);
  });

  test('remove by a filter on ids removes those', () => {
    expect(changes({ op: 'remove', path: 'members[value eq "a"]' })).toEqual([{ kind: 'remove', members: ids('a') }]);
    expect(changes({ op: 'remove', path: 'members[value eq "a" or value eq "b"]' })).toEqual([{ kind: 'remove', members: ids('a', 'b') }]);
  });

  test('remove by another filter is left to be answered by the members', () => {
    expect(changes({ op: 'remove', path: 'members[type eq "Group" and value ne "a"]' })).toMatchObject([
      { kind: 'remove_where', filter: { kind: 'and' } },
    ]);
  });

  test('filters that follow one another are one look at the members, and not more than a hundred are asked for', () => {
    const byDisplay = (count: number): object[] =>
      Array.from({ length: count }, (_, i) => ({ op: 'remove', path: `members[display eq "${i}"]` }));
    expect(changes(...byDisplay(100)).map(({ kind }) => kind)).toEqual(['remove_where']);
    expect(changes(...byDisplay(2), { op: 'add', path: 'members', value: ids('a') }, ...byDisplay(2)).map(({ kind }) => kind)).toEqual([
      'remove_where',
      'add',
      'remove_where',
    ]);
    expect(() => changes(...byDisplay(101))).toThrow(expect.objectContaining({ status: 413 }));
  });

  test('remove without a value removes all', () => {
    for (const operation of [
      { op: 'remove', path: 'members' },
      { op: 'remove', path: 'members', value: null },
      { op: 'replace', path: 'members', value: [] },
      { op: 'replace', path: 'members', value: null },
    ]) {
      expect(changes(operation)).toEqual([{ kind: 'remove_all' }]);
    }
  });

  test('remove of no members, and add of none, is nothing', () => {
    for (const operation of [
      { op: 'remove', path: 'members', value: [] },
      { op: 'add', path: 'members', value: [] },
      { op: 'add', path: 'members', value: null },
    ])
      expect(changes(operation)).toEqual([]);
  });

  test.each(['members[value eq "a"]', 'members[value eq "a"].value', 'members.value', 'members.type'])(
    'P15 a member cannot be changed: %s',
    (path) => {
      for (const op of ['replace', 'add']) expect(() => changes({ op, path, value: 'b' })).toThrow(refused('mutability'));
    },
  );

  test.each(['members.display', 'members[value eq "a"].$ref'])('P15 %s is read-only', (path) => {
    expect(() => changes({ op: 'replace', path, value: 'b' })).toThrow(refused('mutability'));
  });

  test('P17 members without an id are refused', () => {
    for (const value of [[{ display: 'x' }], [5], 5, [{}]])
      expect(() => changes({ op: 'add', path: 'members', value })).toThrow(refused('invalidValue'));
  });
});

describe('P4 the last operation that names a member counts', () => {
  const add = (...values: string[]): object => ({ op: 'add', path: 'members', value: ids(...values) });
  const remove = (value: string): object => ({ op: 'remove', path: `members[value eq "${value}"]` });
  test('of add and remove', () => {
    expect(changes(add('a'), remove('a'))).toEqual([{ kind: 'remove', members: ids('a') }]);
    expect(changes(remove('a'), add('a'))).toEqual([{ kind: 'add', members: ids('a') }]);
    expect(changes(remove('a'), add('b'))).toEqual([
      { kind: 'remove', members: ids('a') },
      { kind: 'add', members: ids('b') },
    ]);
  });
  test('of what comes after a replace', () => {
    expect(changes(add('x'), { op: 'replace', path: 'members', value: ids('a', 'b') }, add('c'), remove('a'))).toEqual([
      { kind: 'replace', members: ids('b', 'c') },
    ]);
    expect(changes(add('x'), { op: 'remove', path: 'members' }, add('c'))).toEqual([{ kind: 'replace', members: ids('c') }]);
  });
  test('of what stands around a filter', () => {
    expect(changes(add('a'), { op: 'remove', path: 'members[type eq "Group"]' }, remove('a'), add('b')).map(({ kind }) => kind)).toEqual([
      'add',
      'remove_where',
      'remove',
      'add',
    ]);
  });

  test('whatever the operations are', () => {
    const value = fc.constantFrom('a', 'b', 'c', 'd');
    const operation = fc.oneof(
      fc.uniqueArray(value).map((values) => add(...values)),
      value.map(remove),
      fc.uniqueArray(value).map((values) => ({ op: 'remove', path: 'members', value: ids(...values) })),
      fc.uniqueArray(value).map((values) => ({ op: 'replace', path: 'members', value: ids(...values) })),
      fc.constant({ op: 'remove', path: 'members' }),
    );
    const apply = (members: ReadonlySet<string>, change: MemberChange): Set<string> => {
      if (change.kind === 'remove_where') throw new Error('there are no filters here');
      const named = change.kind === 'remove_all' ? [] : change.members.map((member) => member.value);
      if (change.kind === 'add') return new Set([...members, ...named]);
      return change.kind === 'remove' ? new Set([...members].filter((member) => !named.includes(member))) : new Set(named);
    };
    fc.assert(
      fc.property(fc.uniqueArray(value), fc.array(operation, { minLength: 1, maxLength: 8 }), (start, operations) => {
        const together = changes(...operations).reduce(apply, new Set(start));
        const oneByOne = operations.flatMap((one) => changes(one)).reduce(apply, new Set(start));
        expect([...together].sort()).toEqual([...oneByOne].sort());
        expect(changes(...operations).length).toBeLessThanOrEqual(2);
      }),
    );
  });
});

test('P27 ten thousand operations on members are read into one change, in ten times the steps of a thousand', async () => {
  const operations = (n: number) =>
    Array.from({ length: n }, (_, index) => ({ op: 'Add', path: 'members', value: [{ value: `usr_${index}` }] }));
  expect(changes(...operations(10_000))).toMatchObject([{ kind: 'add', members: { length: 10_000 } }]);
  const steps = (n: number) => countCalls(() => changes(...operations(n)), 'packages/scim/');
  expect(await steps(10_000)).toBeLessThan(11 * (await steps(1_000)));
});

test('a group’s own attributes are patched beside its members', () => {
  const { operations } = parsePatch(
    {
      schemas: [patchOpUrn],
      Operations: [
        { op: 'replace', value: { id: 'x', displayName: 'N', externalId: '7', members: [{ value: 'a' }] } },
        { op: 'add', path: 'urn:x:y:z', value: 1 },
      ],
    },
    'Group',
    coreSchemas,
  );
  const before = { displayName: 'g' };
  expect(patchGroup(before, operations)).toEqual({
    resource: { displayName: 'N', externalId: '7', 'urn:x:y': { z: 1 } },
    memberChanges: [{ kind: 'replace', members: ids('a') }],
    notes: [],
  });
  expect(before).toEqual({ displayName: 'g' });
});

test('P15, P23 a group keeps its displayName', () => {
  expect(() => changes({ op: 'remove', path: 'displayName' })).toThrow(refused('mutability'));
  expect(() => changes({ op: 'replace', path: 'displayName', value: '' })).toThrow(refused('invalidValue'));
});
