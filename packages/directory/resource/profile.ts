import type { Address } from '#mapping';
import {
  enterpriseUserUrn,
  foldName,
  groupUrn,
  isActive,
  isJsonObject,
  type Json,
  type JsonObject,
  quoted,
  type Resource,
  userUrn,
} from '#scim';

/** The normalized view of a user: what a vendor reads instead of SCIM, whichever dialect the IdP spoke. */
export interface Profile {
  external_id: string | null;
  user_name: string;
  active: boolean;
  email: string | null;
  emails: Json[];
  given_name: string | null;
  family_name: string | null;
  display_name: string | null;
  title: string | null;
  department: string | null;
  employee_number: string | null;
  /** The manager's id, as the IdP gave it. */
  manager: string | null;
  user_type: string | null;
  roles: AssignedRole[];
  attributes: JsonObject;
}

export interface AssignedRole {
  role: string;
  /** Which rule of the mapping gave it, from 0; -1: none, it is the default. */
  rule: number;
  group_id?: string;
}

export function profileOf(resource: Resource): Profile {
  const name = objectAt(resource, 'name');
  const enterprise = objectAt(resource, enterpriseUserUrn);
  const emails = elements(resource.emails).map(trimmedAddress);
  return {
    external_id: textAt(resource, 'externalId'),
    user_name: textAt(resource, 'userName')?.trim() ?? '',
    active: isActive(resource),
    email: emailOf(emails),
    emails,
    given_name: textAt(name, 'givenName'),
    family_name: textAt(name, 'familyName'),
    display_name: displayNameOf(resource),
    title: textAt(resource, 'title'),
    department: textAt(enterprise, 'department'),
    employee_number: textAt(enterprise, 'employeeNumber'),
    manager: textAt(objectAt(enterprise, 'manager'), 'value'),
    user_type: textAt(resource, 'userType'),
    roles: [],
    attributes: {},
  };
}

/** displayName, or what the parts of the name make: Entra and Okta may leave it out. */
export function displayNameOf(resource: Resource): string | null {
  const name = objectAt(resource, 'name');
  const parts = [textAt(name, 'givenName'), textAt(name, 'familyName')].filter((part) => part !== null);
  return textAt(resource, 'displayName') ?? textAt(name, 'formatted') ?? (parts.length > 0 ? parts.join(' ') : null);
}

/** The primary e-mail address, else the one for work, else the first, of those that are addresses: one may be labels alone. */
function emailOf(emails: Json[]): string | null {
  const records = emails.filter(isJsonObject).filter((email) => textAt(email, 'value') !== null);
  const chosen =
    records.find((email) => email.primary === true) ??
    records.find((email) => typeof email.type === 'string' && email.type.toLowerCase() === 'work') ??
    records[0];
  return textAt(chosen, 'value');
}

/** An element of `emails` whose address has no blanks around it: those are what a form or a spreadsheet left there, and no part of it. */
function trimmedAddress(email: Json): Json {
  const value = isJsonObject(email) ? textAt(email, 'value') : null;
  return value === null || !isJsonObject(email) || value === value.trim() ? email : { ...email, value: value.trim() };
}

/** What a user's addresses are compared by, each once. */
export function emailKeysOf(resource: Resource): string[] {
  const values = elements(resource.emails).map((email) => (isJsonObject(email) ? textAt(email, 'value') : null));
  return [...new Set(values.flatMap((value) => (value === null ? [] : [foldName(value)])))];
}

/** Every e-mail address of a user, without blanks around it. */
export function emailAddresses(resource: Resource): string[] {
  return namedAddresses(resource).map(({ value }) => value);
}

/** The same, each with what identity providers know it by. */
export function namedAddresses(resource: Resource): Address[] {
  return elements(resource.emails)
    .filter(isJsonObject)
    .flatMap((email) => {
      const [value, type] = [textAt(email, 'value')?.trim(), textAt(email, 'type')];
      return !value ? [] : [{ value, path: type === null ? 'emails.value' : `emails[type eq ${quoted(type)}].value` }];
    });
}

// Which fields of a profile tell of a SCIM attribute. A change that one of them shows need not be shown again as raw.
const toldBy: Record<string, (keyof Profile)[]> = {
  userName: ['user_name'],
  externalId: ['external_id'],
  active: ['active'],
  displayName: ['display_name'],
  name: ['given_name', 'family_name', 'display_name'],
  emails: ['email', 'emails'],
  title: ['title'],
  userType: ['user_type'],
  [enterpriseUserUrn]: ['department', 'employee_number', 'manager'],
};

/** The fields that changed, as they were. Null is also what is left of one once the person has been erased. */
export type PreviousUser = PreviousFields & {
  /** Attributes that only SCIM tells of. */
  raw?: JsonObject | null;
};

type PreviousFields = { [Field in keyof Profile]?: Profile[Field] | null };

export interface PreviousGroup {
  display_name?: Json;
  external_id?: Json;
  raw?: JsonObject;
}

/** What changed between two states of a user, as it was: the fields of the profile, and under `raw` what only SCIM tells. */
export function previousOfUser(
  before: { profile: Profile; resource: Resource },
  after: { profile: Profile; resource: Resource },
): PreviousUser {
  const previous: PreviousFields = {};
  const keep = <Field extends keyof Profile>(field: Field): void => {
    previous[field] = before.profile[field];
  };
  for (const field of Object.keys(after.profile) as (keyof Profile)[]) {
    if (!sameJson(before.profile[field], after.profile[field])) keep(field);
  }
  return withRaw(previous, before.resource, after.resource, toldBy);
}

/** The same for groups. */
export function previousOfGroup(before: Resource, after: Resource): PreviousGroup {
  const previous: PreviousGroup = {};
  if (before.displayName !== after.displayName) previous.display_name = before.displayName ?? null;
  if (before.externalId !== after.externalId) previous.external_id = before.externalId ?? null;
  return withRaw(previous, before, after, { displayName: ['display_name'], externalId: ['external_id'] });
}

function withRaw<Previous extends object>(
  previous: Previous,
  before: Resource,
  after: Resource,
  told: Record<string, string[]>,
): Previous & { raw?: JsonObject } {
  const raw: JsonObject = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (sameJson(before[name], after[name])) continue;
    if (told[name]?.some((field) => field in previous)) continue;
    raw[name] = before[name] ?? null;
  }
  return Object.keys(raw).length > 0 ? { ...previous, raw } : previous;
}

/** Whether two JSON values are the same, whatever the order of their names. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((value, i) => sameJson(value, b[i]));
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The SCIM resource as stored, for `raw`: with its schemas, without what the server adds. */
export function rawOf(resource: Resource, type: 'User' | 'Group'): JsonObject {
  const extensions = Object.keys(resource).filter((name) => name.includes(':'));
  return { schemas: [type === 'User' ? userUrn : groupUrn, ...extensions], ...resource };
}

function textAt(object: JsonObject | undefined, name: string): string | null {
  const value = object && Object.hasOwn(object, name) ? object[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : null;
}

function objectAt(object: JsonObject | undefined, name: string): JsonObject | undefined {
  const value = object && Object.hasOwn(object, name) ? object[name] : undefined;
  return isJsonObject(value) ? value : undefined;
}

function elements(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}
