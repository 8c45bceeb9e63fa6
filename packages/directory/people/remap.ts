/** Users who are mapped anew though nobody wrote them: because a group of theirs changed, or the mapping itself. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Mapping } from '#mapping';
import { foreignDomains } from '#mapping';
import { addressesElsewhere, problemsElsewhere } from './admission';
import { appendEvents } from '../log/event-log';
import { mapUser } from '../resource/mapped-user';
import { groupsAsMeant } from './namesakes';
import { type Policy, policyOf } from '../rules/policy';
import { firstId, prepared } from '#postgres';
import { emailKeysOf, namedAddresses, previousOfUser, sameJson } from '../resource/profile';
import { type StoredUser, type UserRow, userColumns, userGroups, userJson, userOf } from '../resource/stored-user';
import { type DirectoryPool, DirectoryGone, type DirectoryScope, type DirectoryTransaction, inDirectory } from '../writing/transaction';

/** How many users are in memory, and mapped in one statement. */
export const mappedAtOnce = 500;

const usersByIds = prepared<UserRow>(
  'users_to_map_by_ids',
  `
  select ${userColumns}
    from users u ${userGroups}
   where u.directory_id = $1
     and u.id = any ($2::uuid[])
   order by u.id`,
);

/**
 * Maps users anew whose groups have changed in this transaction, and appends `user.updated` for those whose roles or attributes
 * that changes. Costs nothing where the mapping does not look at groups. `leaving`: a group that is on its way out.
 */
export async function remapMembers(tx: DirectoryTransaction, userIds: readonly string[], leaving?: string): Promise<void> {
  const policy = await policyOf(tx);
  if (!policy.readsGroups) return;
  for (let i = 0; i < userIds.length; i += mappedAtOnce) {
    const rows = await tx.read(usersByIds, [tx.directory.id, userIds.slice(i, i + mappedAtOnce)]);
    await storeMapped(tx, await changedBy(tx, policy, rows.map(userOf), leaving));
  }
}

const memberPage = prepared<UserRow>(
  'members_to_map',
  `
  select ${userColumns}
    from memberships own
    join users u on u.directory_id = own.directory_id and u.id = own.member_id ${userGroups}
   where own.directory_id = $1
     and own.group_id = $2
     and own.present
     and own.member_id > $3
   order by own.member_id
   limit ${mappedAtOnce}`,
);

/** The same for all members of a group whose name, or what is meant by it, has changed. */
export async function remapGroup(tx: DirectoryTransaction, groupId: string): Promise<void> {
  const policy = await policyOf(tx);
  if (!policy.readsGroups) return;
  for (let last = firstId; ;) {
    const users = (await tx.read(memberPage, [tx.directory.id, groupId, last])).map(userOf);
    await storeMapped(tx, await changedBy(tx, policy, users));
    const end = users.at(-1);
    if (!end || users.length < mappedAtOnce) return;
    last = end.id;
  }
}

interface Change {
  before: StoredUser;
  after: StoredUser;
}

async function changedBy(tx: DirectoryTransaction, { mapping, schemas }: Policy, users: StoredUser[], leaving?: string): Promise<Change[]> {
  const groupsOf = await groupsAsMeant(tx, mapping, users, leaving);
  return users.flatMap((before, i) => remapped(before, mapUser(mapping, schemas, { ...before, groups: groupsOf[i] ?? [] })) ?? []);
}

function remapped(before: StoredUser, { roles, attributes }: Pick<ReturnType<typeof mapUser>, 'roles' | 'attributes'>): Change | undefined {
  if (sameJson(roles, before.profile.roles) && sameJson(attributes, before.profile.attributes)) return undefined;
  return { before, after: { ...before, profile: { ...before.profile, roles, attributes } } };
}

const updateProfiles = prepared(
  'update_profiles',
  `
  update users u
     set profile = n.profile::json,
         profile_bytes = octet_length(n.profile),
         version = n.version,
         updated_at = $2
    from unnest($3::uuid[], $4::text[], $5::bigint[]) as n (id, profile, version)
   where u.directory_id = $1
     and u.id = n.id`,
);

/** `cause`: why, where it was nothing that the identity provider did. */
async function storeMapped(tx: DirectoryTransaction, changes: Change[], cause?: 'mapping'): Promise<void> {
  if (changes.length === 0) return;
  const first = tx.sequence + 1;
  const after = changes.map((change, i): StoredUser => ({ ...change.after, version: first + i, updatedAt: tx.now }));
  tx.write(updateProfiles, [
    tx.directory.id,
    tx.now,
    after.map(({ id }) => id),
    after.map(({ profile }) => JSON.stringify(profile)),
    after.map(({ version }) => version),
  ]);
  appendEvents(
    tx,
    changes.map((change, i) => ({
      type: 'user.updated',
      data: () => ({
        user: userJson(tx.directory, after[i] ?? change.after),
        previous: previousOfUser(change.before, change.after),
        ...(cause && { cause }),
      }),
    })),
  );
  await tx.flush();
}

// ── A mapping was saved ────────────────────────────────────────────────────────────────────────

/** The work of mapping everybody anew under a mapping that was saved. */
export interface Remap {
  id: string;
  environmentId: string;
  /** Null: every directory of the environment that has no mapping of its own. */
  directoryId: string | null;
  /** `superseded`: a newer one has taken its place before it was done. */
  state: 'running' | 'finished' | 'superseded';
  /** Null: not counted yet. */
  usersTotal: number | null;
  usersDone: number;
  usersChanged: number;
  /** Those who break a rule whose action is `reject`: they stay, and their next write would be refused. */
  usersFailing: number;
  createdAt: Date;
  finishedAt: Date | null;
}

interface RemapRow {
  id: string;
  environment_id: string;
  directory_id: string | null;
  request_id: string | null;
  created_at: Date;
  users_total: number | null;
  users_done: number;
  users_changed: number;
  users_failing: number;
  passed_directory_id: string | null;
  current_directory_id: string | null;
  passed_user_id: string | null;
  finished_at: Date | null;
  superseded: boolean;
}

const remapColumns = `
         r.id, r.environment_id, r.directory_id, r.request_id, r.created_at, r.users_total, r.users_done, r.users_changed, r.users_failing,
         r.passed_directory_id, r.current_directory_id, r.passed_user_id, r.finished_at, r.superseded`;

const selectRemap = prepared<RemapRow>(
  'get_remap',
  `
  select ${remapColumns}
    from remaps r
   where r.environment_id = $1
     and r.id = $2`,
);

export async function getRemap(pool: Pool, query: { environmentId: string; remapId: string }): Promise<Remap | undefined> {
  const [row] = await selectRemap.run(pool, [query.environmentId, query.remapId]);
  return row && remapOf(row);
}

const selectRemaps = prepared<RemapRow>(
  'list_remaps',
  `
  select ${remapColumns}
    from remaps r
   where r.environment_id = $1
     and r.id < $2
   order by r.id desc
   limit $3`,
);

/** Newest first, from before the id `before`. */
export async function listRemaps(pool: Pool, query: { environmentId: string; limit: number; before: string }): Promise<Remap[]> {
  return (await selectRemaps.run(pool, [query.environmentId, query.before, query.limit])).map(remapOf);
}

const leaseSeconds = 10;
// One that lies further ahead is of a clock that was set back since.
const furthestLease = `interval '${2 * leaseSeconds} seconds'`;

// One at a time is enough for a process; of several that are waiting the oldest. Held by a lease, so that it goes on elsewhere
// where a process was killed; that the lease is not more than politeness, see `step`.
const claimRemap = prepared<RemapRow>(
  'claim_remap',
  `
  update remaps r
     set lease_until = now() + interval '${leaseSeconds} seconds'
   where r.id = (select id
                   from remaps
                  where finished_at is null
                    and (lease_until is null or lease_until < now() or lease_until > now() + ${furthestLease})
                  order by id
                  limit 1
                    for update skip locked)
  returning ${remapColumns}`,
);

const countUsers = prepared(
  'count_users_to_remap',
  `
  update remaps r
     set users_total = (select count(*)
                          from directories d
                          join users u on u.directory_id = d.id
                         where d.environment_id = r.environment_id
                           and d.deleted_at is null
                           and case when r.directory_id is null
                                    then not exists (select 1 from attribute_mappings m where m.scope_id = d.id)
                                    else d.id = r.directory_id end)
   where r.id = $1
     and r.users_total is null`,
);

/**
 * Maps users anew wherever a saved mapping asks for it, batch by batch, until there is none left or `stop` says so. Answers how
 * many batches there were. To be called now and then, by any number of processes: it goes on where a killed one was.
 */
export async function remapUsers(pool: DirectoryPool, stop: AbortSignal): Promise<number> {
  let batches = 0;
  while (!stop.aborted) {
    const [row] = await claimRemap.run(pool, []);
    if (!row) return batches;
    await countUsers.run(pool, [row.id]);
    const pace = new Pace();
    for (let at: RemapRow | undefined = row; at; batches += 1) {
      if (stop.aborted) {
        await releaseRemap.run(pool, [row.id]);
        return batches;
      }
      at = await step(pool, at, pace);
      if (at) await pace.rest(stop);
    }
  }
  return batches;
}

const heldForMs = 25;

/**
 * How many users a batch maps, so that it holds their directory for about 25 ms whatever the database and the users are like, and
 * how long it is left to those who write to it until the next: they stand in line, but whoever comes again at once gets in between.
 */
class Pace {
  users = 50;
  #heldMs = 0;

  held(ms: number): void {
    this.#heldMs = ms;
    this.users = Math.max(10, Math.min(mappedAtOnce, Math.round(this.users * Math.min(2, heldForMs / ms))));
  }

  async rest(stop: AbortSignal): Promise<void> {
    await delay(this.#heldMs, undefined, { signal: stop }).catch(() => {});
  }
}

const releaseRemap = prepared(
  'release_remap',
  `
  update remaps
     set lease_until = null
   where id = $1`,
);

const nextDirectory = prepared<{ id: string; organization_id: string; organization_external_id: string | null }>(
  'next_directory_to_remap',
  `
  select d.id, d.organization_id, o.external_id as organization_external_id
    from directories d
    join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id
   where d.environment_id = $1
     and d.deleted_at is null
     and d.id > $3
     and case when $2::uuid is null
              then not exists (select 1 from attribute_mappings m where m.scope_id = d.id)
              else d.id = $2 end
   order by d.id
   limit 1`,
);

const userPage = prepared<UserRow>(
  'users_to_remap',
  `
  select ${userColumns}
    from users u ${userGroups}
   where u.directory_id = $1
     and u.id > $2
   order by u.id
   limit $3`,
);

// Only from where this process believes it to be: of two that do the same step, one commits.
const moveOn = prepared<
  RemapRow,
  {
    id: string;
    passedDirectoryId: string | null;
    currentDirectoryId: string | null;
    passedUserId: string | null;
    nextPassedDirectoryId: string | null;
    nextCurrentDirectoryId: string | null;
    nextPassedUserId: string | null;
    done: number;
    changed: number;
    failing: number;
  }
>(
  'move_remap',
  `
  update remaps r
     set passed_directory_id = :nextPassedDirectoryId,
         current_directory_id = :nextCurrentDirectoryId,
         passed_user_id = :nextPassedUserId,
         users_done = r.users_done + :done,
         users_changed = r.users_changed + :changed,
         users_failing = r.users_failing + :failing,
         lease_until = now() + interval '${leaseSeconds} seconds'
   where r.id = :id
     and r.finished_at is null
     and r.passed_directory_id is not distinct from :passedDirectoryId
     and r.current_directory_id is not distinct from :currentDirectoryId
     and r.passed_user_id is not distinct from :passedUserId
  returning ${remapColumns}`,
);

const finishRemap = prepared(
  'finish_remap',
  `
  update remaps
     set finished_at = now(),
         lease_until = null
   where id = $1
     and finished_at is null
     and passed_directory_id is not distinct from $2`,
);

/** It was superseded, or another process does it. */
class RemapLost extends Error {}

/** One batch, and where the remap is then; `undefined` where there is nothing more to do in it. */
async function step(pool: DirectoryPool, remap: RemapRow, pace: Pace): Promise<RemapRow | undefined> {
  const [next] = await nextDirectory.run(pool, [remap.environment_id, remap.directory_id, remap.passed_directory_id ?? firstId]);
  if (!next) {
    await finishRemap.run(pool, [remap.id, remap.passed_directory_id]);
    return undefined;
  }
  const directory: DirectoryScope = {
    id: next.id,
    environmentId: remap.environment_id,
    organizationId: next.organization_id,
    organizationExternalId: next.organization_external_id,
  };
  // The directory that it was at may be gone since; another one begins with its first user.
  const from = remap.current_directory_id === directory.id ? (remap.passed_user_id ?? firstId) : firstId;
  let heldFrom = performance.now();
  try {
    const moved = await inDirectory(pool, directory, remap.request_id, async (tx) => {
      await tx.locked();
      heldFrom = performance.now();
      return remapPage(tx, remap, from, pace.users);
    });
    pace.held(performance.now() - heldFrom);
    return moved;
  } catch (error) {
    if (error instanceof RemapLost) return undefined;
    if (error instanceof DirectoryGone) return remap; // and is no longer the next one
    throw error;
  }
}

async function remapPage(tx: DirectoryTransaction, remap: RemapRow, from: string, atMost: number): Promise<RemapRow> {
  const reading = policyOf(tx);
  const users = (await tx.read(userPage, [tx.directory.id, from, atMost])).map(userOf);
  const policy = await reading;

  const groupsOf = await groupsAsMeant(tx, policy.mapping, users);
  const mapped = users.map((user, i) => ({ user, ...mapUser(policy.mapping, policy.schemas, { ...user, groups: groupsOf[i] ?? [] }) }));
  const elsewhere =
    policy.mapping.rules.email_elsewhere === 'reject'
      ? await addressesElsewhere(
          tx.client,
          tx.directory,
          users.filter(({ profile }) => profile.active).flatMap(({ resource }) => emailKeysOf(resource)),
        )
      : new Set<string>();
  const failing = mapped.filter(
    ({ user, problems }) =>
      user.profile.active &&
      [...problems, ...rulesOfAddresses(policy.mapping, user, policy.domains, elsewhere)].some(({ action }) => action === 'reject'),
  );
  const changes = mapped.flatMap(({ user, ...to }) => remapped(user, to) ?? []);
  await storeMapped(tx, changes, 'mapping');

  const last = users.length < atMost ? undefined : users.at(-1);
  const [moved] = await tx.writeAndRead(moveOn, {
    id: remap.id,
    passedDirectoryId: remap.passed_directory_id,
    currentDirectoryId: remap.current_directory_id,
    passedUserId: remap.passed_user_id,
    nextPassedDirectoryId: last ? remap.passed_directory_id : tx.directory.id,
    nextCurrentDirectoryId: last ? tx.directory.id : null,
    nextPassedUserId: last ? last.id : null,
    done: users.length,
    changed: changes.length,
    failing: failing.length,
  });
  if (!moved) throw new RemapLost();
  return moved;
}

/** What there is to say of a stored user's addresses. `taken`: those that are active elsewhere, folded. */
export function rulesOfAddresses(
  mapping: Mapping,
  user: { resource: StoredUser['resource'] },
  domains: string[],
  taken: ReadonlySet<string>,
) {
  const emails = namedAddresses(user.resource);
  return [...foreignDomains(mapping, emails, domains), ...problemsElsewhere(mapping, emails, taken)];
}

function remapOf(row: RemapRow): Remap {
  return {
    id: row.id,
    environmentId: row.environment_id,
    directoryId: row.directory_id,
    state: row.finished_at === null ? 'running' : row.superseded ? 'superseded' : 'finished',
    usersTotal: row.users_total,
    usersDone: row.users_done,
    usersChanged: row.users_changed,
    usersFailing: row.users_failing,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  };
}
