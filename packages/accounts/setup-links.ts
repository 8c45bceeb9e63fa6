import type { Pool } from 'pg';
import { isSecretOf, issueSecret, type Keyring, rowIdOfSecret } from '#credential';
import { newId } from '#identifier';
import { prepared } from '#postgres';

export interface SetupLink {
  /** `cwl_…`: the end of the link's address. Shown once; only its hash is kept. */
  token: string;
  expiresAt: Date;
}

/** A browser that has opened a setup link: it may set up that one directory, and nothing else. */
export interface SetupSession {
  id: string;
  /** The link that was opened: all that is known of who this is. */
  linkId: string;
  environmentId: string;
  directoryId: string;
  expiresAt: Date;
}

export interface OpenedSetupSession extends SetupSession {
  /** `cwp_…`: what the cookie holds. Only its hash is kept. */
  token: string;
}

// Long enough to go through an IdP's forms with a telephone call in between. A link can be opened again.
const sessionSeconds = 2 * 3_600;

const insertSetupLink = prepared<{ expiresAt: Date }>(
  'insert_setup_link',
  `
  insert into setup_links (id, environment_id, directory_id, hash, expires_at)
  values ($1, $2, $3, $4, now() + make_interval(secs => $5))
  returning expires_at as "expiresAt"`,
);

/** Makes a link to a directory's setup page. That the environment has the directory is for the caller to know. */
export async function createSetupLink(
  pool: Pool,
  keyring: Keyring,
  { environmentId, directoryId, expiresInSeconds }: { environmentId: string; directoryId: string; expiresInSeconds: number },
): Promise<SetupLink> {
  const id = newId();
  const { secret, hash } = issueSecret(keyring, 'cwl', id);
  const [row] = await insertSetupLink.run(pool, [id, environmentId, directoryId, hash, expiresInSeconds]);
  if (!row) throw new Error('an insert returned no row');
  return { token: secret, expiresAt: row.expiresAt };
}

const selectSetupLinks = prepared<{ createdAt: Date; expiresAt: Date }>(
  'select_setup_links',
  `
  select created_at as "createdAt", expires_at as "expiresAt"
    from setup_links
   where environment_id = $1
     and directory_id = $2
     and expires_at > now()
   order by id desc
   limit 100`,
);

/** The links of a directory that still work, the newest first. */
export async function listSetupLinks(
  pool: Pool,
  { environmentId, directoryId }: { environmentId: string; directoryId: string },
): Promise<{ createdAt: Date; expiresAt: Date }[]> {
  return selectSetupLinks.run(pool, [environmentId, directoryId]);
}

const deleteSetupLinks = prepared(
  'delete_setup_links',
  `
  delete from setup_links
   where environment_id = $1
     and directory_id = $2`,
);

/** Ends every setup link of a directory, and the sessions that were opened with them. */
export async function revokeSetupLinks(
  pool: Pool,
  { environmentId, directoryId }: { environmentId: string; directoryId: string },
): Promise<void> {
  await deleteSetupLinks.run(pool, [environmentId, directoryId]);
}

const selectSetupLink = prepared<{ hash: Buffer }>(
  'select_setup_link',
  `
  select hash
    from setup_links
   where id = $1
     and expires_at > now()`,
);

const insertSetupSession = prepared<SetupSession>(
  'insert_setup_session',
  `
  with opened as (
    insert into setup_sessions (id, link_id, hash, expires_at)
    select $1, l.id, $3, now() + make_interval(secs => ${sessionSeconds})
      from setup_links l
     where l.id = $2
    returning id, link_id, expires_at
  )
  select o.id, o.link_id as "linkId", l.environment_id as "environmentId", l.directory_id as "directoryId", o.expires_at as "expiresAt"
    from opened o
    join setup_links l on l.id = o.link_id`,
);

/** Opens a session of two hours with a link; `undefined` where it has ended, or never was. */
export async function openSetupSession(pool: Pool, keyring: Keyring, linkToken: string): Promise<OpenedSetupSession | undefined> {
  const linkId = rowIdOfSecret(keyring, 'cwl', linkToken);
  if (linkId === undefined) return undefined;
  const [link] = await selectSetupLink.run(pool, [linkId]);
  if (!link || !isSecretOf(linkToken, link.hash)) return undefined;

  const id = newId();
  const { secret, hash } = issueSecret(keyring, 'cwp', id);
  const [session] = await insertSetupSession.run(pool, [id, linkId, hash]);
  return session && { ...session, token: secret };
}

const selectSetupSession = prepared<SetupSession & { hash: Buffer }>(
  'authenticate_setup_session',
  `
  select s.id, s.link_id as "linkId", l.environment_id as "environmentId", l.directory_id as "directoryId", s.expires_at as "expiresAt", s.hash
    from setup_sessions s
    join setup_links l on l.id = s.link_id
   where s.id = $1
     and s.expires_at > now()`,
);

/** Whose session a cookie is; `undefined` for one that has ended, or never was. */
export async function authenticateSetupSession(pool: Pool, keyring: Keyring, sessionToken: string): Promise<SetupSession | undefined> {
  const sessionId = rowIdOfSecret(keyring, 'cwp', sessionToken);
  if (sessionId === undefined) return undefined;
  const [row] = await selectSetupSession.run(pool, [sessionId]);
  if (!row || !isSecretOf(sessionToken, row.hash)) return undefined;
  const { hash: _, ...session } = row;
  return session;
}

const forgetSetupSessions = prepared(
  'forget_setup_sessions',
  `
  delete from setup_sessions
   where expires_at < $1`,
);

const forgetSetupLinks = prepared(
  'forget_setup_links',
  `
  delete from setup_links l
   where l.expires_at < $1
     and not exists (select 1 from setup_sessions s where s.link_id = l.id)`,
);

/** Deletes links that have expired, once no session of theirs is left, and sessions that have. Answers how many rows went. */
export async function forgetExpiredSetupLinks(pool: Pool, now: Date): Promise<number> {
  const sessions = await forgetSetupSessions.change(pool, [now]);
  return sessions + (await forgetSetupLinks.change(pool, [now]));
}
