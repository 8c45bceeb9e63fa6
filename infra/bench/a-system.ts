/** A broker, a worker, an embedded PostgreSQL that keeps every commit as a real one does and perhaps a Redis, for a benchmark: the built processes, as they ship. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { Agent, request } from 'undici';
import { ensureDatabase, migrate, startEmbeddedPostgres } from '#runtime';
import { startRedis } from '../../packages/testing/redis-server';

export interface Answer {
  status: number;
  text: string;
  body: any;
}

export interface System {
  db: pg.Client;
  worker: ChildProcess;
  postgresPid: number;
  api: (method: string, below: string, body?: unknown) => Promise<Answer>;
  aDirectory: () => Promise<Directory>;
  stop: () => Promise<void>;
}

export interface Directory {
  id: string;
  scim: (method: string, below: string, body?: unknown) => Promise<Answer>;
}

const projectFolder = path.join(__dirname, '..', '..');

/**
 * @param options `profileIn`: a folder for the worker's CPU profile.
 * @throws where there is no Redis to be had and one is asked for.
 */
export async function startSystem({ queue, profileIn }: { queue: 'postgres' | 'redis'; profileIn?: string | undefined }): Promise<System> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-bench-'));
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    while (stops.length > 0) await stops.pop()?.();
  };
  try {
    const redis = queue === 'redis' ? await startRedis(path.join(folder, 'redis')) : undefined;
    if (redis) stops.push(() => redis.stop());
    // When each transaction was committed is what the latency is counted from.
    const postgres = await startEmbeddedPostgres({
      directory: path.join(folder, 'postgresql'),
      settings: { track_commit_timestamp: 'on' },
      onLog: () => {},
    });
    stops.push(() => postgres.stop());
    await ensureDatabase(postgres, 'causeway');
    const databaseUrl = postgres.url('causeway');
    await migrate(databaseUrl);

    const apiKey = `cwk_${randomBytes(30).toString('hex')}`;
    const env = {
      PATH: process.env['PATH'],
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      BOOTSTRAP_API_KEY: apiKey,
      PORT: '0',
      SCIM_RATE_LIMIT: '0',
      API_RATE_LIMIT: '0',
      WEBHOOK_ALLOWED_CIDRS: '127.0.0.0/8',
      ...(redis && { REDIS_URL: redis.url }),
    };
    const start = (app: string, flags: string[] = []): { child: ChildProcess; said: () => Promise<string> } => {
      const log = path.join(folder, `${app}.log`);
      const out = openSync(log, 'a');
      const child = spawn(process.execPath, [...flags, path.join(projectFolder, `dist/apps/${app}/src/main.js`)], {
        env,
        stdio: ['ignore', out, 'inherit'],
      });
      closeSync(out);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      stops.push(() => {
        child.kill('SIGTERM');
        return ended;
      });
      return { child, said: () => readFile(log, 'utf8') };
    };
    const broker = start('broker');
    const url = await printed(broker, /"url":"(http[^"]+)"/);
    const worker = start('worker', profileIn === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileIn}`]);
    await printed(worker, /(worker started)/);

    const db = new pg.Client({ connectionString: databaseUrl });
    await db.connect();
    stops.push(() => db.end());
    const agent = new Agent({ connections: 64 });
    stops.push(() => agent.close());
    const call = async (base: string, token: string, method: string, below: string, body: unknown): Promise<Answer> => {
      const sent = body === undefined ? null : JSON.stringify(body);
      const response = await request(base + below, {
        dispatcher: agent,
        method,
        body: sent,
        headers: { authorization: `Bearer ${token}`, ...(sent !== null && { 'content-type': 'application/json' }) },
      });
      const text = await response.body.text();
      if (response.statusCode >= 300) throw new Error(`${method} ${below}: ${response.statusCode} ${text.slice(0, 500)}`);
      return {
        status: response.statusCode,
        text,
        get body() {
          return text === '' ? undefined : JSON.parse(text);
        },
      };
    };
    const api: System['api'] = (method, below, body) => call(url, apiKey, method, below, body);
    return {
      db,
      worker: worker.child,
      postgresPid: postgres.pid,
      api,
      stop,
      aDirectory: async () => {
        const organization = await api('POST', '/v1/organizations', { name: 'Acme' });
        const {
          body: { id },
        } = await api('POST', '/v1/directories', { organization_id: organization.body.id, provider: 'generic' });
        const {
          body: { token },
        } = await api('POST', `/v1/directories/${id}/bearer_token`, {});
        return { id, scim: (method, below, body) => call(`${url}/scim/v2/${id}`, token, method, below, body) };
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function printed({ child, said }: { child: ChildProcess; said: () => Promise<string> }, what: RegExp): Promise<string> {
  for (;;) {
    const text = await said();
    const [, found] = what.exec(text) ?? [];
    if (found !== undefined) return found;
    if (child.exitCode !== null) throw new Error(`a process ended before it was ready:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
