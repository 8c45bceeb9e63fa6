import { Type } from '@sinclair/typebox';
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
  removeMember,
  renameEnvironment,
  revokeInvitation,
} from '#accounts';
import { notHere, refusal } from '../frame/errors';
import { Bytes } from '../frame/route';
import { closed } from '../frame/shapes';
import { Email, EmailOrNone, NameText, RoleWord } from './fields';
import { invitationMail } from './mails';
import { type ConsoleRoute, route } from './route';
import { Invited, MembersAndInvitations, SetupAppearance } from './shapes';

const here = '/console/api/environments/{environment}';

/** One environment's own affairs: its name, its members, and how its setup pages look. Of a member no id is told outside. */
export const environmentRoutes: ConsoleRoute[] = [
  route({
    method: 'patch',
    path: here,
    operationId: 'changeEnvironment',
    body: closed({ name: NameText }),
    answer: { status: 204 },
    handle: async ({ environmentId, body }, { pool }) => {
      await renameEnvironment(pool, { environmentId, name: body.name.trim() });
    },
  }),
  route({
    method: 'delete',
    path: here,
    operationId: 'deleteEnvironment',
    // Its audit log goes with it.
    act: null,
    answer: { status: 204 },
    handle: async ({ environmentId }, { pool }) => {
      await deleteEnvironment(pool, { environmentId });
    },
  }),
  route({
    method: 'get',
    path: `${here}/members`,
    operationId: 'listMembers',
    answer: { status: 200, schema: MembersAndInvitations },
    handle: async ({ environmentId }, { pool }) => {
      const [members, invitations] = await Promise.all([listMembers(pool, { environmentId }), listInvitations(pool, { environmentId })]);
      return {
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
      };
    },
  }),
  route({
    method: 'patch',
    path: `${here}/members/{member}`,
    operationId: 'changeMember',
    names: { member: Type.String() },
    body: closed({ role: RoleWord }),
    answer: { status: 204 },
    handle: async ({ environmentId, names, body }, { pool }) => {
      if (!(await changeRole(pool, { environmentId, memberId: uuidIn(names.member), role: body.role }))) throw memberGone();
    },
  }),
  route({
    method: 'delete',
    path: `${here}/members/{member}`,
    operationId: 'removeMember',
    names: { member: Type.String() },
    answer: { status: 204 },
    handle: async ({ environmentId, names }, { pool }) => {
      if (!(await removeMember(pool, { environmentId, memberId: uuidIn(names.member) }))) throw memberGone();
    },
  }),
  route({
    method: 'post',
    path: `${here}/invitations`,
    operationId: 'inviteMember',
    body: closed({ email: Email, role: RoleWord }),
    answer: { status: 201, schema: Invited },
    handle: async ({ environmentId, session: { member }, body }, { pool, publicUrl, sendMail, mailReaches }) => {
      const appearance = await getSetupAppearance(pool, { environmentId });
      const made = await invite(pool, { environmentId, email: body.email, role: body.role, invitedBy: member.id });
      sendMail(
        invitationMail(made.email, {
          by: member.email,
          environment: appearance?.vendorName ?? 'an environment',
          link: `${publicUrl}/invitation/${made.secret}`,
        }),
      );
      return { email: made.email, expires_at: made.expiresAt.toISOString(), mail_reaches: mailReaches };
    },
  }),
  route({
    method: 'delete',
    path: `${here}/invitations/{invitation}`,
    operationId: 'revokeInvitation',
    names: { invitation: Type.String() },
    answer: { status: 204 },
    handle: async ({ environmentId, names }, { pool }) => {
      if (!(await revokeInvitation(pool, { environmentId, invitationId: uuidIn(names.invitation) })))
        throw notHere('This invitation has been answered or taken back already.');
    },
  }),
  route({
    method: 'get',
    path: `${here}/appearance`,
    operationId: 'getSetupAppearance',
    answer: { status: 200, schema: SetupAppearance },
    handle: async ({ environmentId }, { pool }) => {
      const appearance = await getSetupAppearance(pool, { environmentId });
      if (!appearance) throw notHere();
      return {
        vendor_name: appearance.vendorName,
        color: appearance.color,
        has_logo: appearance.hasLogo,
        support_email: appearance.supportEmail,
      };
    },
  }),
  route({
    method: 'put',
    path: `${here}/appearance`,
    operationId: 'changeSetupAppearance',
    body: closed({
      vendor_name: Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 100 }),
      color: Type.Unsafe<string | null>({
        type: ['string', 'null'],
        pattern: '^#[0-9A-Fa-f]{6}$',
        description: 'A colour is six hexadecimal digits after a #.',
      }),
      support_email: EmailOrNone,
      logo: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 100_000 })),
    }),
    answer: { status: 204 },
    handle: async ({ environmentId, body }, { pool }) => {
      await changeSetupAppearance(pool, {
        environmentId,
        vendorName: body.vendor_name?.trim() || null,
        color: body.color,
        supportEmail: body.support_email,
        logo: typeof body.logo === 'string' ? logoIn(body.logo) : body.logo,
      });
    },
  }),
  route({
    method: 'get',
    path: `${here}/appearance/logo`,
    operationId: 'getLogo',
    answer: { status: 200 },
    handle: async ({ environmentId }, { pool }) => {
      const logo = await getLogo(pool, { environmentId });
      if (!logo) throw notHere();
      return new Bytes(logo.type, logo.bytes);
    },
  }),
];

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Members and invitations have no public id. */
function uuidIn(text = ''): string {
  if (!uuid.test(text)) throw notHere();
  return text;
}

function memberGone(): Error {
  return notHere('This member does not belong to the environment any more.');
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
    throw refusal('invalid_request', `A logo is a PNG, JPEG or WebP picture of at most ${largestLogoBytes / 1024} KiB.`, {
      field: 'logo',
    });
  return { bytes, type };
}
