import { Text } from '@mantine/core';
import { useParams } from 'react-router';
import { useApi, useApiList } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Directory, Group, GroupMember } from '../broker/answers';
import { GroupIcon } from '../icons';
import { Answer, Failed, Nothing, Sketch } from '../parts/Answer';
import { InlineId } from '../parts/Copyable';
import { EndlessTable } from '../parts/EndlessTable';
import { JsonText } from '../parts/JsonText';
import { Facts, PageFrame, Section } from '../parts/PageFrame';
import { PageTabs } from '../parts/PageTabs';
import { State } from '../parts/State';
import { When } from '../parts/When';
import { count, dateAndTime, number } from '../parts/words';
import { EventList } from './Events';

/** One group: who is in it, and what has happened to it. */
export default function GroupPage() {
  const { group: id = '' } = useParams();
  const { page } = useHere();
  const group = useApi<Group>(`/directory_groups/${id}`, { everyMs: 15_000 });
  if (group.error && !group.data) {
    return (
      <PageFrame title="Group" back={{ to: page('/directories'), label: 'Directories' }}>
        <Failed error={group.error} />
        <Text size="sm" c="dimmed">
          If the group was deleted, what happened to it is still in the log:
        </Text>
        <EventList subject={id} />
      </PageFrame>
    );
  }
  return (
    <Answer query={group} sketch={<Sketch lines={8} />}>
      {(one) => <Shown group={one} />}
    </Answer>
  );
}

function Shown({ group }: { group: Group }) {
  const { page } = useHere();
  const { tab } = useParams();
  const directory = useApi<Directory>(`/directories/${group.directory_id}`);
  const base = page(`/groups/${group.id}`);
  return (
    <PageFrame
      title={group.display_name}
      back={{ to: page(`/directories/${group.directory_id}/groups`), label: directory.data?.name ?? 'Directory' }}
      about={count(group.member_count, 'member')}
    >
      <PageTabs
        label="This group"
        tabs={[
          { to: base, name: 'Members', note: number(group.member_count) },
          { to: `${base}/history`, name: 'History' },
          { to: `${base}/about`, name: 'About' },
        ]}
      />
      {tab === undefined && <Members group={group} />}
      {tab === 'history' && <EventList subject={group.id} directoryId={group.directory_id} />}
      {tab === 'about' && (
        <>
          <Section title="About">
            <Facts
              facts={[
                ['Id', <InlineId key="id" id={group.id} />],
                ['External id', group.external_id],
                ['Version', number(group.version)],
                ['Added', dateAndTime(group.created_at)],
                ['Changed', <When key="changed" time={group.updated_at} />],
              ]}
            />
          </Section>
          <Section title="The SCIM resource as stored" about="Members are listed on their own tab.">
            <JsonText value={group.raw} label="resource" />
          </Section>
        </>
      )}
      {tab !== undefined && !['history', 'about'].includes(tab) && <Nothing title="Page not found" />}
    </PageFrame>
  );
}

function Members({ group }: { group: Group }) {
  const { page } = useHere();
  const members = useApiList<GroupMember>(`/directory_groups/${group.id}/members`, {}, { limit: 100 });
  return (
    <Section padding={0}>
      <EndlessTable
        query={members}
        label="members"
        keyOf={({ id }) => id}
        linkOf={(one) => page(one.type === 'user' ? `/users/${one.id}` : `/groups/${one.id}`)}
        columns={[
          { head: 'Member', width: 'minmax(0, 2fr)', cell: (one) => (one.type === 'user' ? one.user_name : one.display_name) },
          {
            head: 'Name',
            width: 'minmax(0, 1.5fr)',
            cell: (one) => (one.type === 'user' ? (one.display_name ?? '') : 'a group'),
            wideOnly: true,
          },
          {
            head: 'State',
            width: '128px',
            align: 'end',
            cell: (one) =>
              one.type === 'user' ? <State state={one.active ? 'active' : 'deactivated'} /> : <State state="group" tone="info" />,
          },
        ]}
        nothing={
          <Nothing icon={<GroupIcon size={24} />} title="No members">
            Members appear as soon as the identity provider adds them.
          </Nothing>
        }
      />
    </Section>
  );
}
