import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { hashPassword, type Keyring } from '#credential';
import { newId } from '#identifier';
import { prepared } from '#postgres';
import { sealUnshownPassword } from './first-secrets';

/** A person who signs in to the console. */
export interface Member {
  id: string;
  email: string;
  createdAt: Date;
}

/** What a member may do in an environment: see everything, or also change it. */
export const roles = ['admin', 'viewer'] as const;
export type Role = (typeof roles)[number];

/** A member as an environment has them. */
export interface EnvironmentMember extends Member {
  role: Role;
  /** Since when they belong to the environment. */
  since: Date;
  lastSeenAt: Date | null;
}

/** An environment as one of its members sees it. */
export interface MemberEnvironment {
  id: string;
  name: string;
  role: Role;
  createdAt: Date;
}

/** Without an admin nobody could bring one in again. */
export class LastAdmin extends Error {
  constructor() {
    super('an environment needs an admin: make somebody else one first');
  }
}

/** An e-mail address as it is compared. */
export function emailKey(email: string): string {
  return email.trim().toLowerCase();
}

const selectAnyMember = prepared(
  'select_any_member',
  `
  select 1
    from members
   limit 1`,
);

const insertFirstMember = prepared<{ email: string }>(
  'insert_first_member',
  `
  with environment as (
    select id
      from environments
     order by id
     limit 1
       for no key update
  ), member as (
    insert into members (id, email, email_key, password_hash)
    select $1, $2, $3, $4
      from environment
     where not exists (select 1 from members)
    on conflict do nothing
    returning id, email
  ), membership as (
    insert into environment_members (environment_id, member_id, role)
    select environment.id, member.id, 'admin'
      from environment, member
  ), unshown as (
    insert into unshown_secrets (kind, member_id, sealed)
    select 'password', id, $5
      from member
     where $5::bytea is not null
  )
  select email
    from member`,
);

/**
 * On an installation where nobody can sign in yet, makes the first member, an admin of its oldest environment, with the password
 * given or a random one, which is kept, sealed, until it has been shown (without a keyring: not). `undefined` where there is a member
 * already, or no environment yet. Of several processes that start at once, one makes it.
 */
export async function ensureFirstMember(
  pool: Pool,
  { email, password, keyring }: { email: string; password?: string | undefined; keyring?: Keyring },
): Promise<{ email: string; password?: string } | undefined> {
  if ((await selectAnyMember.run(pool, [])).length > 0) return undefined;

  const made = password ?? randomPassword();
  const [row] = await insertFirstMember.run(pool, [
    newId(),
    email.trim(),
    emailKey(email),
    await hashPassword(made),
    password === undefined && keyring ? sealUnshownPassword(keyring, made) : null,
  ]);
  if (!row) return undefined;
  return password === undefined ? { email: row.email, password: made } : { email: row.email };
}

/** 100 bits, without the letters and digits that are mistaken for one another. */
export function randomPassword(): string {
  return Array.from(randomBytes(20), (byte) => 'abcdefghjkmnpqrstuvwxyz23456789ABC'[byte % 32]).join('');
}

const selectMemberEnvironments = prepared<MemberEnvironment>(
  'select_member_environments',
  `
  select e.id, e.name, m.role, e.created_at as "createdAt"
    from environment_members m
    join environments e on e.id = m.environment_id
   where m.member_id = $1
   order by e.id`,
);

/** The environments that a member may see, oldest first. */
export async function listMemberEnvironments(pool: Pool, { memberId }: { memberId: string }): Promise<MemberEnvironment[]> {
  return selectMemberEnvironments.run(pool, [memberId]);
}

const selectRole = prepared<{ role: Role }>(
  'role_in_environment',
  `
  select role
    from environment_members
   where environment_id = $1
     and member_id = $2`,
);

/** What a member may do in an environment; `undefined` where they do not belong to it. */
export async function roleIn(
  pool: Pool,
  { memberId, environmentId }: { memberId: string; environmentId: string },
): Promise<Role | undefined> {
  const [row] = await selectRole.run(pool, [environmentId, memberId]);
  return row?.role;
}

const selectMembers = prepared<EnvironmentMember>(
  'select_members',
  `
  select m.id, m.email, m.created_at as "createdAt", e.role, e.created_at as since,
         (select max(s.last_seen_at) from member_sessions s where s.member_id = m.id) as "lastSeenAt"
    from environment_members e
    join members m on m.id = e.member_id
   where e.environment_id = $1
   order by e.created_at, m.id`,
);

/** Everybody who belongs to an environment, longest-standing first. */
export async function listMembers(pool: Pool, { environmentId }: { environmentId: string }): Promise<EnvironmentMember[]> {
  return selectMembers.run(pool, [environmentId]);
}

// Two admins who demote each other at the same moment take turns at these rows, and the second one finds itself alone.
const adminsLocked = `
  with admins as (
    select member_id
      from environment_members
     where environment_id = $1
       and role = 'admin'
     order by member_id
       for update
  )`;

const outcome = `
  select (select count(*)::int from changed) as changed,
         exists (select 1 from environment_members where environment_id = $1 and member_id = $2) as "left"`;

const updateRole = prepared<{ changed: number; left: boolean }>(
  'update_role',
  `
  ${adminsLocked}, changed as (
    update environment_members
       set role = $3
     where environment_id = $1
       and member_id = $2
       and ($3 = 'admin' or exists (select 1 from admins where member_id <> $2))
    returning 1
  )
  ${outcome}`,
);

/** Changes what a member may do. False where they do not belong to the environment. @throws LastAdmin */
export async function changeRole(pool: Pool, change: { environmentId: string; memberId: string; role: Role }): Promise<boolean> {
  return outcomeOf(await updateRole.run(pool, [change.environmentId, change.memberId, change.role]));
}

const deleteMember = prepared<{ changed: number; left: boolean }>(
  'delete_member',
  `
  ${adminsLocked}, changed as (
    delete from environment_members
     where environment_id = $1
       and member_id = $2
       and exists (select 1 from admins where member_id <> $2)
    returning 1
  )
  ${outcome}`,
);

/** Takes a member out of an environment; their other environments stay theirs. False where they do not belong to it. @throws LastAdmin */
export async function removeMember(pool: Pool, { environmentId, memberId }: { environmentId: string; memberId: string }): Promise<boolean> {
  return outcomeOf(await deleteMember.run(pool, [environmentId, memberId]));
}

function outcomeOf([row]: { changed: number; left: boolean }[]): boolean {
  if (row?.changed === 1) return true;
  if (row?.left) throw new LastAdmin();
  return false;
}
