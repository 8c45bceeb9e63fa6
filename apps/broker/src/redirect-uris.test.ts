import { aBroker, type TestBroker, type TestDirectory } from './a-broker';
import { AMember } from './console/a-member';
import { aSetupPage } from './setup/a-setup-page';

const first = { email: 'ada@example.com', password: 'correct horse battery' };
let broker: TestBroker;
let directory: TestDirectory;
let register: Record<string, (body: object) => ReturnType<TestBroker['call']>>;

beforeAll(async () => {
  broker = await aBroker({ bootstrapAdminEmail: first.email, bootstrapAdminPassword: first.password });
  directory = await broker.aDirectory();
  const path = `/v1/directories/${directory.id}/oauth_clients`;
  const page = await aSetupPage(broker, directory.id);
  const member = await new AMember(broker).signIn(first.email, first.password);
  register = {
    api: (body) => broker.call('POST', path, { body }),
    console: (body) => member.call('POST', `/environments/${broker.environmentId}${path}`, body),
    'the setup page': (body) => page('POST', '/oauth_clients', body),
  };
});

test.each([
  ['https://idp.test/cb', 201],
  ['http://localhost/cb', 201],
  ['http://127.0.0.1:8080/cb', 201],
  ['http://[::1]/cb', 201],
  ['https://user:pw@idp.test/cb', 400],
  ['https://exämple.test/cb', 400],
  ['https://google.com@evil.example/cb', 400],
  ['https://idp.example\\@evil.example/', 400],
  ['https://idp.test/cb#part', 400],
  ['http://idp.test/cb', 400],
])('%s is answered %i at every door', async (uri, status) => {
  for (const [door, at] of Object.entries(register)) {
    const answer = await at({ grant_type: 'authorization_code', redirect_uris: [uri] });
    expect([door, answer.status]).toEqual([door, status]);
  }
});

test('the setup page is told in a sentence, beside its field', async () => {
  const answer = await register['the setup page']?.({ grant_type: 'authorization_code', redirect_uris: ['http://idp.test/cb'] });
  const said = 'http://idp.test/cb must begin with https://.';
  expect(answer?.body).toMatchObject({ code: 'invalid_request', detail: said, errors: [{ pointer: '/redirect_uris', detail: said }] });
});
