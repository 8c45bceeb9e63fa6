import { type JsonObject, coreSchemas } from '#scim';
import { type Mapped, applyMapping } from './apply-mapping';
import type { UserGroup } from './assign-roles';
import type { AssignedRole } from './assign-roles';
import { parseMapping } from './parse-mapping';

function mapped(roles: object, resource: JsonObject, groups: UserGroup[] = []): Mapped {
  return applyMapping(parseMapping({ roles }), { resource, groups }, coreSchemas);
}
const rolesOf = (roles: object, resource: JsonObject, groups?: UserGroup[]): AssignedRole[] => mapped(roles, resource, groups).roles;

const admins = { id: 'grp_a', displayName: 'IT Admins' };
const readers = { id: 'grp_r', displayName: 'Readers' };
const rules = [{ role: 'admin', group: 'it ADMINS' }, { role: 'reader', group: 'Readers' }, { role_from: 'userType' }];

test('a group gives its role, whatever the case of its name', () => {
  expect(rolesOf({ rules }, {}, [admins])).toEqual([{ role: 'admin', rule: 0, group_id: 'grp_a' }]);
});

test('of two groups of one name a rule means the older one, and one by its externalId, whatever it is called', () => {
  const newer = { id: 'grp_9', displayName: 'it admins', externalId: 'X-1', isNamesake: true };
  expect(rolesOf({ rules }, {}, [newer])).toEqual([]);
  expect(rolesOf({ rules }, {}, [newer, admins])).toEqual([{ role: 'admin', rule: 0, group_id: 'grp_a' }]);
  const byId = [{ role: 'boss', group_external_id: 'X-1' }];
  expect(rolesOf({ rules: byId }, {}, [admins, newer])).toEqual([{ role: 'boss', rule: 0, group_id: 'grp_9' }]);
  for (const externalId of ['x-1', 'X-1 ', null]) expect(rolesOf({ rules: byId }, {}, [{ ...admins, externalId }])).toEqual([]);
});

test('one: the first rule that gives a role, whatever the order of the groups', () => {
  for (const groups of [
    [readers, admins],
    [admins, readers],
  ]) {
    expect(rolesOf({ mode: 'one', rules }, { userType: 'boss' }, groups)).toEqual([{ role: 'admin', rule: 0, group_id: 'grp_a' }]);
  }
  expect(rolesOf({ mode: 'one', rules }, { userType: 'boss' })).toEqual([{ role: 'boss', rule: 2 }]);
});

test('many: all of them, each once, by the first rule that gives it', () => {
  expect(rolesOf({ mode: 'many', rules }, { userType: 'admin' }, [admins, readers])).toEqual([
    { role: 'admin', rule: 0, group_id: 'grp_a' },
    { role: 'reader', rule: 1, group_id: 'grp_r' },
  ]);
});

test('the default is given where no rule gives a role, and by no rule', () => {
  for (const mode of ['one', 'many']) expect(rolesOf({ mode, default: 'member', rules }, {})).toEqual([{ role: 'member', rule: -1 }]);
  expect(rolesOf({ default: 'member', rules }, { userType: 'boss' })).toEqual([{ role: 'boss', rule: 2 }]);
  expect(rolesOf({ rules }, {})).toEqual([]);
});

describe('a role from an attribute', () => {
  const fromRoles = (more: object = {}) => ({ mode: 'many', rules: [{ role_from: 'roles', ...more }] });

  test.each<[string, JsonObject[], string[]]>([
    ['values', [{ value: 'Admin' }, { value: 'User' }], ['Admin', 'User']],
    ['the primary one first', [{ value: 'User' }, { value: 'Admin', primary: true }], ['Admin', 'User']],
    ['the display name of one without a value', [{ display: 'Admin' }], ['Admin']],
    ['Entra’s JSON in a text', [{ value: '{"id":"f2c4","value":"Admin","displayName":"Administrators"}' }], ['Admin']],
    ['the display name in that JSON', [{ value: '{"id":"f2c4","value":null,"displayName":"Administrators"}' }], ['Administrators']],
    ['several in that JSON', [{ value: '[{"value":"Admin"},{"value":"User"}]' }], ['Admin', 'User']],
    ['nothing in that JSON', [{ value: '{"id":"f2c4"}' }], []],
    ['text that only begins like JSON', [{ value: '{Admin}' }], ['{Admin}']],
  ])('%s', (_, roles, given) => {
    expect(rolesOf(fromRoles(), { roles }).map(({ role }) => role)).toEqual(given);
  });

  test('roles[primary eq true].value, which Entra’s SingleAppRoleAssignment() fills', () => {
    const roles = { rules: [{ role_from: 'roles[primary eq true].value' }] };
    expect(rolesOf(roles, { roles: [{ value: 'User' }, { value: 'Admin', primary: true }] })).toEqual([{ role: 'Admin', rule: 0 }]);
    expect(rolesOf(roles, { roles: [{ value: 'User' }] })).toEqual([]);
  });

  test('what a lookup does not list gives no role', () => {
    const lookup = { 'App Admin': 'admin', toString2: 'x' };
    expect(rolesOf(fromRoles({ lookup }), { roles: [{ value: 'toString' }, { value: 'root' }, { value: 'App Admin' }] })).toEqual([
      { role: 'admin', rule: 0 },
    ]);
    expect(
      rolesOf({ mode: 'one', rules: [{ role_from: 'roles', lookup }] }, { roles: [{ value: 'root' }, { value: 'App Admin' }] }),
    ).toEqual([{ role: 'admin', rule: 0 }]);
  });

  test('transforms go before the lookup', () => {
    expect(
      rolesOf(fromRoles({ transform: [{ split: ';' }, 'trim', 'lower'], lookup: { admin: 'Admin', user: 'User' } }), {
        roles: [{ value: 'ADMIN; User' }],
      }),
    ).toEqual([
      { role: 'Admin', rule: 0 },
      { role: 'User', rule: 0 },
    ]);
  });

  test('a role that is not allowed is told, and another rule may give one', () => {
    const roles = { default: 'none', rules: [{ role_from: 'roles', allowed_values: ['User', 'Admin'] }, { role_from: 'userType' }] };
    expect(mapped(roles, { roles: [{ value: 'Adminn' }], userType: 'guest' })).toEqual({
      attributes: {},
      roles: [{ role: 'guest', rule: 1 }],
      problems: [
        { kind: 'invalid_value', attribute: 'roles', path: 'roles', sent: 'Adminn', wanted: 'one of "User", "Admin"', action: 'reject' },
      ],
    });
  });

  test('a text is too long to be a role', () => {
    expect(mapped(fromRoles(), { roles: [{ value: 'a'.repeat(201) }] })).toMatchObject({
      roles: [],
      problems: [{ wanted: 'a role’s name of at most 200 characters' }],
    });
  });
});
