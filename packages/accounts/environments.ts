import type { Pool, PoolClient } from 'pg';
import { generateApiKey } from '#credential';
import { newId } from '#identifier';
import { addApiKey } from './api-keys';

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

/**
 * On a database with no environment, makes the one named `default`, with the key given or a random one. Answers `undefined`
 * where there was an environment already. Of several processes that start at once, one makes it.
 */
export async function bootstrap(pool: Pool, { apiKey }: { apiKey?: string | undefined }): Promise<Bootstrapped | undefined> {
  if (await hasEnvironment(pool)) return undefined;

  return inTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [bootstrapLock]);
    // Asked again under the lock: each statement sees what was committed before it began.
    if (await hasEnvironment(client)) return undefined;

    const created = await insertEnvironment(client, { name: 'default', apiKey: apiKey ?? generateApiKey() });
    return apiKey === undefined ? { environmentId: created.id, apiKey: created.apiKey } : { environmentId: created.id };
  });
}

/** The environments by age, at most `limit`, after the one whose id is `after`. */
export async function listEnvironments(
  pool: Pool,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<Environment[]> {
  const { rows } = await pool.query<Environment>(
    `select id, name, created_at as "createdAt"
       from environments
      where $2::uuid is null or id > $2
      order by id
      limit $1`,
    [limit, after ?? null],
  );
  return rows;
}

async function insertEnvironment(client: PoolClient, { name, apiKey }: { name: string; apiKey: string }): Promise<CreatedEnvironment> {
  const id = newId();
  const { rows } = await client.query<Environment>(
    `with environment as (
       insert into environments (id, name) values ($1, $2) returning id, name, created_at
     ), head as (
       insert into feed_heads (environment_id) select id from environment
     )
     select id, name, created_at as "createdAt" from environment`,
    [id, name],
  );
  const [environment] = rows;
  if (!environment) throw new Error('an insert returned no row');
  await addApiKey(client, { environmentId: id, name: 'first key', secret: apiKey });
  return { ...environment, apiKey };
}

async function hasEnvironment(db: Pool | PoolClient): Promise<boolean> {
  const { rowCount } = await db.query('select 1 from environments limit 1');
  return rowCount === 1;
}

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    // A connection that cannot even roll back is not given to the next caller.
    await client.query('rollback').catch((cause: unknown) => {
      broken = cause instanceof Error ? cause : new Error('rollback failed');
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
