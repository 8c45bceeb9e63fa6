/**
 * What mapping everybody anew does to an identity provider that goes on writing, and whether it ends right though the worker is killed.
 *
 *     npm run bench:remap            (100,000 users; after npm run build, some minutes on two cores)
 *     npm run bench:remap -- 5000    (as many users as you say)
 *
 * A broker and a worker of its own, as real processes on an embedded PostgreSQL that keeps every commit. Users are put into the database
 * directly, because making them is not what is measured. Then the identity provider writes all the time at the pace of one, each write due
 * at its own moment whether or not the one before is answered; a mapping is saved by the API; the worker is killed with SIGKILL in the
 * middle and started again. At the end every user is compared with what the mapping says, and every event with the change that it tells of.
 * Times are given as multiples of what the same writes took before. Exits with 1 where anything is wrong.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { ensureDatabase, migrate, startEmbeddedPostgres } from '#runtime';

const users = Number(process.argv[2] ?? 100_000);
const writesPerSecond = 25;
const beforeSeconds = users >= 50_000 ? 20 : 5;
const projectFolder = path.join(__dirname, '..', '..');

/** By turns, as `userType`: what the mapping makes of each is known without it. */
const kinds = ['Premium', 'Standard', 'Premium', 'Gold'] as const;
type Kind = (typeof kinds)[number];
const mapping = {
  attributes: [{ name: 'plan', type: 'string', from: 'userType', allowed_values: ['Premium', 'Standard'], transform: ['trim'] }],
  roles: { mode: 'many', rules: [{ role_from: 'userType', lookup: { Premium: 'lead' } }] },
  rules: { invalid_value: 'warn' },
};
const mapped = (kind: Kind): Values => ({
  attributes: kind === 'Gold' ? {} : { plan: kind },
  roles: kind === 'Premium' ? [{ role: 'lead', rule: 0 }] : [],
});

interface Values {
  attributes: object;
  roles: object[];
}

const userId = (n: number): string => `usr_01990000000070008000${n.toString(16).padStart(12, '0')}`;
const kindOf = (n: number): Kind => kinds[n % kinds.length] ?? 'Gold';

async function main(): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-bench-'));
  const postgres = await startEmbeddedPostgres({ directory: path.join(folder, 'postgresql'), onLog: () => {} });
  const stopping: (() => Promise<unknown>)[] = [() => postgres.stop()];
  try {
    await ensureDatabase(postgres, 'causeway');
    const databaseUrl = postgres.url('causeway');
    await migrate(databaseUrl, { queueInPostgres: true });
    const db = new pg.Client({ connectionString: databaseUrl });
    await db.connect();
    stopping.unshift(() => db.end());
    const env = {
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      BOOTSTRAP_API_KEY: `cwk_${randomBytes(30).toString('hex')}`,
      PORT: '0',
      SCIM_RATE_LIMIT: '0',
      API_RATE_LIMIT: '0',
      LOG_LEVEL: 'info',
    };
    const broker = await startProcess('apps/broker', env, /"url":"(http[^"]+)"/);
    stopping.unshift(broker.stop);
    let worker = await startProcess('apps/worker', env, /worker started/);
    stopping.unshift(() => worker.stop());

    const directory = await aDirectory(broker.found, env.BOOTSTRAP_API_KEY);
    await putUsers(db, directory);
    console.log(`${users.toLocaleString('en')} users in one directory; its identity provider writes ${writesPerSecond} times a second`);

    const idp = new Writer(directory);
    const longest = watchTransactions(databaseUrl);
    idp.begin();
    await delay(beforeSeconds * 1_000);
    const before = idp.take();

    const began = performance.now();
    const { remap_id: remap } = await directory.api('PUT', `/v1/directories/${directory.id}/attribute_mapping`, mapping, 202);
    const progress = async () => directory.api('GET', `/v1/attribute_mapping/remaps/${remap}`);
    const { users_done: killedAt } = await until(progress, (now) => now.users_done >= users * 0.4);
    const during = idp.take();
    await worker.kill();
    const { users_done: keptAt } = await progress();
    console.log(`the worker was killed when ${killedAt.toLocaleString('en')} were done, and ${keptAt.toLocaleString('en')} stay done`);
    await delay(2_000);
    const restarted = performance.now();
    worker = await startProcess('apps/worker', env, /worker started/);
    const { users_done: wentOnAt } = await until(progress, (now) => now.users_done > keptAt);
    idp.take(); // nothing was mapped meanwhile
    console.log(
      `started again, it had gone on to ${wentOnAt.toLocaleString('en')} after ${((performance.now() - restarted) / 1_000).toFixed(1)} s (the lease of the one that was killed has to end first)`,
    );
    const end = await until(progress, (now) => now.state !== 'running');
    const seconds = (performance.now() - began) / 1_000;
    during.push(...idp.take());
    await idp.end();
    console.log(
      `ended after ${seconds.toFixed(1)} s: ${end.state}, ${end.users_done.toLocaleString('en')} done, ${end.users_changed.toLocaleString('en')} changed, ${end.users_failing} failing\n`,
    );

    show('SCIM writes', before, during);
    console.log(`the longest transaction of the worker that was seen: ${(await longest.stop()).toFixed(0)} ms`);
    const wrong = await compare(db, directory, idp, end);
    console.log(
      wrong.length === 0
        ? '\neverybody is mapped as the mapping says, and every change was told once'
        : `\nWRONG:\n${wrong.slice(0, 20).join('\n')}\n(${wrong.length} in all)`,
    );
    if (wrong.length > 0) process.exitCode = 1;
  } finally {
    for (const stop of stopping) await stop();
    await rm(folder, { recursive: true, force: true });
  }
}

// ── The identity provider ──────────────────────────────────────────────────────────────────────

/** Writes at a steady pace: titles, user types, and newcomers. Remembers what each user was last said to be. */
class Writer {
  readonly kinds = new Map<string, Kind>();
  readonly written = new Set<string>();
  #times: number[] = [];
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  readonly #underWay = new Set<Promise<void>>();
  readonly #busy = new Set<string>();

  constructor(private readonly directory: Directory) {
    for (let n = 0; n < users; n += 1) this.kinds.set(userId(n), kindOf(n));
  }

  begin(): void {
    this.#running = this.#run();
  }

  /** What the writes took since the last time, in milliseconds from when each was due. */
  take(): number[] {
    return this.#times.splice(0);
  }

  async end(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await Promise.all(this.#underWay);
  }

  async #run(): Promise<void> {
    const began = performance.now();
    for (let i = 0; !this.#stopped; i += 1) {
      const due = began + (i * 1_000) / writesPerSecond;
      await delay(Math.max(0, due - performance.now()));
      const writing = this.#write(i)
        .then(() => {
          this.#times.push(performance.now() - due);
        })
        .finally(() => this.#underWay.delete(writing));
      this.#underWay.add(writing);
    }
  }

  async #write(i: number): Promise<void> {
    if (i % 10 === 9) {
      const { id } = await this.directory.scim('POST', '/Users', { ...person(`newcomer${i}`), userType: kindOf(i) });
      this.kinds.set(id, kindOf(i));
      this.written.add(id);
      return;
    }
    let id = '';
    do id = userId(Math.floor(Math.random() * users));
    while (this.#busy.has(id));
    this.#busy.add(id);
    this.written.add(id);
    const kind = kindOf(Math.floor(Math.random() * kinds.length));
    const operation = i % 2 ? { op: 'Replace', path: 'userType', value: kind } : { op: 'Replace', path: 'title', value: `title ${i}` };
    await this.directory.scim('PATCH', `/Users/${id}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [operation],
    });
    if (i % 2) this.kinds.set(id, kind);
    this.#busy.delete(id);
  }
}

function person(name: string) {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: name,
    externalId: `${name}-id`,
    displayName: `${name} person`,
    active: true,
    name: { givenName: name, familyName: 'Person' },
    emails: [{ value: `${name}@acme.com`, type: 'work', primary: true }],
    title: 'Engineer',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Engineering', employeeNumber: '1' },
  };
}

/** Puts users into a directory: copies of one that comes through SCIM, each with an id, a name and a kind of its own. */
async function putUsers(db: pg.Client, directory: Directory): Promise<void> {
  const template = await directory.scim('POST', '/Users', { ...person('template'), userType: 'template-kind' });
  const { rows } = await db.query<{ name: string; type: string }>(
    `select column_name as name, udt_name as type from information_schema.columns where table_name = 'users' order by ordinal_position`,
  );
  const made = rows.map(({ name, type }) => {
    if (name === 'id') return `('01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;
    if (!['text', 'json', 'jsonb', '_text'].includes(type)) return `u.${name}`;
    const kind = name === 'folded' ? 'lower(k.kind)' : 'k.kind';
    return `replace(replace(u.${name}::text, 'template-kind', ${kind}), 'template', 'person' || n)::${type.replace(/^_(.*)/, '$1[]')}`;
  });
  await db.query(
    `
    insert into users (${rows.map(({ name }) => name).join(', ')})
    select ${made.join(', ')}
      from users u
     cross join generate_series(0, ${users - 1}) as n
     cross join lateral (select ('{${kinds.join(',')}}'::text[])[n % ${kinds.length} + 1] as kind) k
     where u.id = $1`,
    [template.id.replace(/^usr_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')],
  );
  await directory.scim('DELETE', `/Users/${template.id}`);
  await db.query('vacuum analyze users');
}

// ── What is compared at the end ────────────────────────────────────────────────────────────────

/** What is wrong, in sentences. Reads the events as a vendor does, and what is stored as it is stored. */
async function compare(db: pg.Client, directory: Directory, idp: Writer, end: any): Promise<string[]> {
  const wrong: string[] = [];
  const know = (right: boolean, sentence: string): void => void (right || wrong.push(sentence));
  const stored = new Map<string, Values>();
  const { rows } = await db.query(
    `select 'usr_' || replace(id::text, '-', '') as id, profile->'attributes' as attributes, profile->'roles' as roles from users where directory_id = $1`,
    [directory.id.replace(/^dir_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')],
  );
  for (const { id, attributes, roles } of rows) stored.set(id, { attributes, roles });
  know(stored.size === idp.kinds.size, `${stored.size} users are stored, and ${idp.kinds.size} were made`);

  const told = new Map<string, { values: Values; causes: number; changes: number }>();
  let [events, sequence, byMapping] = [0, 0, 0];
  const requests = new Set<string>();
  for (let cursor = '', more = true; more;) {
    const page = await directory.api('GET', `/v1/events?limit=1000&directory_id=${directory.id}${cursor && `&after=${cursor}`}`);
    for (const event of page.data) {
      events += 1;
      know(event.sequence === sequence + 1, `the event after ${sequence} is ${event.sequence}`);
      sequence = event.sequence;
      const { user, previous, cause } = event.data;
      if (!user) continue;
      const id = user.id;
      const seen = told.get(id) ?? { values: { attributes: {}, roles: [] }, causes: 0, changes: 0 };
      if (event.type === 'user.updated') {
        know(Object.keys(previous).length > 0, `${id}: event ${sequence} tells of no change`);
        for (const field of ['attributes', 'roles'] as const) {
          const changed = !same(user[field], seen.values[field]);
          know(changed === field in previous, `${id}: event ${sequence} is wrong about its ${field}`);
          know(!changed || same(previous[field], seen.values[field]), `${id}: event ${sequence} does not know the ${field} before it`);
          if (changed) seen.changes += 1;
        }
      }
      if (cause !== undefined) {
        know(cause === 'mapping' && event.type === 'user.updated', `${id}: ${event.type} by ${cause}`);
        requests.add(event.request_id);
        seen.causes += 1;
        byMapping += 1;
      }
      told.set(id, { ...seen, values: { attributes: user.attributes, roles: user.roles } });
    }
    more = page.has_more;
    cursor = page.next_cursor;
  }

  let changed = 0;
  for (const [id, kind] of idp.kinds) {
    const is = stored.get(id);
    const { values, causes } = told.get(id) ?? { values: { attributes: {}, roles: [] }, causes: 0 };
    const right = mapped(kind);
    know(same(is, right), `${id} (${kind}) is ${JSON.stringify(is)}`);
    know(same(values, right), `${id} (${kind}) was told as ${JSON.stringify(values)}`);
    know(causes <= 1, `${id} was told ${causes} times by the mapping`);
    if (!idp.written.has(id))
      know(causes === (kind === 'Gold' ? 0 : 1), `${id} (${kind}), whom nobody wrote, was told ${causes} times by the mapping`);
    changed += causes;
  }
  know(
    end.state === 'finished' && end.users_changed === byMapping && changed === byMapping,
    `the re-mapping counted ${end.users_changed} changes, and ${byMapping} were told`,
  );
  know(end.users_done >= users && end.users_done <= stored.size, `${end.users_done} were done of ${stored.size}`);
  know(requests.size === 1, `the mapping's events name ${requests.size} requests`);
  console.log(
    `${events.toLocaleString('en')} events without a gap, ${byMapping.toLocaleString('en')} by the mapping; ${idp.written.size.toLocaleString('en')} users were written meanwhile`,
  );
  return wrong;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

// ── Showing ────────────────────────────────────────────────────────────────────────────────────

function show(title: string, before: number[], during: number[]): void {
  const [first, second] = [before, during].map((times) => times.toSorted((a, b) => a - b)) as [number[], number[]];
  const at = (times: number[], share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? NaN;
  console.log(`${title}: ${before.length} before, ${during.length} meanwhile`);
  for (const [name, share] of [
    ['median', 0.5],
    ['p99', 0.99],
    ['longest', 1],
  ] as const) {
    const [was, is] = [at(first, share), at(second, share)];
    console.log(`  ${name.padEnd(8)} ${was.toFixed(1).padStart(8)} ms  →  ${is.toFixed(1).padStart(8)} ms   ×${(is / was).toFixed(2)}`);
  }
}

/** The longest that a transaction of the worker was seen open: whoever waits for a lock of it waits no longer. */
function watchTransactions(databaseUrl: string): { stop: () => Promise<number> } {
  const db = new pg.Client({ connectionString: databaseUrl, application_name: 'bench' });
  let longest = 0;
  let stopped = false;
  const watching = (async () => {
    await db.connect();
    while (!stopped) {
      const {
        rows: [row],
      } = await db.query(`
        select coalesce(max(extract(epoch from clock_timestamp() - xact_start)) * 1000, 0)::float8 as ms
          from pg_stat_activity
         where application_name = 'causeway worker' and backend_xid is not null`);
      longest = Math.max(longest, row.ms);
      await delay(10);
    }
    await db.end();
  })();
  return {
    stop: async () => {
      stopped = true;
      await watching;
      return longest;
    },
  };
}

async function until<T>(look: () => Promise<T>, done: (now: T) => boolean): Promise<T> {
  for (;;) {
    const now = await look();
    if (done(now)) return now;
    await delay(100);
  }
}

// ── Processes ──────────────────────────────────────────────────────────────────────────────────

interface Directory {
  id: string;
  scim: (method: string, below: string, body?: unknown) => Promise<any>;
  api: (method: string, below: string, body?: unknown, status?: number) => Promise<any>;
}

async function aDirectory(url: string, apiKey: string): Promise<Directory> {
  const call = async (base: string, token: string, method: string, below: string, body?: unknown, status?: number): Promise<any> => {
    const response = await fetch(base + below, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (status === undefined ? !response.ok : response.status !== status)
      throw new Error(`${method} ${below}: ${response.status} ${text.slice(0, 500)}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const api: Directory['api'] = (method, below, body, status) => call(url, apiKey, method, below, body, status);
  const organization = await api('POST', '/v1/organizations', { name: 'Acme' });
  const { id } = await api('POST', '/v1/directories', { organization_id: organization.id, provider: 'generic' });
  const { token } = await api('POST', `/v1/directories/${id}/bearer_token`, {});
  return { id, api, scim: (method, below, body) => call(`${url}/scim/v2/${id}`, token, method, below, body) };
}

async function startProcess(
  app: string,
  env: Record<string, string>,
  ready: RegExp,
): Promise<{ found: string; stop: () => Promise<void>; kill: () => Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, [path.join(projectFolder, `dist/${app}/src/main.js`)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const found = await new Promise<string>((resolve, reject) => {
    let printed = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-10_000);
      const match = ready.exec(printed);
      if (match) resolve(match[1] ?? '');
    });
    child.once('exit', () => reject(new Error(`${app} did not start:\n${printed}`)));
  });
  const endBy = (signal: NodeJS.Signals) => async (): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return { found, stop: endBy('SIGTERM'), kill: endBy('SIGKILL') };
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
