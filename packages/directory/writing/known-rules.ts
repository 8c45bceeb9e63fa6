import { type Mapping, defaultMapping, needsGroups } from '#mapping';
import { coreSchemas, parseDeclaredExtension, type SchemaSet, schemaSet } from '#scim';

/** What a process has read of the rules of its directories, so that they need not be sent and worked out with every change. */
export interface KnownRules {
  mappings: KnownMappings;
  schemas: KnownSchemas;
}

/** A mapping at one of its revisions. */
export interface KnownMapping {
  /** Null: nobody has saved one. */
  revision: string | null;
  mapping: Mapping;
  /** Whether a change of membership, or of a group's name, can change what a user is mapped to. */
  readsGroups: boolean;
}

export const noMapping: KnownMapping = { revision: null, mapping: defaultMapping, readsGroups: needsGroups(defaultMapping) };

/**
 * The mappings of revisions. A revision never changes, and which one a directory is at is read with every change: what is known
 * here is never out of date. Of a revision there is one object, whichever directories are at it: what applyMapping works out is
 * kept with that.
 */
export class KnownMappings {
  readonly #atMost: { directories: number; mappings: number };
  readonly #revisions = new Map<string, string>();
  readonly #mappings = new Map<string, KnownMapping>();

  /** Of so many directories the revision, and so many mappings. */
  constructor(atMost: { directories: number; mappings: number }) {
    this.#atMost = atMost;
  }

  /** What a directory was at when it was last changed here. */
  ofDirectory(directoryId: string): KnownMapping | undefined {
    return this.#mappings.get(this.#revisions.get(directoryId) ?? '');
  }

  /** What a directory is at now. */
  add(directoryId: string, revision: string, mapping: Mapping): KnownMapping {
    const known = this.#mappings.get(revision) ?? { revision, mapping, readsGroups: needsGroups(mapping) };
    put(this.#mappings, revision, known, this.#atMost.mappings);
    put(this.#revisions, directoryId, revision, this.#atMost.directories);
    return known;
  }
}

/** The schemas that lists of declared extensions make, with the core ones: built once for each wording, which is read with every request. */
export class KnownSchemas {
  readonly #atMost: number;
  readonly #built = new Map<string, SchemaSet>();

  /** So many wordings. */
  constructor({ atMost }: { atMost: number }) {
    this.#atMost = atMost;
  }

  of(extensions: string | null): SchemaSet {
    if (extensions === null) return coreSchemas;
    let schemas = this.#built.get(extensions);
    if (!schemas) {
      const declared: unknown = JSON.parse(extensions);
      schemas = schemaSet((Array.isArray(declared) ? declared : []).map(parseDeclaredExtension));
      put(this.#built, extensions, schemas, this.#atMost);
    }
    return schemas;
  }
}

/** Where there is no room, what was put there first goes. */
function put<K, V>(map: Map<K, V>, key: K, value: V, atMost: number): void {
  const oldest = map.size >= atMost && !map.has(key) ? map.keys().next() : undefined;
  if (oldest && !oldest.done) map.delete(oldest.value);
  map.set(key, value);
}
