import { type Static, Type } from '@sinclair/typebox';
import {
  type Organization as OrganizationRecord,
  changeOrganization,
  createOrganization,
  deleteOrganization,
  getOrganization,
  listOrganizations,
} from '#directory';
import { publicId } from '#identifier';
import { notFound } from '../frame/errors';
import { pageOf, pageQuery } from '../frame/page';
import { type ApiRoute, route } from './route';
import { AnyObject, Name, Organization, Page, closed, nullable, paging, seatModes, word } from '../frame/shapes';

const tag = 'Organizations';

const Seats = nullable(
  Type.Integer({ minimum: 0, maximum: 2_147_483_647, description: 'Active users in all directories of the organization; null: no limit' }),
);

/** The fields that a vendor may set, as the schemas of both POST and PATCH have them. */
const settable = {
  external_id: Type.Optional(
    nullable(Type.String({ minLength: 1, maxLength: 255, description: 'Your own id of this customer; unique in the environment' })),
  ),
  domains: Type.Optional(
    Type.Array(Type.String({ pattern: '^[^\\s@/:]+\\.[^\\s@/:]+$', maxLength: 253, description: 'a domain name such as acme.com' }), {
      maxItems: 100,
    }),
  ),
  contacts: Type.Optional(
    Type.Array(Type.String({ format: 'email', maxLength: 320 }), { maxItems: 100, description: 'E-mail addresses of people to notify' }),
  ),
  metadata: Type.Optional(AnyObject),
  seat_limit: Type.Optional(Seats),
  seat_mode: Type.Optional(word(seatModes, { description: 'What happens at the limit' })),
  seat_ceiling: Type.Optional(Seats),
};

export const organizationRoutes: ApiRoute[] = [
  route({
    method: 'post',
    path: '/v1/organizations',
    operationId: 'createOrganization',
    tag,
    summary: 'Make an organization',
    description: 'One of your customers. Its directories, users and groups belong to it.',
    body: closed(
      { name: Name, ...settable },
      { examples: [{ name: 'Acme', external_id: 'acme', domains: ['acme.com'], contacts: ['it@acme.com'] }] },
    ),
    answer: { status: 201, description: 'The organization', schema: Organization },
    problems: { external_id_taken: 'Another organization has that `external_id`' },
    handle: async ({ environmentId, body }, { pool }) =>
      organizationJson(await createOrganization(pool, { environmentId, ...changesIn(body), name: body.name })),
  }),
  route({
    method: 'get',
    path: '/v1/organizations',
    operationId: 'listOrganizations',
    tag,
    summary: 'List organizations',
    query: { ...paging, external_id: Type.Optional(Type.String()) },
    answer: { status: 200, description: 'A page of organizations, oldest first', schema: Page(Organization) },
    handle: async ({ environmentId, query }, { pool }) =>
      pageOf(
        await listOrganizations(pool, { environmentId, externalId: query.external_id, ...pageQuery(query) }),
        query.limit,
        ({ id }) => id,
        organizationJson,
      ),
  }),
  route({
    method: 'get',
    path: '/v1/organizations/{id}',
    operationId: 'getOrganization',
    tag,
    summary: 'Get an organization',
    params: { id: 'org' },
    answer: { status: 200, description: 'The organization', schema: Organization },
    handle: async ({ environmentId, params }, { pool }) => {
      const organization = await getOrganization(pool, { environmentId, organizationId: params.id });
      if (!organization) throw notFound(publicId('org', params.id));
      return organizationJson(organization);
    },
  }),
  route({
    method: 'patch',
    path: '/v1/organizations/{id}',
    operationId: 'changeOrganization',
    tag,
    summary: 'Change an organization',
    description: 'Fields that are left out stay as they are; `domains`, `contacts` and `metadata` are replaced whole.',
    params: { id: 'org' },
    body: closed({ name: Type.Optional(Name), ...settable }, { examples: [{ seat_limit: 50, seat_mode: 'observe' }] }),
    answer: { status: 200, description: 'The organization as it is now', schema: Organization },
    problems: { external_id_taken: 'Another organization has that `external_id`' },
    handle: async ({ environmentId, params, body }, { pool }) => {
      const organization = await changeOrganization(pool, { environmentId, organizationId: params.id, changes: changesIn(body) });
      if (!organization) throw notFound(publicId('org', params.id));
      return organizationJson(organization);
    },
  }),
  route({
    method: 'delete',
    path: '/v1/organizations/{id}',
    operationId: 'deleteOrganization',
    tag,
    summary: 'Delete an organization',
    description: 'With its directories: each logs one `directory.deleted`, and its credentials end at once.',
    params: { id: 'org' },
    answer: { status: 204, description: 'It is gone' },
    handle: async ({ environmentId, params, requestId }, { pool }) => {
      if (!(await deleteOrganization(pool, { environmentId, organizationId: params.id, requestId })))
        throw notFound(publicId('org', params.id));
    },
  }),
];

function changesIn(body: Static<ReturnType<typeof closed<typeof settable>>> & { name?: string | undefined }) {
  return {
    name: body.name,
    externalId: body.external_id,
    domains: body.domains,
    contacts: body.contacts,
    metadata: body.metadata && { ...body.metadata },
    seatLimit: body.seat_limit,
    seatMode: body.seat_mode,
    seatCeiling: body.seat_ceiling,
  };
}

function organizationJson(organization: OrganizationRecord): Static<typeof Organization> {
  return {
    id: publicId('org', organization.id),
    name: organization.name,
    external_id: organization.externalId,
    domains: organization.domains,
    contacts: organization.contacts,
    metadata: organization.metadata,
    seat_limit: organization.seatLimit,
    seat_mode: organization.seatMode,
    seat_ceiling: organization.seatCeiling,
    seats_used: organization.seatsUsed,
    created_at: organization.createdAt.toISOString(),
    updated_at: organization.updatedAt.toISOString(),
  };
}
