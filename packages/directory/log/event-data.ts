/** What an event of each type holds. A new type begins here: the compiler then names every other place that must know it. */
import type { PreviousGroup, PreviousUser } from '../resource/profile';
import type { GroupJson } from '../resource/stored-group';
import type { UserJson } from '../resource/stored-user';
import type { DirectoryJson } from '../resource/told-directory';

/** `data` by `type`, as a vendor reads it. What is taken away here is taken from every vendor: fields are only added. */
export interface EventData {
  'directory.activated': { directory: DirectoryJson };
  'directory.disabled': { directory: DirectoryJson };
  'directory.deleted': { directory: DirectoryJson };
  'user.created': { user: UserJson };
  'user.updated': {
    user: UserJson;
    previous: PreviousUser;
    /** It was nothing that the identity provider did: a mapping was saved, or an extension declared. */
    cause?: 'mapping';
  };
  'user.deactivated': { user: UserJson; previous: { active: boolean } };
  'user.reactivated': { user: UserJson; previous: { active: boolean } };
  'user.deleted': { user: UserJson };
  'group.created': { group: GroupJson };
  'group.updated': { group: GroupJson; previous: PreviousGroup };
  'group.deleted': { group: GroupJson };
  'group.member_added': MemberChange;
  'group.member_removed': MemberChange;
  'provisioning.failed': { request: RefusedRequest };
  'seats.threshold_reached': { seats: SeatsJson & { percent: number } };
  'seats.expanded': { seats: SeatsJson & { previous_limit: number } };
  'directory.brake_engaged': { brake: BrakeJson };
  'directory.brake_released': { brake: BrakeJson };
  'credential.expiring': { credential: ExpiringCredentialJson };
  /** The database was set back: a directory's first event of the new epoch. */
  'feed.rewound': { epoch: string; previous_epoch: string };
}

export type EventType = keyof EventData;

// An object, and not a list: a type that is left out here fails to compile.
const everyType: Record<EventType, true> = {
  'directory.activated': true,
  'directory.disabled': true,
  'directory.deleted': true,
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
  'provisioning.failed': true,
  'seats.threshold_reached': true,
  'seats.expanded': true,
  'directory.brake_engaged': true,
  'directory.brake_released': true,
  'credential.expiring': true,
  'feed.rewound': true,
};

export function isEventType(text: string): text is EventType {
  return Object.hasOwn(everyType, text);
}

export const eventTypes: readonly EventType[] = Object.keys(everyType).filter(isEventType);

/** Told to everybody, whichever types they ask for: what they know of a directory may be of a log that is no more. */
export const alwaysTold = 'feed.rewound' satisfies EventType;

/** `group` is the group after this one came or went; a nested group is told as `member_group`. */
export type MemberChange = { group: GroupJson; user: UserJson } | { group: GroupJson; member_group: GroupJson };

export interface RefusedRequest {
  id: string;
  method: string;
  path: string;
  status: number;
  scim_type: string | null;
  detail: string;
  /** Whom it was to be about, by the names that were sent; null: none was. */
  resource: { userName?: string; displayName?: string; externalId?: string } | null;
  /** Somebody who is active was to be deactivated or deleted by it, and is active still. */
  deactivation_refused?: true;
}

export interface SeatsJson {
  limit: number;
  used: number;
  mode: 'reject' | 'expand' | 'observe';
  ceiling: number | null;
}

export interface BrakeJson {
  max_users: number | null;
  max_percent: number | null;
  window_seconds: number;
  engaged_at: string | null;
  departures: number;
  active_users: number;
}

export interface ExpiringCredentialJson {
  kind: 'bearer_token' | 'oauth_client';
  id: string;
  name: string | null;
  expires_at: string;
  last_used_at: string | null;
}
