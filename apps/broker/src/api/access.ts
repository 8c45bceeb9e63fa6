import { Type } from '@sinclair/typebox';
import { findAccess } from '#directory';
import { parsePublicId } from '#identifier';
import { notFound } from '../frame/errors';
import { type ApiRoute, route } from './route';
import { Time, digits, nullable, open, publicIdOf, word } from '../frame/shapes';

const Access = open(
  'Access',
  {
    status: word(['active', 'deactivated', 'deleted', 'unknown']),
    since: nullable(Type.String({ ...Time, description: 'Since when that is so; null where it is `unknown`' })),
    user_id: nullable(publicIdOf('usr', 'the user')),
  },
  {
    description: 'Whether somebody may come in.',
    example: { status: 'active', since: '2026-01-31T09:00:00.000Z', user_id: `usr_${digits}` },
  },
);

export const accessRoutes: ApiRoute[] = [
  route({
    method: 'get',
    path: '/v1/access',
    operationId: 'getAccess',
    tag: 'Users and groups',
    summary: 'May somebody come in?',
    description: 'Of several users with that e-mail address, or with it as their userName, the most active one counts.',
    query: {
      email: Type.String({ minLength: 1, maxLength: 320 }),
      organization_id: publicIdOf('org', 'the organization'),
    },
    answer: {
      status: 200,
      description: 'The state of the user; `unknown` where no directory of the organization ever had one',
      schema: Access,
    },
    problems: { not_found: 'There is no such organization' },
    handle: async ({ environmentId, query }, { pool }) => {
      const organizationId = parsePublicId('org', query.organization_id);
      const access = organizationId && (await findAccess(pool, { environmentId, organizationId, email: query.email }));
      if (!access) throw notFound(query.organization_id);
      return { status: access.status, since: access.since && access.since.toISOString(), user_id: access.userId };
    },
  }),
];
