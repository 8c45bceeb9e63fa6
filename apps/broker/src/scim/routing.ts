import type { Request } from 'express';
import { parseListQuery, parseProjection, parseSearchRequest, type QueryParameters, type ResourceType, ScimError } from '#scim';
import { bulk } from './bulk';
import { discover } from './discovery';
import type { Answer, Exchange } from './exchange';
import { deleteGroupById, getGroup, listGroups, patchGroupById, postGroup, putGroup } from './groups';
import { limits } from './limits';
import { segments } from './request-path';
import { listEverything } from './root-query';
import { deleteUserById, getUser, listUsers, patchUserById, postUser, putUser } from './users';

/** The operation that a request asks for, by its path below the base URL and its method. */
export async function dispatch(exchange: Exchange, req: Request): Promise<Answer> {
  const { directory, baseUrl } = exchange;
  const path = segments(req);
  const query = queryOf(req);
  const method = methodOf(req);
  const [endpoint, id, ...rest] = path;
  switch (endpoint?.toLowerCase()) {
    case undefined:
      if (method !== 'GET') throw methodNotAllowed(req, 'GET');
      return listEverything(exchange, parseListQuery(query, undefined, directory.schemas, limits));
    case '.search':
      if (req.method !== 'POST' || id !== undefined) throw id === undefined ? methodNotAllowed(req, 'POST') : notFound(req);
      return listEverything(exchange, parseSearchRequest(req.body, undefined, directory.schemas, limits));
    case 'users':
      if (rest.length > 0) throw notFound(req);
      return resource(exchange, req, 'User', id, query);
    case 'groups':
      if (rest.length > 0) throw notFound(req);
      return resource(exchange, req, 'Group', id, query);
    case 'bulk':
      if (req.method !== 'POST' || id !== undefined) throw id === undefined ? methodNotAllowed(req, 'POST') : notFound(req);
      return bulk(exchange, req.body);
    case 'me':
      // RFC 7644 §3.11: the credential is a directory's, and nobody's in particular.
      throw new ScimError(501, undefined, '/Me is not supported: a directory credential stands for no user. Use /Users.');
    default: {
      if (rest.length > 0) throw notFound(req);
      const answer = method === 'GET' ? discover(path, query, directory, baseUrl) : undefined;
      if (answer) return answer;
      if (/^(serviceproviderconfig|resourcetypes|schemas)$/i.test(endpoint ?? '') && method !== 'GET') throw methodNotAllowed(req, 'GET');
      throw notFound(req);
    }
  }
}

function resource(exchange: Exchange, req: Request, type: ResourceType, id: string | undefined, query: QueryParameters): Promise<Answer> {
  const { schemas } = exchange.directory;
  const ofUsers = type === 'User';
  const projection = () => parseProjection(query, type, schemas);
  if (id === undefined) {
    switch (methodOf(req)) {
      case 'GET':
        return (ofUsers ? listUsers : listGroups)(exchange, parseListQuery(query, type, schemas, limits));
      case 'POST':
        return (ofUsers ? postUser : postGroup)(exchange, req.body, projection());
      default:
        throw methodNotAllowed(req, 'GET, POST');
    }
  }
  if (id.toLowerCase() === '.search') {
    if (req.method !== 'POST') throw methodNotAllowed(req, 'POST');
    return (ofUsers ? listUsers : listGroups)(exchange, parseSearchRequest(req.body, type, schemas, limits));
  }
  switch (methodOf(req)) {
    case 'GET':
      return (ofUsers ? getUser : getGroup)(exchange, id, projection());
    case 'PUT':
      return (ofUsers ? putUser : putGroup)(exchange, id, req.body, projection());
    case 'PATCH':
      return (ofUsers ? patchUserById : patchGroupById)(exchange, id, req.body, projection());
    case 'DELETE':
      return (ofUsers ? deleteUserById : deleteGroupById)(exchange, id);
    default:
      throw methodNotAllowed(req, 'GET, PUT, PATCH, DELETE');
  }
}

const parameters = ['filter', 'sortBy', 'sortOrder', 'startIndex', 'count', 'cursor', 'attributes', 'excludedAttributes'];

/**
 * The query's parameters under the names that the RFC gives them, whatever their case: a filter that is overlooked because it
 * is called Filter, or filter[0], would select everybody.
 */
function queryOf(req: Request): QueryParameters {
  const query: Record<string, string | string[]> = {};
  for (const [sent, value] of Object.entries(req.query as QueryParameters)) {
    // `query parser` is `simple`: strings, and arrays of strings
    if (/^filter\s*\[/i.test(sent))
      throw new ScimError(400, 'invalidFilter', `${JSON.stringify(sent.slice(0, 100))} is no parameter here: send one "filter".`);
    const name = parameters.find((known) => known.toLowerCase() === sent.toLowerCase());
    if (name === undefined || value === undefined) continue;
    const before = query[name];
    query[name] = before === undefined ? value : [before, value].flat();
  }
  return query;
}

/** RFC 9110 §9.3.2: HEAD is answered as GET is; `send` leaves the body out. */
function methodOf(req: Request): string {
  return req.method === 'HEAD' ? 'GET' : req.method;
}

function notFound(req: Request): ScimError {
  return new ScimError(
    404,
    undefined,
    `There is nothing at ${JSON.stringify(`/${segments(req).join('/')}`)}. The endpoints are Users, Groups, Bulk, .search, ServiceProviderConfig, ResourceTypes and Schemas.`,
  );
}

export class MethodNotAllowed extends ScimError {
  constructor(
    method: string,
    readonly allow: string,
  ) {
    super(405, undefined, `${method} is not possible here: this endpoint takes ${allow}.`);
  }
}

function methodNotAllowed(req: Request, allow: string): ScimError {
  return new MethodNotAllowed(req.method, allow);
}
