import { Alert, Anchor, Box, Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { CheckIcon } from '../icons';
import { When } from '../parts/When';
import { count, providerShortNames, times } from '../parts/words';
import classes from './setup.module.css';
import type { Progress } from '../broker/answers';
import { useSetup, useSetupAnswer } from './setup-session';

export function useProgress() {
  return useSetupAnswer<Progress>('/progress', 2_000);
}

/** What has arrived so far, as it arrives. */
export function Watch() {
  const { vendor } = useSetup();
  const progress = useProgress();
  const now = progress.data;
  const idp = now ? providerShortNames[now.directory.provider] : 'Your identity provider';
  const tested = now !== undefined && now.directory.state !== 'pending';
  const arrived = now?.first !== null && now?.first !== undefined;
  const connected = tested && arrived;
  return (
    <Stack gap="md" className={classes.watch} component="aside" aria-label="What we see">
      <Paper p="lg">
        <Title order={2}>What we see</Title>
        <Text size="sm" c="dimmed" mb="xs">
          This updates by itself.
        </Text>
        <div role="status" aria-live="polite">
          <Line done={tested} waiting={!tested} title={tested ? 'Test connection received' : 'Waiting for the test connection'}>
            {tested && now?.directory.last_request_at ? (
              <>
                {idp} last called <When time={now.directory.last_request_at} />.
              </>
            ) : (
              'Nothing has arrived yet.'
            )}
          </Line>
          <Line
            done={arrived}
            waiting={tested && !arrived}
            title={now?.first ? `First user arrived: ${now.first.user_name}` : 'First user'}
          >
            {now?.first ? <When time={now.first.at} /> : tested ? 'Assign a user, then start provisioning.' : undefined}
          </Line>
          <Line
            done={arrived}
            waiting={false}
            title={now ? `${count(now.health.users, 'user')}, ${count(now.health.groups, 'group')}` : 'Users and groups'}
          >
            {arrived && now && now.newest.length > 0 && (
              <>
                Newest:{' '}
                {now.newest
                  .slice(0, 3)
                  .map(({ user_name: name }) => name)
                  .join(', ')}
              </>
            )}
          </Line>
          <Line done={connected} waiting={false} title={connected ? 'Connected' : 'Not connected yet'}>
            {connected && (
              <>
                {vendor.name} follows your directory from now on.{' '}
                {count(now?.health.active_users ?? 0, 'person has access', 'people have access')}.
              </>
            )}
          </Line>
        </div>
        {progress.error && (
          <Text size="sm" c="var(--mantine-color-error)" mt="xs">
            {progress.error.message}
          </Text>
        )}
      </Paper>
      {now && now.directory.state === 'disabled' && (
        <Alert color="gray">
          {vendor.name} has disabled this directory: everything that your identity provider sends is rejected for now.
        </Alert>
      )}
      {now && now.health.failures.length > 0 && (
        <Paper p="lg">
          <Title order={2} mb="xs">
            What failed
          </Title>
          <Stack gap="md">
            {now.health.failures.slice(0, 4).map((failure) => (
              <Box key={failure.request_id}>
                <Text size="sm" fw={600}>
                  {failure.explanation}
                </Text>
                <Text size="xs" c="dimmed">
                  {failure.subject && <>{failure.subject}; </>}
                  {times(failure.count)}, {failure.count > 1 && 'latest '}
                  <When time={failure.last_at} />
                </Text>
                {failure.fix && (
                  <Text size="sm" mt={4}>
                    {failure.fix}
                  </Text>
                )}
                <Anchor component={Link} to={`/requests/${failure.request_id}`} size="sm">
                  See what was sent
                </Anchor>
              </Box>
            ))}
          </Stack>
        </Paper>
      )}
    </Stack>
  );
}

function Line({ done, waiting, title, children }: { done: boolean; waiting: boolean; title: string; children?: ReactNode }) {
  return (
    <div className={classes.watchline}>
      <span className={classes.mark} data-done={done || undefined} data-waiting={waiting || undefined}>
        {done && <CheckIcon size={13} />}
      </span>
      <div style={{ minWidth: 0 }}>
        <Text size="sm" fw={done ? 600 : 500} style={{ overflowWrap: 'anywhere' }}>
          {title}
        </Text>
        {children && (
          <Text size="sm" c="dimmed" component="div" style={{ overflowWrap: 'anywhere' }}>
            {children}
          </Text>
        )}
      </div>
    </div>
  );
}
