import { Anchor, Box, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import type { Provider } from '../broker/answers';
import { CheckIcon, ChevronRightIcon, ProviderMark } from '../icons';
import { Refusal } from '../parts/Answer';
import { providerNames } from '../parts/words';
import classes from './setup.module.css';
import { type Guide, guides } from './guides';
import { useSetup, useSetupWrite } from './setup-session';
import { Watch } from './Watch';

/** The beginning: which identity provider it is, and with which kind of credential. */
export function ChooseProvider() {
  const { vendor, directory, organization_name: organization } = useSetup();
  const navigate = useNavigate();
  const [chosen, setChosen] = useState<Provider>(directory.provider);
  const choosing = useSetupWrite<unknown, Guide>(
    ({ provider }) => ({ path: '/provider', method: 'PUT', body: { provider } }),
    (_, guide) => void navigate(`/guide/${guide.id}`),
  );
  const ways = guides.filter(({ provider }) => provider === chosen);
  return (
    <Box className={classes.columns}>
      <Stack gap="lg">
        <div>
          <Title order={1}>Connect your directory to {vendor.name}</Title>
          <Text c="dimmed" mt={6} maw={620}>
            People at {organization} get access to {vendor.name} when you assign them in your identity provider, and lose it when you remove
            them or they leave. This takes about five minutes, and you need to be an admin of your identity provider.
          </Text>
        </div>
        <div>
          <Title order={2} mb="sm">
            Which identity provider do you use?
          </Title>
          <SimpleGrid cols={{ base: 1, xs: 2, lg: 3 }} spacing="sm" role="radiogroup" aria-label="Identity provider">
            {(Object.keys(providerNames) as Provider[]).map((provider) => (
              <label key={provider} className={classes.choice}>
                <input
                  type="radio"
                  name="provider"
                  value={provider}
                  className={classes.radio}
                  checked={provider === chosen}
                  onChange={() => setChosen(provider)}
                />
                <ProviderMark provider={provider} />
                <Text component="span" size="sm" fw={550} style={{ flex: 1 }}>
                  {providerNames[provider]}
                </Text>
                {provider === chosen && <CheckIcon size={18} />}
              </label>
            ))}
          </SimpleGrid>
        </div>
        <div>
          <Title order={2} mb="sm">
            {ways.length > 1 ? 'How should it authenticate?' : 'How to connect'}
          </Title>
          <Stack gap="sm">
            {ways.map((guide, i) => (
              <Paper key={guide.id} p="md">
                <Group justify="space-between" gap="sm">
                  <Box style={{ flex: '1 1 260px' }}>
                    <Text fw={600} size="sm">
                      {guide.method}
                    </Text>
                    <Text size="sm" c="dimmed">
                      {guide.when}
                    </Text>
                  </Box>
                  <Button
                    variant={i === 0 ? 'filled' : 'default'}
                    rightSection={<ChevronRightIcon size={15} />}
                    loading={choosing.isPending && choosing.variables.id === guide.id}
                    onClick={() => choosing.mutate(guide)}
                    aria-label={`Start: ${guide.method}`}
                  >
                    Start
                  </Button>
                </Group>
              </Paper>
            ))}
          </Stack>
          <Refusal error={choosing.error} />
        </div>
        {directory.state !== 'pending' && (
          <Text size="sm" c="dimmed">
            Already connected? See{' '}
            <Anchor component={Link} to="/requests" inherit underline="always">
              the request log
            </Anchor>
            , or{' '}
            <Anchor component={Link} to="/credentials" inherit underline="always">
              change the token
            </Anchor>
            .
          </Text>
        )}
      </Stack>
      <Watch />
    </Box>
  );
}
