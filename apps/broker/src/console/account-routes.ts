import { type Static, Type } from '@sinclair/typebox';
import {
  acceptInvitation,
  changePassword,
  confirmSignUp,
  createEnvironmentFor,
  endOtherSessions,
  endSession,
  listMemberEnvironments,
  listSessions,
  type MemberEnvironment as MemberEnvironmentRecord,
  openInvitation,
  openSession,
  requestPasswordReset,
  requestSignUp,
  resetPassword,
  type Session as SessionRecord,
  signIn,
} from '#accounts';
import { HashingBusy } from '#credential';
import { publicId } from '#identifier';
import { notHere, refusal } from '../frame/errors';
import type { Incoming } from '../frame/route';
import { closed } from '../frame/shapes';
import { actorIn } from './callers';
import { Email, GivenPassword, NameText, NewPassword, passwordTooShort, Secret } from './fields';
import { alreadySignedUpMail, passwordResetMail, signUpMail } from './mails';
import { type ConsoleParts, type ConsoleRoute, route } from './route';
import { Mailed, MemberEnvironment, OpenedInvitation, Session, SignedInPlaces } from './shapes';

/** How a person comes in, and what is theirs: sign-up, sign-in, invitation, password, sessions, environments. */
export const accountRoutes: ConsoleRoute[] = [
  route({
    method: 'get',
    path: '/console/api/session',
    operationId: 'getSession',
    caller: 'anyone',
    answer: { status: 200, schema: Session },
    handle: async ({ session }, parts) => sessionJson(session, session ? await environmentsOf(session, parts) : [], parts),
  }),
  route({
    method: 'post',
    path: '/console/api/session',
    operationId: 'signIn',
    caller: 'anyone',
    body: closed({ email: Type.String({ maxLength: 400 }), password: GivenPassword }),
    answer: { status: 200, schema: Session },
    handle: async (call, parts) => {
      const { email, password } = call.body;
      await parts.attempts.countSignIn(email, call.address);
      const opened = await signIn(parts.pool, parts.passwords, { email, password, userAgent: call.userAgent }).catch(
        async (error: unknown) => {
          // Nothing was looked at, so nothing was guessed.
          if (error instanceof HashingBusy) await parts.attempts.takeBackSignIn(email, call.address);
          throw error;
        },
      );
      if (!opened) throw refusal('wrong_credentials', 'No account has this e-mail address and password.', { field: 'password' });
      await parts.attempts.forgetSignIns(email, call.address);
      return welcome(call, opened, parts);
    },
  }),
  route({
    method: 'delete',
    path: '/console/api/session',
    operationId: 'signOut',
    caller: 'anyone',
    act: null,
    answer: { status: 204 },
    handle: async ({ session, setCookie }, { pool, cookie }) => {
      if (session) await endSession(pool, { sessionId: session.id, memberId: session.member.id });
      setCookie(cookie.taken());
    },
  }),
  route({
    method: 'post',
    path: '/console/api/sign_up',
    operationId: 'signUp',
    caller: 'anyone',
    act: null,
    body: closed({ email: Email, password: NewPassword, environment_name: NameText }),
    answer: { status: 202, schema: Mailed },
    handle: async ({ body, address, decides }, { pool, passwords, attempts, signUp, sendMail, publicUrl, mailReaches }) => {
      if (signUp === 'closed') throw refusal('sign_up_closed', 'Signing up is closed here. Ask a member to invite you.');
      const { email, password, environment_name: environmentName } = body;
      await attempts.countMail(email, address);
      const kept = await requestSignUp(pool, passwords, { email, password, environmentName: environmentName.trim() });
      sendMail(
        kept.kind === 'kept'
          ? signUpMail(email, `${publicUrl}/confirm/${kept.secret}`)
          : alreadySignedUpMail(email, `${publicUrl}/sign-in`, `${publicUrl}/forgotten`),
      );
      decides('mailed');
      return { mail_reaches: mailReaches };
    },
  }),
  route({
    method: 'post',
    path: '/console/api/sign_up/confirm',
    operationId: 'confirmSignUp',
    caller: 'anyone',
    act: 'createEnvironment',
    body: closed({ secret: Secret, password: GivenPassword }),
    answer: { status: 200, schema: Session },
    handle: async (call, parts) => {
      const confirmed = await confirmSignUp(parts.pool, parts.passwords, call.body);
      switch (confirmed.kind) {
        case 'made':
          return enter(call, confirmed, parts);
        case 'wrong_password':
          throw refusal(
            'wrong_credentials',
            'This is not the password that was chosen at this sign-up. If it was not you who signed up, ignore the mail.',
            { field: 'password' },
          );
        case 'no_link':
          throw refusal(
            'link_used',
            'This link has been used already, or is older than a day. If you have confirmed your address, sign in; otherwise sign up again.',
          );
      }
    },
  }),
  route({
    method: 'post',
    path: '/console/api/password_reset',
    operationId: 'requestPasswordReset',
    caller: 'anyone',
    act: null,
    body: closed({ email: Email }),
    answer: { status: 202, schema: Mailed },
    handle: async ({ body: { email }, address, decides }, { pool, attempts, sendMail, publicUrl, mailReaches }) => {
      await attempts.countMail(email, address);
      const made = await requestPasswordReset(pool, { email });
      if (made) sendMail(passwordResetMail(made.email, `${publicUrl}/reset/${made.secret}`));
      decides('mailed');
      return { mail_reaches: mailReaches };
    },
  }),
  route({
    method: 'post',
    path: '/console/api/password_reset/confirm',
    operationId: 'resetPassword',
    caller: 'anyone',
    body: closed({ secret: Secret, password: NewPassword }),
    answer: { status: 200, schema: Session },
    handle: async (call, parts) => {
      const reset = await resetPassword(parts.pool, parts.passwords, call.body);
      if (!reset) throw refusal('link_used', 'This link has been used already, or is older than an hour. Ask for a new one.');
      return enter(call, reset, parts);
    },
  }),
  route({
    method: 'post',
    path: '/console/api/invitation',
    operationId: 'openInvitation',
    caller: 'anyone',
    act: null,
    body: closed({ secret: Secret }),
    answer: { status: 200, schema: OpenedInvitation },
    handle: async ({ body }, { pool }) => {
      const invitation = await openInvitation(pool, body);
      if (!invitation) throw invitationUsed();
      const { email, role, environmentName, known } = invitation;
      return { email, role, environment_name: environmentName, known };
    },
  }),
  route({
    method: 'post',
    path: '/console/api/invitation/accept',
    operationId: 'acceptInvitation',
    caller: 'anyone',
    body: closed({ secret: Secret, password: Type.Optional(NewPassword) }),
    answer: { status: 200, schema: Session },
    handle: async (call, parts) => {
      const { secret, password } = call.body;
      const invitation = await openInvitation(parts.pool, { secret });
      if (invitation && !invitation.known && password === undefined)
        throw refusal('invalid_request', passwordTooShort, { field: 'password' });
      // A member's own password is left alone, so whatever stands in its place is not looked at.
      const accepted =
        invitation && (await acceptInvitation(parts.pool, parts.passwords, { secret, password: invitation.known ? undefined : password }));
      if (!accepted) throw invitationUsed();
      return enter(call, accepted, parts);
    },
  }),
  route({
    method: 'post',
    path: '/console/api/password',
    operationId: 'changePassword',
    caller: 'member',
    body: closed({ current: GivenPassword, next: NewPassword }),
    answer: { status: 204 },
    handle: async ({ session, body, address, isBy }, parts) => {
      const { member } = session;
      await parts.attempts.countSignIn(member.email, address);
      isBy(actorIn(session), idsOf(await environmentsOf(session, parts)));
      if (!(await changePassword(parts.pool, parts.passwords, { memberId: member.id, sessionId: session.id, ...body })))
        throw refusal('invalid_request', 'This is not your password.', { field: 'current' });
      await parts.attempts.forgetSignIns(member.email, address);
    },
  }),
  route({
    method: 'get',
    path: '/console/api/sessions',
    operationId: 'listSessions',
    caller: 'member',
    answer: { status: 200, schema: SignedInPlaces },
    handle: async ({ session }, { pool }) => ({
      data: (await listSessions(pool, { memberId: session.member.id })).map((one) => ({
        id: one.id,
        current: one.id === session.id,
        created_at: one.createdAt.toISOString(),
        last_seen_at: one.lastSeenAt.toISOString(),
        user_agent: one.userAgent,
      })),
    }),
  }),
  route({
    method: 'delete',
    path: '/console/api/sessions',
    operationId: 'endOtherSessions',
    caller: 'member',
    act: null,
    answer: { status: 204 },
    handle: async ({ session }, { pool }) => {
      await endOtherSessions(pool, { memberId: session.member.id, except: session.id });
    },
  }),
  route({
    method: 'post',
    path: '/console/api/environments',
    operationId: 'createEnvironment',
    caller: 'member',
    body: closed({ name: NameText }),
    answer: { status: 201, schema: MemberEnvironment },
    handle: async ({ session, body }, parts) => {
      // A viewer is a guest in somebody else's house, and does not build one.
      if (parts.signUp === 'closed' && !(await environmentsOf(session, parts)).some(({ role }) => role === 'admin'))
        throw refusal('not_allowed', 'Only an admin can make an environment here.');
      return environmentJson(await createEnvironmentFor(parts.pool, { memberId: session.member.id, name: body.name.trim() }));
    },
  }),
];

type Entering = Pick<Incoming, 'setCookie' | 'isBy' | 'userAgent'>;

/** Opens a session for a member who came by a link; `environmentId`: the one that they came into by it. */
async function enter(
  call: Entering,
  { memberId, environmentId }: { memberId: string; environmentId?: string },
  parts: ConsoleParts,
): Promise<Static<typeof Session>> {
  const opened = await openSession(parts.pool, { memberId, userAgent: call.userAgent });
  if (!opened) throw notHere();
  return welcome(call, opened, parts, environmentId);
}

/** That somebody came in is noted in every environment that is open to them, or in the one that they came into. */
async function welcome(
  call: Entering,
  opened: SessionRecord & { token: string },
  parts: ConsoleParts,
  environmentId?: string,
): Promise<Static<typeof Session>> {
  call.setCookie(parts.cookie.given(opened.token));
  const environments = await environmentsOf(opened, parts);
  call.isBy(actorIn(opened), environmentId === undefined ? idsOf(environments) : [environmentId]);
  return sessionJson(opened, environments, parts);
}

function environmentsOf({ member }: SessionRecord, { pool }: ConsoleParts): Promise<MemberEnvironmentRecord[]> {
  return listMemberEnvironments(pool, { memberId: member.id });
}

function idsOf(environments: MemberEnvironmentRecord[]): string[] {
  return environments.map(({ id }) => id);
}

function invitationUsed(): Error {
  return refusal('link_used', 'This invitation has been used already, was taken back, or is older than a week. Ask for a new one.');
}

function sessionJson(
  session: SessionRecord | undefined,
  environments: MemberEnvironmentRecord[],
  { signUp, mailReaches, publicUrl }: ConsoleParts,
): Static<typeof Session> {
  return {
    member: session ? { id: session.member.id, email: session.member.email } : null,
    environments: environments.map(environmentJson),
    sign_up: signUp,
    mail_reaches: mailReaches,
    public_url: publicUrl,
  };
}

function environmentJson(environment: MemberEnvironmentRecord): Static<typeof MemberEnvironment> {
  return {
    id: publicId('env', environment.id),
    name: environment.name,
    role: environment.role,
    created_at: environment.createdAt.toISOString(),
  };
}
