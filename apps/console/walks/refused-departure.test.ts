/** Somebody should have left and could not: what a vendor sees of it, and what puts it right. Two groups have one name. */
import type { Browser } from 'playwright-core';
import { eventually, identityProvider } from '#testing';
import { aBrowser } from './a-browser';
import { aConsole, arrive, aWindow, signIn, type TestConsole } from './a-console';

jest.setTimeout(180_000);

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

test('the directory is red until they have left, and the mapping lets the request through', async () => {
  const organization = await system.api('POST', '/v1/organizations', { name: 'Hooli' });
  const directory = await system.api('POST', '/v1/directories', {
    organization_id: organization.id,
    provider: 'entra',
    name: 'Hooli Entra',
  });
  const { token } = await system.api('POST', `/v1/directories/${directory.id}/bearer_token`, {});
  const idp = identityProvider({ baseUrl: `${system.url}/scim/v2/${directory.id}`, token });
  const made = await idp.post('/Users', { userName: 'gavin@hooli.example', active: true });
  const { id } = made.body as { id: string };
  for (const externalId of ['one', 'two']) await idp.post('/Groups', { displayName: 'Admins', externalId });
  const leave = () =>
    idp.patch(`/Users/${id}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [
        { op: 'Replace', path: 'active', value: 'False' },
        { op: 'Add', path: 'dispalyName', value: 'Gavin' },
      ],
    });
  expect((await leave()).status).toBe(400);

  const { context, page, complaints } = await aWindow(browser, system);
  await signIn(page);
  await arrive(page, `/${system.environmentId}/directories/${directory.id}`);
  await page.getByText('gavin@hooli.example should have been deactivated, and is active still: the request was refused.').waitFor();
  await page.getByRole('heading', { name: 'Still active, though they were to leave' }).waitFor();
  await page.getByText(/^is the name of 2 groups\. A role rule that names it means the oldest/).waitFor();

  await page.getByRole('link', { name: 'Settings', exact: true }).last().click();
  await page.getByRole('button', { name: 'Use a different mapping here' }).click();
  await page
    .getByRole('radiogroup', { name: 'A change of an attribute that the schema does not have' })
    .getByText('Pass over, with a note', { exact: true })
    .click();
  await page.getByRole('button', { name: 'Add a rule' }).click();
  const rule = page.getByRole('group', { name: 'Role rule 1' });
  await rule.getByLabel('By').selectOption('external_id');
  await rule.getByLabel('Members of').fill('two');
  await rule.getByLabel('get the role').fill('admin');
  await page.getByRole('button', { name: 'Save' }).last().click();
  await page.getByText(/^This directory has its own mapping/).waitFor();
  expect(await system.api('GET', `/v1/directories/${directory.id}/attribute_mapping`)).toMatchObject({
    roles: { rules: [{ role: 'admin', group_external_id: 'two' }] },
    rules: { unknown_path: 'ignore' },
  });

  expect((await leave()).status).toBe(200);
  await arrive(page, `/${system.environmentId}/directories/${directory.id}`);
  await eventually(async () => (await page.getByRole('heading', { name: /^Still active/ }).count()) === 0);
  expect(complaints).toEqual([]);
  await context.close();
});
