/**
 * The vendor's side: environments, the keys to them, and the members who sign in to the console.
 *
 * Knows no directory, no event and no request of HTTP. May import `credential`, `identifier` and PostgreSQL; must not import
 * `directory`: who may look is decided before, and apart from, what there is to see.
 */
export {
  bootstrap,
  createEnvironment,
  listEnvironments,
  type Bootstrapped,
  type CreatedEnvironment,
  type Environment,
} from './environments';
export {
  authenticateApiKey,
  hasApiKey,
  issueApiKey,
  listApiKeys,
  revokeApiKey,
  type ApiKey,
  type Caller,
  type IssuedApiKey,
} from './api-keys';
export { actorTypes, listActs, recordAct, type Act, type Actor, type ActorType, type RecordedAct } from './audit-log';
export { type FirstSecrets, showFirstSecrets, type SignIns, whoSignsIn } from './first-secrets';
export { forgetExpiredAccess } from './expired';
export {
  acceptInvitation,
  AlreadyMember,
  type Invitation,
  invite,
  listInvitations,
  type OpenedInvitation,
  openInvitation,
  revokeInvitation,
} from './invitations';
export { createEnvironmentFor, deleteEnvironment, EnvironmentInUse, renameEnvironment } from './member-environments';
export {
  changeRole,
  ensureFirstMember,
  type EnvironmentMember,
  LastAdmin,
  listMemberEnvironments,
  listMembers,
  type Member,
  type MemberEnvironment,
  removeMember,
  type Role,
  roleIn,
  roles,
} from './members';
export { changePassword, giveNewPassword, requestPasswordReset, resetPassword } from './password';
export {
  authenticateSession,
  endOtherSessions,
  endSession,
  type ListedSession,
  listSessions,
  type OpenedSession,
  openSession,
  type Session,
  signIn,
} from './sessions';
export { changeSetupAppearance, getLogo, getSetupAppearance, largestLogoBytes, type Logo, type SetupAppearance } from './setup-appearance';
export { type ConfirmedSignUp, confirmSignUp, requestSignUp } from './sign-up';
export {
  authenticateSetupSession,
  createSetupLink,
  forgetExpiredSetupLinks,
  listSetupLinks,
  openSetupSession,
  revokeSetupLinks,
  type OpenedSetupSession,
  type SetupLink,
  type SetupSession,
} from './setup-links';
