import { aBroker, type TestBroker } from '../a-broker';
import { allow } from '../oauth/a-browser';
import { anAdminsBrowser, anOAuthClient, authorizeAddress } from '../oauth/an-oauth-client';

let broker: TestBroker;
beforeAll(async () => {
  broker = await aBroker({ operatorApiKey: 'an operator of this'.replaceAll(' ', '-') });
});

const acts = async (key?: string): Promise<any[]> =>
  (await broker.call('GET', '/v1/audit_log', key === undefined ? {} : { key })).body.data;

test('what an API key changes is noted: who, what, when and from where, in names alone', async () => {
  const { id } = await broker.aDirectory();
  const changed = await broker.call('PATCH', `/v1/directories/${id}`, {
    body: { name: 'a-secret-of-ours', basic_auth: true },
    headers: { 'user-agent': 'vendor/1.0' },
  });
  const client = await broker.call('POST', `/v1/directories/${id}/oauth_clients`, { body: { grant_type: 'client_credentials' } });
  await broker.call('DELETE', `/v1/directories/${id}/oauth_clients/${client.body.id}`);

  const [deleted, made, patched] = await acts();
  expect(patched).toEqual({
    id: expect.stringMatching(/^act_[0-9a-f]{32}$/),
    at: expect.any(String),
    actor: { type: 'api_key', id: expect.stringMatching(/^key_/), name: 'first key' },
    act: 'changeDirectory',
    targets: [id],
    fields: ['name', 'basic_auth'],
    request_id: changed.headers.get('x-request-id'),
    remote_address: '127.0.0.1',
    user_agent: 'vendor/1.0',
  });
  expect([made.act, made.targets]).toEqual(['createOAuthClient', [id, client.body.id]]);
  expect([deleted.act, deleted.targets]).toEqual(['deleteOAuthClient', [id, client.body.id]]);
  expect(JSON.stringify(await acts())).not.toContain('a-secret-of-ours');
});

test('what only looks, and what was refused, is not noted; what is asked for twice under one key is noted once', async () => {
  const { id } = await broker.aDirectory();
  const before = (await acts()).length;
  await broker.call('GET', `/v1/directories/${id}`);
  await broker.call('PATCH', `/v1/directories/${id}`, { body: { state: 'nonsense' } });
  await broker.call('DELETE', '/v1/directories/dir_00000000000000000000000000000000');
  expect((await acts()).length).toBe(before);

  for (let i = 0; i < 2; i++) await broker.call('POST', `/v1/directories/${id}/setup_link`, { headers: { 'idempotency-key': 'once' } });
  expect((await acts()).length).toBe(before + 1);
});

test('an IT admin who opens a link and lets an identity provider in is noted; who declines is not', async () => {
  const { id } = await broker.aDirectory();
  const client = await anOAuthClient(broker, id, 'authorization_code');
  const browser = await anAdminsBrowser(broker, id);
  await browser.press(await browser.open(authorizeAddress(client)), { name: 'decision', value: 'decline' });
  await browser.press(await browser.open(authorizeAddress(client)), allow);
  const [allowed, opened, linked] = await acts();
  expect([allowed.act, allowed.actor, allowed.targets]).toEqual([
    'allowOAuthClient',
    { type: 'it_admin', id: null, name: null },
    [id, client.id],
  ]);
  expect([opened.act, opened.actor.type, opened.targets]).toEqual(['openSetupLink', 'it_admin', [id]]);
  expect([linked.act, linked.actor.type]).toEqual(['createSetupLink', 'api_key']);
});

test('an environment sees its own entries alone, the one by which the operator made it among them', async () => {
  const made = await broker.call('POST', '/v1/environments', { key: broker.config.operatorApiKey ?? '', body: { name: 'theirs' } });
  await broker.call('POST', '/v1/api_keys', { key: made.body.api_key, body: { name: 'second' } });
  const theirs = await acts(made.body.api_key);
  expect(theirs.map(({ act, actor, targets }) => [act, actor.type, targets])).toEqual([
    ['createApiKey', 'api_key', [expect.stringMatching(/^key_/)]],
    ['createEnvironment', 'operator', [made.body.id]],
  ]);
  const ours = (await acts()).map(({ id }) => id);
  for (const { id } of theirs) expect(ours).not.toContain(id);
});

test('it is read a page at a time, newest first', async () => {
  const all = await acts();
  const read = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await broker.call('GET', `/v1/audit_log?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
    read.push(...body.data);
    cursor = body.next_cursor;
  }
  expect(read).toEqual(all);
  expect(read.map(({ id }) => id)).toEqual(read.map(({ id }) => id).sort((one, other) => (one < other ? 1 : -1)));
});

test('whoever made an entry may go, and the entry stays as it was', async () => {
  const key = (await broker.call('POST', '/v1/api_keys', { body: { name: 'leaving' } })).body;
  await broker.call('POST', '/v1/organizations', { key: key.key, body: { name: 'Acme' } });
  await broker.call('DELETE', `/v1/api_keys/${key.id}`);
  expect((await acts()).find(({ actor }) => actor.name === 'leaving')).toMatchObject({
    act: 'createOrganization',
    actor: { type: 'api_key', id: key.id },
  });
});
