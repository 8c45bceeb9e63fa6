import { randomBytes } from 'node:crypto';
import { startBroker } from '../../broker/src/broker';
import type { MailTimes } from '../../worker/src/mail';
import { startWorker } from '../../worker/src/worker';
import { createLog, loadConfig } from '#runtime';
import { createTestDatabase } from '#testing';

/** Broker and worker on a database of their own. */
export interface System {
  url: string;
  /** What addresses that people are given begin with. */
  publicUrl: string;
  /** Calls the vendor's API with the first environment's key; anything but 2xx fails the test. */
  api: (method: string, path: string, body?: unknown) => Promise<any>;
  stop: () => Promise<void>;
}

export async function aSystem({
  redisUrl,
  smtpUrl,
  mail,
}: { redisUrl?: string | undefined; smtpUrl?: string; mail?: MailTimes } = {}): Promise<System> {
  const db = await createTestDatabase();
  const config = loadConfig({
    DATABASE_URL: db.url,
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
    ...(smtpUrl === undefined ? {} : { SMTP_URL: smtpUrl, MAIL_FROM: 'Causeway <causeway@broker.example>' }),
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    WEBHOOK_ALLOWED_CIDRS: '127.0.0.0/8',
    LOG_LEVEL: 'fatal',
    PORT: '0',
  });
  const log = createLog(config.logLevel, 'test');
  const broker = await startBroker({ config, log });
  const worker = await startWorker({ config, log, ...(mail && { mail }) });
  const key = broker.bootstrap?.apiKey;
  return {
    url: broker.url,
    publicUrl: config.publicUrl,
    api: async (method, path, body) => {
      const response = await fetch(`${broker.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    },
    stop: async () => {
      await worker.stop();
      await broker.stop(1_000);
    },
  };
}
