import { type BulkOperation, BulkRun, parseBulk, wholeResource } from '#scim';
import { scimErrorOf } from './errors';
import type { Answer, Exchange } from './exchange';
import { reportFailure } from './failures';
import { deleteGroupById, patchGroupById, postGroup, putGroup } from './groups';
import { limits } from './limits';
import { deleteUserById, patchUserById, postUser, putUser } from './users';

/** RFC 7644 §3.7. Each operation is a change of its own, done by the function that serves it as a single request. */
export async function bulk(exchange: Exchange, body: unknown): Promise<Answer> {
  const run = new BulkRun(parseBulk(body, { maxOperations: limits.bulkMaxOperations }), exchange.baseUrl);
  for (let step = run.next(); step; step = run.next()) {
    const { operation } = step;
    const single: Exchange = { ...exchange, ifMatch: operation.version, ifNoneMatch: undefined };
    try {
      const { status, id, etag } = await execute(single, operation);
      run.succeeded(step, { status, ...(id && { id }), ...(etag && { version: etag }) });
    } catch (error) {
      const refusal = scimErrorOf(error);
      if (refusal.status >= 500) throw error; // the rest would meet the same; nothing is answered as if it had been done
      await reportFailure(single, error, { method: operation.method, path: operation.path, body: 'data' in operation ? operation.data : undefined });
      run.failed(step, refusal);
    }
  }
  return { status: 200, body: run.response() };
}

function execute(exchange: Exchange, operation: Exclude<BulkOperation, { kind: 'refused' }>): Promise<Answer> {
  const ofUsers = operation.type === 'User';
  switch (operation.kind) {
    case 'create':
      return (ofUsers ? postUser : postGroup)(exchange, operation.data, wholeResource);
    case 'replace':
      return (ofUsers ? putUser : putGroup)(exchange, operation.id, operation.data, wholeResource);
    case 'patch':
      return (ofUsers ? patchUserById : patchGroupById)(exchange, operation.id, operation.data, wholeResource);
    case 'delete':
      return (ofUsers ? deleteUserById : deleteGroupById)(exchange, operation.id);
  }
}
