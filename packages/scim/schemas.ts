import { invalidValue, quoted } from './errors';
import { isJsonObject, isObject, resourceTypeNames } from './resource';
import type { JsonObject, ResourceType } from './resource';
import { enterpriseUserUrn, groupUrn, isUri, userUrn } from './urns';

/** RFC 7643 §2.3. `any` is ours: an attribute of an extension that nobody has declared. */
export type AttributeType = 'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'reference' | 'binary' | 'complex' | 'any';
export type Mutability = 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
export type Returned = 'always' | 'never' | 'default' | 'request';
export type Uniqueness = 'none' | 'server' | 'global';

/** An attribute and its characteristics (RFC 7643 §7). */
export interface AttributeDefinition {
  readonly name: string;
  readonly type: AttributeType;
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly canonicalValues?: readonly string[];
  readonly caseExact: boolean;
  readonly mutability: Mutability;
  readonly returned: Returned;
  readonly uniqueness: Uniqueness;
  readonly referenceTypes?: readonly string[];
  readonly subAttributes?: readonly AttributeDefinition[];
  /** the same by lower-case name; empty for a simple attribute */
  readonly subAttributesByName: ReadonlyMap<string, AttributeDefinition>;
  /** compared as names of people are (foldName), and not as any other text (foldCase) */
  readonly isName?: boolean;
  /** UTF-8 bytes of its folded text: what PostgreSQL can index; absent: no limit of its own */
  readonly maxBytes?: number;
}

export interface Schema {
  readonly urn: string;
  readonly name: string;
  readonly description: string;
  /** attributes that it does not name are kept as sent; else they are unknown */
  readonly open: boolean;
  readonly attributes: readonly AttributeDefinition[];
  /** by lower-case name; a core schema's include the common attributes and `schemas` */
  readonly attributesByName: ReadonlyMap<string, AttributeDefinition>;
}

/** An extension that a vendor declares for its directories: RFC 7643 §7's document, with everything optional that has a default. */
export interface DeclaredExtension {
  urn: string;
  resourceType: ResourceType;
  name?: string;
  description?: string;
  attributes: DeclaredAttribute[];
}
export interface DeclaredAttribute {
  name: string;
  type?: Exclude<AttributeType, 'any'>;
  multiValued?: boolean;
  description?: string;
  canonicalValues?: string[];
  caseExact?: boolean;
  /** of attributes, not of sub-attributes */
  mutability?: 'readWrite' | 'immutable';
  returned?: 'always' | 'default' | 'request';
  referenceTypes?: string[];
  subAttributes?: DeclaredAttribute[];
}

/** What the directory's resources are made of: every function of this package that meets an attribute asks here. */
export interface SchemaSet {
  readonly core: Readonly<Record<ResourceType, Schema>>;
  /** by lower-case URN */
  readonly extensions: Readonly<Record<ResourceType, ReadonlyMap<string, Schema>>>;
}

/** Core User, Group and EnterpriseUser, and what a vendor has declared. Build it once for a directory and keep it: it is immutable. */
export function schemaSet(declared: readonly DeclaredExtension[] = []): SchemaSet {
  const extensions = { User: new Map([[enterpriseUserUrn.toLowerCase(), enterpriseUser]]), Group: new Map<string, Schema>() };
  for (const extension of declared) {
    extensions[extension.resourceType].set(
      extension.urn.toLowerCase(),
      schema(
        extension.urn,
        extension.name ?? extension.urn.slice(extension.urn.lastIndexOf(':') + 1),
        extension.description ?? '',
        extension.attributes.map((declaration) => declaredAttribute(declaration)),
        true,
      ),
    );
  }
  return { core: { User: user, Group: group }, extensions };
}

/** The type's schema of that URN (lower case), if it has one. */
export function extensionOf(schemas: SchemaSet, type: ResourceType, urn: string): Schema | undefined {
  return schemas.extensions[type].get(urn);
}

/** The `schemas` of a representation (G13 of RFC 7643 §3): the core URN and every extension that holds data in it. */
export function schemaUrnsOf(resource: JsonObject, type: ResourceType, schemas: SchemaSet): string[] {
  const core = schemas.core[type];
  const urns = [core.urn];
  for (const [name, value] of Object.entries(resource)) {
    if (isUri(name) && isJsonObject(value) && Object.keys(value).length > 0) urns.push(name);
  }
  return urns;
}

/** The definition of an attribute that no schema names: of any type, compared without case. */
export function anyAttribute(name: string): AttributeDefinition {
  return { ...undeclared, name };
}
export const undeclared: AttributeDefinition = {
  name: '',
  type: 'any',
  multiValued: false,
  description: '',
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  subAttributesByName: new Map(),
};

// ── Building ───────────────────────────────────────────────────────────────────────────────────

export type Characteristics = Partial<Omit<AttributeDefinition, 'name' | 'subAttributesByName'>>;

/** An attribute's definition: RFC 7643 §2.2's defaults, but for references and binary, which are always caseExact (§2.3.6, §2.3.7). */
export function attribute(name: string, description: string, characteristics: Characteristics = {}): AttributeDefinition {
  const type = characteristics.type ?? 'string';
  return {
    name,
    type,
    multiValued: false,
    description,
    required: false,
    caseExact: type === 'reference' || type === 'binary',
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...characteristics,
    subAttributesByName: byName(characteristics.subAttributes ?? []),
  };
}

function byName(attributes: readonly AttributeDefinition[]): Map<string, AttributeDefinition> {
  return new Map(attributes.map((definition) => [definition.name.toLowerCase(), definition]));
}

export function schema(urn: string, name: string, description: string, attributes: readonly AttributeDefinition[], open = false): Schema {
  return { urn, name, description, open, attributes, attributesByName: byName(attributes) };
}

function coreSchema(urn: string, name: string, description: string, attributes: readonly AttributeDefinition[]): Schema {
  const all = [...commonAttributes, ...attributes];
  return { ...schema(urn, name, description, all), attributesByName: byName([schemasAttribute, ...all]) };
}

function multiValuedComplex(
  name: string,
  description: string,
  subAttributes: AttributeDefinition[],
  more: Characteristics = {},
): AttributeDefinition {
  return attribute(name, description, { type: 'complex', multiValued: true, subAttributes, ...more });
}

/** RFC 7643 §2.4's sub-attributes of a multi-valued attribute: value, display, type, primary. */
function plural(name: string, what: string, types: readonly string[] | undefined, value: Characteristics = {}): AttributeDefinition {
  return multiValuedComplex(name, `${what}.`, [
    attribute('value', `${what}: the value.`, value),
    attribute('display', 'A name for people to read.'),
    attribute('type', 'A label for what the value is for.', types ? { canonicalValues: types } : {}),
    attribute('primary', 'Whether this is the preferred value; true at most once.', { type: 'boolean' }),
  ]);
}

// PostgreSQL refuses an index entry of more than 2,704 bytes, and these are indexed.
const indexedBytes = 2000;

const readOnly: Characteristics = { mutability: 'readOnly' };

/** RFC 7643 §3: `schemas` is of no schema, but filters may name it. URNs are compared without case. */
const schemasAttribute = attribute('schemas', 'The URNs of the schemas that the resource has data of.', {
  type: 'reference',
  multiValued: true,
  caseExact: false,
  returned: 'always',
  referenceTypes: ['uri'],
});

/** RFC 7643 §3.1 */
const commonAttributes: readonly AttributeDefinition[] = [
  attribute('id', 'The identifier that this service gave to the resource.', {
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
    uniqueness: 'server',
  }),
  attribute('externalId', 'The identifier that the identity provider gave to the resource.', { caseExact: true, maxBytes: indexedBytes }),
  attribute('meta', 'What this service knows of the resource.', {
    type: 'complex',
    ...readOnly,
    subAttributes: [
      attribute('resourceType', 'User or Group.', { caseExact: true, ...readOnly }),
      attribute('created', 'When it was created.', { type: 'dateTime', ...readOnly }),
      attribute('lastModified', 'When it was last changed.', { type: 'dateTime', ...readOnly }),
      attribute('location', 'Its URI.', { type: 'reference', referenceTypes: ['uri'], ...readOnly }),
      attribute('version', 'Its version, which is also its ETag.', { caseExact: true, ...readOnly }),
    ],
  }),
];

/** RFC 7643 §4.1, §8.7.1 */
const user = coreSchema(userUrn, 'User', 'User Account', [
  attribute('userName', 'The name by which the identity provider knows the user; unique in the directory, whatever its case.', {
    required: true,
    uniqueness: 'server',
    isName: true,
    maxBytes: indexedBytes,
  }),
  attribute('name', 'The parts of the user’s name.', {
    type: 'complex',
    subAttributes: [
      attribute('formatted', 'The whole name, as it is to be shown.'),
      attribute('familyName', 'The family name.'),
      attribute('givenName', 'The given name.'),
      attribute('middleName', 'The middle name.'),
      attribute('honorificPrefix', 'A title before the name, such as “Ms.”.'),
      attribute('honorificSuffix', 'A suffix after the name, such as “III”.'),
    ],
  }),
  attribute('displayName', 'The user’s name, as it is shown to others.'),
  attribute('nickName', 'What the user is called in everyday life.'),
  attribute('profileUrl', 'A page about the user.', { type: 'reference', referenceTypes: ['external'] }),
  attribute('title', 'The user’s job title.'),
  attribute('userType', 'The relationship to the organization, such as “Employee” or “Contractor”.'),
  attribute('preferredLanguage', 'The preferred languages, as in an Accept-Language header.'),
  attribute('locale', 'Where the user is, for formats of currency, dates and numbers.'),
  attribute('timezone', 'The user’s time zone.'),
  attribute('active', 'Whether the user may use the service.', { type: 'boolean' }),
  attribute('password', 'Accepted, and not kept.', { caseExact: true, mutability: 'writeOnly', returned: 'never' }),
  plural('emails', 'E-mail address', ['work', 'home', 'other'], { isName: true, maxBytes: indexedBytes }),
  plural('phoneNumbers', 'Telephone number', ['work', 'home', 'mobile', 'fax', 'pager', 'other']),
  plural('ims', 'Instant messaging address', ['aim', 'gtalk', 'icq', 'xmpp', 'msn', 'skype', 'qq', 'yahoo']),
  plural('photos', 'URL of a photo', ['photo', 'thumbnail'], { type: 'reference', referenceTypes: ['external'], caseExact: true }),
  multiValuedComplex('addresses', 'Postal address.', [
    attribute('formatted', 'The whole address, as it is to be shown.'),
    attribute('streetAddress', 'Street and number; may have several lines.'),
    attribute('locality', 'City.'),
    attribute('region', 'State or region.'),
    attribute('postalCode', 'Postal code.'),
    attribute('country', 'Country.'),
    attribute('type', 'A label for what the address is for.', { canonicalValues: ['work', 'home', 'other'] }),
    attribute('primary', 'Whether this is the preferred address; true at most once.', { type: 'boolean' }),
  ]),
  multiValuedComplex(
    'groups',
    'The groups that the user is a member of; changed through the groups.',
    [
      attribute('value', 'The group’s id.', { caseExact: true, ...readOnly }),
      attribute('$ref', 'The group’s URI.', { type: 'reference', referenceTypes: ['Group'], ...readOnly }),
      attribute('display', 'The group’s displayName.', readOnly),
      attribute('type', 'Whether the membership is the user’s own or comes from a group in the group.', {
        canonicalValues: ['direct', 'indirect'],
        ...readOnly,
      }),
    ],
    readOnly,
  ),
  plural('entitlements', 'Entitlement', undefined),
  plural('roles', 'Role', undefined),
  plural('x509Certificates', 'Certificate, DER in base64', undefined, { type: 'binary', caseExact: true }),
]);

/** RFC 7643 §4.2, §8.7.1. Groups may have one displayName where they differ in externalId, which identity providers then know them by. */
const group = coreSchema(groupUrn, 'Group', 'Group', [
  attribute('displayName', 'The group’s name. Two groups may have the same where both have an externalId, and each its own.', {
    required: true,
    maxBytes: indexedBytes,
  }),
  multiValuedComplex('members', 'The members of the group.', [
    attribute('value', 'The member’s id.', { caseExact: true, mutability: 'immutable' }),
    attribute('$ref', 'The member’s URI.', { type: 'reference', referenceTypes: ['User', 'Group'], ...readOnly }),
    attribute('type', 'User or Group.', { canonicalValues: ['User', 'Group'], mutability: 'immutable' }),
    attribute('display', 'The member’s displayName.', readOnly),
  ]),
]);

/** RFC 7643 §4.3, §8.7.1 */
const enterpriseUser = schema(enterpriseUserUrn, 'EnterpriseUser', 'Enterprise User', [
  attribute('employeeNumber', 'The number that the organization gave to the user.'),
  attribute('costCenter', 'The cost center.'),
  attribute('organization', 'The organization.'),
  attribute('division', 'The division.'),
  attribute('department', 'The department.'),
  attribute('manager', 'The user’s manager.', {
    type: 'complex',
    subAttributes: [
      attribute('value', 'The manager’s id.'),
      // Made from the value when a user is shown, and so the same for one that was read and put back.
      attribute('$ref', 'The manager’s URI.', { type: 'reference', referenceTypes: ['User'], ...readOnly }),
      // The RFC has it readOnly. Okta's manager attribute fills it, often with no value beside it, and it would be lost.
      attribute('displayName', 'The manager’s name.'),
    ],
  }),
]);

/** What there is where a vendor has declared nothing. */
export const coreSchemas: SchemaSet = schemaSet();

function declaredAttribute(declaration: DeclaredAttribute): AttributeDefinition {
  const type = declaration.type ?? 'string';
  return attribute(declaration.name, declaration.description ?? '', {
    type,
    multiValued: declaration.multiValued ?? false,
    caseExact: declaration.caseExact ?? (type === 'reference' || type === 'binary'),
    mutability: declaration.mutability ?? 'readWrite',
    returned: declaration.returned ?? 'default',
    ...(declaration.canonicalValues?.length ? { canonicalValues: declaration.canonicalValues } : {}),
    ...(type === 'reference' ? { referenceTypes: declaration.referenceTypes ?? ['external'] } : {}),
    ...(type === 'complex' ? { subAttributes: (declaration.subAttributes ?? []).map((sub) => declaredAttribute(sub)) } : {}),
  });
}

// ── What a vendor declares ─────────────────────────────────────────────────────────────────────

const attributeTypes = ['string', 'boolean', 'decimal', 'integer', 'dateTime', 'reference', 'binary', 'complex'] as const;
const attributeName = /^[A-Za-z][A-Za-z0-9_-]*$/; // RFC 7643 §2.1
const maxDeclaredAttributes = 500;

/** A vendor's declaration from JSON; throws ScimError (invalidValue) with a sentence that names what is wrong. */
export function parseDeclaredExtension(body: unknown): DeclaredExtension {
  if (!isObject(body)) throw invalidValue('An extension is an object with urn, resourceType and attributes.');
  const urn = body['urn'];
  if (typeof urn !== 'string' || !/^urn:[a-z0-9][a-z0-9-]*:[^\s[\]"()]{1,400}$/i.test(urn)) {
    throw invalidValue('urn must be a URN, such as "urn:ietf:params:scim:schemas:extension:acme:2.0:User".');
  }
  if ([userUrn, groupUrn, enterpriseUserUrn].some((known) => known.toLowerCase() === urn.toLowerCase())) {
    throw invalidValue(`urn is ${quoted(urn)}, which RFC 7643 defines: choose one of your own.`);
  }
  const resourceType = resourceTypeNames.find((type) => type === body['resourceType']);
  if (!resourceType) throw invalidValue('resourceType must be "User" or "Group".');
  return {
    urn,
    resourceType,
    name: textOf(body['name'], 'name'),
    description: textOf(body['description'], 'description'),
    attributes: parseDeclaredAttributes(body['attributes'], 'attributes', true),
  };
}

function parseDeclaredAttributes(list: unknown, where: string, mayBeComplex: boolean): DeclaredAttribute[] {
  if (!Array.isArray(list) || list.length === 0) throw invalidValue(`${where} must be an array of at least one attribute.`);
  if (list.length > maxDeclaredAttributes)
    throw invalidValue(`${where} has ${list.length} attributes; ${maxDeclaredAttributes} are the most.`);
  const seen = new Set<string>();
  return list.map((entry: unknown, index) => {
    const declaration = parseDeclaredAttribute(entry, `${where}[${index}]`, mayBeComplex);
    const key = declaration.name.toLowerCase();
    if (seen.has(key)) throw invalidValue(`${where} has two attributes named ${quoted(declaration.name)}; case makes no difference.`);
    seen.add(key);
    return declaration;
  });
}

function parseDeclaredAttribute(entry: unknown, where: string, mayBeComplex: boolean): DeclaredAttribute {
  if (!isObject(entry)) throw invalidValue(`${where} must be an object with a name.`);
  const name = entry['name'];
  if (typeof name !== 'string' || !attributeName.test(name) || name.length > 200) {
    throw invalidValue(`${where}.name must begin with a letter and consist of letters, digits, "-" and "_".`);
  }
  const type = oneOf(entry['type'], attributeTypes, `${where}.type`);
  if (type === 'complex' && !mayBeComplex) throw invalidValue(`${where}.type cannot be "complex": sub-attributes have none of their own.`);
  return {
    name,
    type,
    multiValued: booleanOf(entry['multiValued'], `${where}.multiValued`),
    description: textOf(entry['description'], `${where}.description`),
    canonicalValues: textsOf(entry['canonicalValues'], `${where}.canonicalValues`),
    caseExact: booleanOf(entry['caseExact'], `${where}.caseExact`),
    referenceTypes: textsOf(entry['referenceTypes'], `${where}.referenceTypes`),
    ...(mayBeComplex && {
      mutability: oneOf(entry['mutability'], ['readWrite', 'immutable'] as const, `${where}.mutability`),
      returned: oneOf(entry['returned'], ['always', 'default', 'request'] as const, `${where}.returned`),
    }),
    ...(type === 'complex' && { subAttributes: parseDeclaredAttributes(entry['subAttributes'], `${where}.subAttributes`, false) }),
  };
}

function textOf(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value.length > 2000) throw invalidValue(`${where} must be a string of at most 2,000 characters.`);
  return value;
}

function textsOf(value: unknown, where: string): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || value.length > 1000 || !value.every((text) => typeof text === 'string')) {
    throw invalidValue(`${where} must be an array of at most 1,000 strings.`);
  }
  return value;
}

function booleanOf(value: unknown, where: string): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw invalidValue(`${where} must be true or false.`);
  return value;
}

function oneOf<Choice extends string>(value: unknown, choices: readonly Choice[], where: string): Choice | undefined {
  if (value === undefined || value === null) return undefined;
  const choice = choices.find((candidate) => candidate === value);
  if (!choice) throw invalidValue(`${where} must be one of ${choices.map((text) => `"${text}"`).join(', ')}.`);
  return choice;
}
