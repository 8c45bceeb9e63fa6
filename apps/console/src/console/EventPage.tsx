import { Anchor, Box, Button, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { Link, useParams } from 'react-router';
import { call, Problem } from '../broker/call';
import { useApi, useApiWhole, useOwn, useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Delivery, Directory, Endpoint, LogEvent, WholeRequest } from '../broker/answers';
import { ReplayIcon } from '../icons';
import { Answer, Failed, Sketch } from '../parts/Answer';
import { InlineId } from '../parts/Copyable';
import { Difference } from '../parts/Difference';
import { sentenceOf } from '../parts/event-words';
import { JsonText } from '../parts/JsonText';
import { Facts, PageFrame, Section } from '../parts/PageFrame';
import { RequestFailure } from '../parts/RequestFailure';
import { State } from '../parts/State';
import { When } from '../parts/When';
import { dateAndTime, number } from '../parts/words';

/** One event: what changed, who asked for it, and who was told. */
export default function EventPage() {
  const { event: id = '' } = useParams();
  const { page } = useHere();
  const event = useOwn<LogEvent>(`/events/${id}`);
  if (event.error && !event.data)
    return (
      <PageFrame title="Event" back={{ to: page('/events'), label: 'Events' }}>
        <Failed error={event.error} />
      </PageFrame>
    );
  return (
    <Answer query={event} sketch={<Sketch lines={10} />}>
      {(one) => <Shown event={one} />}
    </Answer>
  );
}

function Shown({ event }: { event: LogEvent }) {
  const { page } = useHere();
  const { data } = event;
  const user = 'user' in data ? data.user : undefined;
  const group = 'group' in data ? data.group : undefined;
  const inner = 'member_group' in data ? data.member_group : undefined;
  const previous = 'previous' in data ? data.previous : undefined;
  const request = 'request' in data ? data.request : undefined;
  const directory = useApi<Directory>(`/directories/${event.directory_id}`);
  return (
    <PageFrame title={event.type} back={{ to: page('/events'), label: 'Events' }} about={sentenceOf(event)}>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Section title="About">
          <Facts
            facts={[
              ['Id', <InlineId key="id" id={event.id} />],
              ['At', dateAndTime(event.occurred_at)],
              ['Position', `${number(event.position)} of the environment`],
              ['Sequence', `${number(event.sequence)} of the directory`],
              ['Epoch', event.epoch],
              [
                'Directory',
                directory.data ? (
                  <Anchor key="dir" component={Link} to={page(`/directories/${event.directory_id}`)} size="sm">
                    {directory.data.name}
                  </Anchor>
                ) : (
                  <span key="dir" className="mono">
                    {event.directory_id}
                  </span>
                ),
              ],
              ...(user
                ? [
                    [
                      'User',
                      <Anchor key="usr" component={Link} to={page(`/users/${user.id}`)} size="sm">
                        {user.user_name}
                      </Anchor>,
                    ] as [string, React.ReactNode],
                  ]
                : []),
              ...(group
                ? [
                    [
                      'Group',
                      <Anchor key="grp" component={Link} to={page(`/groups/${group.id}`)} size="sm">
                        {group.display_name}
                      </Anchor>,
                    ] as [string, React.ReactNode],
                  ]
                : []),
              ...(inner
                ? [
                    [
                      'Member',
                      <Anchor key="mem" component={Link} to={page(`/groups/${inner.id}`)} size="sm">
                        {inner.display_name}
                      </Anchor>,
                    ] as [string, React.ReactNode],
                  ]
                : []),
              ...(event.request_id
                ? [
                    [
                      'Request',
                      <Anchor key="req" component={Link} to={page(`/requests/${event.request_id}`)} size="sm">
                        what the identity provider sent
                      </Anchor>,
                    ] as [string, React.ReactNode],
                  ]
                : []),
            ]}
          />
        </Section>
        <Deliveries event={event} />
      </SimpleGrid>
      {request && <Refused requestId={request.id} detail={request.detail} />}
      {previous && Object.keys(previous).length > 0 && (
        <Section title="What changed">
          <Difference before={previous} after={{ ...(user ?? group) }} />
        </Section>
      )}
      <Section title="The event as it is sent">
        <JsonText value={event} label="event" />
      </Section>
    </PageFrame>
  );
}

/** Why the write was refused: as long as the request is kept, in plain words. */
function Refused({ requestId, detail }: { requestId: string; detail: string }) {
  const request = useOwn<WholeRequest>(`/requests/${requestId}`);
  return <RequestFailure explanation={request.data?.explanation ?? null} fix={request.data?.fix ?? null} detail={detail} />;
}

/** Which endpoints were owed this event, and how that went. */
function Deliveries({ event }: { event: LogEvent }) {
  const { api, page, mayChange } = useHere();
  const endpoints = useApiWhole<Endpoint>('/webhook_endpoints');
  const list = endpoints.data ?? [];
  const deliveries = useQueries({
    queries: list.map((endpoint) => {
      const url = api(`/webhook_endpoints/${endpoint.id}/deliveries/${event.id}`);
      return {
        queryKey: ['broker', url],
        queryFn: async () => {
          try {
            return await call<Delivery>(url);
          } catch (error) {
            if (error instanceof Problem && error.status === 404) return null; // it was never owed there
            throw error;
          }
        },
        refetchInterval: 5_000,
      };
    }),
  });
  const retry = useWrite<Delivery, string>((endpointId) => ({ path: `/webhook_endpoints/${endpointId}/deliveries/${event.id}/retry` }));
  const owed = list.flatMap((endpoint, i) => {
    const delivery = deliveries[i]?.data;
    return delivery ? [{ endpoint, delivery }] : [];
  });
  const pending = endpoints.isPending || deliveries.some((one) => one.isPending);
  return (
    <Section title="Deliveries" padding={0}>
      {pending ? (
        <Box p="lg">
          <Sketch lines={2} />
        </Box>
      ) : owed.length === 0 ? (
        <Text size="sm" c="dimmed" p="lg">
          {list.length === 0
            ? 'There are no webhook endpoints.'
            : 'No endpoint was due to get this event: none subscribes to its type, or they were created later.'}
        </Text>
      ) : (
        owed.map(({ endpoint, delivery }) => {
          const last = delivery.attempts.at(-1);
          return (
            <Group
              key={endpoint.id}
              px="lg"
              py="sm"
              justify="space-between"
              gap="sm"
              style={{ borderBottom: '1px solid var(--causeway-line)' }}
            >
              <Stack gap={2} style={{ flex: '1 1 180px', minWidth: 0 }}>
                <Anchor component={Link} to={page(`/webhooks/${endpoint.id}`)} size="sm" style={{ overflowWrap: 'anywhere' }}>
                  {endpoint.url}
                </Anchor>
                <Text size="xs" c="dimmed">
                  {last ? (
                    <>
                      {last.status ?? last.error} after {delivery.attempts.length} {delivery.attempts.length === 1 ? 'attempt' : 'attempts'}
                      , <When time={last.at} />
                    </>
                  ) : (
                    'not tried yet'
                  )}
                  {delivery.state === 'pending' && delivery.next_attempt_at && (
                    <>
                      , next <When time={delivery.next_attempt_at} />
                    </>
                  )}
                </Text>
              </Stack>
              <Group gap="xs">
                <State state={delivery.state === 'succeeded' ? 'delivered' : delivery.state} />
                {mayChange && (
                  <Button
                    size="compact-sm"
                    variant="default"
                    leftSection={<ReplayIcon size={14} />}
                    loading={retry.isPending && retry.variables === endpoint.id}
                    onClick={() => retry.mutate(endpoint.id)}
                  >
                    Send again
                  </Button>
                )}
              </Group>
            </Group>
          );
        })
      )}
    </Section>
  );
}
