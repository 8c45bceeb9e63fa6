import type { Pool } from 'pg';
import { hashSecret, isSecretOf, issueSecret, type Keyring, rowIdOfSecret, succeedSecret } from '#credential';
import { newId } from '#identifier';
import type { CallingClient } from './oauth-clients';
import { accessTokenKeptSeconds } from './oauth-tokens';
import { prepared } from '#postgres';

/** How long an authorization code may be exchanged, in seconds. RFC 6749 §4.1.2 recommends ten minutes at most. */
export const codeSeconds = 120;

// A directory where nothing changes is not called for months; a year without a word ends what was allowed.
const refreshSeconds = 365 * 86_400;

// Who asked and heard nothing asks again within an IdP's own time-out (60 s at Okta) and a bit.
const graceSeconds = 120;

const insertGrant = prepared<{ id: string }>(
  'insert_oauth_grant',
  `
  insert into oauth_grants (id, directory_id, client_id, code_hash, code_expires_at, redirect_uri, code_challenge, expires_at)
  select $1, c.directory_id, c.id, $3, now() + make_interval(secs => ${codeSeconds}), $4, $5, now() + make_interval(secs => ${codeSeconds})
    from oauth_clients c
   where c.id = $2
  returning id`,
);

/**
 * Notes that an IT admin has allowed a client to write into its directory, and gives the code by which the client gets its tokens.
 * `redirectUri` is set where the client's request named it; `codeChallenge` is that of RFC 7636, S256. `undefined` where the client
 * has gone in the meantime.
 */
export async function grantAuthorizationCode(
  pool: Pool,
  keyring: Keyring,
  client: CallingClient,
  request: { redirectUri: string | null; codeChallenge: string | null },
): Promise<{ code: string; grantId: string } | undefined> {
  const grantId = newId();
  const { secret, hash } = issueSecret(keyring, 'cwc', grantId);
  const [row] = await insertGrant.run(pool, [grantId, client.id, hash, request.redirectUri, request.codeChallenge]);
  return row && { code: secret, grantId };
}

/** What came of a code or a refresh token that a client has sent. */
export type Presented<Found> =
  | ({ kind: 'good' } & Found)
  /** Not this client's, expired, or never given. */
  | { kind: 'unknown' }
  /** Used before: somebody else may have it, so all that was given for it has been ended. */
  | { kind: 'reused'; grantId: string };

interface GrantRow {
  code_hash: Buffer;
  used: boolean;
  expired: boolean;
  redirect_uri: string | null;
  code_challenge: string | null;
}

const grantByCode = prepared<GrantRow>(
  'oauth_grant_by_code',
  `
  select code_hash, code_used_at is not null as used, code_expires_at <= now() as expired, redirect_uri, code_challenge
    from oauth_grants
   where id = $1
     and client_id = $2`,
);

const useCode = prepared<{ id: string }>(
  'use_oauth_code',
  `
  update oauth_grants
     set code_used_at = now()
   where id = $1
     and client_id = $2
     and code_used_at is null
  returning id`,
);

/**
 * Takes an authorization code, which is thereby used up, whatever becomes of it. A second use ends what the first gave
 * (RFC 6749 §4.1.2).
 */
export async function takeAuthorizationCode(
  pool: Pool,
  keyring: Keyring,
  client: CallingClient,
  code: string,
): Promise<Presented<{ grantId: string; redirectUri: string | null; codeChallenge: string | null }>> {
  const grantId = rowIdOfSecret(keyring, 'cwc', code);
  if (grantId === undefined) return { kind: 'unknown' };
  const [grant] = await grantByCode.run(pool, [grantId, client.id]);
  if (!grant || !isSecretOf(code, grant.code_hash)) return { kind: 'unknown' };
  if (grant.expired && !grant.used) return { kind: 'unknown' };
  // Of two uses at the same moment one finds it used.
  const [taken] = grant.used ? [] : await useCode.run(pool, [grantId, client.id]);
  if (!taken) {
    await endGrant.run(pool, [grantId, client.id]);
    return { kind: 'reused', grantId };
  }
  return { kind: 'good', grantId, redirectUri: grant.redirect_uri, codeChallenge: grant.code_challenge };
}

export interface GivenTokens {
  accessToken: string;
  refreshToken: string;
}

const beginGrant = prepared<{ id: string }>(
  'begin_oauth_grant',
  `
  with begun as (
    update oauth_grants
       set refresh_hash = $3,
           refreshed_at = now(),
           expires_at = now() + make_interval(secs => ${refreshSeconds})
     where id = $1
       and client_id = $2
       and refresh_hash is null
    returning id, client_id, directory_id
  )
  insert into oauth_access_tokens (id, directory_id, client_id, grant_id, hash, expires_at)
  select $4, directory_id, client_id, id, $5, now() + make_interval(secs => ${accessTokenKeptSeconds})
    from begun
  returning id`,
);

/** The first tokens of a grant whose code has been taken. `undefined` where it has been ended in the meantime. */
export async function issueGrantTokens(
  pool: Pool,
  keyring: Keyring,
  client: CallingClient,
  grantId: string,
): Promise<GivenTokens | undefined> {
  const accessId = newId();
  const access = issueSecret(keyring, 'cwa', accessId);
  const refresh = issueSecret(keyring, 'cwr', grantId);
  const [row] = await beginGrant.run(pool, [grantId, client.id, refresh.hash, accessId, access.hash]);
  return row && { accessToken: access.secret, refreshToken: refresh.secret };
}

// `next` follows from the token that is presented. Either that is the present one; or it is the one before, so that the present one
// is `next` already and has not been used: its answer was lost, and is given again.
const rotateRefreshToken = prepared<
  { id: string },
  { grantId: string; clientId: string; presented: Buffer; next: Buffer; accessId: string; accessHash: Buffer }
>(
  'rotate_oauth_refresh_token',
  `
  with rotated as (
    update oauth_grants
       set refresh_hash = :next,
           previous_refresh_hash = :presented,
           refreshed_at = case when refresh_hash = :presented then now() else refreshed_at end,
           expires_at = now() + make_interval(secs => ${refreshSeconds})
     where id = :grantId
       and client_id = :clientId
       and expires_at > now()
       and (refresh_hash = :presented
            or (previous_refresh_hash = :presented and refreshed_at > now() - make_interval(secs => ${graceSeconds})))
    returning id, client_id, directory_id
  )
  insert into oauth_access_tokens (id, directory_id, client_id, grant_id, hash, expires_at)
  select :accessId, directory_id, client_id, id, :accessHash, now() + make_interval(secs => ${accessTokenKeptSeconds})
    from rotated
  returning id`,
);

/**
 * Gives a new access token and the next refresh token for a refresh token, which is thereby replaced.
 *
 * The next one follows from the one presented, so whoever lost the answer is given the same one again, for two minutes and only
 * until it is used. Any other token of the grant has been replaced before: either its holder or somebody who stole it uses it
 * for the second time, and nobody can tell which, so the grant ends (RFC 9700 §4.14.2).
 */
export async function refreshGrant(
  pool: Pool,
  keyring: Keyring,
  client: CallingClient,
  refreshToken: string,
): Promise<Presented<GivenTokens>> {
  const grantId = rowIdOfSecret(keyring, 'cwr', refreshToken);
  if (grantId === undefined) return { kind: 'unknown' };
  const accessId = newId();
  const access = issueSecret(keyring, 'cwa', accessId);
  const next = succeedSecret(keyring, 'cwr', grantId, refreshToken);
  const [row] = await rotateRefreshToken.run(pool, {
    grantId,
    clientId: client.id,
    presented: hashSecret(refreshToken),
    next: next.hash,
    accessId,
    accessHash: access.hash,
  });
  if (row) return { kind: 'good', accessToken: access.secret, refreshToken: next.secret };
  const [ended] = await endGrant.run(pool, [grantId, client.id]);
  return ended?.live ? { kind: 'reused', grantId } : { kind: 'unknown' };
}

const endGrant = prepared<{ live: boolean }>(
  'end_oauth_grant',
  `
  delete from oauth_grants
   where id = $1
     and client_id = $2
  returning expires_at > now() as live`,
);

/** Ends a grant with all of its tokens, if the refresh token is one of the client's own (RFC 7009 §2.1), be it the present one or not. */
export async function revokeRefreshToken(pool: Pool, keyring: Keyring, client: CallingClient, refreshToken: string): Promise<void> {
  const grantId = rowIdOfSecret(keyring, 'cwr', refreshToken);
  if (grantId !== undefined) await endGrant.run(pool, [grantId, client.id]);
}
