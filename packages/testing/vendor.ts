import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

/** One POST that a vendor got. */
export interface Received {
  /** When its headers arrived, in milliseconds since 1970. */
  at: number;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The body, byte for byte as it came, as text. */
  body: string;
}

/** How a vendor answers. The default is 204 at once. */
export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Waits this long before it answers. */
  delayMs?: number;
  /** Never answers. */
  hang?: true;
  /** Cuts the connection instead of answering. */
  reset?: true;
  /** Sends the headers, then a byte of body each time this many milliseconds have passed, without end. */
  dripEveryMs?: number;
  /** Sends a body of that many bytes, as fast as they are taken. */
  bodyBytes?: number;
}

export interface Vendor {
  /** Where webhooks go. */
  url: string;
  /** All that arrived, in order. */
  received: Received[];
  /** How to answer from now on, to everything or by what came. */
  answers: (answer: Answer | ((received: Received) => Answer)) => void;
  /** How to answer what comes next, one each, before going back to `answers`. */
  answersNext: (...answers: Answer[]) => void;
  /**
   * What arrived, as events, each verified with the official Standard Webhooks library.
   *
   * @throws where a signature, or a timestamp, is not good.
   */
  events: (secret: string) => unknown[];
  /** The most requests that were under way at once. */
  mostAtOnce: () => number;
  close: () => Promise<void>;
}

/** Starts a vendor's webhook receiver on loopback. Closed after the file's last test, if it is not before. */
export async function startVendor(initial: Answer | ((received: Received) => Answer) = {}): Promise<Vendor> {
  const received: Received[] = [];
  const next: Answer[] = [];
  let usual = initial;
  let underWay = 0;
  let most = 0;

  const server = createServer((request, response) => {
    const at = Date.now();
    most = Math.max(most, ++underWay);
    response.once('close', () => underWay--);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one: Received = {
        at,
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      received.push(one);
      const answer = next.shift() ?? (typeof usual === 'function' ? usual(one) : usual);
      // A client that goes away while it is being answered is what some tests are about.
      give(answer, response).catch(() => {});
    });
    request.on('error', () => {});
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the receiver has no address');

  const vendor: Vendor = {
    url: `http://127.0.0.1:${address.port}/webhooks`,
    received,
    answers: (answer) => void (usual = answer),
    answersNext: (...answers) => void next.push(...answers),
    events: (secret) => received.map((one) => verified(secret, one)),
    mostAtOnce: () => most,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  open.push(vendor);
  return vendor;
}

/** The event of one webhook, verified with the official library. */
export function verified(secret: string, { body, headers }: Received): unknown {
  const header = (name: string) => String(headers[name]);
  return new Webhook(secret).verify(body, {
    'webhook-id': header('webhook-id'),
    'webhook-timestamp': header('webhook-timestamp'),
    'webhook-signature': header('webhook-signature'),
  });
}

async function give(answer: Answer, response: ServerResponse): Promise<void> {
  if (answer.hang) return;
  if (answer.delayMs) await delay(answer.delayMs);
  if (answer.reset) return void response.destroy();
  response.writeHead(answer.status ?? 204, answer.headers);
  if (answer.dripEveryMs) {
    response.flushHeaders();
    while (!response.destroyed) {
      response.write('.');
      await delay(answer.dripEveryMs);
    }
    return;
  }
  if (answer.bodyBytes) return pipeline(Readable.from(dots(answer.bodyBytes)), response);
  response.end(answer.body);
}

function* dots(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024, '.');
  for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, left);
}

const open: Vendor[] = [];

afterAll(async () => {
  await Promise.all(open.splice(0).map((vendor) => vendor.close()));
});
