import { eventually } from '#testing';
import { aBroker, type TestBroker, type TestDirectory } from './a-broker';
import { AMember } from './console/a-member';
import { ABrowser, allow } from './oauth/a-browser';
import { anAdminsBrowser, anOAuthClient, authorizeAddress } from './oauth/an-oauth-client';
import { aSetupPage } from './setup/a-setup-page';

// The audit log cannot be written to, since the disk is full. What was done is done, and answered: a client that was told otherwise
// would do it twice, and a secret that was made would be shown to nobody. The process's own log is told.

const first = { email: 'ada@example.com', password: 'correct horse battery' };
let broker: TestBroker;
let directory: TestDirectory;

beforeAll(async () => {
  broker = await aBroker({ bootstrapAdminEmail: first.email, bootstrapAdminPassword: first.password, operatorApiKey: 'the-operator' });
  directory = await broker.aDirectory();
  await broker.db.pool.query(`
    create function refuse_notes() returns trigger language plpgsql
      as $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`);
});

beforeEach(() => void broker.logged.splice(0));
afterEach(() => broker.db.pool.query('drop trigger if exists full_disk on audit_log'));

const fillTheDisk = (): Promise<unknown> =>
  broker.db.pool.query('create trigger full_disk before insert on audit_log for each row execute function refuse_notes()');

/** Whether the log tells that this act was done and not noted, and why. */
const told = (act: string): Promise<unknown> =>
  eventually(() =>
    broker.logged.some((line) => line.includes(`done, but not noted in the audit log: ${act}`) && line.includes('No space left')),
  );

test('the API: what an API key and the operator change', async () => {
  await fillTheDisk();
  const changed = await broker.call('PATCH', `/v1/directories/${directory.id}`, { body: { name: 'Renamed' } });
  expect([changed.status, changed.body.name]).toEqual([200, 'Renamed']);
  await told('changeDirectory');
  const made = await broker.call('POST', '/v1/environments', { key: 'the-operator', body: { name: 'staging' } });
  expect([made.status, made.body.api_key]).toEqual([201, expect.stringMatching(/^cwk_/)]);
  await told('createEnvironment');
});

test('the console: an environment, its members, a password, and coming in', async () => {
  const ada = await new AMember(broker).signIn(first.email, first.password);
  const here = `/environments/${broker.environmentId}`;
  await fillTheDisk();
  expect((await ada.call('PATCH', here, { name: 'Production' })).status).toBe(204);
  await told('changeEnvironment');
  expect((await ada.call('GET', '/session')).body.environments[0].name).toBe('Production');

  expect((await ada.call('POST', `${here}/invitations`, { email: 'bob@example.com', role: 'viewer' })).status).toBe(201);
  await told('inviteMember');
  expect((await ada.call('POST', `${here}/v1/organizations`, { name: 'Acme' })).status).toBe(201);
  await told('createOrganization');
  expect((await ada.call('POST', '/environments', { name: 'Staging' })).status).toBe(201);
  await told('createEnvironment');
  expect((await ada.call('POST', '/password', { current: first.password, next: 'another password' })).status).toBe(204);
  await told('changePassword');

  const again = new AMember(broker);
  const signedIn = await again.call('POST', '/session', { email: first.email, password: 'another password' });
  expect([signedIn.status, signedIn.body.member.email, again.cookie]).toEqual([200, first.email, expect.stringContaining('cwm_')]);
  await told('signIn');
});

test('the setup page: opening the link, and the credentials that are shown once', async () => {
  const { url } = (await broker.call('POST', `/v1/directories/${directory.id}/setup_link`)).body;
  const page = await aSetupPage(broker, directory.id);
  await fillTheDisk();

  const opened = await new ABrowser(broker).open(url);
  expect([opened.status, opened.location, opened.headers.get('set-cookie')]).toEqual([303, '/setup', expect.stringContaining('cwp_')]);
  await told('openSetupLink');

  const issued = await page('POST', '/bearer_token', {});
  expect([issued.status, issued.body]).toEqual([201, { token: expect.stringMatching(/^cwt_/) }]);
  await told('createBearerToken');
  const client = await page('POST', '/oauth_clients', { grant_type: 'client_credentials' });
  expect([client.status, client.body.client_secret]).toEqual([201, expect.stringMatching(/^cws_/)]);
  await told('createOAuthClient');
  const rotated = await page('POST', `/oauth_clients/${client.body.id}/rotate_secret`, {});
  expect([rotated.status, rotated.body.client_secret]).toEqual([201, expect.stringMatching(/^cws_/)]);
  await told('rotateOAuthClientSecret');
  expect((await page('PUT', '/provider', { provider: 'okta' })).status).toBe(204);
  await told('changeDirectory');
});

test('the authorization server: an identity provider that is let in gets its code', async () => {
  const client = await anOAuthClient(broker, directory.id, 'authorization_code');
  const browser = await anAdminsBrowser(broker, directory.id);
  const asked = await browser.open(authorizeAddress(client));
  await fillTheDisk();
  const { location } = await browser.press(asked, allow);
  expect(new URL(location ?? '').searchParams.get('code')).toEqual(expect.any(String));
  await told('allowOAuthClient');
});
