/** Nobody else: whoever has no credential of the very directory gets nothing, learns nothing, and pays for nothing. */
import { identityProvider, type IdentityProvider, type ScimAnswer } from '#testing';
import { aBroker, type TestBroker } from '../a-broker';

let broker: TestBroker;
let directoryId: string;
let token: string;
let idp: IdentityProvider;

const base = (id: string): string => `${broker.url}/scim/v2/${id}`;

async function aDirectory(): Promise<{ id: string; token: string }> {
  const organization = await broker.call('POST', '/v1/organizations', { body: { name: 'Acme' } });
  const directory = await broker.call('POST', '/v1/directories', { body: { organization_id: organization.body.id, provider: 'okta' } });
  const made = await broker.call('POST', `/v1/directories/${directory.body.id}/bearer_token`, { body: {} });
  return { id: directory.body.id, token: made.body.token };
}

beforeAll(async () => {
  broker = await aBroker();
  ({ id: directoryId, token } = await aDirectory());
  idp = identityProvider({ baseUrl: base(directoryId), token });
});

function comparable({ status, headers, body }: ScimAnswer): object {
  return { status, body, type: headers.get('content-type'), challenge: headers.get('www-authenticate') };
}

const everywhere = [
  '/',
  '/Users',
  '/Users/usr_00000000000000000000000000000000',
  '/Groups',
  '/Schemas',
  '/ServiceProviderConfig',
  '/ResourceTypes',
  '/Me',
  '/Nope',
];

test.each(everywhere)('without a credential %s answers 401 in SCIM shape', async (path) => {
  const answer = await identityProvider({ baseUrl: base(directoryId) }).get(path);
  expect(comparable(answer)).toEqual({
    status: 401,
    type: 'application/scim+json',
    challenge: 'Bearer realm="Causeway SCIM"',
    body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '401', detail: expect.any(String) },
  });
});

test('a directory that is not there, one of others and a wrong token answer alike', async () => {
  const other = await aDirectory();
  const answers = await Promise.all([
    identityProvider({ baseUrl: base('dir_00000000000000000000000000000000'), token }).get('/Users'),
    identityProvider({ baseUrl: base('nonsense'), token }).get('/Users'),
    identityProvider({ baseUrl: base(other.id), token }).get('/Users'),
    identityProvider({ baseUrl: base(directoryId), token: other.token }).get('/Users'),
    identityProvider({ baseUrl: base(directoryId), token: `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}` }).get('/Users'),
    identityProvider({ baseUrl: base(directoryId), token: 'garbage' }).get('/Users'),
  ]);
  const [first, ...rest] = answers.map(comparable);
  expect(first).toMatchObject({ status: 401, challenge: 'Bearer realm="Causeway SCIM", error="invalid_token"' });
  for (const answer of rest) expect(answer).toEqual(first);
});

test('a token counts in the Authorization header alone', async () => {
  const nobody = identityProvider({ baseUrl: base(directoryId) });
  expect((await nobody.get(`/Users?access_token=${token}`)).status).toBe(401);
  const form = await nobody.send({
    method: 'POST',
    path: '/Users',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `access_token=${token}`,
  });
  expect(form.status).toBe(401);
  expect((await idp.get(`/Users?access_token=${token}`)).status).toBe(200);
});

test('the word Bearer may be in any case, or left out', async () => {
  for (const authorization of [`Bearer ${token}`, `bearer ${token}`, `BEARER  ${token}`, token]) {
    expect(
      (await identityProvider({ baseUrl: base(directoryId) }).send({ method: 'GET', path: '/Users', headers: { authorization } })).status,
    ).toBe(200);
  }
  expect(
    (
      await identityProvider({ baseUrl: base(directoryId) }).send({
        method: 'GET',
        path: '/Users',
        headers: { authorization: `Basic ${token}` },
      })
    ).status,
  ).toBe(401);
});

test('a replaced token is refused from the next request on, by every broker', async () => {
  const second = await aBroker({ databaseUrl: broker.db.url, encryptionKey: broker.config.encryptionKey });
  const { id, token: before } = await aDirectory();
  const asks = (url: string, secret: string): Promise<ScimAnswer> =>
    identityProvider({ baseUrl: `${url}/scim/v2/${id}`, token: secret }).get('/Users');
  expect((await asks(broker.url, before)).status).toBe(200);
  expect((await asks(second.url, before)).status).toBe(200);

  const { body } = await broker.call('POST', `/v1/directories/${id}/bearer_token`, { body: {} });
  expect((await asks(second.url, before)).status).toBe(401);
  expect((await asks(broker.url, before)).status).toBe(401);
  expect((await asks(second.url, body.token)).status).toBe(200);

  expect((await broker.call('DELETE', `/v1/directories/${id}/bearer_token`)).status).toBe(204);
  expect((await asks(second.url, body.token)).status).toBe(401);
});

test('a token may live on beside its successor for a while, if asked to', async () => {
  const { id, token: before } = await aDirectory();
  const { body } = await broker.call('POST', `/v1/directories/${id}/bearer_token`, { body: { expire_previous_in: 3600 } });
  for (const secret of [before, body.token]) {
    expect((await identityProvider({ baseUrl: base(id), token: secret }).get('/Users')).status).toBe(200);
  }
});

test("another directory's users and groups are not there, and cannot be members", async () => {
  const other = await aDirectory();
  const otherIdp = identityProvider({ baseUrl: base(other.id), token: other.token });
  const theirs = (await otherIdp.post('/Users', { userName: 'ada@acme.com' })).body as { id: string };
  const path = `/Users/${theirs.id}`;
  const missing = await idp.get('/Users/usr_00000000000000000000000000000000');
  for (const answer of [
    await idp.get(path),
    await idp.put(path, { userName: 'x' }),
    await idp.delete(path),
    await idp.patch(path, { Operations: [{ op: 'replace', path: 'title', value: 'x' }] }),
  ]) {
    expect(comparable(answer)).toEqual(comparable(missing));
  }
  expect((await idp.get(`/Users?filter=${encodeURIComponent(`id eq "${theirs.id}"`)}`)).body).toMatchObject({ totalResults: 0 });
  const group = await idp.post('/Groups', { displayName: 'G', members: [{ value: theirs.id }] });
  expect(group).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
  expect((await otherIdp.get(path)).status).toBe(200);
});

test('a disabled directory answers its IdP 403, and goes on where it was when enabled', async () => {
  const { id, token: own } = await aDirectory();
  const client = identityProvider({ baseUrl: base(id), token: own });
  expect((await client.get('/Users')).status).toBe(200);
  await broker.call('PATCH', `/v1/directories/${id}`, { body: { state: 'disabled' } });
  expect(await client.get('/Users')).toMatchObject({ status: 403, body: { status: '403' } });
  expect((await client.post('/Users', { userName: 'x' })).status).toBe(403);
  await broker.call('PATCH', `/v1/directories/${id}`, { body: { state: 'active' } });
  expect((await client.get('/Users')).body).toMatchObject({ totalResults: 0 });
});
