import { createEnvironment, type CreatedEnvironment } from '#accounts';
import {
  createDirectory,
  createOrganization,
  type Organization,
  type OrganizationChanges,
  type Provider,
  type ScimDirectory,
} from '#directory';
import { coreSchemas } from '#scim';
import { testDatabase, type TestDatabase } from './test-database';

/** A vendor's environment, with its first API key, in the database of this test file unless another is given. */
export async function anEnvironment({ db }: { db?: TestDatabase } = {}): Promise<CreatedEnvironment> {
  return createEnvironment((db ?? (await testDatabase())).pool, { name: 'Vendor' });
}

/** A customer of a vendor: of a new one, unless one is given. */
export async function anOrganization({
  db,
  environmentId,
  ...organization
}: { db?: TestDatabase; environmentId?: string } & OrganizationChanges = {}): Promise<Organization> {
  const { pool } = db ?? (await testDatabase());
  return createOrganization(pool, {
    ...organization,
    environmentId: environmentId ?? (await createEnvironment(pool, { name: 'Vendor' })).id,
    name: organization.name ?? 'Acme',
  });
}

/**
 * A directory, as the verbs of #directory take it, with everything above it that was not given.
 *
 *     const { db, directory } = await aDirectory();
 *     await createUser(db.pool, directory, newId(), { userName: 'ada@example.com' });
 */
export async function aDirectory(
  given: { db?: TestDatabase; organization?: Organization; provider?: Provider } = {},
): Promise<{ db: TestDatabase; organization: Organization; directory: ScimDirectory }> {
  const db = given.db ?? (await testDatabase());
  const organization = given.organization ?? (await anOrganization({ db }));
  const directory = await createDirectory(db.pool, {
    environmentId: organization.environmentId,
    organizationId: organization.id,
    provider: given.provider ?? 'generic',
  });
  if (!directory) throw new Error('the organization of a new directory is gone');
  return { db, organization, directory: { ...directory, schemas: coreSchemas } };
}
