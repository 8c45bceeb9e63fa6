import { Counter, Histogram, Registry, collectDefaultMetrics, register } from 'prom-client';
import type { Door } from './door';

export interface ObservedRequest {
  door: Door;
  method: string;
  status: number;
  durationMs: number;
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** What the broker counts, in a registry of its own, so that two brokers in one process do not mix theirs. */
export class HttpMetrics {
  readonly #registry = new Registry();
  readonly #durations = new Histogram({
    name: 'causeway_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer, long polls aside',
    labelNames: ['door', 'method', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.#registry],
  });
  readonly #replays = new Counter({
    name: 'causeway_api_replayed_answers_total',
    help: 'POST requests answered again from their Idempotency-Key',
    registers: [this.#registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  observe({ door, method, status, durationMs }: ObservedRequest): void {
    // An invented method must not make a series of its own.
    const known = methods.has(method) ? method : 'other';
    this.#durations.observe({ door, method: known, status: `${Math.floor(status / 100)}xx` }, durationMs / 1000);
  }

  countReplay(): void {
    this.#replays.inc();
  }

  /** Prometheus' text format: the broker's own, and what other parts of the same process count in the shared registry. */
  async text(): Promise<{ contentType: string; body: string }> {
    const both = Registry.merge([this.#registry, register]);
    return { contentType: both.contentType, body: await both.metrics() };
  }
}
