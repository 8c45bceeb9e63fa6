import { type Static } from '@sinclair/typebox';
import { erasePersonalData, type Erasure as ErasureRecord, getErasure } from '#directory';
import { publicId } from '#identifier';
import { notFound } from '../frame/errors';
import { type ApiRoute, route } from './route';
import { Time, digits, nullable, open, publicIdOf, word } from '../frame/shapes';

const tag = 'Users and groups';

const Erasure = open(
  'Erasure',
  {
    user_id: publicIdOf('usr', 'the person'),
    state: word(['kept', 'erasing', 'erased']),
    requested_at: nullable(Time),
    erased_at: nullable(Time),
  },
  {
    description: 'Whether a person has been forgotten.',
    example: { user_id: `usr_${digits}`, state: 'erasing', requested_at: '2026-01-31T09:00:00.000Z', erased_at: null },
  },
);

export const personalDataRoutes: ApiRoute[] = [
  route({
    method: 'delete',
    path: '/v1/directory_users/{id}/personal_data',
    operationId: 'erasePersonalData',
    tag,
    summary: 'Forget a person',
    description:
      'Erases them from events, requests and delivery attempts; ids, numbers and times stay, so that nothing is missing from the log. A user who still exists stays as the identity provider has them: delete them there first. May be asked for again.',
    params: { id: 'usr' },
    answer: { status: 202, description: 'It is being done', schema: Erasure },
    handle: async ({ environmentId, params }, { pool }) =>
      erasureJson(params.id, await erasePersonalData(pool, { environmentId, userId: params.id })),
  }),
  route({
    method: 'get',
    path: '/v1/directory_users/{id}/personal_data',
    operationId: 'getPersonalDataErasure',
    tag,
    summary: 'See whether a person has been forgotten',
    params: { id: 'usr' },
    answer: { status: 200, description: 'Where it stands', schema: Erasure },
    handle: async ({ environmentId, params }, { pool }) =>
      erasureJson(params.id, await getErasure(pool, { environmentId, userId: params.id })),
  }),
];

function erasureJson(userId: string, erasure: ErasureRecord | undefined): Static<typeof Erasure> {
  if (!erasure) throw notFound(publicId('usr', userId));
  return {
    user_id: publicId('usr', erasure.userId),
    state: erasure.state,
    requested_at: erasure.requestedAt && erasure.requestedAt.toISOString(),
    erased_at: erasure.erasedAt && erasure.erasedAt.toISOString(),
  };
}
