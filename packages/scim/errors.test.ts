import { quoted, ScimError } from './errors';

test('G4 an error is the four members of the RFC, with the status as a string', () => {
  expect(JSON.parse(JSON.stringify(new ScimError(409, 'uniqueness', 'Taken.')))).toEqual({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: '409',
    scimType: 'uniqueness',
    detail: 'Taken.',
  });
  expect(JSON.parse(JSON.stringify(new ScimError(404, undefined, 'Gone.')))).toEqual({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: '404',
    detail: 'Gone.',
  });
});

test('a name in a sentence can be read', () => {
  expect(quoted('title')).toBe('"title"');
  expect(quoted('emails[type eq "work"]')).toBe(`'emails[type eq "work"]'`);
  expect(quoted('a\nb\0')).toBe('"a\\nb\\u0000"');
  expect(quoted('x'.repeat(1000)).length).toBeLessThan(210);
});
