/** Every page, light and dark, wide and on a phone, as axe sees it: nothing serious. And on a phone nothing is wider than the screen. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { aBrowser } from './a-browser';
import { aConsole, arrive, aWindow, signIn, type TestConsole } from './a-console';
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

const devices = { wide: { width: 1280, height: 860 }, phone: { width: 375, height: 740 } };
type Faults = Record<string, string[]>;

/** Pages, each at its address, on both devices at once. */
async function faultsOf(pages: Record<string, string>, enter: (page: Page) => Promise<unknown>): Promise<Faults> {
  const found: Faults = {};
  await Promise.all(
    Object.entries(devices).map(async ([device, viewport]) => {
      const { context, page, complaints } = await aWindow(browser, system, { viewport, colorScheme: 'light' });
      await enter(page);
      for (const [name, path] of Object.entries(pages)) {
        await arrive(page, path);
        const wrong = await faults(page);
        const by = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
        if (by > 0) wrong.push(`${by} px wider than the screen`);
        if (wrong.length > 0) found[`${name}, ${device}`] = wrong;
      }
      if (complaints.length > 0) found[device] = complaints;
      await context.close();
    }),
  );
  return found;
}

// By itself: what wraps it for Playwright hands over every node that passed, and takes twice as long.
const axe = readFileSync(
  require.resolve('axe-core/axe.min.js', { paths: [path.dirname(require.resolve('@axe-core/playwright'))] }),
  'utf8',
);
const everything = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe calls serious or critical, in a line each. In the dark only what colours do is looked at again. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const light = await violations(page, { type: 'tag', values: everything });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.locator('html[data-mantine-color-scheme=dark]').waitFor({ state: 'attached' });
  // Not before every colour has arrived where it goes.
  await page.evaluate(
    'new Promise((done) => { const look = () => (document.getAnimations().length > 0 ? requestAnimationFrame(look) : done()); requestAnimationFrame(() => requestAnimationFrame(look)); })',
  );
  const dark = await violations(page, { type: 'rule', values: ['color-contrast', 'link-in-text-block'] });
  await page.emulateMedia({ colorScheme: 'light' });
  return [...light, ...dark]
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(
        ({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${(failureSummary ?? '').split('\n').slice(0, 2).join(' ')}`,
      ),
    );
}

function violations(page: Page, runOnly: object): Promise<AxeResults['violations']> {
  return page.evaluate(
    `axe.run(document, ${JSON.stringify({ runOnly, resultTypes: ['violations'], preload: false })}).then(({ violations }) => violations)`,
  );
}

test('before signing in', async () => {
  expect(await faultsOf(strangersPages, async () => {})).toEqual({});
});

test('the console', async () => {
  expect(await faultsOf(consolePages(ids), signIn)).toEqual({});
});

test('the setup page', async () => {
  expect(
    await faultsOf({ ...setupPages, 'setup-request': `/setup/requests/${ids.request}` }, (page) => page.goto(ids.connectedSetupLink)),
  ).toEqual({});
});

test('dialogs and menus', async () => {
  const { context, page, complaints } = await aWindow(browser, system);
  await signIn(page);
  const found: Faults = {};
  const lookAt = async (path: string, ...buttons: string[]): Promise<void> => {
    await arrive(page, `/${ids.environment}${path}`);
    for (const name of buttons)
      await page
        .getByRole(name.endsWith('…') ? 'menuitem' : 'button', { name })
        .first()
        .click();
    await page.getByRole('dialog').waitFor();
    const wrong = await faults(page);
    if (wrong.length > 0) found[buttons.join(', ')] = wrong;
  };
  await lookAt('/organizations', 'New organization');
  await lookAt('/directories', 'New directory');
  await lookAt('/webhooks', 'New endpoint');
  await lookAt('/api-keys', 'New key');
  await lookAt('/members', 'Invite a member');
  await lookAt(`/webhooks/${ids.endpoint}`, 'Details');
  await lookAt(`/webhooks/${ids.endpoint}`, 'Replay');
  await lookAt(`/directories/${ids.directory}`, 'More', 'Delete…');
  await lookAt(`/directories/${ids.directory}/connection`, 'Replace', 'Create a new token');
  expect(found).toEqual({});
  expect(complaints).toEqual([]);
  await context.close();
});
