import type { Request } from 'express';
import type { Pool } from 'pg';
import { type Actor, authenticateSession, roleIn, type Session } from '#accounts';
import { parsePublicId, publicId } from '#identifier';
import { notHere, refusal } from '../frame/errors';
import type { CallersOf } from '../frame/route';
import type { ConsoleCallers } from './route';
import type { SessionCookie } from './session-cookie';

/** Finds out by the cookie who is signed in, and what they may do in the environment that a path names. */
export function consoleCallers(pool: Pool, cookie: SessionCookie): CallersOf<ConsoleCallers> {
  const sessionOf = async (req: Request): Promise<Session | undefined> => {
    const token = cookie.read(req);
    return token === undefined ? undefined : authenticateSession(pool, token);
  };
  const memberOf = async (req: Request): Promise<Session> => {
    const session = await sessionOf(req);
    if (!session) throw refusal('signed_out', 'You are signed out. Sign in again.');
    return session;
  };

  return {
    anyone: async (req) => ({ session: await sessionOf(req), actor: undefined, environmentId: undefined }),
    member: async (req) => {
      const session = await memberOf(req);
      return { session, actor: actorIn(session), environmentId: undefined };
    },
    environment: async (req) => {
      const session = await memberOf(req);
      const named = req.params.environment;
      const environmentId = typeof named === 'string' ? parsePublicId('env', named) : undefined;
      const role = environmentId && (await roleIn(pool, { memberId: session.member.id, environmentId }));
      // Another's environment is not found.
      if (!environmentId || !role) throw notHere('You do not belong to this environment, or no longer.');
      if (role !== 'admin' && req.method !== 'GET' && req.method !== 'HEAD') {
        throw refusal('not_allowed', 'You may look, but not change anything: ask an admin of this environment.');
      }
      return { session, environmentId, keyId: session.id, actor: actorIn(session), within: [publicId('env', environmentId)] };
    },
  };
}

/** A member as the audit log names them. */
export function actorIn({ member }: Session): Actor {
  return { type: 'member', id: member.id, name: member.email };
}
