/** Microsoft Entra ID: its SCIM validator's recorded run, sent again as it was, and what its gallery looks at. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { aScimDirectory, enterpriseUrn, groupUrn, patchUrn, type Reply, type ScimUnderTest, theBroker, userUrn } from './a-scim-directory';

interface ValidatorTest {
  Description: string;
  RequestBody: string;
  ResponseStatus: string;
  ResponseBody: string | null;
  InitialRequestBodies: string[] | null;
  InitialResponseStatuses: string[] | null;
  InitialResponses: string[] | null;
}

interface Sent {
  method: string;
  /** Below the base URL. */
  path: string;
  headers: Record<string, string>;
  body?: string;
}

const run = JSON.parse(readFileSync(path.join(__dirname, 'traffic', 'entra-validator.json'), 'utf8')) as {
  results: { data: { PassedTests: ValidatorTest[]; PreviewTests: ValidatorTest[] } };
};
const { PassedTests, PreviewTests } = run.results.data;
const validatorTests = [...PassedTests, ...PreviewTests].map((one) => [one.Description, one] as const);

let scim: ScimUnderTest;
/** Their server's id → ours. */
let ids: Map<string, string>;

beforeEach(async () => {
  scim = await aScimDirectory();
  ids = new Map();
});

test.each(validatorTests)('§19.1 Microsoft’s SCIM validator: %s', async (_description, one) => {
  const initial = one.InitialRequestBodies ?? [];
  for (const [i, text] of initial.entries()) {
    const reply = await sendAgain(text);
    expect([text, reply.status]).toEqual([text, statusOf(one.InitialResponseStatuses![i]!)]);
    await expectAsRecorded(reply, one.InitialResponses?.[i] ?? null);
  }
  if (initial.length === 0) await prepare(one);

  const request = readRequest(one.RequestBody);
  const reply = await sendAgain(one.RequestBody);
  const recorded = statusOf(one.ResponseStatus);
  const allowed = request.method === 'PATCH' && request.path.startsWith('/Groups') ? [200, 204] : [recorded];
  expect([one.Description, allowed.includes(reply.status), reply.text]).toEqual([one.Description, true, reply.text]);
  await expectAsRecorded(reply, one.ResponseBody);
  if (request.method === 'PATCH') await expectValuesReadBack(request);
});

/** Of some tests the report leaves out what they began with; it follows from what they were answered. */
async function prepare(one: ValidatorTest): Promise<void> {
  const request = readRequest(one.RequestBody);
  const endpoint = request.path.startsWith('/Users') ? '/Users' : '/Groups';
  const answer: any = one.ResponseBody ? JSON.parse(one.ResponseBody) : {};
  const existing: unknown = answer.Resources?.[0] ?? (answer.id === undefined || request.method === 'POST' ? undefined : answer);
  if (existing) await create(endpoint, existing);
  if (statusOf(one.ResponseStatus) === 409) expect((await sendAgain(one.RequestBody)).status).toBe(201);
  if (one.Description.startsWith('Delete a') && request.method === 'GET') {
    const gone = await create(endpoint, { id: request.path.split('/')[2], userName: 'gone', displayName: 'gone' });
    expect((await scim.delete(`${endpoint}/${gone}`)).status).toBe(204);
  }
}

async function create(endpoint: string, existing: unknown): Promise<string> {
  const { id, meta: _meta, ...attributes } = existing as Record<string, unknown>;
  const reply = await scim.post(endpoint, attributes);
  expect(reply.status).toBe(201);
  ids.set(String(id), reply.body.id);
  return reply.body.id;
}

/** `POST http://…/Users 1.1`, headers, and a body, as the report has it. */
function readRequest(text: string): Sent {
  const mapped = [...ids].reduce((result, [theirs, ours]) => result.replaceAll(theirs, ours), text);
  const [first = '', ...rest] = mapped.split('\r\n');
  const [, method = '', url = ''] = /^(\w+) (.*) 1\.1$/.exec(first) ?? [];
  const body = rest.find((line) => line.startsWith('{'));
  const type = rest.find((line) => /^content-type:/i.test(line));
  return {
    method: method.toUpperCase(),
    path: url.replace(/^https?:\/\/[^/]+\/scim\/endpoints\/[^/]+/, ''),
    headers: type === undefined ? {} : { 'content-type': type.slice(type.indexOf(':') + 1).trim() },
    ...(body !== undefined && { body }),
  };
}

async function sendAgain(text: string): Promise<Reply> {
  return scim.send(readRequest(text));
}

function statusOf(text: string): number {
  return Number(text.slice(0, 3));
}

/** Everything that the other server's answer says of a resource, ours says as well; and a GET says it again. */
async function expectAsRecorded(reply: Reply, text: string | null): Promise<void> {
  if (!text || reply.status >= 400) return;
  const recorded = JSON.parse(text) as Record<string, unknown>;
  if (typeof recorded['id'] === 'string' && reply.body?.id && !ids.has(recorded['id'])) ids.set(recorded['id'], reply.body.id);
  // That server shows what is unassigned as [] and ""; the RFC, and Entra, take it for the same as nothing (RFC 7643 §2.5).
  const isAssigned = (value: unknown): boolean =>
    value !== '' && !(typeof value === 'object' && value !== null && Object.values(value).length === 0);
  const assigned = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(assigned);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .map(([name, inner]) => [name, assigned(inner)] as const)
        .filter(([name, inner]) => name === 'Resources' || isAssigned(inner)),
    );
  };
  const mapped: unknown = JSON.parse([...ids].reduce((result, [theirs, ours]) => result.replaceAll(theirs, ours), text));
  const expected = withoutMeta(assigned(mapped) as Record<string, unknown>);
  if (reply.status !== 204) expect(withoutMeta(reply.body)).toMatchObject(expected);
  if (reply.body?.id)
    expect(withoutMeta((await scim.get(reply.body.meta.location.slice(scim.baseUrl.length))).body)).toMatchObject(expected);
}

function withoutMeta(answer: Record<string, any>): object {
  if (answer.Resources) return { ...answer, Resources: answer.Resources.map(withoutMeta) };
  const { meta: _meta, ...rest } = answer;
  return rest;
}

/** Every value that a PATCH sent is what a GET reads: the validator compares them, and so does Entra, which sends again what differs. */
async function expectValuesReadBack({ path: target, body = '' }: Sent): Promise<void> {
  const { body: resource } = await scim.get(target);
  const { Operations } = JSON.parse(body) as { Operations: { op: string; path?: string; value?: any }[] };
  for (const [i, { op, path: at, value }] of Operations.entries()) {
    if (at?.startsWith('members')) {
      const members: string[] = (resource.members ?? []).map((member: { value: string }) => member.value);
      const last = Operations.length - 1 === i;
      if (op === 'remove') expect(members).not.toContain(/"(.*)"/.exec(at)?.[1]);
      else if (last) expect(members).toEqual(expect.arrayContaining(value.map((member: { value: string }) => member.value)));
    } else if (at === undefined) expect(resource).toMatchObject(value);
    else
      expect([at, valueAt(resource, at)]).toEqual([
        at,
        value?.value === '' ? undefined : typeof value === 'object' ? expect.objectContaining(value) : value,
      ]);
  }
}

function valueAt(resource: Record<string, any>, at: string): unknown {
  const [, urn, rest = at] = /^(urn:.*):([^:]+)$/.exec(at) ?? [];
  const container = urn === undefined ? resource : resource[urn];
  const [, name, sub, wanted, leaf] = /^(\w+)\[(\w+) eq "(.*)"\]\.(\w+)$/.exec(rest) ?? [];
  if (name !== undefined && sub !== undefined && leaf !== undefined)
    return container?.[name]?.find((element: Record<string, unknown>) => String(element[sub]).toLowerCase() === wanted?.toLowerCase())?.[
      leaf
    ];
  return rest.split('.').reduce<any>((value, step) => value?.[step], container);
}

// ── What Microsoft's gallery looks at ──────────────────────────────────────────────────────────

const mappedByEntra = {
  title: 'Engineer',
  displayName: 'Ada',
  nickName: 'A',
  userType: 'Employee',
  preferredLanguage: 'en',
  locale: 'en-GB',
  timezone: 'Europe/London',
  profileUrl: 'https://acme.com/ada',
  externalId: '1',
  'name.givenName': 'Ada',
  'name.familyName': 'L',
  'name.formatted': 'Ada L',
  'emails[type eq "work"].value': 'a@acme.com',
  'phoneNumbers[type eq "mobile"].value': '5',
  'addresses[type eq "work"].locality': 'London',
  'addresses[type eq "work"].postalCode': 'N1',
  [`${enterpriseUrn}:department`]: 'R&D',
  [`${enterpriseUrn}:employeeNumber`]: '7',
  [`${enterpriseUrn}:manager`]: 'm',
};

test('§19.7 every optional attribute that is mapped can be set, emptied with "" and with null, and set again', async () => {
  for (const empty of ['', null]) {
    const user = await scim.aUser();
    for (const [at, value] of Object.entries(mappedByEntra)) {
      const set = await scim.patch(`/Users/${user.id}`, [{ op: 'Add', path: at, value }]);
      expect([at, set.status]).toEqual([at, 200]);
    }
    const full = (await scim.get(`/Users/${user.id}`)).body;
    for (const at of Object.keys(mappedByEntra))
      expect([at, (await scim.patch(`/Users/${user.id}`, [{ op: 'Replace', path: at, value: empty }])).status]).toEqual([at, 200]);
    expect({ ...(await scim.get(`/Users/${user.id}`)).body, meta: 0 }).toEqual({ ...user, meta: 0 });
    await scim.patch(
      `/Users/${user.id}`,
      Object.entries(mappedByEntra).map(([at, value]) => ({ op: 'Replace', path: at, value })),
    );
    expect({ ...(await scim.get(`/Users/${user.id}`)).body, meta: 0 }).toEqual({ ...full, meta: 0 });
  }
});

test('§19.7 users and groups page by count 5, from startIndex n × 5 + 1', async () => {
  const [users, groups]: string[][] = [[], []];
  for (let i = 0; i < 11; i += 1) {
    users!.push((await scim.aUser()).id);
    groups!.push((await scim.aGroup()).id);
  }
  for (const [endpoint, expected] of [
    ['/Users', users],
    ['/Groups', groups],
  ] as const) {
    const seenIds: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const { body } = await scim.get(`${endpoint}?startIndex=${n * 5 + 1}&count=5`);
      expect([body.totalResults, body.startIndex, body.itemsPerPage]).toEqual([11, n * 5 + 1, n < 2 ? 5 : 1]);
      seenIds.push(...body.Resources.map(({ id }: { id: string }) => id));
    }
    expect(seenIds).toEqual(expected);
  }
});

test('§19.7 a credential is tried by GET /Users?startIndex=1&count=1, and a schema discovered by GET /Schemas', async () => {
  expect((await scim.get('/Users?startIndex=1&count=1')).status).toBe(200);
  const { body } = await scim.get('/Schemas');
  expect(body.Resources.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining([userUrn, groupUrn, enterpriseUrn]));
});

test('§19.7 the manager can be added, replaced and taken away', async () => {
  const [user, one, other] = [await scim.aUser(), await scim.aUser(), await scim.aUser()];
  const manager = async (op: string, value: unknown): Promise<unknown> =>
    (await scim.patch(`/Users/${user.id}`, [{ op, path: `${enterpriseUrn}:manager`, value }])).body[enterpriseUrn]?.manager?.value;
  expect(await manager('Add', one.id)).toBe(one.id);
  expect(await manager('Replace', { value: other.id })).toBe(other.id);
  expect(await manager('Add', [{ $ref: 'x', value: one.id }])).toBe(one.id);
  expect(await manager('Replace', { value: '' })).toBeUndefined();
});

test('§19.3 a user’s life: created, disabled, brought back with the groups kept, deleted, created again', async () => {
  const body = {
    schemas: [userUrn, enterpriseUrn],
    externalId: '9',
    userName: 'ada@acme.com',
    active: true,
    emails: [{ primary: true, type: 'work', value: 'ada@acme.com' }],
    meta: { resourceType: 'User' },
    name: { formatted: 'Ada L', familyName: 'L', givenName: 'Ada' },
    roles: [],
  };
  const user = (await scim.post('/Users', body)).body;
  const group = (
    await scim.post('/Groups', {
      schemas: [groupUrn, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
      externalId: 'g',
      displayName: 'Eng',
      meta: { resourceType: 'Group' },
    })
  ).body;
  await scim.patch(`/Groups/${group.id}`, {
    schemas: [patchUrn],
    Operations: [{ op: 'Add', path: 'members', value: [{ $ref: null, value: user.id }] }],
  });
  expect((await scim.patch(`/Users/${user.id}`, [{ op: 'Replace', path: 'active', value: 'False' }])).body.active).toBe(false);
  expect(await scim.matching('externalId eq "9" and active eq false')).toEqual(['ada@acme.com']);
  expect((await scim.patch(`/Users/${user.id}`, [{ op: 'Replace', path: 'active', value: 'True' }])).body).toMatchObject({
    active: true,
    groups: [{ value: group.id }],
  });
  expect((await scim.delete(`/Users/${user.id}`)).status).toBe(204);
  expect((await scim.post('/Users', body)).status).toBe(201);
  expect(await scim.events()).toEqual([
    'user.created',
    'group.created',
    'group.member_added',
    'user.deactivated',
    'user.reactivated',
    'group.member_removed',
    'user.deleted',
    'user.created',
  ]);
});

// ── The rest of what its documentation says ────────────────────────────────────────────────────

const entra = 'application/scim+json; charset=utf-8';

test('§19.2 every kind of request is answered as its documentation expects, and members that were not asked for are not shown', async () => {
  const headers = { 'content-type': entra };
  const user = await scim.post('/Users', { schemas: [userUrn], userName: 'Ada@acme.com', externalId: '1' }, headers);
  const group = await scim.post('/Groups', { schemas: [groupUrn], displayName: 'Eng', externalId: '2' }, headers);
  const [one, team] = [`/Users/${user.body.id}`, `/Groups/${group.body.id}`];
  const statuses = [
    user,
    group,
    await scim.post('/Users', { schemas: [userUrn], userName: 'ADA@acme.com' }, headers),
    await scim.post('/Groups', { schemas: [groupUrn], displayName: 'ENG' }, headers),
    await scim.get(one, headers),
    await scim.get('/Users?filter=userName+eq+"nobody%40acme.com"', headers),
    await scim.patch(one, [{ op: 'Replace', path: 'displayName', value: 'A' }], headers),
    await scim.patch(team, [{ op: 'Add', path: 'members', value: [{ $ref: null, value: user.body.id }] }], headers),
    await scim.delete(one, headers),
    await scim.delete(one, headers),
    await scim.get(one, headers),
  ].map(({ status }) => status);
  expect(statuses).toEqual([201, 201, 409, 409, 200, 200, 200, 200, 204, 404, 404]);
  for (const path of [`${team}?excludedAttributes=members`, '/Groups?excludedAttributes=members&filter=displayName+eq+"eng"'])
    expect((await scim.get(path)).text).not.toContain('"members"');
  expect((await scim.get('/Users?filter=userName+eq+"nobody%40acme.com"')).body).toEqual({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: 0,
    startIndex: 1,
    itemsPerPage: 0,
    Resources: [],
  });
});

test('§19.4 whatever is sent again after a time-out comes to the same, and makes no second event', async () => {
  const user = await scim.aUser({ userName: 'ada@acme.com', externalId: '1' });
  const group = await scim.aGroup({ displayName: 'Eng' });
  const member = { $ref: null, value: user.id };
  const changes: [string, object][] = [
    [`/Users/${user.id}`, { op: 'Replace', path: 'active', value: 'False' }],
    [`/Users/${user.id}`, { op: 'Add', path: 'emails[type eq "work"].value', value: 'a@acme.com' }],
    [`/Users/${user.id}`, { op: 'Add', path: `${enterpriseUrn}:manager`, value: 'm' }],
    [`/Users/${user.id}`, { op: 'replace', value: { 'name.givenName': 'A', [`${enterpriseUrn}:department`]: 'D' } }],
    [`/Groups/${group.id}`, { op: 'Add', path: 'members', value: [member] }],
    [`/Groups/${group.id}`, { op: 'Remove', path: 'members', value: [member] }],
    [`/Groups/${group.id}`, { op: 'remove', path: `members[value eq "${user.id}"]` }],
  ];
  for (const [path, operation] of changes) {
    const once = await scim.patch(path, [operation], { 'content-type': entra });
    const events = await scim.events();
    const again = await scim.patch(path, [operation], { 'content-type': entra });
    expect([operation, again.status, again.body, await scim.events()]).toEqual([operation, 200, once.body, events]);
  }
  expect((await scim.post('/Users', { userName: 'ada@acme.com', externalId: '1' })).status).toBe(409);
  expect(await scim.matching('externalId eq "1"')).toEqual(['ada@acme.com']);
});

test('§19.4 twenty-five requests a second, and many more, are within what a directory takes', async () => {
  const user = await scim.aUser();
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      i % 4 === 0
        ? scim.patch(`/Users/${user.id}`, [{ op: 'Replace', path: 'title', value: `T${i}` }])
        : scim.get(`/Users?filter=userName+eq+"${i}%40acme.com"`),
    ),
  );
  // How fast they are is for infra/bench: a machine that is busy with other tests says nothing of it.
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
});

test('§19.5 credentials are short, live long, and two of a kind work at once, by form or by Basic', async () => {
  const { call, url } = await theBroker();
  expect(scim.token.length).toBeLessThan(72);
  const clients = [];
  for (let i = 0; i < 2; i += 1)
    clients.push((await call('POST', `/v1/directories/${scim.id}/oauth_clients`, { body: { grant_type: 'client_credentials' } })).body);
  for (const { client_id: id, client_secret: secret } of clients) {
    expect(`${id}${secret}`.length).toBeLessThan(1_024);
    const grant = { grant_type: 'client_credentials' };
    const asked: [Record<string, string>, Record<string, string>][] = [
      [{ ...grant, client_id: id, client_secret: secret }, {}],
      [grant, { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }],
    ];
    for (const [form, headers] of asked) {
      const response = await fetch(`${url}/oauth/${scim.id}/token`, { method: 'POST', headers, body: new URLSearchParams(form) });
      const token = (await response.json()) as { access_token: string; token_type: string; expires_in: number };
      expect([response.status, token.token_type, token.expires_in >= 3_600 && token.expires_in <= 6 * 3_600]).toEqual([
        200,
        'Bearer',
        true,
      ]);
      expect((await scim.get('/Users?startIndex=1&count=1', { authorization: `Bearer ${token.access_token}` })).status).toBe(200);
    }
  }
  // A Tenant URL without a secret makes Entra send a token of its own, which opens nothing.
  const own = `${[{ alg: 'RS256' }, { iss: 'https://sts.windows.net/t/', aud: '8adf8e6e-67b2-4cf2-a259-e3dc5476c621' }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.c2ln`;
  expect((await scim.get('/Users', { authorization: `Bearer ${own}` })).status).toBe(401);
});

test('§19.6 a custom attribute is kept under its URN, which schemas of the request does not list', async () => {
  const urn = 'urn:ietf:params:scim:schemas:extension:Acme:2.0:User';
  const { body: user } = await scim.post(
    '/Users',
    { schemas: [userUrn, enterpriseUrn], userName: 'ada@acme.com', [urn]: { badge: '007' } },
    { 'content-type': entra },
  );
  expect([user.schemas, user[urn]]).toEqual([[userUrn, urn], { badge: '007' }]);
  const changed = async (operation: object): Promise<unknown> =>
    (await scim.patch(`/Users/${user.id}`, [operation], { 'content-type': entra })).body[urn];
  expect(await changed({ op: 'Add', path: `${urn}:shoeSize`, value: '42' })).toEqual({ badge: '007', shoeSize: '42' });
  expect(await changed({ op: 'replace', value: { [`${urn}:badge`]: '008' } })).toEqual({ badge: '008', shoeSize: '42' });
  expect(await scim.matching(`${urn}:badge eq "008"`)).toEqual(['ada@acme.com']);
  expect((await scim.get(`/Users/${user.id}?attributes=${urn}:shoeSize`)).body).toEqual({
    schemas: [userUrn, urn],
    id: user.id,
    [urn]: { shoeSize: '42' },
  });
  expect(await changed({ op: 'Replace', path: `${urn}:badge`, value: '' })).toEqual({ shoeSize: '42' });
  expect(await changed({ op: 'Remove', path: urn })).toBeUndefined();
});
