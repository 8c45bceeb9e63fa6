/** G20: whatever is sent, nothing of it makes a 500, and the directory goes on. The tests share a directory. */
import { anError, aScimDirectory, nobody, type ScimUnderTest, searchUrn, seen, theBroker } from './a-scim-directory';

let scim: ScimUnderTest;
let made = 0;

beforeAll(async () => {
  scim = await aScimDirectory();
});

/** As a test’s name shows it. */
const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 60)}… (${text.length} characters)` : text);

const deep = (depth: number, inner: string): string => `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`;
const extension = 'urn:acme:params:scim:schemas:extension:x:2.0:User';

/** JSON as text, because some of it JavaScript would not make. */
const bodies: [string, string][] = [
  ['prototype keys', '{"userName":"a","__proto__":{"x":1},"constructor":{"prototype":{"x":1}},"toString":"x","hasOwnProperty":1}'],
  ['a prototype key in an extension', `{"userName":"a","${extension}":{"__proto__":{"x":1}}}`],
  [
    'more prototype keys in an extension',
    `{"userName":"a","${extension}":{"constructor":{"prototype":1},"toString":"x","hasOwnProperty":1,"valueOf":[]}}`,
  ],
  ['a prototype key for a URN', '{"userName":"a","urn:__proto__":{"x":1},"urn:ietf:constructor":{"x":1}}'],
  ['a prototype key in a complex value', '{"userName":"a","name":{"__proto__":{"givenName":"x"},"constructor":"y"}}'],
  ['NUL in a value', '{"userName":"a\\u0000b"}'],
  ['NUL in an optional value', '{"userName":"a","title":"a\\u0000b"}'],
  ['NUL in externalId', '{"userName":"a","externalId":"\\u0000"}'],
  ['NUL in an unknown name', '{"userName":"a","b\\u0000c":"x"}'],
  ['NUL in an extension’s name', `{"userName":"a","${extension}":{"b\\u0000c":"x"}}`],
  ['NUL in an extension’s URN', '{"userName":"a","urn:x\\u0000y:2.0:User":{"b":"x"}}'],
  ['NUL in the URN of an attribute', '{"userName":"a","urn:x\\u0000y:2.0:User:b":"x"}'],
  ['NUL in schemas', '{"userName":"a","schemas":["urn:\\u0000"]}'],
  ['half a surrogate pair in a value', '{"userName":"\\ud800"}'],
  ['half a surrogate pair in an optional value', '{"userName":"a","emails":[{"value":"\\udc00x"}]}'],
  ['half a surrogate pair in an unknown name', '{"userName":"a","\\ud800":"x"}'],
  ['half a surrogate pair in an extension’s name', `{"userName":"a","${extension}":{"\\ud800":"x"}}`],
  ['half a surrogate pair in an extension’s URN', '{"userName":"a","urn:x\\ud800:User":{"b":"x"}}'],
  ['numbers past 2^53', `{"userName":"a","${extension}":{"n":9007199254740993,"m":1e400,"k":-1e309}}`],
  ['a number for a string', '{"userName":12345678901234567890}'],
  ['9e99', `{"userName":"a","${extension}":{"n":9e99}}`],
  ['depth 1000 in an extension', `{"userName":"a","${extension}":{"x":${deep(1000, '1')}}}`],
  ['depth 1000 in an unknown attribute', `{"userName":"a","x":${deep(1000, '1')}}`],
  ['depth 1000 in a known attribute', `{"userName":"a","emails":${deep(1000, '1')}}`],
  ['depth 100000', deep(100_000, '1')],
  ['an empty name', '{"userName":"a","":"x"}'],
  ['an empty name in an extension', `{"userName":"a","${extension}":{"":"x"}}`],
  ['a long userName', `{"userName":"${'x'.repeat(5_000)}"}`],
  ['a long userName that folds longer', `{"userName":"${'ΐ'.repeat(700)}"}`],
  ['a long e-mail address', `{"userName":"a","emails":[{"value":"${'x'.repeat(5_000)}"}]}`],
  ['a long externalId', `{"userName":"a","externalId":"${'x'.repeat(5_000)}"}`],
  ['100,000 e-mail addresses', `{"userName":"a","emails":[${'{"value":"a"},'.repeat(99_999)}{"value":"a"}]}`],
  ['100,000 attributes', `{"userName":"a","${extension}":{${Array.from({ length: 100_000 }, (_, i) => `"a${i}":1`).join(',')}}}`],
  ['a member that is no id', '{"displayName":"a","members":[{"value":"\\u0000"},{"value":"1"}]}'],
  ['a member that is an object', '{"displayName":"a","members":[{"value":{"a":1}}]}'],
  ['a byte order mark', '\ufeff{"userName":"a"}'],
  ['the same name twice', '{"userName":"a","userName":"b","USERNAME":"c"}'],
  ['a date that is none', '{"userName":"a","meta":{"created":"never"}}'],
];

test.each(bodies)(
  'G20 POST, PUT and PATCH with %s',
  async (_what, body) => {
    const user = await scim.aUser();
    const group = await scim.aGroup();
    /** The body with a name that nobody has. */
    const named = (): string =>
      body.replace('\ufeff', '').replace('{"userName":"a"', `{"userName":"hostile-${(made += 1)}","displayName":"Hostile ${made}"`);
    for (const [method, path, sent] of [
      ['POST', '/Users', body.startsWith('\ufeff') ? `\ufeff${named()}` : named()],
      ['POST', '/Groups', named()],
      ['PUT', `/Users/${user.id}`, named()],
      ['PUT', `/Groups/${group.id}`, named()],
      ['PATCH', `/Users/${user.id}`, `{"Operations":[{"op":"add","value":${named()}}]}`],
      ['PATCH', `/Groups/${group.id}`, `{"Operations":[{"op":"replace","value":${named()}}]}`],
      ['POST', '/Bulk', `{"Operations":[{"method":"POST","bulkId":"1","path":"/Users","data":${named()}}]}`],
    ] as const) {
      const reply = await scim.send({ method, path, body: sent });
      expect([method, path, reply.status < 500, reply.text]).toEqual([method, path, true, reply.text]);
      expect(reply.text).not.toMatch(/"status":"5\d\d"/);
      if (reply.status >= 400) expect(seen(reply)).toEqual(anError(reply.status, reply.body.scimType));
      else if (reply.body?.id)
        expect((await scim.get(path.startsWith('/Users') ? `/Users/${reply.body.id}` : `/Groups/${reply.body.id}`)).body).toEqual(
          reply.body,
        );
    }
    expect((await scim.get('/Users')).status).toBe(200);
    expect(Object.prototype).not.toHaveProperty('x');
  },
  120_000,
);

test.each(
  [
    '__proto__',
    'constructor',
    'toString',
    'name.__proto__',
    'name.constructor',
    'urn:__proto__:x',
    `${extension}:__proto__`,
    `${extension}:constructor`,
    `${extension}:toString`,
    'a\u0000',
    'urn:a\u0000b:c',
    `${extension}:a\u0000`,
    'urn:a\ud800b:c',
    `${extension}:\ud800`,
    'emails[type eq "\u0000"].value',
    'emails[type eq "\ud800"].value',
    'emails[__proto__ eq "x"]',
    'emails[constructor eq "x"].value',
    `emails[${'('.repeat(1000)}type eq "x"${')'.repeat(1000)}]`,
    'x'.repeat(100_000),
    '.',
    '..',
    ':',
    'urn:',
    'urn::',
    '[',
    ']',
    '[]',
    'emails[',
    '\u{1f600}',
    ' ',
    '\n',
    'schemas',
    'meta',
    'id',
    'members',
    'groups',
    'password',
    `${extension}:a.b.c`,
    `${extension}:a[b eq 1].c`,
    'urn:a b:c',
    'http://x/y',
    'http://x/y:z',
  ].map((path) => [shown(path), path]),
)('G20 PATCH with the path %s', async (_shown, path) => {
  const user = await scim.aUser({ emails: [{ value: 'a@b.c', type: 'work' }] });
  const group = await scim.aGroup();
  for (const [target, op, value] of [
    [`/Users/${user.id}`, 'add', 'x'],
    [`/Users/${user.id}`, 'replace', { a: 'x' }],
    [`/Users/${user.id}`, 'add', [{ value: 'x' }]],
    [`/Users/${user.id}`, 'remove', undefined],
    [`/Groups/${group.id}`, 'remove', [{ value: 'x' }]],
  ] as const) {
    const reply = await scim.patch(target, [{ op, path, ...(value !== undefined && { value }) }]);
    expect([op, reply.status < 500, reply.text]).toEqual([op, true, reply.text]);
    expect((await scim.get(target)).status).toBe(200);
    expect((await scim.get(target.split('/').slice(0, 2).join('/'))).status).toBe(200);
  }
});

test.each(
  [
    'userName eq "\\u0000"',
    'userName eq "\\ud800"',
    '__proto__ eq "x"',
    'constructor eq "x"',
    'toString pr',
    'name.__proto__ pr',
    'urn:__proto__:x pr',
    `${extension}:__proto__ eq "x"`,
    `${extension}:constructor eq "x"`,
    'urn:a\u0000b:c eq "x"',
    `${extension}:a\u0000 pr`,
    'urn:a\u0000b pr',
    'urn:a\ud800b:c eq "x"',
    `${extension}:x eq 9e99`,
    `${extension}:x gt 9007199254740993`,
    `${extension}:x eq 1e400`,
    `${extension}:x eq -0`,
    'id eq "1"',
    'id eq "\u{1f600}"',
    'id gt "usr_zzz"',
    'id co "%"',
    'groups.value eq "1"',
    'members.value eq "1"',
    'groups.value co "x"',
    'groups[value eq "1"]',
    'manager eq "x"',
    'schemas eq "x"',
    'schemas pr',
    'schemas co "user"',
    'groups pr',
    'meta.created gt "9999-12-31T23:59:59Z"',
    'meta.created gt "0000-01-01T00:00:00Z"',
    'meta.created eq "never"',
    'meta.version eq "x"',
    'meta.location sw "x"',
    'meta pr',
    'meta.resourceType ne "User"',
    'meta eq "x"',
    `${'('.repeat(1000)}userName pr${')'.repeat(1000)}`,
    `${'not ('.repeat(1000)}userName pr${')'.repeat(1000)}`,
    Array.from({ length: 200 }, () => 'userName pr').join(' or '),
    `emails[${'('.repeat(40)}value pr${')'.repeat(40)}]`,
    'x509Certificates gt "x"',
    'active co "t"',
    'emails[value[value eq "x"]]',
    'emails.value.value eq "x"',
    `userName eq "${'x'.repeat(4_000)}"`,
    'userName\neq "x"',
    "userName eq 'x'",
    'password eq "x"',
    '\u0000',
    '%',
    '$',
    '@',
    `${extension}:"x" eq "y"`,
    `${extension}:a\\b eq "y"`,
    `${extension}:$ref eq "y"`,
    `${extension}:@ eq "y"`,
    `${extension}:a* eq "y"`,
    `${extension}:a?b pr`,
    "urn:x'y:z pr",
  ].map((filter) => [shown(filter), filter]),
)('G20 the filter %s', async (_shown, filter) => {
  await scim.aUser({ [extension]: { x: 9e15 } });
  for (const reply of [
    ...(/[\ud800-\udfff]/.test(filter) ? [] : [await scim.query('/Users', { filter }), await scim.query('/Groups', { filter })]),
    await scim.post('/Users/.search', { schemas: [searchUrn], filter, sortBy: 'userName' }),
    await scim.post('/.search', { schemas: [searchUrn], filter }),
  ]) {
    expect([filter, reply.status < 500, reply.text]).toEqual([filter, true, reply.text]);
    if (reply.status >= 400) expect(seen(reply)).toEqual(anError(400, 'invalidFilter'));
  }
});

test('G20 odd ids and paths are 404, or 400 where they cannot be decoded', async () => {
  for (const path of [
    '/Users/1',
    '/Users/%00',
    '/Users/%F0%9F%98%80',
    '/Users/__proto__',
    '/Users/constructor',
    "/Users/'",
    '/Users/usr_x',
    `/Users/${'x'.repeat(8_000)}`,
    `/Users/${nobody.toUpperCase()}`,
    `/Users/${nobody}%20`,
    '/Users/..%2F..%2F',
    '/Groups/%00',
    '/Groups/usr_',
    '/__proto__',
    '/constructor',
    '/Schemas/__proto__',
    '/Schemas/%00',
    '/ResourceTypes/constructor',
    '/%00',
  ]) {
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const reply = await scim.send({ method, path, ...(method === 'PUT' && { body: { userName: 'x', displayName: 'x' } }) });
      expect([path, method, [404, 405].includes(reply.status)]).toEqual([path, method, true]);
      expect(seen(reply)).toEqual(anError(reply.status));
    }
  }
  for (const path of ['/Users/%zz', '/Users/%', '/%E0%A4%A', '/Users/%ff']) {
    const reply = await scim.get(path);
    expect([path, seen(reply)]).toEqual([path, anError(400, 'invalidSyntax')]);
  }
});

test('G20 odd numbers', async () => {
  await scim.aUser();
  for (const value of ['9e99', '1e3', 'NaN', 'Infinity', '1.5', 'abc', '0x10', '--1', '१', ' ', '1;drop table users']) {
    expect([value, seen(await scim.query('/Users', { startIndex: value }))]).toEqual([value, anError(400, 'invalidValue')]);
    expect([value, seen(await scim.query('/Users', { count: value }))]).toEqual([value, anError(400, 'invalidValue')]);
  }
  for (const value of ['99999999999999999999999999', '9007199254740993', '2147483648', '-99999999999999999999']) {
    expect([value, (await scim.query('/Users', { startIndex: value })).status]).toEqual([value, 200]);
    expect([value, (await scim.query('/Users', { count: value })).status]).toEqual([value, 200]);
  }
});

test('G20 what was odd is kept in the request log, and nothing of what was sent beside it is lost', async () => {
  const { call } = await theBroker();
  const own = await aScimDirectory();
  await own.get('/Users/%00');
  await own.post('/Users', '{"userName":"a\\u0000b","c\\u0000":"\\ud800"}');
  await own.post('/Users', '{"userName":"ok","c\\u0000":"\\ud800","\\udc00":1}');
  await own.send({ method: 'PATCH', path: '/Users/%00', body: '{"Operations":[{"op":"add","path":"x\\u0000","value":"\\ud800"}]}' });
  await own.get('/Users?foo=%00');
  const requests = async () => (await call('GET', `/v1/directories/${own.id}/requests`)).body.data;
  while ((await requests()).length < 5) await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await requests()).map((one: { method: string; status: number }) => [one.method, one.status])).toEqual([
    ['GET', 200],
    ['PATCH', 404],
    ['POST', 201],
    ['POST', 400],
    ['GET', 404],
  ]);
});
