import { providers } from '../resource/told-directory';
import { explainRequest } from './explanation';

const refused = { provider: 'entra', method: 'POST', path: '/Users', status: 400, scimType: 'invalidValue', detail: null } as const;

test('what succeeded needs no explanation', () => {
  expect(explainRequest({ ...refused, status: 201, scimType: null })).toBeUndefined();
});

test('a value that is refused is explained by its own sentence, and put right where that identity provider has its mapping', () => {
  const detail = 'userType: "Gold" is not one of "Premium", "Standard". Change the value or the mapping in your identity provider.';
  expect(explainRequest({ ...refused, detail })).toEqual({
    explanation: `A value is not allowed. ${detail}`,
    fix:
      'Change the value in the user’s profile, or what is sent for it: Enterprise applications › your application › Provisioning › Attribute mapping. ' +
      'Then try the user at once with Provisioning › Provision on demand; otherwise Entra tries again with its next cycle, within 40 minutes.',
  });
  expect(explainRequest({ ...refused, detail, provider: 'okta' })?.fix).toContain('Okta does not try again by itself');
});

test('a group without a name is put right at the group, and an address that there is not at the base URL', () => {
  const detail = 'displayName is required, and must be a string that is not empty.';
  expect(explainRequest({ ...refused, path: '/Groups', detail })?.fix).toMatch(/^Give the group a value/);
  expect(explainRequest({ ...refused, path: '/v2/Users?count=1', status: 404, scimType: null })).toEqual({
    explanation: 'The identity provider called an address that there is not: /v2/Users.',
    fix: expect.stringMatching(/^See that the base URL ends with the directory’s id/),
  });
});

test.each([
  [403, null, 'All 5 seats of this organization are taken (5 of 5).', 'no seat left'],
  [403, null, 'This directory is disabled: nothing is taken from it.', 'The directory is disabled'],
  [404, null, 'There is no user with this id in this directory.', 'The user does not exist'],
  [
    409,
    'uniqueness',
    'emails.value: "a@b.c" is not free: an active user of another organization has it.',
    'active user of another organization',
  ],
  [409, 'uniqueness', 'Another user of this directory already has the userName "a".', 'Another user has that name already'],
  [429, null, 'The brake of this directory is engaged.', 'the brake was engaged'],
  [429, null, 'Too many requests.', 'More requests came'],
  [400, 'invalidValue', 'userType is required and has no value: it must be a text.', 'A required value was not sent'],
  [400, 'invalidPath', '"foo" is no attribute.', 'The request names an attribute'],
  [400, 'invalidSyntax', 'The body is not JSON.', 'could not be read as SCIM'],
  [500, null, 'The request could not be processed.', 'not the identity provider’s fault'],
] as const)('%s %s is explained', (status, scimType, detail, words) => {
  for (const provider of providers) {
    const explained = explainRequest({ ...refused, provider, status, scimType, detail });
    expect(explained?.explanation).toContain(words);
    expect(explained?.fix).toMatch(/\.$/);
  }
});
