// All that a worker remembers of what stands in the database, with the most that it may come to.
import type { Pool } from 'pg';
import type { Keyring } from '#credential';
import { Senders, SharedPages } from '#delivery';
import { KnownMappings, type KnownRules, KnownSchemas, LogMemory, readDirectoryPages } from '#directory';

/** What re-mapping knows of the rules of directories. It goes through one directory after the other: a few are enough. */
export function workerRules(): KnownRules {
  return { mappings: new KnownMappings({ directories: 100, mappings: 100 }), schemas: new KnownSchemas({ atMost: 100 }) };
}

/** What was seen of the logs: some 10 KB for each environment, and 200 bytes for each directory. */
export function logMemory(): LogMemory {
  return new LogMemory({ atMost: 1_000 });
}

/** What deliveries know of the endpoints that they send to, and of the log. */
export function deliveryCaches(pool: Pool, keyring: Keyring): { senders: Senders; pages: SharedPages } {
  return {
    // Endpoints with their secrets opened, which costs more than sending with them: some 4 KB each, and those not asked for the longest go.
    senders: new Senders(pool, keyring, { atMost: 1_000 }),
    // Of 50 events of 1.5 KB each, some 10 MB. Endpoints of one environment go through a directory's log at about the same time, or
    // together after a pause; who is erased from it is gone from here a second later.
    pages: new SharedPages((stretches) => readDirectoryPages(pool, stretches), { atMost: 128, forMs: 1_000 }),
  };
}
