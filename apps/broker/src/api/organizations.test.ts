import { publicId, newId } from '#identifier';
import { aBroker, type TestBroker } from '../a-broker';

let broker: TestBroker;
beforeAll(async () => {
  broker = await aBroker();
});

test('an organization is made, read, changed and deleted', async () => {
  const whole = {
    name: 'Acme',
    external_id: 'acme',
    domains: ['acme.com'],
    contacts: ['it@acme.com'],
    metadata: { plan: 'gold', deep: [{ x: null }] },
    seat_limit: 10,
    seat_mode: 'expand',
    seat_ceiling: 20,
  };
  const made = await broker.call('POST', '/v1/organizations', { body: whole });
  expect([made.status, made.body]).toEqual([
    201,
    {
      id: expect.stringMatching(/^org_[0-9a-f]{32}$/),
      ...whole,
      seats_used: 0,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: expect.any(String),
    },
  ]);
  const path = `/v1/organizations/${made.body.id}`;
  expect((await broker.call('GET', path)).body).toEqual(made.body);
  expect((await broker.call('GET', '/v1/organizations?external_id=acme')).body.data).toEqual([made.body]);
  expect((await broker.call('GET', '/v1/organizations?external_id=ACME')).body.data).toEqual([]);

  const changed = await broker.call('PATCH', path, { body: { name: 'Acme Inc', seat_limit: null, external_id: null, metadata: {} } });
  expect(changed.body).toEqual({
    ...made.body,
    name: 'Acme Inc',
    seat_limit: null,
    external_id: null,
    metadata: {},
    updated_at: changed.body.updated_at,
  });
  expect((await broker.call('GET', path)).body).toEqual(changed.body);

  expect((await broker.call('DELETE', path)).status).toBe(204);
  for (const method of ['GET', 'DELETE']) expect((await broker.call(method, path)).status).toBe(404);
  expect((await broker.call('PATCH', path, { body: {} })).status).toBe(404);
});

test("an external_id is one organization's", async () => {
  await broker.call('POST', '/v1/organizations', { body: { name: 'One', external_id: 'taken' } });
  const other = await broker.call('POST', '/v1/organizations', { body: { name: 'Two' } });
  const detail = 'another organization already has the external_id "taken"';
  for (const answer of [
    await broker.call('POST', '/v1/organizations', { body: { name: 'Two', external_id: 'taken' } }),
    await broker.call('PATCH', `/v1/organizations/${other.body.id}`, { body: { external_id: 'taken' } }),
  ]) {
    expect([answer.status, answer.body.code, answer.body.errors]).toEqual([
      409,
      'external_id_taken',
      [{ pointer: '/external_id', detail }],
    ]);
  }
});

describe('a body that does not fit is refused, and each fault pointed at:', () => {
  const fields = 'name, external_id, domains, contacts, metadata, seat_limit, seat_mode, seat_ceiling';
  test.each<[string, unknown, object[]]>([
    ['a missing field', {}, [{ pointer: '/name', detail: 'is required' }]],
    ['an unknown field', { name: 'x', 'na/me~': 1 }, [{ pointer: '/na~1me~0', detail: `is not a field here; the fields are ${fields}` }]],
    ['a number for a text', { name: 5 }, [{ pointer: '/name', detail: 'must be a string' }]],
    ['a text for a number', { name: 'x', seat_limit: '5' }, [{ pointer: '/seat_limit', detail: 'must be a whole number or null' }]],
    ['a fraction', { name: 'x', seat_limit: 1.5 }, [{ pointer: '/seat_limit', detail: 'must be a whole number or null' }]],
    [
      'a word that is none of them',
      { name: 'x', seat_mode: 'deny' },
      [{ pointer: '/seat_mode', detail: 'must be one of "reject", "expand", "observe"' }],
    ],
    [
      'a bad address in a list',
      { name: 'x', contacts: ['a@b.example', 'it at acme'] },
      [{ pointer: '/contacts/1', detail: 'must be an e-mail address' }],
    ],
    [
      'no domain',
      { name: 'x', domains: ['https://acme.com/'] },
      [{ pointer: '/domains/0', detail: 'must be a domain name such as acme.com' }],
    ],
    [
      'several at once',
      { name: '', seat_limit: -1 },
      [
        { pointer: '/name', detail: 'must NOT have fewer than 1 characters' },
        { pointer: '/seat_limit', detail: 'must be >= 0' },
      ],
    ],
    ['an array', [], [{ pointer: '', detail: 'must be an object' }]],
    ['null', null, [{ pointer: '', detail: 'must be an object' }]],
    [
      'a character that is no text',
      { name: 'x', metadata: { a: ['\u0000'] } },
      [{ pointer: '/metadata/a/0', detail: 'holds a character that is no text (U+0000, or half a surrogate pair)' }],
    ],
    [
      'half a surrogate pair',
      { name: 'x\ud800' },
      [{ pointer: '/name', detail: 'holds a character that is no text (U+0000, or half a surrogate pair)' }],
    ],
  ])('%s', async (_, body, errors) => {
    const answer = await broker.call('POST', '/v1/organizations', { body });
    expect([answer.status, answer.body.code, answer.body.errors]).toEqual([400, 'invalid_request', errors]);
  });

  test('nesting without end', async () => {
    const answer = await broker.call('POST', '/v1/organizations', {
      raw: `{"name":"x","metadata":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
    });
    expect([answer.status, answer.body.errors[0].detail]).toEqual([400, 'is nested more than 32 deep']);
  });

  test('a field named __proto__ changes nothing', async () => {
    const answer = await broker.call('POST', '/v1/organizations', { raw: '{"name":"x","__proto__":{"seat_limit":5}}' });
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, '/__proto__']);
  });
});

describe('a body that cannot be read:', () => {
  test('no JSON', async () => {
    for (const raw of ['{', 'name=x', '{"name": undefined}']) {
      const answer = await broker.call('POST', '/v1/organizations', { raw });
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_json']);
    }
  });

  test('another content type, or none', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']) {
      const answer = await broker.call('POST', '/v1/organizations', { raw: '{"name":"x"}', headers: { 'Content-Type': type } });
      expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
    }
    const charset = await broker.call('POST', '/v1/organizations', {
      raw: '{"name":"x"}',
      headers: { 'Content-Type': 'application/json; charset=latin1' },
    });
    expect([charset.status, charset.body.code]).toEqual([415, 'unsupported_media_type']);
  });

  test('more than 1 MiB', async () => {
    const answer = await broker.call('POST', '/v1/organizations', { body: { name: 'x', metadata: { a: 'x'.repeat(1_100_000) } } });
    expect([answer.status, answer.body.code]).toEqual([413, 'body_too_large']);
  });

  test('nothing at all', async () => {
    const answer = await broker.call('POST', '/v1/organizations');
    expect([answer.status, answer.body.errors]).toEqual([400, [{ pointer: '/name', detail: 'is required' }]]);
  });
});

describe('a list', () => {
  test('is read page by page, each organization once, in the order of making', async () => {
    const other = await aBroker();
    for (let i = 0; i < 7; i++) await other.call('POST', '/v1/organizations', { body: { name: `n${i}` } });
    const names: string[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const page: { body: { data: { name: string }[]; next_cursor: string | null } } = await other.call(
        'GET',
        `/v1/organizations?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      names.push(...page.body.data.map(({ name }) => name));
      cursor = page.body.next_cursor;
      pages += 1;
    } while (cursor !== null);
    expect([names, pages]).toEqual([['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6'], 3]);
    expect((await other.call('GET', '/v1/organizations?limit=7')).body.next_cursor).toBeNull();
  });

  test.each([
    ['limit=0', 'limit', 'must be >= 1'],
    ['limit=1001', 'limit', 'must be <= 1000'],
    ['limit=ten', 'limit', 'must be a whole number'],
    ['limit=1&limit=2', 'limit', 'must be a whole number'],
    ['limit=', 'limit', 'must be a whole number'],
  ])('refuses ?%s', async (query, parameter, detail) => {
    const answer = await broker.call('GET', `/v1/organizations?${query}`);
    expect([answer.status, answer.body.errors]).toEqual([400, [{ parameter, detail }]]);
  });

  test('refuses a cursor that it did not give', async () => {
    for (const cursor of ['x', publicId('org', newId()), '%00', '']) {
      const answer = await broker.call('GET', `/v1/organizations?cursor=${cursor}`);
      expect([cursor, answer.status]).toEqual([cursor, 400]);
    }
  });
});
