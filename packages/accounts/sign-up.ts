import type { Pool } from 'pg';
import type { Passwords } from '#credential';
import { newId } from '#identifier';
import { prepared } from '#postgres';
import { linkHash, newLinkSecret } from './mailed-link';
import { emailKey } from './members';

const insertSignUp = prepared<
  { known: boolean },
  { id: string; hash: Buffer; email: string; emailKey: string; passwordHash: string; environmentName: string }
>(
  'insert_sign_up',
  `
  insert into member_links (id, hash, kind, email, email_key, password_hash, environment_name, expires_at)
  values (:id, :hash, 'sign_up', :email, :emailKey, :passwordHash, :environmentName, now() + interval '1 day')
  returning exists (select 1 from members where email_key = :emailKey) as known`,
);

/**
 * Keeps a sign-up until its address has been shown to be the signer's, for a day at most. Other sign-ups of the same address stay as
 * they are: a stranger's must not end its owner's. `known`: somebody has that address already, so the secret opens nothing; whoever
 * asked must not be told, but the address' owner may be, by mail. Either way one row is written: the time tells nobody which it was.
 */
export async function requestSignUp(
  pool: Pool,
  passwords: Passwords,
  signUp: { email: string; password: string; environmentName: string },
): Promise<{ kind: 'kept'; secret: string } | { kind: 'known' }> {
  const { secret, hash } = newLinkSecret();
  const [row] = await insertSignUp.run(pool, {
    id: newId(),
    hash,
    email: signUp.email.trim(),
    emailKey: emailKey(signUp.email),
    passwordHash: await passwords.hash(signUp.password),
    environmentName: signUp.environmentName,
  });
  return row?.known === false ? { kind: 'kept', secret } : { kind: 'known' };
}

export type ConfirmedSignUp = { kind: 'made'; memberId: string; environmentId: string } | { kind: 'wrong_password' } | { kind: 'no_link' };

const selectSignUp = prepared<{ passwordHash: string }>(
  'select_sign_up',
  `
  select password_hash as "passwordHash"
    from member_links
   where hash = $1
     and kind = 'sign_up'
     and expires_at > now()`,
);

const useSignUp = prepared<{ memberId: string; environmentId: string }>(
  'use_sign_up',
  `
  with link as (
    delete from member_links
     where hash = $1
       and kind = 'sign_up'
       and expires_at > now()
    returning email, email_key, password_hash, environment_name
  ), member as (
    insert into members (id, email, email_key, password_hash)
    select $2, email, email_key, password_hash
      from link
    on conflict (email_key) do nothing
    returning id
  ), environment as (
    insert into environments (id, name)
    select $3, environment_name
      from link, member
    returning id
  ), head as (
    insert into feed_heads (environment_id)
    select id
      from environment
  ), membership as (
    insert into environment_members (environment_id, member_id, role)
    select environment.id, member.id, 'admin'
      from environment, member
  )
  select member.id as "memberId", environment.id as "environmentId"
    from member, environment`,
);

/**
 * Uses the link of a sign-up, and makes the member and their environment. The link shows that the address is theirs, and the password that it
 * was they who signed up: otherwise a stranger could sign up with somebody's address and a password of their own, and wait for its
 * owner to press the link.
 */
export async function confirmSignUp(
  pool: Pool,
  passwords: Passwords,
  { secret, password }: { secret: string; password: string },
): Promise<ConfirmedSignUp> {
  const hash = linkHash(secret);
  if (!hash) return { kind: 'no_link' };
  const [link] = await selectSignUp.run(pool, [hash]);
  if (!link) return { kind: 'no_link' };
  if (!(await passwords.verify(password, link.passwordHash))) return { kind: 'wrong_password' };
  const [made] = await useSignUp.run(pool, [hash, newId(), newId()]);
  return made ? { kind: 'made', ...made } : { kind: 'no_link' };
}
