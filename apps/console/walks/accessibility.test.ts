/** Every page, light and dark, as axe sees it: nothing serious. And on a phone nothing is wider than the screen. */
import AxeBuilder from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { aBrowser } from './a-browser';
import { aConsole, aWindow, signIn, type TestConsole } from './a-console';
import { consolePages, populate, type Populated, setupPages, strangersPages } from './a-populated-console';

jest.setTimeout(300_000);

let browser: Browser;
let system: TestConsole;
let ids: Populated;

beforeAll(async () => {
  system = await aConsole({ SIGN_UP: 'open' });
  browser = await aBrowser();
  ids = await populate(system);
});
afterAll(async () => {
  await browser?.close();
  await system?.stop();
});

/** What axe calls serious or critical, in a line each. */
async function faults(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${(failureSummary ?? '').split('\n').slice(0, 2).join(' ')}`));
}

async function look(page: Page, pages: Record<string, string>): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(path);
    await page.locator('h1, h2').first().waitFor();
    await page.locator('[aria-busy=true], [aria-label=Loading]').first().waitFor({ state: 'detached' });
    const wrong = await faults(page);
    if (wrong.length > 0) found[name] = wrong;
  }
  return found;
}

async function widerThanScreen(page: Page, pages: Record<string, string>): Promise<string[]> {
  const wide: string[] = [];
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(path);
    await page.locator('h1, h2').first().waitFor();
    await page.locator('[aria-busy=true], [aria-label=Loading]').first().waitFor({ state: 'detached' });
    const by = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    if (by > 0) wide.push(`${name} by ${by} px`);
  }
  return wide;
}

describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
  test('before signing in', async () => {
    const { context, page } = await aWindow(browser, system, { colorScheme });
    expect(await look(page, strangersPages)).toEqual({});
    await context.close();
  });

  test('the console', async () => {
    const { context, page, complaints } = await aWindow(browser, system, { colorScheme });
    await signIn(page);
    expect(await look(page, consolePages(ids))).toEqual({});
    expect(complaints).toEqual([]);
    await context.close();
  });

  test('the setup page', async () => {
    const { context, page, complaints } = await aWindow(browser, system, { colorScheme });
    await page.goto(ids.connectedSetupLink);
    expect(await look(page, { ...setupPages, 'setup-request': `/setup/requests/${ids.request}` })).toEqual({});
    expect(complaints).toEqual([]);
    await context.close();
  });
});

test('dialogs', async () => {
  const { context, page } = await aWindow(browser, system);
  await signIn(page);
  const found: Record<string, string[]> = {};
  for (const [path, button] of [['/organizations', 'New organization'], ['/directories', 'New directory'], ['/webhooks', 'New endpoint'], ['/api-keys', 'New key'], ['/members', 'Invite a member']] as const) {
    await page.goto(`/${ids.environment}${path}`);
    await page.getByRole('button', { name: button }).click();
    await page.getByRole('dialog').waitFor();
    const wrong = await faults(page);
    if (wrong.length > 0) found[button] = wrong;
  }
  expect(found).toEqual({});
  await context.close();
});

test('on a phone nothing is wider than the screen', async () => {
  const { context, page } = await aWindow(browser, system, { viewport: { width: 375, height: 740 } });
  await signIn(page);
  expect(await widerThanScreen(page, consolePages(ids))).toEqual([]);
  await page.goto(ids.connectedSetupLink);
  expect(await widerThanScreen(page, setupPages)).toEqual([]);
  await context.close();
});
