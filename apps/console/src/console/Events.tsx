import { Button, Group, MultiSelect, Text } from '@mantine/core';
import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';
import { call, query as queryString } from '../broker/call';
import { useApiWhole } from '../broker/queries';
import { useHere } from '../broker/session';
import type { LogEvent, NewestEvents, Organization } from '../broker/answers';
import { EventsIcon, PauseIcon, PlayIcon } from '../icons';
import { Nothing } from '../parts/Answer';
import { EndlessTable } from '../parts/EndlessTable';
import { eventTypes, subjectOf } from '../parts/event-words';
import { PageFrame, Section } from '../parts/PageFrame';
import { SearchSelect } from '../parts/SearchSelect';
import { clockTime, number } from '../parts/words';

/** The environment's log, as it grows. */
export default function Events() {
  const organizations = useApiWhole<Organization>('/organizations');
  const [parameters, setParameters] = useSearchParams();
  const organizationId = parameters.get('organization') ?? '';
  return (
    <PageFrame title="Events" about="Every change, newest first. New events appear as they happen.">
      <EventList
        organizationId={organizationId}
        organizationNames={new Map(organizations.data?.map(({ id, name }) => [id, name]))}
        filter={
          <SearchSelect
            label="Organization"
            placeholder="All organizations"
            data={organizations.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []}
            value={organizationId}
            onChange={(value) =>
              setParameters((before) => {
                if (value) before.set('organization', value);
                else before.delete('organization');
                return before;
              })
            }
          />
        }
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
export function EventList({
  organizationId = '',
  directoryId = '',
  subject = '',
  organizationNames,
  filter,
}: {
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
    queryFn: ({ pageParam, signal }) => call<NewestEvents>(`${url}${queryString({ ...asked, before: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as number | null,
    getNextPageParam: (last) => last.next_cursor,
    staleTime: Infinity, // what is new comes by the stream, below
  });
  const { fresh, connection } = useFollowing(key, asked, live, events.data?.pages[0]?.head);

  return (
    <>
      <Group gap="sm" align="flex-end">
        {filter}
        <MultiSelect
          aria-label="Types of events"
          placeholder={types.length === 0 ? 'All types' : undefined}
          data={eventTypes}
          value={types}
          onChange={setTypes}
          clearable
          searchable
          w={{ base: '100%', xs: 320 }}
        />
        <Button variant="default" leftSection={live ? <PauseIcon size={16} /> : <PlayIcon size={16} />} onClick={() => setLive(!live)}>
          {live ? 'Live' : 'Paused'}
          <span className="visually-hidden">{live ? ': pause' : ': resume'}</span>
        </Button>
        <Text size="sm" c="dimmed" role="status" pb={8}>
          {connection === 'connecting' && events.isSuccess ? 'Connecting…' : fresh > 0 ? `${number(fresh)} new` : ''}
        </Text>
      </Group>
      <Section padding={0}>
        <EndlessTable
          query={events}
          label="events"
          keyOf={({ id }) => id}
          linkOf={({ id }) => page(`/events/${id}`)}
          columns={[
            {
              head: 'Type',
              width: 'minmax(196px, 1fr)',
              cell: (event) => (
                <span className="mono" style={{ color: event.type === 'provisioning.failed' ? 'var(--mantine-color-error)' : undefined }}>
                  {event.type}
                </span>
              ),
              below: (event) => subjectOf(event),
            },
            { head: 'About', width: 'minmax(0, 2fr)', cell: (event) => subjectOf(event), wideOnly: true, clip: true },
            ...(organizationNames
              ? [
                  {
                    head: 'Organization',
                    width: 'minmax(0, 1fr)',
                    cell: (event: LogEvent) => organizationNames.get(event.organization_id) ?? event.organization_external_id ?? '',
                    wideOnly: true,
                    clip: true,
                  },
                ]
              : []),
            { head: 'Position', width: '76px', align: 'end', cell: (event) => number(event.position), wideOnly: true },
            {
              head: 'At',
              width: '96px',
              align: 'end',
              cell: (event) => <time dateTime={event.occurred_at}>{clockTime(event.occurred_at)}</time>,
            },
          ]}
          nothing={
            types.length > 0 || organizationId !== '' ? (
              <Nothing icon={<EventsIcon size={24} />} title="No matching events">
                Choose other types, or wait: new events appear here.
              </Nothing>
            ) : (
              <Nothing icon={<EventsIcon size={24} />} title="No events yet">
                Every change that an identity provider makes appears here within a second. To see some now, simulate an identity provider in
                the sandbox.
              </Nothing>
            )
          }
        />
      </Section>
    </>
  );
}

type Connection = 'live' | 'connecting' | 'stopped';

/**
 * Follows the log by server-sent events, and puts what is new at the head of the list. The browser goes on by itself where it was cut
 * off; where it gives up, as it does when it is refused, it is told to try again.
 */
function useFollowing(
  key: readonly unknown[],
  asked: Filter,
  on: boolean,
  head: number | undefined,
): { fresh: number; connection: Connection } {
  const { own } = useHere();
  const queries = useQueryClient();
  const [fresh, setFresh] = useState(0);
  const [connection, setConnection] = useState<Connection>('connecting');
  const identity = JSON.stringify(key);
  const begun = head !== undefined;

  useEffect(() => {
    if (!on || head === undefined) return undefined;
    // oxlint-disable-next-line react/set-state-in-effect -- a stream begins here, and what is shown of it with it
    setFresh(0);
    setConnection('connecting');
    let after = head;
    let source: EventSource | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;

    const open = (): void => {
      source = new EventSource(own(`/events/live${queryString({ ...asked, after })}`));
      source.onopen = () => setConnection('live');
      source.onerror = () => {
        // Once a minute the stream ends and is opened anew at once: that is no news.
        again ??= setTimeout(() => {
          again = undefined;
          if (source?.readyState === EventSource.OPEN) return;
          setConnection('connecting');
          if (source?.readyState === EventSource.CLOSED) open();
        }, 5_000);
      };
      source.onmessage = ({ data, lastEventId }: MessageEvent<string>) => {
        const event = JSON.parse(data) as LogEvent; // as every answer of the broker's, it is what its OpenAPI document says
        after = Number(lastEventId);
        queries.setQueryData<InfiniteData<NewestEvents>>(key, (before) => {
          const [first, ...rest] = before?.pages ?? [];
          if (!before || !first || first.data.some(({ id }) => id === event.id)) return before;
          return { ...before, pages: [{ ...first, head: after, data: [event, ...first.data] }, ...rest] };
        });
        setFresh((n) => n + 1);
      };
    };
    open();
    return () => {
      clearTimeout(again);
      source?.close();
    };
  }, [identity, on, begun]); // oxlint-disable-line react-hooks/exhaustive-deps -- `identity` is `key` and `asked`, and `head` is only where it begins

  return { fresh, connection: on ? connection : 'stopped' };
}
