/**
 * What changing members costs as groups grow, and what a page costs as lists go on.
 *
 *     npm run bench:members            (after npm run build; some minutes on two cores)
 *     npm run bench:members -- groups  (or pages: one of the two parts)
 *     npm run bench:members -- quick   (small sizes: to see that it runs)
 *
 * Speaks SCIM over HTTP to a broker of its own, on an embedded PostgreSQL that keeps every commit as a real one does. Users are put into the
 * database directly, because making them is not what is measured; groups and members come through SCIM. The sizes take turns, so
 * that whatever else the machine does falls on all of them alike. Prints medians, and each as a multiple of the first.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { ensureDatabase, migrate, startEmbeddedPostgres } from '#runtime';

const quick = process.argv.includes('quick');
const groupSizes = quick ? [10, 100, 1_000] : [10, 100, 1_000, 10_000, 100_000];
const rounds = quick ? 30 : 300;
const listedUsers = quick ? 2_000 : 50_000;
const replaced = quick ? 500 : 10_000;
const flatWithin = 1.3;
const parts = ['groups', 'pages'].filter((part) => process.argv.includes(part));
const runs = (part: string): boolean => parts.length === 0 || parts.includes(part);

const projectFolder = path.join(__dirname, '..', '..');

/** A SCIM id of the n-th user that was put into the database. */
const userId = (n: number): string => `usr_01990000000070008000${n.toString(16).padStart(12, '0')}`;

interface Directory {
  id: string;
  send: (method: string, below: string, body?: unknown) => Promise<{ status: number; body: any; milliseconds: number }>;
}

async function main(): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-bench-'));
  const postgres = await startEmbeddedPostgres({ directory: path.join(folder, 'postgresql'), onLog: () => {} });
  const stopping: (() => Promise<void>)[] = [() => postgres.stop()];
  try {
    await ensureDatabase(postgres, 'causeway');
    const databaseUrl = postgres.url('causeway');
    await migrate(databaseUrl);
    const broker = await startBroker(databaseUrl);
    stopping.unshift(broker.stop);
    const db = new pg.Client({ connectionString: databaseUrl });
    await db.connect();
    stopping.unshift(() => db.end());

    if (runs('groups')) {
      const groups = await broker.aDirectory();
      await putUsers(db, groups, Math.max(...groupSizes) + replaced * 2);
      await measureMembers(groups, db);
      await measureReplacing(groups);
    }
    if (runs('pages')) {
      const lists = await broker.aDirectory();
      await putUsers(db, lists, listedUsers);
      await measurePages(lists);
    }
  } finally {
    for (const stop of stopping) await stop();
    await rm(folder, { recursive: true, force: true });
  }
}

// ── What is measured ───────────────────────────────────────────────────────────────────────────

async function measureMembers(directory: Directory, db: pg.Client): Promise<void> {
  const groups: { size: number; id: string }[] = [];
  for (const size of groupSizes) {
    const { body } = await directory.send('POST', '/Groups', { displayName: `group of ${size}` });
    const { milliseconds } = await directory.send('PUT', `/Groups/${body.id}?attributes=displayName`, {
      displayName: `group of ${size}`,
      members: members(0, size),
    });
    console.log(`put ${size.toLocaleString('en')} members into a group: ${show(milliseconds)}`);
    groups.push({ size, id: body.id });
  }
  await db.query('vacuum analyze');

  const newcomer = userId(Math.max(...groupSizes) + 1);
  const change = (op: object) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [op] });
  const add = change({ op: 'add', path: 'members', value: [{ value: newcomer }] });
  const remove = change({ op: 'remove', path: `members[value eq "${newcomer}"]` });
  const kinds: [string, string, (id: string) => Promise<{ milliseconds: number; status: number }>][] = [
    // Asked for nothing else, all sizes are answered alike: a group of a thousand would be answered whole, one of more than that not at all.
    ['add one member', 'add', (id) => directory.send('PATCH', `/Groups/${id}?attributes=displayName`, add)],
    ['remove one member', 'remove', (id) => directory.send('PATCH', `/Groups/${id}?attributes=displayName`, remove)],
    ['read without members', 'read', (id) => directory.send('GET', `/Groups/${id}?excludedAttributes=members`)],
    ['find by id, without members', 'find', (id) => directory.send('GET', `/Groups?excludedAttributes=members&filter=id+eq+%22${id}%22`)],
    [
      'is this one a member?',
      'reference',
      (id) => directory.send('GET', `/Groups?excludedAttributes=members&filter=id+eq+%22${id}%22+and+members+eq+%22${userId(1)}%22`),
    ],
  ];
  const times = new Map(kinds.map(([name]) => [name, groups.map((): number[] => [])]));
  const answers = new Map(groups.map(({ size }) => [size, new Set<number>()]));
  for (let round = -10; round < rounds; round += 1) {
    for (const [i, { id, size }] of groups.entries()) {
      for (const [name, , measure] of kinds) {
        const { milliseconds, status } = await measure(id);
        if (name.endsWith('one member')) answers.get(size)?.add(status);
        if (round >= 0) times.get(name)?.[i]?.push(milliseconds);
      }
    }
  }
  for (const [name] of kinds)
    table(
      `${name}, median of ${rounds}`,
      groups.map(({ size }, i) => [`group of ${size.toLocaleString('en')}`, times.get(name)?.[i] ?? []]),
    );
  console.log(
    `\nanswers to the changes: ${groups.map(({ size }) => `${size.toLocaleString('en')}: ${[...(answers.get(size) ?? [])].join(', ')}`).join('; ')}`,
  );
}

async function measureReplacing(directory: Directory): Promise<void> {
  const {
    body: { id },
  } = await directory.send('POST', '/Groups', { displayName: 'replaced' });
  const put = (from: number) =>
    directory.send('PUT', `/Groups/${id}?attributes=displayName`, { displayName: 'replaced', members: members(from, from + replaced) });
  const times: [string, number[]][] = [
    [`put ${replaced.toLocaleString('en')} members`, []],
    [`put ${replaced.toLocaleString('en')} others in their place`, []],
    ['put the same again', []],
    ['put all but one, and one more', []],
  ];
  for (let round = 0; round < 3; round += 1) {
    await directory.send('PUT', `/Groups/${id}?attributes=displayName`, { displayName: 'replaced', members: [] });
    for (const [i, from] of [0, replaced, replaced, replaced + 1].entries()) times[i]?.[1].push((await put(from)).milliseconds);
  }
  table('replace members, median of 3', times);
}

async function measurePages(directory: Directory): Promise<void> {
  for (const [what, query] of [
    ['every user', ''],
    ['filter=active eq true', '&filter=active+eq+true'],
    ['filter=emails.value ew "@acme.com"', '&filter=emails.value+ew+"@acme.com"'],
    ['sortBy=userName', '&sortBy=userName'],
  ] as const) {
    const byCursor: number[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const { body, milliseconds }: Awaited<ReturnType<Directory['send']>> = await directory.send(
        'GET',
        `/Users?count=100&cursor=${cursor}${query}`,
      );
      byCursor.push(milliseconds);
      cursor = body.nextCursor;
    }
    const part = Math.floor(byCursor.length / 5);
    const byIndex = async (startIndex: number): Promise<number[]> => {
      const times: number[] = [];
      for (let i = 0; i < 20; i += 1)
        times.push((await directory.send('GET', `/Users?count=100&startIndex=${startIndex}${query}`)).milliseconds);
      return times;
    };
    table(`pages of 100 of ${listedUsers.toLocaleString('en')} users, ${what}`, [
      ['by cursor, the first fifth', byCursor.slice(1, part)],
      ['by cursor, the middle', byCursor.slice(part * 2, part * 3)],
      ['by cursor, the last fifth', byCursor.slice(-part)],
      ['by index, the first page', await byIndex(1)],
      ['by index, the last page', await byIndex(listedUsers - 99)],
    ]);
  }
}

function members(from: number, to: number): { value: string }[] {
  return Array.from({ length: to - from }, (_, i) => ({ value: userId(from + i) }));
}

// ── Showing ────────────────────────────────────────────────────────────────────────────────────

function table(title: string, rows: [string, number[]][]): void {
  const first = median(rows[0]?.[1] ?? []);
  console.log(`\n${title}`);
  for (const [name, times] of rows) {
    const ratio = median(times) / first;
    console.log(
      `  ${name.padEnd(48)} ${show(median(times)).padStart(11)}   ×${ratio.toFixed(2)}${ratio > flatWithin && rows.length > 1 ? ` (over ×${flatWithin})` : ''}`,
    );
  }
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
}

function show(milliseconds: number): string {
  return milliseconds < 1_000 ? `${milliseconds.toFixed(2)} ms` : `${(milliseconds / 1_000).toFixed(2)} s`;
}

// ── A broker of its own ────────────────────────────────────────────────────────────────────────

async function startBroker(databaseUrl: string): Promise<{ aDirectory: () => Promise<Directory>; stop: () => Promise<void> }> {
  const apiKey = `cwk_${randomBytes(30).toString('hex')}`;
  const child = spawn(process.execPath, [path.join(projectFolder, 'dist/apps/broker/src/main.js')], {
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      BOOTSTRAP_API_KEY: apiKey,
      PORT: '0',
      SCIM_RATE_LIMIT: '0',
      API_RATE_LIMIT: '0',
      LOG_LEVEL: 'info',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-10_000);
      const [, found] = /"url":"(http[^"]+)"/.exec(printed) ?? [];
      if (found) resolve(found);
    });
    child.once('exit', () => reject(new Error(`the broker did not start:\n${printed}`)));
  });

  const call = async (
    base: string,
    token: string,
    method: string,
    below: string,
    body?: unknown,
  ): Promise<{ status: number; body: any; milliseconds: number }> => {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const began = performance.now();
    const response = await fetch(base + below, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(sent !== undefined && { 'content-type': 'application/json' }) },
      ...(sent !== undefined && { body: sent }),
    });
    const text = await response.text();
    const milliseconds = performance.now() - began;
    if (!response.ok) throw new Error(`${method} ${below}: ${response.status} ${text.slice(0, 500)}`);
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text), milliseconds };
  };
  return {
    aDirectory: async () => {
      const organization = await call(url, apiKey, 'POST', '/v1/organizations', { name: 'Acme' });
      const {
        body: { id },
      } = await call(url, apiKey, 'POST', '/v1/directories', { organization_id: organization.body.id, provider: 'generic' });
      const {
        body: { token },
      } = await call(url, apiKey, 'POST', `/v1/directories/${id}/bearer_token`, {});
      return { id, send: (method, below, body) => call(`${url}/scim/v2/${id}`, token, method, below, body) };
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Puts users into a directory: copies of one that comes through SCIM, each with an id and a name of its own. */
async function putUsers(db: pg.Client, directory: Directory, count: number): Promise<void> {
  const template = await directory.send('POST', '/Users', {
    userName: 'template',
    externalId: 'template-id',
    displayName: 'template person',
    active: true,
    name: { givenName: 'template', familyName: 'Person' },
    emails: [{ value: 'template@acme.com', type: 'work', primary: true }],
    title: 'Engineer',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Engineering', employeeNumber: '1' },
  });
  const { rows } = await db.query<{ name: string; type: string }>(
    `select column_name as name, udt_name as type from information_schema.columns where table_name = 'users' order by ordinal_position`,
  );
  const made = rows.map(({ name, type }) => {
    if (name === 'id') return `('01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;
    return ['text', 'json', 'jsonb', '_text'].includes(type)
      ? `replace(u.${name}::text, 'template', 'person' || n)::${type.replace(/^_(.*)/, '$1[]')}`
      : `u.${name}`;
  });
  await db.query(
    `
    insert into users (${rows.map(({ name }) => name).join(', ')})
    select ${made.join(', ')}
      from users u
     cross join generate_series(0, ${count - 1}) as n
     where u.id = $1`,
    [template.body.id.replace(/^usr_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')],
  );
  await directory.send('DELETE', `/Users/${template.body.id}`);
  await db.query('vacuum analyze users');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
