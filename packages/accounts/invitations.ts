import type { Pool } from 'pg';
import type { Passwords } from '#credential';
import { newId } from '#identifier';
import { prepared } from '#postgres';
import { linkHash, newLinkSecret } from './mailed-link';
import { emailKey, type Role } from './members';

/** Somebody who has been asked to join an environment and has not answered yet. */
export interface Invitation {
  id: string;
  email: string;
  role: Role;
  invitedBy: string | null;
  createdAt: Date;
  expiresAt: Date;
}

/** What somebody who opens an invitation is shown. */
export interface OpenedInvitation {
  email: string;
  role: Role;
  environmentName: string;
  /** Whether the address is a member's already, who needs no password any more. */
  known: boolean;
}

export class AlreadyMember extends Error {
  constructor(readonly email: string) {
    super(`${email} belongs to this environment already`);
  }
}

interface NewInvitation {
  environmentId: string;
  email: string;
  role: Role;
  invitedBy: string;
}

const insertInvitation = prepared<Invitation, NewInvitation & { id: string; hash: Buffer; emailKey: string }>(
  'insert_invitation',
  `
  with replaced as (
    delete from member_links
     where environment_id = :environmentId
       and email_key = :emailKey
       and kind = 'invitation'
  )
  insert into member_links (id, hash, kind, environment_id, email, email_key, role, invited_by, expires_at)
  select :id, :hash, 'invitation', :environmentId, :email, :emailKey, :role, :invitedBy, now() + interval '7 days'
   where not exists (select 1
                       from environment_members e
                       join members m on m.id = e.member_id
                      where e.environment_id = :environmentId
                        and m.email_key = :emailKey)
  returning id, email, role, (select email from members where id = invited_by) as "invitedBy", created_at as "createdAt", expires_at as "expiresAt"`,
);

/**
 * Invites an address, for a week; an earlier invitation of the same address ends. `secret` goes into the mail and nowhere else:
 * whoever opens it has shown that the address is theirs.
 *
 * @throws AlreadyMember
 */
export async function invite(pool: Pool, invitation: NewInvitation): Promise<Invitation & { secret: string }> {
  const { secret, hash } = newLinkSecret();
  const [row] = await insertInvitation.run(pool, {
    ...invitation,
    id: newId(),
    hash,
    email: invitation.email.trim(),
    emailKey: emailKey(invitation.email),
  });
  if (!row) throw new AlreadyMember(invitation.email);
  return { ...row, secret };
}

const selectInvitations = prepared<Invitation>(
  'select_invitations',
  `
  select l.id, l.email, l.role, m.email as "invitedBy", l.created_at as "createdAt", l.expires_at as "expiresAt"
    from member_links l
    left join members m on m.id = l.invited_by
   where l.environment_id = $1
     and l.kind = 'invitation'
     and l.expires_at > now()
   order by l.id desc`,
);

/** The invitations that can still be answered, newest first. */
export async function listInvitations(pool: Pool, { environmentId }: { environmentId: string }): Promise<Invitation[]> {
  return selectInvitations.run(pool, [environmentId]);
}

const deleteInvitation = prepared(
  'delete_invitation',
  `
  delete from member_links
   where environment_id = $1
     and id = $2
     and kind = 'invitation'`,
);

/** Takes an invitation back. */
export async function revokeInvitation(
  pool: Pool,
  { environmentId, invitationId }: { environmentId: string; invitationId: string },
): Promise<boolean> {
  return (await deleteInvitation.change(pool, [environmentId, invitationId])) === 1;
}

const selectInvitation = prepared<OpenedInvitation>(
  'select_invitation',
  `
  select l.email, l.role, e.name as "environmentName", exists (select 1 from members m where m.email_key = l.email_key) as known
    from member_links l
    join environments e on e.id = l.environment_id
   where l.hash = $1
     and l.kind = 'invitation'
     and l.expires_at > now()`,
);

/** What an invitation says; `undefined` where it is not good, or no longer. */
export async function openInvitation(pool: Pool, { secret }: { secret: string }): Promise<OpenedInvitation | undefined> {
  const hash = linkHash(secret);
  if (!hash) return undefined;
  const [row] = await selectInvitation.run(pool, [hash]);
  return row;
}

const useInvitation = prepared<{ memberId: string; environmentId: string }>(
  'use_invitation',
  `
  with link as (
    delete from member_links
     where hash = $1
       and kind = 'invitation'
       and expires_at > now()
    returning email, email_key, environment_id, role
  ), made as (
    insert into members (id, email, email_key, password_hash)
    select $2, email, email_key, $3
      from link
     where $3::text is not null
    on conflict (email_key) do nothing
    returning id
  ), member as (
    select id from made
     union all
    select m.id
      from members m
      join link on link.email_key = m.email_key
  ), membership as (
    insert into environment_members (environment_id, member_id, role)
    select link.environment_id, member.id, link.role
      from link, member
    on conflict (environment_id, member_id) do nothing
  )
  select member.id as "memberId", link.environment_id as "environmentId"
    from link, member`,
);

/**
 * Uses an invitation: makes the member where the address is nobody's yet, which takes a password, and brings them in. The
 * password of somebody who is a member already is left alone. Without a password nobody is made.
 */
export async function acceptInvitation(
  pool: Pool,
  passwords: Passwords,
  { secret, password }: { secret: string; password: string | undefined },
): Promise<{ memberId: string; environmentId: string } | undefined> {
  const hash = linkHash(secret);
  if (!hash) return undefined;
  const [row] = await useInvitation.run(pool, [hash, newId(), password === undefined ? null : await passwords.hash(password)]);
  return row;
}
