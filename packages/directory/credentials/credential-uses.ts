import type { Pool } from 'pg';
import { prepared } from '#postgres';
import type { UsedCredential } from './tokens';

// Rows that somebody else is changing at this moment are left out, not waited for: two processes that wait for each other's rows
// would wait for ever, and the time of the last use is right again with the next one.
const noteTokens = prepared(
  'note_bearer_token_uses',
  `
  with used as (
    select t.id, u.at
      from unnest($1::uuid[], $2::timestamptz[]) as u (id, at)
      join bearer_tokens t on t.id = u.id
       for no key update of t skip locked
  )
  update bearer_tokens t
     set last_used_at = greatest(t.last_used_at, used.at)
    from used
   where t.id = used.id`,
);

const noteClients = prepared(
  'note_oauth_client_uses',
  `
  with used as (
    select c.id, u.at
      from unnest($1::uuid[], $2::timestamptz[]) as u (id, at)
      join oauth_clients c on c.id = u.id
       for no key update of c skip locked
  )
  update oauth_clients c
     set last_used_at = greatest(c.last_used_at, used.at)
    from used
   where c.id = used.id`,
);

/** Notes when credentials were last used. Called now and then with what has been gathered, not once for each request. */
export async function noteCredentialUses(pool: Pool, uses: readonly { credential: UsedCredential; at: Date }[]): Promise<void> {
  const of = (kind: UsedCredential['kind']) => uses.filter(({ credential }) => credential.kind === kind);
  for (const [statement, some] of [
    [noteTokens, of('bearer_token')],
    [noteClients, of('oauth_client')],
  ] as const) {
    if (some.length > 0) await statement.run(pool, [some.map(({ credential }) => credential.id), some.map(({ at }) => at)]);
  }
}
