import { aBroker } from '../../broker/src/a-broker';
import { largeUserId, manyUsers } from '../../broker/src/scim/conformance/a-large-directory';
import { eventually, startProcess } from '#testing';

const users = 3_000;
const mapping = {
  attributes: [{ name: 'even', type: 'string', from: 'userType', pattern: '^person-[0-9]*[02468]$' }],
  roles: { rules: [{ role_from: 'userType', lookup: { 'person-2': 'second' } }] },
  rules: { invalid_value: 'ignore' },
};

interface Values {
  attributes: object;
  roles: object[];
}

const mapped = (userType: string): Values => ({
  attributes: /[02468]$/.test(userType) ? { even: userType } : {},
  roles: userType === 'person-2' ? [{ role: 'second', rule: 0 }] : [],
});

test('a re-mapping ends right though its worker is killed and the identity provider goes on writing: each change is told once', async () => {
  const broker = await aBroker();
  const directory = await broker.aDirectory();
  const { idp } = directory;
  const template = (await idp.post('/Users', { userName: 'template', externalId: 'template', userType: 'template', active: true }))
    .body as { id: string };
  await manyUsers(broker.db.pool, template, users);
  await idp.delete(`/Users/${template.id}`);
  const startWorker = () =>
    startProcess({
      script: 'dist/apps/worker/src/main.js',
      ready: /worker started/,
      env: { DATABASE_URL: broker.db.url, ENCRYPTION_KEY: broker.config.encryptionKey.toString('base64') },
    });
  const worker = await startWorker();

  const types = new Map(Array.from({ length: users }, (_, n) => [largeUserId(n), `person-${n}`]));
  const written = new Set<string>();
  let writing = true;
  const write = async (n: number): Promise<void> => {
    const id = largeUserId(n);
    const userType = `person-${n % 7}`;
    written.add(id);
    const { status } = await idp.patch(`/Users/${id}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'Replace', path: 'userType', value: userType }],
    });
    expect(status).toBe(200);
    types.set(id, userType);
  };
  const lane = async (from: number): Promise<void> => {
    for (let n = from; writing; n = (n + 97 * 2) % users) await write(n);
  };

  const {
    status,
    body: { remap_id: remapId },
  } = await broker.call('PUT', `/v1/directories/${directory.id}/attribute_mapping`, { body: mapping });
  expect(status).toBe(202);
  const lanes = Promise.all([lane(0), lane(1)]);
  const remap = async () => (await broker.call('GET', `/v1/attribute_mapping/remaps/${remapId}`)).body;
  await eventually(async () => (await remap()).users_done > users / 5);
  await worker.kill();
  const killed = await remap();
  expect(killed).toMatchObject({ state: 'running', users_total: users });
  expect(killed.users_done).toBeLessThan(users);
  await broker.db.pool.query('update remaps set lease_until = now()'); // as if its ten seconds had passed
  await startWorker();
  const done = await eventually(async () => {
    const now = await remap();
    return now.state === 'finished' && now;
  });
  writing = false;
  await lanes;

  const told = new Map<string, { last: Values; byMapping: number }>();
  const log = await eventually(async () => {
    const events = [];
    for (let after = ''; ;) {
      const page = (await broker.call('GET', `/v1/events?limit=1000${after && `&after=${after}`}`)).body;
      events.push(...page.data);
      after = page.next_cursor;
      if (!page.has_more) break;
    }
    const {
      rows: [head],
    } = await broker.db.pool.query('select max(sequence) as sequence from directory_heads');
    return events.length === head.sequence && events;
  });
  expect(log.map(({ sequence }) => sequence)).toEqual(log.map((_, i) => i + 1));
  for (const {
    type,
    data: { user, previous, cause },
  } of log.slice(3)) {
    const { last, byMapping } = told.get(user.id) ?? { last: { attributes: {}, roles: [] }, byMapping: 0 };
    expect(type).toBe('user.updated');
    expect([user.id, previous.attributes ?? user.attributes, previous.roles ?? user.roles]).toEqual([user.id, last.attributes, last.roles]);
    told.set(user.id, { last: { attributes: user.attributes, roles: user.roles }, byMapping: byMapping + (cause === 'mapping' ? 1 : 0) });
  }
  expect([...told.values()].reduce((sum, { byMapping }) => sum + byMapping, 0)).toBe(done.users_changed);
  expect(done.users_done).toBe(users);

  const stored = new Map<string, Values>();
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: { data: (Values & { id: string })[]; next_cursor: string | null } = (
      await broker.call('GET', `/v1/directories/${directory.id}/users?limit=1000${cursor && `&cursor=${cursor}`}`)
    ).body;
    for (const { id, attributes, roles } of page.data) stored.set(id, { attributes, roles });
    cursor = page.next_cursor;
  }
  expect(stored).toEqual(new Map([...types].map(([id, userType]) => [id, mapped(userType)])));
  for (const [id, values] of stored) {
    const { last, byMapping } = told.get(id) ?? { last: { attributes: {}, roles: [] }, byMapping: 0 };
    expect([id, last]).toEqual([id, values]);
    if (!written.has(id)) expect([id, byMapping]).toEqual([id, Object.keys(values.attributes).length]);
    else expect(byMapping).toBeLessThanOrEqual(1);
  }
  expect(written.size).toBeGreaterThan(20);
});
