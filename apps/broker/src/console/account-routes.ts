import { Type } from '@sinclair/typebox';
import { type Request, type Response, Router } from 'express';
import type { Pool } from 'pg';
import {
  acceptInvitation,
  changePassword,
  confirmSignUp,
  createEnvironmentFor,
  endOtherSessions,
  endSession,
  listMemberEnvironments,
  listSessions,
  openInvitation,
  openSession,
  recordAct,
  requestPasswordReset,
  requestSignUp,
  resetPassword,
  type Session,
  signIn,
} from '#accounts';
import { shortestPassword } from '#credential';
import { publicId } from '#identifier';
import { answer, answerNothing } from '../pages/answer';
import { bodyReader, Email, NameText } from '../pages/body';
import { PageProblem, notFound } from '../pages/errors';
import type { SignInAttempts } from './attempts';
import { alreadySignedUpMail, passwordResetMail, type SendMail, signUpMail } from './mails';
import type { SessionCookie } from './session-cookie';

export interface AccountParts {
  pool: Pool;
  cookie: SessionCookie;
  attempts: SignInAttempts;
  publicUrl: string;
  signUp: 'open' | 'closed';
  sendMail: SendMail;
  /** Whether mails reach people; otherwise they are written to the log. */
  mailReaches: boolean;
}

const NewPassword = Type.String({
  minLength: shortestPassword,
  maxLength: 1000,
  description: `A password needs at least ${shortestPassword} characters.`,
});
const GivenPassword = Type.String({ maxLength: 1000 });
const Secret = Type.String({ maxLength: 200 });

const readSignIn = bodyReader({ email: Type.String({ maxLength: 400 }), password: GivenPassword });
const readSignUp = bodyReader({ email: Email, password: NewPassword, environment_name: NameText });
const readSecret = bodyReader({ secret: Secret });
const readConfirmation = bodyReader({ secret: Secret, password: GivenPassword });
const readEmail = bodyReader({ email: Email });
const readReset = bodyReader({ secret: Secret, password: NewPassword });
const readAcceptance = bodyReader({ secret: Secret, password: Type.Optional(NewPassword) });
const readPasswordChange = bodyReader({ current: GivenPassword, next: NewPassword });
const readEnvironment = bodyReader({ name: NameText });

/** How a person comes in, and what is theirs: sign-up, sign-in, invitation, password, sessions, environments. */
export function accountRouter(parts: AccountParts): Router {
  const { pool, cookie, attempts, publicUrl, sendMail } = parts;
  const router = Router({ caseSensitive: true });

  const enter = async (req: Request, res: Response, memberId: string, act: string, environmentId?: string): Promise<void> => {
    const opened = await openSession(pool, { memberId, userAgent: req.get('user-agent') ?? null });
    if (!opened) throw notFound();
    cookie.set(res, opened.token);
    res.locals.member = opened;
    await note(pool, req, res, act, environmentId);
    await answerSession(parts, res);
  };

  router.get('/session', (_req, res) => answerSession(parts, res));

  router.post('/session', async (req, res) => {
    const { email, password } = readSignIn(req.body);
    await attempts.countSignIn(email, req.ip);
    const opened = await signIn(pool, { email, password, userAgent: req.get('user-agent') ?? null });
    if (!opened) throw new PageProblem('wrong_credentials', 'No account has this e-mail address and password.', 'password');
    await attempts.forgetSignIns(email, req.ip);
    cookie.set(res, opened.token);
    res.locals.member = opened;
    await note(pool, req, res, 'signIn');
    await answerSession(parts, res);
  });

  router.delete('/session', async (_req, res) => {
    const session = res.locals.member;
    if (session) await endSession(pool, { sessionId: session.id, memberId: session.member.id });
    cookie.clear(res);
    answerNothing(res);
  });

  router.post('/sign_up', async (req, res) => {
    if (parts.signUp === 'closed') throw new PageProblem('sign_up_closed', 'Signing up is closed here. Ask a member to invite you.');
    const { email, password, environment_name: environmentName } = readSignUp(req.body);
    await attempts.countMail(email, req.ip);
    const kept = await requestSignUp(pool, { email, password, environmentName: environmentName.trim() });
    sendMail(
      kept.kind === 'kept'
        ? signUpMail(email, `${publicUrl}/confirm/${kept.secret}`)
        : alreadySignedUpMail(email, `${publicUrl}/sign-in`, `${publicUrl}/forgotten`),
    );
    res.locals.decision = 'mailed';
    answer(res, 202, { mail_reaches: parts.mailReaches });
  });

  router.post('/sign_up/confirm', async (req, res) => {
    const confirmed = await confirmSignUp(pool, readConfirmation(req.body));
    switch (confirmed.kind) {
      case 'made':
        return enter(req, res, confirmed.memberId, 'createEnvironment', confirmed.environmentId);
      case 'wrong_password':
        throw new PageProblem(
          'wrong_credentials',
          'This is not the password that was chosen at this sign-up. If it was not you who signed up, ignore the mail.',
          'password',
        );
      case 'no_link':
        throw new PageProblem(
          'link_used',
          'This link has been used already, or is older than a day. If you have confirmed your address, sign in; otherwise sign up again.',
        );
    }
  });

  router.post('/password_reset', async (req, res) => {
    const { email } = readEmail(req.body);
    await attempts.countMail(email, req.ip);
    const made = await requestPasswordReset(pool, { email });
    if (made) sendMail(passwordResetMail(made.email, `${publicUrl}/reset/${made.secret}`));
    res.locals.decision = 'mailed';
    answer(res, 202, { mail_reaches: parts.mailReaches });
  });

  router.post('/password_reset/confirm', async (req, res) => {
    const reset = await resetPassword(pool, readReset(req.body));
    if (!reset) throw new PageProblem('link_used', 'This link has been used already, or is older than an hour. Ask for a new one.');
    await enter(req, res, reset.memberId, 'resetPassword');
  });

  router.post('/invitation', async (req, res) => {
    const invitation = await openInvitation(pool, readSecret(req.body));
    if (!invitation)
      throw new PageProblem(
        'link_used',
        'This invitation has been used already, was taken back, or is older than a week. Ask for a new one.',
      );
    answer(res, 200, {
      email: invitation.email,
      role: invitation.role,
      environment_name: invitation.environmentName,
      known: invitation.known,
    });
  });

  router.post('/invitation/accept', async (req, res) => {
    const { secret, password } = readAcceptance(req.body);
    const invitation = await openInvitation(pool, { secret });
    if (invitation && !invitation.known && password === undefined) {
      throw new PageProblem('invalid_request', `A password needs at least ${shortestPassword} characters.`, 'password');
    }
    // A member's own password is left alone, so whatever stands in its place is not looked at.
    const accepted = invitation && (await acceptInvitation(pool, { secret, password: invitation.known ? undefined : password }));
    if (!accepted)
      throw new PageProblem(
        'link_used',
        'This invitation has been used already, was taken back, or is older than a week. Ask for a new one.',
      );
    await enter(req, res, accepted.memberId, 'acceptInvitation', accepted.environmentId);
  });

  router.use(['/password', '/sessions', '/environments'], requireMember);

  router.post('/password', async (req, res) => {
    const session = memberOf(res);
    const { current, next } = readPasswordChange(req.body);
    await attempts.countSignIn(session.member.email, req.ip);
    if (!(await changePassword(pool, { memberId: session.member.id, sessionId: session.id, current, next }))) {
      throw new PageProblem('invalid_request', 'This is not your password.', 'current');
    }
    await attempts.forgetSignIns(session.member.email, req.ip);
    await note(pool, req, res, 'changePassword');
    answerNothing(res);
  });

  router.get('/sessions', async (_req, res) => {
    const session = memberOf(res);
    const sessions = await listSessions(pool, { memberId: session.member.id });
    answer(res, 200, {
      data: sessions.map((one) => ({
        id: one.id,
        current: one.id === session.id,
        created_at: one.createdAt.toISOString(),
        last_seen_at: one.lastSeenAt.toISOString(),
        user_agent: one.userAgent,
      })),
    });
  });

  router.delete('/sessions', async (_req, res) => {
    const session = memberOf(res);
    await endOtherSessions(pool, { memberId: session.member.id, except: session.id });
    answerNothing(res);
  });

  router.post('/environments', async (req, res) => {
    const session = memberOf(res);
    const { name } = readEnvironment(req.body);
    // A viewer is a guest in somebody else's house, and does not build one.
    const theirs = await listMemberEnvironments(pool, { memberId: session.member.id });
    if (parts.signUp === 'closed' && !theirs.some(({ role }) => role === 'admin')) {
      throw new PageProblem('not_allowed', 'Only an admin can make an environment here.');
    }
    const made = await createEnvironmentFor(pool, { memberId: session.member.id, name: name.trim() });
    await note(pool, req, res, 'createEnvironment', made.id);
    answer(res, 201, environmentJson(made));
  });

  return router;
}

/**
 * Notes in the audit log what a member did: of the environment that it was about, or of all that are open to them, where it was about
 * themselves. As in the API, what could not be noted is done all the same.
 */
async function note(pool: Pool, req: Request, res: Response, act: string, environmentId?: string): Promise<void> {
  const { member } = memberOf(res);
  try {
    const environments =
      environmentId === undefined ? (await listMemberEnvironments(pool, { memberId: member.id })).map(({ id }) => id) : [environmentId];
    for (const one of environments) {
      await recordAct(pool, {
        environmentId: one,
        actor: { type: 'member', id: member.id, name: member.email },
        act,
        targets: [publicId('env', one)],
        fields: [],
        requestId: res.locals.requestId,
        remoteAddress: req.ip ?? null,
        userAgent: req.get('user-agent') ?? null,
      });
    }
  } catch (failure) {
    res.locals.failure = new Error(`done, but not noted in the audit log: ${act}`, { cause: failure });
  }
}

/** Refuses whoever is not signed in. */
export function requireMember(_req: Request, res: Response, next: () => void): void {
  memberOf(res);
  next();
}

/** Who is signed in. @throws PageProblem 401 */
export function memberOf(res: Response): Session {
  const { member } = res.locals;
  if (!member) throw new PageProblem('signed_out', 'You are signed out. Sign in again.');
  return member;
}

async function answerSession(parts: AccountParts, res: Response): Promise<void> {
  const session = res.locals.member;
  const environments = session ? await listMemberEnvironments(parts.pool, { memberId: session.member.id }) : [];
  answer(res, 200, {
    member: session ? { id: session.member.id, email: session.member.email } : null,
    environments: environments.map(environmentJson),
    sign_up: parts.signUp,
    mail_reaches: parts.mailReaches,
    public_url: parts.publicUrl,
  });
}

function environmentJson(environment: { id: string; name: string; role: string; createdAt: Date }): object {
  return {
    id: publicId('env', environment.id),
    name: environment.name,
    role: environment.role,
    created_at: environment.createdAt.toISOString(),
  };
}
