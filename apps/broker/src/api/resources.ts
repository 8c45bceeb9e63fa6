import { type TSchema, Type } from '@sinclair/typebox';
import type { Pool } from 'pg';
import { decodeCursor, encodeCursor, getGroup, getUser, listGroupMembers, listGroups, listUsers, readFeedHead } from '#directory';
import { type Prefix, parsePublicId, publicId } from '#identifier';
import { invalidCursor, notFound } from '../frame/errors';
import { type Page as PageJson, pageOf, pageQuery } from '../frame/page';
import { type ApiRoute, route } from './route';
import { GroupMember } from './shapes';
import { Group, Page, User, paging, publicIdOf } from '../frame/shapes';
import { idParameter } from '../frame/validation';

const tag = 'Users and groups';

/** A page that also says from where in the log to follow what happens after the list was begun. */
function PageWithEventsCursor<S extends TSchema>(item: S) {
  return Type.Object({
    ...Page(item).properties,
    events_cursor: Type.String({
      description: 'List to the end, then follow `GET /v1/events?after=` from here: nothing is missed. The same on every page',
    }),
  });
}

export const resourceRoutes: ApiRoute[] = [
  route({
    method: 'get',
    path: '/v1/directories/{id}/users',
    operationId: 'listUsers',
    tag,
    summary: 'List the users of a directory',
    params: { id: 'dir' },
    query: {
      ...paging,
      email: Type.Optional(Type.String({ description: 'Any of the addresses, in any case' })),
      user_name: Type.Optional(Type.String({ description: 'In any case' })),
      external_id: Type.Optional(Type.String()),
      group_id: Type.Optional(publicIdOf('grp', 'a group that they are members of')),
      active: Type.Optional(Type.Boolean()),
    },
    answer: { status: 200, description: 'A page of users, oldest first', schema: PageWithEventsCursor(User) },
    handle: async ({ environmentId, params, query }, { pool }) =>
      withEventsCursor(pool, environmentId, query.cursor, async (cursor) => {
        const users = await listUsers(pool, {
          environmentId,
          directoryId: params.id,
          email: query.email,
          userName: query.user_name,
          externalId: query.external_id,
          groupId: query.group_id === undefined ? undefined : idParameter('group_id', 'grp', query.group_id),
          active: query.active,
          ...pageQuery({ limit: query.limit, cursor }),
        });
        if (!users) throw notFound(publicId('dir', params.id));
        return pageOf(
          users,
          query.limit,
          ({ id }) => idOf('usr', id),
          (user) => user,
        );
      }),
  }),
  route({
    method: 'get',
    path: '/v1/directory_users/{id}',
    operationId: 'getUser',
    tag,
    summary: 'Get a user',
    params: { id: 'usr' },
    answer: { status: 200, description: 'The user', schema: User },
    handle: async ({ environmentId, params }, { pool }) => {
      const user = await getUser(pool, { environmentId, userId: params.id });
      if (!user) throw notFound(publicId('usr', params.id));
      return user;
    },
  }),
  route({
    method: 'get',
    path: '/v1/directories/{id}/groups',
    operationId: 'listGroups',
    tag,
    summary: 'List the groups of a directory',
    params: { id: 'dir' },
    query: paging,
    answer: { status: 200, description: 'A page of groups, oldest first', schema: PageWithEventsCursor(Group) },
    handle: async ({ environmentId, params, query }, { pool }) =>
      withEventsCursor(pool, environmentId, query.cursor, async (cursor) => {
        const groups = await listGroups(pool, { environmentId, directoryId: params.id, ...pageQuery({ limit: query.limit, cursor }) });
        if (!groups) throw notFound(publicId('dir', params.id));
        return pageOf(
          groups,
          query.limit,
          ({ id }) => idOf('grp', id),
          (group) => group,
        );
      }),
  }),
  route({
    method: 'get',
    path: '/v1/directory_groups/{id}',
    operationId: 'getGroup',
    tag,
    summary: 'Get a group',
    params: { id: 'grp' },
    answer: { status: 200, description: 'The group', schema: Group },
    handle: async ({ environmentId, params }, { pool }) => {
      const group = await getGroup(pool, { environmentId, groupId: params.id });
      if (!group) throw notFound(publicId('grp', params.id));
      return group;
    },
  }),
  route({
    method: 'get',
    path: '/v1/directory_groups/{id}/members',
    operationId: 'listGroupMembers',
    tag,
    summary: 'List the members of a group',
    description: 'Users and groups, each whole and marked by `type`.',
    params: { id: 'grp' },
    query: paging,
    answer: {
      status: 200,
      description: 'A page of members',
      schema: Page(GroupMember),
    },
    handle: async ({ environmentId, params, query }, { pool }) => {
      const members = await listGroupMembers(pool, { environmentId, groupId: params.id, ...pageQuery(query) });
      if (!members) throw notFound(publicId('grp', params.id));
      return pageOf(
        members,
        query.limit,
        ({ id, type }) => idOf(type === 'user' ? 'usr' : 'grp', id),
        (member) => member,
      );
    },
  }),
];

/**
 * Reads where the log ends before `list` reads the state: whatever the state does not show yet comes after that place. The
 * cursors of the following pages carry it along, so that every page tells the first one's.
 */
async function withEventsCursor<T>(
  pool: Pool,
  environmentId: string,
  cursor: string | undefined,
  list: (cursor: string | undefined) => Promise<PageJson<T>>,
): Promise<PageJson<T> & { events_cursor: string }> {
  const [after, carried] = cursor?.split('.') ?? [];
  if (cursor !== undefined && (carried === undefined || !decodeCursor(carried, environmentId))) throw invalidCursor('cursor');
  const eventsCursor = carried ?? (await headCursor(pool, environmentId));

  const page = await list(after);
  return { ...page, next_cursor: page.next_cursor === null ? null : `${page.next_cursor}.${eventsCursor}`, events_cursor: eventsCursor };
}

async function headCursor(pool: Pool, environmentId: string): Promise<string> {
  const { head, epoch } = await readFeedHead(pool, environmentId);
  return encodeCursor({ environmentId, epoch, position: head });
}

function idOf(prefix: Prefix, text: string): string {
  const id = parsePublicId(prefix, text);
  if (id === undefined) throw new Error(`${text} is not an id of ours`);
  return id;
}
