import type { Static } from '@sinclair/typebox';
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
import type { Mapping } from '#mapping';
import { notFound } from '../frame/errors';
import { pageOf, pageQuery } from '../frame/page';
import { OtherAnswer } from '../frame/route';
import { type ApiRoute, route } from './route';
import { AttributeMapping, DirectoryAttributeMapping, Preview, Remap, RemapBegun } from './shapes';
import { Page, paging } from '../frame/shapes';

const tag = 'Attribute mapping';

const begun = {
  202: {
    description:
      'There are users who must be mapped anew; they are, one after the other, and `user.updated` events with `"cause": "mapping"` tell of each',
    schema: RemapBegun,
  },
};

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

function previewJson({ users, complete, changed, failing, reasons, costlyPatterns, examples }: MappingPreview): Static<typeof Preview> {
  return {
    changed,
    failing,
    users,
    complete,
    reasons: reasons.map(({ problem: { kind, ...problem }, users: broken }) => ({ rule: kind, ...problem, users: broken })),
    costly_patterns: costlyPatterns,
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
