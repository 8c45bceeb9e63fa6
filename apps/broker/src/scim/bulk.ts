import { type BulkOperation, BulkRun, type BulkStep, parseBulk, wholeResource } from '#scim';
import { scimErrorOf, TooManyRequests } from './errors';
import type { Answer, Exchange } from './exchange';
import { reportFailure } from './failures';
import { deleteGroupById, patchGroupById, postGroup, putGroup } from './groups';
import { limits } from './limits';
import { deleteUserById, patchUserById, postUser, putUser } from './users';

/** RFC 7644 §3.7. Each operation is a change of its own, done by the function that serves it as a single request. */
export async function bulk(exchange: Exchange, body: unknown): Promise<Answer> {
  const run = new BulkRun(parseBulk(body, { maxOperations: limits.bulkMaxOperations }), exchange.baseUrl);
  let retryAfterSeconds = 0;
  for (let step = await nextStep(run, exchange); step; step = await nextStep(run, exchange)) {
    const { operation } = step;
    const single: Exchange = { ...exchange, ifMatch: operation.version, ifNoneMatch: undefined };
    try {
      const { status, id, etag } = await execute(single, operation);
      run.succeeded(step, { status, ...(id && { id }), ...(etag && { version: etag }) });
    } catch (error) {
      const refusal = scimErrorOf(error);
      if (refusal.status >= 500) throw error; // the rest would meet the same; nothing is answered as if it had been done
      await report(exchange, operation, error);
      if (refusal instanceof TooManyRequests) retryAfterSeconds = Math.max(retryAfterSeconds, refusal.retryAfterSeconds);
      run.failed(step, refusal);
    }
  }
  return { status: 200, body: run.response(), ...(retryAfterSeconds > 0 && { retryAfterSeconds }) };
}

/** What cannot be executed is passed over, and the vendor told of it. */
async function nextStep(run: BulkRun, exchange: Exchange): Promise<BulkStep | undefined> {
  const step = run.next();
  for (const { operation, error } of run.takeRefusals()) await report(exchange, operation, error);
  return step;
}

async function report(exchange: Exchange, operation: BulkOperation, error: unknown): Promise<void> {
  const { method, path } = operation;
  if (!['POST', 'PUT', 'PATCH', 'DELETE'].includes(method)) return;
  await reportFailure(exchange, error, { method, path, body: 'data' in operation ? operation.data : undefined });
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
