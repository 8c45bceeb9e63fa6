/** What a vendor makes, changes and takes away in the console, as a person does it; who may; and what happens while the broker is gone. */
import type { Browser, Page } from 'playwright-core';
import { aMailServer, eventually, identityProvider, type MailServer, startVendor } from '#testing';
import { aBrowser } from './a-browser';
import { aConsole, arrive, aWindow, signIn, type TestConsole } from './a-console';
import { consolePages, populate } from './a-populated-console';

jest.setTimeout(180_000);

let browser: Browser;
let mailbox: MailServer;
let system: TestConsole;
beforeAll(async () => {
  mailbox = await aMailServer();
  system = await aConsole({ SMTP_URL: mailbox.url, MAIL_FROM: 'Causeway <causeway@example.com>' });
  browser = await aBrowser();
});
afterAll(async () => {
  await browser?.close();
  await system?.stop();
  await mailbox?.close();
});

/** Waits until something holds in the page. By this way alone: the page's content security policy lets nothing be evaluated in it. */
const until = (page: Page, expression: string): Promise<unknown> => eventually(() => page.evaluate<boolean>(expression));
const dialog = (page: Page) => page.getByRole('dialog');
const inDialog = (page: Page, name: string) => dialog(page).getByRole('button', { name, exact: true });
const menu = async (page: Page, name: string): Promise<void> => {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name }).click();
};
/** Copies what a field holds, as a click on its button does, and closes the dialog that will not show it again. */
async function copied(page: Page, label: string): Promise<string> {
  await page.getByText('You will not see this again').waitFor();
  await page.getByRole('button', { name: `Copy ${label}` }).click();
  await page.getByRole('button', { name: 'Copied', exact: true }).waitFor();
  const text = await page.evaluate<string>('navigator.clipboard.readText()');
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await until(page, '!document.querySelector("[role=dialog]")');
  return text;
}
const aUser = (userName: string, more: object = {}) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName,
  active: true,
  ...more,
});

test('a customer and its directory are made, changed, disabled and deleted', async () => {
  const { context, page, complaints } = await aWindow(browser, system, { permissions: ['clipboard-read', 'clipboard-write'] });
  await signIn(page);
  await arrive(page, `/${system.environmentId}/organizations`);
  await page.getByRole('button', { name: 'New organization' }).first().click();
  await page.getByLabel('Name').fill('Hooli');
  await page.getByRole('button', { name: 'Create organization' }).click();
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('combobox', { name: 'Contacts (optional)' }).pressSequentially('it@hooli.example,');
  await page.getByLabel('Seats (optional)').fill('2');
  await inDialog(page, 'Save').click();
  await page.getByRole('definition').filter({ hasText: 'it@hooli.example' }).waitFor();
  await page.getByText(/^0 of 2 used/).waitFor();

  await page.getByRole('button', { name: 'New directory' }).first().click();
  await dialog(page).getByLabel('Name (optional)').fill('Hooli Entra');
  await inDialog(page, 'Create directory').click();
  await page.getByRole('heading', { name: 'Hooli Entra', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Create a token' }).click();
  const token = await copied(page, 'Bearer token');
  const base = new URL(page.url()).pathname.replace('/connection', '');
  const idp = identityProvider({ baseUrl: `${system.url}/scim/v2/${base.split('/').at(-1)}`, token });
  expect((await idp.post('/Users', aUser('gavin@hooli.example'))).status).toBe(201);
  expect((await idp.post('/Users', aUser('jared@hooli.example'))).status).toBe(201);
  // The third has no seat, and the directory's page says so.
  expect((await idp.post('/Users', aUser('big.head@hooli.example'))).status).toBe(403);

  // A new token while the old one still works; then none.
  await page.reload();
  await page.getByRole('button', { name: 'Replace' }).click();
  await page.getByLabel('The current token').selectOption({ label: 'keeps working for another hour' });
  await inDialog(page, 'Create a new token').click();
  await copied(page, 'Bearer token');
  await page.getByText('in 1 hour').waitFor();
  expect((await idp.get('/Users?count=1')).status).toBe(200);
  await page.getByRole('button', { name: 'Revoke all', exact: true }).click();
  await dialog(page).getByText('Revoke 2 bearer tokens?').waitFor();
  await inDialog(page, 'Revoke').click();
  await page.getByText(/^No token yet/).waitFor();
  expect((await idp.get('/Users?count=1')).status).toBe(401);

  await page.getByRole('button', { name: 'Create a setup link' }).click();
  await page.getByText(/^One link works/).waitFor();
  await page.getByRole('button', { name: 'Revoke all links' }).click();
  await inDialog(page, 'Revoke').click();
  await page.getByText(/^One link works/).waitFor({ state: 'detached' });

  await page.getByRole('link', { name: 'Overview' }).last().click();
  await page.getByText('The organization has no seat left for another active user.').waitFor();
  await menu(page, 'Disable…');
  await inDialog(page, 'Disable').click();
  await page
    .getByRole('status')
    .getByText(/^This directory is disabled/)
    .waitFor();
  await menu(page, 'Enable');
  await page.getByText(/^Entra last called/).waitFor();
  await menu(page, 'Delete…');
  await dialog(page).getByText('2 users and 0 groups').waitFor();
  expect(await inDialog(page, 'Delete the directory').isDisabled()).toBe(true);
  await dialog(page).getByRole('textbox').fill('Hooli Entra');
  await inDialog(page, 'Delete the directory').click();
  await page.getByRole('heading', { name: 'Directories', level: 1 }).waitFor();
  await page.getByText('Hooli Entra').waitFor({ state: 'detached' });

  await page.getByRole('link', { name: 'Audit log' }).click();
  for (const act of [
    'Delete directory',
    'Delete setup links',
    'Create bearer token',
    'Create directory',
    'Change organization',
    'Create organization',
  ])
    await page.getByText(act, { exact: true }).first().waitFor();
  expect(complaints).toEqual([]);
  await context.close();
});

test('an event appears while somebody looks, with what was before and after, and its delivery', async () => {
  const vendor = await startVendor();
  await system.api('POST', '/v1/webhook_endpoints', { url: vendor.url });
  const organization = await system.api('POST', '/v1/organizations', { name: 'Pied Piper' });
  const directory = await system.api('POST', '/v1/directories', { organization_id: organization.id, provider: 'okta' });
  const { token } = await system.api('POST', `/v1/directories/${directory.id}/bearer_token`, {});
  const idp = identityProvider({ baseUrl: `${system.url}/scim/v2/${directory.id}`, token });
  const { body } = await idp.post('/Users', aUser('richard@piper.example', { title: 'Engineer' }));

  const { context, page, complaints } = await aWindow(browser, system);
  await signIn(page);
  await arrive(page, `/${system.environmentId}/events`);
  await page.getByRole('row', { name: 'user.created richard@piper.example' }).waitFor();
  await idp.patch(`/Users/${(body as { id: string }).id}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'title', value: 'CEO' }],
  });
  await page.getByRole('row', { name: 'user.updated richard@piper.example' }).getByRole('link').click();
  await page.getByRole('row', { name: 'title Engineer CEO' }).waitFor();
  await page.getByText('delivered').waitFor();
  await page.getByRole('link', { name: 'what the identity provider sent' }).click();
  await page.getByRole('region', { name: 'request body' }).getByText('"CEO"').waitFor();
  expect(complaints).toEqual([]);
  await context.close();
});

test('an endpoint is tested, given a new secret, disabled and deleted; a key is made and revoked', async () => {
  const vendor = await startVendor();
  const endpoint = await system.api('POST', '/v1/webhook_endpoints', { url: vendor.url });
  const { context, page, complaints } = await aWindow(browser, system, { permissions: ['clipboard-read', 'clipboard-write'] });
  await signIn(page);
  await arrive(page, `/${system.environmentId}/webhooks/${endpoint.id}`);
  await menu(page, 'Edit…');
  await dialog(page).getByLabel('Description (optional)').fill('Staging');
  await inDialog(page, 'Save').click();
  await page.getByText('Staging').waitFor();
  await menu(page, 'Rotate the secret…');
  await inDialog(page, 'Create a new secret').click();
  expect(await copied(page, 'Signing secret')).toMatch(/^whsec_/);
  await page.getByRole('button', { name: 'Send a test event' }).click();
  await page.getByText('test event', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Details' }).first().click();
  await dialog(page)
    .getByText(/^accepted in/)
    .waitFor();
  expect(String(vendor.received[0]?.headers['webhook-signature']).split(' ').length).toBeGreaterThanOrEqual(2); // both sign for a while
  await inDialog(page, 'Cancel').click();

  await menu(page, 'Disable…');
  await inDialog(page, 'Disable').click();
  await page.getByText('This endpoint is disabled').waitFor();
  await page.getByRole('button', { name: 'Enable' }).click();
  await page.getByText('This endpoint is disabled').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Your receiver' }).click();
  for (const [language, word] of [
    ['Python', 'flask'],
    ['Go', 'net/http'],
    ['Ruby', 'sinatra'],
    ['Node', 'express'],
  ] as const) {
    await page.getByText(language, { exact: true }).click();
    await page.getByRole('region', { name: 'Code of a receiver' }).getByText(word).first().waitFor();
  }
  await menu(page, 'Delete…');
  await dialog(page).getByText('its signing secret').waitFor();
  await dialog(page).getByRole('textbox').fill('delete');
  await inDialog(page, 'Delete the endpoint').click();
  await page.getByRole('heading', { name: 'Webhooks', level: 1 }).waitFor();

  await page.getByRole('link', { name: 'API keys' }).click();
  await page.getByRole('button', { name: 'New key' }).click();
  await dialog(page).getByLabel('Name').fill('backend');
  await inDialog(page, 'Create key').click();
  const key = await copied(page, 'API key');
  const calls = async (): Promise<number> =>
    (await fetch(`${system.url}/v1/events`, { headers: { authorization: `Bearer ${key}` } })).status;
  expect(await calls()).toBe(200);
  await page.getByRole('button', { name: 'Revoke backend' }).click();
  await inDialog(page, 'Revoke').click();
  await page.getByText('backend', { exact: true }).waitFor({ state: 'detached' });
  expect(await calls()).toBe(401);
  expect(complaints).toEqual([]);
  await context.close();
});

test('a mapping is tried before it is saved, and a brake is set', async () => {
  const organization = await system.api('POST', '/v1/organizations', { name: 'Raviga' });
  const directory = await system.api('POST', '/v1/directories', {
    organization_id: organization.id,
    provider: 'entra',
    name: 'Raviga Entra',
  });
  const { token } = await system.api('POST', `/v1/directories/${directory.id}/bearer_token`, {});
  const idp = identityProvider({ baseUrl: `${system.url}/scim/v2/${directory.id}`, token });
  await idp.post('/Users', aUser('monica@raviga.example', { userType: 'premium' }));
  await idp.post('/Users', aUser('laurie@raviga.example', { userType: 'Gold' }));

  const { context, page, complaints } = await aWindow(browser, system);
  await signIn(page);
  await arrive(page, `/${system.environmentId}/directories/${directory.id}/settings`);
  await page.getByRole('switch', { name: 'Limit how many users can be removed' }).check();
  await page.getByLabel('Users, at most').fill('5');
  await page
    .locator('section', { has: page.getByRole('heading', { name: 'Brake' }) })
    .getByRole('button', { name: 'Save' })
    .click();
  await page.getByText(/^0 departures so far/).waitFor();

  await page.getByRole('button', { name: 'Use a different mapping here' }).click();
  await page.getByRole('button', { name: 'Add an attribute' }).click();
  const attribute = page.getByRole('group', { name: /^Attribute/ });
  await attribute.getByLabel('Name').fill('plan');
  await attribute.getByRole('combobox', { name: 'From' }).fill('userType');
  await attribute.getByRole('combobox', { name: 'From' }).press('Enter');
  await attribute.getByRole('combobox', { name: 'Allowed values (optional)' }).pressSequentially('premium,standard,');
  await page.getByRole('radiogroup', { name: 'A value that is not valid' }).getByText('Reject', { exact: true }).click();
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText(/^Of 2 users, .* 1 active user breaks a rule/).waitFor();
  await page.getByText('"Gold"').first().waitFor();
  await attribute.getByRole('combobox', { name: 'Allowed values (optional)' }).pressSequentially('Gold,');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText(/nobody would be rejected/).waitFor();
  await page.getByRole('button', { name: 'Save' }).last().click();
  await page.getByText(/^This directory has its own mapping/).waitFor();
  const plans = await eventually(async () => {
    const { data } = await system.api('GET', `/v1/directories/${directory.id}/users`);
    return (
      data.every((user: { attributes: object }) => 'plan' in user.attributes) &&
      data.map((user: { attributes: { plan: string } }) => user.attributes.plan)
    );
  });
  expect(plans.toSorted()).toEqual(['Gold', 'premium']);
  expect(complaints).toEqual([]);
  await context.close();
});

test('somebody is invited as a viewer, sees every page, and no button that would be refused', async () => {
  const ids = await populate(system);
  const { context, page } = await aWindow(browser, system);
  await signIn(page);
  await arrive(page, `/${system.environmentId}/members`);
  await page.getByRole('button', { name: 'Invite a member' }).click();
  await dialog(page).getByLabel('E-mail').fill('vera@example.com');
  await dialog(page).getByLabel('Role').selectOption('viewer');
  await inDialog(page, 'Invite').click();
  await page.getByText('vera@example.com').first().waitFor();
  await context.close();

  const link = await eventually(
    () => /http\S+\/invitation\/\S+/.exec(mailbox.received.find(({ to }) => to.includes('vera@example.com'))?.text ?? '')?.[0] ?? false,
  );
  const veras = await aWindow(browser, system);
  await veras.page.goto(link);
  await veras.page.getByRole('textbox', { name: 'Choose a password' }).fill('a password of hers');
  await veras.page.getByRole('button', { name: 'Join' }).click();
  await veras.page.waitForURL(/\/env_/);
  const offered: string[] = [];
  for (const [name, path] of Object.entries(consolePages(ids))) {
    await arrive(veras.page, path);
    const names = await veras.page
      .locator('main button:enabled')
      .evaluateAll((buttons) => buttons.map((button) => button.getAttribute('aria-label') ?? button.textContent));
    const writing =
      /create|new\b|^add|^edit|change|delete|remove|revoke|replace|save|disable|enable|rotate|replay|test event|send again|invite|start|erase|^more$/i;
    if (name !== 'account') offered.push(...names.filter((one) => writing.test(one)).map((one) => `${name}: ${one}`));
  }
  expect(offered).toEqual([]);
  await veras.page.getByRole('button', { name: /^Environment/ }).click();
  await veras.page.getByRole('menuitem', { name: 'default' }).waitFor();
  expect(await veras.page.getByRole('menuitem', { name: 'New environment' }).count()).toBe(0);
  expect(veras.complaints).toEqual([]);
  await veras.context.close();
});

test('the keyboard is enough: to the page past the menu, into a dialog that holds it, and out', async () => {
  const { context, page, complaints } = await aWindow(browser, system);
  await signIn(page);
  await arrive(page, `/${system.environmentId}/organizations`);
  const focused = (): Promise<string> =>
    page.evaluate<string>('(document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent).trim()');
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Skip to the page');
  await until(page, 'document.activeElement.getBoundingClientRect().top >= 0');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('New organization');
  expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe('none');
  await page.keyboard.press('Enter');
  await dialog(page).waitFor();
  await until(page, 'document.activeElement?.tagName === "INPUT"');
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.querySelector("[role=dialog]").contains(document.activeElement)')).toBe(true);
  }
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'detached' });
  await until(page, 'document.activeElement?.textContent === "New organization"');
  expect(complaints).toEqual([]);
  await context.close();
});

test('while the broker is gone pages say so, and go on when it is back', async () => {
  const { context, page } = await aWindow(browser, system);
  await signIn(page);
  await arrive(page, `/${system.environmentId}/webhooks`);
  await system.stopBroker();
  try {
    await page.getByText('The broker cannot be reached at the moment.').waitFor({ timeout: 30_000 });
    await page.getByRole('link', { name: 'Members' }).click();
    await page
      .getByText(/could not be (shown|loaded)/)
      .first()
      .waitFor();
    expect(await page.locator('[aria-busy=true], [aria-label=Loading]').count()).toBe(0);
  } finally {
    await system.startBroker();
  }
  await page
    .getByRole('button', { name: /Try again|Reload/ })
    .first()
    .click();
  await page.getByRole('heading', { name: 'Members', level: 1 }).waitFor();
  await page.getByText('ada@example.com (you)').waitFor();
  await context.close();
});
