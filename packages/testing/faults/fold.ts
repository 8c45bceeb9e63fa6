import { isObject, listIn, resourceIn } from './events';
import type { LoggedEvent, Resource } from './records';

/** What is in a directory, as far as a vendor can know. */
export interface Contents {
  users: Map<string, Resource>;
  groups: Map<string, Resource>;
}

export function emptyContents(): Contents {
  return { users: new Map(), groups: new Map() };
}

/**
 * Applies an event as a vendor would who began with a list: what it already has as new, or newer, stays. Answers what
 * contradicts what was told before, in words.
 */
export function apply(contents: Contents, event: LoggedEvent): string[] {
  const { user, group, member_group: memberGroup } = event.data;
  const contradictions: string[] = [];
  for (const [kind, told] of [
    ['users', user],
    ['groups', group],
    ['groups', memberGroup],
  ] as const) {
    if (!isObject(told)) continue;
    const resource = resourceIn(told);
    const known = contents[kind].get(resource.id);
    if (event.type === (kind === 'users' ? 'user.deleted' : 'group.deleted')) {
      if (kind === 'users' && listIn(resource, 'groups').length > 0)
        contradictions.push(`${resource.id} was deleted while it was in groups still`);
      contents[kind].delete(resource.id);
    } else if (!known || resource.version > known.version) {
      contents[kind].set(resource.id, resource);
    }
    if (resource.version !== event.sequence) contradictions.push(`${resource.id} carries the version ${resource.version}`);
  }
  return contradictions;
}

/**
 * A user or group without what no event of its own tells: how groups that a user is in are called now.
 */
export function comparable(resource: Resource): Record<string, unknown> {
  if (!Array.isArray(resource.groups)) return resource;
  return { ...resource, groups: resource.groups.map((group: unknown) => (isObject(group) ? group.id : group)) };
}

/** Where two sets of resources differ, in words; the first of them. */
export function differences(have: ReadonlyMap<string, Resource>, should: readonly Resource[]): string[] {
  const found: string[] = [];
  const left = new Map(have);
  for (const resource of should) {
    const other = left.get(resource.id);
    left.delete(resource.id);
    if (!other) found.push(`${resource.id} (version ${resource.version}) is there, and no event told of it`);
    else if (JSON.stringify(comparable(other)) !== JSON.stringify(comparable(resource))) {
      const fields = Object.keys({ ...other, ...resource }).filter(
        (name) => JSON.stringify(comparable(other)[name]) !== JSON.stringify(comparable(resource)[name]),
      );
      found.push(
        `${resource.id} differs in ${fields.map((name) => `${name}: ${JSON.stringify(comparable(other)[name])} by its events, ${JSON.stringify(comparable(resource)[name])} in fact`).join('; ')}`,
      );
    }
  }
  for (const { id, version } of left.values()) found.push(`${id} (version ${version}) is not there, and no event told of its end`);
  return found;
}
