/** What a request is of before it is text: bytes in an encoding, and no more of them than are read (RFC 3986 §2.5, RFC 8259 §8.1, RFC 9110 §15.5). */
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { anError, aScimDirectory, patchUrn, type ScimUnderTest, seen, theBroker, userUrn } from './a-scim-directory';
import { rawRequest } from './a-raw-request';

let scim: ScimUnderTest;

beforeEach(async () => {
  scim = await aScimDirectory();
});

const json = { 'content-type': 'application/scim+json' };
const body = (userName: string, encoding: BufferEncoding): Buffer =>
  Buffer.from(JSON.stringify({ schemas: [userUrn], userName }), encoding);

test.each([
  ['ISO 8859-1', Buffer.from([0xfc])],
  ['half a character', Buffer.from([0xc3])],
  ['an overlong slash', Buffer.from([0xc0, 0xaf])],
  ['half a surrogate pair', Buffer.from([0xed, 0xa0, 0x80])],
  ['a byte that UTF-8 does not have', Buffer.from([0xff])],
])('G7 a body that is not UTF-8 is invalidSyntax, whether it says so or not: %s', async (_what, bytes) => {
  const user = await scim.aUser();
  const sent = (text: string): Buffer =>
    Buffer.concat(text.split('*').flatMap((part, i) => [...(i > 0 ? [bytes] : []), Buffer.from(part)]));
  const create = sent(`{"schemas":["${userUrn}"],"userName":"j*rgen@acme.test"}`);
  const patch = sent(`{"schemas":["${patchUrn}"],"Operations":[{"op":"add","path":"title","value":"*"}]}`);
  const search = sent('{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"userName eq \\"j*rgen\\""}');
  const bulk = sent(
    `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"*"}}]}`,
  );
  for (const type of ['application/scim+json', 'application/json; charset=utf-8', 'application/scim+json;charset="UTF8"', undefined]) {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    for (const [method, path, bytesSent] of [
      ['POST', '/Users', create],
      ['PUT', `/Users/${user.id}`, create],
      ['PATCH', `/Users/${user.id}`, patch],
      ['POST', '/Users/.search', search],
      ['POST', '/Bulk', bulk],
    ] as const)
      expect([method, path, type, seen(await rawRequest(scim, method, path, headers, bytesSent))]).toEqual([
        method,
        path,
        type,
        anError(400, 'invalidSyntax'),
      ]);
  }
  const zipped = await rawRequest(scim, 'POST', '/Users', { ...json, 'content-encoding': 'gzip' }, gzipSync(create));
  expect(seen(zipped)).toEqual(anError(400, 'invalidSyntax'));
  expect((await scim.get('/Users')).body.totalResults).toBe(1);
});

test('G7 a body in another encoding is read by it where it says so', async () => {
  const latin = await rawRequest(
    scim,
    'POST',
    '/Users',
    { 'content-type': 'application/json; charset=iso-8859-1' },
    body('jürgen', 'latin1'),
  );
  const utf16 = await rawRequest(
    scim,
    'POST',
    '/Users',
    { 'content-type': 'application/json; charset=utf-16le' },
    body('jörgen', 'utf16le'),
  );
  expect([latin.body.userName, utf16.body.userName]).toEqual(['jürgen', 'jörgen']);
});

test.each(['%FC', '%fc', '%C3', '%C3%28', '%C0%AF', '%ED%A0%80', '%F5%80%80%80', '%ZZ', '%', '%4', '%u00fc'])(
  'G18 a query that cannot be decoded is invalidFilter, and nobody is found to be missing: %s',
  async (bytes) => {
    const user = await scim.aUser();
    for (const path of [
      `/Users?filter=userName+eq+"j${bytes}rgen@acme.test"`,
      `/Groups?filter=displayName%20eq%20%22${bytes}%22`,
      `/Users?count=1&filter=userName+eq+"x"&attributes=${bytes}`,
      `/Users/${user.id}?attributes=${bytes}`,
      `/?filter=userName+eq+"${bytes}"`,
      `/Users?fil${bytes}ter=x`,
    ])
      expect([path, seen(await rawRequest(scim, 'GET', path, {}))]).toEqual([path, anError(400, 'invalidFilter')]);
    expect(seen(await scim.post(`/Users?attributes=${bytes}`, { schemas: [userUrn], userName: 'bob' }))).toEqual(
      anError(400, 'invalidFilter'),
    );
    expect((await scim.get('/Users')).body.totalResults).toBe(1);
  },
);

test('G18 what is percent-encoded as it should be is read, a percent sign as well', async () => {
  await scim.aUser({ userName: 'jürgen@acme.test' });
  await scim.aUser({ userName: '100%' });
  expect((await rawRequest(scim, 'GET', '/Users?filter=userName+eq+"j%C3%BCrgen@acme.test"', {})).body.totalResults).toBe(1);
  expect((await rawRequest(scim, 'GET', '/Users?filter=userName+eq+"100%25"', {})).body.totalResults).toBe(1);
});

test('G8 a URL that is too long is 414, in SCIM shape, up to any length', async () => {
  const fits = `/Users?foo=${'x'.repeat(14_000)}`;
  expect((await rawRequest(scim, 'GET', fits, {})).status).toBe(200);
  for (const length of [14_400, 15_900, 17_000, 33_000, 300_000]) {
    const path = `/Users?filter=${encodeURIComponent(`userName eq "${'x'.repeat(length)}"`)}`;
    expect([length, seen(await rawRequest(scim, 'GET', path, {}))]).toEqual([length, anError(414)]);
  }
  expect(seen(await rawRequest(scim, 'DELETE', `/Users/${'x'.repeat(40_000)}`, {}))).toEqual(anError(414));
  expect(seen(await rawRequest(scim, 'GET', '/Users', { 'x-large': 'x y '.repeat(20_000) }))).toEqual(anError(431));
  // Without a credential nobody is told anything but that they need one.
  const stranger = await fetch(`${scim.url}/Users?foo=${'x'.repeat(15_000)}`);
  expect(stranger.status).toBe(401);
});

test('G8 a URL that comes in small pieces is refused as one that comes at once', async () => {
  const { port, hostname, pathname } = new URL(scim.url);
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (part) => (answer += part.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
    socket.write(`GET ${pathname}/Users?filter=`);
    const more = setInterval(() => {
      if (answer !== '') clearInterval(more);
      else socket.write('x'.repeat(1_000));
    }, 1);
  });
  expect(text).toMatch(/^HTTP\/1\.1 414 [\s\S]*application\/scim\+json[\s\S]*"status":"414"/);
});

test('G2 a body in a compression that nobody reads is refused with those that are', async () => {
  for (const encoding of ['compress', 'rot13', ...('createZstdDecompress' in (await import('node:zlib')) ? [] : ['zstd'])]) {
    const reply = await rawRequest(scim, 'POST', '/Users', { ...json, 'content-encoding': encoding }, body('x', 'utf8'));
    expect(seen(reply)).toEqual(anError(415));
    expect(reply.headers.get('accept-encoding')).toMatch(/^gzip, deflate, br/);
  }
});

test('the same holds at the API, the token endpoint and the console', async () => {
  const broker = await theBroker();
  const bytes = Buffer.concat([Buffer.from('{"name":"J'), Buffer.from([0xfc]), Buffer.from('rgen"}')]);
  const send = async (path: string, init: RequestInit): Promise<[number, unknown]> => {
    const answer = await fetch(broker.url + path, init);
    const said: any = await answer.json();
    return [answer.status, said.code ?? said.error];
  };
  const authorization = `Bearer ${broker.apiKey}`;
  const post = { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: bytes };
  expect(await send('/v1/organizations', post)).toEqual([400, 'invalid_json']);
  const page = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', 'x-causeway-page': '1' };
  const signIn = await rawRequest({ url: broker.url, token: broker.apiKey }, 'POST', '/console/api/session', page, bytes);
  expect([signIn.status, signIn.body.code]).toEqual([400, expect.stringMatching(/^invalid_/)]);
  expect(await send('/v1/organizations?external_id=J%FCrgen', { headers: { authorization } })).toEqual([400, 'invalid_request']);
  expect(await send(`/v1/organizations?external_id=${'x'.repeat(15_000)}`, { headers: { authorization } })).toEqual([414, 'url_too_long']);
  expect(await send(`/v1/organizations?external_id=${'x'.repeat(40_000)}`, { headers: { authorization } })).toEqual([414, 'url_too_long']);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  for (const body of ['grant_type=client_credentials&scope=%FC', 'grant_type=%ZZ'])
    expect(await send(`/oauth/${scim.id}/token`, { method: 'POST', headers: form, body })).toEqual([400, 'invalid_request']);
  const zipped = await fetch(`${broker.url}/v1/organizations`, { ...post, headers: { ...post.headers, 'content-encoding': 'compress' } });
  expect([zipped.status, zipped.headers.get('accept-encoding')?.startsWith('gzip, deflate, br')]).toEqual([415, true]);
});
