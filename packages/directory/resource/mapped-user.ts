import { applyMapping, defaultMapping, type MappedWork, type Mapping, type Problem } from '#mapping';
import { publicId } from '#identifier';
import type { Resource, SchemaSet } from '#scim';
import { type AssignedRole, type Profile, profileOf } from './profile';

/** What a user is mapped from. */
export interface Mappable {
  resource: Resource;
  groups: { id: string; displayName: string; externalId: string | null; isNamesake?: boolean }[];
}

export interface MappedProfile {
  profile: Profile;
  /** What breaks a rule of the mapping, whatever is to be done about it; but for what only the database knows. */
  problems: Problem[];
}

/** The profile of a user, with the attributes and roles that a mapping gives them. */
export function mappedProfile(mapping: Mapping, schemas: SchemaSet, user: Mappable): MappedProfile {
  const profile = profileOf(user.resource);
  if (mapping === defaultMapping) return { profile, problems: [] };
  const { attributes, roles, problems } = mapUser(mapping, schemas, user);
  return { profile: { ...profile, roles, attributes }, problems };
}

/** The attributes and roles alone. */
export function mapUser(
  mapping: Mapping,
  schemas: SchemaSet,
  { resource, groups }: Mappable,
  taken?: MappedWork,
): { attributes: Profile['attributes']; roles: AssignedRole[]; problems: Problem[] } {
  return applyMapping(mapping, { resource, groups: groups.map((group) => ({ ...group, id: publicId('grp', group.id) })) }, schemas, taken);
}
