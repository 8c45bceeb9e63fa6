import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { hashSecret, type Passwords } from '#credential';
import { newId } from '#identifier';
import { noteWhereWritable, prepared } from '#postgres';
import { emailKey, type Member } from './members';

/** Who is signed in, by one cookie. */
export interface Session {
  id: string;
  member: Member;
}

export interface OpenedSession extends Session {
  /** What the cookie holds: `cwm_…`. Only its hash is kept. */
  token: string;
  expiresAt: Date;
}

/** A session as its member sees it. */
export interface ListedSession {
  id: string;
  createdAt: Date;
  lastSeenAt: Date;
  userAgent: string | null;
}

// A week without a visit ends a session, and 30 days end any.
const idleDays = 7;
const longestDays = 30;

const selectMemberToSignIn = prepared<Member & { passwordHash: string }>(
  'select_member_to_sign_in',
  `
  select id, email, created_at as "createdAt", password_hash as "passwordHash"
    from members
   where email_key = $1`,
);

/** Opens a session for whoever knows the password; `undefined` where it is not right, or nobody has that address. */
export async function signIn(
  pool: Pool,
  passwords: Passwords,
  { email, password, userAgent }: { email: string; password: string; userAgent: string | null },
): Promise<OpenedSession | undefined> {
  const [found] = await selectMemberToSignIn.run(pool, [emailKey(email)]);
  if (!(await passwords.verify(password, found?.passwordHash)) || !found) return undefined;
  return openSession(pool, { memberId: found.id, userAgent });
}

const insertSession = prepared<Member & { sessionId: string; expiresAt: Date }>(
  'insert_session',
  `
  with forgotten as (
    delete from member_sessions
     where member_id = $3
       and expires_at < now()
  ), opened as (
    insert into member_sessions (id, hash, member_id, user_agent, expires_at)
    select $1, $2, id, $4, now() + make_interval(days => ${idleDays})
      from members
     where id = $3
    returning id, member_id, expires_at
  )
  select o.id as "sessionId", o.expires_at as "expiresAt", m.id, m.email, m.created_at as "createdAt"
    from opened o
    join members m on m.id = o.member_id`,
);

/** Opens a session for a member who has proved themselves otherwise, as by a link that was mailed to them. */
export async function openSession(
  pool: Pool,
  { memberId, userAgent }: { memberId: string; userAgent: string | null },
): Promise<OpenedSession | undefined> {
  const token = `cwm_${randomBytes(32).toString('base64url')}`;
  const [row] = await insertSession.run(pool, [newId(), hashSecret(token), memberId, userAgent?.slice(0, 300) ?? null]);
  if (!row) return undefined;
  const { sessionId, expiresAt, ...member } = row;
  return { id: sessionId, member, token, expiresAt };
}

const selectSession = prepared<Member & { sessionId: string; stale: boolean }>(
  'authenticate_member_session',
  `
  select s.id as "sessionId", s.last_seen_at < now() - interval '5 minutes' as stale,
         m.id, m.email, m.created_at as "createdAt"
    from member_sessions s
    join members m on m.id = s.member_id
   where s.hash = $1
     and s.expires_at > now()`,
);

/** Whose session a cookie is; `undefined` for one that has ended, or never was. That it was seen is written once in five minutes. */
export async function authenticateSession(pool: Pool, token: string): Promise<Session | undefined> {
  if (!/^cwm_[A-Za-z0-9_-]{43}$/.test(token)) return undefined;
  const [row] = await selectSession.run(pool, [hashSecret(token)]);
  if (!row) return undefined;
  const { sessionId, stale, ...member } = row;
  if (stale) await noteWhereWritable(noteSeen(pool, sessionId));
  return { id: sessionId, member };
}

const deleteSession = prepared(
  'delete_session',
  `
  delete from member_sessions
   where id = $1
     and member_id = $2`,
);

/** Ends a session at once, wherever its cookie is. */
export async function endSession(pool: Pool, { sessionId, memberId }: { sessionId: string; memberId: string }): Promise<boolean> {
  return (await deleteSession.change(pool, [sessionId, memberId])) === 1;
}

const deleteOtherSessions = prepared(
  'delete_other_sessions',
  `
  delete from member_sessions
   where member_id = $1
     and id <> $2`,
);

/** Ends all sessions of a member but one. */
export async function endOtherSessions(pool: Pool, { memberId, except }: { memberId: string; except: string }): Promise<void> {
  await deleteOtherSessions.run(pool, [memberId, except]);
}

const selectSessions = prepared<ListedSession>(
  'select_sessions',
  `
  select id, created_at as "createdAt", last_seen_at as "lastSeenAt", user_agent as "userAgent"
    from member_sessions
   where member_id = $1
     and expires_at > now()
   order by last_seen_at desc, id desc`,
);

/** A member's open sessions, the last one seen first. */
export async function listSessions(pool: Pool, { memberId }: { memberId: string }): Promise<ListedSession[]> {
  return selectSessions.run(pool, [memberId]);
}

const noteSessionSeen = prepared(
  'note_session_seen',
  `
  update member_sessions
     set last_seen_at = now(),
         expires_at = least(now() + make_interval(days => ${idleDays}), created_at + make_interval(days => ${longestDays}))
   where id = $1`,
);

async function noteSeen(pool: Pool, sessionId: string): Promise<void> {
  await noteSessionSeen.run(pool, [sessionId]);
}
