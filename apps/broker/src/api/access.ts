import { Type } from '@sinclair/typebox';
import { findAccess } from '#directory';
import { parsePublicId } from '#identifier';
import { notFound } from '../frame/errors';
import { type Route, route } from '../frame/route';
import { Time, nullable, publicIdOf, word } from '../frame/shapes';

export const accessRoutes: Route[] = [
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
      schema: Type.Object({
        status: word(['active', 'deactivated', 'deleted', 'unknown']),
        since: nullable(Time),
        user_id: nullable(publicIdOf('usr', 'the user')),
      }),
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
