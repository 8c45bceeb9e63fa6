import { randomBytes } from 'node:crypto';
import type { BrowserContext, BrowserContextOptions, Browser, Page } from 'playwright-core';
import { createLog, loadConfig } from '#runtime';
import { createTestDatabase, freePort, type TestDatabase } from '#testing';
import { startBroker } from '../../broker/src/broker';
import { startWorker } from '../../worker/src/worker';

export const admin = { email: 'ada@example.com', password: 'correct horse battery' };

/** Broker and worker on a database of their own, with their pages, and somebody who can sign in. */
export interface TestConsole {
  db: TestDatabase;
  url: string;
  /** `env_…` */
  environmentId: string;
  /** Calls the vendor's API; anything but 2xx fails the test. */
  api: (method: string, path: string, body?: object) => Promise<any>;
  /** The broker alone goes, and comes back at the same address. */
  stopBroker: () => Promise<void>;
  startBroker: () => Promise<void>;
  stop: () => Promise<void>;
}

export async function aConsole(env: Record<string, string> = {}): Promise<TestConsole> {
  const db = await createTestDatabase();
  const port = await freePort();
  const config = loadConfig({
    DATABASE_URL: db.url,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    WEBHOOK_ALLOWED_CIDRS: '127.0.0.0/8',
    BOOTSTRAP_ADMIN_EMAIL: admin.email,
    BOOTSTRAP_ADMIN_PASSWORD: admin.password,
    SCIM_RATE_LIMIT: '0',
    API_RATE_LIMIT: '0',
    LOG_LEVEL: 'fatal',
    PORT: String(port),
    ...env,
  });
  const log = createLog(config.logLevel, 'test');
  let broker = await startBroker({ config, log });
  const { url, bootstrap } = broker;
  const worker = await startWorker({ config, log });
  const key = bootstrap?.apiKey ?? config.bootstrapApiKey ?? '';
  return {
    db,
    url,
    environmentId: bootstrap?.environmentId ?? '',
    api: async (method, path, body) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    },
    stopBroker: () => broker.stop(1_000),
    startBroker: async () => {
      broker = await startBroker({ config, log });
    },
    stop: async () => {
      await worker.stop();
      await broker.stop(1_000);
    },
  };
}

/**
 * A window of a browser of its own, with nobody signed in. What the page complains of to its console, such as a breach of its content
 * security policy, and every answer that is the broker's own fault, is kept.
 */
export async function aWindow(
  browser: Browser,
  { url }: TestConsole,
  options: BrowserContextOptions = {},
): Promise<{ context: BrowserContext; page: Page; complaints: string[] }> {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // An answer of 4xx is the page's own affair, and is shown there.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) complaints.push(message.text());
  });
  page.on('response', (response) => {
    if (response.status() >= 500) complaints.push(`${response.status()} ${response.url()}`);
  });
  return { context, page, complaints };
}

/** Signs in as the first member does, and waits until an environment is seen. */
export async function signIn(page: Page): Promise<void> {
  await page.goto('/');
  await page.getByLabel('E-mail').fill(admin.email);
  await page.getByRole('textbox', { name: 'Password' }).fill(admin.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(/\/env_/);
}

/** Opens an address, and waits until what is there is drawn. */
export async function arrive(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.locator('h1, h2').first().waitFor();
  await page.locator('[aria-busy=true], [aria-label=Loading]').first().waitFor({ state: 'detached' });
}
