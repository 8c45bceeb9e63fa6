import type { Request } from 'express';
import type { Pool } from 'pg';
import { type Actor, authenticateSession, getSetupAppearance, listMemberEnvironments } from '#accounts';
import { getDirectory } from '#directory';
import { noteActs } from './frame/audit';
import type { SessionCookie } from './console/session-cookie';
import type { Consenter } from './oauth/authorize';
import type { SetupSessions } from './setup/session';

export interface ConsentParts {
  pool: Pool;
  setupSessions: SetupSessions;
  consoleCookie: SessionCookie;
}

/**
 * Finds out whether a browser's holder may decide who writes into a directory: an IT admin who has opened its setup link, or an
 * admin of its environment who is signed in to the console. Here, and not in a door, because it asks two of them.
 */
export function consentFor({ pool, setupSessions, consoleCookie }: ConsentParts) {
  const consenter = async (
    req: Request,
    found: { environmentId: string; directoryId: string; sessionId: string; actor: Actor },
  ): Promise<Consenter> => {
    const { environmentId, directoryId, sessionId, actor } = found;
    return {
      environmentId,
      directoryId,
      sessionId,
      vendorName: (await getSetupAppearance(pool, { environmentId }))?.vendorName ?? '',
      record: (act, targets) => noteActs(pool, req, [{ environmentId, actor, act, targets, fields: [] }]),
    };
  };

  return async (req: Request, directoryId: string): Promise<Consenter | undefined> => {
    const setup = await setupSessions.of(req);
    if (setup?.directoryId === directoryId) {
      return consenter(req, { ...setup, sessionId: setup.id, actor: { type: 'it_admin', id: setup.linkId } });
    }

    const cookie = consoleCookie.read(req);
    const session = cookie === undefined ? undefined : await authenticateSession(pool, cookie);
    if (!session) return undefined;
    for (const { id: environmentId, role } of await listMemberEnvironments(pool, { memberId: session.member.id })) {
      if (role === 'admin' && (await getDirectory(pool, { environmentId, directoryId }))) {
        return consenter(req, {
          environmentId,
          directoryId,
          sessionId: session.id,
          actor: { type: 'member', id: session.member.id, name: session.member.email },
        });
      }
    }
    return undefined;
  };
}
