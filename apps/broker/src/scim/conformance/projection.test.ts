/** attributes and excludedAttributes (RFC 7644 §3.9, RFC 7643 §2.2 "returned"). */
import { eventually } from '#testing';
import { aScimDirectory, enterpriseUrn, groupUrn, type ScimUnderTest, theBroker, userUrn } from './a-scim-directory';

let scim: ScimUnderTest;
let user: Record<string, any>;

beforeEach(async () => {
  scim = await aScimDirectory();
  user = await scim.aUser({
    userName: 'ada',
    name: { givenName: 'Ada', familyName: 'L' },
    emails: [{ value: 'a@b.c', type: 'work' }, { value: 'd@e.f' }],
    title: 'x',
    [enterpriseUrn]: { department: 'R&D', costCenter: '1', manager: { value: 'm', displayName: 'M' } },
  });
});

const only = async (attributes: string): Promise<unknown> => (await scim.query(`/Users/${user.id}`, { attributes })).body;
const without = async (excludedAttributes: string): Promise<unknown> =>
  (await scim.query(`/Users/${user.id}`, { excludedAttributes })).body;
const least = () => ({ schemas: [userUrn], id: user.id });

test('A1 attributes=userName shows that, the id and schemas', async () => {
  expect(await only('userName')).toEqual({ ...least(), userName: 'ada' });
  expect((await scim.query('/Users', { attributes: 'userName' })).body.Resources).toEqual([{ ...least(), userName: 'ada' }]);
});

test('A2 sub-attributes leave their parents with nothing else', async () => {
  expect(await only('name.familyName,emails.value')).toEqual({
    ...least(),
    name: { familyName: 'L' },
    emails: [{ value: 'a@b.c' }, { value: 'd@e.f' }],
  });
  expect(await only('emails.type')).toEqual({ ...least(), emails: [{ type: 'work' }] });
  expect(await only('meta.version')).toEqual({ ...least(), meta: { version: user.meta.version } });
});

test('A3 names may have their URN, and an extension can be asked for as a whole', async () => {
  const some = { schemas: [userUrn, enterpriseUrn], id: user.id };
  expect(await only(`${enterpriseUrn}:department`)).toEqual({ ...some, [enterpriseUrn]: { department: 'R&D' } });
  expect(await only(`${enterpriseUrn.toUpperCase()}:Manager.Value`)).toEqual({ ...some, [enterpriseUrn]: { manager: { value: 'm' } } });
  expect(await only(enterpriseUrn)).toEqual({ ...some, [enterpriseUrn]: user[enterpriseUrn] });
  expect(await only(`${userUrn}:userName`)).toEqual({ ...least(), userName: 'ada' });
  const { [enterpriseUrn]: _extension, ...core } = user;
  expect(await only(userUrn)).toEqual({ ...core, schemas: [userUrn] });
});

test('A4 excludedAttributes takes away, but neither id nor schemas', async () => {
  const { emails, title, ...rest } = user;
  expect(await without('emails,title')).toEqual(rest);
  expect(await without('name.givenName')).toEqual({ ...user, name: { familyName: 'L' } });
  const { [enterpriseUrn]: _extension, ...core } = user;
  expect(await without(enterpriseUrn)).toEqual({ ...core, schemas: [userUrn] });
  expect(await without(`${enterpriseUrn}:department`)).toEqual({
    ...user,
    [enterpriseUrn]: { costCenter: '1', manager: user[enterpriseUrn].manager },
  });
  expect(await without('id,schemas')).toEqual(user);
  expect([emails.length, title]).toEqual([2, 'x']);
  const group = await scim.aGroup({ members: [{ value: user.id }] });
  const { members: _members, ...shown } = group;
  expect((await scim.query(`/Groups/${group.id}`, { excludedAttributes: 'members' })).body).toEqual(shown);
  expect(
    (await scim.query('/Groups', { excludedAttributes: 'Members', filter: `displayName eq "${group.displayName}"` })).body.Resources,
  ).toEqual([shown]);
});

test('A5 what is returned never, always or on request is', async () => {
  const { call } = await theBroker();
  const urn = 'urn:acme:params:scim:schemas:extension:returned:2.0:User';
  await call('PUT', `/v1/schema_extensions/${urn}`, {
    body: {
      resource_type: 'User',
      attributes: [{ name: 'always', returned: 'always' }, { name: 'asked', returned: 'request' }, { name: 'usual' }],
    },
  });
  const created = await scim.post('/Users', { userName: 'b', password: 'secret', [urn]: { always: '1', asked: '2', usual: '3' } });
  expect(created.body[urn]).toEqual({ always: '1', usual: '3' });
  const get = async (query: string): Promise<unknown> => (await scim.get(`/Users/${created.body.id}?${query}`)).body[urn];
  expect(await get('attributes=userName')).toEqual({ always: '1' });
  expect(await get(`attributes=${urn}:asked`)).toEqual({ always: '1', asked: '2' });
  expect(await get(`excludedAttributes=${urn}`)).toEqual({ always: '1' });
  expect((await scim.get(`/Users/${created.body.id}?attributes=password,userName`)).body).toEqual({
    schemas: [userUrn, urn],
    id: created.body.id,
    userName: 'b',
    [urn]: { always: '1' },
  });
  await call('DELETE', `/v1/schema_extensions/${urn}`);
});

test('A6 of both parameters attributes counts', async () => {
  expect((await scim.query(`/Users/${user.id}`, { attributes: 'title,userName', excludedAttributes: 'title' })).body).toEqual({
    ...least(),
    title: 'x',
    userName: 'ada',
  });
});

test('A7 names that nobody knows are ignored, spaces and case too', async () => {
  expect(await only(' USERNAME , nope,, name.nope')).toEqual({ ...least(), userName: 'ada' });
  expect(await only('nope')).toEqual(least());
  expect(await without('nope, urn:nope:x')).toEqual(user);
  expect(await only('')).toEqual(user);
  expect(await only(' , ')).toEqual(user);
});

test('A8 a PATCH that asks for attributes is answered with them', async () => {
  const reply = await scim.patch(`/Users/${user.id}?attributes=title`, [{ op: 'replace', path: 'title', value: 'y' }]);
  expect([reply.status, reply.body]).toEqual([200, { ...least(), title: 'y' }]);
  const put = await scim.put(`/Users/${user.id}?excludedAttributes=meta,active`, { userName: 'ada' });
  expect([put.status, put.body]).toEqual([200, { ...least(), userName: 'ada' }]);
});

test('A9 members are shown where they are asked for, and not read where they are not', async () => {
  const { db } = await theBroker();
  const group = await scim.aGroup({ members: [{ value: user.id }] });
  expect((await scim.query(`/Groups/${group.id}`, { attributes: 'members' })).body).toEqual({
    schemas: [groupUrn],
    id: group.id,
    members: group.members,
  });
  expect((await scim.query(`/Groups/${group.id}`, { attributes: 'members.value' })).body.members).toEqual([{ value: user.id }]);
  const client = await db.pool.connect();
  try {
    // Whoever touches a membership now waits.
    await client.query('begin');
    await client.query('lock table memberships in access exclusive mode');
    for (const path of [
      `/Groups/${group.id}?attributes=id,displayName`,
      `/Groups/${group.id}?excludedAttributes=members`,
      '/Groups?excludedAttributes=members',
      '/Groups?attributes=displayName',
      '/Groups?excludedAttributes=members&filter=displayName+sw+%22G%22&sortBy=displayName',
    ]) {
      let status = 0;
      const asked = scim.get(path).then((reply) => (status = reply.status));
      await eventually(async () => {
        const { rowCount } = await db.pool.query("select 1 from pg_locks where relation = 'memberships'::regclass and not granted");
        if (rowCount !== 0) throw new Error(`${path} waits for a membership`);
        return status !== 0;
      });
      expect([path, await asked]).toEqual([path, 200]);
    }
  } finally {
    await client.query('rollback');
    client.release();
  }
});

test('A10 brackets are no notation for attributes: they name nothing', async () => {
  expect(await only('emails[type eq "work"]')).toEqual(least());
});
