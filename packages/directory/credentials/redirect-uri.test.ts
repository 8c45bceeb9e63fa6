import { faultOfRedirectUri } from './redirect-uri';

test.each([
  'https://idp.example.com/callback',
  'https://system-admin.okta.com/admin/app/cpc/an_app_1/oauth/callback',
  'https://idp.example.com:8443/cb?tenant=1&x=%20',
  'https://xn--exmple-cua.test/cb',
  'http://localhost/cb',
  'http://localhost:8080/cb',
  'http://127.0.0.1/cb',
  'http://[::1]:3000/cb',
])('%s may be sent codes', (uri) => {
  expect(faultOfRedirectUri(uri)).toBeUndefined();
});

test.each([
  ['https://user:pw@idp.test/cb', 'user name'],
  ['https://google.com@evil.example/cb', 'user name'],
  ['https://@evil.example/cb', 'user name'],
  ['https://exämple.test/cb', 'a whole address'],
  ['https://idp.example\\@evil.example/', 'backslash'],
  ['https:\\\\idp.test\\cb', 'backslash'],
  ['https://idp.test/cb#', 'fragment'],
  ['https://idp.test/cb#part', 'fragment'],
  ['http://idp.test/cb', 'https://'],
  ['http://localhost.evil.example/cb', 'https://'],
  ['http://127.0.0.1.evil.example/cb', 'https://'],
  ['https:idp.test/cb', 'https://'],
  ['https:///idp.test/cb', 'https://'],
  ['javascript:alert(1)', 'https://'],
  ['//idp.test/cb', 'a whole address'],
  ['/cb', 'a whole address'],
  ['https://idp.test/c b', 'a whole address'],
  ['https://idp.test/\tcb', 'a whole address'],
  ['https://idp.test/"><script>', 'a whole address'],
  ['https://idp.test/{app}/cb', 'braces'],
  [`https://idp.test/${'x'.repeat(2_000)}`, '2000 characters'],
])('%s may not', (uri, why) => {
  expect(faultOfRedirectUri(uri)).toContain(why);
});
