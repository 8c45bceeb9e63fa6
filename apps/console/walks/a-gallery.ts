/**
 * Makes the pictures in docs/screens: every page, light and dark, wide and on a phone. `npm run screens`; no part of the tests.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { projectFolder } from '#testing';
import { aBrowser } from './a-browser';
import { aConsole, aWindow, signIn, type TestConsole } from './a-console';
import { consolePages, populate, type Populated, setupPages } from './a-populated-console';
import { smallPng } from './small-png';

jest.setTimeout(1_200_000);

const folder = path.join(projectFolder, 'docs', 'screens');
const devices = {
  wide: { width: 1200, height: 720, highest: 1_050 },
  phone: { width: 390, height: 760, highest: 1_250 },
};

let browser: Browser;
let system: TestConsole;
let ids: Populated;

beforeAll(async () => {
  system = await aConsole({ SIGN_UP: 'open' });
  browser = await aBrowser();
  await nameEnvironment(system, 'Northwind');
  // Before anybody comes: otherwise the newest events are all of their being mapped anew.
  await system.api('PUT', '/v1/attribute_mapping', {
    attributes: [
      {
        name: 'plan',
        type: 'string',
        from: ['userType', 'urn:ietf:params:scim:schemas:extension:2.0:Metadata:plan'],
        allowed_values: ['Premium', 'Standard'],
        default: 'Standard',
      },
      {
        name: 'department',
        type: 'string',
        from: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department',
        transform: ['trim'],
      },
    ],
    roles: {
      mode: 'one',
      default: 'member',
      rules: [{ role: 'admin', group: 'Leadership' }, { role_from: 'roles[primary eq true].value' }],
    },
  });
  ids = await populate(system, { users: 48 });
  for (const [name, id, provider] of [
    ['Initech', 'initech', 'entra'],
    ['Umbrella Health', 'umbrella', 'jumpcloud'],
    ['Soylent Foods', 'soylent', 'google'],
  ] as const) {
    const organization = await system.api('POST', '/v1/organizations', { name, external_id: id, domains: [`${id}.example`] });
    await system.api('POST', '/v1/directories', { organization_id: organization.id, provider });
  }
  await pretendYesterday(system, ids);
});
afterAll(async () => {
  await browser?.close();
  await system?.stop();
});

test.each(Object.keys(devices) as (keyof typeof devices)[])('%s', async (device) => {
  await rm(path.join(folder, device), { recursive: true, force: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await mkdir(path.join(folder, device, colorScheme), { recursive: true });
    const { width, height } = devices[device];
    const { context, page } = await aWindow(browser, system, { colorScheme, viewport: { width, height } });
    await asOnTheInternet(context);
    const take = (name: string): Promise<void> => picture(page, device, path.join(folder, device, colorScheme, `${name}.png`));

    await page.goto('/sign-in');
    await take('sign-in');
    await page.goto('/sign-up');
    await take('sign-up');
    await signIn(page);
    for (const [name, address] of Object.entries(consolePages(ids))) {
      await page.goto(address);
      await take(name);
    }
    await page.goto(ids.setupLink);
    await take('setup-choose');
    await page.goto(ids.connectedSetupLink);
    for (const [name, address] of Object.entries(setupPages)) {
      if (name === 'setup-choose') continue;
      await page.goto(address);
      await take(name);
    }
    await context.close();
  }
});

async function picture(page: Page, device: keyof typeof devices, file: string): Promise<void> {
  const { width, height, highest } = devices[device];
  await page.setViewportSize({ width, height });
  await page.locator('h1').first().waitFor();
  await page.locator('[aria-busy=true], [aria-label=Loading]').first().waitFor({ state: 'detached' });
  // As high as what is on it, so that the menu at its side reaches the bottom.
  const wanted = await page.evaluate<number>('document.documentElement.scrollHeight');
  await page.setViewportSize({ width, height: Math.min(Math.max(wanted, height), highest) });
  await page.waitForTimeout(file.includes('charts') ? 500 : 150); // they draw themselves a moment after their page
  await writeFile(file, smallPng(await page.screenshot()));
}

/** Addresses as they are on the internet, where the pictures would show ports of this machine. */
async function asOnTheInternet(context: BrowserContext): Promise<void> {
  const names: [from: string, to: string][] = [
    [system.url, 'https://scim.northwind.example'],
    [ids.receiverUrl, 'https://api.northwind.example/webhooks'],
    [ids.brokenUrl, 'https://warehouse.northwind.example/events'],
  ];
  await context.route(/\/(console|setup)\/api\//, async (route) => {
    if (route.request().resourceType() === 'eventsource') return route.continue();
    const response = await route.fetch();
    if (!response.headers()['content-type']?.includes('json')) return route.fulfill({ response });
    const text = names.reduce((json, [from, to]) => json.replaceAll(from, to), await response.text());
    return route.fulfill({ response, body: text });
  });
}

async function nameEnvironment({ db }: TestConsole, name: string): Promise<void> {
  await db.pool.query('update environments set name = $1', [name]);
  await db.pool.query(
    "insert into setup_appearances (environment_id, color, support_email) select id, '#0f766e', 'support@northwind.example' from environments",
  );
}

/** A day of attempts for the charts, which cannot be waited for. */
async function pretendYesterday({ db }: TestConsole, { endpoint }: Populated): Promise<void> {
  await db.pool.query(
    `insert into delivery_attempts (id, environment_id, endpoint_id, event_id, at, status, duration_ms, error)
     select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid,
            e.id, $1::uuid, gen_random_uuid(), at, case when failed then 503 else 204 end,
            40 + 25 * sin(n / 40.0) + 30 * random() + case when n % 97 < 4 then 220 else 0 end, case when failed then 'it answered 503 Service Unavailable' end
       from environments e
      cross join lateral (select n, now() - interval '23 hours' + n * interval '55 seconds' as at, n between 900 and 980 and n % 3 = 0 as failed
                            from generate_series(1, 1400) n
                           where random() < 0.35 + 0.3 * sin(n / 180.0)) a`,
    [`${endpoint.slice(3, 11)}-${endpoint.slice(11, 15)}-${endpoint.slice(15, 19)}-${endpoint.slice(19, 23)}-${endpoint.slice(23)}`],
  );
}
