/**
 * The domain: applies changes to stored directories and appends the events in the same transaction; reads the log.
 *
 * May import `scim`, `mapping`, `credential`, `identifier` and pg. Must not import express, bullmq or `delivery`: writing a
 * fact must not know who reads it.
 */
export { type TakeNote } from './admission';
export { BrakeEngaged, type BrakeLimits, type BrakeState, getBrake, releaseBrake, setBrake } from './brake';
export { decodeCursor, encodeCursor, type Cursor } from './cursor';
export {
  activateDirectory,
  changeDirectory,
  createDirectory,
  deleteDirectory,
  getDirectory,
  listDirectories,
  noteLastRequests,
  purgeDeletedDirectories,
  type Directory,
  type Provider,
  providers,
  type ScimDirectory,
} from './directories';
export { noteCredentialUses } from './credential-uses';
export { announceExpiringCredentials, type ExpiringCredential } from './expiring-credentials';
export { type Erasure, erasePersonalData, eraseDue, getErasure } from './erasure';
export { type Explanation, explainRequest } from './explanation';
export { eventTypes, isEventType, type EventType, type LoggedEvent } from './event';
export {
  findEvent,
  readDirectoryPages,
  readEvents,
  readFeedHead,
  rewindFeeds,
  safePosition,
  type DirectoryStretch,
  type EventPage,
  type EventQuery,
} from './event-log';
export { changeGroup, createGroup, deleteGroup, findGroup, GroupNameTaken, GroupNotFound } from './groups';
export { inTransaction } from './in-transaction';
export { Lookups } from './lookups';
export {
  getMapping,
  type MappingExample,
  type MappingPreview,
  type MappingScope,
  previewMapping,
  readMapping,
  removeMapping,
  type SavedMapping,
  saveMapping,
} from './mappings';
export { type MemberIdentity, type ResolvedMemberChange, UnknownMember } from './members';
export {
  authenticateOAuthClient,
  createOAuthClient,
  deleteOAuthClient,
  findOAuthClient,
  grantTypes,
  listOAuthClients,
  rotateOAuthClientSecret,
  type CallingClient,
  type GrantType,
  type IssuedOAuthClient,
  type OAuthClient,
} from './oauth-clients';
export {
  codeSeconds,
  grantAuthorizationCode,
  issueGrantTokens,
  refreshGrant,
  revokeRefreshToken,
  takeAuthorizationCode,
  type GivenTokens,
  type Presented,
} from './oauth-grants';
export { accessTokenSeconds, authenticateAccessToken, forgetExpiredCredentials, issueAccessToken, revokeAccessToken } from './oauth-tokens';
export {
  changeOrganization,
  createOrganization,
  deleteOrganization,
  ExternalIdTaken,
  getOrganization,
  listOrganizations,
  type Organization,
  type OrganizationChanges,
  type SeatMode,
} from './organizations';
export { displayNameOf, profileOf, type Profile } from './profile';
export { findAccess, getGroup, getUser, listGroupMembers, listGroups, listUsers, type Access } from './published';
export { getRemap, listRemaps, type Remap, remapUsers } from './remap';
export { listRequests, recordRequests, recordFailure, type RecordedRequest, type RequestToRecord } from './request-log';
export { declareExtension, InvalidExtension, listExtensions, TooManyExtensions, withdrawExtension } from './schema-extensions';
export { NoSeatLeft } from './seats';
export { searchGroups, searchUsers, readMembers, listCursorSeconds, type Found, type GroupMember, type MembersPart } from './search';
export { type GroupJson, groupJson, type StoredGroup } from './stored-group';
export { type ShownUser, type StoredUser, type UserJson, userJson } from './stored-user';
export {
  authenticateBearer,
  issueBearerToken,
  listBearerTokens,
  replaceBearerToken,
  revokeBearerToken,
  revokeBearerTokens,
  type Authenticated,
  type BearerToken,
  type IssuedToken,
  type UsedCredential,
} from './tokens';
export { type DirectoryScope, DirectoryGone, inDirectory } from './transaction';
export { changeUser, createUser, deleteUser, findUser, UserNameTaken, UserNotFound } from './users';
