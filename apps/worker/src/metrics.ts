import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { AttemptReport, Backlog, SequencedBatch } from '#delivery';

/** What the worker counts. Removed from the registry when the worker stops, so that another one may start in the process. */
export class WorkerMetrics {
  readonly #attempts: Counter<'outcome'>;
  readonly #attemptDurations: Histogram<'outcome'>;
  readonly #sinceCommit: Histogram;
  readonly #batchSizes: Histogram;
  readonly #queueReachable: Gauge;
  readonly #names: string[] = [];

  /** @param readBacklog is asked at each scrape: what is behind is in the database, and the same for every worker. */
  constructor(
    private readonly registry: Registry,
    readBacklog: () => Promise<Backlog>,
  ) {
    const registers = [registry];
    const named = <T extends { name: string }>(options: T): T & { registers: Registry[] } => {
      this.#names.push(options.name);
      return { ...options, registers };
    };
    this.#attempts = new Counter(
      named({
        name: 'causeway_delivery_attempts_total',
        help: 'Webhook attempts by outcome: delivered, refused (the event), failed (the endpoint), gone (410), stopped',
        labelNames: ['outcome'] as const,
      }),
    );
    this.#attemptDurations = new Histogram(
      named({
        name: 'causeway_delivery_attempt_duration_seconds',
        help: 'Time of one webhook attempt, connection and answer included',
        labelNames: ['outcome'] as const,
        buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
      }),
    );
    this.#sinceCommit = new Histogram(
      named({
        name: 'causeway_commit_to_delivered_seconds',
        help: 'Time from the change of a directory to the answer of a webhook about it, of first attempts that succeeded',
        buckets: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1_800],
      }),
    );
    this.#batchSizes = new Histogram(
      named({
        name: 'causeway_sequencer_batch_events',
        help: 'Events that were given their positions in one transaction',
        buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500],
      }),
    );
    this.#queueReachable = new Gauge(
      named({
        name: 'causeway_queue_reachable',
        help: '1: doorbells go through the queue; 0: it cannot be reached, and deliveries go on without it',
      }),
    );

    const oldest = new Gauge(
      named({ name: 'causeway_oldest_unsequenced_event_seconds', help: 'Age of the oldest committed event that has no position yet' }),
    );
    const dirty = new Gauge(named({ name: 'causeway_lanes_dirty', help: 'Lanes (endpoint and directory) that owe something' }));
    const blocked = new Gauge(
      named({
        name: 'causeway_lanes_blocked',
        help: 'Lanes whose first event has failed and is waiting to be tried again',
        // The one that is collected last asks for all three.
        collect: async () => {
          try {
            const backlog = await readBacklog();
            oldest.set(backlog.oldestUnsequencedMs / 1_000);
            dirty.set(backlog.dirtyLanes);
            blocked.set(backlog.blockedLanes);
          } catch {
            // The database is away: a gap says so, where an old number would deny it.
            for (const gauge of [oldest, dirty, blocked]) gauge.reset();
          }
        },
      }),
    );
  }

  countAttempt(report: AttemptReport): void {
    this.#attempts.inc({ outcome: report.outcome });
    this.#attemptDurations.observe({ outcome: report.outcome }, report.durationMs / 1_000);
    if (report.sinceCommitMs !== undefined) this.#sinceCommit.observe(report.sinceCommitMs / 1_000);
  }

  countBatch(batch: SequencedBatch): void {
    this.#batchSizes.observe(batch.events);
  }

  setQueueReachable(reachable: boolean): void {
    this.#queueReachable.set(reachable ? 1 : 0);
  }

  remove(): void {
    for (const name of this.#names) this.registry.removeSingleMetric(name);
  }
}
