import { InvalidEndpointHeader, InvalidEndpointUrl } from './endpoint';
import { checkHeaders, withoutHeaderValues } from './endpoint-headers';
import { checkUrl } from './endpoint-url';

const loopback = ['127.0.0.0/8', '::1/128'];

test.each([
  '',
  'example.com',
  'ftp://example.com/',
  'http://example.com/',
  'https://user:password@example.com/',
  'https://example.com/#part',
  'https://127.0.0.1/',
  'https://2130706433/',
  'https://0177.1/',
  'https://[::1]/',
  'https://[::ffff:10.0.0.1]/',
  'https://10.0.0.1/',
  'https://169.254.169.254/latest/meta-data',
  `https://example.com/${'a'.repeat(2_100)}`,
  'javascript:alert(1)',
])('the URL %s is refused', async (url) => {
  await expect(checkUrl(url, [])).rejects.toThrow(InvalidEndpointUrl);
});

test('http is for where the operator allows it: a name is looked up, and one that leads nowhere is refused', async () => {
  for (const url of ['http://93.184.216.34/', 'http://nowhere.invalid/', 'http://localhost/']) {
    await expect(checkUrl(url, url === 'http://localhost/' ? ['10.0.0.0/8'] : loopback)).rejects.toThrow('it must begin with https://');
  }
  expect(await checkUrl('http://localhost:3000', loopback)).toBe('http://localhost:3000/');
  expect(await checkUrl('http://127.1:3000/a?b=c', loopback)).toBe('http://127.0.0.1:3000/a?b=c');
  expect(await checkUrl('https://Example.COM/Hooks', [])).toBe('https://example.com/Hooks');
});

test.each([
  [{ Host: 'internal' }],
  [{ 'Content-Length': '5' }],
  [{ 'webhook-signature': 'v1,x' }],
  [{ 'X-A': 'b\r\nX-C: d' }],
  [{ 'X A': 'b' }],
  [{ 'X-A': '1', 'x-a': '2' }],
  [{ 'X-A': 'a'.repeat(9_000) }],
  [{ 'X-A': 'snow ☃' }],
])('the headers %j are refused', (headers) => {
  expect(() => checkHeaders(headers)).toThrow(InvalidEndpointHeader);
});

test('other headers are taken, with their names in lower case', () => {
  expect(checkHeaders({ Authorization: 'Bearer x', 'X-Gateway-Key': 'y' })).toEqual({ authorization: 'Bearer x', 'x-gateway-key': 'y' });
});

test('a header may have any name that HTTP allows, those that JavaScript knows included', () => {
  const headers: unknown = JSON.parse('{"constructor": "a", "__proto__": "b"}');
  expect(Object.entries(checkHeaders(headers as Record<string, string>))).toEqual([
    ['constructor', 'a'],
    ['__proto__', 'b'],
  ]);
});

test.each([
  ['whole', 'you sent authorization: Bearer s3cret-"quoted"', 'you sent authorization: ***'],
  ['without its scheme', 'the token s3cret-"quoted" is not known', 'the token *** is not known'],
  ['as JSON writes it', '{"headers": {"authorization": "Bearer s3cret-\\"quoted\\""}}', '{"headers": {"authorization": "***"}}'],
  ['cut off at the end', 'you sent Bearer s3cret-"qu', 'you sent ***'],
])('what an endpoint echoes of its own headers is blanked, %s', (_, answered, kept) => {
  expect(withoutHeaderValues(answered, { authorization: 'Bearer s3cret-"quoted"', 'x-env': 'dev' })).toBe(kept);
});
