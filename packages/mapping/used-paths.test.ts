import { parseMapping } from './parse-mapping';
import { needsGroups, usedPaths } from './used-paths';

test('every path is listed once, with what it is for and what is to be sent there', () => {
  const mapping = parseMapping({
    attributes: [
      { name: 'plan', type: 'string', from: ['userType', 'title'], required: true, allowed_values: ['Premium', 'Standard'] },
      { name: 'title', type: 'string', from: 'title', required: true },
      { name: 'nick', type: 'string', from: 'nickName', required: true, default: 'none' },
      { name: 'source', type: 'string', constant: 'scim' },
      { name: 'teams', type: 'string_list', from: 'groups.display' },
    ],
    roles: {
      rules: [{ role: 'admin', group: 'Admins' }, { role_from: 'userType' }, { role_from: 'roles', lookup: { 'App Admin': 'admin' } }],
    },
  });
  expect(usedPaths(mapping)).toEqual([
    { path: 'userType', for: ['plan', 'roles'], required: false, wanted: 'one of "Premium", "Standard"' },
    { path: 'title', for: ['plan', 'title'], required: true, wanted: 'one of "Premium", "Standard"' },
    { path: 'nickName', for: ['nick'], required: false, wanted: 'a text' },
    { path: 'roles', for: ['roles'], required: false, wanted: 'one of "App Admin"' },
  ]);
});

test.each<[boolean, object]>([
  [false, {}],
  [false, { roles: { rules: [{ role_from: 'roles' }] }, attributes: [{ name: 'x', type: 'string', from: 'title' }] }],
  [true, { roles: { rules: [{ role: 'admin', group: 'Admins' }] } }],
  [true, { roles: { rules: [{ role_from: 'groups.display' }] } }],
  [true, { attributes: [{ name: 'x', type: 'string_list', from: ['title', 'groups[display sw "A"].value'] }] }],
])('groups make a difference: %j, by %j', (needed, body) => {
  expect(needsGroups(parseMapping(body))).toBe(needed);
});
