import type { Pool } from 'pg';
import { hashPassword, type Passwords } from '#credential';
import { newId } from '#identifier';
import { prepared } from '#postgres';
import { linkHash, newLinkSecret } from './mailed-link';
import { recordAct } from './audit-log';
import { emailKey, listMemberEnvironments, randomPassword } from './members';

const selectPassword = prepared<{ passwordHash: string }>(
  'select_password',
  `
  select password_hash as "passwordHash"
    from members
   where id = $1`,
);

const updatePassword = prepared(
  'update_password',
  `
  with ended as (
    delete from member_sessions
     where member_id = $1
       and id <> $2
  )
  update members
     set password_hash = $3
   where id = $1`,
);

/** A member's new password, where they know the old one. Ends their other sessions. False where the old one is not right. */
export async function changePassword(
  pool: Pool,
  passwords: Passwords,
  change: { memberId: string; sessionId: string; current: string; next: string },
): Promise<boolean> {
  const [row] = await selectPassword.run(pool, [change.memberId]);
  if (!(await passwords.verify(change.current, row?.passwordHash))) return false;
  await updatePassword.run(pool, [change.memberId, change.sessionId, await passwords.hash(change.next)]);
  return true;
}

const insertPasswordReset = prepared<{ email: string | null }>(
  'insert_password_reset',
  `
  with replaced as (
    delete from member_links
     where email_key = $1
       and kind = 'password_reset'
  )
  insert into member_links (id, hash, kind, email, email_key, expires_at)
  values ($2, $3, 'password_reset', $1, $1, now() + interval '1 hour')
  returning (select email from members where email_key = $1) as email`,
);

/**
 * Makes the link that lets a member choose a new password, good for one hour; links asked for before end. `undefined` where
 * nobody has that address: whoever asked must not be told. Then a link is kept as well, which opens nothing and nobody is given:
 * the time tells nobody which it was.
 */
export async function requestPasswordReset(
  pool: Pool,
  { email }: { email: string },
): Promise<{ email: string; secret: string } | undefined> {
  const { secret, hash } = newLinkSecret();
  const [row] = await insertPasswordReset.run(pool, [emailKey(email), newId(), hash]);
  return row?.email == null ? undefined : { email: row.email, secret };
}

const selectPasswordReset = prepared(
  'select_password_reset',
  `
  select 1
    from member_links
   where hash = $1
     and kind = 'password_reset'
     and expires_at > now()`,
);

const usePasswordReset = prepared<{ memberId: string }>(
  'use_password_reset',
  `
  with link as (
    delete from member_links
     where hash = $1
       and kind = 'password_reset'
       and expires_at > now()
    returning email_key
  ), changed as (
    update members m
       set password_hash = $2
      from link
     where m.email_key = link.email_key
    returning m.id
  ), ended as (
    delete from member_sessions s
     using changed
     where s.member_id = changed.id
  )
  select id as "memberId"
    from changed`,
);

/** Uses such a link: sets the password and ends every session. Answers whose it is; `undefined` where the link is not good, or no longer. */
export async function resetPassword(
  pool: Pool,
  passwords: Passwords,
  { secret, password }: { secret: string; password: string },
): Promise<{ memberId: string } | undefined> {
  const hash = linkHash(secret);
  if (!hash) return undefined;
  // A hash of a password is dear, and made for nobody who has no link.
  if ((await selectPasswordReset.run(pool, [hash])).length === 0) return undefined;
  const [row] = await usePasswordReset.run(pool, [hash, await passwords.hash(password)]);
  return row;
}

const updateForgottenPassword = prepared<{ id: string; email: string }>(
  'update_forgotten_password',
  `
  with changed as (
    update members
       set password_hash = $2
     where email_key = $1
    returning id, email
  ), ended as (
    delete from member_sessions s
     using changed
     where s.member_id = changed.id
  ), replaced as (
    delete from member_links
     where email_key = $1
       and kind = 'password_reset'
  )
  select id, email
    from changed`,
);

/**
 * Gives a member a random password, for whoever operates the installation: ends every session of theirs, and every link by which they
 * could have chosen one. Noted in the audit log of each of their environments. `undefined` where nobody has that address.
 */
export async function giveNewPassword(pool: Pool, { email }: { email: string }): Promise<{ email: string; password: string } | undefined> {
  const password = randomPassword();
  const [member] = await updateForgottenPassword.run(pool, [emailKey(email), await hashPassword(password)]);
  if (!member) return undefined;
  for (const { id: environmentId } of await listMemberEnvironments(pool, { memberId: member.id })) {
    await recordAct(pool, {
      environmentId,
      actor: { type: 'operator', id: null },
      act: 'resetPassword',
      targets: [member.email],
      fields: [],
      requestId: null,
      remoteAddress: null,
      userAgent: null,
    });
  }
  return { email: member.email, password };
}
