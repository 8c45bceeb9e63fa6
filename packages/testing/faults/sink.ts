/**
 * A vendor's webhook receiver, as a process of its own: whatever happens to the rest, what arrived is on record. Each of its
 * endpoints is a path. Told by its parent how to answer, and ends with it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { call } from './client';
import { type Receipt, Records } from './records';

/** How an endpoint answers while it does not work. */
export type Behaviour =
  | { kind: 'fails'; status: number }
  | { kind: 'throttles'; retryAfterSeconds: number }
  /** Never answers. When it works again, those that still wait are cut off. */
  | { kind: 'hangs' }
  /** Reads all, and cuts the connection. */
  | { kind: 'resets' }
  /** Works, but takes its time. */
  | { kind: 'dawdles'; ms: number };

/** What its parent says. */
export type ToSink =
  { kind: 'begin'; folder: string; brokers: string[]; apiKey: string } | { kind: 'behave'; endpoint: string; behaviour: Behaviour | null };

/** What it says to its parent. */
export interface FromSink {
  port: number;
}

const behaviours = new Map<string, Behaviour>();
const hanging = new Map<string, Set<ServerResponse>>();
const looked = new Set<string>();
let records = new Records('.');
let askers: { brokers: string[]; apiKey: string } = { brokers: [], apiKey: '' };

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => receive(request, response, Buffer.concat(chunks).toString('utf8')));
  // One that is cut off midway was not received.
  request.on('error', () => {});
  response.on('error', () => {});
});
// A connection that we close while a webhook is on its way would be a failure that nobody asked for.
server.keepAliveTimeout = 600_000;

process.on('message', (message: ToSink) => {
  if (message.kind === 'behave') return behave(message.endpoint, message.behaviour);
  records = new Records(message.folder);
  askers = message;
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const told: FromSink = { port: typeof address === 'object' && address ? address.port : 0 };
    process.send?.(told);
  });
});
process.on('disconnect', () => process.exit(0));

function receive(request: IncomingMessage, response: ServerResponse, body: string): void {
  const endpoint = (request.url ?? '').slice(1);
  const behaviour = behaviours.get(endpoint);
  const header = (name: string): string => String(request.headers[name]);
  const receipt: Receipt = {
    endpoint,
    at: Date.now(),
    webhookId: header('webhook-id'),
    timestamp: header('webhook-timestamp'),
    signature: header('webhook-signature'),
    body,
    accepted: behaviour === undefined || behaviour.kind === 'dawdles',
    answer: behaviour?.kind ?? 'accepts',
  };
  records.append('receipt', receipt);
  void lookFor(receipt.webhookId);

  switch (behaviour?.kind) {
    case 'fails':
      return void response.writeHead(behaviour.status).end('out of order');
    case 'throttles':
      return void response.writeHead(429, { 'retry-after': String(behaviour.retryAfterSeconds) }).end();
    case 'resets':
      return void response.destroy();
    case 'hangs': {
      const waiting = hanging.get(endpoint) ?? new Set();
      hanging.set(endpoint, waiting.add(response));
      return;
    }
    case 'dawdles':
      return void setTimeout(() => response.writeHead(204).end(), behaviour.ms);
    default:
      return void response.writeHead(204).end();
  }
}

function behave(endpoint: string, behaviour: Behaviour | null): void {
  if (behaviour) behaviours.set(endpoint, behaviour);
  else behaviours.delete(endpoint);
  for (const response of hanging.get(endpoint) ?? []) response.destroy();
  hanging.delete(endpoint);
}

/** Asks, as it comes, whether an event that came by webhook can be read already. Once for each event, wherever it came first. */
async function lookFor(webhookId: string): Promise<void> {
  if (looked.has(webhookId)) return;
  looked.add(webhookId);
  const at = Date.now();
  const broker = askers.brokers[looked.size % askers.brokers.length] ?? '';
  const heard = await call(`${broker}/v1/events?after=${webhookId}&limit=1`, {
    method: 'GET',
    headers: { authorization: `Bearer ${askers.apiKey}` },
  });
  const status = heard.kind === 'answered' ? heard.status : 0;
  records.append('look', { webhookId, at, found: status === 200 ? 'readable' : status === 404 ? 'missing' : 'unknown' });
}
