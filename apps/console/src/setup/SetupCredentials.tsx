import { Button, Group, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import type { BearerToken, OAuthClient } from '../broker/shapes';
import { Answer } from '../parts/Answer';
import { ConfirmDialog, SecretDialog } from '../parts/dialogs';
import { PageFrame, Section } from '../parts/PageFrame';
import { When } from '../parts/When';
import { useSetup, useSetupAnswer, useSetupWrite } from './setup-session';
import { TokenValues } from './TokenValues';

/** The credentials of the customer's identity provider: when each was last used, and how it is changed without an outage. */
export default function SetupCredentials() {
  const { vendor } = useSetup();
  const credentials = useSetupAnswer<{ bearer_tokens: BearerToken[]; oauth_clients: OAuthClient[] }>('/credentials', 15_000);
  return (
    <PageFrame title="Tokens" about={`What your identity provider signs in to ${vendor.name} with.`}>
      <Section title="Change the token" about="Make a new one, paste it into your identity provider, test the connection there. Until then the present one goes on working, so that nothing is missed.">
        <TokenValues urlLabel="Base URL" tokenLabel="Token" />
      </Section>
      <Answer query={credentials}>
        {({ bearer_tokens: tokens, oauth_clients: clients }) => (
          <>
            <Section title="Tokens that work" padding={tokens.length === 0 ? 'lg' : 0}>
              {tokens.length === 0 ? <Text size="sm" c="dimmed">There is none.</Text> : (
                <Table.ScrollContainer minWidth={460}>
                  <Table horizontalSpacing="lg">
                    <Table.Thead><Table.Tr><Table.Th>Token</Table.Th><Table.Th>Made</Table.Th><Table.Th>Last used</Table.Th><Table.Th>Ends</Table.Th></Table.Tr></Table.Thead>
                    <Table.Tbody>
                      {tokens.map((token) => (
                        <Table.Tr key={token.id}>
                          <Table.Td>{token.name ?? 'Bearer token'}</Table.Td>
                          <Table.Td><When time={token.created_at} /></Table.Td>
                          <Table.Td>{token.last_used_at ? <When time={token.last_used_at} /> : 'never'}</Table.Td>
                          <Table.Td>{token.expires_at ? <When time={token.expires_at} /> : 'when replaced'}</Table.Td>
                        </Table.Tr>
                      ))}
                    </Table.Tbody>
                  </Table>
                </Table.ScrollContainer>
              )}
            </Section>
            {clients.length > 0 && <Clients clients={clients} />}
          </>
        )}
      </Answer>
    </PageFrame>
  );
}

function Clients({ clients }: { clients: OAuthClient[] }) {
  const [deleting, setDeleting] = useState<OAuthClient | undefined>();
  const [secret, setSecret] = useState<string | undefined>();
  const rotating = useSetupWrite<{ client_secret: string }, string>((id) => ({ path: `/oauth_clients/${id}/rotate_secret`, body: {} }), ({ client_secret: made }) => setSecret(made));
  const deletion = useSetupWrite<unknown, string>((id) => ({ path: `/oauth_clients/${id}`, method: 'DELETE' }), () => setDeleting(undefined));
  return (
    <Section title="OAuth clients" padding={0}>
      <Table.ScrollContainer minWidth={560}>
        <Table horizontalSpacing="lg">
          <Table.Thead><Table.Tr><Table.Th>Client id</Table.Th><Table.Th>Made</Table.Th><Table.Th>Last used</Table.Th><Table.Th><span className="visually-hidden">Actions</span></Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {clients.map((client) => (
              <Table.Tr key={client.id}>
                <Table.Td><span className="mono">{client.client_id}</span></Table.Td>
                <Table.Td><When time={client.created_at} /></Table.Td>
                <Table.Td>{client.last_used_at ? <When time={client.last_used_at} /> : 'never'}</Table.Td>
                <Table.Td>
                  <Group gap={4} justify="flex-end" wrap="nowrap">
                    <Button size="compact-sm" variant="default" loading={rotating.isPending && rotating.variables === client.id} onClick={() => rotating.mutate(client.id)}>New secret</Button>
                    <Button size="compact-sm" variant="subtle" color="red" onClick={() => setDeleting(client)}>Delete</Button>
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <SecretDialog title="The new client secret" secrets={secret === undefined ? undefined : [{ label: 'Client secret', value: secret }]} onClose={() => setSecret(undefined)}>
        <Text size="sm" c="dimmed">The present secret goes on working for 7 days.</Text>
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
        <Stack gap="xs"><Text size="sm">Its secrets and access tokens end at once: an identity provider that uses it is refused from its next request on.</Text></Stack>
      </ConfirmDialog>
    </Section>
  );
}
