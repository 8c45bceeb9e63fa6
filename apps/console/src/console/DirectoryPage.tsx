import { Alert, Anchor, Box, Button, Group, Menu, SimpleGrid, Stack, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { useApi, useOwn, useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Directory, DirectoryHealth, Failure, Organization } from '../broker/answers';
import { DotsIcon, ProviderMark } from '../icons';
import { Answer, Nothing, Sketch } from '../parts/Answer';
import { InlineId } from '../parts/Copyable';
import { ConfirmDialog } from '../parts/dialogs';
import { healthInWords } from '../parts/health';
import { Facts, PageFrame, Section } from '../parts/PageFrame';
import { PageTabs } from '../parts/PageTabs';
import { State } from '../parts/State';
import { When } from '../parts/When';
import { count, date, number, providerNames, providerShortNames, times } from '../parts/words';
import { DirectoryConnection } from './DirectoryConnection';
import { DirectorySettings } from './DirectorySettings';
import { GroupList, UserList } from './people-lists';
import classes from './DirectoryPage.module.css';
import { EventList } from './Events';
import { RequestList } from './Requests';

/** One connection to an identity provider. */
export default function DirectoryPage() {
  const { directory: id = '' } = useParams();
  const directory = useApi<Directory>(`/directories/${id}`, { everyMs: 10_000 });
  return <Answer query={directory}>{(one) => <Shown directory={one} />}</Answer>;
}

function Shown({ directory }: { directory: Directory }) {
  const { page, mayChange } = useHere();
  const { tab } = useParams();
  const navigate = useNavigate();
  const organization = useApi<Organization>(`/organizations/${directory.organization_id}`);
  const health = useOwn<DirectoryHealth>(`/directories/${directory.id}/health`, { everyMs: 10_000 });
  const [asking, setAsking] = useState<'disable' | 'delete' | undefined>();
  const base = page(`/directories/${directory.id}`);
  const idp = providerShortNames[directory.provider];

  const changing = useWrite<Directory, 'active' | 'disabled'>(
    (state) => ({ path: `/directories/${directory.id}`, method: 'PATCH', body: { state } }),
    () => setAsking(undefined),
  );
  const deletion = useWrite(
    () => ({ path: `/directories/${directory.id}`, method: 'DELETE' }),
    () => void navigate(page('/directories'), { replace: true }),
  );

  return (
    <PageFrame
      title={directory.name}
      titleMark={<State state={directory.state} />}
      back={{ to: page('/directories'), label: 'Directories' }}
      about={
        <Group gap={8}>
          <ProviderMark provider={directory.provider} size={20} />
          <span>
            {providerNames[directory.provider]} of{' '}
            <Anchor component={Link} to={page(`/organizations/${directory.organization_id}`)} inherit underline="always">
              {organization.data?.name ?? 'its organization'}
            </Anchor>
          </span>
        </Group>
      }
      actions={
        mayChange && (
          <Menu>
            <Menu.Target>
              <Button variant="default" px={8} aria-label="More">
                <DotsIcon />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {directory.state === 'disabled' ? (
                <Menu.Item onClick={() => changing.mutate('active')}>Enable</Menu.Item>
              ) : (
                <Menu.Item onClick={() => setAsking('disable')}>Disable…</Menu.Item>
              )}
              <Menu.Item color="red" onClick={() => setAsking('delete')}>
                Delete…
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )
      }
    >
      <PageTabs
        label="This directory"
        tabs={[
          { to: base, name: 'Overview' },
          { to: `${base}/users`, name: 'Users', note: health.data && number(health.data.users) },
          { to: `${base}/groups`, name: 'Groups', note: health.data && number(health.data.groups) },
          { to: `${base}/requests`, name: 'Requests' },
          { to: `${base}/events`, name: 'Events' },
          { to: `${base}/connection`, name: 'Connection' },
          { to: `${base}/settings`, name: 'Settings' },
        ]}
      />
      {tab === undefined && (
        <Answer query={health} sketch={<Sketch lines={6} />}>
          {(now) => <Health directory={directory} health={now} />}
        </Answer>
      )}
      {tab === 'users' && <UserList directory={directory} />}
      {tab === 'groups' && <GroupList directory={directory} />}
      {tab === 'requests' && <RequestList directory={directory} />}
      {tab === 'events' && <EventList directoryId={directory.id} />}
      {tab === 'connection' && <DirectoryConnection directory={directory} />}
      {tab === 'settings' && <DirectorySettings directory={directory} />}
      {tab !== undefined && !['users', 'groups', 'requests', 'events', 'connection', 'settings'].includes(tab) && (
        <Nothing title="Page not found" />
      )}

      <ConfirmDialog
        opened={asking === 'disable'}
        title={`Disable ${directory.name}?`}
        confirm="Disable"
        pending={changing.isPending}
        error={changing.error}
        onConfirm={() => changing.mutate('disabled')}
        onClose={() => setAsking(undefined)}
      >
        <Text size="sm">
          {idp} is refused from its next request on, and whoever leaves the company keeps their access until you enable it again. Users,
          groups and tokens stay as they are.
        </Text>
      </ConfirmDialog>
      <ConfirmDialog
        opened={asking === 'delete'}
        title={`Delete ${directory.name}?`}
        typed={directory.name}
        confirm="Delete the directory"
        pending={deletion.isPending}
        error={deletion.error}
        onConfirm={() => deletion.mutate()}
        onClose={() => setAsking(undefined)}
        goes={[
          health.data ? `${count(health.data.users, 'user')} and ${count(health.data.groups, 'group')}` : 'all users and groups',
          'every token, OAuth client and setup link: the identity provider is locked out at once',
          <>
            your product gets one event <span className="mono">directory.deleted</span>, and none for each user in it
          </>,
        ]}
      >
        <Text size="sm">This cannot be undone. What goes:</Text>
      </ConfirmDialog>
    </PageFrame>
  );
}

const tonesOfAlerts = { good: 'teal', waiting: 'yellow', bad: 'red', off: 'gray' } as const;

function Health({ directory, health }: { directory: Directory; health: DirectoryHealth }) {
  const { page } = useHere();
  const { tone, sentence } = healthInWords(directory, health);
  return (
    <Stack gap="lg">
      <Alert color={tonesOfAlerts[tone]} role="status">
        <Text size="md" fw={550}>
          {sentence}
        </Text>
      </Alert>
      <StillActive departures={health.refused_departures} />
      {directory.state === 'pending' && (
        <Group>
          <Button component={Link} to={page(`/directories/${directory.id}/connection`)}>
            Connect {providerShortNames[directory.provider]}
          </Button>
        </Group>
      )}
      {health.failures.length > 0 && (
        <Section title="What failed, and what to do" padding={0}>
          {health.failures.map((failure) => (
            <FailureRow key={failure.request_id} failure={failure} />
          ))}
        </Section>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Section title="Users and groups">
          <Facts
            facts={[
              ['Users', `${number(health.users)}, of which ${number(health.active_users)} active`],
              ['Groups', number(health.groups)],
              ...health.shared_group_names.map(({ display_name: name, groups, oldest_id: oldest }): [string, ReactNode] => [
                `“${name}”`,
                <span key={oldest}>
                  is the name of {number(groups)} groups. A role rule that names it means{' '}
                  <Anchor component={Link} to={page(`/groups/${oldest}`)} inherit underline="always">
                    the oldest
                  </Anchor>
                  ; one by the group’s id means that very group.
                </span>,
              ]),
              ['Requests, 24 hours', `${health.operations_capped ? 'more than ' : ''}${number(health.operations)}`],
              ['Last success', health.last_success_at ? <When key="s" time={health.last_success_at} /> : 'never'],
              ['Last failure', health.last_failure_at ? <When key="f" time={health.last_failure_at} /> : 'never'],
            ]}
          />
        </Section>
        <Section title="About">
          <Facts
            facts={[
              ['Id', <InlineId key="id" id={directory.id} />],
              [
                'Base URL',
                <span key="url" className="mono">
                  {directory.base_url}
                </span>,
              ],
              ['Credentials', directory.has_bearer_token ? 'bearer token' : 'no bearer token'],
              ['Created', date(directory.created_at)],
            ]}
          />
        </Section>
      </SimpleGrid>
    </Stack>
  );
}

/** Who was to leave and could not: whatever else is wrong, this is what must be seen. */
function StillActive({ departures }: { departures: DirectoryHealth['refused_departures'] }) {
  const { page } = useHere();
  if (departures.length === 0) return null;
  return (
    <Section title="Still active, though they were to leave" padding={0}>
      {departures.map(({ user_id: user, user_name: name, refused_at: at, request_id: request }) => (
        <Group key={user} px="lg" py="sm" justify="space-between" className={classes.failure}>
          <Text size="sm">
            <Anchor component={Link} to={page(`/users/${user}`)} inherit underline="always">
              {name}
            </Anchor>{' '}
            was to be deactivated or deleted, and the request was refused. Deactivate them in your product too, or have the request put
            right.
          </Text>
          <Stack gap={4} className={classes.failureSide}>
            <Text size="xs" c="dimmed">
              <When time={at} />
            </Text>
            <Anchor component={Link} to={page(`/requests/${request}`)} size="sm">
              See the request
            </Anchor>
          </Stack>
        </Group>
      ))}
    </Section>
  );
}

function FailureRow({ failure }: { failure: Failure }) {
  const { page } = useHere();
  return (
    <Box px="lg" py="md" className={classes.failure}>
      <Group justify="space-between" align="flex-start" gap="sm">
        <Box style={{ flex: '1 1 320px', minWidth: 0 }}>
          <Text fw={600} size="sm">
            {failure.explanation}
          </Text>
          {failure.subject && (
            <Text size="sm" mt={2}>
              {failure.count === 1 ? 'It was about' : 'The latest one was about'} <b>{failure.subject}</b>.
            </Text>
          )}
          {failure.fix && (
            <Text size="sm" c="dimmed" mt={4}>
              {failure.fix}
            </Text>
          )}
        </Box>
        <Stack gap={4} className={classes.failureSide}>
          <State state={times(failure.count)} tone="bad" />
          <Text size="xs" c="dimmed">
            {failure.count > 1 && 'latest '}
            <When time={failure.last_at} />
          </Text>
          <Anchor component={Link} to={page(`/requests/${failure.request_id}`)} size="sm">
            See the request
          </Anchor>
        </Stack>
      </Group>
    </Box>
  );
}
