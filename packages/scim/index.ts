/**
 * SCIM 2.0 (RFC 7643, RFC 7644, RFC 9865): what the requests of an identity provider mean and what its answers look like.
 *
 * Pure: no I/O, no clock, no randomness, no logging; of ours it imports nothing but bounds. Everything asks the schemas (schemas.ts),
 * which are data, and every refusal is a ScimError.
 */
export * from './bulk';
export { asksToDeactivate } from './deactivation';
export * from './discovery';
export * from './errors';
export { filterLimits, formatFilter, parseFilter } from './filter';
export { leafOf, ownValueOf } from './filter-tree';
export type { AttributeReference, Comparison, ComparisonOperator, Filter } from './filter-tree';
export { compareCodePoints, foldCase, foldInstant, foldName, foldResource } from './fold';
export { patchGroup } from './group-change';
export type { MemberChange } from './group-change';
export * from './list-query';
export { matches, matchesElement } from './match';
export { maxAttributeChanges, parsePatch, patchUser } from './patch';
export type { PatchOperation } from './patch';
export { parsePath } from './path';
export type { Path } from './path';
export { isExplicit, parseProjection, wantsGroups, wantsMembers, wholeResource } from './projection';
export type { Projection } from './projection';
export { maxValues } from './read-value';
export * from './requests';
export * from './resource';
export * from './responses';
export { checkSize } from './size';
export { coreSchemas, parseDeclaredExtension, schemaSet } from './schemas';
export type {
  AttributeDefinition,
  AttributeType,
  DeclaredAttribute,
  DeclaredExtension,
  Mutability,
  Returned,
  Schema,
  SchemaSet,
  Uniqueness,
} from './schemas';
export { tolerances } from './tolerances';
export type { Tolerance } from './tolerances';
export * from './urns';
