import type { PoolClient } from 'pg';
import { newId } from '#identifier';
import { prepared } from '#postgres';

const supersedeRemaps = prepared(
  'supersede_remaps',
  `
  update remaps
     set finished_at = now(),
         superseded = true,
         lease_until = null
   where environment_id = $1
     and directory_id is not distinct from $2
     and finished_at is null`,
);

const insertRemap = prepared(
  'add_remap',
  `
  insert into remaps (id, environment_id, directory_id, request_id)
  values ($1, $2, $3, $4)`,
);

/**
 * Has the users of a directory, or of all those of an environment without a mapping of their own (null), mapped anew from the
 * caller's commit on (`remapUsers`), in place of what was under way for the same. The caller holds the environment's row.
 */
export async function beginRemap(
  client: PoolClient,
  scope: { environmentId: string; directoryId: string | null },
  requestId: string,
): Promise<string> {
  await supersedeRemaps.run(client, [scope.environmentId, scope.directoryId]);
  const remapId = newId();
  await insertRemap.run(client, [remapId, scope.environmentId, scope.directoryId, requestId]);
  return remapId;
}
