import type { Pool, PoolClient } from 'pg';
import { generateApiKey, type Keyring } from '#credential';
import { newId } from '#identifier';
import { inTransaction, prepared } from '#postgres';
import { addApiKey } from './api-keys';
import { keepUnshownApiKey } from './first-secrets';

export interface Environment {
  id: string;
  name: string;
  createdAt: Date;
}

export interface CreatedEnvironment extends Environment {
  /** The environment's first key. Shown once; only its hash is kept. */
  apiKey: string;
}

export interface Bootstrapped {
  environmentId: string;
  /** Set only where the key was made here, and so is known to nobody yet. */
  apiKey?: string;
}

// Any constant will do, as long as nothing else locks it: "causeway bootstrap" has no row to lock.
const bootstrapLock = 7_163_004_201;

/** Makes an environment with its empty event feed and its first key. */
export async function createEnvironment(pool: Pool, { name }: { name: string }): Promise<CreatedEnvironment> {
  return inTransaction(pool, (client) => insertEnvironment(client, { name, apiKey: generateApiKey() }));
}

const lockBootstrap = prepared(
  'lock_bootstrap',
  `
  select pg_advisory_xact_lock($1)`,
);

/**
 * On a database with no environment, makes the one named `default`, with the key given or a random one, which is kept, sealed, until
 * it has been shown. Answers `undefined` where there was an environment already. Of several processes that start at once, one makes it.
 */
export async function bootstrap(
  pool: Pool,
  keyring: Keyring,
  { apiKey }: { apiKey?: string | undefined },
): Promise<Bootstrapped | undefined> {
  if (await hasEnvironment(pool)) return undefined;

  return inTransaction(pool, async (client) => {
    await lockBootstrap.run(client, [bootstrapLock]);
    // Asked again under the lock: each statement sees what was committed before it began.
    if (await hasEnvironment(client)) return undefined;

    const created = await insertEnvironment(client, { name: 'default', apiKey: apiKey ?? generateApiKey() });
    if (apiKey !== undefined) return { environmentId: created.id };
    await keepUnshownApiKey(client, keyring, { environmentId: created.id, apiKey: created.apiKey });
    return { environmentId: created.id, apiKey: created.apiKey };
  });
}

const selectEnvironments = prepared<Environment>(
  'select_environments',
  `
  select id, name, created_at as "createdAt"
    from environments
   where $2::uuid is null or id > $2
   order by id
   limit $1`,
);

/** The environments by age, at most `limit`, after the one whose id is `after`. */
export async function listEnvironments(
  pool: Pool,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<Environment[]> {
  return selectEnvironments.run(pool, [limit, after ?? null]);
}

const insertEnvironmentRow = prepared<Environment>(
  'insert_environment_row',
  `
  with environment as (
    insert into environments (id, name)
    values ($1, $2)
    returning id, name, created_at
  ), head as (
    insert into feed_heads (environment_id)
    select id
      from environment
  )
  select id, name, created_at as "createdAt"
    from environment`,
);

async function insertEnvironment(client: PoolClient, { name, apiKey }: { name: string; apiKey: string }): Promise<CreatedEnvironment> {
  const id = newId();
  const [environment] = await insertEnvironmentRow.run(client, [id, name]);
  if (!environment) throw new Error('an insert returned no row');
  await addApiKey(client, { environmentId: id, name: 'first key', secret: apiKey });
  return { ...environment, apiKey };
}

const selectAnyEnvironment = prepared(
  'select_any_environment',
  `
  select 1
    from environments
   limit 1`,
);

async function hasEnvironment(db: Pool | PoolClient): Promise<boolean> {
  return (await selectAnyEnvironment.run(db, [])).length > 0;
}
