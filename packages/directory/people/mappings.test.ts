import { type MappingBody, parseMapping } from '#mapping';
import { newId } from '#identifier';
import { ScimError } from '#scim';
import { aDirectory, anOrganization, testDatabase } from '#testing';
import { aMappedDirectory, remapAll, request } from './a-mapped-directory';
import {
  changeOrganization,
  createUser,
  deleteGroup,
  getMapping,
  inDirectory,
  previewMapping,
  removeMapping,
  remapUsers,
  saveMapping,
} from '../index';
import { policyOf } from '../rules/policy';
import { prepared } from '#postgres';
import type { DirectoryPool } from '../writing/transaction';

let pool: DirectoryPool;
const never = new AbortController().signal;

beforeAll(async () => {
  ({ pool } = await testDatabase());
});

const plans: MappingBody = {
  attributes: [{ name: 'plan', type: 'string', from: 'userType', required: true, allowed_values: ['Premium', 'Standard'] }],
};

describe('a user who is written', () => {
  test('is mapped, and its events carry what it was mapped to', async () => {
    const { create, change, log } = await aMappedDirectory({
      mapping: { ...plans, roles: { default: 'member', rules: [{ role_from: 'title', lookup: { Boss: 'admin' } }] } },
    });
    const user = await create('ada@acme.com', { userType: 'Premium' });
    expect(user.profile).toMatchObject({ attributes: { plan: 'Premium' }, roles: [{ role: 'member', rule: -1 }] });
    await change(user, { title: 'Boss', userType: 'Standard' });
    const [created, updated] = await log();
    expect(created?.data.user).toMatchObject({ attributes: { plan: 'Premium' }, roles: [{ role: 'member', rule: -1 }] });
    expect(updated?.data).toMatchObject({ user: { attributes: { plan: 'Standard' }, roles: [{ role: 'admin', rule: 0 }] } });
    expect(updated?.data.previous).toEqual({
      title: null,
      user_type: 'Premium',
      attributes: { plan: 'Premium' },
      roles: [{ role: 'member', rule: -1 }],
    });
  });

  test('has one value where the mapping reads one of an attribute that nobody declared, and a list where it reads a list', async () => {
    const urn = 'urn:ietf:params:scim:schemas:extension:acme:2.0:User';
    const { create, change, find } = await aMappedDirectory({
      mapping: {
        attributes: [
          { name: 'desk', type: 'string', from: `${urn}:desk` },
          { name: 'folders', type: 'string_list', from: `${urn}:folders` },
        ],
      },
    });
    const user = await create('ada@acme.com', { [urn]: { desk: ['4b'], folders: ['A'], other: ['x'] } });
    expect(user.resource[urn]).toEqual({ desk: '4b', folders: ['A'], other: ['x'] });
    await change(user, { [urn]: { desk: ['4c'], folders: ['B'], other: ['x'] } });
    expect((await find(user)).resource[urn]).toEqual({ desk: '4c', folders: ['B'], other: ['x'] });
  });

  test('is refused by a rule, in a sentence that names what was sent, and nothing of it stays', async () => {
    const { create, change, types, find } = await aMappedDirectory({ mapping: plans });
    await expect(create('ada@acme.com', { userType: 'Gold' })).rejects.toEqual(
      new ScimError(
        400,
        'invalidValue',
        'userType: "Gold" is not one of "Premium", "Standard". Change the value or the mapping in your identity provider.',
      ),
    );
    await expect(create('ada@acme.com')).rejects.toThrow('userType is required and has no value');
    expect(await types()).toEqual([]);
    const user = await create('ada@acme.com', { userType: 'Premium' });
    await expect(change(user, { userType: 'Gold' })).rejects.toThrow(ScimError);
    expect(await find(user)).toEqual(user);
  });

  test('reads everything that is wrong with them at once', async () => {
    const { create } = await aMappedDirectory({
      domains: ['acme.com'],
      mapping: {
        attributes: [
          { name: 'a', type: 'number', from: 'title' },
          { name: 'b', type: 'string', from: 'nickName', required: true },
        ],
        rules: { foreign_domain: 'reject' },
      },
    });
    await expect(create('ada', { title: 'x', emails: [{ value: 'ada@evil.com' }] })).rejects.toThrow(
      /^title: "x" .* nickName is required .* emails\.value: "ada@evil\.com" is not an address at "acme\.com"/,
    );
  });

  test('is let through where the rule warns, which is noted, and silently where it ignores', async () => {
    const { create, notes, map } = await aMappedDirectory({ mapping: { ...plans, rules: { invalid_value: 'warn' } } });
    expect((await create('ada', { userType: 'Gold' })).profile.attributes).toEqual({});
    expect(notes).toEqual([
      'let through: userType: "Gold" is not one of "Premium", "Standard". Change the value or the mapping in your identity provider.',
    ]);
    await map({ ...plans, rules: { invalid_value: 'ignore' } });
    await create('bob', { userType: 'Gold' });
    expect(notes).toEqual([]);
  });

  test('can always be switched off, whatever else is wrong or changes; and is looked at on the way back', async () => {
    const { create, change, map, types } = await aMappedDirectory();
    const user = await create('ada', { userType: 'Gold' });
    await map({ ...plans, rules: { email_elsewhere: 'reject', foreign_domain: 'reject' } });
    const off = await change(user, { active: false, userType: 'Silver', title: 'gone' });
    expect(off.profile).toMatchObject({ active: false, title: 'gone', attributes: {} });
    await change(user, { title: 'long gone' });
    await expect(change(user, { active: true })).rejects.toThrow('userType: "Silver" is not one of');
    expect((await change(user, { active: true, userType: 'Premium' })).profile).toMatchObject({
      active: true,
      attributes: { plan: 'Premium' },
    });
    expect(await types()).toEqual(['user.created', 'user.updated', 'user.deactivated', 'user.updated', 'user.updated', 'user.reactivated']);
  });

  test('is mapped by the directory’s own mapping where there is one, and by the environment’s again without it', async () => {
    const { directory, create, change, map } = await aMappedDirectory({
      mapping: { attributes: [{ name: 'of', type: 'string', constant: 'environment' }] },
    });
    const user = await create('ada');
    expect(user.profile.attributes).toEqual({ of: 'environment' });
    await map({ attributes: [{ name: 'of', type: 'string', constant: 'directory' }] }, 'directory');
    expect((await change(user, { title: 'x' })).profile.attributes).toEqual({ of: 'directory' });
    const scope = { environmentId: directory.environmentId, directoryId: directory.id };
    expect(await getMapping(pool, scope)).toMatchObject({ inherited: false });
    await removeMapping(pool, scope, request);
    expect(await getMapping(pool, scope)).toMatchObject({ inherited: true, mapping: { attributes: [{ constant: 'environment' }] } });
    expect((await change(user, { title: 'y' })).profile.attributes).toEqual({ of: 'environment' });
    expect(await removeMapping(pool, scope, request)).toBeUndefined();
  });
});

describe('an address that is active in another organization', () => {
  const reject = parseMapping({ rules: { email_elsewhere: 'reject' } });

  async function twoOrganizations() {
    const organization = await anOrganization();
    const other = await anOrganization({ environmentId: organization.environmentId, name: 'Other' });
    const [here, there] = [(await aDirectory({ organization })).directory, (await aDirectory({ organization: other })).directory];
    await saveMapping(pool, { environmentId: organization.environmentId }, reject, request);
    const claim = (directory: typeof here, userName: string, email: string, active = true) =>
      createUser(pool, directory, request, { userName, active, emails: [{ value: email, type: 'work' }] });
    return { here, there, claim };
  }

  test('is refused with 409, whatever its case, as long as it is', async () => {
    const { here, there, claim } = await twoOrganizations();
    await claim(there, 'ada', 'Ada@acme.com', false);
    await claim(here, 'ada', 'ada@acme.com');
    await claim(here, 'ada2', 'ada@acme.com'); // the same organization
    await expect(claim(there, 'ada2', 'ADA@acme.com')).rejects.toMatchObject({
      status: 409,
      scimType: 'uniqueness',
      detail: expect.stringContaining('"ADA@acme.com"'),
    });
  });

  test('goes to one of two who claim it at the same moment, each time', async () => {
    const { here, there } = await twoOrganizations();
    for (let round = 0; round < 15; round += 1) {
      const emails = [`a${round}@acme.com`, `b${round}@acme.com`];
      const both = (directory: typeof here, order: string[]) =>
        createUser(pool, directory, request, { userName: `u${round}`, active: true, emails: order.map((value) => ({ value })) });
      const results = await Promise.allSettled([both(here, emails), both(there, emails.toReversed())]);
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    }
  });
});

describe('groups', () => {
  const byGroup = {
    attributes: [{ name: 'teams', type: 'string_list' as const, from: 'groups.display' }],
    roles: {
      mode: 'many' as const,
      default: 'user',
      rules: [
        { role: 'admin', group: 'IT Admins' },
        { role: 'dev', group: 'Eng' },
      ],
    },
  };

  test('a change of membership is followed by user.updated of whom it gives or takes roles and attributes, in the same transaction', async () => {
    const { create, group, members, find, log } = await aMappedDirectory({ mapping: byGroup });
    const [ada, bob] = [await create('ada'), await create('bob')];
    const admins = await group('it admins', [ada]);
    const events = await log();
    expect(events.map(({ type }) => type)).toEqual(['user.created', 'user.created', 'group.created', 'group.member_added', 'user.updated']);
    expect(events[4]?.data).toMatchObject({
      user: {
        user_name: 'ada',
        version: 5,
        roles: [{ role: 'admin', rule: 0, group_id: events[2]?.data.group.id }],
        attributes: { teams: ['it admins'] },
      },
    });
    expect(events[4]?.data.previous).toEqual({ roles: [{ role: 'user', rule: -1 }], attributes: {} });
    expect(await find(ada)).toMatchObject({ version: 5, profile: { attributes: { teams: ['it admins'] } } });

    await members(admins, 'replace', [bob]);
    const moved = (await log()).slice(5);
    expect(moved.map(({ type, data }) => [type, data.user.user_name])).toEqual([
      ['group.member_removed', 'ada'],
      ['user.updated', 'ada'],
      ['group.member_added', 'bob'],
      ['user.updated', 'bob'],
    ]);
    expect((await find(ada)).profile).toMatchObject({ roles: [{ role: 'user', rule: -1 }], attributes: {} });
  });

  test('so is a group’s renaming, and its deletion', async () => {
    const { directory, create, group, rename, find, types } = await aMappedDirectory({ mapping: byGroup });
    const ada = await create('ada');
    const eng = await group('Engineering', [ada]);
    expect((await find(ada)).profile.roles).toEqual([{ role: 'user', rule: -1 }]);
    await rename(eng, 'Eng');
    expect((await find(ada)).profile).toMatchObject({ roles: [{ role: 'dev', rule: 1 }], attributes: { teams: ['Eng'] } });
    await deleteGroup(pool, directory, request, eng.id, () => {});
    expect((await find(ada)).profile).toMatchObject({ roles: [{ role: 'user', rule: -1 }], attributes: {} });
    expect(await types()).toEqual([
      'user.created',
      'group.created',
      'group.member_added',
      'user.updated',
      'group.updated',
      'user.updated',
      'group.member_removed',
      'user.updated',
      'group.deleted',
    ]);
  });

  test('a user who is written keeps what their groups give them', async () => {
    const { create, change, group } = await aMappedDirectory({ mapping: byGroup });
    const ada = await create('ada');
    await group('Eng', [ada]);
    expect((await change(ada, { title: 'x' })).profile).toMatchObject({
      roles: [{ role: 'dev', rule: 1 }],
      attributes: { teams: ['Eng'] },
    });
  });

  test('1,200 members at once are mapped in the same transaction, with dense numbers', async () => {
    const { create, group, directory, log } = await aMappedDirectory({ mapping: byGroup });
    const users = await Promise.all(Array.from({ length: 1_200 }, (_, i) => create(`u${i}`)));
    const eng = await group('Eng', users);
    const events = (await log()).slice(1_200);
    expect(events.filter(({ type }) => type === 'group.member_added')).toHaveLength(1_200);
    expect(events.filter(({ type }) => type === 'user.updated')).toHaveLength(1_200);
    const { rows } = await pool.query(
      `select count(*) filter (where profile->'roles'->0->>'role' = 'dev') as devs from users where directory_id = $1`,
      [directory.id],
    );
    expect([rows[0].devs, eng.memberCount]).toEqual([1_200, 1_200]);
  });

  test('a mapping that does not look at them is not asked', async () => {
    const { create, group, types } = await aMappedDirectory({
      mapping: { attributes: [{ name: 'plan', type: 'string', from: 'userType' }] },
    });
    await group('IT Admins', [await create('ada')]);
    expect(await types()).toEqual(['user.created', 'group.created', 'group.member_added']);
  });
});

const mapByTheOldOne = prepared(
  'test_map_by_the_old_one',
  `
  update users
     set profile = jsonb_set(profile::jsonb, '{attributes}', '{"old": "again"}')::json
   where id = $1`,
);

describe('a mapping that is saved', () => {
  const mapping = { attributes: [{ name: 'kind', type: 'string' as const, from: 'userType', transform: ['upper' as const] }] };

  test('maps everybody anew, with user.updated that says why, and counts', async () => {
    const { directory, create, map, find, log } = await aMappedDirectory();
    const users = await Promise.all(Array.from({ length: 1_100 }, (_, i) => create(`u${i}`, i % 2 === 0 ? { userType: 'a' } : {})));
    const remapId = await map({
      ...mapping,
      attributes: [...mapping.attributes, { name: 'title', type: 'string', from: 'title', required: true }],
    });
    expect(await remapAll(directory.environmentId, remapId)).toMatchObject({
      state: 'finished',
      directoryId: null,
      usersTotal: 1_100,
      usersDone: 1_100,
      usersChanged: 550,
      usersFailing: 1_100,
    });
    const events = (await log()).slice(1_100);
    expect(events).toHaveLength(550);
    expect(
      events.every(
        ({ type, data, request_id: id }) =>
          type === 'user.updated' && data.cause === 'mapping' && data.user.attributes.kind === 'A' && id === request,
      ),
    ).toBe(true);
    expect(events[0]?.data.previous).toEqual({ attributes: {} });
    expect((await find(users[0]!)).profile.attributes).toEqual({ kind: 'A' });
  });

  test('needs nobody mapped anew where it maps the same, or there is nobody', async () => {
    const { create, map } = await aMappedDirectory();
    expect(await map(mapping)).toBeUndefined();
    await create('ada', { userType: 'a' });
    expect(await map({ ...mapping, rules: { invalid_value: 'warn' } })).toBeUndefined();
    expect(await map({ attributes: [] })).toBeDefined();
  });

  test('leaves directories with their own mapping alone, and takes the place of one that is not done', async () => {
    const one = await aMappedDirectory();
    const other = await aMappedDirectory({ of: one.directory });
    const [ada, bob] = [await one.create('ada', { userType: 'a' }), await other.create('bob', { userType: 'b' })];
    await other.map({ attributes: [{ name: 'own', type: 'boolean', constant: true }] }, 'directory');
    const first = await one.map({ attributes: [{ name: 'first', type: 'boolean', constant: true }] });
    const second = await one.map(mapping);
    const { environmentId } = one.directory;
    expect(await remapAll(environmentId, second)).toMatchObject({ state: 'finished', usersDone: 1, usersTotal: 1 });
    expect(await remapAll(environmentId, first)).toMatchObject({ state: 'superseded', usersDone: 0 });
    expect((await one.find(ada)).profile.attributes).toEqual({ kind: 'A' });
    expect((await other.find(bob)).profile.attributes).toEqual({ own: true });
  });

  test('also reaches whoever is on their way in under the mapping of before', async () => {
    const { directory, create, map, find } = await aMappedDirectory({
      mapping: { attributes: [{ name: 'old', type: 'boolean', constant: true }] },
    });
    const ada = await create('ada', { userType: 'a' });

    // A writer holds the directory and has read its policy; then the mapping is saved and the re-mapping begins.
    let letGo = (): void => {};
    const holding = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let read = (): void => {};
    const hasRead = new Promise<void>((resolve) => {
      read = resolve;
    });
    const writing = inDirectory(pool, directory, request, async (tx) => {
      await policyOf(tx);
      read();
      await holding;
      tx.write(mapByTheOldOne, [ada.id]);
    });
    await hasRead;
    const remapId = await map(mapping);
    const remapping = remapAll(directory.environmentId, remapId);
    setTimeout(letGo, 100);
    await writing;
    await remapping;
    expect((await find(ada)).profile.attributes).toEqual({ kind: 'A' });
  });

  test('goes on where the lease is of a clock that was set back since', async () => {
    const { create, map } = await aMappedDirectory();
    await create('ada', { userType: 'a' });
    const remapId = await map(mapping);
    const leased = (until: string): Promise<unknown> =>
      pool.query('update remaps set lease_until = now() + $2::interval where id = $1', [remapId, until]);
    await leased('10 seconds');
    expect(await remapUsers(pool, never)).toBe(0);
    await leased('1 hour');
    expect(await remapUsers(pool, never)).toBeGreaterThan(0);
  });

  test('is mapped once by several workers at once, while its identity provider goes on writing', async () => {
    const { directory, create, change, map, log } = await aMappedDirectory();
    const users = await Promise.all(Array.from({ length: 1_600 }, (_, i) => create(`u${i}`, { userType: 'a' })));
    const remapId = await map(mapping);
    // Leases that end at once: everybody believes to be the only one.
    const grabbing = setInterval(() => void pool.query('update remaps set lease_until = null where id = $1', [remapId]), 5);
    const working = Promise.all([remapUsers(pool, never), remapUsers(pool, never), remapUsers(pool, never)]);
    for (const user of users.slice(0, 60)) await change(user, { title: 'x' });
    await working;
    clearInterval(grabbing);
    expect(await remapAll(directory.environmentId, remapId)).toMatchObject({ state: 'finished', usersDone: 1_600, usersTotal: 1_600 });
    const { rows } = await pool.query(
      `select count(*) as right from users where directory_id = $1 and profile->'attributes'->>'kind' = 'A'`,
      [directory.id],
    );
    expect(rows[0].right).toBe(1_600);
    const told = (await log()).filter(({ type, data }) => type === 'user.updated' && 'attributes' in data.previous);
    expect(new Set(told.map(({ data }) => data.user.id)).size).toBe(1_600);
    expect(told).toHaveLength(1_600);
  });
});

describe('a preview', () => {
  test('says who would change, who would fail and why, and stores nothing', async () => {
    const { directory, create, change, types } = await aMappedDirectory({ domains: ['acme.com'] });
    const scope = { environmentId: directory.environmentId };
    await create('ada', { userType: 'Premium' });
    await create('bob', { userType: 'Gold' });
    await create('cyd');
    await change(await create('dan'), { active: false });
    const before = await types();
    const draft = parseMapping({ ...plans, roles: { default: 'member' }, rules: { foreign_domain: 'warn' } });
    const preview = await previewMapping(pool, scope, draft);
    expect(preview).toMatchObject({ users: 4, complete: true, changed: 4, failing: 2 });
    expect(preview?.reasons.map(({ problem, users }) => [problem.kind, problem.action, users])).toEqual([
      ['missing_required', 'reject', 2],
      ['invalid_value', 'reject', 1],
    ]);
    expect(preview?.examples.map(({ user, problems }) => [user.userName, problems.map(({ detail }) => detail.slice(0, 30))])).toEqual([
      ['bob', ['userType: "Gold" is not one of']],
      ['cyd', ['userType is required and has n']],
      ['ada', []],
      ['dan', ['userType is required and has n']],
    ]);
    expect(preview?.examples[2]).toMatchObject({
      before: { attributes: {}, roles: [] },
      after: { attributes: { plan: 'Premium' }, roles: [{ role: 'member', rule: -1 }] },
    });
    expect(await previewMapping(pool, { ...scope, directoryId: directory.id }, draft)).toEqual(preview);
    expect(await types()).toEqual(before);
    expect(await previewMapping(pool, { ...scope, directoryId: newId() }, draft)).toBeUndefined();
  });

  test('looks at all directories without a mapping of their own, page by page', async () => {
    const one = await aMappedDirectory();
    const other = await aMappedDirectory({ of: one.directory });
    const apart = await aMappedDirectory({ of: one.directory });
    await Promise.all(Array.from({ length: 620 }, (_, i) => one.create(`u${i}`)));
    await Promise.all(Array.from({ length: 510 }, (_, i) => other.create(`u${i}`, { userType: 'Premium' })));
    await apart.create('ada');
    await apart.map({ attributes: [], rules: { invalid_value: 'warn' } }, 'directory');
    const preview = await previewMapping(pool, { environmentId: one.directory.environmentId }, parseMapping(plans));
    expect(preview).toMatchObject({ users: 1_130, complete: true, changed: 510, failing: 620 });
  });

  test('knows the addresses that are active elsewhere, and outside the domains', async () => {
    const organization = await anOrganization({ domains: ['acme.com'] });
    const other = await anOrganization({ environmentId: organization.environmentId });
    const [here, there] = [(await aDirectory({ organization })).directory, (await aDirectory({ organization: other })).directory];
    for (const directory of [here, there])
      await createUser(pool, directory, request, { userName: 'ada', active: true, emails: [{ value: 'Ada@Home.org' }] });
    await createUser(pool, here, request, { userName: 'bob', active: true, emails: [{ value: 'bob@acme.com' }] });
    const preview = await previewMapping(
      pool,
      { environmentId: organization.environmentId, directoryId: here.id },
      parseMapping({ rules: { email_elsewhere: 'reject', foreign_domain: 'warn' } }),
    );
    expect(preview).toMatchObject({ users: 2, changed: 0, failing: 1 });
    expect(preview?.reasons.map(({ problem, users }) => [problem.kind, users])).toEqual([
      ['foreign_domain', 1],
      ['email_elsewhere', 1],
    ]);
  });
});

test('domains that are changed hold from the next write on', async () => {
  const { directory, create } = await aMappedDirectory({ mapping: { rules: { foreign_domain: 'reject' } } });
  const emails = [{ value: 'ada@evil.com' }];
  await create('ada', { emails });
  await changeOrganization(pool, {
    environmentId: directory.environmentId,
    organizationId: directory.organizationId,
    changes: { domains: ['acme.com'] },
  });
  await expect(create('bob', { emails })).rejects.toThrow('emails.value: "ada@evil.com" is not an address at "acme.com"');
});
