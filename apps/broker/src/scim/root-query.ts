import { type ListQuery, narrowQuery, ScimError } from '#scim';
import type { Answer, Exchange } from './exchange';
import { listText } from './groups';
import { searchGroups, searchUsers } from '#directory';
import { userBody } from './users';

/**
 * A query over users and groups at once (RFC 7644 §3.4.2.1, §3.4.3): first the users that it selects, then the groups, each
 * in the order that it asks for. Paged by index alone: a cursor belongs to one resource type.
 */
export async function listEverything(exchange: Exchange, query: ListQuery): Promise<Answer> {
  const { directory, baseUrl } = exchange;
  if (query.cursor !== undefined) {
    throw new ScimError(400, 'invalidCursor', 'Cursors page through one resource type: query /Users or /Groups, or use startIndex here.');
  }
  exchange.notes.push(...query.notes);
  const users = await searchUsers(exchange, directory, narrowQuery(query, 'User', directory.schemas), baseUrl);
  // What the page still has room for comes from the groups, counted on from the last user: nothing where it ended before that by its bytes.
  const hasLast = query.startIndex - 1 + users.resources.length >= users.total;
  const room = hasLast ? query.count - users.resources.length : 0;
  const groups = await searchGroups(
    exchange,
    directory,
    {
      ...narrowQuery(query, 'Group', directory.schemas),
      startIndex: Math.max(1, query.startIndex - users.total),
      count: room,
    },
    baseUrl,
  );
  const shown = users.resources.map((user) => userBody(exchange, user, query.projection));
  const page = { totalResults: users.total + groups.total, startIndex: query.startIndex };
  return { status: 200, body: listText(exchange, shown, groups.resources, query.projection, page) };
}
