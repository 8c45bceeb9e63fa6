/**
 * From what an identity provider sends to what a vendor needs: a SCIM user and a vendor's mapping become attributes, roles and
 * the rules that the user breaks, in words for the IT admin who has to put it right.
 *
 * Pure: no I/O, no clock, no randomness, no logging; it imports #scim and #bounds, and nothing else of ours. The same mapping, user and
 * schemas always give the same, so a preview is what a save will do.
 */
export { type MappedWork, applyMapping, withSingleValues } from './apply-mapping';
export type { Mapped, MappedUser } from './apply-mapping';
export type { AssignedRole, UserGroup } from './assign-roles';
export { MappingSchema, defaultMapping } from './mapping-schema';
export type {
  Action,
  AttributeMapping,
  Mapping,
  MappingBody,
  MappingType,
  RoleRule,
  RuleName,
  TransformStep,
  UnknownPathAction,
} from './mapping-schema';
export { InvalidMapping, parseMapping } from './parse-mapping';
export type { MappingFault } from './parse-mapping';
export { patternLimits } from './pattern';
export { eachOnce, emailElsewhere, foreignDomains, problemError } from './problems';
export type { Address, Problem } from './problems';
export { groupNames, needsGroups, usedPaths } from './used-paths';
export type { UsedPath } from './used-paths';
