/** Every recorded exchange of an identity provider (packages/scim/recordings), over HTTP, with the events that it makes. */
import { identityProvider, type Recording, recordings, replay } from '#testing';
import { theBroker, uuidOf } from './a-scim-directory';

const sections: Record<string, string> = { entra: '§19.1', okta: '§20' };

const all = recordings().map(
  (recording) => [`${sections[recording.idp] ?? '§21'} ${recording.idp}: ${recording.name}`, recording] as const,
);

test.each(all)('%s', async (_name, recording) => {
  const broker = await theBroker();
  // A declaration is for a whole environment: what declares one is given its own.
  const key = recording.extensions?.length ? await broker.stranger() : broker.apiKey;
  for (const extension of recording.extensions ?? []) await declare(key, extension);
  const { id, token } = await broker.aDirectory({ key });
  await replay(recording, {
    idp: identityProvider({ baseUrl: `${broker.url}/scim/v2/${id}`, token }),
    baseUrl: `${broker.config.publicUrl}/scim/v2/${id}`,
    eventTypes: async () => {
      const { rows } = await broker.db.pool.query<{ type: string }>('select type from events where directory_id = $1 order by sequence', [
        uuidOf(id),
      ]);
      return rows.map(({ type }) => type);
    },
  });
});

async function declare(key: string, extension: NonNullable<Recording['extensions']>[number]): Promise<void> {
  const { call } = await theBroker();
  const { urn, resourceType, ...rest } = extension as { urn: string; resourceType: string; attributes: unknown[] };
  const { status, text } = await call('PUT', `/v1/schema_extensions/${urn}`, { key, body: { ...rest, resource_type: resourceType } });
  expect([status, text]).toEqual([200, text]);
}
