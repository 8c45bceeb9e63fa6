import { type Static, Type } from '@sinclair/typebox';
import { actorTypes, type ActorType, listActs, type RecordedAct } from '#accounts';
import { publicId } from '#identifier';
import { pageOf, pageQuery } from '../frame/page';
import { type ApiRoute, route } from './route';
import { Page, Time, digits, nullable, open, paging, publicIdOf, word } from '../frame/shapes';

const AuditEntry = open(
  'AuditEntry',
  {
    id: publicIdOf('act', 'the entry'),
    at: Time,
    actor: Type.Object({
      type: word(actorTypes, { description: '`it_admin` is whoever holds a setup link' }),
      id: nullable(Type.String({ description: 'The API key, where it was one' })),
      name: nullable(Type.String({ description: 'As it was then: the name of the key, the address of the member' })),
    }),
    act: Type.String({ description: 'The operation, by its `operationId` in this document' }),
    targets: Type.Array(Type.String(), { description: 'Ids of what it was done to, the outermost first' }),
    fields: Type.Array(Type.String(), { description: 'Names of the fields that were given. Never what was in them' }),
    request_id: nullable(Type.String()),
    remote_address: nullable(Type.String()),
    user_agent: nullable(Type.String()),
  },
  {
    description: 'Something that was changed: who did it, what, when, and from where.',
    example: {
      id: `act_${digits}`,
      at: '2026-01-31T09:00:00.000Z',
      actor: { type: 'api_key', id: `key_${digits}`, name: 'backend' },
      act: 'changeDirectory',
      targets: [`dir_${digits}`],
      fields: ['state'],
      request_id: `req_${digits}`,
      remote_address: '203.0.113.7',
      user_agent: 'node',
    },
  },
);

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
