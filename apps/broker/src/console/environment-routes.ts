import { Type } from '@sinclair/typebox';
import { type Request, type Response, Router } from 'express';
import type { Pool } from 'pg';
import {
  changeRole,
  changeSetupAppearance,
  deleteEnvironment,
  getLogo,
  getSetupAppearance,
  invite,
  largestLogoBytes,
  listInvitations,
  listMembers,
  type Logo,
  recordAct,
  removeMember,
  renameEnvironment,
  revokeInvitation,
  roles,
} from '#accounts';
import { publicId } from '#identifier';
import { answer, answerNothing } from '../pages/answer';
import { bodyReader, Email, NameText } from '../pages/body';
import { PageProblem, notFound } from '../pages/errors';
import { memberOf } from './account-routes';
import { invitationMail, type SendMail } from './mails';

export interface EnvironmentParts {
  pool: Pool;
  publicUrl: string;
  sendMail: SendMail;
  mailReaches: boolean;
}

const RoleWord = Type.Unsafe<(typeof roles)[number]>({
  type: 'string',
  enum: [...roles],
  description: 'A member is an admin or a viewer.',
});
const NullableText = (maxLength: number) => Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength });

const readName = bodyReader({ name: NameText });
const readRole = bodyReader({ role: RoleWord });
const readInvitation = bodyReader({ email: Email, role: RoleWord });
const readAppearance = bodyReader({
  vendor_name: NullableText(100),
  color: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    pattern: '^#[0-9A-Fa-f]{6}$',
    description: 'A colour is six hexadecimal digits after a #.',
  }),
  support_email: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    pattern: '^[^\\s@<>"]{1,64}@[^\\s@<>"]{1,255}$',
    description: 'This is not an e-mail address.',
  }),
  logo: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 100_000 })),
});

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** One environment's own affairs: its name, its members, and how its setup pages look. Who calls is known by now, and what they may do. */
export function environmentRouter({ pool, publicUrl, sendMail, mailReaches }: EnvironmentParts): Router {
  const router = Router({ caseSensitive: true });

  router.patch('/', async (req, res) => {
    const { environmentId } = callerOf(res);
    const { name } = readName(req.body);
    await renameEnvironment(pool, { environmentId, name: name.trim() });
    await note(pool, req, res, 'changeEnvironment', ['name']);
    answerNothing(res);
  });

  router.delete('/', async (_req, res) => {
    await deleteEnvironment(pool, callerOf(res));
    answerNothing(res);
  });

  router.get('/members', async (_req, res) => {
    const { environmentId } = callerOf(res);
    const [members, invitations] = await Promise.all([listMembers(pool, { environmentId }), listInvitations(pool, { environmentId })]);
    answer(res, 200, {
      members: members.map((member) => ({
        id: member.id,
        email: member.email,
        role: member.role,
        since: member.since.toISOString(),
        last_seen_at: member.lastSeenAt && member.lastSeenAt.toISOString(),
      })),
      invitations: invitations.map((invitation) => ({
        id: invitation.id,
        email: invitation.email,
        role: invitation.role,
        invited_by: invitation.invitedBy,
        created_at: invitation.createdAt.toISOString(),
        expires_at: invitation.expiresAt.toISOString(),
      })),
    });
  });

  router.patch('/members/:member', async (req, res) => {
    const { environmentId } = callerOf(res);
    const { role } = readRole(req.body);
    if (!(await changeRole(pool, { environmentId, memberId: uuidIn(req.params.member), role })))
      throw notFound('This member does not belong to the environment any more.');
    await note(pool, req, res, 'changeMember', ['role']);
    answerNothing(res);
  });

  router.delete('/members/:member', async (req, res) => {
    const { environmentId } = callerOf(res);
    if (!(await removeMember(pool, { environmentId, memberId: uuidIn(req.params.member) })))
      throw notFound('This member does not belong to the environment any more.');
    await note(pool, req, res, 'removeMember');
    answerNothing(res);
  });

  router.post('/invitations', async (req, res) => {
    const { environmentId } = callerOf(res);
    const { member } = memberOf(res);
    const { email, role } = readInvitation(req.body);
    const made = await invite(pool, { environmentId, email, role, invitedBy: member.id });
    await note(pool, req, res, 'inviteMember', ['email', 'role']);
    const appearance = await getSetupAppearance(pool, { environmentId });
    sendMail(
      invitationMail(made.email, {
        by: member.email,
        environment: appearance?.vendorName ?? 'an environment',
        link: `${publicUrl}/invitation/${made.secret}`,
      }),
    );
    answer(res, 201, { email: made.email, expires_at: made.expiresAt.toISOString(), mail_reaches: mailReaches });
  });

  router.delete('/invitations/:invitation', async (req, res) => {
    const { environmentId } = callerOf(res);
    if (!(await revokeInvitation(pool, { environmentId, invitationId: uuidIn(req.params.invitation) })))
      throw notFound('This invitation has been answered or taken back already.');
    await note(pool, req, res, 'revokeInvitation');
    answerNothing(res);
  });

  router.get('/appearance', async (_req, res) => {
    const { environmentId } = callerOf(res);
    const appearance = await getSetupAppearance(pool, { environmentId });
    if (!appearance) throw notFound();
    answer(res, 200, {
      vendor_name: appearance.vendorName,
      color: appearance.color,
      has_logo: appearance.hasLogo,
      support_email: appearance.supportEmail,
    });
  });

  router.put('/appearance', async (req, res) => {
    const { environmentId } = callerOf(res);
    const body = readAppearance(req.body);
    await changeSetupAppearance(pool, {
      environmentId,
      vendorName: body.vendor_name?.trim() || null,
      color: body.color,
      supportEmail: body.support_email,
      logo: typeof body.logo === 'string' ? logoIn(body.logo) : body.logo,
    });
    await note(pool, req, res, 'changeSetupAppearance', Object.keys(body));
    answerNothing(res);
  });

  router.get('/appearance/logo', async (_req, res) => {
    const logo = await getLogo(pool, callerOf(res));
    if (!logo) throw notFound();
    res.setHeader('Content-Type', logo.type);
    res.setHeader('Cache-Control', 'no-store');
    res.end(logo.bytes);
  });

  return router;
}

/** Notes in the audit log what a member has changed. Of a member that was changed no id is told: members have none outside. */
async function note(pool: Pool, req: Request, res: Response, act: string, fields: string[] = []): Promise<void> {
  const { environmentId } = callerOf(res);
  const { member } = memberOf(res);
  await recordAct(pool, {
    environmentId,
    actor: { type: 'member', id: member.id, name: member.email },
    act,
    targets: [publicId('env', environmentId)],
    fields,
    requestId: res.locals.requestId,
    remoteAddress: req.ip ?? null,
    userAgent: req.get('user-agent') ?? null,
  });
}

function callerOf(res: { locals: { caller?: { environmentId: string } } }): { environmentId: string } {
  if (!res.locals.caller) throw new Error('an environment was reached without finding out who calls');
  return res.locals.caller;
}

function uuidIn(text: unknown): string {
  if (typeof text !== 'string' || !uuid.test(text)) throw notFound();
  return text;
}

/** A picture in base64, by what it begins with: what a browser is told it is must be what it is. */
function logoIn(base64: string): Logo {
  const bytes = Buffer.from(base64, 'base64');
  const type = bytes.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex'))
    ? 'image/png'
    : bytes.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex'))
      ? 'image/jpeg'
      : bytes.subarray(0, 4).toString('latin1') === 'RIFF' && bytes.subarray(8, 12).toString('latin1') === 'WEBP'
        ? 'image/webp'
        : undefined;
  if (!type || bytes.length > largestLogoBytes)
    throw new PageProblem('invalid_request', `A logo is a PNG, JPEG or WebP picture of at most ${largestLogoBytes / 1024} KiB.`, 'logo');
  return { bytes, type };
}
