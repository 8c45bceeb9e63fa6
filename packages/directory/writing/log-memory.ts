import { type FeedEpoch, isSameEpoch } from './epoch';

/** The database is older than what this process has seen of it, and nothing may be read or written as if it were not. */
export class DatabaseSetBack extends Error {
  /** cannot_connect_now: to whoever asks for it the database is away. */
  readonly code = '57P03';

  constructor(options?: ErrorOptions) {
    super('the database is older than what this process has seen of it', options);
  }
}

/** An event that stands at a position. */
export interface Mark {
  position: number;
  eventId: string;
}

/** What was seen of an environment's log: its epoch, and some of its events. */
export interface SeenLog {
  epoch: FeedEpoch;
  marks: Mark[];
}

/** How far a directory had come. */
export interface SeenDirectory {
  environmentId: string;
  epoch: string;
  sequence: number;
}

const marksAtMost = 64;

/**
 * What this process has seen of the logs since it started. Of an environment it knows some positions and which events stand there: all of the
 * last ones, and ever fewer further back. Of a directory it knows its last sequence.
 */
export class LogMemory {
  readonly #atMost: number;
  readonly #logs = new Map<string, SeenLog>();
  readonly #directories = new Map<string, SeenDirectory>();
  /** The database was found to be older, and no new epoch could be begun yet. */
  isSetBack = false;

  /** So many environments, and so many directories: those that were last heard of. */
  constructor({ atMost }: { atMost: number }) {
    this.#atMost = atMost;
  }

  get logs(): ReadonlyMap<string, SeenLog> {
    return this.#logs;
  }

  get directories(): ReadonlyMap<string, SeenDirectory> {
    return this.#directories;
  }

  /** Events that stand in an environment's log, in the order of their positions. */
  noteEvents(environmentId: string, epoch: FeedEpoch, events: readonly { position: number; id: string }[]): void {
    if (events.length === 0) return;
    const seen = this.#logs.get(environmentId);
    const marks = seen ? marksIn(epoch, seen) : [];
    for (const { position, id } of events) {
      if (position > (marks.at(-1)?.position ?? 0)) marks.push({ position, eventId: id });
      // Every second of the older half goes.
      if (marks.length > marksAtMost) marks.splice(0, marks.length, ...marks.filter((_, i) => i % 2 === 1 || i > marksAtMost / 2));
    }
    this.#put(this.#logs, environmentId, { epoch, marks });
  }

  /** How far a directory has come, by a commit of this process. */
  noteSequence(directoryId: string, seen: SeenDirectory): void {
    this.#put(this.#directories, directoryId, seen);
  }

  /** Goes on in the epochs that the logs are in now, with what they still are of what was seen. */
  follow(epochs: ReadonlyMap<string, FeedEpoch>): void {
    this.#directories.clear();
    for (const [environmentId, seen] of this.#logs) {
      const epoch = epochs.get(environmentId);
      if (epoch) this.#logs.set(environmentId, { epoch, marks: marksIn(epoch, seen) });
      else this.#logs.delete(environmentId);
    }
  }

  /** How far an environment's log went when it was last looked at: what is read of it from now on ends there or later. */
  seenOf(environmentId: string): { epoch: FeedEpoch; position: number } | undefined {
    const seen = this.#logs.get(environmentId);
    const last = seen?.marks.at(-1);
    return seen && last && { epoch: seen.epoch, position: last.position };
  }

  /** Whether a directory has not come as far as was seen. */
  isAheadOfDirectory(directoryId: string, head: { epoch: string; sequence: number }): boolean {
    const seen = this.#directories.get(directoryId);
    return seen !== undefined && seen.epoch === head.epoch && head.sequence < seen.sequence;
  }

  /** The one that was not heard of for the longest goes. */
  #put<T>(map: Map<string, T>, key: string, value: T): void {
    map.delete(key);
    map.set(key, value);
    if (map.size > this.#atMost) map.delete(map.keys().next().value ?? '');
  }
}

/** What of the marks of one epoch holds in another: all in the same, and those from before it in the next. */
function marksIn(epoch: FeedEpoch, seen: SeenLog): Mark[] {
  if (isSameEpoch(epoch, seen.epoch)) return seen.marks;
  return epoch.previous === seen.epoch.name ? seen.marks.filter(({ position }) => position <= epoch.began) : [];
}

/** Whether a log ends before what was seen of it. */
export function endsBefore(log: { epoch: FeedEpoch; head: number }, seen: { epoch: FeedEpoch; position: number } | undefined): boolean {
  if (!seen) return false;
  return log.epoch.name === seen.epoch.name ? log.head < seen.position : log.epoch.number < seen.epoch.number;
}
