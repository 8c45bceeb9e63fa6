import { Type } from '@sinclair/typebox';
import { createSetupLink, revokeSetupLinks } from '#accounts';
import { getDirectory } from '#directory';
import { publicId } from '#identifier';
import { notFound } from '../frame/errors';
import { type ApiRoute, route } from './route';
import { SetupLink } from './shapes';
import { closed } from '../frame/shapes';

const tag = 'Directories';
const daySeconds = 86_400;

export const setupLinkRoutes: ApiRoute[] = [
  route({
    method: 'post',
    path: '/v1/directories/{id}/setup_link',
    operationId: 'createSetupLink',
    tag,
    summary: 'Make a setup link',
    description:
      "For your customer's IT admin: it opens the hosted setup page of this directory, and of no other, as often as it is opened until it ends. Whoever has it may connect an identity provider.",
    params: { id: 'dir' },
    body: closed(
      {
        expires_in: Type.Optional(
          Type.Integer({ minimum: 60, maximum: 30 * daySeconds, description: 'Seconds, 30 days at most; 7 days unless told otherwise' }),
        ),
      },
      { examples: [{ expires_in: 604_800 }] },
    ),
    bodyOptional: true,
    answer: {
      status: 201,
      description: 'The link, shown this once; only its hash is kept',
      schema: SetupLink,
    },
    handle: async ({ environmentId, params, body }, { pool, keyring, publicUrl }) => {
      const directory = await getDirectory(pool, { environmentId, directoryId: params.id });
      if (!directory) throw notFound(publicId('dir', params.id));
      const link = await createSetupLink(pool, keyring, {
        environmentId,
        directoryId: directory.id,
        expiresInSeconds: body.expires_in ?? 7 * daySeconds,
      });
      return { url: `${publicUrl}/setup/${link.token}`, expires_at: link.expiresAt.toISOString() };
    },
  }),
  route({
    method: 'delete',
    path: '/v1/directories/{id}/setup_link',
    operationId: 'deleteSetupLinks',
    tag,
    summary: 'Revoke every setup link',
    description: 'Of this directory, with the sessions of those who have opened one.',
    params: { id: 'dir' },
    answer: { status: 204, description: 'No link of this directory works' },
    handle: async ({ environmentId, params }, { pool }) => {
      const directory = await getDirectory(pool, { environmentId, directoryId: params.id });
      if (!directory) throw notFound(publicId('dir', params.id));
      await revokeSetupLinks(pool, { environmentId, directoryId: directory.id });
    },
  }),
];
