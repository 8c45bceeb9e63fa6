import { createLog, withoutSecrets, type Logger } from './log';

function logged(write: (log: Logger) => void): Record<string, unknown> {
  let line = '';
  write(createLog('info', 'test', { write: (text) => void (line += text) }));
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== 'object' || parsed === null) throw new Error('no object');
  return { ...parsed };
}

test('a line is JSON with a level by name and a time', () => {
  const line = logged((log) => log.info({ status: 201 }, 'answered'));
  expect(line).toMatchObject({ level: 'info', name: 'test', status: 201, msg: 'answered' });
  expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test('fields that hold secrets are censored, at the top and below', () => {
  const line = logged((log) =>
    log.info({ token: 'abc', request: { headers: { authorization: 'abc', cookie: 'abc' } }, config: { databaseUrl: 'abc' } }),
  );
  expect(JSON.stringify(line)).not.toContain('abc');
});

test.each([
  ['an API key', 'cwk_abcdefghijklmnopqrstuvwxyz0123456789'],
  ['a bearer token', 'cwt_0198aaaa.abcdefghij'],
  ['a signing secret', 'whsec_bm90IGEgc2VjcmV0'],
  ['a header', 'Authorization: Bearer abc.def.ghi'],
  ['Basic credentials', 'Basic YWRhOmh1bnRlcjI='],
])('%s in a message is blanked', (_, text) => {
  const secret = text.replace(/^.*[ _]/, '');
  expect(JSON.stringify(logged((log) => log.info(`refused ${text}`)))).not.toContain(secret);
});

const random = 'AZrVd3BBchOwUr7gV3ADcw';

test.each([
  ['a setup link', `http://127.0.0.1:8080/setup/cwl_${random}`],
  ['a secret of a kind that is not known here', `cwz_${random}`],
  ['a secret at the beginning of a line', `refused:\ncwt_${random}`],
  ['a header at the beginning of a line', `sent:\nBearer ${random}`],
  ['a secret after a space in an address', `GET /Users?filter=id%20eq%20cwt_${random}`],
  ['a password with an @ in it', `postgres://causeway:hunter@${random}@db/x`],
])('%s is blanked, whatever stands around it', (_, text) => {
  expect(JSON.stringify(logged((log) => log.info(text)))).not.toContain(random);
});

test("an error's message and stack are cleaned, and the row that offended is left out", () => {
  const error = Object.assign(new Error('connect to postgres://causeway:hunter2@db/x failed'), {
    code: '23505',
    detail: 'Key (user_name_key)=(ada@example.com) already exists.',
  });
  const line = logged((log) => log.error({ err: error }, 'failed'));
  expect(line['err']).toMatchObject({ type: 'Error', code: '23505', message: 'connect to postgres://causeway:***@db/x failed' });
  expect(JSON.stringify(line)).not.toMatch(/hunter2|ada@example/);
});

test('public ids, and words that only begin alike, are left alone', () => {
  const text = 'evt_0198c0de0198c0de0198c0de0198c0de at https://example.com:8443/path of cwd_somewhere';
  expect(withoutSecrets(text)).toBe(text);
});
