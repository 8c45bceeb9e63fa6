/**
 * The two pages as a person walks them, in a real browser, against broker and worker on a real database. What is looked for is
 * what they would look for: names of fields, buttons and links.
 */
import type { Browser, Page } from 'playwright-core';
import { eventually, identityProvider, startVendor, verified } from '#testing';
import { play } from '../src/sandbox/play';
import { aBrowser } from './a-browser';
import { aConsole, aWindow, signIn, type TestConsole } from './a-console';

jest.setTimeout(120_000);

let browser: Browser;
let system: TestConsole;

beforeAll(async () => {
  system = await aConsole();
  browser = await aBrowser();
});
afterAll(async () => {
  await browser?.close();
  await system?.stop();
});

/** The value of a field that is there to be copied. */
async function copyable(page: Page, label: string): Promise<string> {
  const value = await page
    .getByRole('button', { name: `Copy ${label}` })
    .locator('xpath=preceding-sibling::code')
    .textContent();
  return value ?? '';
}

/** A directory with an identity provider that has called. */
async function connected(name: string, provider = 'entra') {
  const organization = await system.api('POST', '/v1/organizations', { name });
  const directory = await system.api('POST', '/v1/directories', { organization_id: organization.id, provider, name: `${name} directory` });
  const { token } = await system.api('POST', `/v1/directories/${directory.id}/bearer_token`, {});
  const idp = identityProvider({ baseUrl: `${system.url}/scim/v2/${directory.id}`, token });
  const user = (userName: string, more: object = {}) =>
    idp.post('/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName, active: true, ...more });
  return { organization, directory, idp, user };
}

test('from the first sign-in to the first webhook', async () => {
  const vendor = await startVendor();
  const { context, page, complaints } = await aWindow(browser, system);
  await signIn(page);

  await page.getByRole('link', { name: 'Create one' }).first().click();
  await page.getByLabel('Name').fill('Acme');
  await page.getByLabel('Your id (optional)').fill('acme');
  await page.getByRole('button', { name: 'Create organization' }).click();
  await page.getByRole('heading', { name: 'Acme', level: 1 }).waitFor();

  await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await page.getByRole('button', { name: 'New endpoint' }).first().click();
  await page.getByLabel('URL').fill(vendor.url);
  await page.getByRole('button', { name: 'Add endpoint' }).click();
  const secret = await copyable(page, 'Signing secret');
  expect(secret).toMatch(/^whsec_/);
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await page.getByRole('heading', { name: vendor.url.replace('http://', ''), level: 1 }).waitFor();

  await page.getByRole('link', { name: 'Sandbox' }).click();
  await page.getByLabel('Users', { exact: true }).fill('3');
  await page.getByLabel('Groups', { exact: true }).fill('1');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByText(/^Done: \d+ steps\.$/).waitFor();

  const types = await eventually(() => {
    const events = vendor.received.map((delivery) => verified(secret, delivery) as { type: string });
    return events.some(({ type }) => type === 'user.reactivated') && events.map(({ type }) => type);
  });
  expect(types).toEqual(
    expect.arrayContaining(['directory.activated', 'user.created', 'group.member_added', 'provisioning.failed', 'user.deactivated']),
  );

  await page.getByRole('link', { name: 'Events', exact: true }).click();
  await page.getByRole('link', { name: 'user.updated' }).first().click();
  await page.getByRole('heading', { name: 'What changed' }).waitFor();
  await page.getByText('delivered').waitFor();
  expect(complaints).toEqual([]);
  await context.close();
});

test('a setup link leads an IT admin to "connected", while Entra works in the background', async () => {
  const { directory } = await connected('Globex');
  const vendorsWindow = await aWindow(browser, system);
  await signIn(vendorsWindow.page);
  await vendorsWindow.page.goto(`/${system.environmentId}/directories/${directory.id}/connection`);
  await vendorsWindow.page.getByRole('button', { name: 'Create a setup link' }).click();
  const link = await copyable(vendorsWindow.page, 'Setup link');
  await vendorsWindow.context.close();

  // Another browser, in which nobody has signed in.
  const { context, page, complaints } = await aWindow(browser, system);
  await page.goto(link);
  expect(page.url()).toBe(`${system.url}/setup`);
  await page.getByRole('radio', { name: 'Microsoft Entra ID' }).click();
  await page.getByRole('button', { name: 'Start: With a secret token' }).click();
  const seen = page.getByRole('complementary', { name: 'What we see' });
  await seen.getByText('Waiting for the test connection').waitFor();
  await page.getByRole('button', { name: 'Create a new token' }).click();
  const [baseUrl, token] = [await copyable(page, 'Tenant URL'), await copyable(page, 'Secret token')];
  expect(baseUrl).toBe(directory.base_url);

  const entra = identityProvider({ baseUrl, token });
  const playing = play(
    { provider: 'entra', users: 4, groups: 1, laterChanges: false, failures: true, domain: 'globex.example' },
    (method, path, body) => entra.send({ method, path, body }),
    () => {},
    new AbortController().signal,
  );
  await seen.getByText('Test connection received').waitFor();
  await seen.getByText(/^First user arrived: ada\.abara@globex\.example$/).waitFor();
  await seen.getByText('Connected', { exact: true }).waitFor();
  expect(await playing).toMatchObject({ failed: 2 });
  await seen.getByText('4 users, 1 group').waitFor();

  // What failed is told in plain words, with the fix, from the link alone.
  await seen.getByRole('link', { name: 'See what was sent' }).first().click();
  await page.getByText('What to do').waitFor();
  await page.getByRole('link', { name: 'Credentials' }).click();
  await page.getByRole('cell', { name: 'Bearer token' }).first().waitFor();
  expect(complaints).toEqual([]);
  await context.close();
});

test('a user who did not arrive is found, and why', async () => {
  const { user } = await connected('Initech');
  expect((await user('peter@initech.example', { externalId: 'one' })).status).toBe(201);
  expect((await user('Peter@initech.example', { externalId: 'another' })).status).toBe(409);

  const { context, page, complaints } = await aWindow(browser, system);
  await signIn(page);
  await page.getByRole('link', { name: /^Initech · Initech directory/ }).click();
  await page
    .getByRole('status')
    .getByText(/1 of 2 operations in the last 24 hours failed/)
    .waitFor();
  await page.getByText('It was about Peter@initech.example.').waitFor();
  await page.getByRole('link', { name: 'See the request' }).click();
  await page.getByText(/^Another user has that name already/).waitFor();
  await page.getByText(/match by another attribute in Enterprise applications/).waitFor();
  await page.getByRole('region', { name: 'request body' }).getByText('"Peter@initech.example"').waitFor();

  // And the one who is there instead is found by a part of the name.
  await page.getByRole('link', { name: 'Initech directory' }).click();
  await page.getByRole('link', { name: /^Users/ }).click();
  await page.getByRole('searchbox', { name: 'Name or e-mail' }).fill('PETER');
  await page.getByRole('link', { name: 'peter@initech.example' }).click();
  await page.getByRole('link', { name: 'History' }).click();
  await page.getByRole('link', { name: 'user.created' }).waitFor();
  expect(complaints).toEqual([]);
  await context.close();
});

test('an endpoint that was down is replayed', async () => {
  const { organization, user } = await connected('Umbrella');
  const vendor = await startVendor();
  const endpoint = await system.api('POST', '/v1/webhook_endpoints', { url: vendor.url, organization_id: organization.id });
  for (const name of ['a', 'b', 'c']) await user(`${name}@umbrella.example`);
  await eventually(() => vendor.received.length === 4);
  const ids = vendor.received.map(({ headers }) => headers['webhook-id']);

  const { context, page, complaints } = await aWindow(browser, system);
  await signIn(page);
  await page.goto(`/${system.environmentId}/webhooks/${endpoint.id}`);
  await page.getByRole('button', { name: 'Replay' }).click();
  await page.getByText(/^4 events would be sent again/).waitFor();
  await page.getByRole('button', { name: 'Send 4 events again' }).click();
  await page.getByText('The replay has started.').waitFor();
  await eventually(() => vendor.received.length === 8);
  expect(vendor.received.slice(4).map(({ headers }) => headers['webhook-id'])).toEqual(ids);
  expect(complaints).toEqual([]);
  await context.close();
});
