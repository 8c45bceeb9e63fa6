import { randomBytes } from 'node:crypto';
import { createLog, loadConfig } from '#runtime';
import { aPostgresProxy, createTestDatabase, eventually } from '#testing';
import { startWorker } from './worker';

test('an outage is two lines of a worker too, whatever it tries again and again meanwhile', async () => {
  const db = await createTestDatabase();
  const behind = { host: new URL(db.url).searchParams.get('host') ?? '', port: 5432 };
  let proxy = await aPostgresProxy(behind);
  const lines: { level: string; msg: string; failed?: Record<string, number> }[] = [];
  const config = loadConfig({ DATABASE_URL: proxy.through(db.url), ENCRYPTION_KEY: randomBytes(32).toString('base64') });
  const worker = await startWorker({ config, log: createLog('warn', 'test', { write: (text) => void lines.push(JSON.parse(text)) }) });
  // That the queue is away is told by a line of its own, once.
  const told = () => lines.filter(({ msg }) => !msg.startsWith('the queue'));
  try {
    await proxy.stop();
    await eventually(() => told().length > 0);
    await new Promise((resolve) => setTimeout(resolve, 3_500)); // for as many rounds of its loops
    proxy = await aPostgresProxy(behind, proxy.port);
    await eventually(() => told().at(-1)?.msg === 'the outage of the database is over', { withinMs: 30_000 });
    expect(told().map(({ level, msg }) => [level, msg.split(':')[0]])).toEqual([
      ['warn', 'an outage of the database has begun'],
      ['warn', 'the outage of the database is over'],
    ]);
    expect(told().at(-1)?.failed).toMatchObject({ 'rounds of sweep': expect.any(Number), 'rounds of the sequencer': expect.any(Number) });
  } finally {
    await worker.stop();
    await proxy.stop();
  }
});
