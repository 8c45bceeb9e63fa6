import { type Static } from '@sinclair/typebox';
import { type ActorType, listActs, type RecordedAct } from '#accounts';
import { publicId } from '#identifier';
import { pageOf, pageQuery } from '../frame/page';
import { type ApiRoute, route } from './route';
import { AuditEntry } from './shapes';
import { Page, paging } from '../frame/shapes';

export const auditLogRoutes: ApiRoute[] = [
  route({
    method: 'get',
    path: '/v1/audit_log',
    operationId: 'listAuditLog',
    tag: 'Audit log',
    summary: 'List who changed what',
    description: 'Newest first. It holds names of things and of fields, and no secret.',
    query: paging,
    answer: { status: 200, description: 'A page of entries', schema: Page(AuditEntry) },
    handle: async ({ environmentId, query }, { pool }) => {
      const { limit, after } = pageQuery(query);
      return pageOf(await listActs(pool, { environmentId, limit, before: after }), query.limit, ({ id }) => id, entryJson);
    },
  }),
];

// Members and setup links have no id outside: what tells of them is their name, and the directory that was set up.
const publicActorId = (type: ActorType, id: string | null): string | null =>
  type === 'api_key' && id !== null ? publicId('key', id) : null;

function entryJson(entry: RecordedAct): Static<typeof AuditEntry> {
  return {
    id: publicId('act', entry.id),
    at: entry.at.toISOString(),
    actor: { type: entry.actor.type, id: publicActorId(entry.actor.type, entry.actor.id), name: entry.actor.name },
    act: entry.act,
    targets: entry.targets,
    fields: entry.fields,
    request_id: entry.requestId && publicId('req', entry.requestId),
    remote_address: entry.remoteAddress,
    user_agent: entry.userAgent,
  };
}
