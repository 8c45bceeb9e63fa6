import { type Static, Type } from '@sinclair/typebox';
import type { Pool } from 'pg';
import {
  type DirectoryPool,
  getMapping,
  getRemap,
  listRemaps,
  type MappingExample,
  type MappingPreview,
  type MappingScope,
  previewMapping,
  readMapping,
  type Remap as RemapRecord,
  removeMapping,
  saveMapping,
} from '#directory';
import { publicId } from '#identifier';
import { type Mapping, MappingSchema } from '#mapping';
import { notFound } from '../frame/errors';
import { pageOf, pageQuery } from '../frame/page';
import { OtherAnswer } from '../frame/route';
import { type ApiRoute, route } from './route';
import { AssignedRole, Attributes, Page, Time, digits, nullable, open, paging, publicIdOf, word } from '../frame/shapes';

const tag = 'Attribute mapping';

const example: Static<typeof MappingSchema> = {
  attributes: [
    {
      name: 'plan',
      type: 'string',
      from: ['userType', 'urn:ietf:params:scim:schemas:extension:2.0:Metadata:plan'],
      required: true,
      allowed_values: ['Premium', 'Standard'],
    },
    {
      name: 'folders',
      type: 'string_list',
      from: 'urn:ietf:params:scim:schemas:extension:2.0:CustomExtensionName:folders',
      transform: [{ split: ',' }, 'trim'],
    },
    { name: 'metadata', type: 'object', from: 'urn:ietf:params:scim:schemas:extension:2.0:Metadata:*' },
  ],
  roles: { mode: 'one', default: 'member', rules: [{ role: 'admin', group: 'IT Admins' }, { role_from: 'roles[primary eq true].value' }] },
  rules: { invalid_value: 'reject', missing_required: 'reject', foreign_domain: 'warn', email_elsewhere: 'ignore' },
};

const AttributeMapping = Type.Object(MappingSchema.properties, {
  title: 'AttributeMapping',
  description: `${MappingSchema.description} Nothing is mapped and nothing refused until one is saved.`,
  additionalProperties: false,
  examples: [example],
});

const DirectoryAttributeMapping = Type.Object(
  {
    ...MappingSchema.properties,
    inherited: Type.Optional(
      Type.Boolean({ description: "The directory has none of its own: this is its environment's. Not looked at in a PUT" }),
    ),
  },
  { title: 'DirectoryAttributeMapping', description: 'What holds for one directory.', additionalProperties: false, examples: [example] },
);

const RemapBegun = Type.Object({ remap_id: publicIdOf('rmp', 'the re-mapping') });
const begun = {
  202: {
    description:
      'There are users who must be mapped anew; they are, one after the other, and `user.updated` events with `"cause": "mapping"` tell of each',
    schema: RemapBegun,
  },
};

const values = { attributes: Attributes, roles: Type.Array(AssignedRole) };

const ProblemOfUser = Type.Object({
  rule: word(['invalid_value', 'missing_required', 'foreign_domain', 'email_elsewhere']),
  attribute: Type.String({ description: 'Your name for it; `roles` and `email` where a role or an address is at fault' }),
  path: Type.String({ description: 'What the identity provider knows it by' }),
  wanted: Type.String({ description: 'What would be right' }),
  action: word(['reject', 'warn', 'ignore']),
});

const Preview = open(
  'AttributeMappingPreview',
  {
    changed: Type.Integer({ description: 'Users whose attributes or roles would change' }),
    failing: Type.Integer({
      description: 'Active users who break a rule whose action is `reject`: they stay, and their next write would be refused',
    }),
    users: Type.Integer({ description: 'How many were looked at' }),
    complete: Type.Boolean({ description: 'Whether those are all; 10,000 at most are looked at' }),
    reasons: Type.Array(Type.Intersect([ProblemOfUser, Type.Object({ users: Type.Integer() })]), {
      description: 'Which rules are broken, by how many; most first',
    }),
    examples: Type.Array(
      Type.Object({
        user: Type.Object({
          id: publicIdOf('usr', 'the user'),
          user_name: Type.String(),
          directory_id: publicIdOf('dir', 'its directory'),
        }),
        before: Type.Object(values),
        after: Type.Object(values),
        problems: Type.Array(
          Type.Intersect([
            ProblemOfUser,
            Type.Object({
              sent: Type.Unsafe<unknown>({ description: 'The value at fault, as it was sent; null: none was' }),
              detail: Type.String({ description: 'What the identity provider would be told' }),
            }),
          ]),
        ),
      }),
      { description: 'Up to 10 users who fail, then up to 10 who change' },
    ),
  },
  {
    description: 'What a draft would do to the users that are stored. Nothing is stored.',
    example: { changed: 12, failing: 0, users: 40, complete: true, reasons: [], examples: [] },
  },
);

const Remap = open(
  'Remap',
  {
    id: publicIdOf('rmp', 'the re-mapping'),
    directory_id: nullable(publicIdOf('dir', 'the directory whose users are mapped anew; null: of every one without a mapping of its own')),
    state: word(['running', 'finished', 'superseded'], { description: '`superseded`: a newer one has taken its place' }),
    users_total: nullable(Type.Integer({ description: 'How many there were when it began; null: not counted yet' })),
    users_done: Type.Integer(),
    users_changed: Type.Integer(),
    users_failing: Type.Integer({ description: 'Active ones who break a rule whose action is `reject`' }),
    created_at: Time,
    finished_at: nullable(Time),
  },
  {
    description: 'Users being mapped anew, because a mapping was saved or a schema extension declared or withdrawn.',
    example: {
      id: `rmp_${digits}`,
      directory_id: null,
      state: 'running',
      users_total: 100_000,
      users_done: 42_500,
      users_changed: 42_500,
      users_failing: 3,
      created_at: '2026-01-31T09:00:00.000Z',
      finished_at: null,
    },
  },
);

export const attributeMappingRoutes: ApiRoute[] = [
  route({
    method: 'get',
    path: '/v1/attribute_mapping',
    operationId: 'getAttributeMapping',
    tag,
    summary: "Get the environment's mapping",
    description: 'It holds for every directory that has none of its own.',
    answer: { status: 200, description: 'The mapping', schema: AttributeMapping },
    handle: async ({ environmentId }, { pool }) => mappingJson((await mappingOf(pool, { environmentId })).mapping),
  }),
  route({
    method: 'put',
    path: '/v1/attribute_mapping',
    operationId: 'setAttributeMapping',
    tag,
    summary: "Set the environment's mapping",
    description: 'Whoever is written from now on is mapped by it, and everybody else soon. Try it with `preview` first.',
    body: AttributeMapping,
    answer: { status: 200, description: 'The mapping as it was saved. Nobody needs to be mapped anew', schema: AttributeMapping },
    otherAnswers: begun,
    handle: async ({ environmentId, body, requestId }, { pool }) => {
      const { mapping, remapId } = await save(pool, { environmentId }, body, requestId);
      return remapId === undefined ? mappingJson(mapping) : remapBegun(remapId);
    },
  }),
  route({
    method: 'post',
    path: '/v1/attribute_mapping/preview',
    operationId: 'previewAttributeMapping',
    act: null,
    tag,
    summary: 'Try a mapping on every directory without its own',
    body: AttributeMapping,
    answer: { status: 200, description: 'What it would do', schema: Preview },
    handle: async ({ environmentId, body }, { pool }) => preview(pool, { environmentId }, body),
  }),
  route({
    method: 'get',
    path: '/v1/attribute_mapping/remaps',
    operationId: 'listRemaps',
    tag,
    summary: 'List re-mappings',
    query: paging,
    answer: { status: 200, description: 'A page of them, newest first', schema: Page(Remap) },
    handle: async ({ environmentId, query }, { pool }) => {
      const { limit, after } = pageQuery(query);
      return pageOf(
        await listRemaps(pool, { environmentId, limit, before: after ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff' }),
        query.limit,
        ({ id }) => id,
        remapJson,
      );
    },
  }),
  route({
    method: 'get',
    path: '/v1/attribute_mapping/remaps/{id}',
    operationId: 'getRemap',
    tag,
    summary: 'See how far a re-mapping is',
    params: { id: 'rmp' },
    answer: { status: 200, description: 'The re-mapping', schema: Remap },
    handle: async ({ environmentId, params }, { pool }) => {
      const remap = await getRemap(pool, { environmentId, remapId: params.id });
      if (!remap) throw notFound(publicId('rmp', params.id));
      return remapJson(remap);
    },
  }),
  route({
    method: 'get',
    path: '/v1/directories/{id}/attribute_mapping',
    operationId: 'getDirectoryAttributeMapping',
    tag,
    summary: 'Get the mapping that holds for a directory',
    description: "Its own, or its environment's, which is then marked as `inherited`.",
    params: { id: 'dir' },
    answer: { status: 200, description: 'The mapping', schema: DirectoryAttributeMapping },
    handle: async ({ environmentId, params }, { pool }) => {
      const { mapping, inherited } = await mappingOf(pool, { environmentId, directoryId: params.id });
      return { ...mappingJson(mapping), inherited };
    },
  }),
  route({
    method: 'put',
    path: '/v1/directories/{id}/attribute_mapping',
    operationId: 'setDirectoryAttributeMapping',
    tag,
    summary: 'Give a directory a mapping of its own',
    description: "It holds in place of the environment's, whole.",
    params: { id: 'dir' },
    body: DirectoryAttributeMapping,
    answer: { status: 200, description: 'The mapping as it was saved. Nobody needs to be mapped anew', schema: DirectoryAttributeMapping },
    otherAnswers: begun,
    handle: async ({ environmentId, params, body: { inherited: _inherited, ...body }, requestId }, { pool }) => {
      const { mapping, remapId } = await save(pool, { environmentId, directoryId: params.id }, body, requestId);
      return remapId === undefined ? { ...mappingJson(mapping), inherited: false } : remapBegun(remapId);
    },
  }),
  route({
    method: 'delete',
    path: '/v1/directories/{id}/attribute_mapping',
    operationId: 'deleteDirectoryAttributeMapping',
    tag,
    summary: "Take a directory's own mapping away",
    description: "Its environment's holds again.",
    params: { id: 'dir' },
    answer: { status: 204, description: 'It is gone. Nobody needs to be mapped anew' },
    otherAnswers: begun,
    problems: { not_found: 'There is no such directory, or it has no mapping of its own' },
    handle: async ({ environmentId, params, requestId }, { pool }) => {
      const removed = await removeMapping(pool, { environmentId, directoryId: params.id }, requestId);
      if (!removed) throw notFound(publicId('dir', params.id));
      return removed.remapId === undefined ? undefined : remapBegun(removed.remapId);
    },
  }),
  route({
    method: 'post',
    path: '/v1/directories/{id}/attribute_mapping/preview',
    operationId: 'previewDirectoryAttributeMapping',
    act: null,
    tag,
    summary: 'Try a mapping on one directory',
    params: { id: 'dir' },
    body: DirectoryAttributeMapping,
    answer: { status: 200, description: 'What it would do', schema: Preview },
    handle: async ({ environmentId, params, body: { inherited: _inherited, ...body } }, { pool }) =>
      preview(pool, { environmentId, directoryId: params.id }, body),
  }),
];

async function mappingOf(pool: Pool, scope: MappingScope): Promise<{ mapping: Mapping; inherited: boolean }> {
  return found(scope, await getMapping(pool, scope));
}

async function save(
  pool: DirectoryPool,
  scope: MappingScope,
  body: unknown,
  requestId: string,
): Promise<{ mapping: Mapping; remapId?: string }> {
  return found(scope, await saveMapping(pool, scope, await readMapping(pool, scope.environmentId, body), requestId));
}

async function preview(pool: DirectoryPool, scope: MappingScope, body: unknown): Promise<Static<typeof Preview>> {
  return previewJson(found(scope, await previewMapping(pool, scope, await readMapping(pool, scope.environmentId, body))));
}

function found<T>({ directoryId }: MappingScope, result: T | undefined): T {
  if (result === undefined) throw notFound(publicId('dir', directoryId ?? ''));
  return result;
}

function remapBegun(remapId: string): OtherAnswer {
  return new OtherAnswer(202, { remap_id: publicId('rmp', remapId) });
}

function mappingJson({ attributes, roles, rules }: Mapping) {
  return { attributes: [...attributes], roles: { ...roles, rules: [...roles.rules] }, rules: { ...rules } };
}

function previewJson({ users, complete, changed, failing, reasons, examples }: MappingPreview): Static<typeof Preview> {
  return {
    changed,
    failing,
    users,
    complete,
    reasons: reasons.map(({ problem: { kind, ...problem }, users: broken }) => ({ rule: kind, ...problem, users: broken })),
    examples: examples.map(exampleJson),
  };
}

function exampleJson({ user, before, after, problems }: MappingExample): Static<typeof Preview>['examples'][number] {
  return {
    user: { id: user.id, user_name: user.userName, directory_id: user.directoryId },
    before,
    after,
    problems: problems.map(({ kind, ...problem }) => ({ rule: kind, ...problem })),
  };
}

function remapJson(remap: RemapRecord): Static<typeof Remap> {
  return {
    id: publicId('rmp', remap.id),
    directory_id: remap.directoryId && publicId('dir', remap.directoryId),
    state: remap.state,
    users_total: remap.usersTotal,
    users_done: remap.usersDone,
    users_changed: remap.usersChanged,
    users_failing: remap.usersFailing,
    created_at: remap.createdAt.toISOString(),
    finished_at: remap.finishedAt && remap.finishedAt.toISOString(),
  };
}
