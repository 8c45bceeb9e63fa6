import { type Static } from '@sinclair/typebox';
import { type BrakeState, getBrake, releaseBrake, setBrake } from '#directory';
import { publicId } from '#identifier';
import { invalidField, notFound } from '../frame/errors';
import { type ApiRoute, route } from './route';
import { Brake, BrakeLimits } from './shapes';

const tag = 'Directories';

export const brakeRoutes: ApiRoute[] = [
  route({
    method: 'get',
    path: '/v1/directories/{id}/brake',
    operationId: 'getBrake',
    tag,
    summary: "Get a directory's brake",
    params: { id: 'dir' },
    answer: { status: 200, description: 'The brake, or null', schema: Brake },
    handle: async ({ environmentId, params }, { pool }) =>
      brakeJson(params.id, await getBrake(pool, { environmentId, directoryId: params.id })),
  }),
  route({
    method: 'put',
    path: '/v1/directories/{id}/brake',
    operationId: 'setBrake',
    tag,
    summary: "Set a directory's brake",
    description:
      'As soon as so many users have been deactivated or deleted within the window, `directory.brake_engaged` is logged, and further ones are answered 429 and change nothing until the brake is released. `null` takes it away.',
    params: { id: 'dir' },
    body: BrakeLimits,
    answer: { status: 200, description: 'The brake as it is now', schema: Brake },
    handle: async ({ environmentId, params, body, requestId }, { pool }) => {
      const [maxUsers, maxPercent] = [body?.max_users ?? null, body?.max_percent ?? null];
      if (body && maxUsers === null && maxPercent === null) throw invalidField('/max_users', 'is required, unless there is max_percent');
      const limitsSet = body && { maxUsers, maxPercent, windowSeconds: body.window_seconds };
      return brakeJson(params.id, await setBrake(pool, { environmentId, directoryId: params.id, limits: limitsSet, requestId }));
    },
  }),
  route({
    method: 'post',
    path: '/v1/directories/{id}/brake/release',
    operationId: 'releaseBrake',
    tag,
    summary: 'Release the brake',
    description:
      'The next try of the identity provider passes, and departures are counted from nought. Does nothing where it is not engaged.',
    params: { id: 'dir' },
    answer: { status: 200, description: 'The brake as it is now', schema: Brake },
    handle: async ({ environmentId, params, requestId }, { pool }) =>
      brakeJson(params.id, await releaseBrake(pool, { environmentId, directoryId: params.id, requestId })),
  }),
];

function brakeJson(directoryId: string, brake: BrakeState | null | undefined): Static<typeof Brake> {
  if (brake === undefined) throw notFound(publicId('dir', directoryId));
  return (
    brake && {
      max_users: brake.maxUsers,
      max_percent: brake.maxPercent,
      window_seconds: brake.windowSeconds,
      engaged_at: brake.engagedAt && brake.engagedAt.toISOString(),
      departures: brake.departures,
    }
  );
}
