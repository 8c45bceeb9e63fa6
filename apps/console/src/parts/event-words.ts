import type { EventData, LogEvent } from '../broker/shapes';
import { count, date, number } from './words';

export const eventTypes = [
  'user.created',
  'user.updated',
  'user.deactivated',
  'user.reactivated',
  'user.deleted',
  'group.created',
  'group.updated',
  'group.deleted',
  'group.member_added',
  'group.member_removed',
  'directory.activated',
  'directory.disabled',
  'directory.deleted',
  'provisioning.failed',
  'seats.threshold_reached',
  'seats.expanded',
  'directory.brake_engaged',
  'directory.brake_released',
  'credential.expiring',
] as const;

/** Whom or what an event tells of, in a few words. */
export function subjectOf({ type, data }: LogEvent): string {
  const { user, group, member_group: inner, directory, request } = data;
  if (type === 'group.member_added') return `${user?.user_name ?? inner?.display_name ?? '?'} → ${group?.display_name ?? '?'}`;
  if (type === 'group.member_removed') return `${user?.user_name ?? inner?.display_name ?? '?'} ← ${group?.display_name ?? '?'}`;
  if (request) {
    // A name may be empty: that may be why it was refused.
    const name = [request.resource?.userName, request.resource?.displayName].find((one) => typeof one === 'string' && one !== '');
    return `${typeof name === 'string' ? name : `${request.method} ${request.path}`} (${request.status})`;
  }
  if (data.seats) return `${number(data.seats.used)} of ${count(data.seats.limit, 'seat')}`;
  if (data.brake) return limitOf(data.brake);
  if (data.credential) return credentialNames[data.credential.kind];
  return user?.user_name ?? group?.display_name ?? directory?.name ?? '';
}

/** The same as a sentence. */
export function sentenceOf(event: LogEvent): string {
  const { data } = event;
  const { user, group, member_group: inner, directory, request } = data;
  const who = user?.display_name ?? user?.user_name ?? 'A user';
  const member = user ? who : (inner?.display_name ?? 'A group');
  const team = group?.display_name ?? 'a group';
  switch (event.type) {
    case 'user.created':
      return `${who} was added.`;
    case 'user.updated':
      return `${who} was changed.`;
    case 'user.deactivated':
      return `${who} was deactivated and should lose access now.`;
    case 'user.reactivated':
      return `${who} was reactivated.`;
    case 'user.deleted':
      return `${who} was deleted.`;
    case 'group.created':
      return `The group ${team} was added.`;
    case 'group.updated':
      return `The group ${team} was changed.`;
    case 'group.deleted':
      return `The group ${team} was deleted.`;
    case 'group.member_added':
      return `${member} joined the group ${team}.`;
    case 'group.member_removed':
      return `${member} left the group ${team}.`;
    case 'directory.activated':
      return `The directory ${directory?.name ?? ''} received its first request.`;
    case 'directory.disabled':
      return `The directory ${directory?.name ?? ''} was disabled.`;
    case 'directory.deleted':
      return `The directory ${directory?.name ?? ''} was deleted, with everybody in it.`;
    case 'provisioning.failed':
      return `A write was rejected: ${request?.detail ?? ''}`;
    case 'seats.threshold_reached':
      return data.seats ? `${number(data.seats.used)} of ${count(data.seats.limit, 'seat')} are taken.` : '';
    case 'seats.expanded':
      return data.seats ? `The seats ran out and were expanded to ${number(data.seats.limit)}.` : '';
    case 'directory.brake_engaged':
      return data.brake ? `The brake is on: ${limitOf(data.brake)} was reached. Nobody else is removed until it is released.` : '';
    case 'directory.brake_released':
      return 'The brake was released.';
    case 'credential.expiring':
      return data.credential ? `The ${credentialNames[data.credential.kind]} expires on ${date(data.credential.expires_at)}.` : '';
    default:
      return '';
  }
}

const credentialNames = { bearer_token: 'bearer token', oauth_client: 'secret of the OAuth client' };

function limitOf({ max_users: users, max_percent: percent }: NonNullable<EventData['brake']>): string {
  return [users !== null && count(users, 'user'), percent !== null && `${percent} % of users`].filter(Boolean).join(' or ');
}
