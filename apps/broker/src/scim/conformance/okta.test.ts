/** Okta: its published specification test, its assertions interpreted, and what it does to people and groups. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { aScimDirectory, type Reply, type ScimUnderTest, theBroker, userUrn } from './a-scim-directory';

interface Assertion {
  comparison: string;
  source: string;
  value: string | null;
  property?: string;
}

interface Step {
  step_type: string;
  note?: string;
  method: string;
  url: string;
  headers: Record<string, string[]>;
  body?: string;
  assertions: Assertion[];
  variables: { source: string; name: string; property: string }[];
}

const { steps } = JSON.parse(readFileSync(path.join(__dirname, 'traffic', 'okta-spec-test.json'), 'utf8')) as { steps: Step[] };
const requests = steps.filter(({ step_type: type }) => type === 'request');

let scim: ScimUnderTest;
let variables: Record<string, string>;

beforeAll(async () => {
  scim = await aScimDirectory();
  // The test wants somebody to be there already.
  await scim.aUser({
    userName: 'ada@example.com',
    active: true,
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [{ value: 'ada@example.com' }],
  });
  await scim.aGroup();
  variables = {
    SCIMBaseURL: '',
    auth: `Bearer ${scim.token}`,
    InvalidUserEmail: 'abcdefgh@atko.com',
    UserIdThatDoesNotExist: '010101001010101011001010101011',
    randomEmail: 'Runscope300@atko.com',
    randomUsername: 'Runscope300Wbv@atko.com',
    randomUsernameCaps: 'RUNSCOPE300WBV@ATKO.COM',
    randomGivenName: 'Runscope',
    randomFamilyName: 'Wbv',
  };
});

// In their order: later steps use what earlier ones saved.
test.each(requests.map((step, i) => [`${i + 1}. ${(step.note ?? '').replace(/^(Required|Optional) Test: /, '').trim()}`, step] as const))(
  '§20 Okta’s specification test: %s',
  async (_note, step) => {
    const headers = Object.fromEntries(Object.entries(step.headers).map(([name, values]) => [name.toLowerCase(), filled(values[0] ?? '')]));
    const reply = await scim.send({ method: step.method, path: filled(step.url), headers, ...(step.body && { body: filled(step.body) }) });
    // How long an answer took, which one of them asks, is for the benchmarks to say: another machine is no other answer.
    const assertions = step.assertions.filter(({ source }) => source !== 'response_time');
    expect(assertions.length).toBeGreaterThan(0);
    for (const assertion of assertions) expect([assertion, holds(assertion, reply), reply.text]).toEqual([assertion, true, reply.text]);
    for (const { name, property } of step.variables) variables[name] = String(at(reply.body, property));
  },
);

function filled(text: string): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = variables[name];
    if (value === undefined) throw new Error(`the test uses {{${name}}}, which is not known`);
    return value;
  });
}

function holds({ comparison, source, property, value }: Assertion, reply: Reply): boolean {
  const actual = source === 'response_status' ? reply.status : at(reply.body, property ?? '');
  const wanted = filled(value ?? '');
  switch (comparison) {
    case 'equal_number':
      return Number(actual) === Number(wanted);
    case 'equal':
      return String(actual) === wanted;
    case 'not_empty':
      return actual !== undefined && actual !== null && actual !== '' && !(Array.isArray(actual) && actual.length === 0);
    case 'is_a_number':
      return typeof actual === 'number';
    case 'has_value':
    case 'contains':
      return Array.isArray(actual) ? actual.includes(wanted) : String(actual).includes(wanted);
    default:
      throw new Error(`the test compares by ${comparison}, which is not known`);
  }
}

/** `Resources[0].name.familyName` */
function at(body: unknown, property: string): unknown {
  return property
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<any>((value, step) => value?.[step], body);
}

test('§20 Okta finds a userName whatever its case', async () => {
  expect(await scim.matching('userName eq "RUNSCOPE300WBV@ATKO.COM"')).toEqual(['Runscope300Wbv@atko.com']);
});

test('§20 an empty creation is 400', async () => {
  expect((await scim.post('/Users', {})).status).toBe(400);
});

test('§20 a user’s life: created, put, deactivated and reactivated by PATCH without a path, and found again', async () => {
  const own = await aScimDirectory();
  const user = (
    await own.post('/Users', {
      schemas: [userUrn],
      userName: 'ada@acme.com',
      name: { givenName: 'Ada', familyName: 'L' },
      emails: [{ primary: true, value: 'ada@acme.com', type: 'work' }],
      displayName: 'Ada L',
      locale: 'en-US',
      externalId: '00u1',
      groups: [],
      password: '1mz050nq',
      active: true,
    })
  ).body;
  expect(user).not.toHaveProperty('password');
  const read = (await own.get(`/Users/${user.id}`)).body;
  expect((await own.put(`/Users/${user.id}`, { ...read, name: { ...read.name, familyName: 'M' } })).body).toMatchObject({
    name: { familyName: 'M' },
    active: true,
  });
  for (const active of [false, true])
    expect((await own.patch(`/Users/${user.id}`, [{ op: 'replace', value: { active } }])).body.active).toBe(active);
  // Assigned again after it was forgotten: Okta looks first, and finds.
  expect((await own.query('/Users', { filter: 'userName eq "ada@acme.com"', startIndex: 1, count: 100 })).body).toMatchObject({
    totalResults: 1,
    startIndex: 1,
    itemsPerPage: 1,
    Resources: [{ id: user.id, externalId: '00u1' }],
  });
  expect(await own.events()).toEqual(['user.created', 'user.updated', 'user.deactivated', 'user.reactivated']);
});

test('§20 group push: created empty, found, renamed with its id in the value, members changed and resynchronised, deleted', async () => {
  const own = await aScimDirectory();
  const [a, b, c] = [(await own.aUser()).id, (await own.aUser()).id, (await own.aUser()).id];
  const group = (await own.post('/Groups', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'X', members: [] }))
    .body;
  const members = ({ body }: Reply): string[] => (body.members ?? []).map(({ value }: { value: string }) => value);
  expect((await own.query('/Groups', { filter: 'displayName eq "X"', startIndex: 1, count: 100 })).body.Resources[0].id).toBe(group.id);
  expect((await own.patch(`/Groups/${group.id}`, [{ op: 'replace', value: { id: group.id, displayName: 'Y' } }])).body.displayName).toBe(
    'Y',
  );
  await own.patch(`/Groups/${group.id}`, [{ op: 'add', path: 'members', value: [{ value: a, display: 'a@b' }] }]);
  expect(
    members(
      await own.patch(`/Groups/${group.id}`, [
        { op: 'remove', path: `members[value eq "${a}"]` },
        { op: 'add', path: 'members', value: [{ value: b, display: 'b@b' }] },
      ]),
    ),
  ).toEqual([b]);
  expect(
    members(
      await own.patch(`/Groups/${group.id}`, [
        {
          op: 'replace',
          path: 'members',
          value: [
            { value: a, display: 'x' },
            { value: c, display: 'y' },
          ],
        },
      ]),
    ),
  ).toEqual([a, c]);
  expect(
    members(
      await own.put(`/Groups/${group.id}`, {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
        id: group.id,
        displayName: 'Y',
        members: [{ value: c }],
      }),
    ),
  ).toEqual([c]);
  expect(members(await own.patch(`/Groups/${group.id}`, [{ op: 'replace', path: 'members', value: [] }]))).toEqual([]);
  expect((await own.delete(`/Groups/${group.id}`)).status).toBe(204);
});

test('§20 a credential may come as a header without the word Bearer, as Bearer, or by Basic', async () => {
  const { call } = await theBroker();
  const own = await aScimDirectory();
  await call('PATCH', `/v1/directories/${own.id}`, { body: { basic_auth: true } });
  const headers = {
    'content-type': 'application/scim+json; charset=utf-8',
    accept: 'application/scim+json; charset=utf-8',
    'user-agent': 'Okta SCIM Client 1.0.0',
  };
  for (const authorization of [own.token, `Bearer ${own.token}`, `Basic ${Buffer.from(`${own.id}:${own.token}`).toString('base64')}`]) {
    expect(
      (await own.get('/Users?filter=userName%20eq%20%22a%40b%22&startIndex=1&count=100', { ...headers, authorization })).body,
    ).toMatchObject({ totalResults: 0, Resources: [] });
  }
  expect((await own.get('/Users', { ...headers, authorization: `Token ${own.token}` })).status).toBe(401);
});

test('§20 an import pages through users and groups by whole numbers, in an order that holds', async () => {
  const own = await aScimDirectory();
  for (let i = 0; i < 5; i += 1) {
    await own.aUser();
    await own.aGroup();
  }
  for (const endpoint of ['/Users', '/Groups']) {
    const ids: string[] = [];
    for (let startIndex = 1; startIndex <= 5; startIndex += 2) {
      const { body } = await own.get(`${endpoint}?startIndex=${startIndex}&count=2`);
      expect([body.totalResults, body.startIndex, body.itemsPerPage]).toEqual([5, startIndex, startIndex === 5 ? 1 : 2]);
      ids.push(...body.Resources.map(({ id }: { id: string }) => id));
    }
    expect(new Set(ids).size).toBe(5);
    expect(ids.join()).not.toContain('bulkId');
  }
});
