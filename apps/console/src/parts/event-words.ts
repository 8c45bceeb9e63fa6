import type { LogEvent } from '../broker/shapes';

export const eventTypes = [
  'user.created', 'user.updated', 'user.deactivated', 'user.reactivated', 'user.deleted',
  'group.created', 'group.updated', 'group.deleted', 'group.member_added', 'group.member_removed',
  'directory.activated', 'directory.disabled', 'directory.deleted', 'provisioning.failed',
  'seats.threshold_reached', 'seats.expanded', 'directory.brake_engaged', 'directory.brake_released', 'credential.expiring',
] as const;

/** Whom or what an event tells of, in a few words. */
export function subjectOf({ type, data }: LogEvent): string {
  const { user, group, member_group: inner, directory, request } = data;
  if (type === 'group.member_added') return `${user?.user_name ?? inner?.display_name ?? '?'} → ${group?.display_name ?? '?'}`;
  if (type === 'group.member_removed') return `${user?.user_name ?? inner?.display_name ?? '?'} ← ${group?.display_name ?? '?'}`;
  if (request) {
    const name = request.resource?.userName ?? request.resource?.displayName;
    return `${typeof name === 'string' ? name : `${request.method} ${request.path}`} (${request.status})`;
  }
  return user?.user_name ?? group?.display_name ?? directory?.name ?? '';
}

/** The same as a sentence. */
export function sentenceOf(event: LogEvent): string {
  const { user, group, member_group: inner, directory, request } = event.data;
  const who = user?.display_name ?? user?.user_name ?? 'A user';
  const member = user ? who : inner?.display_name ?? 'A group';
  const team = group?.display_name ?? 'a group';
  switch (event.type) {
    case 'user.created': return `${who} was added.`;
    case 'user.updated': return `${who} was changed.`;
    case 'user.deactivated': return `${who} was deactivated: they should lose access now.`;
    case 'user.reactivated': return `${who} was brought back.`;
    case 'user.deleted': return `${who} was deleted.`;
    case 'group.created': return `The group ${team} was added.`;
    case 'group.updated': return `The group ${team} was changed.`;
    case 'group.deleted': return `The group ${team} was deleted.`;
    case 'group.member_added': return `${member} came into the group ${team}.`;
    case 'group.member_removed': return `${member} left the group ${team}.`;
    case 'directory.activated': return `The directory ${directory?.name ?? ''} had its first request.`;
    case 'directory.disabled': return `The directory ${directory?.name ?? ''} was disabled.`;
    case 'directory.deleted': return `The directory ${directory?.name ?? ''} was deleted, with everybody in it.`;
    case 'provisioning.failed': return `A write was refused: ${request?.detail ?? ''}`;
    default: return '';
  }
}
