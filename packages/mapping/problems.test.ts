import { parseMapping } from './parse-mapping';
import { type Address, type Problem, emailElsewhere, foreignDomains, problemError, wantedOf } from './problems';

const mapping = parseMapping({ rules: { foreign_domain: 'reject', email_elsewhere: 'reject' } });

const addresses = (...values: string[]): Address[] => values.map((value) => ({ value, path: 'emails[type eq "work"].value' }));

function aProblem(problem: Partial<Problem>): Problem {
  return {
    kind: 'invalid_value',
    attribute: 'plan',
    path: 'userType',
    sent: 'premium ',
    wanted: 'one of "Premium", "Standard"',
    action: 'reject',
    ...problem,
  };
}

test.each<[string, Problem, number, string, string]>([
  [
    'an invalid value',
    aProblem({}),
    400,
    'invalidValue',
    'userType: "premium " is not one of "Premium", "Standard". Change the value or the mapping in your identity provider.',
  ],
  [
    'an invalid value that is no text',
    aProblem({ sent: { a: 1 }, wanted: 'a number' }),
    400,
    'invalidValue',
    'userType: an object is not a number. Change the value or the mapping in your identity provider.',
  ],
  [
    'several where one is wanted',
    aProblem({ sent: ['a', 'b'], wanted: 'a single value' }),
    400,
    'invalidValue',
    'userType: a list of 2 values is not a single value. Change the value or the mapping in your identity provider.',
  ],
  [
    'a missing value',
    aProblem({ kind: 'missing_required', sent: null }),
    400,
    'invalidValue',
    'userType is required and has no value: it must be one of "Premium", "Standard". Give the user a value, and map it, in your identity provider.',
  ],
  [
    'a foreign domain',
    foreignDomains(mapping, addresses('bob@gmail.com'), ['acme.com', 'acme.de'])[0] ?? aProblem({}),
    400,
    'invalidValue',
    'emails[type eq "work"].value: "bob@gmail.com" is not an address at "acme.com", "acme.de". Change the address in your identity provider, or ask the application’s vendor to add its domain to your organization.',
  ],
  [
    'an address in use elsewhere',
    emailElsewhere(mapping, { value: 'ada@acme.com', path: 'emails.value' }),
    409,
    'uniqueness',
    'emails.value: "ada@acme.com" is not free: an active user of another organization has it. Deactivate the user there first, or change the address in your identity provider.',
  ],
])('%s is told in words that say what would be right', (_, problem, status, scimType, detail) => {
  const error = problemError(problem);
  expect([error.status, error.scimType, error.detail]).toEqual([status, scimType, detail]);
});

test('a long value is cut, and a long list of allowed ones too', () => {
  expect(problemError(aProblem({ sent: 'x'.repeat(5_000) })).detail.length).toBeLessThan(400);
  const allowed = Array.from({ length: 12 }, (_, index) => `v${index}`);
  expect(wantedOf({ name: 'plan', type: 'string', from: 'userType', allowed_values: allowed })).toMatch(
    /^one of "v0", .*, "v9" or 2 more$/,
  );
});

test('an address is foreign whose domain is none of the organization’s', () => {
  const emails = addresses(
    'ada@acme.com',
    'bob@ACME.com',
    'eve@eu.acme.com',
    'eve@notacme.com',
    'nobody',
    'a@b@acme.com',
    'eve@notacme.com',
  );
  expect(foreignDomains(mapping, emails, ['Acme.com']).map(({ sent }) => sent)).toEqual(['eve@eu.acme.com', 'eve@notacme.com', 'nobody']);
});

test('nothing is foreign to an organization without domains, or where nobody minds', () => {
  expect(foreignDomains(mapping, addresses('ada@acme.com'), [])).toEqual([]);
  expect(foreignDomains(parseMapping({}), addresses('ada@acme.com'), ['other.com'])).toEqual([]);
  expect(foreignDomains(parseMapping({ rules: { foreign_domain: 'warn' } }), addresses('ada@acme.com'), ['other.com'])).toMatchObject([
    { action: 'warn' },
  ]);
});
