import type { Mapping } from '#mapping';
import type { SchemaSet } from '#scim';
import type { Brake, BrakeRow } from './brake';
import { prepared } from '#postgres';
import { type KnownMapping, noMapping } from '../writing/known-rules';
import { extensionsOfDirectory } from './schema-extensions';
import type { SeatMode, Seats } from './seats';
import { type DirectoryTransaction, MustBeAlone, SeatsWereSet } from '../writing/transaction';

/** What a vendor has decided for a directory, as it stands under the directory's lock. */
export interface Policy {
  /** The directory's own, else its environment's, else none: nothing is mapped and nothing refused. */
  mapping: Mapping;
  /** Whether a change of membership, or of a group's name, can change what a user is mapped to. */
  readsGroups: boolean;
  schemas: SchemaSet;
  /** The organization's, for `foreign_domain`. */
  domains: string[];
  /** Null: not set, and nothing is counted. */
  seats: Seats | null;
  brake: Brake | null;
}

interface PolicyRow {
  revision: string | null;
  mapping: Mapping | null;
  extensions: string | null;
  domains: string[];
  announced: number | null;
  seat_limit: number | null;
  seat_mode: SeatMode;
  seat_ceiling: number | null;
  seats_used: number | null;
  organization_id: string;
  brake: BrakeRow | null;
}

// The mapping itself only where the caller does not have that revision already.
const selectPolicy = prepared<PolicyRow>(
  'policy_of_directory',
  `
  select m.revision, case when m.revision is distinct from $2::uuid then m.mapping end as mapping, ${extensionsOfDirectory},
         o.domains, d.organization_id, s.announced, o.seat_limit, o.seat_mode, o.seat_ceiling,
         case when s.organization_id is not null
              then (select coalesce(sum(h.active_users), 0)
                      from directories p
                      join directory_heads h on h.directory_id = p.id
                     where p.environment_id = d.environment_id
                       and p.organization_id = d.organization_id) end as seats_used,
         case when b.directory_id is not null then to_json(b) end as brake
    from directories d
    join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id
    left join lateral (select a.revision, a.mapping
                         from attribute_mappings a
                        where a.scope_id in (d.id, d.environment_id)
                        order by a.scope_id = d.id desc
                        limit 1) m on true
    left join organization_seats s on s.organization_id = d.organization_id
    left join directory_brakes b on b.directory_id = d.id
   where d.id = $1`,
);

/**
 * The policy that a change is made under. Read behind the directory's lock, in the same round trip, and so never out of date:
 * whoever saves a mapping and then has the users mapped anew finds a writer that read the old one done by the time it gets the
 * lock. Read once for all who are made side by side.
 */
export function policyOf(tx: DirectoryTransaction): Promise<Policy> {
  return tx.readOnce(readPolicy);
}

/**
 * The same for a change of users: throws SeatsWereSet where there are seats and this transaction has not locked them, and
 * MustBeAlone where something is counted, or an address held, that whoever shares the transaction would count or hold as well.
 */
export async function policyForUsers(tx: DirectoryTransaction): Promise<Policy> {
  const policy = await policyOf(tx);
  if (tx.isShared && (policy.seats || policy.brake || policy.mapping.rules.email_elsewhere !== 'ignore')) throw new MustBeAlone();
  if (policy.seats && !tx.holdsSeats) throw new SeatsWereSet();
  return policy;
}

async function readPolicy(tx: DirectoryTransaction): Promise<Policy> {
  const { mappings, schemas } = tx.known;
  const known = mappings.ofDirectory(tx.directory.id);
  const [row] = await tx.read(selectPolicy, [tx.directory.id, known?.revision ?? null]);
  if (!row) throw new Error('a directory is locked and not there');
  const { mapping, readsGroups } = mappingOf(tx, row, known);
  return {
    mapping,
    readsGroups,
    schemas: schemas.of(row.extensions),
    domains: row.domains,
    seats: seatsOf(row),
    brake: row.brake && brakeOf(row.brake),
  };
}

function mappingOf(tx: DirectoryTransaction, { revision, mapping }: PolicyRow, known: KnownMapping | undefined): KnownMapping {
  if (revision === null) return noMapping;
  if (revision === known?.revision) return known;
  if (!mapping) throw new Error('a mapping was not sent and is not known');
  return tx.known.mappings.add(tx.directory.id, revision, mapping);
}

function seatsOf(row: PolicyRow): Seats | null {
  if (row.announced === null || row.seat_limit === null) return null;
  return {
    organizationId: row.organization_id,
    limit: row.seat_limit,
    mode: row.seat_mode,
    ceiling: row.seat_ceiling,
    used: row.seats_used ?? 0,
    announced: row.announced,
  };
}

function brakeOf(row: BrakeRow): Brake {
  return {
    maxUsers: row.max_users,
    maxPercent: row.max_percent,
    windowSeconds: row.window_seconds,
    engagedAt: row.engaged_at === null ? null : new Date(row.engaged_at),
  };
}
