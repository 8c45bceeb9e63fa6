import { BearerTokens, type Hashing, type Keyring } from '#credential';
import { KnownMappings, type KnownRules, KnownSchemas, ListTotals, LogMemory, UsedAttributes } from '#directory';

export interface BrokerCaches {
  tokens: BearerTokens;
  rules: KnownRules;
  totals: ListTotals;
  usedAttributes: UsedAttributes;
  memory: LogMemory;
}

/**
 * All that a broker remembers of what stands in the database, with the most that it may come to. None of it can be out of date:
 * it stands under what is read with every request, a hash, a revision, a wording or a sequence, and anything may be forgotten.
 */
export function brokerCaches(keyring: Keyring, hashing: Hashing): BrokerCaches {
  return {
    // That a token fits its hash, some 400 bytes each: bcrypt takes 70 ms, and an identity provider shows its token with every request.
    tokens: new BearerTokens(keyring, { atMost: 50_000, hashing }),
    rules: {
      // Some 20 KB each mapping of twenty attributes: neither sent nor worked out again with every change. One may be many directories'.
      mappings: new KnownMappings({ directories: 50_000, mappings: 2_000 }),
      // Some 6 KB for ten attributes. Whoever declares no extension has the core ones, which are no part of this.
      schemas: new KnownSchemas({ atMost: 1_000 }),
    },
    // A few hundred bytes each: how many users, and how many groups, a directory has, which costs 75 ms to count for a million.
    totals: new ListTotals({ atMost: 10_000 }),
    // A few names each: what of the requests' bodies is kept in the request log.
    usedAttributes: new UsedAttributes({ atMost: 1_000 }),
    // What was seen of the logs: some 10 KB for each environment, and 200 bytes for each directory.
    memory: new LogMemory({ atMost: 1_000 }),
  };
}
