import { KnownMappings, type KnownRules, KnownSchemas } from '#directory';

/** What re-mapping knows of the rules of directories. It goes through one directory after the other: a few are enough. */
export function workerRules(): KnownRules {
  return { mappings: new KnownMappings({ directories: 100, mappings: 100 }), schemas: new KnownSchemas({ atMost: 100 }) };
}
