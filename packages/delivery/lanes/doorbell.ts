import type { Bell } from './drain';

/** What of BullMQ is used; `queueBackend` of the runtime makes them, on Redis or on PostgreSQL. */
export interface BellBackend {
  kind: 'postgres' | 'redis';
  queue(name: string): BellQueue;
  worker(name: string, process: (job: { data: unknown }) => Promise<void>, options: BellWorkerOptions): BellWorker;
}

export interface BellQueue {
  waitUntilReady(): Promise<unknown>;
  add(name: string, data: unknown, opts: BellOptions): Promise<unknown>;
  addBulk(jobs: { name: string; data: unknown; opts: BellOptions }[]): Promise<unknown>;
  /** How many jobs wait. */
  count(): Promise<number>;
  close(): Promise<void>;
  disconnect(): Promise<void>;
}

interface BellOptions {
  attempts: number;
  removeOnComplete: boolean;
  removeOnFail: boolean;
}

export interface BellWorkerOptions {
  concurrency: number;
  removeOnComplete: { count: number };
  removeOnFail: { count: number };
}

export interface BellWorker {
  waitUntilReady(): Promise<unknown>;
  close(force?: boolean): Promise<void>;
  disconnect(): Promise<void>;
}

const quickName = 'deliver';
const slowName = 'deliver-slow';
type QueueName = typeof quickName | typeof slowName;

// A queue that does not answer must not hold up what rings: the sweep rings again.
const answersWithinMs = 1_000;
const triedAgainAfterMs = 1_000;

const addedOneByOne = 10;

// What is rung for together mostly comes out of one batch of events, and costs the queue no more than a single bell.
const bellsAtOnce = 25;

// A job waits only for a slot, so this is how many bells wait here instead of for another worker.
const concurrency = 8;

/**
 * BullMQ as a doorbell. A job says that some lanes may have work and holds nothing else, so any of them may be lost, doubled or
 * late. That is why it has neither id nor deduplication nor second attempt, and is not kept.
 */
export class Doorbell {
  readonly #queues: Record<QueueName, KeptOpen<BellQueue>>;
  readonly #workers: KeptOpen<BellWorker>[] = [];
  #silentUntil = 0;
  #reachable = true;

  constructor(
    private readonly backend: BellBackend,
    private readonly onError: (error: unknown) => void,
    private readonly silentForMs = triedAgainAfterMs,
  ) {
    this.#queues = {
      [quickName]: new KeptOpen(() => backend.queue(quickName), onError),
      [slowName]: new KeptOpen(() => backend.queue(slowName), onError),
    };
  }

  /** Whether the queue took the last bells, or answered the last check; for /readyz. Nothing stops while it is false. */
  get reachable(): boolean {
    return this.#reachable;
  }

  /** Rings. False, within a second and mostly at once, where the queue cannot be reached: drain them directly. */
  async ring(bells: readonly Bell[]): Promise<boolean> {
    if (bells.length === 0) return true;
    if (performance.now() < this.#silentUntil) return false;
    const rung = await Promise.all([
      this.#add(
        quickName,
        bells.filter(({ slow }) => !slow),
      ),
      this.#add(
        slowName,
        bells.filter(({ slow }) => slow),
      ),
    ]);
    return this.#found(rung.every(Boolean));
  }

  /** Asks whether the queue can be reached: while nothing is rung, nothing else would find out. */
  async check(): Promise<void> {
    const queue = this.#queues[quickName].open();
    if (!queue || performance.now() < this.#silentUntil) return;
    this.#found(
      await inTime(
        answersWithinMs,
        async () => {
          await queue.waitUntilReady();
          await queue.count();
        },
        this.onError,
      ),
    );
  }

  #found(reachable: boolean): boolean {
    this.#reachable = reachable;
    if (!reachable) this.#silentUntil = performance.now() + this.silentForMs;
    return reachable;
  }

  /** Hears the bells, of every process. Slots are the drain's affair: `answer` resolves when one was found. */
  listen(answer: (bell: Bell) => Promise<void>): void {
    for (const name of [quickName, slowName] as const) {
      const process = async (job: { data: unknown }): Promise<void> => {
        const failures: unknown[] = [];
        // One that cannot be answered must not silence those behind it.
        for (const bell of bellsOf(job.data, name === slowName)) await answer(bell).catch((error: unknown) => void failures.push(error));
        if (failures.length > 0) throw new AggregateError(failures, 'some bells could not be answered');
      };
      const worker = new KeptOpen(
        () =>
          this.backend.worker(name, process, {
            concurrency,
            removeOnComplete: { count: 0 },
            removeOnFail: { count: 0 },
          }),
        this.onError,
      );
      worker.open();
      this.#workers.push(worker);
    }
  }

  /** Hears no more. What is being answered ends elsewhere. */
  async stopListening(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.close()));
  }

  async close(): Promise<void> {
    await this.stopListening();
    await Promise.all(Object.values(this.#queues).map((queue) => queue.close()));
  }

  async #add(name: QueueName, bells: Bell[]): Promise<boolean> {
    if (bells.length === 0) return true;
    const queue = this.#queues[name].open();
    if (!queue) return false;
    const jobs: { name: string; data: unknown; opts: BellOptions }[] = [];
    for (let at = 0; at < bells.length; at += bellsAtOnce) {
      const lanes = bells
        .slice(at, at + bellsAtOnce)
        .map(({ endpointId, directoryId }) => ({ endpoint: endpointId, directory: directoryId }));
      jobs.push({ name: 'drain', data: { lanes }, opts: { attempts: 1, removeOnComplete: true, removeOnFail: true } });
    }
    return inTime(
      answersWithinMs,
      async () => {
        await queue.waitUntilReady();
        // On PostgreSQL each addBulk makes two temporary tables, which costs as much as some twenty jobs added one by one.
        if (jobs.length > addedOneByOne) await queue.addBulk(jobs);
        else await Promise.all(jobs.map((job) => queue.add(job.name, job.data, job.opts)));
      },
      this.onError,
    );
  }
}

/** Made when it is first needed, and made anew where it could not begin: BullMQ keeps the failure of its first connection. */
class KeptOpen<Part extends BellQueue | BellWorker> {
  #part: Part | undefined;
  #closed = false;
  #again: NodeJS.Timeout | undefined;

  constructor(
    private readonly make: () => Part,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** `undefined` once it is closed. */
  open(): Part | undefined {
    if (this.#part || this.#closed) return this.#closed ? undefined : this.#part;
    const part = this.make();
    this.#part = part;
    part.waitUntilReady().catch((error: unknown) => {
      if (this.#closed || this.#part !== part) return;
      this.onError(error);
      this.#part = undefined;
      this.#end(part).catch(() => {});
      this.#again = setTimeout(() => {
        if (!this.#closed) this.open();
      }, triedAgainAfterMs);
    });
    return part;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    const part = this.#part;
    if (part) await this.#end(part);
  }

  async #end(part: Part): Promise<void> {
    // One whose server is away may wait for it to come back; or be closed, and look for its server for ever.
    await inTime(2_000, () => part.close(true), this.onError);
    await inTime(
      200,
      () => part.disconnect(),
      () => {},
    );
  }
}

/** Whether the work was done in time. What comes later, or fails later, is of no interest. */
async function inTime(ms: number, work: () => Promise<unknown>, onError: (error: unknown) => void): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const done = work().then(
    () => true,
    (error: unknown) => {
      onError(error);
      return false;
    },
  );
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A job may be of another release, or of nobody we know: what is not a bell is left out. */
function bellsOf(data: unknown, slow: boolean): Bell[] {
  if (typeof data !== 'object' || data === null || !('lanes' in data) || !Array.isArray(data.lanes)) return [];
  return data.lanes.flatMap((lane: unknown) => {
    if (typeof lane !== 'object' || lane === null || !('endpoint' in lane) || !('directory' in lane)) return [];
    const { endpoint, directory } = lane;
    if (typeof endpoint !== 'string' || !uuid.test(endpoint)) return [];
    if (directory !== null && (typeof directory !== 'string' || !uuid.test(directory))) return [];
    return [{ endpointId: endpoint, directoryId: directory, slow }];
  });
}
