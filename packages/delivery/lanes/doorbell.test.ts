import path from 'node:path';
import os from 'node:os';
import { newId } from '#identifier';
import { queueBackend } from '#runtime';
import { createTestDatabase, eventually, redisUrl, type RunningRedis, startRedis } from '#testing';
import { Doorbell } from './doorbell';
import type { Bell } from './drain';

const bell = (slow = false): Bell => ({ endpointId: newId(), directoryId: newId(), slow });

const open: Doorbell[] = [];

async function aDoorbell(redis: string | undefined): Promise<Doorbell> {
  const { url } = await createTestDatabase();
  const doorbell = new Doorbell(await queueBackend({ databaseUrl: url, ...(redis === undefined ? {} : { redisUrl: redis }) }), () => {});
  open.push(doorbell);
  return doorbell;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((doorbell) => doorbell.close()));
});

const backends: [string, () => string | undefined][] = [
  ['PostgreSQL', () => undefined],
  ...(redisUrl() ? [['Redis', redisUrl] as [string, () => string | undefined]] : []),
];

describe.each(backends)('on %s', (_, redis) => {
  test('what is rung is heard, and nothing is kept of it', async () => {
    const doorbell = await aDoorbell(redis());
    const heard: Bell[] = [];
    doorbell.listen(async (one) => void heard.push(one));
    const bells = [bell(), bell(true), { ...bell(), directoryId: null }];
    expect(await doorbell.ring(bells)).toBe(true);
    expect(doorbell.reachable).toBe(true);
    await eventually(() => heard.length === 3);
    expect(new Set(heard)).toEqual(new Set(bells));
    expect(await doorbell.ring([])).toBe(true);
    // The same bell is heard each time it is rung: nothing remembers it.
    await doorbell.ring([bells[0]!]);
    await doorbell.ring([bells[0]!]);
    await eventually(() => heard.length === 5);
  });

  test('many bells come in few jobs, and all are heard', async () => {
    const doorbell = await aDoorbell(redis());
    const heard = new Set<string | null>();
    doorbell.listen(async ({ directoryId }) => void heard.add(directoryId));
    const bells = Array.from({ length: 333 }, () => bell());
    expect(await doorbell.ring(bells)).toBe(true);
    await eventually(() => heard.size === 333);
  });

  test('a bell that cannot be answered does not silence those that came in the same job', async () => {
    const doorbell = await aDoorbell(redis());
    const bells = Array.from({ length: 20 }, () => bell());
    const heard = new Set<string | null>();
    doorbell.listen(async ({ directoryId }) => {
      heard.add(directoryId);
      if (directoryId === bells[3]?.directoryId) throw new Error('no luck');
    });
    expect(await doorbell.ring(bells)).toBe(true);
    await eventually(() => heard.size === 20);
  });

  test('a bell waits while there is no slot, and an answer that fails disturbs nobody', async () => {
    const doorbell = await aDoorbell(redis());
    let free: () => void = () => {};
    const slot = new Promise<void>((resolve) => {
      free = resolve;
    });
    let heard = 0;
    doorbell.listen(async () => {
      heard += 1;
      await slot;
      if (heard === 3) throw new Error('no luck');
    });
    for (let i = 0; i < 30; i += 1) await doorbell.ring([bell()]);
    await eventually(() => heard === 8);
    free();
    await eventually(() => heard === 30);
  });
});

const withRedis = redisUrl() ? describe : describe.skip;

withRedis('a Redis that goes away', () => {
  let redis: RunningRedis;

  beforeEach(async () => {
    redis = await startRedis(path.join(os.tmpdir(), `causeway-doorbell-${process.pid}-${newId()}`));
  });
  afterEach(() => redis.stop());

  test('is found out by asking, while nothing is rung; and so is that it is back', async () => {
    const doorbell = await aDoorbell(redis.url);
    await doorbell.check();
    expect(doorbell.reachable).toBe(true);
    await redis.stop();
    await doorbell.check();
    expect(doorbell.reachable).toBe(false);
    await redis.restart();
    await eventually(
      async () => {
        await doorbell.check();
        return doorbell.reachable;
      },
      { withinMs: 20_000, everyMs: 100 },
    );
  });

  test('is told at once, and heard again when it is back, emptied', async () => {
    const doorbell = await aDoorbell(redis.url);
    const heard: Bell[] = [];
    doorbell.listen(async (one) => void heard.push(one));
    expect(await doorbell.ring([bell()])).toBe(true);
    await eventually(() => heard.length === 1);

    await redis.stop();
    expect(await doorbell.ring([bell()])).toBe(false);
    expect(doorbell.reachable).toBe(false);

    await redis.restart();
    await eventually(async () => doorbell.ring([bell()]), { withinMs: 20_000, everyMs: 100 });
    expect(doorbell.reachable).toBe(true);
    await eventually(() => heard.length >= 2, { withinMs: 20_000 });
  });

  test('is not asked again for a while: those who ring are told without it', async () => {
    const { url } = await createTestDatabase();
    let failures = 0;
    const doorbell = new Doorbell(await queueBackend({ databaseUrl: url, redisUrl: redis.url }), () => void (failures += 1), 3_600_000);
    open.push(doorbell);
    expect(await doorbell.ring([bell()])).toBe(true);
    await redis.stop();
    expect([await doorbell.ring([bell()]), failures]).toEqual([false, 1]);
    expect([await doorbell.ring([bell()]), failures]).toEqual([false, 1]);
  });

  test('may be away when the doorbell is made', async () => {
    await redis.stop();
    const doorbell = await aDoorbell(redis.url);
    const heard: Bell[] = [];
    doorbell.listen(async (one) => void heard.push(one));
    expect(await doorbell.ring([bell()])).toBe(false);
    await redis.restart();
    await eventually(async () => doorbell.ring([bell()]), { withinMs: 20_000, everyMs: 100 });
    await eventually(() => heard.length >= 1, { withinMs: 20_000 });
  });

  test('does not keep the doorbell from being closed', async () => {
    const doorbell = await aDoorbell(redis.url);
    doorbell.listen(async () => {});
    await doorbell.ring([bell()]);
    await redis.stop();
    await doorbell.close();
  });
});
