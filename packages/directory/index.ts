/**
 * The domain: applies changes to stored directories and appends the events in the same transaction; reads the log.
 *
 * May import `scim`, `mapping`, `credential`, `identifier` and pg. Must not import express, bullmq or `delivery`: writing a
 * fact must not know who reads it.
 */
export { type TakeNote } from './people/admission';
export { BrakeEngaged, type BrakeLimits, type BrakeState, getBrake, releaseBrake, setBrake } from './rules/brake';
export { decodeCursor, encodeCursor, type Cursor } from './log/cursor';
export { epochColumns, epochOf, type EpochRow, type FeedEpoch, isSameEpoch } from './writing/epoch';
export { findEpoch, rewoundSince, safePosition } from './log/rewinds';
export { DatabaseSetBack, endsBefore, LogMemory } from './writing/log-memory';
export { type BegunEpoch, rewindFeeds } from './rewinding/rewind';
export { SetBackWatch, type SetBackWatchOptions } from './rewinding/set-back';
export {
  activateDirectory,
  changeDirectory,
  chooseProvider,
  createDirectory,
  deleteDirectory,
  getDirectory,
  listDirectories,
  noteLastRequests,
  purgeDeletedDirectories,
  type Directory,
  type ScimDirectory,
} from './rules/directories';
export { noteCredentialUses } from './credentials/credential-uses';
export { announceExpiringCredentials, type ExpiringCredential } from './credentials/expiring-credentials';
export { type Erasure, erasePersonalData, eraseDue, getErasure } from './erasure/erasure';
export { countDirectories, listFailingDirectories, type DirectoryCounts, type FailingDirectory } from './requests/environment-overview';
export { type Explanation, explainRequest } from './requests/explanation';
export { type EventHead, type EventJson, type EventRow, loggedEvent, type LoggedEvent, readEvent } from './log/event';
export {
  alwaysTold,
  type BrakeJson,
  type EventData,
  eventTypes,
  type EventType,
  type ExpiringCredentialJson,
  isEventType,
  type MemberChange,
  type RefusedRequest,
  type SeatsJson,
} from './log/event-data';
export {
  countEvents,
  findEvent,
  readDirectoryPages,
  readEvents,
  readFeedHead,
  readFeedHeads,
  type DirectoryStretch,
  type EventPage,
  type EventQuery,
  type FeedEnds,
} from './log/event-log';
export { type NewestEvents, type NewestQuery, readNewestEvents } from './log/newest-events';
export { changeGroup, createGroup, deleteGroup, findGroup, GroupNameTaken, GroupNotFound } from './people/groups';
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
  unknownPathAction,
} from './people/mappings';
export { type MemberIdentity, type ResolvedMemberChange, UnknownMember } from './people/members';
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
} from './credentials/oauth-clients';
export { faultOfRedirectUri } from './credentials/redirect-uri';
export {
  codeSeconds,
  grantAuthorizationCode,
  issueGrantTokens,
  refreshGrant,
  revokeRefreshToken,
  takeAuthorizationCode,
  type GivenTokens,
  type Presented,
} from './credentials/oauth-grants';
export {
  accessTokenSeconds,
  authenticateAccessToken,
  forgetExpiredCredentials,
  issueAccessToken,
  revokeAccessToken,
} from './credentials/oauth-tokens';
export {
  changeOrganization,
  createOrganization,
  deleteOrganization,
  ExternalIdTaken,
  getOrganization,
  listOrganizations,
  type Organization,
  type OrganizationChanges,
} from './rules/organizations';
export { KnownMappings, type KnownRules, KnownSchemas } from './writing/known-rules';
export { type Arrival, arrivalsIn } from './reading/arrivals';
export { type ListedGroup, type ListedUser, listGroupNames, listPeople } from './reading/people-by-name';
export { displayNameOf, type PreviousGroup, type PreviousUser, profileOf, type Profile } from './resource/profile';
export { findAccess, getGroup, getUser, listGroupMembers, listGroups, listUsers, type Access } from './reading/published';
export { getRemap, listRemaps, type Remap, remapUsers } from './people/remap';
export { type DirectoryHealth, directoryHealth, type Failure } from './requests/directory-health';
export { UsedAttributes } from './requests/kept-attributes';
export { findRequest, findRequests, type ListedRequest, type WholeRequest } from './requests/request-search';
export { listRequests, recordRequests, recordFailure, type RecordedRequest, type RequestToRecord } from './requests/request-log';
export { declareExtension, InvalidExtension, listExtensions, TooManyExtensions, withdrawExtension } from './rules/schema-extensions';
export { NoSeatLeft, type SeatMode } from './rules/seats';
export { type GroupMember, type MembersPart, readMembers } from './reading/group-members';
export { listCursorSeconds } from './reading/list-cursor';
export { ListTotals } from './reading/list-totals';
export { type Found, type ListSource, searchGroups, searchUsers } from './reading/search';
export { type GroupJson, groupJson, type StoredGroup } from './resource/stored-group';
export { type ShownUser, type StoredUser, type UserJson, userJson } from './resource/stored-user';
export { type DirectoryJson, type Provider, providers } from './resource/told-directory';
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
} from './credentials/tokens';
export { type DirectoryPool, directoryPool, type DirectoryScope, DirectoryGone, inDirectory } from './writing/transaction';
export { keyNamesAgain, type NamesAlike } from './people/name-keys';
export { changeUser, createUser, deleteUser, findUser, UserNameTaken, UserNotFound } from './people/users';
