import { Group, SegmentedControl, Select } from '@mantine/core';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { useApiWhole, useOwnList } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Directory, ListedRequest } from '../broker/answers';
import { RequestsIcon } from '../icons';
import { Nothing } from '../parts/Answer';
import { EndlessTable } from '../parts/EndlessTable';
import { PageFrame, Section } from '../parts/PageFrame';
import { aboutOf, PathText } from '../parts/request-path';
import { SearchBox } from '../parts/SearchBox';
import { SearchSelect } from '../parts/SearchSelect';
import { State } from '../parts/State';
import { clockTime, duration, providerShortNames } from '../parts/words';

/** What identity providers sent, to all directories. */
export default function Requests() {
  const directories = useApiWhole<Directory>('/directories');
  const [parameters, setParameters] = useSearchParams();
  const directoryId = parameters.get('directory') ?? '';
  return (
    <PageFrame title="Requests" about="What identity providers sent, and how it went. Passwords and tokens are never stored.">
      <RequestList
        directory={directories.data?.find(({ id }) => id === directoryId)}
        directoryNames={new Map(directories.data?.map(({ id, name }) => [id, name]))}
        filter={
          <SearchSelect
            label="Directory"
            placeholder="All directories"
            data={directories.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []}
            value={directoryId}
            onChange={(value) => setParameters(value ? { directory: value } : {})}
          />
        }
      />
    </PageFrame>
  );
}

export function RequestList({
  directory,
  directoryNames,
  filter,
}: {
  directory?: Directory | undefined;
  directoryNames?: Map<string, string>;
  filter?: React.ReactNode;
}) {
  const { page } = useHere();
  const [outcome, setOutcome] = useState('');
  const [method, setMethod] = useState<string | null>(null);
  const [search, setSearch] = useState('');
  const requests = useOwnList<ListedRequest>('/requests', { directory_id: directory?.id, outcome, method, search }, { everyMs: 5_000 });
  const filtered = outcome !== '' || method !== null || search !== '';
  return (
    <>
      <Group gap="sm">
        {filter}
        <SearchBox label="Name, path or reason" value={search} onChange={setSearch} width={240} />
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
        <Select
          aria-label="Method"
          placeholder="Any method"
          clearable
          data={['GET', 'POST', 'PUT', 'PATCH', 'DELETE']}
          value={method}
          onChange={setMethod}
          w={140}
        />
      </Group>
      <Section padding={0}>
        <EndlessTable
          query={requests}
          label="requests"
          keyOf={({ id }) => id}
          linkOf={({ id }) => page(`/requests/${id}`)}
          columns={[
            {
              head: 'Request',
              width: 'minmax(0, 2.4fr)',
              clip: true,
              cell: (one) => <PathText request={one} />,
              below: (one) => (
                <>
                  {aboutOf(one)} {clockTime(one.at)}
                </>
              ),
            },
            { head: 'About', width: 'minmax(0, 2fr)', clip: true, cell: aboutOf, wideOnly: true },
            ...(directoryNames
              ? [
                  {
                    head: 'Directory',
                    width: 'minmax(0, 1fr)',
                    clip: true,
                    cell: (one: ListedRequest) => directoryNames.get(one.directory_id) ?? '',
                    wideOnly: true,
                  },
                ]
              : []),
            { head: 'Took', width: '60px', align: 'end' as const, cell: (one: ListedRequest) => duration(one.duration_ms), wideOnly: true },
            {
              head: 'Status',
              width: '76px',
              cell: (one) => <State state={String(one.status)} tone={one.outcome === 'failed' ? 'bad' : 'good'} />,
            },
            {
              head: 'At',
              width: '96px',
              align: 'end' as const,
              cell: (one: ListedRequest) => <time dateTime={one.at}>{clockTime(one.at)}</time>,
              wideOnly: true,
            },
          ]}
          nothing={
            filtered ? (
              <Nothing icon={<RequestsIcon size={24} />} title="No matching requests">
                Try another filter.
              </Nothing>
            ) : (
              <Nothing icon={<RequestsIcon size={24} />} title="No requests yet">
                {directory ? providerShortNames[directory.provider] : 'No identity provider'} has{' '}
                {directory ? 'not called yet' : 'called yet'}. Requests with a wrong URL or token do not appear here, since they belong to
                no directory.
              </Nothing>
            )
          }
        />
      </Section>
    </>
  );
}
