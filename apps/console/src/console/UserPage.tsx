import { Anchor, Badge, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { Link, useParams } from 'react-router';
import { useApi } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Directory, Json, User } from '../broker/answers';
import { Answer, Failed, Nothing, Sketch } from '../parts/Answer';
import { InlineId } from '../parts/Copyable';
import { JsonText } from '../parts/JsonText';
import { Facts, PageFrame, Section } from '../parts/PageFrame';
import { PageTabs } from '../parts/PageTabs';
import { State } from '../parts/State';
import { When } from '../parts/When';
import { dateAndTime, number } from '../parts/words';
import { EventList } from './Events';
import { UserErasure } from './UserErasure';

/** One user: the profile, the resource as it was sent, the groups, and what has happened to them. */
export default function UserPage() {
  const { user: id = '' } = useParams();
  const { page } = useHere();
  const user = useApi<User>(`/directory_users/${id}`, { everyMs: 15_000 });
  if (user.error && !user.data) {
    return (
      <PageFrame title="User" back={{ to: page('/directories'), label: 'Directories' }}>
        <Failed error={user.error} />
        <Text size="sm" c="dimmed">
          If the user was deleted, what happened to them is still in the log:
        </Text>
        <EventList subject={id} />
      </PageFrame>
    );
  }
  return (
    <Answer query={user} sketch={<Sketch lines={10} />}>
      {(one) => <Shown user={one} />}
    </Answer>
  );
}

function Shown({ user }: { user: User }) {
  const { page } = useHere();
  const { tab } = useParams();
  const directory = useApi<Directory>(`/directories/${user.directory_id}`);
  const base = page(`/users/${user.id}`);
  return (
    <PageFrame
      title={user.display_name ?? user.user_name}
      titleMark={<State state={user.active ? 'active' : 'deactivated'} />}
      back={{ to: page(`/directories/${user.directory_id}/users`), label: directory.data?.name ?? 'Directory' }}
      about={user.user_name}
    >
      <PageTabs
        label="This user"
        tabs={[
          { to: base, name: 'Profile' },
          { to: `${base}/groups`, name: 'Groups', note: user.groups.length },
          { to: `${base}/history`, name: 'History' },
          { to: `${base}/raw`, name: 'Raw' },
        ]}
      />
      {tab === undefined && <Profile user={user} />}
      {tab === 'groups' && <Groups user={user} />}
      {tab === 'history' && <EventList subject={user.id} directoryId={user.directory_id} />}
      {tab === 'raw' && (
        <Section title="The SCIM resource as stored">
          <JsonText value={user.raw} label="resource" folded={false} />
        </Section>
      )}
      {tab !== undefined && !['groups', 'history', 'raw'].includes(tab) && <Nothing title="Page not found" />}
    </PageFrame>
  );
}

function Profile({ user }: { user: User }) {
  const attributes = Object.entries(user.attributes);
  return (
    <Stack gap="lg">
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Section title="Person">
          <Facts
            facts={[
              ['User name', user.user_name],
              ['E-mail', user.email],
              ['Given name', user.given_name],
              ['Family name', user.family_name],
              ['Title', user.title],
              ['Department', user.department],
              ['Employee number', user.employee_number],
              ['Manager', user.manager],
              ['User type', user.user_type],
            ]}
          />
        </Section>
        <Stack gap="lg">
          <Section title="About">
            <Facts
              facts={[
                ['Id', <InlineId key="id" id={user.id} />],
                ['External id', user.external_id],
                ['Version', number(user.version)],
                ['Added', dateAndTime(user.created_at)],
                ['Changed', <When key="changed" time={user.updated_at} />],
              ]}
            />
          </Section>
          {user.roles.length > 0 && (
            <Section title="Roles">
              <Group gap="xs">
                {user.roles.map(({ role, rule }) => (
                  <Badge key={role} variant="light" tt="none" radius="sm" title={rule < 0 ? 'the default' : `by rule ${rule + 1}`}>
                    {role}
                  </Badge>
                ))}
              </Group>
            </Section>
          )}
        </Stack>
      </SimpleGrid>
      {attributes.length > 0 && (
        <Section title="Attributes" about="What your mapping makes of the SCIM resource.">
          <Facts facts={attributes.map(([name, value]) => [name, shown(value)])} />
        </Section>
      )}
      <UserErasure user={user} />
    </Stack>
  );
}

function shown(value: Json): string | null {
  if (value === null) return null;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function Groups({ user }: { user: User }) {
  const { page } = useHere();
  return (
    <Section padding={user.groups.length === 0 ? 'lg' : 0}>
      {user.groups.length === 0 && (
        <Text size="sm" c="dimmed">
          Not a member of any group.
        </Text>
      )}
      {user.groups.map((group) => (
        <Group key={group.id} px="lg" py="sm" style={{ borderBottom: '1px solid var(--causeway-line)' }}>
          <Anchor component={Link} to={page(`/groups/${group.id}`)} size="sm">
            {group.display_name}
          </Anchor>
        </Group>
      ))}
    </Section>
  );
}
