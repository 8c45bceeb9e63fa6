import { aBroker, type TestBroker } from '../a-broker';

let broker: TestBroker;
beforeAll(async () => {
  broker = await aBroker();
});

const create = (key: string, body: unknown, path = '/v1/organizations') =>
  broker.call('POST', path, { body, headers: { 'Idempotency-Key': key } });

test('the same key and body get the same answer, and it is done once', async () => {
  const first = await create('once', { name: 'Once', metadata: { a: 1, b: [2] } });
  const again = await create('once', { metadata: { b: [2], a: 1 }, name: 'Once' });
  expect([again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([201, first.text, 'true']);
  expect(first.headers.get('idempotent-replayed')).toBeNull();
  expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
  expect(await countOf('Once')).toBe(1);
});

test('the same key on another body or path is refused', async () => {
  await create('other', { name: 'Other' });
  for (const answer of [
    await create('other', { name: 'Another' }),
    await create('other', { name: '' }),
    await create('other', { name: 'Other' }, '/v1/api_keys'),
  ]) {
    expect([answer.status, answer.body.code]).toEqual([409, 'idempotency_key_reused']);
  }
});

test('of many twins at once one is done; the others are told to wait, or get its answer', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => create('twins', { name: 'Twins' })));
  const made = answers.filter(({ status }) => status === 201);
  expect(new Set(made.map(({ text }) => text)).size).toBe(1);
  for (const { status, body } of answers) if (status !== 201) expect([status, body.code]).toEqual([409, 'idempotency_key_in_use']);
  expect(await countOf('Twins')).toBe(1);
  expect((await create('twins', { name: 'Twins' })).text).toBe(made[0]?.text);
});

test('a secret in an answer is answered again, and is nowhere in the database in the clear', async () => {
  const first = await create('secret', { name: 'key' }, '/v1/api_keys');
  const again = await create('secret', { name: 'key' }, '/v1/api_keys');
  expect(again.body.key).toBe(first.body.key);

  for (const table of ['idempotency_keys', 'api_keys']) {
    const { rows } = await broker.db.pool.query<Record<string, unknown>>(`select * from ${table}`);
    expect(rows.length).toBeGreaterThan(0);
    for (const value of rows.flatMap((row) => Object.values(row))) {
      expect(Buffer.isBuffer(value) ? value.toString('latin1') : String(value)).not.toContain(first.body.key.slice(4));
    }
  }
});

test('a refusal that says what became of the call is kept; a body that may be put right is not', async () => {
  await create('gone', { name: 'Taken', external_id: 'x1' });
  const refused = await create('refused', { name: 'Two', external_id: 'x1' });
  expect(refused.status).toBe(409);
  const [organization] = (await broker.call('GET', '/v1/organizations?external_id=x1')).body.data;
  await broker.call('DELETE', `/v1/organizations/${organization.id}`);
  const again = await create('refused', { name: 'Two', external_id: 'x1' });
  expect([again.status, again.body, again.headers.get('content-type')]).toEqual([409, refused.body, 'application/problem+json']);

  expect((await create('put right', { name: 'x' })).status).toBe(400); // a key without spaces, please
  expect((await create('put-right', { nam: 'x' })).status).toBe(400);
  expect((await create('put-right', { name: 'x' })).status).toBe(201);
});

test('two environments may use the same key', async () => {
  const stranger = await broker.stranger();
  await create('shared', { name: 'Ours' });
  const theirs = await broker.call('POST', '/v1/organizations', {
    key: stranger,
    body: { name: 'Theirs' },
    headers: { 'Idempotency-Key': 'shared' },
  });
  expect([theirs.status, theirs.body.name]).toEqual([201, 'Theirs']);
});

test('what a process that died left behind is void after a minute, and an answer after a day', async () => {
  const { pool } = broker.db;
  const environment = "(select id from environments where name = 'default')";
  await pool.query(`insert into idempotency_keys (environment_id, key, request_hash, created_at) select ${environment}, k, '\\x00', now() - age
                      from (values ('died', interval '61 seconds'), ('dying', interval '50 seconds')) as v (k, age)`);
  expect((await create('died', { name: 'Resumed' })).status).toBe(201);
  expect((await create('dying', { name: 'Resumed' })).body.code).toBe('idempotency_key_reused');

  await create('yesterday', { name: 'Before' });
  await pool.query("update idempotency_keys set created_at = now() - interval '25 hours' where key = 'yesterday'");
  expect((await create('yesterday', { name: 'After' })).body.name).toBe('After');
});

test('a key on anything but a POST means nothing', async () => {
  const answer = await broker.call('GET', '/v1/organizations', { headers: { 'Idempotency-Key': 'spaces are fine here' } });
  expect(answer.status).toBe(200);
});

async function countOf(name: string): Promise<number> {
  const { body } = await broker.call('GET', '/v1/organizations?limit=1000');
  return body.data.filter((organization: { name: string }) => organization.name === name).length;
}
