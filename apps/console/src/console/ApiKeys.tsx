import { Anchor, Button, Code, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useApiList, useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { ApiKey, IssuedApiKey } from '../broker/answers';
import { KeyIcon, PlusIcon } from '../icons';
import { Nothing } from '../parts/Answer';
import { CopyButton } from '../parts/Copyable';
import { ConfirmDialog, FormDialog, SecretDialog } from '../parts/dialogs';
import { EndlessTable } from '../parts/EndlessTable';
import { useFields } from '../parts/fields';
import { PageFrame, Section } from '../parts/PageFrame';
import { When } from '../parts/When';
import { date } from '../parts/words';

/** What the vendor's backend calls the API with. */
export default function ApiKeys() {
  const { session, mayChange } = useHere();
  const keys = useApiList<ApiKey>('/api_keys', {}, { everyMs: 30_000 });
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | undefined>();
  const [issued, setIssued] = useState<string | undefined>();
  const { values, text, reset } = useFields({ name: '' });
  const creation = useWrite<IssuedApiKey>(
    () => ({ path: '/api_keys', body: { name: values.name.trim() } }),
    ({ key }) => {
      setMaking(false);
      reset();
      setIssued(key);
    },
  );
  const revocation = useWrite<unknown, string>(
    (id) => ({ path: `/api_keys/${id}`, method: 'DELETE' }),
    () => setRevoking(undefined),
  );
  const make = (
    <Button leftSection={<PlusIcon size={16} />} onClick={() => setMaking(true)}>
      New key
    </Button>
  );
  const curl = `curl ${session.public_url}/v1/events \\\n  -H 'Authorization: Bearer cwk_…'`;
  return (
    <PageFrame
      title="API keys"
      about="Your backend calls the API with a key. A key gives full access to this environment, and to no other."
      actions={mayChange && make}
    >
      <Section padding={0}>
        <EndlessTable
          query={keys}
          label="API keys"
          keyOf={({ id }) => id}
          columns={[
            {
              head: 'Name',
              width: 'minmax(0, 2fr)',
              cell: (key) => (
                <Text fw={550} size="sm">
                  {key.name}
                </Text>
              ),
            },
            { head: 'Created', width: 'minmax(0, 1fr)', cell: (key) => date(key.created_at), wideOnly: true },
            {
              head: 'Last used',
              width: 'minmax(110px, 1fr)',
              cell: (key) => (key.last_used_at ? <When time={key.last_used_at} /> : 'never'),
            },
            {
              head: 'Actions',
              width: '92px',
              align: 'end',
              cell: (key) =>
                mayChange && (
                  <Button size="compact-sm" variant="subtle" color="red" onClick={() => setRevoking(key)} aria-label={`Revoke ${key.name}`}>
                    Revoke
                  </Button>
                ),
            },
          ]}
          nothing={
            <Nothing icon={<KeyIcon size={24} />} title="No API keys" action={mayChange && make}>
              Create one for your backend.
            </Nothing>
          }
        />
      </Section>
      <Section title="Using a key" actions={<CopyButton value={curl} label="Copy the command" />}>
        <Stack gap="xs">
          <Code block fz={12.5} tabIndex={0} role="region" aria-label="Command">
            {curl}
          </Code>
          <Text size="sm" c="dimmed">
            Everything else that the API does is in the{' '}
            <Anchor href="/docs" inherit underline="always">
              API reference
            </Anchor>
            .
          </Text>
        </Stack>
      </Section>
      <FormDialog
        opened={making}
        title="New API key"
        submit="Create key"
        pending={creation.isPending}
        error={creation.error}
        onSubmit={() => creation.mutate()}
        onClose={() => setMaking(false)}
      >
        <TextInput
          label="Name"
          description="What it is for, so that you know later which one to revoke"
          placeholder="backend, production"
          required
          data-autofocus
          {...text('name', creation.error)}
        />
      </FormDialog>
      <SecretDialog
        title="The new API key"
        secrets={issued === undefined ? undefined : [{ label: 'API key', value: issued }]}
        onClose={() => setIssued(undefined)}
      />
      <ConfirmDialog
        opened={revoking !== undefined}
        title={`Revoke ${revoking?.name ?? ''}?`}
        confirm="Revoke"
        pending={revocation.isPending}
        error={revocation.error}
        onConfirm={() => revoking && revocation.mutate(revoking.id)}
        onClose={() => setRevoking(undefined)}
      >
        <Text size="sm">
          Whatever calls the API with this key is refused from its next request on.
          {revoking?.last_used_at && (
            <>
              {' '}
              It was last used <When time={revoking.last_used_at} />.
            </>
          )}
        </Text>
      </ConfirmDialog>
    </PageFrame>
  );
}
