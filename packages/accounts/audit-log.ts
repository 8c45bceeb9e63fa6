import type { Pool } from 'pg';
import { newId } from '#identifier';
import { lastId, prepared } from '#postgres';

export const actorTypes = ['api_key', 'operator', 'member', 'it_admin'] as const;
export type ActorType = (typeof actorTypes)[number];

/** Who did something. An IT admin is whoever holds a setup link: its id is all that is known of them. */
export interface Actor {
  type: ActorType;
  id: string | null;
  /** For people: an API key's name, a member's address. Of an API key it is looked up where it is left out. */
  name?: string | null;
}

/** Something that was done, in names alone: of things and of fields, never of what was in them. */
export interface Act {
  environmentId: string;
  actor: Actor;
  /** What, as the API calls the operation: `createDirectory`. */
  act: string;
  /** To what: public ids, the outermost first. */
  targets: string[];
  /** Which fields were given. */
  fields: string[];
  requestId: string | null;
  remoteAddress: string | null;
  userAgent: string | null;
}

export interface RecordedAct extends Omit<Act, 'environmentId' | 'actor'> {
  id: string;
  at: Date;
  actor: { type: ActorType; id: string | null; name: string | null };
}

const insertAct = prepared<
  never,
  Omit<Act, 'actor'> & { id: string; actorType: ActorType; actorId: string | null; actorName: string | null }
>(
  'record_act',
  `
  insert into audit_log (id, environment_id, actor_type, actor_id, actor_name, act, targets, fields, request_id, remote_address, user_agent)
  values (:id, :environmentId, :actorType, :actorId::uuid,
          coalesce(:actorName, case when :actorType = 'api_key' then (select name from api_keys where id = :actorId) end),
          :act, :targets, :fields, :requestId, :remoteAddress, :userAgent)`,
);

/** Notes what was done, after it was. There is no verb that changes or removes a note. */
export async function recordAct(pool: Pool, { actor, ...act }: Act): Promise<void> {
  await insertAct.run(pool, {
    ...act,
    id: newId(),
    actorType: actor.type,
    actorId: actor.id,
    actorName: actor.name ?? null,
    userAgent: act.userAgent?.slice(0, 300) ?? null,
  });
}

const selectActs = prepared<Omit<RecordedAct, 'actor'> & { actorType: ActorType; actorId: string | null; actorName: string | null }>(
  'select_acts',
  `
  select id, at, actor_type as "actorType", actor_id as "actorId", actor_name as "actorName", act, targets, fields,
         request_id as "requestId", remote_address as "remoteAddress", user_agent as "userAgent"
    from audit_log
   where environment_id = $1
     and id < $2
   order by id desc
   limit $3`,
);

/** What was done in an environment, newest first, at most `limit`, from before the id `before`. */
export async function listActs(
  pool: Pool,
  { environmentId, limit, before }: { environmentId: string; limit: number; before?: string | undefined },
): Promise<RecordedAct[]> {
  const rows = await selectActs.run(pool, [environmentId, before ?? lastId, limit]);
  return rows.map(({ actorType, actorId, actorName, ...act }) => ({ ...act, actor: { type: actorType, id: actorId, name: actorName } }));
}
