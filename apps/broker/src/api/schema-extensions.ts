import { type Static, Type } from '@sinclair/typebox';
import { declareExtension, InvalidExtension, listExtensions, TooManyExtensions, withdrawExtension } from '#directory';
import { invalidCursor, notFound, Problem } from '../frame/errors';
import { type ApiRoute, route } from './route';
import { Page, closed, nullable, open, paging, word } from '../frame/shapes';

const tag = 'Schema extensions';

const Urn = Type.String({
  // RFC 8141's characters; brackets, quotes and spaces would be read as parts of a SCIM path.
  pattern: "^[uU][rR][nN]:[A-Za-z0-9][A-Za-z0-9-]*:[A-Za-z0-9._~!$&'*+,;=:@/%-]+$",
  maxLength: 400,
  description: 'a URN, such as urn:ietf:params:scim:schemas:extension:acme:2.0:User; case makes no difference',
  examples: ['urn:ietf:params:scim:schemas:extension:acme:2.0:User'],
});

// RFC 7643 §7, as far as it can be kept: nothing is required of an identity provider, unique, or the service's own to set.
const characteristics = {
  name: Type.String({ minLength: 1, maxLength: 200 }),
  description: Type.Optional(Type.String({ maxLength: 2000 })),
  multiValued: Type.Optional(Type.Boolean()),
  required: Type.Optional(
    Type.Unsafe<false>({ type: 'boolean', enum: [false], description: 'nothing can be required of an identity provider' }),
  ),
  canonicalValues: Type.Optional(Type.Array(Type.String(), { maxItems: 1000 })),
  caseExact: Type.Optional(Type.Boolean({ description: 'Whether filters compare with case. Default: only references and binary' })),
  uniqueness: Type.Optional(word(['none'])),
  referenceTypes: Type.Optional(Type.Array(Type.String(), { maxItems: 1000 })),
};
const simpleTypes = ['string', 'boolean', 'decimal', 'integer', 'dateTime', 'reference', 'binary'] as const;

const SubAttribute = closed({
  ...characteristics,
  type: Type.Optional(word(simpleTypes)),
  mutability: Type.Optional(word(['readWrite'])),
  returned: Type.Optional(word(['default'])),
});

const Attribute = closed({
  ...characteristics,
  type: Type.Optional(word([...simpleTypes, 'complex'])),
  mutability: Type.Optional(word(['readWrite', 'immutable'])),
  returned: Type.Optional(word(['always', 'default', 'request'])),
  subAttributes: Type.Optional(Type.Array(SubAttribute, { minItems: 1, maxItems: 500, description: 'Of a complex attribute' })),
});

// What is not said of an attribute is not answered either.
const declared = {
  name: Type.String(),
  type: Type.Optional(word([...simpleTypes, 'complex'])),
  multiValued: Type.Optional(Type.Boolean()),
  description: Type.Optional(Type.String()),
  canonicalValues: Type.Optional(Type.Array(Type.String())),
  caseExact: Type.Optional(Type.Boolean()),
  mutability: Type.Optional(word(['readWrite', 'immutable'])),
  returned: Type.Optional(word(['always', 'default', 'request'])),
  referenceTypes: Type.Optional(Type.Array(Type.String())),
};
const DeclaredAttribute = Type.Object({ ...declared, subAttributes: Type.Optional(Type.Array(Type.Object(declared))) });

const attributesExample = [
  {
    name: 'costCenter',
    type: 'string',
    multiValued: false,
    description: 'Who pays',
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
  },
  { name: 'folders', type: 'string', multiValued: true },
];

const SchemaExtension = open(
  'SchemaExtension',
  {
    urn: Type.String(),
    resource_type: word(['User', 'Group']),
    name: nullable(Type.String()),
    description: nullable(Type.String()),
    attributes: Type.Array(DeclaredAttribute, { description: 'Attributes as RFC 7643 §7 writes them' }),
  },
  {
    description: 'An extension of the SCIM schema, declared for every directory of the environment.',
    example: {
      urn: 'urn:ietf:params:scim:schemas:extension:acme:2.0:User',
      resource_type: 'User',
      name: 'Acme',
      description: null,
      attributes: attributesExample,
    },
  },
);

export const schemaExtensionRoutes: ApiRoute[] = [
  route({
    method: 'get',
    path: '/v1/schema_extensions',
    operationId: 'listSchemaExtensions',
    tag,
    summary: 'List declared extensions',
    query: paging,
    answer: { status: 200, description: 'A page of extensions, by their URNs', schema: Page(SchemaExtension) },
    handle: async ({ environmentId, query: { limit, cursor } }, { pool }) => {
      const after = cursor === undefined ? '' : urnIn(cursor);
      // An environment has few, which are read whole with every SCIM request.
      const all = (await listExtensions(pool, environmentId))
        .filter(({ urn }) => urn.toLowerCase() > after)
        .sort((a, b) => (a.urn.toLowerCase() < b.urn.toLowerCase() ? -1 : 1));
      const last = all.length > limit ? all[limit - 1] : undefined;
      return {
        data: all.slice(0, limit).map(extensionJson),
        next_cursor: last === undefined ? null : Buffer.from(last.urn.toLowerCase()).toString('base64url'),
      };
    },
  }),
  route({
    method: 'put',
    path: '/v1/schema_extensions/{urn}',
    operationId: 'declareSchemaExtension',
    tag,
    summary: 'Declare an extension',
    description:
      'It takes the place of an earlier declaration of the same URN. Identity providers find it under `/Schemas` and `/ResourceTypes` of every directory; from then on its attributes are ' +
      'checked against their types. Undeclared extensions are kept as they are sent, so declaring one is needed for types, for immutable attributes and for `returned` alone. What is ' +
      'stored already stays.',
    names: { urn: Urn },
    body: closed(
      {
        resource_type: word(['User', 'Group']),
        name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
        description: Type.Optional(Type.String({ maxLength: 2000 })),
        attributes: Type.Array(Attribute, { minItems: 1, maxItems: 500 }),
      },
      { examples: [{ resource_type: 'User', name: 'Acme', attributes: attributesExample }] },
    ),
    answer: { status: 200, description: 'It is declared', schema: SchemaExtension },
    problems: { too_many_extensions: 'The environment has 50 already' },
    handle: async ({ environmentId, names, body, requestId }, { pool }) => {
      const { resource_type: resourceType, ...document } = body;
      try {
        return extensionJson(await declareExtension(pool, environmentId, { ...document, urn: names['urn'], resourceType }, requestId));
      } catch (error) {
        if (error instanceof TooManyExtensions) throw new Problem('too_many_extensions', error.message);
        if (error instanceof InvalidExtension) throw new Problem('invalid_request', error.message);
        throw error;
      }
    },
  }),
  route({
    method: 'delete',
    path: '/v1/schema_extensions/{urn}',
    operationId: 'withdrawSchemaExtension',
    tag,
    summary: 'Withdraw a declaration',
    description:
      'What identity providers have stored under the URN stays, and is treated like any undeclared extension. Users are mapped anew where a mapping reads it by a short name.',
    names: { urn: Urn },
    answer: { status: 204, description: 'It is no longer declared' },
    problems: { not_found: 'No such extension is declared' },
    handle: async ({ environmentId, names, requestId }, { pool }) => {
      const { urn = '' } = names;
      if (!(await withdrawExtension(pool, environmentId, urn, requestId))) throw notFound(urn);
    },
  }),
];

function urnIn(cursor: string): string {
  const urn = Buffer.from(cursor, 'base64url').toString();
  if (!urn.startsWith('urn:')) throw invalidCursor('cursor');
  return urn;
}

type Declared = Awaited<ReturnType<typeof listExtensions>>[number];

function extensionJson({ urn, resourceType, name, description, attributes }: Declared): Static<typeof SchemaExtension> {
  return { urn, resource_type: resourceType, name: name ?? null, description: description ?? null, attributes };
}
