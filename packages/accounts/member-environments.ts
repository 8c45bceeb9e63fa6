import type { Pool } from 'pg';
import { newId } from '#identifier';
import { prepared } from '#postgres';
import type { MemberEnvironment } from './members';

/** Something was made in the environment that deleting it would leave behind. */
export class EnvironmentInUse extends Error {
  constructor() {
    super('directories were made in this environment, so it stays: its events and requests belong to it');
  }
}

const insertEnvironmentOfMember = prepared<MemberEnvironment>(
  'insert_environment_of_member',
  `
  with environment as (
    insert into environments (id, name)
    values ($1, $2)
    returning id, name, created_at
  ), head as (
    insert into feed_heads (environment_id)
    select id
      from environment
  ), membership as (
    insert into environment_members (environment_id, member_id, role)
    select id, $3, 'admin'
      from environment
  )
  select id, name, 'admin' as role, created_at as "createdAt"
    from environment`,
);

/** Makes an environment with its empty event feed, and a member its admin. It has no API key yet. */
export async function createEnvironmentFor(pool: Pool, { memberId, name }: { memberId: string; name: string }): Promise<MemberEnvironment> {
  const [row] = await insertEnvironmentOfMember.run(pool, [newId(), name, memberId]);
  if (!row) throw new Error('an insert returned no row');
  return row;
}

const updateEnvironmentName = prepared(
  'update_environment_name',
  `
  update environments
     set name = $2
   where id = $1`,
);

export async function renameEnvironment(pool: Pool, { environmentId, name }: { environmentId: string; name: string }): Promise<void> {
  await updateEnvironmentName.run(pool, [environmentId, name]);
}

const deleteEnvironmentRow = prepared(
  'delete_environment_row',
  `
  delete from environments
   where id = $1`,
);

/** Deletes an environment in which no directory was ever made, with its keys, endpoints and organizations. @throws EnvironmentInUse */
export async function deleteEnvironment(pool: Pool, { environmentId }: { environmentId: string }): Promise<void> {
  try {
    await deleteEnvironmentRow.run(pool, [environmentId]);
  } catch (error) {
    // A directory keeps its organization, and so its environment.
    if (error instanceof Error && 'code' in error && error.code === '23503') throw new EnvironmentInUse();
    throw error;
  }
}
