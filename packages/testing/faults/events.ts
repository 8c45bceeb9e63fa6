import { createHash } from 'node:crypto';
import type { LoggedEvent, Resource, Sighting } from './records';

/** An event, from what a vendor got. @throws where it is none. */
export function eventIn(value: unknown): LoggedEvent {
  if (!isObject(value) || !isObject(value.data)) throw new Error(`this is no event: ${JSON.stringify(value)}`);
  const { id, type, occurred_at, organization_id, directory_id, position, sequence, request_id, data } = value;
  if (
    typeof id !== 'string' ||
    typeof type !== 'string' ||
    typeof occurred_at !== 'string' ||
    typeof organization_id !== 'string' ||
    typeof directory_id !== 'string' ||
    typeof position !== 'number' ||
    typeof sequence !== 'number' ||
    (typeof request_id !== 'string' && request_id !== null)
  ) {
    throw new Error(`this is no event: ${JSON.stringify(value)}`);
  }
  return { id, type, occurred_at, organization_id, directory_id, position, sequence, request_id, data };
}

export function sightingOf(event: LoggedEvent): Sighting {
  return { id: event.id, position: event.position, sequence: event.sequence, digest: digestOf(event) };
}

/** The same for the same JSON, however it was spaced. Its fields stay in the order in which they were sent. */
export function digestOf(event: LoggedEvent): string {
  return createHash('sha256').update(JSON.stringify(event)).digest('base64url').slice(0, 16);
}

/** A user or a group, from what a vendor got. @throws where it is none. */
export function resourceIn(value: unknown): Resource {
  if (!isObject(value) || typeof value.id !== 'string' || typeof value.version !== 'number')
    throw new Error(`this is neither a user nor a group: ${JSON.stringify(value)}`);
  return { ...value, id: value.id, version: value.version };
}

/**
 * What an event tells of, in words that whoever asks for the change can say beforehand. Every update of a user writes a title
 * that no other one writes, so events of two changes are not taken for one another.
 */
export function eventKey({ type, data }: LoggedEvent): string {
  const [user, group] = [objectIn(data, 'user'), objectIn(data, 'group')];
  switch (type) {
    case 'user.created':
      return `${type} ${textIn(user, 'user_name')}`;
    case 'user.updated':
      return `${type} ${textIn(user, 'id')} ${textIn(user, 'title')}`;
    case 'user.deactivated':
    case 'user.reactivated':
    case 'user.deleted':
      return `${type} ${textIn(user, 'id')}`;
    case 'group.created':
      return `${type} ${textIn(group, 'display_name')}`;
    case 'group.updated':
      return `${type} ${textIn(group, 'id')} ${textIn(group, 'display_name')}`;
    case 'group.deleted':
      return `${type} ${textIn(group, 'id')}`;
    case 'group.member_added':
    case 'group.member_removed':
      return `${type} ${textIn(group, 'id')} ${textIn(user, 'id')}`;
    default:
      return type;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objectIn(of: unknown, name: string): Record<string, unknown> {
  const value = isObject(of) ? of[name] : undefined;
  return isObject(value) ? value : {};
}

export function listIn(of: unknown, name: string): unknown[] {
  const value = isObject(of) ? of[name] : undefined;
  return Array.isArray(value) ? value : [];
}

export function textIn(of: unknown, name: string): string {
  const value = isObject(of) ? of[name] : undefined;
  return typeof value === 'string' ? value : '';
}
