import { Group, SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { useOwnList } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Directory, ListedGroup, ListedUser } from '../broker/answers';
import { GroupIcon, UserIcon } from '../icons';
import { Nothing } from '../parts/Answer';
import { Breakable } from '../parts/Breakable';
import { EndlessTable } from '../parts/EndlessTable';
import { Absent, Section } from '../parts/PageFrame';
import { SearchBox } from '../parts/SearchBox';
import { State } from '../parts/State';
import { When } from '../parts/When';
import { inSentence, number } from '../parts/words';

/** A directory's users, in the order of their names. */
export function UserList({ directory }: { directory: Directory }) {
  const { page } = useHere();
  const [search, setSearch] = useState('');
  const [active, setActive] = useState('');
  const users = useOwnList<ListedUser>(`/directories/${directory.id}/users`, { search, active }, { limit: 100 });
  const filtered = search !== '' || active !== '';
  return (
    <>
      <Group gap="sm">
        <SearchBox label="Name or e-mail" value={search} onChange={setSearch} />
        <SegmentedControl
          aria-label="Which users"
          value={active}
          onChange={setActive}
          data={[
            { value: '', label: 'All' },
            { value: 'true', label: 'Active' },
            { value: 'false', label: 'Deactivated' },
          ]}
        />
      </Group>
      <Section padding={0}>
        <EndlessTable
          query={users}
          label="users"
          keyOf={({ id }) => id}
          linkOf={({ id }) => page(`/users/${id}`)}
          columns={[
            { head: 'User name', width: 'minmax(0, 2fr)', clip: true, cell: (user) => <Breakable text={user.user_name} /> },
            { head: 'Name', width: 'minmax(0, 1.5fr)', clip: true, cell: (user) => user.display_name ?? <Absent />, wideOnly: true },
            { head: 'E-mail', width: 'minmax(0, 1.8fr)', clip: true, cell: (user) => user.email ?? <Absent />, wideOnly: true },
            { head: 'Changed', width: '120px', cell: (user) => <When time={user.updated_at} />, wideOnly: true },
            { head: 'State', width: '128px', align: 'end', cell: (user) => <State state={user.active ? 'active' : 'deactivated'} /> },
          ]}
          nothing={
            filtered ? (
              <Nothing icon={<UserIcon size={24} />} title="No matching users">
                Try part of the name or e-mail address, or another filter.
              </Nothing>
            ) : (
              <Nothing icon={<UserIcon size={24} />} title="No users yet">
                Users appear as soon as {inSentence(directory.provider)} sends them. Only users who are assigned to the application there
                are sent.
              </Nothing>
            )
          }
        />
      </Section>
    </>
  );
}

/** A directory's groups, in the order of their names. */
export function GroupList({ directory }: { directory: Directory }) {
  const { page } = useHere();
  const [search, setSearch] = useState('');
  const groups = useOwnList<ListedGroup>(`/directories/${directory.id}/groups`, { search }, { limit: 100 });
  return (
    <>
      <SearchBox label="Name of the group" value={search} onChange={setSearch} />
      <Section padding={0}>
        <EndlessTable
          query={groups}
          label="groups"
          keyOf={({ id }) => id}
          linkOf={({ id }) => page(`/groups/${id}`)}
          columns={[
            { head: 'Name', width: 'minmax(0, 2fr)', cell: (group) => group.display_name },
            { head: 'Changed', width: '160px', cell: (group) => <When time={group.updated_at} />, wideOnly: true },
            { head: 'Members', width: '100px', align: 'end', cell: (group) => number(group.member_count) },
          ]}
          nothing={
            search !== '' ? (
              <Nothing icon={<GroupIcon size={24} />} title="No matching groups">
                Try part of the name.
              </Nothing>
            ) : (
              <Nothing icon={<GroupIcon size={24} />} title="No groups yet">
                Groups are sent only if {inSentence(directory.provider)} is set up to push them, and they are assigned.
              </Nothing>
            )
          }
        />
      </Section>
    </>
  );
}
