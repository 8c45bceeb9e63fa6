import { setTimeout as delay } from 'node:timers/promises';

/** What a caller hears: a whole answer, or nothing that it could rely on. */
export type Heard = { kind: 'answered'; status: number; headers: Headers; text: string } | { kind: 'unheard'; reason: string };

export interface Sent {
  method: string;
  headers?: Record<string, string>;
  body?: unknown;
  withinMs?: number;
}

export async function call(url: string, { method, headers, body, withinMs = 30_000 }: Sent): Promise<Heard> {
  try {
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(withinMs),
      headers: { ...headers, ...(body === undefined || headers?.['content-type'] ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // An answer counts once it is here whole.
    return { kind: 'answered', status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    return { kind: 'unheard', reason: reasonOf(error) };
  }
}

/** The brokers as a load balancer shows them: the next one at every call, whatever became of the one before. */
export class Brokers {
  #next = 0;

  constructor(readonly urls: readonly string[]) {}

  get next(): string {
    return this.urls[this.#next++ % this.urls.length] ?? '';
  }

  /** The same brokers, with a turn of their own. */
  fork(): Brokers {
    const brokers = new Brokers(this.urls);
    brokers.#next = this.#next++;
    return brokers;
  }
}

/** The vendor's API, as a client uses it that does not give up. */
export class VendorApi {
  constructor(
    private readonly brokers: Brokers,
    private readonly apiKey: string,
  ) {}

  /**
   * Asks until it is answered with 2xx. A call that may not be done twice needs an Idempotency-Key.
   *
   * @throws where that took too long; and at once for a refusal that another try would not change.
   */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    { idempotencyKey, withinMs = 90_000 }: { idempotencyKey?: string; withinMs?: number } = {},
  ): Promise<unknown> {
    const until = Date.now() + withinMs;
    for (;;) {
      const asked = await this.askOnce(method, path, body, idempotencyKey);
      if (asked.kind === 'done') return asked.body;
      if (Date.now() > until) throw new Error(`${method} ${path}: ${asked.reason}`);
      await delay(250);
    }
  }

  /** One try. `open`: it is not known whether it was done. @throws for a refusal. */
  async askOnce(
    method: string,
    path: string,
    body?: unknown,
    idempotencyKey?: string,
  ): Promise<{ kind: 'done'; body: unknown } | { kind: 'open'; reason: string }> {
    const heard = await call(this.brokers.next + path, {
      method,
      body,
      headers: { authorization: `Bearer ${this.apiKey}`, ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }) },
    });
    if (heard.kind === 'unheard') return { kind: 'open', reason: heard.reason };
    const { status, text } = heard;
    if (status >= 200 && status < 300) return { kind: 'done', body: text === '' ? undefined : JSON.parse(text) };
    // 409 is what a key answers whose first call died under way, for a minute.
    if (status >= 500 || (status === 409 && text.includes('idempotency_key_in_use'))) return { kind: 'open', reason: `${status} ${text}` };
    throw new Error(`${method} ${path}: ${status} ${text}`);
  }
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
