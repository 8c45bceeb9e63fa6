import { createEnvironment, listEnvironments, type Environment as EnvironmentRecord } from '#accounts';
import { publicId } from '#identifier';
import { type Static, Type } from '@sinclair/typebox';
import { pageOf, pageQuery } from '../frame/page';
import { type ApiRoute, route } from './route';
import { Environment, Name, Page, closed, paging, publicIdOf } from '../frame/shapes';

const tag = 'Environments';

export const environmentRoutes: ApiRoute[] = [
  route({
    method: 'post',
    path: '/v1/environments',
    operationId: 'createEnvironment',
    tag,
    summary: 'Make an environment',
    description: "For the installation's operator. The answer holds the environment's first API key, which is shown this once.",
    caller: 'operator',
    body: closed({ name: Name }, { examples: [{ name: 'production' }] }),
    answer: {
      status: 201,
      description: 'The environment and its first key',
      schema: Type.Object({
        ...Environment.properties,
        id: publicIdOf('env', 'the environment'),
        api_key: Type.String({ description: '`cwk_…`' }),
      }),
    },
    handle: async ({ body }, { pool }) => {
      const environment = await createEnvironment(pool, body);
      return { ...environmentJson(environment), api_key: environment.apiKey };
    },
  }),
  route({
    method: 'get',
    path: '/v1/environments',
    operationId: 'listEnvironments',
    tag,
    summary: 'List environments',
    caller: 'operator',
    query: paging,
    answer: { status: 200, description: 'A page of environments', schema: Page(Environment) },
    handle: async ({ query }, { pool }) =>
      pageOf(await listEnvironments(pool, pageQuery(query)), query.limit, ({ id }) => id, environmentJson),
  }),
];

function environmentJson(environment: EnvironmentRecord): Static<typeof Environment> {
  return { id: publicId('env', environment.id), name: environment.name, created_at: environment.createdAt.toISOString() };
}
