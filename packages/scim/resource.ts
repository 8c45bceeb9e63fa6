/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

export type ResourceType = 'User' | 'Group';
export const resourceTypeNames: readonly ResourceType[] = ['User', 'Group'];

/**
 * A user or group as it is stored: what the IdP asserted and nothing that the server makes.
 *
 * Names have the case of their schema, extensions lie under their URN (in the case in which it was declared or
 * first sent), values are as sent. There is no null, no empty string, array or object, and no `schemas`, `id`,
 * `meta`, `groups`, `members` or `password`.
 */
export type Resource = JsonObject;

/** A group's member as an IdP refers to it: `value` is a SCIM id exactly as sent, and may be of nobody. */
export interface MemberReference {
  value: string;
  type?: ResourceType;
  display?: string;
}

/** A stored resource and what the server knows of it: all that its representation is made from. */
export interface StoredResource {
  type: ResourceType;
  /** the public id, `usr_…` or `grp_…` */
  id: string;
  resource: Resource;
  /** of the directory, without a trailing slash: `https://…/scim/v2/dir_…` */
  baseUrl: string;
  created: Date;
  lastModified: Date;
  version: number;
  /** of a user; absent: not read, so not shown */
  groups?: { id: string; display?: string; type?: 'direct' | 'indirect' }[];
  /** of a group; absent: not read, so not shown */
  members?: { value: string; type: ResourceType; display?: string }[];
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
