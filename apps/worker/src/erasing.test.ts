import { randomBytes } from 'node:crypto';
import { Keyring } from '#credential';
import { createEndpoint, sequenceBatch } from '#delivery';
import {
  changeGroup,
  changeUser,
  createGroup,
  createUser,
  deleteUser,
  erasePersonalData,
  findAccess,
  getErasure,
  recordFailure,
  recordRequests,
  type ScimDirectory,
  type StoredUser,
  UsedAttributes,
} from '#directory';
import { newId, publicId } from '#identifier';
import type { Resource } from '#scim';
import { aDirectory, createTestDatabase, type TestDatabase } from '#testing';
import { erase } from './remapping';

let db: TestDatabase;
let directory: ScimDirectory;
const never = new AbortController().signal;

beforeEach(async () => {
  db = await createTestDatabase();
  ({ directory } = await aDirectory({ db }));
});

const person = {
  userName: 'Ada.Lovelace@acme.com',
  externalId: 'ad-object-1815',
  name: { givenName: 'Augusta', familyName: 'Lovelace' },
  title: 'Countess',
  displayName: 'Augusta Ada',
  emails: [{ value: 'ada@home.example', type: 'home' }],
  phoneNumbers: [{ value: '+44 1815' }],
};
const traces = ['lovelace', 'augusta', 'countess', 'ada@', 'lovelace%40', 'ad-object-1815', '1815', 'byron'];

async function aUser(resource: Resource): Promise<StoredUser> {
  const id = newId();
  const user = await createUser(db.pool, directory, id, { active: true, ...resource });
  await record({ id, method: 'POST', path: '/Users', requestBody: resource });
  return user;
}

function record(request: {
  id?: string;
  method: string;
  path: string;
  status?: number;
  detail?: string;
  notes?: string[];
  requestBody?: unknown;
  responseBody?: unknown;
}): Promise<void> {
  return recordRequests(
    db.pool,
    [
      {
        id: newId(),
        environmentId: directory.environmentId,
        directoryId: directory.id,
        at: new Date(),
        status: 200,
        scimType: null,
        detail: null,
        notes: [],
        durationMs: 1,
        userAgent: 'Azure AD',
        requestBody: undefined,
        responseBody: undefined,
        ...request,
      },
    ],
    new UsedAttributes({ atMost: 10 }),
  );
}

async function publish(): Promise<void> {
  while (await sequenceBatch(db.pool)) {
    // until nothing waits for its position
  }
}

async function forget(user: { id: string }): Promise<void> {
  await erasePersonalData(db.pool, { environmentId: directory.environmentId, userId: user.id });
  await db.pool.query(`update erasures set created_at = created_at - interval '3 seconds'`);
  await erase(db.pool, never);
}

/** All that is kept of what was, as text. (What identity providers assert now, such as somebody's manager, is theirs to change.) */
async function everything(): Promise<string> {
  const tables = ['events', 'requests', 'delivery_attempts', 'erasures', 'departed_users'];
  const texts = await Promise.all(
    tables.map(
      async (table) =>
        (await db.pool.query<{ text: string }>(`select string_agg(t::text, E'\\n') as text from ${table} t`)).rows[0]?.text ?? '',
    ),
  );
  return texts.join('\n').toLowerCase();
}

const found = async () => {
  const text = await everything();
  return traces.filter((trace) => text.includes(trace));
};

test('a person who was deleted is in no event, no request and no attempt any more; ids, numbers, times and everybody else are', async () => {
  const ada = await aUser(person);
  const bob = await aUser({ userName: 'bob@acme.com', name: { givenName: 'Bob', familyName: 'Brown' } });
  const usr = publicId('usr', ada.id);
  const rename = newId();
  await changeUser(db.pool, directory, rename, ada.id, ({ resource }) => ({ ...resource, userName: 'ada.byron@acme.com' }));
  await record({
    id: rename,
    method: 'PATCH',
    path: `/Users/${usr}`,
    requestBody: { Operations: [{ op: 'replace', path: 'name.familyName', value: 'Byron' }] },
  });
  await changeUser(db.pool, directory, newId(), bob.id, ({ resource }) => ({
    ...resource,
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { manager: { value: usr, displayName: 'Augusta Ada' } },
  }));
  const group = await createGroup(db.pool, directory, newId(), { displayName: 'Eng' }, [
    { id: ada.id, type: 'User' },
    { id: bob.id, type: 'User' },
  ]);
  await changeGroup(db.pool, directory, newId(), group.id, ({ resource }) => ({
    resource: { ...resource, displayName: 'Engineering' },
    memberChanges: [],
  }));
  await recordFailure(db.pool, directory, {
    requestId: newId(),
    method: 'POST',
    path: '/Users',
    status: 409,
    scimType: 'uniqueness',
    detail: 'Another user has the userName "ada.lovelace@ACME.com".',
    resource: { userName: 'ADA.LOVELACE@acme.com', displayName: 'Augusta' },
  });
  await record({ method: 'GET', path: '/Users?filter=userName+eq+%22ada.lovelace%40acme.com%22' });
  await record({ method: 'GET', path: '/Users?filter=userName+eq+%22bob%40acme.com%22' });
  await record({
    method: 'POST',
    path: '/Users',
    status: 409,
    detail: 'Another user has the userName "ada.lovelace@acme.com".',
    requestBody: person,
    responseBody: { detail: 'the userName "ada.lovelace@acme.com"' },
  });
  await record({ method: 'POST', path: '/Bulk', requestBody: { Operations: [{ method: 'POST', path: '/Users', data: person }] } });
  await record({
    method: 'PATCH',
    path: `/Groups/${publicId('grp', group.id)}`,
    requestBody: {
      Operations: [
        {
          op: 'add',
          path: 'members',
          value: [
            { value: usr, display: 'Augusta Ada' },
            { value: publicId('usr', bob.id), display: 'Bob' },
          ],
        },
      ],
    },
  });
  await deleteUser(db.pool, directory, newId(), ada.id, () => {});
  await publish();
  const { endpoint } = await createEndpoint(db.pool, new Keyring(randomBytes(32)), {
    environmentId: directory.environmentId,
    url: 'https://vendor.example/',
    allowedCidrs: [],
  });
  await db.pool.query(
    `
    insert into delivery_attempts (id, environment_id, endpoint_id, event_id, at, status, duration_ms, error, response_body)
    select id, environment_id, $1, id, now(), 400, 1, 'answered 400', case when data::text ilike any (array['%lovelace%', '%' || $2 || '%']) then 'Who is Augusta?' else 'Bob?' end
      from events`,
    [endpoint.id, usr],
  );
  const before = await db.pool.query('select id, sequence, type, occurred_at, request_id from events order by sequence');
  expect(await found()).toEqual(traces);

  await forget(ada);
  expect(await found()).toEqual([]);
  expect(await getErasure(db.pool, { environmentId: directory.environmentId, userId: ada.id })).toMatchObject({
    state: 'erased',
    erasedAt: expect.any(Date),
  });
  expect((await db.pool.query('select id, sequence, type, occurred_at, request_id from events order by sequence')).rows).toEqual(
    before.rows,
  );

  const { rows: events } = await db.pool.query('select type, data from events order by sequence');
  expect(events[0].data.user).toMatchObject({ id: usr, user_name: '[erased]', email: null, emails: [], raw: {}, active: true, version: 1 });
  const [updated] = events.filter(({ type, data }) => type === 'user.updated' && data.user.id === usr);
  expect(updated.data.previous).toEqual({ user_name: null });
  const bobs = events.filter(({ data }) => data.user?.id === publicId('usr', bob.id));
  expect(bobs.map(({ data }) => data.user.user_name)).toEqual(['bob@acme.com', 'bob@acme.com', 'bob@acme.com']);
  expect(bobs[1].data.user.manager).toBe(usr);
  expect(bobs[1].data.user.raw['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'].manager).toEqual({
    value: usr,
    displayName: '[erased]',
  });

  const { rows: requests } = await db.pool.query('select path, request_body from requests order by id');
  expect(requests.map(({ path }) => path)).toContain('/Users?filter=userName+eq+%22bob%40acme.com%22');
  expect(requests.find(({ path }) => path.startsWith('/Groups')).request_body.Operations[0].value).toEqual([
    { value: usr, display: '[erased]' },
    { value: publicId('usr', bob.id), display: 'Bob' },
  ]);
  expect(requests.find(({ request_body: body }) => body?.userName === 'bob@acme.com')).toBeDefined();
  const { rows: attempts } = await db.pool.query(`select distinct response_body from delivery_attempts order by 1`);
  expect(attempts.map((row) => row.response_body)).toEqual(expect.arrayContaining(['Bob?', '[erased]']));
  expect(
    await findAccess(db.pool, {
      environmentId: directory.environmentId,
      organizationId: directory.organizationId,
      email: 'ada@home.example',
    }),
  ).toMatchObject({ status: 'unknown' });
});

test('goes on where a process was killed, and does no harm when a page is done twice', async () => {
  const ada = await aUser(person);
  for (let i = 0; i < 12; i += 1)
    await changeUser(db.pool, directory, newId(), ada.id, ({ resource }) => ({ ...resource, title: `Countess ${i}` }));
  await deleteUser(db.pool, directory, newId(), ada.id, () => {});
  await publish();
  await erasePersonalData(db.pool, { environmentId: directory.environmentId, userId: ada.id });
  await db.pool.query(`update erasures set created_at = created_at - interval '3 seconds'`);

  // Killed at the end of each of its phases, when all is done and nothing of it noted.
  for (const phase of ['collect', 'events', 'requests']) {
    await db.pool.query(`
      create or replace function die() returns trigger language plpgsql as
        $$ begin if old.phase = '${phase}' and new.phase <> old.phase then raise exception 'killed in ${phase}'; end if; return new; end $$`);
    await db.pool.query('create trigger die before update on erasures for each row execute function die()');
    await expect(erase(db.pool, never)).rejects.toThrow(`killed in ${phase}`);
    await db.pool.query('drop trigger die on erasures');
    await db.pool.query('update erasures set lease_until = null');
  }
  await erase(db.pool, never);
  expect(await found()).toEqual([]);
});

test('goes on where the lease is of a clock that was set back since', async () => {
  const ada = await aUser(person);
  await deleteUser(db.pool, directory, newId(), ada.id, () => {});
  await publish();
  await erasePersonalData(db.pool, { environmentId: directory.environmentId, userId: ada.id });
  const leased = (until: string): Promise<unknown> =>
    db.pool.query(`update erasures set created_at = created_at - interval '3 seconds', lease_until = now() + $1::interval`, [until]);
  await leased('30 seconds');
  await erase(db.pool, never);
  expect(await found()).not.toEqual([]);
  await leased('1 hour');
  await erase(db.pool, never);
  expect(await found()).toEqual([]);
});

test('waits for what is committed and not in the log yet', async () => {
  const ada = await aUser(person);
  await deleteUser(db.pool, directory, newId(), ada.id, () => {});
  await forget(ada);
  expect(await getErasure(db.pool, { environmentId: directory.environmentId, userId: ada.id })).toMatchObject({ state: 'erasing' });
  await publish();
  await erase(db.pool, never);
  expect(await found()).toEqual([]);
});

test('a user who still exists stays as their identity provider has them, and may be forgotten again later', async () => {
  const ada = await aUser(person);
  await publish();
  await forget(ada);
  const { rows } = await db.pool.query(
    `select u.profile->>'user_name' as now, e.data->'user'->>'user_name' as logged from users u, events e`,
  );
  expect(rows).toEqual([{ now: 'Ada.Lovelace@acme.com', logged: '[erased]' }]);
  await deleteUser(db.pool, directory, newId(), ada.id, () => {});
  await publish();
  expect(await found()).not.toEqual([]);
  await forget(ada);
  expect(await found()).toEqual([]);
});

test('nobody else’s user can be forgotten', async () => {
  const ada = await aUser(person);
  expect(await erasePersonalData(db.pool, { environmentId: newId(), userId: ada.id })).toBeUndefined();
  expect(await erasePersonalData(db.pool, { environmentId: directory.environmentId, userId: newId() })).toBeUndefined();
  expect((await db.pool.query('select 1 from erasures')).rows).toEqual([]);
});
