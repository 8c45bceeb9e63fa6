/** What is measured: Causeway, Polis and the floor, each a process of its own with databases of their own on one PostgreSQL. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ensureDatabase, migrate, startEmbeddedPostgres } from '#runtime';
import pg from 'pg';
import { scripts } from '../../package.json';
import { Connections, inParallel, send, type Target } from './load';
import { groupBody, memberChange, putGroupBody, userBody } from './requests';

export const projectFolder = path.join(__dirname, '..', '..');

/** One directory of one server. */
export interface Subject extends Target {
  name: string;
  pid: number;
  connections: Connections;
  /** SCIM ids of the n-th user that was put into it. */
  userId: (n: number) => string;
  /** What it gives at most in one page of a list. */
  pageAtMost: number;
}

export interface Postgres {
  pid: number;
  url: (database: string) => string;
  database: (name: string) => Promise<string>;
  stop: () => Promise<void>;
}

/** A PostgreSQL of its own that keeps every commit as a real one does. */
export async function startPostgres(): Promise<Postgres> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-bench-'));
  const postgres = await startEmbeddedPostgres({
    directory: path.join(folder, 'postgresql'),
    settings: { max_connections: '200', max_wal_size: '4GB' },
    onLog: () => {},
  });
  return {
    pid: postgres.pid,
    url: postgres.url,
    database: async (name) => {
      await ensureDatabase(postgres, name);
      return postgres.url(name);
    },
    stop: async () => {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Server {
  name: string;
  pid: number;
  db: pg.Client;
  directories: Target[];
  stop: () => Promise<void>;
}

// As `npm run broker` starts it, without npm in between.
const shipped = scripts.broker.replace('exec node ', '').split(' ');

/** A broker that has migrated its database; `nodeFlags` such as --cpu-prof. */
export async function startCauseway(
  databaseUrl: string,
  { directories = 1, nodeFlags = [] as string[], rateLimit = 0 } = {},
): Promise<Server & { url: string; apiKey: string; encryptionKey: string }> {
  await migrate(databaseUrl);
  const [apiKey, encryptionKey] = [`cwk_${randomBytes(30).toString('hex')}`, randomBytes(32).toString('base64')];
  const env = {
    DATABASE_URL: databaseUrl,
    ENCRYPTION_KEY: encryptionKey,
    BOOTSTRAP_API_KEY: apiKey,
    PORT: '0',
    SCIM_RATE_LIMIT: String(rateLimit),
    API_RATE_LIMIT: '0',
    LOG_LEVEL: 'info',
    WEBHOOK_ALLOWED_CIDRS: '127.0.0.0/8',
  };
  const child = spawn(process.execPath, [...nodeFlags, ...shipped], {
    cwd: projectFolder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = (await printed(child, /"url":"(http[^"]+)"/))[1]!;
  const api = async (below: string, body: object): Promise<{ id: string; token: string }> => {
    const response = await fetch(url + below, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${below}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { id: string; token: string };
  };
  const made: Target[] = [];
  for (let i = 0; i < directories; i += 1) {
    const organization = await api('/v1/organizations', { name: `Acme ${i}` });
    const { id } = await api('/v1/directories', { organization_id: organization.id, provider: 'entra' });
    made.push({ base: `${url}/scim/v2/${id}`, token: (await api(`/v1/directories/${id}/bearer_token`, {})).token });
  }
  return {
    name: 'Causeway',
    pid: child.pid!,
    url,
    apiKey,
    encryptionKey,
    db: await connect(databaseUrl),
    directories: made,
    stop: () => end(child),
  };
}

/** `floor.ts` or `polis.ts`: a server that prints where it listens and its directories. */
export async function startPeer(name: 'floor' | 'Polis', databaseUrl: string, directories = 1): Promise<Server> {
  const child = spawn(process.execPath, ['--import', require.resolve('tsx'), path.join(__dirname, `${name.toLowerCase()}.ts`)], {
    cwd: __dirname,
    env: { ...process.env, DATABASE_URL: databaseUrl, DIRECTORIES: String(directories) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { url, directories: made } = JSON.parse((await printed(child, /^\{"url".*\}$/m))[0]) as {
    url: string;
    directories: { id: string; token: string }[];
  };
  return {
    name,
    pid: child.pid!,
    db: await connect(databaseUrl),
    directories: made.map(({ id, token }) => ({ base: `${url}/${id}`, token })),
    stop: () => end(child),
  };
}

// ── Who is in a directory to begin with ────────────────────────────────────────────────────────

/** Puts users into a directory of Causeway, copies of one that comes through SCIM: making them is not what is measured. */
export async function fillCauseway(server: Server, target: Target, count: number): Promise<Subject> {
  const subject = {
    ...subjectOf(server, target),
    userId: (n: number) => `usr_${madeId(target, n).replaceAll('-', '')}`,
    pageAtMost: 1_000,
  };
  const template = await send(subject.connections, target, { method: 'POST', path: '/Users', body: userBody('template') });
  const { rows } = await server.db.query<{ name: string; type: string }>(
    `select column_name as name, udt_name as type from information_schema.columns where table_name = 'users' order by ordinal_position`,
  );
  const made = rows.map(({ name, type }) => {
    if (name === 'id') return `('${madePrefix(target)}' || lpad(to_hex(n), 12, '0'))::uuid`;
    return ['text', 'json', 'jsonb', '_text'].includes(type)
      ? `replace(u.${name}::text, 'template', 'person' || n)::${type.replace(/^_(.*)/, '$1[]')}`
      : `u.${name}`;
  });
  await server.db.query(
    `
    insert into users (${rows.map(({ name }) => name).join(', ')})
    select ${made.join(', ')}
      from users u
     cross join generate_series(0, ${count - 1}) as n
     where u.id = $1`,
    [template.body.id.replace(/^usr_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')],
  );
  await send(subject.connections, target, { method: 'DELETE', path: `/Users/${template.body.id}` });
  await server.db.query('vacuum analyze');
  return subject;
}

export async function fillFloor(server: Server, target: Target, count: number): Promise<Subject> {
  const directory = target.base.split('/').at(-1);
  await server.db.query(
    `
    insert into floor_users (directory_id, id, user_name, resource)
    select $1, (d.prefix || lpad(to_hex(n), 12, '0'))::uuid, 'person' || n || '@acme.com',
           (replace($2::text, 'template', 'person' || n)::jsonb || jsonb_build_object('id', d.prefix || lpad(to_hex(n), 12, '0')))::json
      from (select $3::text as prefix) d
     cross join generate_series(0, ${count - 1}) as n`,
    [directory, JSON.stringify(userBody('template')), madePrefix(target)],
  );
  await server.db.query('vacuum analyze');
  return { ...subjectOf(server, target), userId: (n) => madeId(target, n), pageAtMost: 1_000 };
}

/** Through SCIM, since how Polis keeps them is its own affair. */
export async function fillPolis(server: Server, target: Target, count: number): Promise<Subject> {
  const ids: string[] = [];
  const subject = { ...subjectOf(server, target), userId: (n: number) => ids[n]!, pageAtMost: 50 };
  await inParallel(16, count, async (n) => {
    ids[n] = (await send(subject.connections, target, { method: 'POST', path: '/Users', body: userBody(`person${n}`) })).body.id;
  });
  await server.db.query('vacuum analyze');
  return subject;
}

/** A group with the first `size` users in it. */
export async function aGroup(subject: Subject, size: number): Promise<string> {
  const name = `group of ${size} ${randomUUID()}`;
  const {
    body: { id },
  } = await send(subject.connections, subject, { method: 'POST', path: '/Groups', body: groupBody(name) });
  const members = Array.from({ length: size }, (_, n) => subject.userId(n));
  if (subject.name !== 'Polis')
    await send(subject.connections, subject, {
      method: 'PUT',
      path: `/Groups/${id}?attributes=displayName`,
      body: putGroupBody(name, members),
    });
  else
    for (const member of members)
      await send(subject.connections, subject, { method: 'PATCH', path: `/Groups/${id}`, body: memberChange('Add', member) });
  return id;
}

function subjectOf(server: Server, target: Target): Target & { name: string; pid: number; connections: Connections } {
  return { ...target, name: server.name, pid: server.pid, connections: new Connections(target.base) };
}

// Ids that begin with the directory's own last digits: two directories may be filled.
function madePrefix({ base }: Target): string {
  const own = base.replaceAll('-', '').slice(-8);
  return `${own}-0000-7000-8000-`;
}

function madeId(target: Target, n: number): string {
  return `${madePrefix(target)}${n.toString(16).padStart(12, '0')}`;
}

// ── Processes ──────────────────────────────────────────────────────────────────────────────────

async function connect(databaseUrl: string): Promise<pg.Client> {
  const db = new pg.Client({ connectionString: databaseUrl });
  db.on('error', () => {}); // what is asked on it fails by itself
  await db.connect();
  return db;
}

/** Waits for what a child prints on its standard output, and drains it from then on. */
export function printed(child: ChildProcess, wanted: RegExp): Promise<RegExpExecArray> {
  children.add(child);
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (part: string) => {
      if (text === '\0') return;
      text = (text + part).slice(-100_000);
      const found = wanted.exec(text);
      if (!found) return;
      text = '\0';
      resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code} before it was ready:\n${text}`)));
  });
}

const children = new Set<ChildProcess>();

/** Whoever is left after something went wrong. */
export async function endAll(): Promise<void> {
  await Promise.all([...children].map(end));
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(timer);
}
