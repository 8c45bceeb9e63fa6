/**
 * Twenty customers at once: each directory's IdP sends 25 requests a second, whatever becomes of them (Entra's floor for one tenant,
 * times twenty), while a webhook endpoint and a poller follow every event. The floor gets the same requests, and nobody follows it.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { count, quantile, table } from './figures';
import { Connections, openLoop, send, type Target } from './load';
import { cpuOf, cpuOfPostgres, memoryOf } from './processes';
import { match, type ScimRequest, titleChange, userBody } from './requests';
import { end, type Postgres, printed, projectFolder, type Server, startCauseway, startPeer } from './subjects';

const directories = 20;
const perSecond = 25;

export async function measureDirectories(postgres: Postgres, seconds: number): Promise<void> {
  const rows: string[][] = [];
  for (const name of ['floor', 'Causeway'] as const) {
    const database = await postgres.database(`twenty_${name.toLowerCase()}`);
    if (name === 'floor') {
      const server = await startPeer('floor', database, directories);
      rows.push(rowOf(await load(server, postgres, seconds), server));
      await stop(server);
    } else {
      const server = await startCauseway(database, { directories });
      const worker = await startWorker(database, server);
      const followers = await follow(server);
      rows.push(rowOf(await load(server, postgres, seconds), server));
      await followers.done(server);
      console.log(`worker: ${count(memoryOf(worker.pid!).now)} MB`);
      await end(worker);
      await stop(server);
    }
  }
  console.log(
    `\n${table(['20 directories × 25 a second', 'writes p50', 'writes p99', 'reads p50', 'reads p99', 'CPU of server', 'of PostgreSQL', 'MB'], rows)}`,
  );
  const [floor, own] = rows.map((row) => Number(row[2]!.split(' ')[0]));
  console.log(`\np99 of writes: ×${(own! / floor!).toFixed(2)} of the floor's\n`);
}

export async function startWorker(databaseUrl: string, { encryptionKey }: { encryptionKey: string }): Promise<ChildProcess> {
  const worker = spawn(process.execPath, [path.join(projectFolder, 'dist/apps/worker/src/main.js')], {
    env: { ...process.env, DATABASE_URL: databaseUrl, ENCRYPTION_KEY: encryptionKey, WEBHOOK_ALLOWED_CIDRS: '127.0.0.0/8' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await printed(worker, /"msg":/);
  return worker;
}

interface Load {
  writes: number[];
  reads: number[];
  cpu: number;
  postgres: number;
}

async function load(server: Server, postgres: Postgres, seconds: number): Promise<Load> {
  const connections = new Connections(server.directories[0]!.base, 200);
  const people = new Map<Target, string[]>();
  for (const target of server.directories) {
    const ids: string[] = [];
    for (let n = 0; n < 10; n += 1)
      ids.push((await send(connections, target, { method: 'POST', path: '/Users', body: userBody(`first${n}`) })).body.id);
    people.set(target, ids);
  }
  const some = async (forSeconds: number): Promise<{ writes: number[]; reads: number[] }> => {
    const times = { writes: [] as number[], reads: [] as number[] };
    await Promise.all(
      server.directories.map(async (target, i) => {
        await new Promise((resolve) => setTimeout(resolve, (i * 1_000) / perSecond / directories)); // not all in the same millisecond
        const writes = new Set<number>();
        const all = await openLoop(perSecond, forSeconds, async (n) => {
          const { request, right } = ask(people.get(target)!, n);
          if (request.method !== 'GET') writes.add(n);
          right(await send(connections, target, request));
        });
        all.forEach((time, n) => (writes.has(n) ? times.writes : times.reads).push(time));
      }),
    );
    return times;
  };
  await some(Math.min(5, seconds)); // to warm up
  const before = { cpu: cpuOf(server.pid), postgres: cpuOfPostgres(postgres.pid) };
  const times = await some(seconds);
  return { ...times, cpu: (cpuOf(server.pid) - before.cpu) / seconds, postgres: (cpuOfPostgres(postgres.pid) - before.postgres) / seconds };
}

/** Of five requests one creates, two change, one matches and one reads. */
function ask(ids: string[], n: number): { request: ScimRequest; right: (answer: { status: number; body: any }) => void } {
  const id = ids[n % 10]!;
  const name = `newcomer${performance.now()}`;
  switch (n % 5) {
    case 0:
      return {
        request: { method: 'POST', path: '/Users', body: userBody(name) },
        right: ({ body }) => assert.equal(body.userName, `${name}@acme.com`),
      };
    case 1:
      return { request: { method: 'GET', path: match('first1@acme.com') }, right: ({ body }) => assert.equal(body.totalResults, 1) };
    case 2:
      return { request: { method: 'GET', path: `/Users/${id}` }, right: ({ body }) => assert.equal(body.id, id) };
    default:
      return {
        request: { method: 'PATCH', path: `/Users/${id}`, body: titleChange(name) },
        right: ({ body }) => assert.equal(body.id, id),
      };
  }
}

/** A webhook endpoint and a poller, who both are to see every event once and in each directory's order. */
export async function follow(server: Server & { url: string; apiKey: string }): Promise<{ done: (server: Server) => Promise<void> }> {
  const headers = { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' };
  const seen = { webhook: new Map<string, number>(), poller: new Map<string, number>() };
  const lags = { webhook: [] as number[], poller: [] as number[] };
  const see = (who: 'webhook' | 'poller', event: { directory_id: string; sequence: number; occurred_at: string }): void => {
    assert.equal(event.sequence, (seen[who].get(event.directory_id) ?? 0) + 1, `${who}: ${event.directory_id} has a gap or a repeat`);
    seen[who].set(event.directory_id, event.sequence);
    lags[who].push(Date.now() - Date.parse(event.occurred_at));
  };
  const receiver = createServer((req, res) => {
    let text = '';
    req
      .setEncoding('utf8')
      .on('data', (part: string) => {
        text += part;
      })
      .on('end', () => {
        see('webhook', JSON.parse(text));
        res.end();
      });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const made = await fetch(`${server.url}/v1/webhook_endpoints`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, max_parallel: 20, start: 'beginning' }),
  });
  assert.equal(made.status, 201);

  let stopped = false;
  const polling = (async () => {
    for (let after: string | undefined; !stopped;) {
      const { data, next_cursor: next } = (await (
        await fetch(`${server.url}/v1/events?limit=1000&wait=2${after === undefined ? '' : `&after=${after}`}`, { headers })
      ).json()) as { data: Parameters<typeof see>[1][]; next_cursor: string };
      for (const event of data) see('poller', event);
      after = next;
    }
  })();
  return {
    done: async ({ db }) => {
      const begun = performance.now();
      const { rows } = await db.query<{ sum: string }>('select sum(sequence) from directory_heads');
      const total = (of: Map<string, number>): number => [...of.values()].reduce((sum, sequence) => sum + sequence, 0);
      for (const who of ['webhook', 'poller'] as const) {
        while (total(seen[who]) < Number(rows[0]!.sum) && performance.now() - begun < 900_000)
          await new Promise((resolve) => setTimeout(resolve, 20));
        console.log(
          `${who}: ${count(total(seen[who]))} of ${count(Number(rows[0]!.sum))} events, each once and in order; ${quantile(lags[who], 0.5)} ms behind in the middle, ${quantile(lags[who], 0.99)} ms at p99; done ${count(performance.now() - begun)} ms after the last request`,
        );
      }
      stopped = true;
      await polling;
      receiver.closeAllConnections();
      receiver.close();
    },
  };
}

function rowOf({ writes, reads, cpu, postgres }: Load, server: Server): string[] {
  const ms = (times: number[], q: number): string => `${quantile(times, q).toFixed(1)} ms`;
  return [
    server.name,
    ms(writes, 0.5),
    ms(writes, 0.99),
    ms(reads, 0.5),
    ms(reads, 0.99),
    `${Math.round(cpu * 100)} %`,
    `${Math.round(postgres * 100)} %`,
    count(memoryOf(server.pid).now),
  ];
}

async function stop(server: Server): Promise<void> {
  await server.db.end();
  await server.stop();
}
