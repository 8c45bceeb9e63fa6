import { Group, SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import type { ListedRequest } from '../broker/answers';
import { RequestsIcon } from '../icons';
import { Nothing } from '../parts/Answer';
import { EndlessTable } from '../parts/EndlessTable';
import { PageFrame, Section } from '../parts/PageFrame';
import { aboutOf, PathText } from '../parts/request-path';
import { SearchBox } from '../parts/SearchBox';
import { State } from '../parts/State';
import { clockTime } from '../parts/words';
import { useSetupList } from './setup-session';

/** What the customer's own identity provider sent. */
export default function SetupRequests() {
  const [outcome, setOutcome] = useState('');
  const [search, setSearch] = useState('');
  const requests = useSetupList<ListedRequest>('/requests', { outcome, search }, 5_000);
  return (
    <PageFrame
      title="Request log"
      about="Every request from your identity provider, newest first. Requests with a wrong URL or token do not appear, since nobody can tell that they are yours."
    >
      <Group gap="sm">
        <SearchBox label="Name, path or reason" value={search} onChange={setSearch} />
        <SegmentedControl
          aria-label="Which requests"
          value={outcome}
          onChange={setOutcome}
          data={[
            { value: '', label: 'All' },
            { value: 'failed', label: 'Failed' },
            { value: 'succeeded', label: 'Succeeded' },
          ]}
        />
      </Group>
      <Section padding={0}>
        <EndlessTable
          query={requests}
          label="requests"
          keyOf={({ id }) => id}
          linkOf={({ id }) => `/requests/${id}`}
          columns={[
            {
              head: 'Request',
              width: 'minmax(0, 2fr)',
              clip: true,
              cell: (one) => <PathText request={one} />,
              below: (one) => (
                <>
                  {aboutOf(one)} {clockTime(one.at)}
                </>
              ),
            },
            { head: 'About', width: 'minmax(0, 1.6fr)', clip: true, cell: aboutOf, wideOnly: true },
            {
              head: 'Status',
              width: '76px',
              cell: (one) => <State state={String(one.status)} tone={one.outcome === 'failed' ? 'bad' : 'good'} />,
            },
            { head: 'At', width: '96px', align: 'end', cell: (one) => <time dateTime={one.at}>{clockTime(one.at)}</time>, wideOnly: true },
          ]}
          nothing={
            <Nothing icon={<RequestsIcon size={24} />} title={search || outcome ? 'No matching requests' : 'No requests yet'}>
              {search || outcome ? 'Try another filter.' : 'The test connection of your identity provider will be the first.'}
            </Nothing>
          }
        />
      </Section>
    </PageFrame>
  );
}
