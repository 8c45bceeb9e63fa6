/** G20 at large: thousands of requests that a generator makes, right ones, almost right ones and nonsense. None may be a 5xx, hang, or be answered in another shape than SCIM's. */
import fc from 'fast-check';
import {
  aScimDirectory,
  anError,
  bulkUrn,
  enterpriseUrn,
  groupUrn,
  patchUrn,
  type Reply,
  type ScimUnderTest,
  searchUrn,
  seen,
  userUrn,
} from './a-scim-directory';

let scim: ScimUnderTest;
let users: string[];
let groups: string[];

beforeAll(async () => {
  scim = await aScimDirectory();
  const made = await Promise.all(
    [1, 2, 3, 4].map((i) =>
      scim.aUser({
        externalId: `e${i}`,
        title: 'x',
        emails: [{ value: `u${i}@acme.com`, type: 'work', primary: true }, { value: `h${i}@home.org` }],
        name: { givenName: 'É' },
        [custom]: { list: ['a', 'B'], n: i, object: { k: 'v' } },
      }),
    ),
  );
  users = made.map(({ id }) => id);
  groups = [(await scim.aGroup({ members: users.map((value) => ({ value })) })).id, (await scim.aGroup()).id];
});

interface Sent {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
}

const custom = 'urn:ietf:params:scim:schemas:extension:2.0:CustomExtensionName';

// ── What requests are made of ──────────────────────────────────────────────────────────────────

const text = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      'a',
      'A',
      'work',
      'home',
      'other',
      'True',
      'false',
      '',
      ' ',
      'É',
      'ß',
      'İ',
      'ı',
      'ǅ',
      'e\u0301',
      '😀',
      '%',
      '_',
      '\\',
      '"',
      "'",
      '$1',
      ';--',
      '\u2028',
      '{"value":"x"}',
      '[1]',
      'null',
      '__proto__',
      '2026-01-31T09:00:00+02:00',
      '2026-13-31',
      '9e99',
    ),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\u0000', 'a\u0000b', '\ud800', 'x\udc00y', 'x'.repeat(3_000), 'é'.repeat(3_000), 'ΐ'.repeat(700)),
  },
);
const number = fc.oneof(fc.integer({ min: -3, max: 200 }), fc.double(), fc.constantFrom(2 ** 53, -(2 ** 63), 1e308, -0));
const someUser = fc.nat().map((i) => users[i % users.length]!);
const someGroup = fc.nat().map((i) => groups[i % groups.length]!);
const someId = fc.oneof(
  { weight: 6, arbitrary: someUser },
  { weight: 3, arbitrary: someGroup },
  text,
  fc.constantFrom('bulkId:1', 'bulkId:2', 'usr_', `usr_${'0'.repeat(32)}`, `grp_${'f'.repeat(32)}`),
);

const name = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'userName',
      'displayName',
      'externalId',
      'title',
      'active',
      'name',
      'name.givenName',
      'emails',
      'emails.value',
      'emails.type',
      'emails.primary',
      'phoneNumbers',
      'addresses',
      'roles',
      'photos',
      'x509Certificates',
      'password',
      'profileUrl',
      'members',
      'members.value',
      'members.$ref',
      'members.type',
      'groups',
      'groups.value',
      'groups.$ref',
      'id',
      'meta',
      'meta.created',
      'meta.lastModified',
      'meta.version',
      'meta.location',
      'meta.resourceType',
      'schemas',
      'manager',
    ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      userUrn,
      groupUrn,
      enterpriseUrn,
      custom,
      `${userUrn}:userName`,
      `${enterpriseUrn}:department`,
      `${enterpriseUrn}:manager`,
      `${enterpriseUrn}:manager.value`,
      `${custom}:list`,
      `${custom}:n`,
      `${custom}:object`,
      `${custom}:object.k`,
      'urn:ietf:params:scim:schemas:extension:2.0:Metadata:costCenter',
      'urn:acme:x',
      'urn:acme',
      'urn:',
      'http://x/y',
      'URN:ACME:Y:2.0:User:Z',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'name.__proto__',
      `${custom}:__proto__`,
      `${custom}:constructor`,
      '',
      '.',
      'a.b.c',
      '$ref',
      'nope',
      'NAME.GIVENNAME',
      'emails[0]',
      'emails[]',
    ),
  },
  { weight: 1, arbitrary: text },
);
const value: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 4, arbitrary: text },
    { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}) },
    { weight: 1, arbitrary: number },
    { weight: 2, arbitrary: someId.map((id) => [{ value: id }]) },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 4 }) },
    {
      weight: 3,
      arbitrary: fc
        .array(
          fc.tuple(
            fc.oneof(
              {
                weight: 3,
                arbitrary: fc.constantFrom('value', 'type', 'primary', 'display', '$ref', 'formatted', 'givenName', 'locality', 'k'),
              },
              name,
            ),
            tie('value'),
          ),
          { maxLength: 4 },
        )
        .map((pairs) => Object.fromEntries(pairs)),
    },
  ),
})).value;
const literal = fc.oneof(
  { weight: 5, arbitrary: fc.oneof(text, someId).map((one) => JSON.stringify(one)) },
  fc.constantFrom(
    'true',
    'false',
    'null',
    'True',
    '5',
    '-1.5e3',
    '1e999',
    '"',
    "'x'",
    'bob',
    '"\\u00e9"',
    '"\\ud800"',
    '"2026-01-31T09:00:00Z"',
  ),
);
const operator = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le', 'EQ', 'Sw') },
  fc.constantFrom('regex', '=', '', 'pr'),
);
const term = fc.oneof(
  fc.tuple(name, operator, literal).map((parts) => parts.join(' ')),
  name.map((one) => `${one} pr`),
);
const filter: fc.Arbitrary<string> = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 5 },
    { weight: 3, arbitrary: term },
    { weight: 1, arbitrary: fc.tuple(name, tie('filter')).map(([one, inner]) => `${one}[${inner}]`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(name, tie('filter'), name, operator, literal)
        .map(([one, inner, sub, ...rest]) => `${one}[${inner}].${sub} ${rest.join(' ')}`),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie('filter'), fc.constantFrom(' and ', ' or ', ' AND ', ' xor ', ' '), tie('filter'))
        .map((parts) => parts.join('')),
    },
    { weight: 1, arbitrary: tie('filter').map((inner) => `(${inner})`) },
    { weight: 1, arbitrary: tie('filter').map((inner) => `not (${inner})`) },
    { weight: 1, arbitrary: text },
  ),
})).filter;
const path = fc.oneof(
  { weight: 3, arbitrary: name },
  fc
    .tuple(name, filter, fc.constantFrom('', '.value', '.type', '.primary', '.display', '.nope', 'x'))
    .map(([one, inner, sub]) => `${one}[${inner}]${sub}`),
);

const operation = fc.record(
  { op: fc.oneof({ weight: 9, arbitrary: fc.constantFrom('add', 'replace', 'remove', 'Add', 'Replace', 'Remove') }, value), path, value },
  { requiredKeys: ['op'] },
);
const schemas = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom([userUrn], [groupUrn], [userUrn, enterpriseUrn], [patchUrn], [searchUrn], [bulkUrn], []) },
  value,
);
let made = 0;
const attributes = fc
  .array(fc.tuple(fc.oneof({ weight: 4, arbitrary: name }, path), value), { maxLength: 8 })
  .map((pairs) => Object.fromEntries(pairs));
const resource = fc.tuple(attributes, fc.nat({ max: 9 }), schemas, fc.boolean()).map(([rest, kind, listed, withSchemas]) => {
  made += 1;
  return { ...(withSchemas && { schemas: listed }), ...rest, ...(kind < 7 && { userName: `made-${made}`, displayName: `Made ${made}` }) };
});
const patch = fc.oneof(
  { weight: 9, arbitrary: fc.array(operation, { minLength: 1, maxLength: 5 }).map((Operations) => ({ schemas: [patchUrn], Operations })) },
  value,
);
const search = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .record(
        {
          filter: fc.oneof(filter, value),
          sortBy: fc.oneof(name, value),
          sortOrder: fc.oneof(text, fc.constantFrom('ascending', 'descending')),
          startIndex: fc.oneof(number, value),
          count: fc.oneof(number, value),
          cursor: fc.oneof(fc.constant(''), text),
          attributes: fc.oneof(fc.array(path, { maxLength: 3 }), value),
          excludedAttributes: fc.array(name, { maxLength: 2 }),
        },
        { requiredKeys: [] },
      )
      .map((body) => ({ schemas: [searchUrn], ...body })),
  },
  value,
);

const target = fc.oneof(
  { weight: 5, arbitrary: someUser.map((id) => `/Users/${id}`) },
  { weight: 5, arbitrary: someGroup.map((id) => `/Groups/${id}`) },
  fc
    .tuple(fc.constantFrom('/Users/', '/Groups/', '/', '/Schemas/', '/ResourceTypes/'), someId)
    .map(([collection, id]) => `${collection}${encoded(id)}`),
);
const bulkPath = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('/Users', '/Groups', 'Users', '/Users/bulkId:1', '/Groups/bulkId:2', '/Bulk', '/Me', '/Users/') },
  target,
  text,
);
const bulk = fc
  .record(
    {
      failOnErrors: fc.oneof(fc.nat({ max: 3 }), value),
      Operations: fc.oneof(
        {
          weight: 9,
          arbitrary: fc.array(
            fc.oneof(
              {
                weight: 9,
                arbitrary: fc.record(
                  {
                    method: fc.oneof({ weight: 9, arbitrary: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'post', 'GET') }, value),
                    path: bulkPath,
                    bulkId: fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 9 }).map(String) }, value),
                    version: fc.oneof(fc.constantFrom('W/"1"', '*'), value),
                    data: fc.oneof({ weight: 3, arbitrary: resource }, patch, value),
                  },
                  { requiredKeys: ['method', 'path'] },
                ),
              },
              value,
            ),
            { minLength: 1, maxLength: 6 },
          ),
        },
        value,
      ),
    },
    { requiredKeys: ['Operations'] },
  )
  .map((body) => ({ schemas: [bulkUrn], ...body }));

/** A body as JSON, and now and then as what is left of it when somebody has cut or scribbled in it. */
const asText = (body: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  fc.tuple(body, fc.nat({ max: 19 }), fc.nat(), text).map(([sent, kind, at, scribble]) => {
    const whole = JSON.stringify(sent) ?? '';
    const place = at % (whole.length + 1);
    if (kind === 0) return whole.slice(0, place);
    if (kind === 1) return whole.slice(0, place) + scribble + whole.slice(place);
    return whole;
  });

const parameter = fc.oneof(
  { weight: 4, arbitrary: filter.map((one) => `filter=${encoded(one)}`) },
  fc
    .tuple(fc.constantFrom('attributes', 'excludedAttributes'), fc.array(path, { maxLength: 4 }))
    .map(([which, names]) => `${which}=${encoded(names.join(','))}`),
  fc.tuple(fc.constantFrom('sortBy', 'sortby'), name).map(([which, one]) => `${which}=${encoded(one)}`),
  fc.constantFrom(
    'sortOrder=descending',
    'sortOrder=up',
    'cursor',
    'cursor=',
    'aadOptscim062020',
    'filter',
    'filter[a]=b',
    'filter=a&filter=b',
    '&&=',
    '%zz',
    'count=0',
  ),
  fc
    .tuple(fc.constantFrom('startIndex', 'count'), fc.oneof(fc.integer({ min: -2, max: 9 }).map(String), text))
    .map(([which, one]) => `${which}=${encoded(one)}`),
  fc.tuple(fc.constantFrom('cursor', 'foo', 'constructor', '__proto__'), text).map(([which, one]) => `${which}=${encoded(one)}`),
);
const query = fc.array(parameter, { maxLength: 3 }).map((parameters) => (parameters.length === 0 ? '' : `?${parameters.join('&')}`));
const headers = fc.record(
  {
    'if-match': fc.constantFrom('*', 'W/"1"', '"', 'W/"1", "2"', ','),
    'if-none-match': fc.constantFrom('*', 'W/"1"', 'x'),
    prefer: fc.constantFrom('respond-async', 'return=minimal'),
    'content-type': fc.constantFrom(
      'application/json',
      'application/scim+json; charset=utf-8',
      'text/plain',
      ';',
      'application/scim+json; charset=utf-16',
    ),
  },
  { requiredKeys: [] },
);

/** Percent-encoded, what cannot be encoded left as a question mark. */
function encoded(one: string): string {
  return encodeURIComponent(one.replaceAll(/\p{Cs}/gu, '?'));
}

const withBody = (method: string, at: fc.Arbitrary<string>, body: fc.Arbitrary<unknown>): fc.Arbitrary<Sent> =>
  fc.record({
    method: fc.constant(method),
    path: fc.tuple(at, fc.oneof({ weight: 4, arbitrary: fc.constant('') }, query)).map((parts) => parts.join('')),
    headers: fc.oneof({ weight: 6, arbitrary: fc.constant({}) }, headers),
    body: asText(body),
  });
const withoutBody = (method: string, at: fc.Arbitrary<string>): fc.Arbitrary<Sent> =>
  fc.record({ method: fc.constant(method), path: fc.tuple(at, query).map((parts) => parts.join('')), headers });

const collection = fc.constantFrom('/Users', '/Groups', '/', '', '/Users/', '/groups');
const anywhere = fc.oneof(
  { weight: 6, arbitrary: collection },
  { weight: 2, arbitrary: target },
  fc.constantFrom('/Schemas', '/ResourceTypes', '/ServiceProviderConfig', '/Me', '/.search', '/Bulk', '/Nope'),
  fc.array(text, { maxLength: 4 }).map((parts) => `/${parts.map(encoded).join('/')}`),
);

/** Whether an answer is in SCIM's shape, and says what it must. */
function expectScim(sent: Sent, reply: Reply): void {
  const what = JSON.stringify(sent).slice(0, 2_000);
  const isMe = reply.status === 501 && /^\/me\b/i.test(sent.path);
  if (!isMe && (reply.status >= 500 || reply.text.includes('"status":"5'))) throw new Error(`${reply.status} to ${what}: ${reply.text}`);
  // Headers of more than 16 KB, the URL among them, are refused before anybody could say it in SCIM's shape.
  if (reply.status === 431 && sent.path.length > 8_000) return;
  if (sent.method === 'HEAD') expect([what, reply.text]).toEqual([what, '']);
  else if (reply.status >= 400) expect([what, seen(reply)]).toEqual([what, anError(reply.status, reply.body?.scimType)]);
  else if (reply.text !== '') expect([what, reply.headers.get('content-type')]).toEqual([what, 'application/scim+json']);
}

const withinMilliseconds = 10_000;

async function sendAndCheck(sent: Sent): Promise<Reply> {
  const late = new Promise<never>((_resolve, reject) =>
    setTimeout(
      () => reject(new Error(`no answer in ${withinMilliseconds} ms to ${JSON.stringify(sent).slice(0, 2_000)}`)),
      withinMilliseconds,
    ).unref(),
  );
  const reply = await Promise.race([scim.send(sent), late]);
  expectScim(sent, reply);
  return reply;
}

/** What was accepted is what is there, and can be found, listed, and put again without a change. */
async function expectStored(reply: Reply): Promise<void> {
  const { id, meta } = reply.body;
  const at = `/${meta.resourceType}s/${id}`;
  const { body } = await scim.get(at);
  expect(body).toEqual(reply.body);
  expect((await scim.query(`/${meta.resourceType}s`, { filter: `id eq "${id}"` })).body.Resources).toEqual([body]);
  expect((await scim.put(at, body)).body).toEqual(body);
}

test.each<[string, fc.Arbitrary<Sent>, number]>([
  ['creations', withBody('POST', fc.constantFrom('/Users', '/Groups'), fc.oneof({ weight: 9, arbitrary: resource }, value)), 500],
  ['replacements', withBody('PUT', target, fc.oneof({ weight: 9, arbitrary: resource }, value)), 400],
  ['changes', withBody('PATCH', target, patch), 1_200],
])(
  'G20 generated %s are refused in SCIM shape, or stored as they are answered',
  async (_what, requests, numRuns) => {
    await fc.assert(
      fc.asyncProperty(requests, async (sent) => {
        const reply = await sendAndCheck(sent);
        const whole = !sent.path.includes('?') && reply.status < 300 && reply.body?.meta !== undefined;
        if (whole) await expectStored(reply);
      }),
      { numRuns, endOnFailure: true },
    );
  },
  300_000,
);

test.each<[string, fc.Arbitrary<Sent>, number]>([
  ['queries', withoutBody('GET', anywhere), 1_200],
  ['searches', withBody('POST', fc.constantFrom('/.search', '/Users/.search', '/Groups/.search'), search), 800],
  ['bulk requests', withBody('POST', fc.constant('/Bulk'), bulk), 300],
  [
    'other methods',
    fc.oneof(
      withoutBody('HEAD', anywhere),
      withBody('POST', anywhere, value),
      withBody('PUT', anywhere, value),
      withBody('PATCH', anywhere, value),
      withoutBody('OPTIONS', anywhere),
    ),
    500,
  ],
])(
  'G20 generated %s are answered or refused in SCIM shape',
  async (_what, requests, numRuns) => {
    await fc.assert(
      fc.asyncProperty(requests, async (sent) => {
        await sendAndCheck(sent);
      }),
      { numRuns, endOnFailure: true },
    );
  },
  300_000,
);

test('G20 and the directory goes on as if nothing had been', async () => {
  expect((await scim.get('/Users?count=1000')).status).toBe(200);
  expect((await scim.get('/Groups?count=1000')).status).toBe(200);
  expect((await scim.aUser({ userName: 'afterwards' })).userName).toBe('afterwards');
});
