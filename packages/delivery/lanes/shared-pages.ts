import type { DirectoryStretch, LoggedEvent } from '#directory';
import type { BytePage } from '#postgres';
import { Grouped } from './grouped';

/**
 * Reads pages of directories' logs once for all lanes that ask for them at about the same time: what many endpoints are owed is
 * read, and its JSON made, once. What stands at a place of the log never changes while it is kept, but somebody may be erased from it: no
 * page is kept for long. Different pages that are asked for at the same time are read by one statement.
 */
export class SharedPages {
  readonly #pages = new Map<string, Promise<BytePage<LoggedEvent>>>();
  readonly #reads: Grouped<DirectoryStretch, BytePage<LoggedEvent>>;

  /** `readPages` answers in the order of what it is asked for. `kept`: how many pages, and for how long. */
  constructor(
    readPages: (stretches: DirectoryStretch[]) => Promise<BytePage<LoggedEvent>[]>,
    private readonly kept: { atMost: number; forMs: number },
  ) {
    this.#reads = new Grouped(readPages, { atOnce: 2, items: 20 });
  }

  read(query: DirectoryStretch): Promise<BytePage<LoggedEvent>> {
    const key = `${query.directoryId} ${query.after} ${query.upTo} ${query.limit} ${query.types?.join() ?? '*'}`;
    const known = this.#pages.get(key);
    if (known) return known;
    const page = this.#reads.submit(query);
    if (this.#pages.size < this.kept.atMost) {
      this.#pages.set(key, page);
      const forget = (): boolean => this.#pages.delete(key);
      page.catch(forget);
      setTimeout(forget, this.kept.forMs).unref();
    }
    return page;
  }
}
