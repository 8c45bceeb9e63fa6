import fc from 'fast-check';
import { countCalls } from '../testing/calls';
import { BulkRun, parseBulk } from './bulk';
import type { BulkStep } from './bulk';
import { ScimError } from './errors';
import type { JsonObject } from './resource';
import { bulkRequestUrn, enterpriseUserUrn, patchOpUrn } from './urns';

const baseUrl = 'https://scim.example.com/scim/v2/dir_x';
const limits = { maxOperations: 1000 };
const refused = (status: number, scimType?: string) => expect.objectContaining({ status, scimType });

function request(operations: unknown, more: object = {}): object {
  return { schemas: [bulkRequestUrn], Operations: operations, ...more };
}

interface Done {
  steps: BulkStep['operation'][];
  entries: JsonObject[];
}

/** Runs the request against a service that gives id_1, id_2 …, and refuses what `fails` says. */
function run(operations: unknown, more: object = {}, fails: (operation: BulkStep['operation']) => boolean = () => false): Done {
  const bulk = new BulkRun(parseBulk(request(operations, more), limits), baseUrl);
  const steps: BulkStep['operation'][] = [];
  let made = 0;
  for (let step = bulk.next(); step; step = bulk.next()) {
    steps.push(step.operation);
    if (fails(step.operation)) bulk.failed(step, new ScimError(400, 'invalidValue', 'No.'));
    else if (step.operation.kind === 'create') bulk.succeeded(step, { status: 201, id: `id_${(made += 1)}`, version: 'W/"1"' });
    else
      bulk.succeeded(step, {
        status: step.operation.kind === 'delete' ? 204 : 200,
        ...(step.operation.kind !== 'delete' && { version: 'W/"2"' }),
      });
  }
  const response = bulk.response();
  expect(response['schemas']).toEqual(['urn:ietf:params:scim:api:messages:2.0:BulkResponse']);
  return { steps, entries: response['Operations'] as JsonObject[] };
}

const user = (bulkId: string, data: object = {}): object => ({
  method: 'POST',
  path: '/Users',
  bulkId,
  data: { userName: bulkId, ...data },
});
const group = (bulkId: string, ...members: string[]): object => ({
  method: 'POST',
  path: '/Groups',
  bulkId,
  data: { displayName: bulkId, members: members.map((value) => ({ value })) },
});

describe('12 the request', () => {
  test.each([null, [], {}, { schemas: [bulkRequestUrn] }, request([]), request('x'), request([{}], { schemas: ['x'] })])(
    'is refused: %j',
    (body) => {
      expect(() => parseBulk(body, limits)).toThrow(refused(400, 'invalidSyntax'));
    },
  );
  test('is refused with 413 where it has too many operations', () => {
    expect(() => parseBulk(request(Array(1001).fill({})), limits)).toThrow(refused(413));
    expect(() => parseBulk(request(Array(1001).fill({})), limits)).toThrow('maxOperations is 1000');
  });
  test('is refused where a bulkId is given twice', () => {
    expect(() => parseBulk(request([user('a'), user('a')]), limits)).toThrow(refused(400, 'invalidValue'));
  });
  test('is refused for a failOnErrors that is no number', () => {
    for (const failOnErrors of ['1', -1, 1.5])
      expect(() => parseBulk(request([{}], { failOnErrors }), limits)).toThrow(refused(400, 'invalidValue'));
    expect(parseBulk(request([{}], { failOnErrors: 3 }), limits).failOnErrors).toBe(3);
  });
});

test.each<[string, object, string, string | undefined]>([
  ['GET', { method: 'GET', path: '/Users/x' }, '405', undefined],
  ['no method', { path: '/Users/x' }, '400', 'invalidSyntax'],
  ['another method', { method: 'MOVE', path: '/Users/x' }, '400', 'invalidSyntax'],
  ['no path', { method: 'DELETE' }, '404', undefined],
  ['another path', { method: 'DELETE', path: '/Nope/x' }, '404', undefined],
  ['a search', { method: 'POST', path: '/Users/.search', bulkId: 'a', data: {} }, '405', undefined],
  ['DELETE of all', { method: 'DELETE', path: '/Users' }, '405', undefined],
  ['POST without bulkId', { method: 'POST', path: '/Users', data: {} }, '400', 'invalidValue'],
  ['POST without data', { method: 'POST', path: '/Users', bulkId: 'a' }, '400', 'invalidSyntax'],
  ['PUT without data', { method: 'PUT', path: '/Users/x', data: null }, '400', 'invalidSyntax'],
])('12 %s is that operation’s error', (_what, operation, status, scimType) => {
  const { steps, entries } = run([operation, user('z')]);
  expect(steps).toHaveLength(1);
  expect(entries).toMatchObject([{ status, response: { status, ...(scimType && { scimType }) } }, { status: '201' }]);
  expect(entries[0]).not.toHaveProperty('location');
});

test('12 the answer has every operation, in the request’s order, with status as a string', () => {
  const { steps, entries } = run([
    { method: 'post', path: '/Users', bulkId: 'a', data: { userName: 'a' } },
    { method: 'PUT', path: 'Users/usr_1', version: 'W/"5"', data: { userName: 'b' } },
    { Method: 'Patch', Path: '/groups/grp_1/', BulkId: 'b', Data: { Operations: [] } },
    { method: 'DELETE', path: '/Users/usr_2?x=1', bulkId: 'c' },
  ]);
  expect(steps).toMatchObject([
    { kind: 'create', type: 'User', data: { userName: 'a' } },
    { kind: 'replace', type: 'User', id: 'usr_1', version: 'W/"5"' },
    { kind: 'patch', type: 'Group', id: 'grp_1' },
    { kind: 'delete', type: 'User', id: 'usr_2' },
  ]);
  expect(entries).toEqual([
    { location: `${baseUrl}/Users/id_1`, method: 'POST', bulkId: 'a', version: 'W/"1"', status: '201' },
    { location: `${baseUrl}/Users/usr_1`, method: 'PUT', version: 'W/"2"', status: '200' },
    { location: `${baseUrl}/Groups/grp_1`, method: 'PATCH', bulkId: 'b', version: 'W/"2"', status: '200' },
    { location: `${baseUrl}/Users/usr_2`, method: 'DELETE', bulkId: 'c', status: '204' },
  ]);
});

test('12 the operations of a PATCH may stand alone, as in the RFC’s example', () => {
  const { steps } = run([{ method: 'PATCH', path: '/Users/usr_1', data: [{ op: 'remove', path: 'nickName' }] }]);
  expect(steps).toMatchObject([{ data: { schemas: [patchOpUrn], Operations: [{ op: 'remove', path: 'nickName' }] } }]);
});

describe('12 references', () => {
  test('to what was created before are resolved', () => {
    const { steps } = run([
      user('a'),
      group('g', 'bulkId:a', 'usr_9'),
      user('b', { [enterpriseUserUrn]: { manager: { value: 'bulkId:a' } } }),
      {
        method: 'PATCH',
        path: '/Groups/bulkId:g',
        data: {
          Operations: [
            { op: 'remove', path: 'members[value eq "bulkId:a"]' },
            { op: 'add', path: 'members', value: ['bulkId:b'] },
          ],
        },
      },
      { method: 'DELETE', path: '/Users/bulkId:a' },
    ]);
    expect(steps).toMatchObject([
      { kind: 'create' },
      { data: { members: [{ value: 'id_1' }, { value: 'usr_9' }] } },
      { data: { [enterpriseUserUrn]: { manager: { value: 'id_1' } } } },
      { kind: 'patch', id: 'id_2', data: { Operations: [{ path: 'members[value eq "id_1"]' }, { value: ['id_3'] }] } },
      { kind: 'delete', id: 'id_1' },
    ]);
  });

  test('to what is created later bring that forward, and the answer keeps its order', () => {
    const { steps, entries } = run([group('g', 'bulkId:a', 'bulkId:b'), user('a'), user('b')]);
    expect(steps.map(({ bulkId }) => bulkId)).toEqual(['a', 'b', 'g']);
    expect(steps[2]).toMatchObject({ data: { members: [{ value: 'id_1' }, { value: 'id_2' }] } });
    expect(entries.map(({ bulkId }) => bulkId)).toEqual(['g', 'a', 'b']);
  });

  test('in a circle are added when both are there', () => {
    const { steps, entries } = run([group('a', 'bulkId:b', 'usr_1'), group('b', 'bulkId:a', 'usr_2')]);
    expect(steps).toMatchObject([
      { kind: 'create', bulkId: 'b', data: { members: [{ value: 'usr_2' }] } },
      { kind: 'create', bulkId: 'a', data: { members: [{ value: 'id_1' }, { value: 'usr_1' }] } },
      { kind: 'patch', id: 'id_1', type: 'Group', data: { Operations: [{ op: 'add', path: 'members', value: [{ value: 'id_2' }] }] } },
    ]);
    expect(entries).toMatchObject([
      { bulkId: 'a', status: '201' },
      { bulkId: 'b', status: '201', version: 'W/"2"' },
    ]);
  });

  test('in a circle of managers', () => {
    const managed = (by: string): object => ({ [enterpriseUserUrn]: { department: 'D', manager: { value: `bulkId:${by}` } } });
    const { steps } = run([user('a', managed('b')), user('b', managed('c')), user('c', managed('a'))]);
    expect(steps.map(({ kind, bulkId }) => `${kind} ${bulkId}`)).toEqual(['create c', 'create b', 'create a', 'patch undefined']);
    expect(steps[0]).toMatchObject({ data: { [enterpriseUserUrn]: { department: 'D' } } });
    expect(JSON.stringify(steps[0])).not.toContain('bulkId:');
    expect(steps[3]).toMatchObject({
      id: 'id_1',
      data: { Operations: [{ op: 'add', path: `${enterpriseUserUrn}:manager`, value: { value: 'id_3' } }] },
    });
  });

  test('to itself', () => {
    const { steps } = run([group('a', 'bulkId:a')]);
    expect(steps).toMatchObject([
      { kind: 'create', data: { members: [] } },
      { kind: 'patch', data: { Operations: [{ value: [{ value: 'id_1' }] }] } },
    ]);
  });

  test('to nothing are 409', () => {
    const { steps, entries } = run([group('g', 'bulkId:nope'), { method: 'DELETE', path: '/Users/bulkId:nope' }]);
    expect(steps).toEqual([]);
    expect(entries).toMatchObject([{ status: '409', response: { detail: expect.stringContaining('bulkId:nope') } }, { status: '409' }]);
    expect(entries[1]).not.toHaveProperty('location');
  });

  test('to what failed are 409', () => {
    const { entries } = run([user('a'), group('g', 'bulkId:a'), user('b')], {}, ({ bulkId }) => bulkId === 'a');
    expect(entries).toMatchObject([
      { status: '400' },
      { status: '409', response: { detail: expect.stringContaining('whose operation failed') } },
      { status: '201' },
    ]);
  });

  test('that a circle left out and that cannot be added are an error of what was created', () => {
    const circle = [group('a', 'bulkId:b'), group('b', 'bulkId:a')];
    expect(run(circle, {}, ({ bulkId }) => bulkId === 'a').entries).toMatchObject([
      { status: '400' },
      { status: '409', location: `${baseUrl}/Groups/id_1` },
    ]);
    expect(run(circle, {}, ({ kind }) => kind === 'patch').entries).toMatchObject([
      { status: '201' },
      { status: '400', location: `${baseUrl}/Groups/id_1` },
    ]);
    expect(run(circle, { failOnErrors: 1 }, ({ bulkId }) => bulkId === 'a').entries).toMatchObject([{ status: '400' }, { status: '409' }]);
  });
});

test('12 failOnErrors stops, and what was not done is not in the answer', () => {
  const { entries } = run([user('a'), user('b'), user('c'), user('d')], { failOnErrors: 2 }, ({ bulkId }) => bulkId !== 'a');
  expect(entries.map(({ status }) => status)).toEqual(['201', '400', '400']);
});

test('12 a thousand groups that refer to each other take fewer than three million steps', async () => {
  const names = Array.from({ length: 1000 }, (_, index) => `g${index}`);
  const operations = names.map((name, index) =>
    group(name, ...names.slice(index + 1, index + 20).map((other) => `bulkId:${other}`), 'bulkId:g0'),
  );
  const steps = countCalls(() => expect(run(operations).entries.every(({ status }) => status === '201')).toBe(true), 'packages/scim/');
  // Most are looks at who has begun and waits: half a million.
  expect(await steps).toBeLessThan(3_000_000);
});

test('G20 whatever is sent, it ends, and every operation is answered once', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const operation = fc.oneof(
    fc.jsonValue(),
    fc.record({
      method: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'GET'),
      path: fc.oneof(
        fc.constantFrom('/Users', '/Groups', '/Users/x'),
        name.map((id) => `/Groups/bulkId:${id}`),
      ),
      data: fc.oneof(
        fc.jsonValue(),
        fc.array(name).map((ids) => ({ members: ids.map((id) => ({ value: `bulkId:${id}` })), x: { y: `bulkId:${ids[0] ?? 'zz'}` } })),
      ),
    }),
  );
  fc.assert(
    fc.property(
      fc.array(operation, { minLength: 1, maxLength: 6 }),
      fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
      (operations, failures) => {
        const named = operations.map((one, index) =>
          typeof one === 'object' && one !== null && !Array.isArray(one) ? { ...one, bulkId: ['a', 'b', 'c', 'd', 'e', 'f'][index] } : one,
        );
        let calls = 0;
        const { entries } = run(named, {}, () => failures[(calls += 1) % failures.length] ?? false);
        expect(entries).toHaveLength(operations.length);
      },
    ),
    { numRuns: 1000 },
  );
});
