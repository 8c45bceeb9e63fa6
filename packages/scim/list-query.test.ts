import fc from 'fast-check';
import { countCalls } from '../testing/calls';
import { ScimError } from './errors';
import { narrowQuery, parseListQuery, parseSearchRequest } from './list-query';
import type { ListQuery, QueryParameters } from './list-query';
import { coreSchemas } from './schemas';
import { enterpriseUserUrn, searchRequestUrn, userUrn } from './urns';

const limits = { defaultPageSize: 100, maxPageSize: 1000 };
const parse = (query: QueryParameters): ListQuery => parseListQuery(query, 'User', coreSchemas, limits);
const search = (body: object): ListQuery => parseSearchRequest({ schemas: [searchRequestUrn], ...body }, 'User', coreSchemas, limits);
const refused = (scimType: string) => expect.objectContaining({ status: 400, scimType });

test('R3 to R7 pages', () => {
  expect(parse({})).toMatchObject({ startIndex: 1, count: 100 });
  expect(parse({ startIndex: '0', count: '0' })).toMatchObject({ startIndex: 1, count: 0 });
  expect(parse({ startIndex: '-5', count: '-5' })).toMatchObject({ startIndex: 1, count: 0 });
  expect(parse({ startIndex: '7', count: '5' })).toMatchObject({ startIndex: 7, count: 5 });
  expect(parse({ startIndex: '999999', count: '5000' })).toMatchObject({ startIndex: 999999, count: 1000 });
  expect(parse({ startIndex: '9'.repeat(100) }).startIndex).toBe(Number.MAX_SAFE_INTEGER);
});

test.each([{ count: 'abc' }, { startIndex: '1.5' }, { startIndex: '9e99' }, { count: 'NaN' }, { count: '0x10' }, { count: '1 0' }])(
  'R8 %j is refused',
  (query) => {
    expect(() => parse(query)).toThrow(refused('invalidValue'));
  },
);

test('G16, G17 unknown and empty parameters are not there', () => {
  expect(
    parse({
      foo: '1',
      filter: '',
      attributes: '',
      excludedAttributes: '',
      sortBy: '',
      sortOrder: '',
      startIndex: '',
      count: '',
      aadOptscim062020: '',
    }),
  ).toEqual(parse({}));
});

test('G19 a parameter that was sent twice is refused', () => {
  expect(() => parse({ filter: ['title pr', 'name pr'] })).toThrow(refused('invalidFilter'));
  for (const name of ['count', 'startIndex', 'sortBy', 'sortOrder', 'cursor', 'attributes', 'excludedAttributes'])
    expect(() => parse({ [name]: ['a', 'b'] })).toThrow(refused('invalidSyntax'));
  expect(() => parse({ attributes: 'a,'.repeat(5000) })).toThrow(refused('invalidValue'));
});

describe('sorting', () => {
  test('S1 is ascending unless told otherwise', () => {
    expect(parse({ sortBy: 'userName' }).sort).toMatchObject({ by: { keys: ['username'] }, descending: false });
    expect(parse({ sortBy: 'USERNAME', sortOrder: 'Descending' }).sort).toMatchObject({ descending: true });
    expect(() => parse({ sortBy: 'userName', sortOrder: 'up' })).toThrow(refused('invalidValue'));
    expect(() => parse({ sortOrder: 'up' })).toThrow(refused('invalidValue'));
  });
  test('S3 is by a sub-attribute of what is complex, by its value where it has one', () => {
    expect(parse({ sortBy: 'name.familyName' }).sort?.by.keys).toEqual(['name', 'familyname']);
    expect(parse({ sortBy: 'emails' }).sort?.by.keys).toEqual(['emails', 'value']);
    expect(() => parse({ sortBy: 'name' })).toThrow(refused('invalidPath'));
  });
  test('S5 is by names with a URN, and not by what there is not', () => {
    expect(parse({ sortBy: `${userUrn}:title` }).sort?.by.keys).toEqual(['title']);
    expect(parse({ sortBy: `${enterpriseUserUrn}:department` }).sort?.by).toMatchObject({ extension: enterpriseUserUrn });
    for (const sortBy of ['nope', 'password', 'groups', 'emails[type eq "work"]', 'schemas', enterpriseUserUrn, '__proto__'])
      expect(() => parse({ sortBy })).toThrow(refused('invalidPath'));
  });
});

describe('RFC 9865 cursors', () => {
  test('an empty one asks for the first page', () => {
    expect(parse({ cursor: '', count: '10' })).toMatchObject({ cursor: '', count: 10, startIndex: 1 });
    expect(parse({})).not.toHaveProperty('cursor');
  });
  test('are of unreserved characters', () => {
    expect(parse({ cursor: 'aZ0-._~' }).cursor).toBe('aZ0-._~');
    for (const cursor of ['a b', 'a=', 'é', 'a\0', 'x'.repeat(2000)]) expect(() => parse({ cursor })).toThrow(refused('invalidCursor'));
  });
  test('and startIndex exclude each other', () => {
    expect(() => parse({ cursor: '', startIndex: '1' })).toThrow(refused('invalidValue'));
  });
  test('belong to a filter and an order, however they are written', () => {
    const { fingerprint } = parse({ filter: 'userName eq "a"', sortBy: 'title' });
    expect(
      parse({ filter: ' USERNAME  EQ "a" ', sortBy: `${userUrn}:TITLE`, sortOrder: 'ascending', cursor: 'x', count: '5' }).fingerprint,
    ).toBe(fingerprint);
    for (const other of [
      { filter: 'userName eq "b"', sortBy: 'title' },
      { filter: 'userName eq "a"' },
      { sortBy: 'title' },
      { filter: 'userName eq "a"', sortBy: 'title', sortOrder: 'descending' },
    ]) {
      expect(parse(other).fingerprint).not.toBe(fingerprint);
    }
    expect(parseListQuery({}, 'Group', coreSchemas, limits).fingerprint).not.toBe(parse({}).fingerprint);
  });
});

test('G20 a sortBy without end is refused at once', async () => {
  const steps = (sortBy: string) => countCalls(() => expect(() => search({ sortBy })).toThrow(refused('invalidPath')), 'packages/scim/');
  expect(await steps(`urn:${'a:'.repeat(1_000_000)}b`)).toBeLessThan(100);
  expect(await steps('x'.repeat(4_097))).toBeLessThan(100);
  // One that is short enough is looked up.
  expect(await steps('x'.repeat(4_096))).toBeGreaterThan(await steps('x'.repeat(4_097)));
});

describe('.search', () => {
  test('is the same query as JSON', () => {
    const query = { filter: 'userName eq "a"', sortBy: 'title', sortOrder: 'descending' };
    expect(search({ ...query, startIndex: 3, count: 7, attributes: ['userName', 'title'] })).toEqual(
      parse({ ...query, startIndex: '3', count: '7', attributes: 'userName,title' }),
    );
    expect(search({ attributes: 'userName, title', excludedAttributes: [] })).toEqual(parse({ attributes: 'userName,title' }));
    expect(search({ cursor: '' })).toEqual(parse({ cursor: '' }));
    expect(search({ startIndex: -1, count: -1, filter: null, attributes: null })).toMatchObject({ startIndex: 1, count: 0 });
  });
  test('may lack schemas, as a resource may, and has no other', () => {
    for (const body of [{}, { schemas: [] }, { schemas: null }])
      expect(parseSearchRequest({ ...body, filter: 'userName pr' }, 'User', coreSchemas, limits)).toMatchObject({
        filter: { kind: 'present' },
        notes: [`took the missing schemas for ${searchRequestUrn}`],
      });
    for (const body of [{ schemas: ['x'] }, { schemas: searchRequestUrn }, { schemas: 5 }, { filter: '', FILTER: '' }, null, []])
      expect(() => parseSearchRequest(body, 'User', coreSchemas, limits)).toThrow(refused('invalidSyntax'));
  });
  test('needs values of the right type', () => {
    for (const body of [{ count: '5' }, { startIndex: 1.5 }, { sortBy: 5 }, { attributes: 5 }, { attributes: [5] }, { count: 1e300 }])
      expect(() => search(body)).toThrow(refused('invalidValue'));
    expect(() => search({ filter: 5 })).toThrow(refused('invalidFilter'));
    expect(() => search({ filter: 'x' })).toThrow(refused('invalidFilter'));
  });
});

test('R12 a query at the root is narrowed to each type', () => {
  const query = parseListQuery(
    { filter: 'meta.resourceType eq "User" and userName pr', sortBy: 'userName', attributes: 'userName,displayName' },
    undefined,
    coreSchemas,
    limits,
  );
  expect(narrowQuery(query, 'User', coreSchemas)).toMatchObject({ filter: { kind: 'and' }, sort: { by: { keys: ['username'] } } });
  const groups = narrowQuery(query, 'Group', coreSchemas);
  expect(groups).toMatchObject({ filter: { filters: [{ kind: 'comparison' }, { kind: 'nothing', name: 'userName' }] } });
  expect(groups.sort).toBeUndefined();
});

test('G20 no query crashes', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '1', '-1', 'userName', 'userName pr', 'descending', '__proto__'),
  );
  const names = ['filter', 'sortBy', 'sortOrder', 'startIndex', 'count', 'cursor', 'attributes', 'excludedAttributes', '__proto__'];
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...names), fc.oneof(value, fc.array(value))),
      fc.dictionary(fc.constantFrom(...names), fc.jsonValue()),
      (query, body) => {
        for (const run of [
          () => parse(query),
          () => parseListQuery(query, undefined, coreSchemas, limits),
          () => search(body),
          () => parseSearchRequest(body, 'Group', coreSchemas, limits),
        ]) {
          try {
            run();
          } catch (error) {
            expect(error).toBeInstanceOf(ScimError);
          }
        }
      },
    ),
    { numRuns: 1000 },
  );
});
