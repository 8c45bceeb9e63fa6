import { ScimError } from './errors';
import { project } from './projection';
import type { Projection } from './projection';
import { isJsonObject } from './resource';
import type { Json, JsonObject, ResourceType, StoredResource } from './resource';
import { schemaUrnsOf } from './schemas';
import type { SchemaSet } from './schemas';
import { enterpriseUserUrn, listResponseUrn } from './urns';

/** Of every answer with a body, without a charset parameter: RFC 7644 §3.1 and §8.1 know none. */
export const mediaType = 'application/scim+json';

/**
 * A resource as it is sent. `schemas` and `id` are always there, unassigned attributes never; a group whose members were not
 * read has none, and likewise a user's groups.
 */
export function renderResource(stored: StoredResource, projection: Projection, schemas: SchemaSet): JsonObject {
  const { type, id, resource, baseUrl } = stored;
  const full: JsonObject = { id, ...resource };
  linkManager(full, baseUrl);
  if (stored.groups?.length)
    full['groups'] = stored.groups.map((group) => membership(group.id, 'Group', group.display, group.type ?? 'direct', baseUrl));
  if (stored.members?.length)
    full['members'] = stored.members.map((member) => membership(member.value, member.type, member.display, member.type, baseUrl));
  full['meta'] = {
    resourceType: type,
    created: stored.created.toISOString(),
    lastModified: stored.lastModified.toISOString(),
    location: locationOf(baseUrl, type, id),
    version: etagOf(stored.version),
  };
  const shown = project(full, projection, type, schemas);
  return { schemas: schemaUrnsOf(shown, type, schemas), ...shown };
}

function membership(value: string, type: ResourceType, display: string | undefined, label: string, baseUrl: string): Json {
  return { value, $ref: locationOf(baseUrl, type, value), ...(display !== undefined && display !== '' && { display }), type: label };
}

/** The manager's URI where the value is one of our users' ids; anything else that an identity provider keeps there has none. */
function linkManager(user: JsonObject, baseUrl: string): void {
  const extension = user[enterpriseUserUrn];
  const manager = isJsonObject(extension) ? extension['manager'] : undefined;
  if (!isJsonObject(extension) || !isJsonObject(manager)) return;
  const { value, ...rest } = manager;
  if (typeof value !== 'string' || !/^usr_[0-9a-f]{32}$/.test(value)) return;
  user[enterpriseUserUrn] = { ...extension, manager: { value, $ref: locationOf(baseUrl, 'User', value), ...rest } };
}

/** `https://…/Users/usr_…`: meta.location, and the Location header. */
export function locationOf(baseUrl: string, type: ResourceType, id: string): string {
  return `${baseUrl}/${type}s/${id}`;
}

export interface ListPage {
  /** of everything that the query selects; may be left out with a cursor */
  totalResults?: number;
  /** left out with a cursor */
  startIndex?: number;
  /** absent on the last page */
  nextCursor?: string;
  previousCursor?: string;
}

/** RFC 7644 §3.4.2, RFC 9865 §2. `Resources` is there even when it is empty: clients read its length. */
export function listResponse(resources: readonly JsonObject[], page: ListPage): JsonObject {
  return {
    schemas: [listResponseUrn],
    ...(page.totalResults !== undefined && { totalResults: page.totalResults }),
    ...(page.startIndex !== undefined && { startIndex: page.startIndex }),
    itemsPerPage: resources.length,
    ...(page.previousCursor !== undefined && { previousCursor: page.previousCursor }),
    ...(page.nextCursor !== undefined && { nextCursor: page.nextCursor }),
    Resources: [...resources],
  };
}

// ── Versions (RFC 7644 §3.14, RFC 9110 §13.1) ──────────────────────────────────────────────────

/** `W/"41"`: meta.version, and the ETag header. */
export function etagOf(version: number): string {
  return `W/"${version}"`;
}

/**
 * Throws ScimError 412 where the If-Match header, or a bulk operation's version, is there and names another version. Call it
 * under the lock that the write holds. Our tags are weak, so they are compared weakly: a strong comparison would match nothing.
 */
export function checkIfMatch(header: string | undefined, version: number): void {
  if (header === undefined || header.trim() === '' || names(header, version)) return;
  throw new ScimError(
    412,
    undefined,
    `The resource has changed: its version is ${etagOf(version)}, and the request was made for ${header.slice(0, 100)}. Read it again.`,
  );
}

/** Whether a GET with this If-None-Match is answered 304. */
export function isNotModified(ifNoneMatch: string | undefined, version: number): boolean {
  return ifNoneMatch !== undefined && names(ifNoneMatch, version);
}

function names(header: string, version: number): boolean {
  const wanted = String(version);
  return header.split(',').some((part) => {
    const tag = part.trim();
    return tag === '*' || /^(?:W\/)?"([^"]*)"$/i.exec(tag)?.[1] === wanted;
  });
}
