import { unknownPathAction } from '#directory';
import { parsePatch, type ResourceType, UnknownPath } from '#scim';
import type { Exchange } from './exchange';

/**
 * The operations of a PATCH, read before the resource that it is for is locked. Where they are refused, that there is no such resource
 * is said first all the same, as a PUT says it, which is read under the lock.
 *
 * One operation on what the schema does not have refuses the whole, unless the directory's mapping has it passed over: that is asked
 * only where there is one.
 */
export async function readPatch(
  exchange: Exchange,
  type: ResourceType,
  body: unknown,
  find: () => Promise<unknown>,
): Promise<ReturnType<typeof parsePatch>['operations']> {
  const { schemas } = exchange.directory;
  const read = (unknownPath: 'reject' | 'ignore') => {
    const { operations, notes } = parsePatch(body, type, schemas, unknownPath);
    exchange.notes.push(...notes);
    return operations;
  };
  try {
    return read('reject');
  } catch (refusal) {
    await find();
    if (!(refusal instanceof UnknownPath) || (await unknownPathAction(exchange.lookups, exchange.directory)) === 'reject') throw refusal;
    return read('ignore');
  }
}
