import type { Request } from 'express';
import type { Pool } from 'pg';
import { type Act, type Actor, recordAct } from '#accounts';
import { parsePublicId, publicId } from '#identifier';
import type { Answered, Caller, Declared } from './route';

/** What a handler has said of who it was and what it came to. */
export interface Acting {
  by?: { actor: Actor; environmentIds: readonly string[] };
  changedNothing?: boolean;
}

/** Notes in the audit log who did what by a route, where it changed something. What was refused never comes here. */
export async function noteCall(
  pool: Pool,
  req: Request,
  call: { route: Declared; caller: Caller; acting: Acting; answered: Answered },
): Promise<void> {
  const { act } = call.route;
  if (act === null || call.acting.changedNothing || 'stream' in call.answered) return;
  await noteActs(
    pool,
    req,
    actsOf(req, call).map((one) => ({ ...one, act })),
  );
}

/**
 * Notes what was done. What could not be noted is done all the same: saying otherwise would have it done twice, and a secret that was
 * made would be shown to nobody. The process's own log is told instead.
 */
export async function noteActs(
  pool: Pool,
  req: Request,
  acts: readonly Pick<Act, 'environmentId' | 'actor' | 'act' | 'targets' | 'fields'>[],
): Promise<void> {
  const locals = req.res?.locals;
  for (const act of acts) {
    try {
      await recordAct(pool, {
        ...act,
        requestId: locals?.requestId ?? null,
        remoteAddress: req.ip ?? null,
        userAgent: req.get('user-agent') ?? null,
      });
    } catch (failure) {
      if (locals) locals.failure = new Error(`done, but not noted in the audit log: ${act.act}`, { cause: failure });
    }
  }
}

function actsOf(
  req: Request,
  { route, caller, acting, answered }: { route: Declared; caller: Caller; acting: Acting; answered: Answered },
): Omit<Act, 'act' | 'requestId' | 'remoteAddress' | 'userAgent'>[] {
  // Somebody came in, or changed what is theirs: it is about them, in every environment that is open to them, and no field is anybody's.
  if (acting.by) {
    const { actor, environmentIds } = acting.by;
    return environmentIds.map((environmentId) => ({ environmentId, actor, targets: [publicId('env', environmentId)], fields: [] }));
  }
  const made = idOf('json' in answered ? answered.json : undefined);
  // Who is in no environment yet has made one.
  const environmentId = caller.environmentId ?? parsePublicId('env', made ?? '');
  if (environmentId === undefined || !caller.actor) return [];
  const inPath = Object.keys(route.params).map((name) => String(req.params[name]));
  return [
    {
      environmentId,
      actor: caller.actor,
      // What was changed answers with its own id once more.
      targets: [...new Set([...(caller.within ?? []), ...inPath, ...(made === undefined ? [] : [made])])],
      fields: fieldsOf(req.body),
    },
  ];
}

/** The id of what was made, where the answer tells of one thing. */
function idOf(json: string | undefined): string | undefined {
  const answer: unknown = json === undefined ? undefined : JSON.parse(json);
  return typeof answer === 'object' && answer !== null && 'id' in answer && typeof answer.id === 'string' ? answer.id : undefined;
}

// Names alone, and only those that the schema let through: what is in a field may be a secret, and its name is not.
function fieldsOf(body: unknown): string[] {
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.keys(body) : [];
}
