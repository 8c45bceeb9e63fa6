/**
 * What a flood of wrong tokens costs an identity provider that holds a right one.
 *
 *     npm run bench:flood              (three minutes)
 *     npm run bench:flood -- quick     (to see that it runs)
 *
 * One connection asks for a page of users, again and again, with the right token, while another process sends wrong ones: garbage, forged
 * tokens of the right shape, and the right token of another directory. All share the machine's cores, and sending a flood costs
 * as much as refusing it: so the same flood is sent to a server that does nothing but refuse, and each kind is compared with that, and with
 * quiet. The kinds take turns, so that whatever else the machine does falls on all of them alike.
 */
import { fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { ensureDatabase, migrate, startEmbeddedPostgres } from '#runtime';

const quick = process.argv.includes('quick');
const floodPerSecond = 200;
const rounds = quick ? 1 : 7;
const windowMs = quick ? 1_000 : 3_000;
const slowerAtMost = 1.1;

interface Flood {
  url: string;
  authorization: string;
}

/** The process that floods: told of an address by message, sends to it until told of none. */
function beTheFlood(): void {
  const agent = new http.Agent({ keepAlive: true });
  let flood: Flood | undefined;
  process.on('message', (message: { flood?: Flood }) => void (flood = message.flood));
  setInterval(() => {
    for (let i = 0; flood && i < floodPerSecond / 50; i++) {
      const request = http.get(flood.url, { agent, headers: { authorization: flood.authorization } }, (response) => void response.resume());
      request.on('error', () => {});
    }
  }, 20);
}

/** The process that does nothing but refuse, as late as a broker does. */
function beTheSink(): void {
  const server = http.createServer((_, response) => void setTimeout(() => response.writeHead(429).end('{}'), 5_000));
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address) process.send?.({ url: `http://127.0.0.1:${address.port}/` });
  });
}

async function main(): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-bench-'));
  const postgres = await startEmbeddedPostgres({ directory: path.join(folder, 'postgresql'), onLog: () => {} });
  const stopping: (() => Promise<void> | void)[] = [() => postgres.stop()];
  try {
    await ensureDatabase(postgres, 'causeway');
    await migrate(postgres.url('causeway'));
    const broker = await startBroker(postgres.url('causeway'));
    stopping.unshift(broker.stop);
    const [flood, sink] = [fork(__filename, ['the-flood']), fork(__filename, ['the-sink'])];
    stopping.unshift(() => [flood, sink].forEach((child) => child.kill()));
    const sinkUrl = await new Promise<string>((resolve) => sink.once('message', ({ url }: { url: string }) => resolve(url)));

    const [right, elsewhere] = [await broker.aDirectory(), await broker.aDirectory()];
    for (let i = 0; i < 20; i++)
      await right.post({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: `user${i}@acme.com` });
    // The mark at its end is wrong, and nothing else.
    const forged = right.token.slice(0, -4) + (right.token.endsWith('AAAA') ? 'BBBB' : 'AAAA');
    const floods: Record<string, Flood | undefined> = {
      quiet: undefined,
      'sent elsewhere': { url: sinkUrl, authorization: 'Bearer garbage' },
      garbage: { url: right.url, authorization: 'Bearer garbage' },
      forged: { url: right.url, authorization: `Bearer ${forged}` },
      "another directory's": { url: right.url, authorization: `Bearer ${elsewhere.token}` },
    };

    await ask(right, 2_000); // warm
    const took = new Map<string, number[]>(Object.keys(floods).map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, one] of Object.entries(floods)) {
        flood.send({ flood: one });
        await pause(500);
        took.get(name)?.push(...(await ask(right, windowMs)));
        flood.send({});
        await pause(500);
      }
    }
    report(took);
  } finally {
    for (const stop of stopping) await stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function report(took: Map<string, number[]>): void {
  const seconds = (rounds * windowMs) / 1_000;
  const quiet = took.get('quiet') ?? [];
  const paid = took.get('sent elsewhere') ?? [];
  console.log(`${floodPerSecond} wrong tokens a second; ${os.cpus().length} cores, shared by broker, PostgreSQL, flood and measurement\n`);
  console.log('flood                 right/s  median ms   p95 ms  ×quiet  ×the same flood sent elsewhere');
  for (const [name, times] of took) {
    const cells = [
      times.length / seconds,
      at(times, 0.5),
      at(times, 0.95),
      at(times, 0.5) / at(quiet, 0.5),
      at(times, 0.5) / at(paid, 0.5),
    ];
    console.log(`${name.padEnd(20)} ${cells.map((cell) => cell.toFixed(2).padStart(8)).join(' ')}`);
  }
  const worst = Math.max(
    ...[...took].filter(([name]) => name !== 'quiet' && name !== 'sent elsewhere').map(([, times]) => at(times, 0.5) / at(paid, 0.5)),
  );
  console.log(`\nThe dearest flood makes a right request ${worst.toFixed(2)} times as long (at most ${slowerAtMost}).`);
  if (!quick && worst > slowerAtMost) process.exitCode = 1;
}

function at(times: number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? NaN;
}

interface Directory {
  url: string;
  token: string;
  post: (body: object) => Promise<unknown>;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

/** Asks with the right token, one request after the other, and answers how long each took. */
async function ask({ url, token }: Directory, forMs: number): Promise<number[]> {
  const took: number[] = [];
  for (const until = performance.now() + forMs; performance.now() < until;) {
    const begun = performance.now();
    await new Promise<void>((resolve, reject) => {
      http
        .get(`${url}?count=10`, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
          if (response.statusCode !== 200) return reject(new Error(`a right token was answered ${response.statusCode}`));
          response.resume().once('end', resolve);
        })
        .once('error', reject);
    });
    took.push(performance.now() - begun);
  }
  return took;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

async function startBroker(databaseUrl: string): Promise<{ aDirectory: () => Promise<Directory>; stop: () => Promise<void> }> {
  const apiKey = `cwk_${randomBytes(30).toString('hex')}`;
  const child = spawn(process.execPath, [path.join(__dirname, '../../dist/apps/broker/src/main.js')], {
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
  const post = async (below: string, body: object, key = apiKey): Promise<any> => {
    const response = await fetch(url + below, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${below}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    aDirectory: async () => {
      const organization = await post('/v1/organizations', { name: 'Acme' });
      const { id } = await post('/v1/directories', { organization_id: organization.id, provider: 'generic' });
      const { token } = await post(`/v1/directories/${id}/bearer_token`, {});
      return { url: `${url}/scim/v2/${id}/Users`, token, post: (body) => post(`/scim/v2/${id}/Users`, body, token) };
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

if (process.argv.includes('the-flood')) beTheFlood();
else if (process.argv.includes('the-sink')) beTheSink();
else {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
