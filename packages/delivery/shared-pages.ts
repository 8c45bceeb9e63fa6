import type { LoggedEvent } from '#directory';

/** One stretch of a directory's log. */
export interface PageQuery {
  directoryId: string;
  after: number;
  upTo: number;
  limit: number;
  types: string[] | null;
}

// Endpoints of one environment go through a directory's log at about the same time, or together after a pause.
const keptMs = 1_000;

// Of 50 events of 1.5 KB each: some 10 MB.
const keptAtMost = 128;

/**
 * Reads pages of directories' logs once for all lanes that ask for them at about the same time: what many endpoints are owed is
 * read, and its JSON made, once. What stands at a place of the log never changes while it is kept; somebody who is erased from it is
 * gone from here a second later.
 */
export class SharedPages {
  readonly #pages = new Map<string, Promise<LoggedEvent[]>>();

  constructor(private readonly readPage: (query: PageQuery) => Promise<LoggedEvent[]>) {}

  read(query: PageQuery): Promise<LoggedEvent[]> {
    const key = `${query.directoryId} ${query.after} ${query.upTo} ${query.limit} ${query.types?.join() ?? '*'}`;
    const known = this.#pages.get(key);
    if (known) return known;
    const page = this.readPage(query);
    if (this.#pages.size < keptAtMost) {
      this.#pages.set(key, page);
      const forget = (): boolean => this.#pages.delete(key);
      page.catch(forget);
      setTimeout(forget, keptMs).unref();
    }
    return page;
  }
}
