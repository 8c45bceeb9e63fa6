import { createServer, type RequestListener, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Listening {
  /** Where it listens, such as http://127.0.0.1:8080, with the port that was really taken. */
  url: string;
  /**
   * Takes no new connection, cuts off at once what has not arrived whole, lets what is under way end, and cuts off what has not ended
   * after `withinMs`. Resolves once every connection is closed.
   */
  close: (withinMs: number) => Promise<void>;
}

/** The bytes that a request's line and its headers may have together: Node's own limit. */
export const headBytesAtMost = 16 * 1024;

/** How a request is refused that no handler has seen, for its line and headers are too large. */
export interface WireRefusal {
  status: number;
  contentType: string;
  body: string;
}

/** The address cannot be listened on. The message is one sentence for whoever started the process. */
export class CannotListen extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'CannotListen';
  }
}

/**
 * Serves HTTP on a host and port (0: one that is free). `onError` is told of connections that could not be accepted.
 *
 * @throws CannotListen with a sentence that says which setting to change.
 */
export async function listen(
  handler: RequestListener,
  options: { host: string; port: number; onError?: (error: Error) => void; tooLarge?: (begun: string) => WireRefusal },
): Promise<Listening> {
  const { host, port, tooLarge } = options;
  const server = createServer({
    maxHeaderSize: headBytesAtMost,
    // Ten seconds for the headers and a minute for the whole request leave a slow client nothing to hold us by.
    headersTimeout: 10_000,
    requestTimeout: 60_000,
    connectionsCheckingInterval: 5_000,
    // Longer than the minute for which load balancers keep an idle connection, lest we close what they are about to use.
    keepAliveTimeout: 65_000,
  });

  // A client that has said all may close its side, and waits for the answer (RFC 9112 §9.6). Node answers it only with this,
  // which its types do not know.
  Object.assign(server, { httpAllowHalfOpen: true });

  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const underWay = new Set<ServerResponse>();
  let closing = false;
  server.on('request', (_, response) => {
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
    if (closing) response.shouldKeepAlive = false;
  });
  server.on('request', handler);
  server.on('clientError', (error: ParseError, socket) => {
    // An answer that is under way cannot be taken back.
    if ([...underWay].some((response) => response.socket === socket && response.headersSent)) socket.destroy();
    else refuseUnparsed(error, socket, tooLarge);
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new CannotListen(sentence(error, host, port), { cause: error })));
    server.listen({ host, port }, resolve);
  });
  // Such as too many open files. Unheard, it would end the process.
  server.on('error', (error) => options.onError?.(error));
  const address = server.address();
  const taken = typeof address === 'object' && address ? address.port : port;

  const close = (withinMs: number): Promise<void> => {
    closing = true;
    for (const response of underWay) response.shouldKeepAlive = false;
    // Whoever is idle, or sends slowly, may take as long as they like; nothing is done for them yet, and they can send it elsewhere.
    const cutOff = (): void => {
      const working = new Set([...underWay].filter(({ req, headersSent }) => req.complete || headersSent).map(({ req }) => req.socket));
      for (const socket of sockets) if (!working.has(socket)) socket.destroy();
    };
    cutOff();
    // One that was at work is idle only after its answer.
    const sweep = setInterval(cutOff, 50);
    const end = setTimeout(() => server.closeAllConnections(), withinMs);
    return new Promise((resolve) => {
      server.close(() => {
        clearInterval(sweep);
        clearTimeout(end);
        resolve();
      });
    });
  };
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`, close };
}

type ParseError = Error & { code?: string; rawPacket?: Buffer };

/**
 * Answers what could not be read as HTTP, as Node does by itself, but that a head that is too large is refused in words.
 * `tooLarge` is given what is known of the request: the packet in which the limit was reached, which mostly is its first.
 */
function refuseUnparsed(error: ParseError, socket: Duplex, tooLarge?: (begun: string) => WireRefusal): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const refusal: WireRefusal | undefined =
    error.code === 'HPE_HEADER_OVERFLOW' ? tooLarge?.(error.rawPacket?.toString('latin1') ?? '') : undefined;
  const status = refusal?.status ?? plainStatuses[error.code ?? ''] ?? 400;
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, 'Connection: close'];
  if (refusal) head.push(`Content-Type: ${refusal.contentType}`, `Content-Length: ${Buffer.byteLength(refusal.body)}`);
  socket.end(`${head.join('\r\n')}\r\n\r\n${refusal?.body ?? ''}`);
  // A connection that is closed while bytes of the client lie unread is reset, and the answer with it.
  socket.removeAllListeners('data');
  socket.resume();
  setTimeout(() => socket.destroy(), readOnForMs).unref();
}

const plainStatuses: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
const readOnForMs = 1_000;

function sentence(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} of ${host} is in use: another program listens there. Stop it, or set PORT to another one.`;
    case 'EACCES':
      return `Port ${port} may not be listened on by this user; ports below 1024 are root's on most systems. Set PORT to another one.`;
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this machine; set HOST to one that is.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host name ${host} is not known; set HOST to an address of this machine.`;
    default:
      return `Cannot listen on port ${port} of ${host}: ${error.message}.`;
  }
}
