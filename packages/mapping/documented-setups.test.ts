/** Set-ups that vendors describe to their customers' IT admins, each with what the identity provider sends by them. */
import { type Json, type JsonObject, coreSchemas, enterpriseUserUrn, parsePatch, parseUser, patchUser, userUrn } from '#scim';
import { type Mapped, applyMapping } from './apply-mapping';
import type { UserGroup } from './assign-roles';
import type { Mapping } from './mapping-schema';
import { parseMapping } from './parse-mapping';
import { problemError } from './problems';
import { needsGroups, usedPaths } from './used-paths';

/** A user as Entra creates it. */
function createdByEntra(more: Record<string, Json>): JsonObject {
  const body = {
    schemas: [userUrn, enterpriseUserUrn],
    externalId: '0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef',
    userName: 'ada@acme.com',
    active: true,
    emails: [{ primary: true, type: 'work', value: 'ada@acme.com' }],
    meta: { resourceType: 'User' },
    name: { formatted: 'Ada Lovelace', familyName: 'Lovelace', givenName: 'Ada' },
    ...more,
  };
  return parseUser(body, coreSchemas).resource;
}

function patched(resource: JsonObject, operations: Json[]): JsonObject {
  const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations };
  return patchUser(resource, parsePatch(body, 'User', coreSchemas).operations).resource;
}

function apply(mapping: Mapping, resource: JsonObject, groups: UserGroup[] = []): Mapped {
  return applyMapping(mapping, { resource, groups }, coreSchemas);
}

describe('a user type of two values, folders by Split(), metadata keys, a role attribute', () => {
  const folders = 'urn:ietf:params:scim:schemas:extension:2.0:CustomExtensionName:folders';
  const metadata = 'urn:ietf:params:scim:schemas:extension:2.0:Metadata';
  const mapping = parseMapping({
    attributes: [
      { name: 'user_type', type: 'string', from: 'userType', required: true, allowed_values: ['Premium', 'Standard'] },
      { name: 'folders', type: 'string_list', from: folders, transform: ['trim'] },
      { name: 'metadata', type: 'object', from: `${metadata}:*` },
    ],
    roles: {
      mode: 'one',
      default: 'App',
      rules: [{ role_from: 'roles[primary eq true].value', allowed_values: ['ReadOnly', 'User', 'Admin', 'EnterpriseAdmin'] }],
    },
  });

  test('all of it becomes what the vendor asked for', () => {
    const resource = createdByEntra({
      userType: 'Premium',
      [folders]: ['Folder 1', ' Folder 2'],
      [`${metadata}:CostCenter`]: '4711',
      [`${metadata}:Site Code`]: 'BER',
      roles: [{ primary: 'True', value: 'EnterpriseAdmin', display: 'Enterprise administrators' }],
    });
    expect(apply(mapping, resource)).toEqual({
      attributes: { user_type: 'Premium', folders: ['Folder 1', 'Folder 2'], metadata: { CostCenter: '4711', 'Site Code': 'BER' } },
      roles: [{ role: 'EnterpriseAdmin', rule: 0 }],
      problems: [],
    });
  });

  test('changes come one attribute at a time', () => {
    const resource = patched(createdByEntra({ userType: 'Premium', [folders]: ['Folder 1'], [`${metadata}:CostCenter`]: '4711' }), [
      { op: 'Replace', path: 'userType', value: 'Standard' },
      { op: 'Add', path: folders, value: ['Folder 3'] },
      { op: 'Remove', path: `${metadata}:CostCenter` },
      { op: 'Add', path: 'roles[primary eq "True"].value', value: 'Admin' },
    ]);
    expect(apply(mapping, resource)).toEqual({
      attributes: { user_type: 'Standard', folders: ['Folder 1', 'Folder 3'] },
      roles: [{ role: 'Admin', rule: 0 }],
      problems: [],
    });
  });

  test('a list that Split() was forgotten for is split only by a mapping that says so', () => {
    const resource = createdByEntra({ userType: 'Premium', [folders]: 'Folder 1, Folder 2' });
    expect(apply(mapping, resource).attributes['folders']).toEqual(['Folder 1, Folder 2']);
    const splitting = parseMapping({
      attributes: [{ name: 'folders', type: 'string_list', from: folders, transform: [{ split: ',' }, 'trim'] }],
    });
    expect(apply(splitting, resource).attributes['folders']).toEqual(['Folder 1', 'Folder 2']);
  });

  test('a user with anything but exactly Premium or Standard is not provisioned, and the IT admin reads why', () => {
    const detailOf = (more: Record<string, Json>): string[] =>
      apply(mapping, createdByEntra(more)).problems.map((problem) => problemError(problem).detail);
    expect(detailOf({ userType: 'premium ' })).toEqual([
      'userType: "premium " is not one of "Premium", "Standard". Change the value or the mapping in your identity provider.',
    ]);
    expect(detailOf({ userType: '' })).toEqual([
      'userType is required and has no value: it must be one of "Premium", "Standard". Give the user a value, and map it, in your identity provider.',
    ]);
  });

  test('a user without a role gets into the app only, and one with a mistyped role is refused', () => {
    expect(apply(mapping, createdByEntra({ userType: 'Standard' })).roles).toEqual([{ role: 'App', rule: -1 }]);
    expect(apply(mapping, createdByEntra({ userType: 'Standard', roles: [{ primary: true, value: 'Readonly' }] })).problems).toEqual([
      {
        kind: 'invalid_value',
        attribute: 'roles',
        path: 'roles[primary eq true].value',
        sent: 'Readonly',
        wanted: 'one of "ReadOnly", "User", "Admin", "EnterpriseAdmin"',
        action: 'reject',
      },
    ]);
  });

  test('the IT admin’s table has what is to be mapped', () => {
    expect(usedPaths(mapping)).toEqual([
      { path: 'userType', for: ['user_type'], required: true, wanted: 'one of "Premium", "Standard"' },
      { path: folders, for: ['folders'], required: false, wanted: 'a text' },
      { path: `${metadata}:*`, for: ['metadata'], required: false, wanted: 'an object' },
      {
        path: 'roles[primary eq true].value',
        for: ['roles'],
        required: false,
        wanted: 'one of "ReadOnly", "User", "Admin", "EnterpriseAdmin"',
      },
    ]);
    expect(needsGroups(mapping)).toBe(false);
  });
});

describe('externalId from objectId, with groups and metadata', () => {
  const metadata = 'urn:ietf:params:scim:schemas:extension:2.0:Metadata';
  const mapping = parseMapping({
    attributes: [
      { name: 'object_id', type: 'string', from: 'externalId', required: true, pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' },
      { name: 'department', type: 'string', from: [`${metadata}:department`, `${enterpriseUserUrn}:department`] },
      { name: 'teams', type: 'string_list', from: 'groups.display' },
    ],
    roles: {
      mode: 'many',
      default: 'chat.user',
      rules: [
        { role: 'chat.admin', group: 'Chat Admins' },
        { role: 'chat.data', group: 'Data' },
      ],
    },
  });

  test('groups give roles and names, metadata goes before the directory’s own department', () => {
    const resource = createdByEntra({ [`${metadata}:department`]: 'Research', [enterpriseUserUrn]: { department: 'R&D' } });
    const groups = [
      { id: 'grp_2', displayName: 'data' },
      { id: 'grp_1', displayName: 'Chat Admins' },
    ];
    expect(apply(mapping, resource, groups)).toEqual({
      attributes: { object_id: '0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef', department: 'Research', teams: ['Chat Admins', 'data'] },
      roles: [
        { role: 'chat.admin', rule: 0, group_id: 'grp_1' },
        { role: 'chat.data', rule: 1, group_id: 'grp_2' },
      ],
      problems: [],
    });
    expect(needsGroups(mapping)).toBe(true);
  });

  test('Entra’s standard, the mail nickname as externalId, is refused', () => {
    expect(apply(mapping, createdByEntra({ externalId: 'ada.lovelace' })).problems).toMatchObject([
      { kind: 'invalid_value', attribute: 'object_id', path: 'externalId', sent: 'ada.lovelace' },
    ]);
  });
});

describe('attributes limited to the five named ones', () => {
  const mapping = parseMapping({
    attributes: [
      { name: 'login', type: 'string', from: 'userName', transform: ['lower'] },
      { name: 'enabled', type: 'boolean', from: 'active' },
      { name: 'work_email', type: 'string', from: 'emails[type eq "work"].value', required: true },
      { name: 'first_name', type: 'string', from: 'name.givenName', required: true },
      { name: 'last_name', type: 'string', from: 'name.familyName', required: true },
    ],
  });

  test('is all that the vendor sees of whatever is sent', () => {
    // Okta's emails have no canonical type in the case of the RFC, and come with what nobody asked for.
    const body = {
      schemas: [userUrn],
      userName: 'Ada@acme.com',
      name: { givenName: 'Ada', familyName: 'Lovelace' },
      emails: [
        { primary: true, value: 'ada@acme.com', type: 'work' },
        { value: 'ada@home.org', type: 'home' },
      ],
      title: 'Analyst',
      locale: 'en-US',
      groups: [],
      active: true,
    };
    expect(apply(mapping, parseUser(body, coreSchemas).resource)).toEqual({
      attributes: { login: 'ada@acme.com', enabled: true, work_email: 'ada@acme.com', first_name: 'Ada', last_name: 'Lovelace' },
      roles: [],
      problems: [],
    });
  });

  test('an admin who unmapped too much reads what is missing', () => {
    const resource = parseUser({ schemas: [userUrn], userName: 'ada@acme.com', name: { givenName: 'Ada' } }, coreSchemas).resource;
    expect(apply(mapping, resource).problems.map(({ kind, path }) => [kind, path])).toEqual([
      ['missing_required', 'emails[type eq "work"].value'],
      ['missing_required', 'name.familyName'],
    ]);
  });
});

test('Entra’s app roles as JSON in a text, by AssertiveAppRoleAssignmentsComplex()', () => {
  const mapping = parseMapping({ roles: { mode: 'many', rules: [{ role_from: 'roles', lookup: { Admin: 'admin', Reader: 'reader' } }] } });
  const resource = patched(createdByEntra({}), [
    {
      op: 'Add',
      path: 'roles',
      value: [
        { value: '{"id":"06b07648-ecfe-589f-9d2f-6325724a46ee","value":"Admin","displayName":"Administrators"}' },
        { value: '{"id":"25","value":"Reader","displayName":"Readers"}' },
      ],
    },
  ]);
  expect(apply(mapping, resource).roles).toEqual([
    { role: 'admin', rule: 0 },
    { role: 'reader', rule: 0 },
  ]);
});
