/** The vendor of infra/bench/deliveries.ts, a process of its own: takes webhooks, answers 204 at once, and notes what came and when. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { Webhook } from 'standardwebhooks';

/**
 * `begin`: forget what came so far; where `secrets` are given (by path), verify each webhook and parse its event as vendors do, with the
 * official library. `report`: tell what came since.
 */
export type ToReceiver =
  { kind: 'begin'; sampleEvery: number; secrets?: Record<string, string> | undefined } | { kind: 'report' } | { kind: 'count' };

/** What came, in the order in which it came; each list has an entry for each webhook. */
export interface Report {
  kind: 'report';
  /** The first part of each path. */
  endpoints: string[];
  directories: string[];
  endpoint: Int32Array;
  directory: Int32Array;
  sequence: Int32Array;
  /** Milliseconds since 1970, when the last byte was there. */
  at: Float64Array;
  samples: { endpoint: string; headers: IncomingHttpHeaders; body: string }[];
}

export type FromReceiver = { kind: 'listening'; url: string } | { kind: 'count'; count: number } | Report;

const atMost = 1_000_000;
const columns = {
  endpoint: new Int32Array(atMost),
  directory: new Int32Array(atMost),
  sequence: new Int32Array(atMost),
  at: new Float64Array(atMost),
};
let count = 0;
let sampleEvery = 0;
let samples: Report['samples'] = [];
let webhooks: Map<string, Webhook> | undefined;
const endpoints = new Map<string, number>();
const directories = new Map<string, number>();

const server = createServer((request, response) => {
  const endpoint = (request.url ?? '').slice(1);
  // Dead, in two ways: it never answers, or it hangs up.
  if (endpoint.startsWith('dead')) {
    request.resume();
    if (Math.random() < 0.5) request.on('end', () => request.socket.destroy());
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const at = performance.timeOrigin + performance.now();
    const good = webhooks === undefined || verifies(webhooks.get(endpoint), request.headers, chunks);
    response.writeHead(good ? 204 : 401).end();
    if (good) note(endpoint, at, request.headers, chunks);
  });
  request.on('error', () => {});
});
// Longer than any pause here: a connection that closes as it is used again is another measurement.
server.keepAliveTimeout = 600_000;

function verifies(webhook: Webhook | undefined, headers: IncomingHttpHeaders, chunks: Buffer[]): boolean {
  try {
    webhook?.verify(Buffer.concat(chunks), {
      'webhook-id': String(headers['webhook-id']),
      'webhook-timestamp': String(headers['webhook-timestamp']),
      'webhook-signature': String(headers['webhook-signature']),
    });
    return webhook !== undefined;
  } catch {
    return false;
  }
}

function note(endpoint: string, at: number, headers: IncomingHttpHeaders, chunks: Buffer[]): void {
  const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
  // Both stand before `data`.
  const head = body.toString('latin1', 0, 600);
  columns.endpoint[count] = numbered(endpoints, endpoint);
  columns.directory[count] = numbered(directories, /"directory_id":"([^"]+)"/.exec(head)?.[1] ?? '');
  columns.sequence[count] = Number(/"sequence":(\d+)/.exec(head)?.[1] ?? NaN);
  columns.at[count] = at;
  count += 1;
  if (sampleEvery > 0 && count % sampleEvery === 0) samples.push({ endpoint, headers, body: body.toString('utf8') });
}

function numbered(names: Map<string, number>, name: string): number {
  const known = names.get(name);
  if (known !== undefined) return known;
  names.set(name, names.size);
  return names.size - 1;
}

function tell(message: FromReceiver): void {
  process.send?.(message);
}

process.on('message', (message: ToReceiver) => {
  switch (message.kind) {
    case 'begin':
      count = 0;
      samples = [];
      sampleEvery = message.sampleEvery;
      webhooks = message.secrets && new Map(Object.entries(message.secrets).map(([endpoint, secret]) => [endpoint, new Webhook(secret)]));
      return;
    case 'count':
      return tell({ kind: 'count', count });
    case 'report':
      return tell({
        kind: 'report',
        endpoints: [...endpoints.keys()],
        directories: [...directories.keys()],
        samples,
        endpoint: columns.endpoint.slice(0, count),
        directory: columns.directory.slice(0, count),
        sequence: columns.sequence.slice(0, count),
        at: columns.at.slice(0, count),
      });
  }
});
process.on('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  tell({ kind: 'listening', url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}` });
});
