import type { Request, Response } from 'express';
import type { Pool } from 'pg';
import { type Actor, recordAct } from '#accounts';
import { parsePublicId } from '#identifier';
import type { Answered, Route } from './route';

/**
 * Runs a route, and notes in the audit log who did what where it changed something. What only looks is not noted, nor is what
 * was refused. An act that could not be noted is done all the same: saying otherwise would have it done twice. It is told to the
 * process's own log instead.
 */
export async function recorded(route: Route, req: Request, res: Response, pool: Pool, run: () => Promise<Answered>): Promise<Answered> {
  const answered = await run();
  if (route.method === 'get' || route.operationId.startsWith('preview') || 'stream' in answered) return answered;
  try {
    await note(route, req, res, pool, answered.json);
  } catch (failure) {
    res.locals.failure = new Error(`done, but not noted in the audit log: ${route.operationId}`, { cause: failure });
  }
  return answered;
}

async function note(route: Route, req: Request, res: Response, pool: Pool, json: string | undefined): Promise<void> {
  const made = idOf(json);
  const environmentId = route.caller === 'operator' ? parsePublicId('env', made ?? '') : res.locals.caller?.environmentId;
  if (environmentId === undefined) return;
  await recordAct(pool, {
    environmentId,
    actor: actorOf(route, res),
    act: route.operationId,
    // What was changed answers with its own id once more.
    targets: [...new Set([...Object.keys(route.params).map((name) => String(req.params[name])), ...(made === undefined ? [] : [made])])],
    fields: fieldsOf(req.body),
    requestId: res.locals.requestId,
    remoteAddress: req.ip ?? null,
    userAgent: req.get('user-agent') ?? null,
  });
}

function actorOf(route: Route, res: Response): Actor {
  const { member, caller } = res.locals;
  if (member) return { type: 'member', id: member.member.id, name: member.member.email };
  return route.caller === 'operator' ? { type: 'operator', id: null } : { type: 'api_key', id: caller?.keyId ?? null };
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
