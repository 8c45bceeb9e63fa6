import type { EventData, EventType, LogEvent } from '../broker/answers';
import { count, date, number } from './words';

// In the order in which they are offered. An object, and not a list: a type that is left out here fails to compile.
const everyType: Record<EventType, true> = {
  'user.created': true,
  'user.updated': true,
  'user.deactivated': true,
  'user.reactivated': true,
  'user.deleted': true,
  'group.created': true,
  'group.updated': true,
  'group.deleted': true,
  'group.member_added': true,
  'group.member_removed': true,
  'directory.activated': true,
  'directory.disabled': true,
  'directory.deleted': true,
  'provisioning.failed': true,
  'seats.threshold_reached': true,
  'seats.expanded': true,
  'directory.brake_engaged': true,
  'directory.brake_released': true,
  'credential.expiring': true,
  'feed.rewound': true,
};

export const eventTypes = Object.keys(everyType);

/** Whom or what an event tells of, in a few words. */
export function subjectOf(event: LogEvent): string {
  switch (event.type) {
    case 'user.created':
    case 'user.updated':
    case 'user.deactivated':
    case 'user.reactivated':
    case 'user.deleted':
      return event.data.user.user_name;
    case 'group.created':
    case 'group.updated':
    case 'group.deleted':
      return event.data.group.display_name;
    case 'group.member_added':
      return `${memberName(event.data)} → ${event.data.group.display_name}`;
    case 'group.member_removed':
      return `${memberName(event.data)} ← ${event.data.group.display_name}`;
    case 'directory.activated':
    case 'directory.disabled':
    case 'directory.deleted':
      return event.data.directory.name;
    case 'provisioning.failed': {
      const { request } = event.data;
      // A name may be empty: that may be why it was refused.
      const name = request.resource?.userName || request.resource?.displayName || `${request.method} ${request.path}`;
      return `${name} (${request.status})`;
    }
    case 'seats.threshold_reached':
    case 'seats.expanded':
      return `${number(event.data.seats.used)} of ${count(event.data.seats.limit, 'seat')}`;
    case 'directory.brake_engaged':
    case 'directory.brake_released':
      return limitOf(event.data.brake);
    case 'credential.expiring':
      return credentialNames[event.data.credential.kind];
    case 'feed.rewound':
      return `Epoch ${event.data.epoch}`;
    default:
      return unknown(event);
  }
}

/** The same as a sentence. */
export function sentenceOf(event: LogEvent): string {
  switch (event.type) {
    case 'user.created':
      return `${userName(event.data)} was added.`;
    case 'user.updated':
      return `${userName(event.data)} was changed.`;
    case 'user.deactivated':
      return `${userName(event.data)} was deactivated and should lose access now.`;
    case 'user.reactivated':
      return `${userName(event.data)} was reactivated.`;
    case 'user.deleted':
      return `${userName(event.data)} was deleted.`;
    case 'group.created':
      return `The group ${event.data.group.display_name} was added.`;
    case 'group.updated':
      return `The group ${event.data.group.display_name} was changed.`;
    case 'group.deleted':
      return `The group ${event.data.group.display_name} was deleted.`;
    case 'group.member_added':
      return `${memberInFull(event.data)} joined the group ${event.data.group.display_name}.`;
    case 'group.member_removed':
      return `${memberInFull(event.data)} left the group ${event.data.group.display_name}.`;
    case 'directory.activated':
      return `The directory ${event.data.directory.name} received its first request.`;
    case 'directory.disabled':
      return `The directory ${event.data.directory.name} was disabled.`;
    case 'directory.deleted':
      return `The directory ${event.data.directory.name} was deleted, with everybody in it.`;
    case 'provisioning.failed':
      return `A write was rejected: ${event.data.request.detail}`;
    case 'seats.threshold_reached':
      return `${number(event.data.seats.used)} of ${count(event.data.seats.limit, 'seat')} are taken.`;
    case 'seats.expanded':
      return `The seats ran out and were expanded to ${number(event.data.seats.limit)}.`;
    case 'directory.brake_engaged':
      return `The brake is on: ${limitOf(event.data.brake)} was reached. Nobody else is removed until it is released.`;
    case 'directory.brake_released':
      return 'The brake was released.';
    case 'credential.expiring':
      return `The ${credentialNames[event.data.credential.kind]} expires on ${date(event.data.credential.expires_at)}.`;
    case 'feed.rewound':
      return 'The database was set back to an earlier state: what came after that is no more.';
    default:
      return unknown(event);
  }
}

/** Of a broker that is newer than the page; a type that this release knows fails to compile. */
function unknown(_event: never): string {
  return '';
}

function userName({ user }: EventData<'user.created'>): string {
  return user.display_name ?? user.user_name;
}

function memberName(data: EventData<'group.member_added'>): string {
  return 'user' in data ? data.user.user_name : data.member_group.display_name;
}

function memberInFull(data: EventData<'group.member_added'>): string {
  return 'user' in data ? userName(data) : data.member_group.display_name;
}

const credentialNames = { bearer_token: 'bearer token', oauth_client: 'secret of the OAuth client' };

function limitOf({ max_users: users, max_percent: percent }: EventData<'directory.brake_engaged'>['brake']): string {
  return [users !== null && count(users, 'user'), percent !== null && `${percent} % of users`].filter(Boolean).join(' or ');
}
