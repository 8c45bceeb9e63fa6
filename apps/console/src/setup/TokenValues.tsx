import { Alert, Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { KeyIcon, WarningIcon } from '../icons';
import { Refusal } from '../parts/Answer';
import { Copyable } from '../parts/Copyable';
import type { IssuedSetupToken } from '../broker/answers';
import { useSetup, useSetupWrite } from './setup-session';

const overlaps = [
  { value: '86400', label: 'keeps working for a day' },
  { value: '604800', label: 'keeps working for 7 days' },
  { value: '0', label: 'stops working at once' },
];

// Kept while the page is open, so that going back a page does not lose what is shown only once.
const shownKey = ['shown', 'bearer token'];

/** The two values that a token takes, named as the identity provider names them. The token is made at a click, and shown this once. */
export function TokenValues({
  urlLabel,
  tokenLabel,
  tokenPrefix = '',
}: {
  urlLabel: string;
  tokenLabel: string;
  /** What must stand before the token in that field. */
  tokenPrefix?: string;
}) {
  const { directory } = useSetup();
  const queries = useQueryClient();
  const [token, setToken] = useState(() => queries.getQueryData<string>(shownKey));
  const [overlap, setOverlap] = useState('86400');
  const making = useSetupWrite<IssuedSetupToken>(
    () => ({ path: '/bearer_token', body: directory.has_bearer_token ? { expire_previous_in: Number(overlap) } : {} }),
    (issued) => {
      queries.setQueryData(shownKey, issued.token);
      setToken(issued.token);
    },
  );
  return (
    <Stack gap="sm" my="sm">
      <Copyable label={urlLabel} value={directory.base_url} />
      {token !== undefined ? (
        <>
          <Copyable label={tokenLabel} value={`${tokenPrefix}${token}`} />
          <Alert color="yellow" icon={<WarningIcon />} py="xs">
            Copy it now: you will not see it again. If you lose it, create another one here.
          </Alert>
        </>
      ) : directory.has_bearer_token ? (
        <>
          <Text size="sm">A token was created earlier and is not shown again. If you do not have it, create a new one.</Text>
          <Group align="flex-end" gap="sm">
            <NativeSelect
              label="The current token"
              data={overlaps}
              value={overlap}
              onChange={(event) => setOverlap(event.currentTarget.value)}
            />
            <Button variant="default" leftSection={<KeyIcon size={16} />} loading={making.isPending} onClick={() => making.mutate()}>
              Create a new token
            </Button>
          </Group>
        </>
      ) : (
        <Group>
          <Button leftSection={<KeyIcon size={16} />} loading={making.isPending} onClick={() => making.mutate()}>
            Create the {tokenLabel.toLowerCase()}
          </Button>
        </Group>
      )}
      <Refusal error={making.error} />
    </Stack>
  );
}
