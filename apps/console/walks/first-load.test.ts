/** What has to be fetched before a page can be seen, with an empty cache: less than 300 kB, compressed. */
import type { Browser } from 'playwright-core';
import { aBrowser } from './a-browser';
import { aConsole, aWindow, arrive, signIn, type TestConsole } from './a-console';
import { populate, type Populated } from './a-populated-console';

jest.setTimeout(120_000);

let browser: Browser;
let system: TestConsole;
let ids: Populated;
beforeAll(async () => {
  system = await aConsole();
  browser = await aBrowser();
  ids = await populate(system);
});
afterAll(async () => {
  await browser?.close();
  await system?.stop();
});

test.each([
  ['the page to sign in at', '/sign-in', false],
  ['the overview', '/', true],
  ['the setup page', '/setup', false],
] as const)('%s', async (_, path, asMember) => {
  const { context, page } = await aWindow(browser, system);
  if (asMember) await signIn(page);
  const network = await context.newCDPSession(page);
  await network.send('Network.enable');
  await network.send('Network.clearBrowserCache');
  let bytes = 0;
  network.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await arrive(page, path === '/setup' ? ids.setupLink : path);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(300_000);
  console.log(`${path}: ${Math.round(bytes / 1000)} kB`);
  await context.close();
});
