import type { EventDraft } from '../log/event-log';
import { previousOfUser } from '../resource/profile';
import { type StoredUser, type UserJson, userJson } from '../resource/stored-user';
import type { DirectoryScope } from '../writing/transaction';

/**
 * The events that tell of a change of one user: `user.updated` of everything but `active`, then what became of `active`.
 * Both carry the user as it is after the whole change. No difference, no event.
 */
export function userEvents(directory: DirectoryScope, before: StoredUser, after: StoredUser): ChangeOfUser[] {
  const { active: wasActive, ...previous } = previousOfUser(before, after);
  const told = (sequence: number): UserJson => userJson(directory, { ...after, version: sequence });
  const drafts: ChangeOfUser[] = [];
  if (Object.keys(previous).length > 0) {
    drafts.push({ type: 'user.updated', data: (sequence) => ({ user: told(sequence), previous }) });
  }
  if (typeof wasActive === 'boolean') {
    drafts.push({
      type: after.profile.active ? 'user.reactivated' : 'user.deactivated',
      data: (sequence) => ({ user: told(sequence), previous: { active: wasActive } }),
    });
  }
  return drafts;
}

type ChangeOfUser = EventDraft<'user.updated' | 'user.deactivated' | 'user.reactivated'>;
