import type { Pool } from 'pg';
import { hashPassword } from '#credential';
import { newId } from '#identifier';
import { linkHash, newLinkSecret } from './mailed-link';
import { emailKey } from './members';

/**
 * Keeps a sign-up until its address has been shown to be the signer's, for a day at most. `known`: somebody has that address
 * already, so nothing was kept; whoever asked must not be told, but the address' owner may be, by mail.
 */
export async function requestSignUp(
  pool: Pool,
  signUp: { email: string; password: string; environmentName: string },
): Promise<{ kind: 'kept'; secret: string } | { kind: 'known' }> {
  const { secret, hash } = newLinkSecret();
  const { rows } = await pool.query(
    `with replaced as (
       delete from member_links
        where email_key = $2
          and kind = 'sign_up'
     )
     insert into member_links (id, hash, kind, email, email_key, password_hash, environment_name, expires_at)
     select $3, $4, 'sign_up', $1, $2, $5, $6, now() + interval '1 day'
      where not exists (select 1 from members where email_key = $2)
     returning id`,
    [signUp.email.trim(), emailKey(signUp.email), newId(), hash, await hashPassword(signUp.password), signUp.environmentName],
  );
  return rows.length === 1 ? { kind: 'kept', secret } : { kind: 'known' };
}

/** Uses the link of a sign-up: the address is theirs. Makes the member and their environment; `undefined` where the link is not good, or no longer. */
export async function confirmSignUp(pool: Pool, { secret }: { secret: string }): Promise<{ memberId: string; environmentId: string } | undefined> {
  const hash = linkHash(secret);
  if (!hash) return undefined;
  const { rows } = await pool.query<{ memberId: string; environmentId: string }>(
    `with link as (
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
    [hash, newId(), newId()],
  );
  return rows[0];
}
