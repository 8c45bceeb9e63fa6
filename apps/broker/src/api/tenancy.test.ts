import { newId, publicId } from '#identifier';
import { aBroker, type TestBroker } from '../a-broker';
import type { ApiRoute } from './route';
import { routes } from './routes';

let broker: TestBroker;
let stranger: string;
/** One id of each kind, all of the first environment's. */
let ours: Record<string, string>;

beforeAll(async () => {
  broker = await aBroker();
  stranger = await broker.stranger();
  broker.sequence();
  const { id, organizationId, idp } = await broker.aDirectory();
  const user: any = (await idp.post('/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada@acme.com' })).body;
  const group: any = (
    await idp.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Eng',
      members: [{ value: user.id }],
    })
  ).body;
  const endpoint = await broker.call('POST', '/v1/webhook_endpoints', { body: { url: 'http://127.0.0.1:9/', start: 'beginning' } });
  const key = await broker.call('POST', '/v1/api_keys', { body: { name: 'ours' } });
  const client = await broker.call('POST', `/v1/directories/${id}/oauth_clients`, { body: { grant_type: 'client_credentials' } });
  const token = await broker.call('POST', `/v1/directories/${id}/bearer_tokens`, { body: { name: 'ours' } });
  const mapping = await broker.call('PUT', '/v1/attribute_mapping', { body: { roles: { default: 'ours' } } });
  let events: { id: string }[] = [];
  while (events.length === 0) events = (await broker.call('GET', '/v1/events?wait=5')).body.data;
  ours = {
    org: organizationId,
    dir: id,
    usr: user.id,
    grp: group.id,
    we: endpoint.body.id,
    key: key.body.id,
    oac: client.body.id,
    tok: token.body.id,
    rmp: mapping.body.remap_id,
    evt: events[0]?.id ?? '',
  };
}, 60_000);

const withIds = routes.filter((route) => Object.keys(route.params).length > 0);

test.each(withIds.map((route) => [route.method.toUpperCase(), route.path, route] as const))(
  "%s %s answers for another environment's id as for one that never was",
  async (_method, _path, route) => {
    const known = await callWith(route, (prefix) => ours[prefix] ?? '', stranger);
    const invented = await callWith(route, (prefix) => publicId(prefix as 'org', newId()), stranger);
    expect(known.answer.status).toBe(404);
    expect(masked(known)).toEqual(masked(invented));
    expect(known.answer.headers.get('content-type')).toBe(invented.answer.headers.get('content-type'));
  },
);

test('and each of those ids opens something for its owner, or the test above would prove nothing', async () => {
  const safe = withIds.filter((route) => route.method === 'get');
  for (const route of safe) {
    const { answer } = await callWith(route, (prefix) => ours[prefix] ?? '', broker.apiKey);
    expect([route.path, answer.status]).toEqual([route.path, 200]);
  }
});

test.each(
  routes
    .filter(
      (route) =>
        Object.keys(route.params).length === 0 &&
        route.method === 'get' &&
        route.caller === 'environment' &&
        !route.path.endsWith('/stream'),
    )
    .map((route) => [route.path, Object.keys(route.query)] as const),
)('GET %s shows a stranger nothing of ours', async (path, parameters) => {
  const queries = ['', `organization_id=${ours.org}`, `directory_id=${ours.dir}`, `email=ada@acme.com&organization_id=${ours.org}`];
  for (const query of queries.filter((one) => [...new URLSearchParams(one).keys()].every((name) => parameters.includes(name)))) {
    const answer = await broker.call('GET', `${path}?${query}`, { key: stranger });
    // The stranger's own key is all there is.
    const text = path === '/v1/api_keys' ? answer.text.replace(/"key_\w+"/, '') : answer.text;
    for (const [prefix, id] of Object.entries(ours)) if (!query.includes(id)) expect([prefix, text.includes(id)]).toEqual([prefix, false]);
    if (path === '/v1/attribute_mapping') expect(answer.body.roles.default).toBeNull();
    else if (answer.status === 200 && path !== '/v1/api_keys') expect(answer.body.data).toEqual([]);
  }
});

test("bodies and queries that name another environment's ids are answered as for ids that never were", async () => {
  const calls = (org: string, dir: string, evt: string): [string, string, unknown?][] => [
    ['POST', '/v1/directories', { organization_id: org, provider: 'entra' }],
    ['POST', '/v1/webhook_endpoints', { url: 'http://127.0.0.1:9/', organization_id: org }],
    ['GET', `/v1/access?email=ada@acme.com&organization_id=${org}`],
    ['GET', `/v1/directories?organization_id=${org}`],
    ['GET', `/v1/events?organization_id=${org}`],
    ['GET', `/v1/events?directory_id=${dir}`],
    ['GET', `/v1/events?after=${evt}`],
  ];
  const known = calls(ours.org ?? '', ours.dir ?? '', ours.evt ?? '');
  const invented = calls(publicId('org', newId()), publicId('dir', newId()), publicId('evt', newId()));
  for (const [i, [method, path, body]] of known.entries()) {
    const [, otherPath = '', otherBody] = invented[i] ?? [];
    const [one, other] = [
      await broker.call(method, path, { key: stranger, body }),
      await broker.call(method, otherPath, { key: stranger, body: otherBody }),
    ];
    expect([path, one.status, withoutIds(one.text)]).toEqual([path, other.status, withoutIds(other.text)]);
  }
});

test("a cursor of another environment's is refused like one that nobody gave", async () => {
  const { next_cursor: cursor } = (await broker.call('GET', '/v1/events')).body;
  const [theirs, nobodys] = [
    await broker.call('GET', `/v1/events?after=${cursor}`, { key: stranger }),
    await broker.call('GET', '/v1/events?after=xyz', { key: stranger }),
  ];
  expect([theirs.status, theirs.body]).toEqual([400, nobodys.body]);
});

test.each(routes.map((route) => [route.method.toUpperCase(), route.path, route] as const))(
  '%s %s is shut to whoever has no key',
  async (_method, _path, route) => {
    const { answer } = await callWith(route, (prefix) => ours[prefix] ?? '', null);
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
  },
);

async function callWith(route: ApiRoute, idOf: (prefix: string) => string, key: string | null) {
  const ids: string[] = [];
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const id = name in route.names ? String(route.names[name]?.examples?.[0]) : idOf(route.params[name] ?? '');
    ids.push(id);
    return id;
  });
  const body: unknown = route.body?.examples?.[0] ?? (route.body ? {} : undefined);
  return { ids, answer: await broker.call(route.method.toUpperCase(), path, { key, ...(body !== undefined && { body }) }) };
}

function masked({ ids, answer }: { ids: string[]; answer: { text: string } }): string {
  return ids.reduce((text, id) => text.replaceAll(id, '…'), answer.text);
}

function withoutIds(text: string): string {
  return text.replaceAll(/_[0-9a-f]{32}/g, '_…').replaceAll(/"next_cursor":"[^"]*"/g, '');
}
