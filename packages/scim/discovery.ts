import { ScimError } from './errors';
import { resourceTypeNames } from './resource';
import type { Json, JsonObject } from './resource';
import type { AttributeDefinition, Schema, SchemaSet } from './schemas';
import { serviceSchemas } from './service-schemas';
import { resourceTypeUrn, schemaUrn, serviceProviderConfigUrn } from './urns';

export interface AuthenticationScheme {
  type: 'oauth' | 'oauth2' | 'oauthbearertoken' | 'httpbasic' | 'httpdigest';
  name: string;
  description: string;
  specUri?: string;
  documentationUri?: string;
  primary?: boolean;
}

export interface ServiceLimits {
  /** the largest page */
  filterMaxResults: number;
  bulkMaxOperations: number;
  bulkMaxPayloadBytes: number;
  defaultPageSize: number;
  maxPageSize: number;
  /** absent: cursors do not expire */
  cursorTimeoutSeconds?: number;
}

/** RFC 7643 §5, with RFC 9865 §4's `pagination`. */
export function serviceProviderConfig(options: {
  baseUrl: string;
  limits: ServiceLimits;
  authenticationSchemes: readonly AuthenticationScheme[];
  documentationUri?: string;
}): JsonObject {
  const { baseUrl, limits } = options;
  return {
    schemas: [serviceProviderConfigUrn],
    ...(options.documentationUri !== undefined && { documentationUri: options.documentationUri }),
    patch: { supported: true },
    bulk: { supported: true, maxOperations: limits.bulkMaxOperations, maxPayloadSize: limits.bulkMaxPayloadBytes },
    filter: { supported: true, maxResults: limits.filterMaxResults },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    pagination: {
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: limits.defaultPageSize,
      maxPageSize: limits.maxPageSize,
      ...(limits.cursorTimeoutSeconds !== undefined && { cursorTimeout: limits.cursorTimeoutSeconds }),
    },
    authenticationSchemes: options.authenticationSchemes.map((scheme) => ({
      type: scheme.type,
      name: scheme.name,
      description: scheme.description,
      ...(scheme.specUri !== undefined && { specUri: scheme.specUri }),
      ...(scheme.documentationUri !== undefined && { documentationUri: scheme.documentationUri }),
      ...(scheme.primary !== undefined && { primary: scheme.primary }),
    })),
    meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
  };
}

/** The documents of /ResourceTypes (RFC 7643 §6), for listResponse. */
export function resourceTypes(baseUrl: string, schemas: SchemaSet): JsonObject[] {
  return resourceTypeNames.map((name) => ({
    schemas: [resourceTypeUrn],
    id: name,
    name,
    description: schemas.core[name].description,
    endpoint: `/${name}s`,
    schema: schemas.core[name].urn,
    schemaExtensions: [...schemas.extensions[name].values()].map((extension) => ({ schema: extension.urn, required: false })),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${name}` },
  }));
}

/** By name, in any case; undefined: 404. */
export function resourceType(name: string, baseUrl: string, schemas: SchemaSet): JsonObject | undefined {
  const known = resourceTypeNames.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  return resourceTypes(baseUrl, schemas).find((document) => document['name'] === known);
}

/** The documents of /Schemas (RFC 7643 §7), those of the discovery documents themselves among them (§8.7.2), for listResponse. */
export function schemaDocuments(baseUrl: string, schemas: SchemaSet): JsonObject[] {
  return allSchemas(schemas).map((schema) => schemaDocumentOf(schema, baseUrl));
}

/** By URN, in any case, decoded; undefined: 404. */
export function schemaDocument(urn: string, baseUrl: string, schemas: SchemaSet): JsonObject | undefined {
  const schema = allSchemas(schemas).find((candidate) => candidate.urn.toLowerCase() === urn.toLowerCase());
  return schema && schemaDocumentOf(schema, baseUrl);
}

/** Throws ScimError 403 where a discovery request carries a filter (RFC 7644 §4); its other parameters are ignored. */
export function refuseDiscoveryFilter(query: Readonly<Record<string, string | string[] | undefined>>): void {
  const filter = query['filter'];
  if (filter !== undefined && filter !== '')
    throw new ScimError(403, undefined, 'Discovery documents cannot be filtered: leave "filter" out.');
}

/** An extension declared for users and for groups alike is one document. */
function allSchemas(schemas: SchemaSet): Schema[] {
  const all = new Map<string, Schema>();
  for (const name of resourceTypeNames) all.set(schemas.core[name].urn.toLowerCase(), schemas.core[name]);
  for (const name of resourceTypeNames) for (const [urn, extension] of schemas.extensions[name]) if (!all.has(urn)) all.set(urn, extension);
  return [...all.values(), ...serviceSchemas];
}

function schemaDocumentOf(schema: Schema, baseUrl: string): JsonObject {
  return {
    schemas: [schemaUrn],
    id: schema.urn,
    name: schema.name,
    description: schema.description,
    attributes: schema.attributes.map(attributeDocument),
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${schema.urn}` },
  };
}

/** RFC 7643 §7's members, in its order; what does not apply is left out, never null. */
function attributeDocument(attribute: AttributeDefinition): Json {
  return {
    name: attribute.name,
    type: attribute.type,
    multiValued: attribute.multiValued,
    description: attribute.description,
    required: attribute.required,
    ...(attribute.canonicalValues && { canonicalValues: [...attribute.canonicalValues] }),
    caseExact: attribute.caseExact,
    mutability: attribute.mutability,
    returned: attribute.returned,
    uniqueness: attribute.uniqueness,
    ...(attribute.type === 'reference' && { referenceTypes: [...(attribute.referenceTypes ?? [])] }),
    ...(attribute.type === 'complex' && { subAttributes: (attribute.subAttributes ?? []).map(attributeDocument) }),
  };
}
