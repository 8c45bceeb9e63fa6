import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Listening {
  /** Where it listens, such as http://127.0.0.1:8080, with the port that was really taken. */
  url: string;
  /**
   * Takes no new connection, cuts off at once what has not arrived whole, lets what is under way end, and cuts off what has not ended
   * after `withinMs`. Resolves once every connection is closed.
   */
  close: (withinMs: number) => Promise<void>;
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
  options: { host: string; port: number; onError?: (error: Error) => void },
): Promise<Listening> {
  const { host, port } = options;
  const server = createServer({
    // Ten seconds for the headers and a minute for the whole request leave a slow client nothing to hold us by.
    headersTimeout: 10_000,
    requestTimeout: 60_000,
    connectionsCheckingInterval: 5_000,
    // Longer than the minute for which load balancers keep an idle connection, lest we close what they are about to use.
    keepAliveTimeout: 65_000,
  });

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
