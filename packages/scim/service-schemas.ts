import { attribute, schema } from './schemas';
import type { AttributeDefinition, Characteristics, Schema } from './schemas';
import { resourceTypeUrn, schemaUrn, serviceProviderConfigUrn } from './urns';

// RFC 7643 §8.7.2: what the discovery documents are made of. Nobody can write them.

const readOnly: Characteristics = { mutability: 'readOnly' };
const required: Characteristics = { ...readOnly, required: true };

function complex(
  name: string,
  description: string,
  subAttributes: AttributeDefinition[],
  more: Characteristics = required,
): AttributeDefinition {
  return attribute(name, description, { type: 'complex', subAttributes, ...more });
}

const supported = attribute('supported', 'Whether it is supported.', { type: 'boolean', ...required });

function integer(name: string, description: string, more: Characteristics = required): AttributeDefinition {
  return attribute(name, description, { type: 'integer', ...more });
}

function uri(name: string, description: string, more: Characteristics = readOnly): AttributeDefinition {
  return attribute(name, description, { type: 'reference', referenceTypes: ['uri'], ...more });
}

const serviceProviderConfig = schema(serviceProviderConfigUrn, 'ServiceProviderConfig', 'What of SCIM the service supports', [
  attribute('documentationUri', 'Documentation for people.', { type: 'reference', referenceTypes: ['external'], ...readOnly }),
  complex('patch', 'PATCH.', [supported]),
  complex('bulk', 'Bulk operations.', [
    supported,
    integer('maxOperations', 'The most operations of one request.'),
    integer('maxPayloadSize', 'The most bytes of one request.'),
  ]),
  complex('filter', 'Filters.', [supported, integer('maxResults', 'The most resources of one answer.')]),
  complex('changePassword', 'Changing a password.', [supported]),
  complex('sort', 'Sorting.', [supported]),
  complex('etag', 'Versions.', [supported]),
  // RFC 9865 §4
  complex(
    'pagination',
    'Pagination.',
    [
      attribute('cursor', 'Whether lists can be paged by cursor.', { type: 'boolean', ...required }),
      attribute('index', 'Whether lists can be paged by index.', { type: 'boolean', ...required }),
      attribute('defaultPaginationMethod', 'How a list is paged that is asked for without either.', {
        canonicalValues: ['cursor', 'index'],
        ...readOnly,
      }),
      integer('defaultPageSize', 'The resources of a page for which no count is given.', readOnly),
      integer('maxPageSize', 'The most resources of a page.', readOnly),
      integer('cursorTimeout', 'For how many seconds a cursor can be used.', readOnly),
    ],
    readOnly,
  ),
  complex(
    'authenticationSchemes',
    'How clients can authenticate.',
    [
      attribute('type', 'The scheme.', {
        canonicalValues: ['oauth', 'oauth2', 'oauthbearertoken', 'httpbasic', 'httpdigest'],
        ...required,
      }),
      attribute('name', 'Its common name.', required),
      attribute('description', 'What it is.', required),
      attribute('specUri', 'Its specification.', { type: 'reference', referenceTypes: ['external'], ...readOnly }),
      attribute('documentationUri', 'How to use it.', { type: 'reference', referenceTypes: ['external'], ...readOnly }),
      attribute('primary', 'Whether it is the preferred one.', { type: 'boolean', ...readOnly }),
    ],
    { ...required, multiValued: true },
  ),
]);

const resourceType = schema(resourceTypeUrn, 'ResourceType', 'A type of resource', [
  attribute('id', 'The same as the name.', readOnly),
  attribute('name', 'The type’s name, as in meta.resourceType.', required),
  attribute('description', 'What it is.', readOnly),
  uri('endpoint', 'Where its resources are, relative to the base URL.', required),
  uri('schema', 'The URN of its core schema.', { ...required, caseExact: true }),
  complex(
    'schemaExtensions',
    'The extensions that its resources may have data of.',
    [
      uri('schema', 'The extension’s URN.', { ...required, caseExact: true }),
      attribute('required', 'Whether every resource has it.', { type: 'boolean', ...required }),
    ],
    { ...readOnly, multiValued: true },
  ),
]);

const characteristics: AttributeDefinition[] = [
  attribute('name', 'The attribute’s name.', { ...required, caseExact: true }),
  attribute('type', 'Its data type.', {
    ...required,
    canonicalValues: ['string', 'complex', 'boolean', 'decimal', 'integer', 'dateTime', 'reference', 'binary'],
  }),
  attribute('multiValued', 'Whether it may have several values.', { type: 'boolean', ...required }),
  attribute('description', 'What it is.', { ...readOnly, caseExact: true }),
  attribute('required', 'Whether a resource must have it.', { type: 'boolean', ...readOnly }),
  attribute('canonicalValues', 'Values that are suggested.', { ...readOnly, multiValued: true, caseExact: true }),
  attribute('caseExact', 'Whether case makes a difference.', { type: 'boolean', ...readOnly }),
  attribute('mutability', 'When it can be written.', {
    ...readOnly,
    caseExact: true,
    canonicalValues: ['readOnly', 'readWrite', 'immutable', 'writeOnly'],
  }),
  attribute('returned', 'When it is shown.', { ...readOnly, caseExact: true, canonicalValues: ['always', 'never', 'default', 'request'] }),
  attribute('uniqueness', 'Among what a value is unique.', { ...readOnly, caseExact: true, canonicalValues: ['none', 'server', 'global'] }),
  attribute('referenceTypes', 'What a reference may lead to.', { ...readOnly, multiValued: true, caseExact: true }),
];

const schemaOfSchemas = schema(schemaUrn, 'Schema', 'A schema', [
  uri('id', 'The schema’s URN.', { ...required, caseExact: true }),
  attribute('name', 'Its name for people.', required),
  attribute('description', 'What it is.', readOnly),
  complex(
    'attributes',
    'What resources of it consist of.',
    [
      ...characteristics,
      complex('subAttributes', 'What a complex attribute consists of.', characteristics, { ...readOnly, multiValued: true }),
    ],
    { ...required, multiValued: true },
  ),
]);

/** The schemas of the discovery documents; conformance suites ask for them by these names. */
export const serviceSchemas: readonly Schema[] = [serviceProviderConfig, resourceType, schemaOfSchemas];
