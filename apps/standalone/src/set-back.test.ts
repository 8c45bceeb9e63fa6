/**
 * A database that is set back, and consumers that go by docs/receiving-events.md: whatever was written meanwhile and undone, they end with
 * exactly what the API shows.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { rewindFeeds } from '#directory';
import { createLog, loadConfig } from '#runtime';
import {
  type Backup,
  createTestDatabase,
  eventually,
  freePort,
  identityProvider,
  type IdentityProvider,
  startVendor,
  takeBackup,
  type TestDatabase,
} from '#testing';
import { apply, type Contents, differences, emptyContents } from '../../../packages/testing/faults/fold';
import { eventIn, resourceIn } from '../../../packages/testing/faults/events';
import { Random } from '../../../packages/testing/faults/random';
import { startBroker } from '../../broker/src/broker';
import { startWorker } from '../../worker/src/worker';

const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
const groupUrn = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** A broker and a worker, which can be stopped and started again at the same address. */
interface System {
  db: TestDatabase;
  start: () => Promise<void>;
  stop: () => Promise<void>;
  /** Tried until it is answered by anything but 503. */
  api: (method: string, path: string, body?: unknown) => Promise<{ status: number; body: any }>;
}

async function aSystem(): Promise<System> {
  const db = await createTestDatabase();
  const key = `cwk_${randomBytes(24).toString('hex')}`;
  const config = loadConfig({
    DATABASE_URL: db.url,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    BOOTSTRAP_API_KEY: key,
    WEBHOOK_ALLOWED_CIDRS: '127.0.0.0/8',
    SCIM_RATE_LIMIT: '0',
    LOG_LEVEL: 'fatal',
    PORT: String(await freePort()),
  });
  const log = createLog('fatal', 'test');
  let running: { stop: (withinMs?: number) => Promise<void> }[] = [];
  const system: System = {
    db,
    start: async () => {
      const broker = await startBroker({ config, log });
      running = [broker, await startWorker({ config, log })];
    },
    stop: async () => {
      for (const part of running.splice(0)) await part.stop(2_000);
    },
    api: (method, path, body) =>
      eventually(
        async () => {
          const response = await fetch(`http://127.0.0.1:${config.port}${path}`, {
            method,
            headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
            ...(body !== undefined && { body: JSON.stringify(body) }),
          }).catch(() => undefined);
          if (!response || response.status === 503) return false;
          const text = await response.text();
          return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
        },
        { withinMs: 30_000, everyMs: 50 },
      ),
  };
  await system.start();
  ending.push(system.stop);
  return system;
}

/** What a vendor has of a directory. */
interface Mirrored {
  /** In the order in which they were met: the last one is the newest. */
  epochs: string[];
  contents: Contents;
}

/** A vendor's copy of what is in its customers' directories, by the rules of docs/receiving-events.md. */
class Mirror {
  readonly directories = new Map<string, Mirrored>();
  readonly #seen = new Set<string>();
  readonly rewinds: string[] = [];

  constructor(private readonly api: System['api']) {}

  async handle(json: unknown): Promise<void> {
    const event = eventIn(json);
    const { epoch } = json as { epoch: string };
    if (this.#seen.has(event.id)) return;
    const directory = this.directories.get(event.directory_id) ?? { epochs: [], contents: emptyContents() };
    this.directories.set(event.directory_id, directory);
    if (!directory.epochs.includes(epoch)) {
      // Of what began after a rewind nothing comes before its `feed.rewound`.
      if (directory.epochs.length > 0) expect([event.type, event.data.epoch]).toEqual(['feed.rewound', epoch]);
      directory.epochs.push(epoch);
    }
    if (epoch === directory.epochs.at(-1)) {
      if (event.type === 'feed.rewound') await this.#listAnew(event.directory_id, directory);
      else if (event.type === 'directory.deleted') this.directories.delete(event.directory_id);
      else apply(directory.contents, event);
    }
    this.#seen.add(event.id);
  }

  async #listAnew(directoryId: string, directory: Mirrored): Promise<void> {
    this.rewinds.push(directory.epochs.at(-1) ?? '');
    const there = new Set((await this.#list('/v1/directories')).map(({ id }) => id));
    for (const id of this.directories.keys()) if (!there.has(id)) this.directories.delete(id);
    directory.contents = emptyContents();
    for (const kind of ['users', 'groups'] as const) {
      for (const resource of await this.#list(`/v1/directories/${directoryId}/${kind}`))
        directory.contents[kind].set(resource.id, resourceIn(resource));
    }
  }

  async #list(path: string): Promise<{ id: string }[]> {
    const all: { id: string }[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await this.api('GET', `${path}?limit=7${cursor && `&cursor=${cursor}`}`);
      all.push(...body.data);
      cursor = body.next_cursor;
    }
    return all;
  }
}

/** One that goes by sequences alone: what is not newer it drops. */
class NaiveMirror {
  readonly contents = new Map<string, Contents>();
  readonly #last = new Map<string, number>();

  handle(json: unknown): void {
    const event = eventIn(json);
    if (event.sequence <= (this.#last.get(event.directory_id) ?? 0)) return;
    this.#last.set(event.directory_id, event.sequence);
    const contents = this.contents.get(event.directory_id) ?? emptyContents();
    this.contents.set(event.directory_id, contents);
    if (event.type !== 'feed.rewound') apply(contents, event);
  }
}

/** Polls from the beginning on, and goes on where a 409 says. */
async function poll(api: System['api'], mirror: Mirror, stop: AbortSignal): Promise<number> {
  let after = '';
  let refused = 0;
  while (!stop.aborted) {
    const { status, body } = await api('GET', `/v1/events?limit=5&wait=1${after && `&after=${after}`}`);
    if (status === 409) {
      expect(body.code).toBe('feed_rewound');
      refused += 1;
      after = body.cursor;
      continue;
    }
    expect(status).toBe(200);
    for (const event of body.data) await mirror.handle(event);
    after = body.next_cursor;
  }
  return refused;
}

/** What an identity provider does: people and groups come, change, join, leave and go. */
class Writer {
  #names = 0;

  constructor(
    private readonly idp: IdentityProvider,
    private readonly random: Random,
    private readonly prefix: string,
  ) {}

  async write(times: number): Promise<void> {
    for (let i = 0; i < times; i += 1) await this.#one();
  }

  async #one(): Promise<void> {
    const users = await this.#ids('/Users');
    const groups = await this.#ids('/Groups');
    const user = users.length > 0 ? this.random.pick(users) : undefined;
    const group = groups.length > 0 ? this.random.pick(groups) : undefined;
    const what = this.random.whole(0, 9);
    const name = `${this.prefix}-${(this.#names += 1)}`;
    if (what <= 2 || user === undefined)
      await this.#sent('POST', '/Users', { schemas: [userUrn], userName: name, externalId: name, active: true });
    else if (what === 3 || group === undefined) await this.#sent('POST', '/Groups', { schemas: [groupUrn], displayName: name });
    else if (what <= 5) await this.#patch(`/Users/${user}`, { op: 'replace', path: 'title', value: name });
    else if (what === 6) await this.#patch(`/Users/${user}`, { op: 'replace', path: 'active', value: this.random.chance(0.5) });
    else if (what <= 8)
      await this.#patch(`/Groups/${group}`, { op: this.random.chance(0.7) ? 'add' : 'remove', path: 'members', value: [{ value: user }] });
    else if (users.length > 4) await this.#sent('DELETE', this.random.chance(0.7) ? `/Users/${user}` : `/Groups/${group}`);
  }

  async #ids(path: string): Promise<string[]> {
    const { body } = await this.#sent('GET', `${path}?count=200&attributes=id`);
    return (body as { Resources: { id: string }[] }).Resources.map(({ id }) => id);
  }

  #patch(path: string, operation: object) {
    return this.#sent('PATCH', path, { schemas: [patchUrn], Operations: [operation] });
  }

  /** As an identity provider does, again where the broker was away. */
  #sent(method: string, path: string, body?: object) {
    return eventually(
      async () => {
        const answer = await this.idp.send({ method, path, ...(body && { body }) }).catch(() => undefined);
        return answer !== undefined && answer.status < 500 && answer;
      },
      { withinMs: 30_000, everyMs: 50 },
    );
  }
}

async function aDirectory({ api }: System): Promise<{ id: string; idp: IdentityProvider }> {
  const organization = await api('POST', '/v1/organizations', { name: 'Acme' });
  const directory = await api('POST', '/v1/directories', { organization_id: organization.body.id, provider: 'entra' });
  const { token } = (await api('POST', `/v1/directories/${directory.body.id}/bearer_token`, {})).body;
  return { id: directory.body.id, idp: identityProvider({ baseUrl: directory.body.base_url, token }) };
}

async function wholeList(api: System['api'], path: string): Promise<ReturnType<typeof resourceIn>[]> {
  const { body } = await api('GET', `${path}?limit=1000`);
  return body.data.map(resourceIn);
}

async function differencesFromApi(api: System['api'], directoryId: string, contents: Contents | undefined): Promise<string[]> {
  if (!contents) return ['nothing is known of it'];
  return [
    ...differences(contents.users, await wholeList(api, `/v1/directories/${directoryId}/users`)),
    ...differences(contents.groups, await wholeList(api, `/v1/directories/${directoryId}/groups`)),
  ];
}

const byThemselves = (_system: System, backup: Backup): Promise<void> => backup.restore();
const byTheOperator = async ({ db, stop, start }: System, backup: Backup): Promise<void> => {
  await stop();
  await backup.restore();
  await rewindFeeds(db.pool); // what `npm run rewind` does
  await start();
};

test.each([
  ['processes that go on and notice', byThemselves],
  ['an operator who stops, restores, rewinds and starts', byTheOperator],
])(
  'the same backup restored twice by %s: a poller and a webhook receiver end with what the API shows',
  async (_, restore) => {
    const system = await aSystem();
    const { api } = system;
    const seed = randomBytes(4).toString('hex');
    const random = new Random(seed);
    const directories = [await aDirectory(system), await aDirectory(system)];
    const write = (phase: string, times: number) =>
      Promise.all(directories.map(({ idp }, d) => new Writer(idp, random.fork(`${phase} ${d}`), `${phase}-${d}`).write(times)));

    // Webhooks are taken down first, and worked through in their order.
    const vendor = await startVendor();
    const [polled, hooked, naive] = [new Mirror(api), new Mirror(api), new NaiveMirror()];
    let handled = 0;
    const stopping = new AbortController();
    const working = (async () => {
      while (!stopping.signal.aborted) {
        for (; handled < vendor.received.length; handled += 1) {
          const event = JSON.parse(vendor.received[handled]?.body ?? '');
          naive.handle(event);
          await hooked.handle(event);
        }
        await delay(10);
      }
    })();
    const polling = poll(api, polled, stopping.signal);
    ending.push(async () => {
      stopping.abort();
      await Promise.allSettled([working, polling]);
    });
    await api('POST', '/v1/webhook_endpoints', { url: vendor.url, event_types: null });

    const quiet = () =>
      eventually(
        async () => {
          const { rows } = await system.db.pool.query(`
          select 1 from event_outbox union all select 1 from lanes where next_attempt_at is not null or leased > 0`);
          return rows.length === 0 && handled === vendor.received.length;
        },
        { withinMs: 45_000, everyMs: 50 },
      );

    await write('before', 15);
    await quiet();
    const backup = await takeBackup(system.db);
    await write('undone', 20);
    const lost = await aDirectory(system);
    await new Writer(lost.idp, random.fork('lost'), 'lost').write(3);
    await quiet();
    await restore(system, backup);
    await write('undone again', 20);
    await quiet();
    await restore(system, backup);
    await write('kept', 20);
    await quiet();

    const head = async (): Promise<unknown> => (await system.db.pool.query('select position, epoch, epoch_name from feed_heads')).rows;
    expect(await head()).toMatchObject([{ epoch: 2 }]);
    for (const { id } of directories) {
      const state = () => differencesFromApi(api, id, polled.directories.get(id)?.contents);
      await eventually(async () => (await state()).length === 0, { withinMs: 10_000 }).catch(() => {});
      expect({ seed, by: 'polling', differences: await state() }).toEqual({ seed, by: 'polling', differences: [] });
      expect({ seed, by: 'webhook', differences: await differencesFromApi(api, id, hooked.directories.get(id)?.contents) }).toEqual({
        seed,
        by: 'webhook',
        differences: [],
      });
    }
    // The one that was made meanwhile is there no more.
    for (const mirror of [polled, hooked]) expect([...mirror.directories.keys()].sort()).toEqual(directories.map(({ id }) => id).sort());
    for (const mirror of [polled, hooked]) expect(new Set(mirror.rewinds).size).toBe(2);

    // Whoever goes by sequences alone has something else: else this would show nothing.
    const naively = await Promise.all(directories.map(({ id }) => differencesFromApi(api, id, naive.contents.get(id))));
    expect(naively.flat().length).toBeGreaterThan(0);
    stopping.abort();
    expect(await polling).toBeGreaterThanOrEqual(2);
  },
  180_000,
);
