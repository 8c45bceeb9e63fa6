/**
 * What the request log keeps of what was sent: attributes that are listed here, and those that the vendor uses. Of the others that
 * they were sent, and not what was in them: nobody needs a photo or a home address to find out what an identity provider did.
 */
import type { Pool } from 'pg';
import { type Mapping, usedPaths } from '#mapping';
import { enterpriseUserUrn, isObject } from '#scim';
import { prepared } from '#postgres';
import { extensionsOfDirectory } from '../rules/schema-extensions';

/** Names of attributes, in lower case: core ones by themselves, others behind their URN; a URN alone stands for all of its own. */
export type KeptAttributes = ReadonlySet<string>;

/** What is kept of every directory. */
export const alwaysKept: KeptAttributes = new Set(
  [
    'userName',
    'externalId',
    'active',
    'displayName',
    'name',
    'emails',
    'title',
    'userType',
    'preferredLanguage',
    'locale',
    'timezone',
    'roles',
    'entitlements',
    'groups',
    'members',
    enterpriseUserUrn,
    // not attributes of users or groups, but what requests are made of
    'schemas',
    'id',
    'meta',
    'attributes',
    'excludedAttributes',
    'filter',
    'sortBy',
    'sortOrder',
    'startIndex',
    'count',
    'cursor',
    'failOnErrors',
  ].map((name) => name.toLowerCase()),
);

export const notKept = '[not kept]';

/** A body without the values of attributes that are not kept. Of messages (PATCH, bulk) the operations are looked into. */
export function keepAttributes(body: unknown, kept: KeptAttributes): unknown {
  if (!isObject(body)) return body;
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => {
      if (key.toLowerCase() === 'operations' && Array.isArray(value))
        return [key, value.map((operation: unknown) => keepInOperation(operation, kept))];
      return [key, keepValue(key, value, kept)];
    }),
  );
}

function keepInOperation(operation: unknown, kept: KeptAttributes): unknown {
  if (!isObject(operation)) return operation;
  const path = Object.entries(operation).find(([key]) => key.toLowerCase() === 'path')?.[1];
  return Object.fromEntries(
    Object.entries(operation).map(([key, value]) => {
      switch (key.toLowerCase()) {
        case 'value':
          return [key, typeof path === 'string' && path !== '' ? keepValue(path, value, kept) : keepPathless(value, kept)];
        case 'data':
          return [key, keepAttributes(value, kept)];
        default:
          return [key, value];
      }
    }),
  );
}

/** The attributes may be JSON in a string; what is no JSON names none, and so nothing of it is kept. */
function keepPathless(value: unknown, kept: KeptAttributes): unknown {
  if (typeof value !== 'string') return keepAttributes(value, kept);
  try {
    const attributes: unknown = JSON.parse(value);
    return isObject(attributes) ? JSON.stringify(keepAttributes(attributes, kept)) : notKept;
  } catch {
    return notKept;
  }
}

/** `name`: an attribute, or the path of one. */
function keepValue(name: string, value: unknown, kept: KeptAttributes): unknown {
  const attribute = attributeIn(name);
  if (kept.has(attribute) || kept.has(urnOf(attribute))) return value;
  const ofUrn = `${attribute}:`;
  if (!attribute.startsWith('urn:') || !isObject(value)) return notKept;
  return Object.fromEntries(
    Object.entries(value).map(([member, inner]) => [member, kept.has(ofUrn + member.toLowerCase()) ? inner : notKept]),
  );
}

/** `emails[type eq "work"].value` → `emails`; `urn:…:2.0:Metadata:site.code` → `urn:…:2.0:metadata:site`. In lower case. */
function attributeIn(path: string): string {
  const plain = path.trim().toLowerCase().replace(/\[.*$/, '');
  const name = plain.slice(plain.lastIndexOf(':') + 1);
  // The version in a URN has a dot too: only behind the last colon is it the one before a sub-attribute.
  return plain.slice(0, plain.length - name.length) + name.replace(/\..*$/, '');
}

function urnOf(attribute: string): string {
  return attribute.slice(0, Math.max(0, attribute.lastIndexOf(':')));
}

const keptRow = prepared<{ id: string; revision: string | null; extensions: string | null }>(
  'kept_of_directories',
  `
  select d.id, ${extensionsOfDirectory},
         (select a.revision
            from attribute_mappings a
           where a.scope_id in (d.id, d.environment_id)
           order by a.scope_id = d.id desc
           limit 1) as revision
    from directories d
   where d.id = any ($1::uuid[])`,
);

const mappingsByRevision = prepared<{ revision: string; mapping: Mapping }>(
  'mappings_by_revision',
  `
  select revision, mapping
    from attribute_mappings
   where revision = any ($1::uuid[])`,
);

/** The attributes that mappings read, by the mappings' revisions, of which none ever changes. */
export class UsedAttributes {
  readonly #atMost: number;
  readonly #ofRevisions = new Map<string, string[]>();

  /** So many revisions, and those of one call more. */
  constructor({ atMost }: { atMost: number }) {
    this.#atMost = atMost;
  }

  /** Those of some revisions; one that is gone since reads nothing. */
  async of(pool: Pool, revisions: readonly string[]): Promise<Map<string, string[]>> {
    const known = new Map(
      revisions.flatMap((revision) => {
        const used = this.#ofRevisions.get(revision);
        return used ? [[revision, used]] : [];
      }),
    );
    const unknown = revisions.filter((revision) => !known.has(revision));
    if (unknown.length === 0) return known;
    if (this.#ofRevisions.size >= this.#atMost) this.#ofRevisions.clear();
    for (const { revision, mapping } of await mappingsByRevision.run(pool, [unknown])) {
      const used = usedPaths(mapping).map(({ path }) => attributeOf(path));
      known.set(revision, used);
      this.#ofRevisions.set(revision, used);
    }
    return known;
  }
}

/** What is kept of some directories: what is always kept, what their mappings read, and what their vendor has declared. */
export async function keptAttributes(
  pool: Pool,
  directoryIds: readonly string[],
  used: UsedAttributes,
): Promise<Map<string, KeptAttributes>> {
  const rows = await keptRow.run(pool, [[...new Set(directoryIds)]]);
  const usedBy = await used.of(
    pool,
    rows.flatMap(({ revision }) => revision ?? []),
  );
  return new Map(
    rows.map(({ id, revision, extensions }) => [
      id,
      new Set([...alwaysKept, ...(usedBy.get(revision ?? '') ?? []), ...declaredUrns(extensions)]),
    ]),
  );
}

/** Of a mapping's path; `urn:…:*` is the whole extension. */
function attributeOf(path: string): string {
  return path.trim().endsWith(':*') ? path.trim().slice(0, -2).toLowerCase() : attributeIn(path);
}

function declaredUrns(extensions: string | null): string[] {
  const declared: unknown = extensions === null ? [] : JSON.parse(extensions);
  return (Array.isArray(declared) ? declared : []).flatMap((one: unknown) =>
    isObject(one) && typeof one.urn === 'string' ? [one.urn.toLowerCase()] : [],
  );
}
