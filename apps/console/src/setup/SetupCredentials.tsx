import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { IssuedSetupSecret, SetupCredentials as Credentials, SetupOAuthClient } from '../broker/answers';
import { Answer } from '../parts/Answer';
import { ConfirmDialog, SecretDialog } from '../parts/dialogs';
import { PageFrame, Section } from '../parts/PageFrame';
import { StackedTable } from '../parts/StackedTable';
import { When } from '../parts/When';
import { useSetup, useSetupAnswer, useSetupWrite } from './setup-session';
import { TokenValues } from './TokenValues';

/** The credentials of the customer's identity provider: when each was last used, and how it is changed without an outage. */
export default function SetupCredentials() {
  const { vendor } = useSetup();
  const credentials = useSetupAnswer<Credentials>('/credentials', 15_000);
  return (
    <PageFrame title="Credentials" about={`What your identity provider authenticates to ${vendor.name} with.`}>
      <Section
        title="Replace the token"
        about="Create a new one, paste it into your identity provider, and test the connection there. The current token keeps working meanwhile, so that nothing is missed."
      >
        <TokenValues urlLabel="Base URL" tokenLabel="Token" />
      </Section>
      <Answer query={credentials}>
        {({ bearer_tokens: tokens, oauth_clients: clients }) => (
          <>
            <Section title="Bearer tokens" padding={tokens.length === 0 ? 'lg' : 0}>
              {tokens.length === 0 ? (
                <Text size="sm" c="dimmed">
                  There are none.
                </Text>
              ) : (
                <StackedTable
                  heads={['Token', 'Created', 'Last used', 'Expires']}
                  rows={tokens.map((token) => ({
                    key: token.id,
                    cells: [
                      token.name ?? 'Bearer token',
                      <When key="made" time={token.created_at} />,
                      token.last_used_at ? <When key="used" time={token.last_used_at} /> : 'never',
                      token.expires_at ? <When key="ends" time={token.expires_at} /> : 'when replaced',
                    ],
                  }))}
                />
              )}
            </Section>
            {clients.length > 0 && <Clients clients={clients} />}
          </>
        )}
      </Answer>
    </PageFrame>
  );
}

function Clients({ clients }: { clients: SetupOAuthClient[] }) {
  const [deleting, setDeleting] = useState<SetupOAuthClient | undefined>();
  const [secret, setSecret] = useState<string | undefined>();
  const rotating = useSetupWrite<IssuedSetupSecret, string>(
    (id) => ({ path: `/oauth_clients/${id}/rotate_secret`, body: {} }),
    ({ client_secret: made }) => setSecret(made),
  );
  const deletion = useSetupWrite<unknown, string>(
    (id) => ({ path: `/oauth_clients/${id}`, method: 'DELETE' }),
    () => setDeleting(undefined),
  );
  return (
    <Section title="OAuth clients" padding={0}>
      <StackedTable
        heads={['Client id', 'Created', 'Last used', 'Actions']}
        rows={clients.map((client) => ({
          key: client.id,
          cells: [
            <span key="id" className="mono">
              {client.client_id}
            </span>,
            <When key="made" time={client.created_at} />,
            client.last_used_at ? <When key="used" time={client.last_used_at} /> : 'never',
            <Group key="actions" gap={4} justify="flex-end" wrap="nowrap">
              <Button
                size="compact-sm"
                variant="default"
                loading={rotating.isPending && rotating.variables === client.id}
                onClick={() => rotating.mutate(client.id)}
              >
                New secret
              </Button>
              <Button size="compact-sm" variant="subtle" color="red" onClick={() => setDeleting(client)}>
                Delete
              </Button>
            </Group>,
          ],
        }))}
      />
      <SecretDialog
        title="The new client secret"
        secrets={secret === undefined ? undefined : [{ label: 'Client secret', value: secret }]}
        onClose={() => setSecret(undefined)}
      >
        <Text size="sm" c="dimmed">
          The current secret keeps working for 7 days.
        </Text>
      </SecretDialog>
      <ConfirmDialog
        opened={deleting !== undefined}
        title="Delete the OAuth client?"
        confirm="Delete"
        pending={deletion.isPending}
        error={deletion.error}
        onConfirm={() => deleting && deletion.mutate(deleting.id)}
        onClose={() => setDeleting(undefined)}
      >
        <Stack gap="xs">
          <Text size="sm">
            Its secrets and access tokens stop working at once: an identity provider that uses it is rejected from its next request on.
          </Text>
        </Stack>
      </ConfirmDialog>
    </Section>
  );
}
