import { Badge, Button, Group, MultiSelect, Text } from '@mantine/core';
import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import { call, query as queryString } from '../broker/call';
import { useApiWhole } from '../broker/queries';
import { useHere } from '../broker/session';
import type { LogEvent, Organization, Page } from '../broker/shapes';
import { EventsIcon, PauseIcon, PlayIcon } from '../icons';
import { Nothing } from '../parts/Answer';
import { EndlessTable } from '../parts/EndlessTable';
import { eventTypes, subjectOf } from '../parts/event-words';
import { PageFrame, Section } from '../parts/PageFrame';
import { clockTime } from '../parts/words';
import { SearchSelect } from '../parts/SearchSelect';

/** The environment's log, as it grows. */
export default function Events() {
  const organizations = useApiWhole<Organization>('/organizations');
  const [parameters, setParameters] = useSearchParams();
  const organizationId = parameters.get('organization') ?? '';
  return (
    <PageFrame title="Events" about="Every change that is committed, newest first. New ones appear by themselves.">
      <EventList
        organizationId={organizationId}
        organizationNames={new Map(organizations.data?.map(({ id, name }) => [id, name]))}
        filter={(
          <SearchSelect
            label="Organization"
            placeholder="All organizations"
            data={organizations.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []}
            value={organizationId}
            onChange={(value) => setParameters((before) => {
              if (value) before.set('organization', value);
              else before.delete('organization');
              return before;
            })}
          />
        )}
      />
    </PageFrame>
  );
}

interface Filter {
  types: string;
  organization_id: string;
  directory_id: string;
  subject: string;
}

/** Events, newest first, of everything or of one organization, directory, user or group; live unless it is stopped. */
export function EventList({ organizationId = '', directoryId = '', subject = '', organizationNames, filter }: {
  organizationId?: string;
  directoryId?: string;
  subject?: string;
  organizationNames?: Map<string, string>;
  filter?: React.ReactNode;
}) {
  const { page, own } = useHere();
  const [types, setTypes] = useState<string[]>([]);
  const [live, setLive] = useState(true);
  const asked: Filter = { types: types.join(','), organization_id: organizationId, directory_id: directoryId, subject };
  const url = own('/events');
  const key = ['broker', url, asked] as const;
  const events = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => call<Page<LogEvent>>(`${url}${queryString({ ...asked, before: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    staleTime: Infinity, // what is new comes by the log itself, below
  });
  const fresh = useFollowing(key, asked, live && events.isSuccess, events.data?.pages[0]?.data[0]?.position);

  return (
    <>
      <Group gap="sm" align="flex-end">
        {filter}
        <MultiSelect
          aria-label="Types of events"
          placeholder={types.length === 0 ? 'All types' : undefined}
          data={[...eventTypes]}
          value={types}
          onChange={setTypes}
          clearable
          searchable
          w={{ base: '100%', xs: 320 }}
        />
        <Button variant="default" leftSection={live ? <PauseIcon size={16} /> : <PlayIcon size={16} />} onClick={() => setLive(!live)}>
          {live ? 'Live' : 'Stopped'}
          <span className="visually-hidden">{live ? ': stop' : ': go on'}</span>
        </Button>
        <Text size="sm" c="dimmed" aria-live="polite" pb={8}>{fresh > 0 ? `${fresh} new while you look` : ''}</Text>
      </Group>
      <Section padding={0}>
        <EndlessTable
          query={events}
          label="events"
          keyOf={({ id }) => id}
          linkOf={({ id }) => page(`/events/${id}`)}
          columns={[
            { head: 'Type', width: 'minmax(150px, 1.1fr)', cell: (event) => <span className="mono" style={{ color: event.type === 'provisioning.failed' ? 'var(--mantine-color-error)' : undefined }}>{event.type}</span>, below: (event) => subjectOf(event) },
            { head: 'About', width: 'minmax(0, 1.7fr)', cell: (event) => subjectOf(event), wideOnly: true },
            ...(organizationNames ? [{ head: 'Organization', width: 'minmax(0, 1fr)', cell: (event: LogEvent) => organizationNames.get(event.organization_id) ?? event.organization_external_id ?? '', wideOnly: true }] : []),
            { head: 'Position', width: '90px', align: 'end', cell: (event) => event.position.toLocaleString('en'), wideOnly: true },
            { head: 'At', width: 'minmax(76px, 150px)', align: 'end', cell: (event) => <time dateTime={event.occurred_at}>{clockTime(event.occurred_at)}</time> },
          ]}
          nothing={types.length > 0 || organizationId !== ''
            ? <Nothing icon={<EventsIcon size={24} />} title="No such event">Choose other types, or wait: new ones appear here.</Nothing>
            : <Nothing icon={<EventsIcon size={24} />} title="No event yet">Each change that an identity provider makes appears here within a second. To see some now, simulate an identity provider in the sandbox.</Nothing>}
        />
      </Section>
    </>
  );
}

/**
 * Follows the log as any consumer does, by holding a request open until something comes, and puts what is new at the head of the
 * list. Answers how many there have been.
 */
function useFollowing(key: readonly unknown[], asked: Filter, on: boolean, newest: number | undefined): number {
  const { own } = useHere();
  const queries = useQueryClient();
  const [fresh, setFresh] = useState(0);
  const identity = JSON.stringify(key);
  const start = useMemo(() => newest ?? 0, [identity, on]); // oxlint-disable-line react-hooks/exhaustive-deps -- where following begins, not where it has come to

  useEffect(() => {
    if (!on) return undefined;
    setFresh(0);
    const left = new AbortController();
    void (async () => {
      let after = start;
      let failures = 0;
      while (!left.signal.aborted) {
        try {
          const { data, head } = await call<{ data: LogEvent[]; head: number }>(own(`/events/newer${queryString({ ...asked, after, wait: 20 })}`), { signal: left.signal, withinMs: 40_000 });
          failures = 0;
          after = head;
          if (data.length === 0) continue;
          const newestFirst = data.toReversed();
          setFresh((n) => n + data.length);
          queries.setQueryData<InfiniteData<Page<LogEvent>>>(key, (before) => {
            const [first, ...rest] = before?.pages ?? [];
            if (!before || !first) return before;
            const known = new Set(first.data.map(({ id }) => id));
            return { ...before, pages: [{ ...first, data: [...newestFirst.filter(({ id }) => !known.has(id)), ...first.data] }, ...rest] };
          });
        } catch {
          if (left.signal.aborted) return;
          failures += 1;
          await new Promise((resolve) => setTimeout(resolve, Math.min(30_000, 1_000 * 2 ** failures)));
        }
      }
    })();
    return () => left.abort();
  }, [identity, on, start]); // oxlint-disable-line react-hooks/exhaustive-deps -- `identity` is `key` and `asked`

  return fresh;
}

export function TypeBadge({ type }: { type: string }) {
  return <Badge variant="default" radius="sm" tt="none" className="mono">{type}</Badge>;
}
