import { bounds } from '#bounds';
import { GroupNameTaken, recordFailure, type RefusedRequest, UserNameTaken } from '#directory';
import { parsePublicId } from '#identifier';
import { asksToDeactivate, isObject } from '#scim';
import { scimErrorOf } from './errors';
import type { Exchange } from './exchange';
import { storable } from './masked';

/**
 * Tells the vendor of a write that was refused: `provisioning.failed`. Not of 401, 404, 412 and 429, which say nothing of
 * the data, and not of a 409 for somebody who is there already with the same externalId: the IdP is about to match them.
 * Whoever was to leave by it is told of in any case.
 */
export async function reportFailure(exchange: Exchange, error: unknown, write: Write): Promise<void> {
  const { status, scimType, detail } = scimErrorOf(error);
  if (status < 400 || status >= 500 || [401, 404, 412, 429].includes(status)) return;
  const sent = isObject(write.body) ? write.body : {};
  const departing = departingBy(write);
  if (
    departing.length === 0 &&
    (error instanceof UserNameTaken || error instanceof GroupNameTaken) &&
    error.externalId !== null &&
    error.externalId === sent.externalId
  )
    return;
  const named: NonNullable<RefusedRequest['resource']> = {};
  for (const name of ['userName', 'displayName', 'externalId'] as const) {
    const value = sent[name];
    if (typeof value === 'string') named[name] = cut(value, bounds.refusedNameCharacters);
  }
  await recordFailure(exchange.pool, exchange.directory, {
    requestId: exchange.requestId,
    method: write.method,
    path: cut(write.path, bounds.refusedPathCharacters),
    status,
    scimType: scimType ?? null,
    detail: storable(detail),
    resource: Object.keys(named).length > 0 ? named : null,
    departing,
  });
}

interface Write {
  method: string;
  path: string;
  body: unknown;
}

/** Whom a write was to deactivate or delete: the users that it names, as far as it can be read. */
function departingBy({ method, path, body }: Write): string[] {
  const [endpoint = '', id = '', ...rest] =
    path
      .split('?')[0]
      ?.split('/')
      .filter((segment) => segment !== '') ?? [];
  if (endpoint.toLowerCase() === 'bulk') return operationsIn(body).flatMap(departingBy);
  const user = endpoint.toLowerCase() === 'users' && rest.length === 0 ? parsePublicId('usr', id) : undefined;
  if (user === undefined) return [];
  const verb = method.toUpperCase();
  return verb === 'DELETE' || ((verb === 'PUT' || verb === 'PATCH') && asksToDeactivate(verb, body)) ? [user] : [];
}

const operationsReadAtMost = 10_000;

/** Of a bulk request that was refused whole. */
function operationsIn(body: unknown): Write[] {
  const list: unknown = isObject(body) ? Object.entries(body).find(([name]) => name.toLowerCase() === 'operations')?.[1] : undefined;
  return (Array.isArray(list) ? list.slice(0, operationsReadAtMost) : []).flatMap((operation: unknown) => {
    if (!isObject(operation)) return [];
    const { method, path, data } = operation;
    return typeof method === 'string' && typeof path === 'string' && !/^\/?bulk/i.test(path) ? [{ method, path, body: data }] : [];
  });
}

/** What was refused may be as long as a body: the event that tells of it is for people to recognize it. */
function cut(text: string, characters: number): string {
  return storable(storable(text.slice(0, 4 * characters)).slice(0, characters));
}
