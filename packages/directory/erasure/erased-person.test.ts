import { erasedText, identify, pathWithoutPerson, type Person, tracesOf, withoutPerson } from './erased-person';

const userId = 'usr_01997a3c5f0e7d0a8b1c2d3e4f506172';
const ada: Person = { userId, names: ['ada@acme.com', 'ada.lovelace@home.org'], externalIds: ['00u1234567', '7'] };

const user = {
  id: userId,
  directory_id: 'dir_1',
  organization_id: 'org_1',
  external_id: '00u1234567',
  user_name: 'Ada@acme.com',
  active: true,
  email: 'ada@acme.com',
  emails: [{ value: 'ada@acme.com' }],
  given_name: 'Ada',
  display_name: 'Ada Lovelace',
  roles: [{ role: 'admin', rule: 0 }],
  groups: [{ id: 'grp_1', display_name: 'Eng' }],
  attributes: { plan: 'Premium' },
  raw: { userName: 'Ada@acme.com' },
  version: 7,
  created_at: '2026-01-31T09:00:00.000Z',
  updated_at: '2026-01-31T09:00:00.000Z',
};

test('of an event ids, numbers and times stay, and the names of fields', () => {
  expect(withoutPerson({ user, previous: { title: 'Countess', active: false } }, ada)).toEqual({
    user: {
      id: userId,
      directory_id: 'dir_1',
      organization_id: 'org_1',
      external_id: null,
      user_name: erasedText,
      active: true,
      email: null,
      emails: [],
      given_name: null,
      display_name: null,
      roles: [],
      groups: [],
      attributes: {},
      raw: {},
      version: 7,
      created_at: '2026-01-31T09:00:00.000Z',
      updated_at: '2026-01-31T09:00:00.000Z',
    },
    previous: { title: null, active: false },
  });
});

test('what tells of others stays as it is, but for where it names the person', () => {
  const other = {
    user: { ...user, id: 'usr_2', user_name: 'bob@acme.com', email: 'nada@acme.com', external_id: '8', emails: [], raw: {} },
    previous: { title: 'x' },
  };
  expect(withoutPerson(other, ada)).toEqual({ ...other, user: { ...other.user } });
  const unrelated = { user: { id: 'usr_2', user_name: 'bob@acme.com', manager: '00u7654321', code: { value: '7' } } };
  expect(withoutPerson(unrelated, ada)).toBe(unrelated);
  expect(
    withoutPerson(
      {
        user: {
          id: 'usr_2',
          user_name: 'bob@acme.com',
          manager: '00U1234567',
          raw: { manager: { value: '00u1234567', displayName: 'Ada Lovelace' } },
        },
      },
      ada,
    ),
  ).toEqual({
    user: { id: 'usr_2', user_name: 'bob@acme.com', manager: erasedText, raw: { manager: { value: erasedText, displayName: erasedText } } },
  });
  expect(
    withoutPerson(
      {
        Operations: [
          {
            op: 'add',
            path: 'members',
            value: [
              { value: userId, display: 'Ada' },
              { value: 'usr_2', display: 'Bob' },
            ],
          },
        ],
      },
      ada,
    ),
  ).toEqual({
    Operations: [
      {
        op: 'add',
        path: 'members',
        value: [
          { value: userId, display: erasedText },
          { value: 'usr_2', display: 'Bob' },
        ],
      },
    ],
  });
});

test('a refused write loses what it says of them', () => {
  expect(
    withoutPerson(
      {
        request: {
          id: 'req_1',
          method: 'POST',
          path: '/Users',
          status: 409,
          detail: 'Another user has the userName "ADA@acme.com".',
          resource: { userName: 'ada@acme.com', displayName: 'Ada', externalId: '9' },
        },
      },
      ada,
    ),
  ).toEqual({
    request: {
      id: 'req_1',
      method: 'POST',
      path: '/Users',
      status: 409,
      detail: erasedText,
      resource: { userName: erasedText, displayName: erasedText, externalId: erasedText },
    },
  });
  expect(withoutPerson({ request: { path: `/Users/${userId}`, detail: 'name.familyName: "Lovelace" is too long.' } }, ada)).toEqual({
    request: { path: `/Users/${userId}`, detail: erasedText },
  });
  expect(
    withoutPerson(
      { request: { path: '/Users', detail: 'nickName: "Countess" is not one of "a".', resource: { externalId: '7', displayName: 'Ada' } } },
      ada,
    ),
  ).toEqual({
    request: { path: '/Users', detail: erasedText, resource: { externalId: erasedText, displayName: erasedText } },
  });
  const ofGroup = {
    request: { path: '/Groups', detail: 'displayName: "x" is too long.', resource: { externalId: '7', displayName: 'Eng' } },
  };
  expect(withoutPerson(ofGroup, ada)).toEqual({
    request: { ...ofGroup.request, resource: { externalId: erasedText, displayName: 'Eng' } },
  });
});

test('a name is taken out whole, and nothing that only begins or ends like it', () => {
  const clean = (text: string) => withoutPerson(text, ada);
  expect(clean('to ada@acme.com.')).toBe(`to ${erasedText}.`);
  expect(clean('<ADA@ACME.COM>, ada@acme.com')).toBe(`<${erasedText}>, ${erasedText}`);
  for (const text of ['nada@acme.com', 'ada@acme.com.au', 'ada@acme.community', 'x.ada@acme.com', 'adaxlovelace@home.org'])
    expect(clean(text)).toBe(text);
});

test('a query that names them goes, and the place stays', () => {
  expect(pathWithoutPerson('/Users?filter=userName+eq+%22Ada%40acme.com%22', ada)).toBe(`/Users?${erasedText}`);
  expect(pathWithoutPerson('/Users?filter=externalId%20eq%20%227%22', ada)).toBe(`/Users?${erasedText}`);
  expect(pathWithoutPerson(`/Users/${userId}`, ada)).toBe(`/Users/${userId}`);
  expect(pathWithoutPerson('/Users?startIndex=7', ada)).toBe('/Users?startIndex=7');
  expect(pathWithoutPerson('/Users?filter=%', ada)).toBe('/Users?filter=%');
});

test('what they were ever called is learnt from what tells of them', () => {
  const nobody: Person = { userId, names: [], externalIds: [] };
  const learnt = identify(nobody, [
    { user, previous: { user_name: 'countess@acme.com', emails: [{ value: 'c@acme.com' }], raw: { externalId: 'old-id' } } },
    { user: { ...user, id: 'usr_2', user_name: 'bob@acme.com' } },
    null,
  ]);
  expect(learnt).toEqual({ userId, names: ['ada@acme.com', 'countess@acme.com', 'c@acme.com'], externalIds: ['00u1234567', 'old-id'] });
  expect(tracesOf(ada)).toEqual([
    userId,
    'ada@acme.com',
    'ada%40acme.com',
    'ada.lovelace@home.org',
    'ada.lovelace%40home.org',
    '00u1234567',
  ]);
});
