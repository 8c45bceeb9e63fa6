/** A directory of 100,000 users is looked through as one of a hundred is. */
import type { Browser } from 'playwright-core';
import { eventually, identityProvider } from '#testing';
import { manyUsers } from '../../broker/src/scim/conformance/a-large-directory';
import { aBrowser } from './a-browser';
import { aConsole, aWindow, signIn, type TestConsole } from './a-console';

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

test('it scrolls, and is searched, without being loaded', async () => {
  const organization = await system.api('POST', '/v1/organizations', { name: 'Acme' });
  const directory = await system.api('POST', '/v1/directories', { organization_id: organization.id, provider: 'entra', name: 'Everybody' });
  const { token } = await system.api('POST', `/v1/directories/${directory.id}/bearer_token`, {});
  const { body } = await identityProvider({ baseUrl: `${system.url}/scim/v2/${directory.id}`, token }).post('/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: 'template@acme.com',
    displayName: 'Person template',
    externalId: 'template',
    active: true,
    emails: [{ value: 'template@acme.com', type: 'work', primary: true }],
  });
  await manyUsers(system.db.pool, body as { id: string }, 100_000);

  const { context, page, complaints } = await aWindow(browser, system);
  const answers: URLSearchParams[] = [];
  page.on('requestfinished', (request) => {
    const url = new URL(request.url());
    if (url.pathname.endsWith(`/directories/${directory.id}/users`)) answers.push(url.searchParams);
  });
  await signIn(page);
  await page.goto(`/${system.environmentId}/directories/${directory.id}/users`);
  await page.getByRole('link', { name: 'Users 100,001' }).waitFor();
  await page.getByRole('row', { name: 'person-0@acme.com' }).first().waitFor();
  expect(answers.length).toBeLessThanOrEqual(2);

  // Down through the first thousand: each page comes as its beginning comes near, and rows out of sight are gone.
  await eventually(
    () =>
      page.evaluate<boolean>(`(() => {
    window.scrollTo(0, document.documentElement.scrollHeight);
    return Number(Array.from(document.querySelectorAll('[role=row]')).at(-1)?.getAttribute('aria-rowindex')) > 1000;
  })()`),
    { withinMs: 30_000 },
  );
  expect(answers.length).toBeLessThan(14);
  expect(await page.getByRole('row').count()).toBeLessThan(80);

  const search = page.getByRole('searchbox', { name: 'Name or e-mail' });
  await search.fill('PERSON-99999');
  await page.getByRole('link', { name: 'person-99999@acme.com' }).waitFor();
  expect(await page.getByRole('row').count()).toBe(2);
  await search.fill('nobody at all');
  await page.getByText('No matching users').waitFor();
  await search.fill('');
  await page.getByText('Deactivated', { exact: true }).click();
  await page.getByText('No matching users').waitFor();

  expect(complaints).toEqual([]);
  await context.close();
});
