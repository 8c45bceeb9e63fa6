import { lookup, type LookupAddress } from 'node:dns';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, type Dispatcher, errors } from 'undici';
import type { AddressRule } from '../endpoint/addresses';

/** What came of one POST. Nothing is thrown: an endpoint may do whatever it likes. */
export type Answer =
  | { kind: 'answered'; status: number; retryAfter: string | undefined; body: string; durationMs: number }
  /** `stopped`: by us. */
  | { kind: 'unanswered'; stopped: boolean; reason: string; status: number | null; body: string | null; durationMs: number };

export interface PosterOptions {
  addresses: AddressRule;
  /** Every address of a host; default: the system's resolver. */
  resolve?: (hostname: string) => Promise<LookupAddress[]>;
  /** PEM; default: what Node trusts. */
  trustedCertificates?: string;
  /** Default 15 s, from the first byte of the connection to the last of the body. */
  totalMs?: number;
  /** Default 3 s, for DNS, TCP and TLS together. */
  connectMs?: number;
}

const keptBodyBytes = 64 * 1024;

/**
 * Sends webhooks to whatever URL a vendor has named, and to no address that it should not reach.
 *
 * A host is resolved once for each connection; if any of its addresses is forbidden none is spoken to; the connection is made to
 * the addresses that were looked at, so a name that resolves differently the next moment gains nothing. The name itself still
 * goes into SNI, the certificate's check and `Host`. Redirects are answers like any other. Connections are kept and used
 * again, by origin.
 */
export class Poster {
  readonly #agent: Agent;
  readonly #totalMs: number;
  readonly #connectMs: number;
  readonly #underWay = new Set<Exchange>();

  constructor(options: PosterOptions) {
    this.#totalMs = options.totalMs ?? 15_000;
    this.#connectMs = options.connectMs ?? 3_000;
    this.#agent = new Agent({
      connect: connector(options, this.#connectMs),
      pipelining: 1,
      // Shorter than what servers keep by themselves, or we would often write into a connection that they have just closed.
      keepAliveTimeout: 4_000,
      keepAliveMaxTimeout: 60_000,
      // The total limit is ours; these are for a connection that nobody waits for any more.
      headersTimeout: this.#totalMs + 1_000,
      bodyTimeout: this.#totalMs + 1_000,
    });
  }

  /** POSTs `body`. */
  post(url: URL, headers: Record<string, string>, body: string | Buffer): Promise<Answer> {
    return new Promise((resolve) => {
      const exchange = new Exchange(this.#totalMs, (end) => {
        this.#underWay.delete(exchange);
        resolve(
          end.error === undefined
            ? { kind: 'answered', status: end.status, retryAfter: end.retryAfter, body: end.body, durationMs: end.durationMs }
            : {
                kind: 'unanswered',
                stopped: end.error instanceof Stopped,
                reason: this.#inWords(end.error, end.status),
                status: end.status,
                body: end.status === null ? null : end.body,
                durationMs: end.durationMs,
              },
        );
      });
      this.#underWay.add(exchange);
      try {
        this.#agent.dispatch({ origin: url.origin, path: url.pathname + url.search, method: 'POST', headers, body }, exchange);
      } catch (error) {
        exchange.fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** Ends all that is under way at once, as unanswered and stopped. */
  stop(): void {
    for (const exchange of this.#underWay) exchange.fail(new Stopped());
  }

  /** Ends what is under way, and closes the kept connections. */
  async close(): Promise<void> {
    this.stop();
    await this.#agent.destroy();
  }

  #inWords(error: unknown, status: number | null): string {
    if (error instanceof TooSlow) {
      const seconds = Math.round(error.limitMs / 1_000);
      return status === null ? `no answer within ${seconds} s` : `it answered ${status}, but its body was not complete within ${seconds} s`;
    }
    if (error instanceof Stopped) return 'the worker stopped before an answer came';
    if (error instanceof ForbiddenAddress) return error.message;
    const code = codeOf(error);
    switch (code) {
      case 'UND_ERR_CONNECT_TIMEOUT':
      case 'ETIMEDOUT':
        return `no connection within ${Math.round(this.#connectMs / 1_000)} s`;
      case 'ECONNREFUSED':
        return 'the connection was refused';
      case 'ENOTFOUND':
        return 'its host name does not exist';
      case 'EAI_AGAIN':
      case 'EAI_FAIL':
        return 'its host name could not be resolved';
      case 'EHOSTUNREACH':
      case 'ENETUNREACH':
      case 'EADDRNOTAVAIL':
        return 'its host cannot be reached';
      case 'ECONNRESET':
      case 'EPIPE':
      case 'UND_ERR_SOCKET':
        return status === null
          ? 'the connection was closed before an answer came'
          : `it answered ${status}, but the connection was closed before the body was complete`;
      case 'UND_ERR_HEADERS_OVERFLOW':
        return 'the headers of its answer are too long';
      case 'CERT_HAS_EXPIRED':
        return 'its certificate has expired';
      case 'ERR_TLS_CERT_ALTNAME_INVALID':
        return 'its certificate is for another host';
      case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      case 'SELF_SIGNED_CERT_IN_CHAIN':
      case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
        return 'its certificate is not signed by a trusted authority, or its chain is incomplete';
      default:
        if (error instanceof errors.HTTPParserError) return 'its answer is not HTTP/1.1';
        if (code?.startsWith('ERR_SSL') || code === 'EPROTO') return 'TLS 1.2 or newer could not be agreed on';
        return `the request failed${code === undefined ? '' : ` (${code})`}`;
    }
  }
}

/** A host, or one of its addresses, that webhooks may not reach. The message does not name the address: it may be an internal one. */
export class ForbiddenAddress extends Error {
  constructor(protocol: string, verdict: string) {
    super(
      protocol === 'http:' && verdict === 'public'
        ? 'http is only for addresses in WEBHOOK_ALLOWED_CIDRS: use https'
        : 'its host resolves to an address that is not public, which webhooks may not reach',
    );
  }
}

type End =
  | { error: undefined; status: number; retryAfter: string | undefined; body: string; durationMs: number }
  | { error: Error; status: number | null; body: string; durationMs: number };

/**
 * One request and its answer, to the last byte of the body or to 64 KiB of it: the connection of one that says more is closed.
 * Handed to undici itself, because a stream and an AbortSignal for each request cost as much again as the request.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #begun = performance.now();
  readonly #late: NodeJS.Timeout;
  readonly #kept: Buffer[] = [];
  #bytes = 0;
  #status: number | null = null;
  #retryAfter: string | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #ended: Error | true | undefined;

  constructor(
    totalMs: number,
    private readonly onEnd: (end: End) => void,
  ) {
    this.#late = setTimeout(() => this.fail(new TooSlow(totalMs)), totalMs);
  }

  /** Ends it. Where its connection is still being made, it is not sent. */
  fail(error: Error): void {
    this.#end(error);
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) controller.abort(this.#ended instanceof Error ? this.#ended : new Stopped());
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return; // the answer is yet to come
    this.#status = status;
    const retryAfter = headers['retry-after'];
    this.#retryAfter = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return;
    this.#kept.push(chunk.subarray(0, keptBodyBytes - this.#bytes));
    this.#bytes += chunk.length;
    if (this.#bytes < keptBodyBytes) return;
    this.#end(undefined);
    controller.abort(new Stopped());
  }

  onResponseEnd(): void {
    this.#end(undefined);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#end(error);
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = error ?? true;
    clearTimeout(this.#late);
    const common = { body: text(this.#kept), durationMs: performance.now() - this.#begun };
    if (error === undefined && this.#status !== null) this.onEnd({ error, status: this.#status, retryAfter: this.#retryAfter, ...common });
    else this.onEnd({ error: error ?? new Error('no answer'), status: this.#status, ...common });
  }
}

class TooSlow extends Error {
  constructor(readonly limitMs: number) {
    super('too slow');
  }
}

class Stopped extends Error {}

function connector({ addresses, resolve = resolveAll, trustedCertificates }: PosterOptions, connectMs: number): buildConnector.connector {
  const refusal = (protocol: string, address: string): ForbiddenAddress | undefined => {
    const verdict = addresses.verdict(address);
    if (verdict === 'allowed' || (verdict === 'public' && protocol === 'https:')) return undefined;
    return new ForbiddenAddress(protocol, verdict);
  };
  // Node asks it once for each connection and connects to what it says and to nothing else.
  const checkedLookup =
    (protocol: string): LookupFunction =>
    (hostname, options, callback) => {
      resolve(hostname).then(
        (found) => {
          const refused = found.map(({ address }) => refusal(protocol, address)).find(Boolean);
          const [first] = found;
          if (refused) callback(refused, []);
          else if (!first) callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), []);
          else if (options.all) callback(null, found);
          else callback(null, first.address, first.family);
        },
        (error: Error) => callback(error, []),
      );
    };
  const dials = new Map(
    ['http:', 'https:'].map((protocol) => [
      protocol,
      buildConnector({
        timeout: connectMs,
        lookup: checkedLookup(protocol),
        autoSelectFamily: true,
        minVersion: 'TLSv1.2',
        allowH2: false,
        ...(trustedCertificates === undefined ? {} : { ca: trustedCertificates }),
      }),
    ]),
  );
  return (options, callback) => {
    // A host that is an address is not looked up. URL has already turned 0x7f.1, 2130706433 and the like into 127.0.0.1.
    const host = options.hostname.replace(/^\[|\]$/g, '');
    const refused = isIP(host) === 0 ? undefined : refusal(options.protocol, host);
    const dial = dials.get(options.protocol);
    if (refused || !dial) return callback(refused ?? new Error(`cannot speak ${options.protocol}`), null);
    dial({ ...options, hostname: host }, (...[error, socket]) => {
      if (error) return callback(error, null);
      // Believe nobody: this is the address that the kernel says we are connected to.
      const wrong = refusal(options.protocol, socket.remoteAddress ?? '');
      if (!wrong) return callback(null, socket);
      socket.destroy();
      callback(wrong, null);
    });
  };
}

function resolveAll(hostname: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });
}

/** As PostgreSQL can keep it: text has no NUL. */
function text(kept: Buffer[]): string {
  if (kept.length === 0) return '';
  return Buffer.concat(kept).toString('utf8').replaceAll('\0', '\uFFFD');
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  // A host with several addresses fails with one error for each.
  return 'errors' in error && Array.isArray(error.errors) ? codeOf(error.errors[0]) : undefined;
}
