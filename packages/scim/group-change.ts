import { mutability, quoted, ScimError } from './errors';
import type { Filter } from './filter-tree';
import { Notes } from './notes';
import { applyOperations } from './patch';
import type { PatchOperation } from './patch';
import type { MemberReference, Resource } from './resource';

/**
 * A change of a group's members, told without them.
 *
 * A PATCH gives few, whatever it has of operations: at most one of `replace` and `remove_all`, then one `remove` and one
 * `add`, and those two again after `remove_where`. Apply them in order. No member is named twice in one.
 */
export type MemberChange =
  | { readonly kind: 'add' | 'remove' | 'replace'; readonly members: MemberReference[] }
  /** on the members' value, $ref, type and display; references start at the member */
  | { readonly kind: 'remove_where'; readonly filter: Filter }
  | { readonly kind: 'remove_all' };

/** patchUser for a group: its own attributes, and its members as a change of them. */
export function patchGroup(
  before: Resource,
  operations: readonly PatchOperation[],
): {
  resource: Resource;
  memberChanges: MemberChange[];
  notes: string[];
} {
  const notes = new Notes();
  const changes = new MemberChanges();
  const others: PatchOperation[] = [];
  for (const operation of operations) {
    if (isOnMembers(operation)) changes.add(operation);
    else others.push(operation);
  }
  return { resource: applyOperations(before, others, notes), memberChanges: changes.list(), notes: notes.list() };
}

export function isOnMembers({ path }: PatchOperation): boolean {
  return path.extension === undefined && path.attribute?.name === 'members';
}

/** Of one request, other than by `value eq`, which needs no looking. */
const maxMemberFilters = 100;

/** Of operations one after the other, what they come to: for each member only the last that names it counts. */
class MemberChanges {
  private done: MemberChange[] = [];
  private replaces = false;
  private filters = 0;
  private readonly added = new Map<string, MemberReference>();
  private readonly removed = new Map<string, MemberReference>();

  add({ op, path, members }: PatchOperation): void {
    if (path.subAttribute || (path.filter && op !== 'remove')) {
      throw mutability(`${quoted(path.text)}: a member cannot be changed into another. Remove it, and add the other to "members".`);
    }
    if (op === 'remove') this.remove(path.filter, members);
    else if (op === 'replace') this.replace(members ?? []);
    else
      for (const member of members ?? []) {
        this.removed.delete(member.value);
        this.added.set(member.value, member);
      }
  }

  list(): MemberChange[] {
    this.settle();
    return this.done;
  }

  private replace(members: readonly MemberReference[]): void {
    this.done = [];
    this.replaces = true;
    this.added.clear();
    this.removed.clear();
    for (const member of members) this.added.set(member.value, member);
  }

  private remove(filter: Filter | undefined, members: readonly MemberReference[] | undefined): void {
    const named = filter ? membersNamedBy(filter) : members;
    if (named) {
      for (const member of named) {
        this.added.delete(member.value);
        if (!this.replaces) this.removed.set(member.value, member);
      }
    } else if (filter) this.removeWhere(filter);
    else this.replace([]);
  }

  /** All members are looked at for it: for filters that follow one another once, and not for any number of them. */
  private removeWhere(filter: Filter): void {
    this.filters += 1;
    if (this.filters > maxMemberFilters) {
      throw new ScimError(
        413,
        undefined,
        `The request removes members by more than ${maxMemberFilters} filters: name them by their "value", or send it in parts.`,
      );
    }
    this.settle();
    const last = this.done.at(-1);
    if (last?.kind === 'remove_where')
      this.done[this.done.length - 1] = { kind: 'remove_where', filter: { kind: 'or', filters: [last.filter, filter] } };
    else this.done.push({ kind: 'remove_where', filter });
  }

  private settle(): void {
    if (this.replaces)
      this.done.push(this.added.size === 0 ? { kind: 'remove_all' } : { kind: 'replace', members: [...this.added.values()] });
    else {
      if (this.removed.size > 0) this.done.push({ kind: 'remove', members: [...this.removed.values()] });
      if (this.added.size > 0) this.done.push({ kind: 'add', members: [...this.added.values()] });
    }
    this.replaces = false;
    this.added.clear();
    this.removed.clear();
  }
}

/** The members of `value eq "a"` and of `value eq "a" or value eq "b"`; undefined for a filter that asks for more. */
function membersNamedBy(filter: Filter): MemberReference[] | undefined {
  const conditions = filter.kind === 'or' ? filter.filters : [filter];
  const members: MemberReference[] = [];
  for (const condition of conditions) {
    if (
      condition.kind !== 'comparison' ||
      condition.operator !== 'eq' ||
      condition.attribute.attribute.name !== 'value' ||
      typeof condition.sent !== 'string'
    )
      return undefined;
    members.push({ value: condition.sent });
  }
  return members;
}
