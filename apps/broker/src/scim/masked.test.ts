import { maskedBody } from './masked';

const operations = (...values: unknown[]): object => ({ Operations: values.map((value) => ({ op: 'replace', value })) });

test.each<[string, string, string]>([
  ['of a value', '{"active":true,"password":"hunter2"}', '{"active":true,"password":"[masked]"}'],
  ['whose name is escaped', '{"pass\\u0077ord":"hunter2"}', '{"password":"[masked]"}'],
  [
    'with its URN',
    '{"urn:ietf:params:scim:schemas:core:2.0:User:password":"x"}',
    '{"urn:ietf:params:scim:schemas:core:2.0:User:password":"[masked]"}',
  ],
  ['deeper', '[{"a":"{\\"password\\":\\"hunter2\\"}"}]', '[{"a":"{\\"password\\":\\"[masked]\\"}"}]'],
])('a password in JSON in a string is not kept: %s', (_where, sent, kept) => {
  expect(maskedBody(operations(sent), 100)).toEqual(operations(kept));
});

test('JSON in a string is kept as it was sent where there is no password in it', () => {
  for (const text of ['{ "value": "Admin" }', '[1, 2]', '{not JSON']) expect(maskedBody(operations(text), 100)).toEqual(operations(text));
});
