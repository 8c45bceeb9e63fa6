import type { Pool } from 'pg';
import { newId } from '#identifier';
import { deleteDirectory } from './directories';
import { firstId, prepared, type Queryable, violates } from '#postgres';
import { inSeats, type SeatMode } from './seats';
import type { DirectoryPool } from '../writing/transaction';

/** A vendor's customer. */
export interface Organization {
  id: string;
  environmentId: string;
  name: string;
  externalId: string | null;
  domains: string[];
  contacts: string[];
  metadata: Record<string, unknown>;
  seatLimit: number | null;
  seatMode: SeatMode;
  seatCeiling: number | null;
  /** Active users in all of its directories. */
  seatsUsed: number;
  createdAt: Date;
  updatedAt: Date;
}

/** What a vendor may set. */
export interface OrganizationChanges {
  name?: string | undefined;
  externalId?: string | null | undefined;
  domains?: string[] | undefined;
  contacts?: string[] | undefined;
  metadata?: Record<string, unknown> | undefined;
  seatLimit?: number | null | undefined;
  seatMode?: SeatMode | undefined;
  seatCeiling?: number | null | undefined;
}

export class ExternalIdTaken extends Error {
  constructor(readonly externalId: string) {
    super(`another organization already has the external_id ${JSON.stringify(externalId)}`);
  }
}

interface OrganizationRow {
  id: string;
  environment_id: string;
  name: string;
  external_id: string | null;
  domains: string[];
  contacts: string[];
  metadata: Record<string, unknown>;
  seat_limit: number | null;
  seat_mode: SeatMode;
  seat_ceiling: number | null;
  seats_used: number;
  created_at: Date;
  updated_at: Date;
}

const columns = `
         o.id, o.environment_id, o.name, o.external_id, o.domains, o.contacts, o.metadata, o.seat_limit, o.seat_mode, o.seat_ceiling,
         o.created_at, o.updated_at,
         (select coalesce(sum(h.active_users), 0)
            from directories d
            join directory_heads h on h.directory_id = d.id
           where d.environment_id = o.environment_id
             and d.organization_id = o.id) as seats_used`;

const insertOrganization = prepared<
  OrganizationRow,
  {
    id: string;
    environmentId: string;
    name: string;
    externalId: string | null;
    domains: string[];
    contacts: string[];
    metadata: string;
    seatLimit: number | null;
    seatMode: SeatMode;
    seatCeiling: number | null;
  }
>(
  'insert_organization',
  `
  with o as (
    insert into organizations (id, environment_id, name, external_id, domains, contacts, metadata, seat_limit, seat_mode, seat_ceiling)
    values (:id, :environmentId, :name, :externalId, :domains, :contacts, :metadata, :seatLimit, :seatMode, :seatCeiling)
    returning *
  ), seats as (
    insert into organization_seats (organization_id)
    select id
      from o
     where seat_limit is not null
  )
  select ${columns}
    from o`,
);

/** @throws ExternalIdTaken */
export async function createOrganization(
  pool: Pool,
  organization: OrganizationChanges & { environmentId: string; name: string },
): Promise<Organization> {
  const o = organization;
  const [row] = await uniqueExternalId(
    o.externalId,
    insertOrganization.run(pool, {
      id: newId(),
      environmentId: o.environmentId,
      name: o.name,
      externalId: o.externalId ?? null,
      domains: o.domains ?? [],
      contacts: o.contacts ?? [],
      metadata: JSON.stringify(o.metadata ?? {}),
      seatLimit: o.seatLimit ?? null,
      seatMode: o.seatMode ?? 'reject',
      seatCeiling: o.seatCeiling ?? null,
    }),
  );
  return organizationOf(row!);
}

const selectOrganizations = prepared<OrganizationRow>(
  'list_organizations',
  `
  select ${columns}
    from organizations o
   where o.environment_id = $1
     and o.deleted_at is null
     and o.id > $2
     and ($3::text is null or o.external_id = $3)
   order by o.id
   limit $4`,
);

/** In the order of their making, from after the id `after`. */
export async function listOrganizations(
  pool: Pool,
  query: { environmentId: string; limit: number; after?: string | undefined; externalId?: string | undefined },
): Promise<Organization[]> {
  const rows = await selectOrganizations.run(pool, [query.environmentId, query.after ?? firstId, query.externalId ?? null, query.limit]);
  return rows.map(organizationOf);
}

const selectOrganization = prepared<OrganizationRow>(
  'get_organization',
  `
  select ${columns}
    from organizations o
   where o.environment_id = $1
     and o.id = $2
     and o.deleted_at is null`,
);

export async function getOrganization(
  pool: Pool,
  query: { environmentId: string; organizationId: string },
): Promise<Organization | undefined> {
  const [row] = await selectOrganization.run(pool, [query.environmentId, query.organizationId]);
  return row && organizationOf(row);
}

// A column whose flag is false stays as it is: null is a value that a vendor may set.
const updateOrganization = prepared<
  OrganizationRow,
  {
    environmentId: string;
    organizationId: string;
    name: string | null;
    setsExternalId: boolean;
    externalId: string | null;
    domains: string[] | null;
    contacts: string[] | null;
    metadata: string | null;
    setsSeatLimit: boolean;
    seatLimit: number | null;
    seatMode: SeatMode | null;
    setsSeatCeiling: boolean;
    seatCeiling: number | null;
  }
>(
  'change_organization',
  `
  update organizations o
     set name = coalesce(:name, o.name),
         external_id = case when :setsExternalId then :externalId else o.external_id end,
         domains = coalesce(:domains, o.domains),
         contacts = coalesce(:contacts, o.contacts),
         metadata = coalesce(:metadata::jsonb, o.metadata),
         seat_limit = case when :setsSeatLimit then :seatLimit else o.seat_limit end,
         seat_mode = coalesce(:seatMode, o.seat_mode),
         seat_ceiling = case when :setsSeatCeiling then :seatCeiling else o.seat_ceiling end,
         updated_at = now()
   where o.environment_id = :environmentId
     and o.id = :organizationId
     and o.deleted_at is null
  returning ${columns}`,
);

/** @throws ExternalIdTaken */
export async function changeOrganization(
  pool: Pool,
  query: { environmentId: string; organizationId: string; changes: OrganizationChanges },
): Promise<Organization | undefined> {
  const c = query.changes;
  const update = (db: Queryable) =>
    updateOrganization.run(db, {
      environmentId: query.environmentId,
      organizationId: query.organizationId,
      name: c.name ?? null,
      setsExternalId: c.externalId !== undefined,
      externalId: c.externalId ?? null,
      domains: c.domains ?? null,
      contacts: c.contacts ?? null,
      metadata: c.metadata === undefined ? null : JSON.stringify(c.metadata),
      setsSeatLimit: c.seatLimit !== undefined,
      seatLimit: c.seatLimit ?? null,
      seatMode: c.seatMode ?? null,
      setsSeatCeiling: c.seatCeiling !== undefined,
      seatCeiling: c.seatCeiling ?? null,
    });
  const ofSeats = c.seatLimit !== undefined || c.seatMode !== undefined || c.seatCeiling !== undefined;
  const [row] = await uniqueExternalId(c.externalId, ofSeats ? inSeats(pool, query, update) : update(pool));
  return row && organizationOf(row);
}

const directoriesOf = prepared<{ id: string }>(
  'directories_of_organization',
  `
  select id
    from directories
   where environment_id = $1
     and organization_id = $2
     and deleted_at is null
   order by id`,
);

const markOrganizationDeleted = prepared<{ id: string }>(
  'delete_organization',
  `
  update organizations
     set deleted_at = now()
   where environment_id = $1
     and id = $2
     and deleted_at is null
  returning id`,
);

/** Deletes an organization after its directories, each with its own `directory.deleted`. False where there is none. */
export async function deleteOrganization(
  pool: DirectoryPool,
  query: { environmentId: string; organizationId: string; requestId?: string | null | undefined },
): Promise<boolean> {
  const { environmentId, organizationId } = query;
  if (!(await getOrganization(pool, query))) return false;
  // Marked first: from here on nobody can add a directory that this would miss.
  const marked = await markOrganizationDeleted.run(pool, [environmentId, organizationId]);
  for (const { id } of await directoriesOf.run(pool, [environmentId, organizationId])) {
    await deleteDirectory(pool, { environmentId, directoryId: id, requestId: query.requestId });
  }
  return marked.length > 0;
}

function organizationOf(row: OrganizationRow): Organization {
  return {
    id: row.id,
    environmentId: row.environment_id,
    name: row.name,
    externalId: row.external_id,
    domains: row.domains,
    contacts: row.contacts,
    metadata: row.metadata,
    seatLimit: row.seat_limit,
    seatMode: row.seat_mode,
    seatCeiling: row.seat_ceiling,
    seatsUsed: row.seats_used,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

async function uniqueExternalId<T>(externalId: string | null | undefined, written: Promise<T>): Promise<T> {
  try {
    return await written;
  } catch (error) {
    if (violates(error, 'organizations_external_id')) throw new ExternalIdTaken(externalId ?? '');
    throw error;
  }
}
