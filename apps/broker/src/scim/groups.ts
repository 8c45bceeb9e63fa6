import {
  changeGroup,
  createGroup,
  deleteGroup,
  findGroup,
  type GroupMember,
  GroupNotFound,
  type MemberIdentity,
  type MembersPart,
  readMembers,
  type ResolvedMemberChange,
  searchGroups,
  type StoredGroup,
  UnknownMember,
} from '#directory';
import { parsePublicId, publicId } from '#identifier';
import {
  checkIfMatch,
  etagOf,
  isExplicit,
  isNotModified,
  type JsonObject,
  type ListPage,
  type ListQuery,
  listResponse,
  locationOf,
  type MemberChange,
  type MemberReference,
  parseGroup,
  patchGroup,
  type Projection,
  renderResource,
  replaceGroup,
  wantsMembers,
} from '#scim';
import type { Answer, Exchange } from './exchange';
import { readPatch } from './patch-body';

// Microsoft's guide asks for 204 where a group is patched; a body is friendlier, until it would carry thousands of members.
const membersShownAfterPatch = 1_000;

export async function postGroup(exchange: Exchange, body: unknown, projection: Projection): Promise<Answer> {
  const { resource, members, notes } = parseGroup(body, exchange.directory.schemas);
  exchange.notes.push(...notes);
  const group = await createGroup(exchange.pool, exchange.directory, exchange.requestId, resource, ownMembers(members));
  return { ...whole(exchange, group, projection), status: 201 };
}

export async function getGroup(exchange: Exchange, id: string, projection: Projection): Promise<Answer> {
  const group = await findGroup(exchange.lookups, exchange.directory, groupId(id));
  if (isNotModified(exchange.ifNoneMatch, group.version)) return { status: 304, etag: etagOf(group.version), id };
  return whole(exchange, group, projection);
}

export async function putGroup(exchange: Exchange, id: string, body: unknown, projection: Projection): Promise<Answer> {
  const group = await changeGroup(exchange.pool, exchange.directory, exchange.requestId, groupId(id), (before) => {
    checkIfMatch(exchange.ifMatch, before.version);
    const { resource, members, notes } = replaceGroup(before.resource, body, exchange.directory.schemas);
    exchange.notes.push(...notes);
    return { resource, memberChanges: [{ kind: 'replace', members: ownMembers(members) }] };
  });
  return whole(exchange, group, projection);
}

export async function patchGroupById(exchange: Exchange, id: string, body: unknown, projection: Projection): Promise<Answer> {
  const operations = await readPatch(exchange, 'Group', body, () => findGroup(exchange.lookups, exchange.directory, groupId(id)));
  const group = await changeGroup(exchange.pool, exchange.directory, exchange.requestId, groupId(id), (before) => {
    checkIfMatch(exchange.ifMatch, before.version);
    const patched = patchGroup(before.resource, operations);
    exchange.notes.push(...patched.notes);
    return { resource: patched.resource, memberChanges: patched.memberChanges.map((change) => ownChange(change, exchange.baseUrl)) };
  });
  if (group.memberCount > membersShownAfterPatch && !isExplicit(projection)) {
    return { status: 204, location: locationOf(exchange.baseUrl, 'Group', id), etag: etagOf(group.version), id };
  }
  return whole(exchange, group, projection);
}

export async function deleteGroupById(exchange: Exchange, id: string): Promise<Answer> {
  await deleteGroup(exchange.pool, exchange.directory, exchange.requestId, groupId(id), (version) =>
    checkIfMatch(exchange.ifMatch, version),
  );
  return { status: 204, id };
}

export async function listGroups(exchange: Exchange, query: ListQuery): Promise<Answer> {
  exchange.notes.push(...query.notes);
  const { total, resources, nextCursor } = await searchGroups(exchange, exchange.directory, query, exchange.baseUrl);
  const page =
    query.cursor === undefined
      ? { totalResults: total, startIndex: query.startIndex }
      : { totalResults: total, ...(nextCursor === undefined ? {} : { nextCursor }) };
  return { status: 200, body: listText(exchange, [], resources, query.projection, page) };
}

/** A list response in parts: resources that are at hand, and then groups with their members. */
export async function* listText(
  exchange: Exchange,
  shown: JsonObject[],
  groups: StoredGroup[],
  projection: Projection,
  page: ListPage,
): AsyncGenerator<string> {
  const frame = JSON.stringify({ ...listResponse([], page), itemsPerPage: shown.length + groups.length });
  yield frame.slice(0, -']}'.length);
  yield shown.map((resource) => JSON.stringify(resource)).join(',');
  if (shown.length > 0 && groups.length > 0) yield ',';
  yield* groupsText(exchange, groups, projection);
  yield ']}';
}

function whole(exchange: Exchange, group: StoredGroup, projection: Projection): Answer {
  const id = publicId('grp', group.id);
  return {
    status: 200,
    body: groupsText(exchange, [group], projection),
    location: locationOf(exchange.baseUrl, 'Group', id),
    etag: etagOf(group.version),
    id,
  };
}

/** Groups as JSON, with commas between. Members are read only where they are to be shown, and never all at once. */
async function* groupsText(exchange: Exchange, groups: StoredGroup[], projection: Projection): AsyncGenerator<string> {
  const parts = wantsMembers(projection) ? readMembers(exchange.pool, exchange.directory, groups) : undefined;
  const nextPart = async (): Promise<MembersPart | undefined> => (await parts?.next())?.value ?? undefined;
  let part = await nextPart();
  for (const [i, group] of groups.entries()) {
    const { members: _none, ...rest } = groupBody(exchange, group, projection);
    yield `${i === 0 ? '' : ','}${JSON.stringify(rest).slice(0, -1)}`;
    let isOpen = false;
    for (; part?.groupId === group.id; part = await nextPart()) {
      const { members } = groupBody(exchange, group, projection, part.members);
      if (!Array.isArray(members) || members.length === 0) continue;
      yield `${isOpen ? ',' : ',"members":['}${JSON.stringify(members).slice(1, -1)}`;
      isOpen = true;
    }
    yield isOpen ? ']}' : '}';
  }
}

function groupBody(exchange: Exchange, group: StoredGroup, projection: Projection, members?: GroupMember[]): JsonObject {
  return renderResource(
    {
      type: 'Group',
      id: publicId('grp', group.id),
      resource: group.resource,
      baseUrl: exchange.baseUrl,
      created: group.createdAt,
      lastModified: group.updatedAt,
      version: group.version,
      ...(members && { members: members.map(shownMember) }),
    },
    projection,
    exchange.directory.schemas,
  );
}

function shownMember({ id, type, display }: GroupMember): { value: string; type: 'User' | 'Group'; display?: string } {
  return { value: publicId(type === 'User' ? 'usr' : 'grp', id), type, ...(display === null ? {} : { display }) };
}

function ownChange(change: MemberChange, baseUrl: string): ResolvedMemberChange {
  switch (change.kind) {
    case 'add':
    case 'replace':
      return { kind: change.kind, members: ownMembers(change.members) };
    case 'remove':
      // Somebody who was never here is not a member: RFC 7644 §3.5.2.2 wants their removal to succeed.
      return { kind: 'remove', members: change.members.flatMap((member) => identityOf(member) ?? []) };
    case 'remove_where':
      return { ...change, baseUrl };
    default:
      return change;
  }
}

function ownMembers(members: MemberReference[]): MemberIdentity[] {
  return members.map((member) => {
    const own = identityOf(member);
    if (!own) throw new UnknownMember(member.value);
    return own;
  });
}

/** The id says what a member is; a `type` that an IdP sends beside it is not needed, and often left out. */
function identityOf({ value }: MemberReference): MemberIdentity | undefined {
  const user = parsePublicId('usr', value);
  if (user) return { id: user, type: 'User' };
  const group = parsePublicId('grp', value);
  return group ? { id: group, type: 'Group' } : undefined;
}

function groupId(id: string): string {
  const own = parsePublicId('grp', id);
  if (!own) throw new GroupNotFound(id);
  return own;
}
