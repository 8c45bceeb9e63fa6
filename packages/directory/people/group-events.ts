import type { EventDraft } from '../log/event-log';
import { previousOfGroup } from '../resource/profile';
import { groupJson, type StoredGroup } from '../resource/stored-group';
import { type StoredUser, userJson } from '../resource/stored-user';
import type { DirectoryScope } from '../writing/transaction';

export function groupCreated(directory: DirectoryScope, group: StoredGroup): EventDraft<'group.created'> {
  return { type: 'group.created', data: (version) => ({ group: groupJson(directory, { ...group, version }) }) };
}

export function groupUpdated(directory: DirectoryScope, before: StoredGroup, after: StoredGroup): EventDraft<'group.updated'> {
  const previous = previousOfGroup(before.resource, after.resource);
  return { type: 'group.updated', data: (version) => ({ group: groupJson(directory, { ...after, version }), previous }) };
}

export function groupDeleted(directory: DirectoryScope, group: StoredGroup): EventDraft<'group.deleted'> {
  return { type: 'group.deleted', data: (version) => ({ group: groupJson(directory, { ...group, version }) }) };
}

/** Somebody who came into a group or left it, as they are after that. */
export type Member = { type: 'User'; user: StoredUser } | { type: 'Group'; group: StoredGroup };

/** `group` is the group after this one member came or went. */
export function memberEvent(
  directory: DirectoryScope,
  change: 'added' | 'removed',
  group: StoredGroup,
  member: Member,
): EventDraft<'group.member_added' | 'group.member_removed'> {
  return {
    type: change === 'added' ? 'group.member_added' : 'group.member_removed',
    data: (version) => {
      const after = groupJson(directory, { ...group, version });
      return member.type === 'User'
        ? { group: after, user: userJson(directory, { ...member.user, version }) }
        : { group: after, member_group: groupJson(directory, { ...member.group, version }) };
    },
  };
}
