import fc from 'fast-check';
import { type Mapping, type MappingBody, parseMapping } from '#mapping';
import type { Resource } from '#scim';
import { testDatabase } from '#testing';
import { aMappedDirectory, remapAll } from './a-mapped-directory';
import { previewMapping } from '../index';
import type { DirectoryPool } from '../writing/transaction';

let pool: DirectoryPool;

beforeAll(async () => {
  ({ pool } = await testDatabase());
});

const metadata = 'urn:ietf:params:scim:schemas:extension:2.0:Metadata';
const text = fc.constantFrom('Premium', 'premium', ' a ', 'a,b', 'true', '5', '2026-01-31', '{"a":1}', '');
const action = fc.constantFrom('reject' as const, 'warn' as const, 'ignore' as const);
const attribute = (name: string) =>
  fc.record(
    {
      name: fc.constant(name),
      type: fc.constantFrom('string' as const, 'string_list' as const),
      from: fc.constantFrom('userType', 'title', 'emails.value', 'groups.display', 'roles', `${metadata}:plan`),
      required: fc.boolean(),
      allowed_values: fc.constant<string[]>(['Premium', 'a']),
      default: fc.constant(null),
      transform: fc.subarray(['trim' as const, 'lower' as const, { split: ',' }]),
    },
    { requiredKeys: ['name', 'type', 'from'] },
  );
const body: fc.Arbitrary<MappingBody> = fc.record(
  {
    attributes: fc.tuple(attribute('x'), attribute('y'), fc.constant({ name: 'all', type: 'object' as const, from: `${metadata}:*` })),
    roles: fc.record({
      mode: fc.constantFrom('one' as const, 'many' as const),
      default: fc.option(fc.constant('member')),
      rules: fc.subarray([
        { role: 'admin', group: 'Admins' },
        { role_from: 'userType', lookup: { Premium: 'lead' } },
        { role_from: 'roles', allowed_values: ['x'] },
      ]),
    }),
    rules: fc.record({ invalid_value: action, missing_required: action, foreign_domain: action, email_elsewhere: action }),
  },
  { requiredKeys: [] },
);
const resource: fc.Arbitrary<Resource> = fc.record(
  {
    userType: text,
    title: text,
    active: fc.boolean(),
    emails: fc.array(fc.record({ value: fc.constantFrom('a@acme.com', 'b@other.com'), type: fc.constant('work') }), { maxLength: 2 }),
    roles: fc.array(fc.record({ value: fc.constantFrom('x', 'y') }), { maxLength: 2 }),
    [metadata]: fc.dictionary(fc.constantFrom('plan', 'site'), text, { maxKeys: 2 }),
  },
  { requiredKeys: [] },
);

test('a preview counts whom saving changes and who fails after it, and shows what they become; then nothing is left to change', async () => {
  await fc.assert(
    fc.asyncProperty(body, body, fc.array(resource, { minLength: 1, maxLength: 8 }), async (first, draft, resources) => {
      const here = await aMappedDirectory({ domains: ['acme.com'] });
      const users = await Promise.all(resources.map((more, i) => here.create(`u${i}`, more)));
      await here.group('Admins', users.slice(0, 2));
      const { environmentId } = here.directory;
      await remapAll(
        environmentId,
        (await here.map(first)) ?? (await here.map({ attributes: [{ name: 'z', type: 'string', constant: 'z' }] })),
      );

      const mapping: Mapping = parseMapping(draft);
      const before = await here.log();
      const preview = await previewMapping(pool, { environmentId }, mapping);
      expect(await here.log()).toEqual(before);
      const remapId = await here.map(draft);
      if (remapId === undefined) {
        expect(preview?.changed).toBe(0);
        return;
      }
      expect(await remapAll(environmentId, remapId)).toMatchObject({
        state: 'finished',
        usersDone: users.length,
        usersChanged: preview?.changed,
        usersFailing: preview?.failing,
      });

      const stored = new Map(
        await Promise.all(users.map(async (user) => [(await here.find(user)).profile.user_name, (await here.find(user)).profile] as const)),
      );
      for (const { user, after } of preview?.examples ?? []) expect(stored.get(user.userName)).toMatchObject(after);
      expect((await here.log()).slice(before.length).map(({ type, data }) => [type, data.cause])).toEqual(
        Array.from({ length: preview?.changed ?? 0 }, () => ['user.updated', 'mapping']),
      );
      expect((await previewMapping(pool, { environmentId }, mapping))?.changed).toBe(0);
    }),
    { numRuns: 40 },
  );
});
