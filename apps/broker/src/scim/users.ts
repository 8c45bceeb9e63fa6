import { changeUser, createUser, deleteUser, findUser, searchUsers, type ShownUser, UserNotFound } from '#directory';
import { parsePublicId, publicId } from '#identifier';
import {
  checkIfMatch,
  etagOf,
  isNotModified,
  type JsonObject,
  type ListQuery,
  listResponse,
  locationOf,
  parseUser,
  patchUser,
  type Projection,
  renderResource,
  replaceUser,
  wantsGroups,
} from '#scim';
import type { Answer, Exchange } from './exchange';
import { readPatch } from './patch-body';

export async function postUser(exchange: Exchange, body: unknown, projection: Projection): Promise<Answer> {
  const { resource, notes } = parseUser(body, exchange.directory.schemas);
  exchange.notes.push(...notes);
  const user = await createUser(exchange.pool, exchange.directory, exchange.requestId, resource, noteIn(exchange));
  return { ...whole(exchange, user, projection), status: 201 };
}

export async function getUser(exchange: Exchange, id: string, projection: Projection): Promise<Answer> {
  const user = await findUser(exchange.lookups, exchange.directory, userId(id));
  if (isNotModified(exchange.ifNoneMatch, user.version)) return { status: 304, etag: etagOf(user.version), id };
  return whole(exchange, user, projection);
}

export async function putUser(exchange: Exchange, id: string, body: unknown, projection: Projection): Promise<Answer> {
  const user = await changeUser(
    exchange.pool,
    exchange.directory,
    exchange.requestId,
    userId(id),
    (before) => {
      checkIfMatch(exchange.ifMatch, before.version);
      const { resource, notes } = replaceUser(before.resource, body, exchange.directory.schemas);
      exchange.notes.push(...notes);
      return resource;
    },
    noteIn(exchange),
  );
  return whole(exchange, user, projection);
}

export async function patchUserById(exchange: Exchange, id: string, body: unknown, projection: Projection): Promise<Answer> {
  const operations = await readPatch(exchange, 'User', body, () => findUser(exchange.lookups, exchange.directory, userId(id)));
  const user = await changeUser(
    exchange.pool,
    exchange.directory,
    exchange.requestId,
    userId(id),
    (before) => {
      checkIfMatch(exchange.ifMatch, before.version);
      const patched = patchUser(before.resource, operations);
      exchange.notes.push(...patched.notes);
      return patched.resource;
    },
    noteIn(exchange),
  );
  return whole(exchange, user, projection);
}

export async function deleteUserById(exchange: Exchange, id: string): Promise<Answer> {
  await deleteUser(exchange.pool, exchange.directory, exchange.requestId, userId(id), (version) => checkIfMatch(exchange.ifMatch, version));
  return { status: 204, id };
}

export async function listUsers(exchange: Exchange, query: ListQuery): Promise<Answer> {
  exchange.notes.push(...query.notes);
  const { total, resources, nextCursor } = await searchUsers(exchange, exchange.directory, query, exchange.baseUrl);
  const shown = resources.map((user) => userBody(exchange, user, query.projection));
  return {
    status: 200,
    body: listResponse(
      shown,
      query.cursor === undefined
        ? { totalResults: total, startIndex: query.startIndex }
        : { totalResults: total, ...(nextCursor === undefined ? {} : { nextCursor }) },
    ),
  };
}

function whole(exchange: Exchange, user: ShownUser, projection: Projection): Answer {
  const id = publicId('usr', user.id);
  return {
    status: 200,
    body: userBody(exchange, user, projection),
    location: locationOf(exchange.baseUrl, 'User', id),
    etag: etagOf(user.version),
    id,
  };
}

export function userBody(exchange: Exchange, user: ShownUser, projection: Projection): JsonObject {
  return renderResource(
    {
      type: 'User',
      id: publicId('usr', user.id),
      resource: user.resource,
      baseUrl: exchange.baseUrl,
      created: user.createdAt,
      lastModified: user.updatedAt,
      version: user.version,
      ...(wantsGroups(projection)
        ? { groups: user.groups.map((group) => ({ id: publicId('grp', group.id), display: group.displayName, type: 'direct' as const })) }
        : {}),
    },
    projection,
    exchange.directory.schemas,
  );
}

function noteIn({ notes }: Exchange): (note: string) => void {
  return (note) => notes.push(note);
}

function userId(id: string): string {
  const own = parsePublicId('usr', id);
  if (!own) throw new UserNotFound(id);
  return own;
}
