import { keyNamesAgain } from '#directory';
import type { Logger, MigrateOptions } from '#runtime';

/** What migrations do that SQL cannot. */
export function migrationSteps(log: Logger): MigrateOptions['steps'] {
  return {
    '0030_name_keys.sql': async (db) => {
      for (const { directoryId, userIds } of await keyNamesAgain(db)) {
        log.warn(
          { directory_id: directoryId, user_ids: userIds },
          'these users of one directory have userNames that are the same by now; they are kept apart as before, until one of them is renamed or deleted',
        );
      }
    },
  };
}
