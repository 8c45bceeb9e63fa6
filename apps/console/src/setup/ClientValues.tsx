import { Alert, Button, Group, Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { IssuedSetupOAuthClient } from '../broker/answers';
import { KeyIcon, WarningIcon } from '../icons';
import { Refusal } from '../parts/Answer';
import { Copyable } from '../parts/Copyable';
import { useSetup, useSetupWrite } from './setup-session';

const shownKey = (grant: string): string[] => ['shown', grant];

/** The values of Entra's "OAuth2 client credentials grant". */
export function ClientCredentialsValues() {
  const { directory } = useSetup();
  const { client, making } = useIssuing('client_credentials');
  return (
    <Stack gap="sm" my="sm">
      <Copyable label="Tenant URL" value={directory.base_url} />
      <Copyable label="Token endpoint" value={directory.token_url} />
      {client ? (
        <Issued client={client} idLabel="Client identifier" secretLabel="Client secret" />
      ) : (
        <Group>
          <Button leftSection={<KeyIcon size={16} />} loading={making.isPending} onClick={() => making.mutate([])}>
            Create the client identifier and secret
          </Button>
        </Group>
      )}
      <Refusal error={making.error} />
    </Stack>
  );
}

/** The values of Okta's "OAuth 2", which need the address of the app in Okta first. */
export function AuthorizationCodeValues() {
  const { directory } = useSetup();
  const { client, making } = useIssuing('authorization_code');
  const [address, setAddress] = useState('');
  const [unread, setUnread] = useState(false);
  const appName = oktaAppName(address);
  return (
    <Stack gap="sm" my="sm">
      {!client && (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            setUnread(appName === undefined);
            if (appName !== undefined) making.mutate([`https://system-admin.okta.com/admin/app/cpc/${appName}/oauth/callback`]);
          }}
        >
          <Stack gap="sm" align="flex-start">
            <TextInput
              w="100%"
              label="Address of your app in Okta"
              description="Open the app in Okta’s Admin Console and copy the address from your browser’s address bar."
              placeholder="https://acme-admin.okta.com/admin/app/acme_app_1/instance/0oa1b2c3/#tab-general"
              value={address}
              onChange={(event) => setAddress(event.currentTarget.value)}
              error={
                unread && appName === undefined ? 'This is not the address of an app: it should contain /admin/app/…/instance/.' : undefined
              }
            />
            <Button type="submit" leftSection={<KeyIcon size={16} />} loading={making.isPending}>
              Create the client id and secret
            </Button>
          </Stack>
        </form>
      )}
      <Copyable label="SCIM connector base URL" value={directory.base_url} />
      <Copyable label="Access token endpoint URI" value={directory.token_url} />
      <Copyable label="Authorization endpoint URI" value={directory.authorization_url} />
      {client && <Issued client={client} idLabel="Client ID" secretLabel="Client Secret" />}
      <Refusal error={making.error} />
    </Stack>
  );
}

/** `acme_app_1` of `https://acme-admin.okta.com/admin/app/acme_app_1/instance/0oa1b2c3/#tab-general`. */
export function oktaAppName(address: string): string | undefined {
  return /\/admin\/app\/([A-Za-z0-9_-]+)\/instance\//.exec(address)?.[1];
}

function useIssuing(grant: 'client_credentials' | 'authorization_code') {
  const queries = useQueryClient();
  const [client, setClient] = useState(() => queries.getQueryData<IssuedSetupOAuthClient>(shownKey(grant)));
  const making = useSetupWrite<IssuedSetupOAuthClient, string[]>(
    (redirectUris) => ({
      path: '/oauth_clients',
      body: { grant_type: grant, ...(grant === 'authorization_code' && { redirect_uris: redirectUris }) },
    }),
    (issued) => {
      queries.setQueryData(shownKey(grant), issued);
      setClient(issued);
    },
  );
  return { client, making };
}

function Issued({ client, idLabel, secretLabel }: { client: IssuedSetupOAuthClient; idLabel: string; secretLabel: string }) {
  return (
    <>
      <Copyable label={idLabel} value={client.client_id} />
      <Copyable label={secretLabel} value={client.client_secret} />
      <Alert color="yellow" icon={<WarningIcon />} py="xs">
        Copy the secret now: you will not see it again. If you lose it, create another client here.
      </Alert>
    </>
  );
}
