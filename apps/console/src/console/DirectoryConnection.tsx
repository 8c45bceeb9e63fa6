import {
  Alert,
  Anchor,
  Badge,
  Button,
  Group,
  NativeSelect,
  SegmentedControl,
  Stack,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useState } from 'react';
import { Problem } from '../broker/call';
import { useApi, useOwn, useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { BearerToken, Directory, IssuedOAuthClient, IssuedToken, OAuthClient, Page, SetupLink, SetupLinks } from '../broker/answers';
import { KeyIcon, LinkIcon, PlusIcon } from '../icons';
import { Copyable } from '../parts/Copyable';
import { ConfirmDialog, FormDialog, SecretDialog } from '../parts/dialogs';
import { useFields } from '../parts/fields';
import { Section } from '../parts/PageFrame';
import { StackedTable } from '../parts/StackedTable';
import { When } from '../parts/When';
import { count, dateAndTime, inSentence, providerShortNames } from '../parts/words';

/** How the identity provider gets in: the setup link for its admin, and the credentials. */
export function DirectoryConnection({ directory }: { directory: Directory }) {
  return (
    <Stack gap="lg">
      <SetupLinks directory={directory} />
      <Section title="Base URL" about="What Entra calls the Tenant URL, and Okta the SCIM connector base URL.">
        <Copyable label="Base URL" value={directory.base_url} />
      </Section>
      <BearerTokens directory={directory} />
      <OAuthClients directory={directory} />
    </Stack>
  );
}

const lifetimes = [
  { value: String(86_400), label: '1 day' },
  { value: String(7 * 86_400), label: '7 days' },
  { value: String(30 * 86_400), label: '30 days' },
];

function SetupLinks({ directory }: { directory: Directory }) {
  const { mayChange } = useHere();
  const [lifetime, setLifetime] = useState(String(7 * 86_400));
  const [made, setMade] = useState<{ url: string; expires_at: string } | undefined>();
  const [revoking, setRevoking] = useState(false);
  const links = useOwn<SetupLinks>(`/directories/${directory.id}/setup_links`);
  const working = links.data?.data ?? [];
  const making = useWrite<SetupLink>(
    () => ({ path: `/directories/${directory.id}/setup_link`, body: { expires_in: Number(lifetime) } }),
    setMade,
  );
  const revoke = useWrite(
    () => ({ path: `/directories/${directory.id}/setup_link`, method: 'DELETE' }),
    () => {
      setMade(undefined);
      setRevoking(false);
    },
  );
  return (
    <Section
      title="Setup link"
      about={
        <>
          The easiest way: the customer’s IT admin opens it and is guided through the setup in {inSentence(directory.provider)}, step by
          step, with every value filled in.
        </>
      }
      actions={
        mayChange &&
        working.length > 0 && (
          <Button variant="subtle" color="red" size="xs" onClick={() => setRevoking(true)}>
            Revoke all links
          </Button>
        )
      }
    >
      <Stack>
        {mayChange && (
          <Group align="flex-end" gap="sm">
            <NativeSelect
              label="Works for"
              data={lifetimes}
              value={lifetime}
              onChange={(event) => setLifetime(event.currentTarget.value)}
            />
            <Button leftSection={<LinkIcon size={16} />} loading={making.isPending} onClick={() => making.mutate()}>
              Create a setup link
            </Button>
          </Group>
        )}
        {making.error && (
          <Alert color="red" role="alert">
            {making.error.message}
          </Alert>
        )}
        {made && (
          <Stack gap={6}>
            <Copyable
              label="Setup link"
              value={made.url}
              hint={
                <>
                  Works until {dateAndTime(made.expires_at)}. Whoever has it can connect this directory, and nothing else: send it to the IT
                  admin alone. It is not shown again, but you can create another at any time.
                </>
              }
            />
            <Text size="sm">
              <Anchor href={mailTo(directory, made.url)}>Write the e-mail</Anchor>
            </Text>
          </Stack>
        )}
        {working.length > 0 && (
          <Text size="sm" c="dimmed">
            {working.length === 1 ? 'One link works' : `${count(working.length, 'link')} work`}:{' '}
            {working.map(({ created_at: at, expires_at: until }, i) => (
              <span key={at}>
                {i > 0 && '; '}created <When time={at} />, expires <When time={until} />
              </span>
            ))}
            .
          </Text>
        )}
        {!mayChange && (
          <Text size="sm" c="dimmed">
            An admin of this environment can create one.
          </Text>
        )}
      </Stack>
      <ConfirmDialog
        opened={revoking}
        title={working.length === 1 ? 'Revoke the setup link?' : `Revoke ${count(working.length, 'setup link')}?`}
        confirm="Revoke"
        pending={revoke.isPending}
        error={revoke.error}
        onConfirm={() => revoke.mutate()}
        onClose={() => setRevoking(false)}
      >
        <Text size="sm">
          Every setup link of this directory stops working at once, also for whoever has one open. Everything that has been set up with them
          stays.
        </Text>
      </ConfirmDialog>
    </Section>
  );
}

function mailTo(directory: Directory, url: string): string {
  const body = `Hello,\n\nto connect ${directory.provider === 'generic' ? 'your identity provider' : providerShortNames[directory.provider]}, please open this page and follow the steps. It takes about five minutes:\n\n${url}\n\nThe link is for you only; please do not forward it.\n`;
  return `mailto:?subject=${encodeURIComponent('Connecting your directory')}&body=${encodeURIComponent(body)}`;
}

const overlaps = [
  { value: '0', label: 'stops working at once' },
  { value: '3600', label: 'keeps working for another hour' },
  { value: '86400', label: 'keeps working for another day' },
  { value: '604800', label: 'keeps working for another 7 days' },
];

function BearerTokens({ directory }: { directory: Directory }) {
  const { mayChange } = useHere();
  const list = useApi<Page<BearerToken>>(`/directories/${directory.id}/bearer_tokens`);
  const [asking, setAsking] = useState<'replace' | 'revoke' | BearerToken | undefined>();
  const [overlap, setOverlap] = useState('0');
  const [issued, setIssued] = useState<string | undefined>();
  const making = useWrite<IssuedToken>(
    () => ({
      path: `/directories/${directory.id}/bearer_token`,
      body: directory.has_bearer_token ? { expire_previous_in: Number(overlap) } : {},
    }),
    (made) => {
      setAsking(undefined);
      setIssued(made.token);
    },
  );
  const revoking = useWrite(
    () => ({ path: `/directories/${directory.id}/bearer_token`, method: 'DELETE' }),
    () => setAsking(undefined),
  );
  const revokingOne = useWrite<unknown, string>(
    (id) => ({ path: `/directories/${directory.id}/bearer_tokens/${id}`, method: 'DELETE' }),
    () => setAsking(undefined),
  );
  const tokens = list.data?.data ?? [];
  const one = typeof asking === 'object' ? asking : undefined;
  return (
    <Section
      title="Bearer token"
      about="What Entra calls the Secret token. Pasted once into the identity provider; only its hash is kept here."
      actions={
        mayChange && (
          <>
            {tokens.length > 1 && (
              <Button variant="subtle" color="red" size="xs" onClick={() => setAsking('revoke')}>
                Revoke all
              </Button>
            )}
            <Button
              size="xs"
              variant={directory.has_bearer_token ? 'default' : 'filled'}
              leftSection={<KeyIcon size={15} />}
              onClick={() => (directory.has_bearer_token ? setAsking('replace') : making.mutate())}
              loading={making.isPending && asking === undefined}
            >
              {directory.has_bearer_token ? 'Replace' : 'Create a token'}
            </Button>
          </>
        )
      }
      padding={tokens.length > 0 ? 0 : 'lg'}
    >
      {making.error && asking === undefined && (
        <Alert color="red" role="alert" m="sm">
          {making.error.message}
        </Alert>
      )}
      {tokens.length > 0 ? (
        <StackedTable
          heads={['Token', 'Created', 'Last used', 'Expires', 'Actions']}
          rows={tokens.map((token) => ({
            key: token.id,
            cells: [
              token.name ?? 'Bearer token',
              <When key="made" time={token.created_at} />,
              token.last_used_at ? <When key="used" time={token.last_used_at} /> : 'never',
              token.expires_at ? <When key="ends" time={token.expires_at} /> : 'when revoked',
              mayChange && (
                <Button
                  key="revoke"
                  size="compact-xs"
                  variant="subtle"
                  color="red"
                  onClick={() => setAsking(token)}
                  aria-label={`Revoke ${token.name ?? 'the token'}`}
                >
                  Revoke
                </Button>
              ),
            ],
          }))}
        />
      ) : (
        <Text size="sm" c={directory.has_bearer_token ? undefined : 'dimmed'}>
          {directory.has_bearer_token
            ? 'There is a token.'
            : 'No token yet. Create one, or send a setup link: the IT admin creates it there.'}
        </Text>
      )}

      <FormDialog
        opened={asking === 'replace'}
        title="Replace the bearer token"
        submit="Create a new token"
        pending={making.isPending}
        error={making.error}
        onSubmit={() => making.mutate()}
        onClose={() => setAsking(undefined)}
      >
        <NativeSelect
          label="The current token"
          data={overlaps}
          value={overlap}
          onChange={(event) => setOverlap(event.currentTarget.value)}
          description="Once the old token has stopped working, requests fail until the new one is pasted into the identity provider."
        />
      </FormDialog>
      <ConfirmDialog
        opened={asking === 'revoke'}
        title={`Revoke ${count(tokens.length, 'bearer token')}?`}
        confirm="Revoke"
        pending={revoking.isPending}
        error={revoking.error}
        onConfirm={() => revoking.mutate()}
        onClose={() => setAsking(undefined)}
      >
        <Text size="sm">
          {providerShortNames[directory.provider]} is rejected from its next request on, unless it uses OAuth. Users and groups stay as they
          are.
        </Text>
      </ConfirmDialog>
      <ConfirmDialog
        opened={one !== undefined}
        title={`Revoke ${one?.name ?? 'the bearer token'}?`}
        confirm="Revoke"
        pending={revokingOne.isPending}
        error={revokingOne.error}
        onConfirm={() => one && revokingOne.mutate(one.id)}
        onClose={() => setAsking(undefined)}
      >
        <Text size="sm">
          Whoever uses it is rejected from the next request on.{' '}
          {one && (
            <>
              It was created <When time={one.created_at} /> and{' '}
              {one.last_used_at ? (
                <>
                  last used <When time={one.last_used_at} />
                </>
              ) : (
                'never used'
              )}
              .
            </>
          )}{' '}
          Users and groups stay as they are.
        </Text>
      </ConfirmDialog>
      <SecretDialog
        title="The new bearer token"
        secrets={
          issued === undefined
            ? undefined
            : [
                { label: 'Base URL', value: directory.base_url },
                { label: 'Bearer token', value: issued },
              ]
        }
        onClose={() => setIssued(undefined)}
      />
    </Section>
  );
}

function OAuthClients({ directory }: { directory: Directory }) {
  const { mayChange } = useHere();
  const list = useApi<Page<OAuthClient>>(`/directories/${directory.id}/oauth_clients`);
  const [making, setMaking] = useState(false);
  const [issued, setIssued] = useState<IssuedOAuthClient | undefined>();
  const [deleting, setDeleting] = useState<OAuthClient | undefined>();
  const { values, set, reset } = useFields({
    grant_type: directory.provider === 'okta' ? 'authorization_code' : 'client_credentials',
    redirect_uris: [] as string[],
    okta_app: '',
  });
  const appName =
    /\/admin\/app\/([^/]+)\//.exec(values.okta_app)?.[1] ?? (/^[\w-]+$/.test(values.okta_app.trim()) ? values.okta_app.trim() : undefined);
  const redirects = [
    ...values.redirect_uris,
    ...(directory.provider === 'okta' && appName ? [`https://system-admin.okta.com/admin/app/cpc/${appName}/oauth/callback`] : []),
  ];
  const creation = useWrite<IssuedOAuthClient>(
    () => ({
      path: `/directories/${directory.id}/oauth_clients`,
      body: { grant_type: values.grant_type, ...(values.grant_type === 'authorization_code' && { redirect_uris: redirects }) },
    }),
    (client) => {
      setMaking(false);
      setIssued(client);
      reset();
    },
  );
  const deletion = useWrite<unknown, string>(
    (id) => ({ path: `/directories/${directory.id}/oauth_clients/${id}`, method: 'DELETE' }),
    () => setDeleting(undefined),
  );
  if (list.error instanceof Problem && list.error.code === 'not_found') return null;
  const clients = list.data?.data ?? [];
  return (
    <Section
      title="OAuth 2.0 clients"
      about="For identity providers that ask for a client id and secret: Entra’s “OAuth2 client credentials grant”, Okta’s “OAuth 2”."
      actions={
        mayChange && (
          <Button size="xs" variant="default" leftSection={<PlusIcon size={15} />} onClick={() => setMaking(true)}>
            New client
          </Button>
        )
      }
      padding={clients.length > 0 ? 0 : 'lg'}
    >
      {clients.length === 0 ? (
        <Text size="sm" c="dimmed">
          No OAuth clients. For most identity providers a bearer token is enough.
        </Text>
      ) : (
        <StackedTable
          heads={['Client id', 'Grant', 'Created', 'Last used', 'Actions']}
          rows={clients.map((client) => ({
            key: client.id,
            cells: [
              <span key="id" className="mono">
                {client.client_id}
              </span>,
              <Badge key="grant" variant="default" tt="none" radius="sm">
                {grantNames[client.grant_type]}
              </Badge>,
              <When key="made" time={client.created_at} />,
              client.last_used_at ? <When key="used" time={client.last_used_at} /> : 'never',
              mayChange && (
                <Button key="delete" size="compact-xs" variant="subtle" color="red" onClick={() => setDeleting(client)}>
                  Delete
                </Button>
              ),
            ],
          }))}
        />
      )}

      <FormDialog
        opened={making}
        title="New OAuth client"
        submit="Create client"
        pending={creation.isPending}
        error={creation.error}
        onSubmit={() => creation.mutate()}
        onClose={() => setMaking(false)}
        size="lg"
      >
        <SegmentedControl
          aria-label="Grant"
          fullWidth
          value={values.grant_type}
          onChange={(value) => set('grant_type', value)}
          data={[
            { value: 'client_credentials', label: 'Client credentials (Entra)' },
            { value: 'authorization_code', label: 'Authorization code (Okta)' },
          ]}
        />
        {values.grant_type === 'authorization_code' && directory.provider === 'okta' && (
          <TextInput
            label="Address of the app in Okta’s admin console"
            description="Okta’s redirect URI contains the name of the app, which we take from this address."
            placeholder="https://acme-admin.okta.com/admin/app/acme_causeway_1/instance/0oa…/"
            value={values.okta_app}
            onChange={(event) => set('okta_app', event.currentTarget.value)}
          />
        )}
        {values.grant_type === 'authorization_code' && (
          <TagsInput
            label={directory.provider === 'okta' ? 'More redirect URIs (optional)' : 'Redirect URIs'}
            value={values.redirect_uris}
            onChange={(value) => set('redirect_uris', value)}
            splitChars={[' ']}
          />
        )}
        {values.grant_type === 'authorization_code' && redirects.length > 0 && (
          <Textarea
            label="Redirect URIs, exactly as they are registered"
            readOnly
            autosize
            value={redirects.join('\n')}
            classNames={{ input: 'mono' }}
          />
        )}
      </FormDialog>
      <SecretDialog
        title="The new OAuth client"
        secrets={
          issued && [
            { label: 'Client id', value: issued.client_id },
            { label: 'Client secret', value: issued.client_secret },
            { label: 'Token URL', value: issued.token_url },
            ...(issued.authorization_url ? [{ label: 'Authorization URL', value: issued.authorization_url }] : []),
          ]
        }
        onClose={() => setIssued(undefined)}
      />
      <ConfirmDialog
        opened={deleting !== undefined}
        title="Delete the OAuth client?"
        confirm="Delete"
        pending={deletion.isPending}
        error={deletion.error}
        onConfirm={() => deleting && deletion.mutate(deleting.id)}
        onClose={() => setDeleting(undefined)}
        goes={['its secret and every access token that it was given: requests with them are refused at once']}
      >
        <Text size="sm">
          What goes with <span className="mono">{deleting?.client_id}</span>:
        </Text>
      </ConfirmDialog>
    </Section>
  );
}

const grantNames = { client_credentials: 'client credentials', authorization_code: 'authorization code' };
