import { GroupNameTaken, recordFailure, type RefusedRequest, UserNameTaken } from '#directory';
import { isObject } from '#scim';
import { scimErrorOf } from './errors';
import type { Exchange } from './exchange';
import { storable } from './masked';

/**
 * Tells the vendor of a write that was refused: `provisioning.failed`. Not of 401, 404, 412 and 429, which say nothing of
 * the data, and not of a 409 for somebody who is there already with the same externalId: the IdP is about to match them.
 */
export async function reportFailure(
  exchange: Exchange,
  error: unknown,
  write: { method: string; path: string; body: unknown },
): Promise<void> {
  const { status, scimType, detail } = scimErrorOf(error);
  if (status < 400 || status >= 500 || [401, 404, 412, 429].includes(status)) return;
  const sent = isObject(write.body) ? write.body : {};
  if (
    (error instanceof UserNameTaken || error instanceof GroupNameTaken) &&
    error.externalId !== null &&
    error.externalId === sent.externalId
  )
    return;
  const named: NonNullable<RefusedRequest['resource']> = {};
  for (const name of ['userName', 'displayName', 'externalId'] as const) {
    const value = sent[name];
    if (typeof value === 'string') named[name] = storable(value);
  }
  await recordFailure(exchange.pool, exchange.directory, {
    requestId: exchange.requestId,
    method: write.method,
    path: storable(write.path),
    status,
    scimType: scimType ?? null,
    detail: storable(detail),
    resource: Object.keys(named).length > 0 ? named : null,
  });
}
