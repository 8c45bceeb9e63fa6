import { Alert, Box, Button, Code, Group, Menu, NativeSelect, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { lazy, Suspense, useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { useApi, useApiList, useApiWhole, useOwn, useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type {
  Attempt,
  Delivery,
  Directory,
  Endpoint,
  EndpointStatistics,
  LastAttempt,
  LogEvent,
  Organization,
  ReplacedSecret,
  ReplayPreview,
  TestSent,
} from '../broker/answers';
import { DotsIcon, PlayIcon, ReplayIcon } from '../icons';
import { Answer, Nothing, Sketch } from '../parts/Answer';
import { Copyable, InlineId } from '../parts/Copyable';
import { ConfirmDialog, FormDialog, SecretDialog } from '../parts/dialogs';
import { EndlessTable, aboveRowLink } from '../parts/EndlessTable';
import { JsonText } from '../parts/JsonText';
import { Facts, PageFrame, Section } from '../parts/PageFrame';
import { PageTabs } from '../parts/PageTabs';
import { State } from '../parts/State';
import { When } from '../parts/When';
import { count, date, dateAndTime, duration, number, share } from '../parts/words';
import { Receivers } from './Receivers';
import { EndpointForm } from './Webhooks';

const EndpointCharts = lazy(() => import('./EndpointCharts'));

/** One place where the vendor receives webhooks: how it is doing, what was sent, and what can be done about it. */
export default function EndpointPage() {
  const { endpoint: id = '' } = useParams();
  const endpoint = useApi<Endpoint>(`/webhook_endpoints/${id}`, { everyMs: 5_000 });
  return (
    <Answer query={endpoint} sketch={<Sketch lines={8} />}>
      {(one) => <Shown endpoint={one} />}
    </Answer>
  );
}

type Asking = 'change' | 'replay' | 'rotate' | 'disable' | 'delete';

function Shown({ endpoint }: { endpoint: Endpoint }) {
  const { page, mayChange } = useHere();
  const { tab } = useParams();
  const navigate = useNavigate();
  const [asking, setAsking] = useState<Asking | undefined>();
  const [secret, setSecret] = useState<string | undefined>();
  const path = `/webhook_endpoints/${endpoint.id}`;
  const base = page(`/webhooks/${endpoint.id}`);

  const testing = useWrite<TestSent>(
    () => ({ path: `${path}/test` }),
    () => {
      notifications.show({ message: 'A test event is on its way. It appears among the deliveries.' });
      void navigate(base);
    },
  );
  const enabling = useWrite<Endpoint, boolean>(
    (enabled) => ({ path, method: 'PATCH', body: { enabled } }),
    () => setAsking(undefined),
  );
  const deletion = useWrite(
    () => ({ path, method: 'DELETE' }),
    () => void navigate(page('/webhooks'), { replace: true }),
  );

  return (
    <PageFrame
      title={endpoint.url.replace(/^https?:\/\//, '')}
      titleMark={<State state={endpoint.state} />}
      back={{ to: page('/webhooks'), label: 'Webhooks' }}
      about={endpoint.description}
      actions={
        mayChange && (
          <>
            <Button
              variant="default"
              leftSection={<PlayIcon size={15} />}
              loading={testing.isPending}
              disabled={endpoint.state === 'disabled'}
              onClick={() => testing.mutate()}
            >
              Send a test event
            </Button>
            <Button variant="default" leftSection={<ReplayIcon size={16} />} onClick={() => setAsking('replay')}>
              Replay
            </Button>
            <Menu>
              <Menu.Target>
                <Button variant="default" px={8} aria-label="More">
                  <DotsIcon />
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => setAsking('change')}>Edit…</Menu.Item>
                <Menu.Item onClick={() => setAsking('rotate')}>Rotate the secret…</Menu.Item>
                {endpoint.state === 'disabled' ? (
                  <Menu.Item onClick={() => enabling.mutate(true)}>Enable</Menu.Item>
                ) : (
                  <Menu.Item onClick={() => setAsking('disable')}>Disable…</Menu.Item>
                )}
                <Menu.Item color="red" onClick={() => setAsking('delete')}>
                  Delete…
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </>
        )
      }
    >
      <EndpointState endpoint={endpoint} enable={() => enabling.mutate(true)} />
      <PageTabs
        label="This endpoint"
        tabs={[
          { to: base, name: 'Deliveries' },
          { to: `${base}/charts`, name: 'Success and latency' },
          { to: `${base}/receiver`, name: 'Your receiver' },
          { to: `${base}/about`, name: 'About' },
        ]}
      />
      {tab === undefined && <Deliveries endpoint={endpoint} />}
      {tab === 'charts' && <Charts endpoint={endpoint} />}
      {tab === 'receiver' && <Receivers endpoint={endpoint} />}
      {tab === 'about' && <About endpoint={endpoint} />}
      {tab !== undefined && !['charts', 'receiver', 'about'].includes(tab) && <Nothing title="Page not found" />}

      <EndpointForm key={endpoint.updated_at} opened={asking === 'change'} endpoint={endpoint} onClose={() => setAsking(undefined)} />
      <ReplayDialog opened={asking === 'replay'} endpoint={endpoint} onClose={() => setAsking(undefined)} />
      <RotateDialog opened={asking === 'rotate'} endpoint={endpoint} onClose={() => setAsking(undefined)} onRotated={setSecret} />
      <SecretDialog
        title="The new signing secret"
        secrets={secret === undefined ? undefined : [{ label: 'Signing secret', value: secret }]}
        onClose={() => setSecret(undefined)}
      />
      <ConfirmDialog
        opened={asking === 'disable'}
        title="Disable the endpoint?"
        confirm="Disable"
        pending={enabling.isPending}
        error={enabling.error}
        onConfirm={() => enabling.mutate(false)}
        onClose={() => setAsking(undefined)}
      >
        <Text size="sm">
          Nothing is sent to it until you enable it again. It then continues where it stopped, as far back as events are kept.
        </Text>
      </ConfirmDialog>
      <ConfirmDialog
        opened={asking === 'delete'}
        title="Delete the endpoint?"
        typed="delete"
        confirm="Delete the endpoint"
        pending={deletion.isPending}
        error={deletion.error}
        onConfirm={() => deletion.mutate()}
        onClose={() => setAsking(undefined)}
        goes={['events that it has not been sent yet', 'its signing secret', 'the record of its deliveries and attempts']}
      >
        <Text size="sm">
          This cannot be undone. The events themselves stay in the log. What goes with <b>{endpoint.url}</b>:
        </Text>
      </ConfirmDialog>
    </PageFrame>
  );
}

const disabledReasons = {
  gone: 'It answered 410 Gone, which means that it wants no more webhooks.',
  failing: 'Every attempt failed for five days.',
  by_hand: 'Somebody disabled it.',
};

function EndpointState({ endpoint, enable }: { endpoint: Endpoint; enable: () => void }) {
  const { mayChange } = useHere();
  if (endpoint.state === 'disabled') {
    return (
      <Alert color="gray" title="This endpoint is disabled">
        <Group justify="space-between">
          <Text size="sm">
            {disabledReasons[endpoint.disabled_reason ?? 'by_hand']}{' '}
            {endpoint.disabled_at && (
              <>
                That was <When time={endpoint.disabled_at} />.{' '}
              </>
            )}
            Once enabled, it continues where it stopped.
          </Text>
          {mayChange && (
            <Button size="xs" onClick={enable}>
              Enable
            </Button>
          )}
        </Group>
      </Alert>
    );
  }
  return endpoint.state === 'failing' ? <Failing endpoint={endpoint} /> : null;
}

function Failing({ endpoint }: { endpoint: Endpoint }) {
  const last = useOwn<LastAttempt>(`/webhook_endpoints/${endpoint.id}/last_attempt`, { everyMs: 5_000 }).data?.data;
  return (
    <Alert color="red" title={`Webhooks are failing${last?.error ? `: ${last.error}` : ''}`}>
      <Stack gap="xs">
        {last?.response_body && (
          <Code
            block
            fz={12}
            mah={120}
            style={{ overflow: 'auto', whiteSpace: 'pre-wrap' }}
            tabIndex={0}
            role="region"
            aria-label="The latest answer"
          >
            {last.response_body}
          </Code>
        )}
        <Text size="sm">
          {last && (
            <>
              The latest attempt was <When time={last.at} />.{' '}
            </>
          )}
          {endpoint.failing_since && (
            <>
              The first failure was <When time={endpoint.failing_since} />.{' '}
            </>
          )}
          Nothing is lost: each event is tried again after 5 seconds, 30 seconds, 2, 5, 15 and 30 minutes, then every 30 minutes. After five
          days without a success the endpoint is disabled.
        </Text>
      </Stack>
    </Alert>
  );
}

function Deliveries({ endpoint }: { endpoint: Endpoint }) {
  const { page, mayChange } = useHere();
  const [state, setState] = useState('');
  const [chosen, setChosen] = useState<string | undefined>();
  const deliveries = useApiList<Delivery>(`/webhook_endpoints/${endpoint.id}/deliveries`, { state }, { limit: 50, everyMs: 4_000 });
  const directories = useApiWhole<Directory>('/directories');
  const names = new Map(directories.data?.map(({ id, name }) => [id, name]));
  const retry = useWrite<Delivery, string>((eventId) => ({ path: `/webhook_endpoints/${endpoint.id}/deliveries/${eventId}/retry` }));
  return (
    <>
      <Group gap="sm">
        <SegmentedControl
          aria-label="Which deliveries"
          value={state}
          onChange={setState}
          data={[
            { value: '', label: 'All' },
            { value: 'pending', label: 'Pending' },
            { value: 'succeeded', label: 'Delivered' },
            { value: 'parked', label: 'Parked' },
          ]}
        />
        {state === 'parked' && (
          <Text size="sm" c="dimmed">
            Rejected by the endpoint 12 times, or for a day: set aside so that later events could go on.
          </Text>
        )}
      </Group>
      <Section padding={0}>
        <EndlessTable
          query={deliveries}
          label="deliveries"
          keyOf={(one) => one.event_id}
          rowHeight={52}
          columns={[
            {
              head: 'Event',
              width: 'minmax(150px, 1.3fr)',
              cell: (one) => (
                <Stack gap={0}>
                  {one.test ? (
                    <span className="mono">{one.type}</span>
                  ) : (
                    <Link to={page(`/events/${one.event_id}`)} className="mono" style={{ color: 'inherit' }}>
                      {one.type}
                    </Link>
                  )}
                  {one.test ? (
                    <Text size="xs" c="dimmed">
                      test event
                    </Text>
                  ) : (
                    <Text size="xs" c="dimmed">
                      {names.get(one.directory_id ?? '') ?? 'directory'} · {number(one.sequence)}
                    </Text>
                  )}
                </Stack>
              ),
              below: (one) => <State state={one.state === 'succeeded' ? 'delivered' : one.state} />,
            },
            { head: 'Last attempt', width: 'minmax(0, 1.6fr)', cell: (one) => <LastAttempt delivery={one} />, wideOnly: true },
            { head: 'Attempts', width: '92px', align: 'end', cell: (one) => one.attempts.length, wideOnly: true },
            {
              head: 'State',
              width: '108px',
              cell: (one) => <State state={one.state === 'succeeded' ? 'delivered' : one.state} />,
              wideOnly: true,
            },
            {
              head: 'More',
              width: '86px',
              align: 'end',
              cell: (one) => (
                <Button className={aboveRowLink} size="compact-sm" variant="default" onClick={() => setChosen(one.event_id)}>
                  Details
                </Button>
              ),
            },
          ]}
          nothing={
            state !== '' ? (
              <Nothing title="No such deliveries" />
            ) : (
              <Nothing
                title="Nothing sent yet"
                action={
                  mayChange && (
                    <Text size="sm" c="dimmed">
                      Send a test event to see whether your receiver accepts it.
                    </Text>
                  )
                }
              >
                Events for this endpoint appear here.
              </Nothing>
            )
          }
        />
      </Section>
      <DeliveryDialog
        endpoint={endpoint}
        eventId={chosen}
        onClose={() => setChosen(undefined)}
        retry={(id) => retry.mutate(id)}
        retrying={retry.isPending}
        error={retry.error}
      />
    </>
  );
}

function LastAttempt({ delivery }: { delivery: Delivery }) {
  const last = delivery.attempts.at(-1);
  if (!last)
    return (
      <Text size="sm" c="dimmed">
        {delivery.next_attempt_at ? (
          <>
            first <When time={delivery.next_attempt_at} />
          </>
        ) : (
          'waiting for earlier events'
        )}
      </Text>
    );
  return (
    <Text size="sm" component="span">
      {answerOf(last)}, <When time={last.at} />
      {delivery.state === 'pending' && delivery.next_attempt_at && (
        <Text span c="dimmed" inherit>
          ; next <When time={delivery.next_attempt_at} />
        </Text>
      )}
    </Text>
  );
}

function answerOf(attempt: Attempt): string {
  return attempt.status === null ? (attempt.error ?? 'no answer') : `${attempt.status} in ${duration(attempt.duration_ms)}`;
}

function DeliveryDialog({
  endpoint,
  eventId,
  onClose,
  retry,
  retrying,
  error,
}: {
  endpoint: Endpoint;
  eventId: string | undefined;
  onClose: () => void;
  retry: (eventId: string) => void;
  retrying: boolean;
  error: Error | null;
}) {
  const { mayChange, page } = useHere();
  const delivery = useApi<Delivery>(`/webhook_endpoints/${endpoint.id}/deliveries/${eventId ?? ''}`, {
    enabled: eventId !== undefined,
    everyMs: 3_000,
  });
  return (
    <FormDialog
      opened={eventId !== undefined}
      title="Delivery"
      submit={mayChange ? 'Send again now' : 'Close'}
      pending={retrying}
      error={error}
      onClose={onClose}
      onSubmit={() => (mayChange && eventId ? retry(eventId) : onClose())}
      size="xl"
    >
      <Answer query={delivery}>
        {(one) => (
          <Stack>
            <Facts
              facts={[
                [
                  'Event',
                  one.test ? (
                    <span key="e">
                      <span className="mono">{one.type}</span> (test)
                    </span>
                  ) : (
                    <Link key="e" to={page(`/events/${one.event_id}`)} className="mono">
                      {one.type}
                    </Link>
                  ),
                ],
                ['State', <State key="s" state={one.state === 'succeeded' ? 'delivered' : one.state} />],
                ['Next attempt', one.next_attempt_at ? <When key="n" time={one.next_attempt_at} /> : null],
              ]}
            />
            <Text fw={600} size="sm">
              Request
            </Text>
            <SentRequest endpoint={endpoint} delivery={one} />
            <Text fw={600} size="sm">
              {one.attempts.length === 1 ? 'Attempt and response' : 'Attempts and responses, the latest first'}
            </Text>
            {one.attempts.length === 0 && (
              <Text size="sm" c="dimmed">
                Not tried yet{one.next_attempt_at === null && one.state === 'pending' && ': it waits for earlier events of its directory'}.
              </Text>
            )}
            {one.attempts.toReversed().map((attempt) => (
              <Box key={attempt.at} p="sm" style={{ border: '1px solid var(--causeway-line)', borderRadius: 'var(--mantine-radius-md)' }}>
                <Group justify="space-between">
                  <Group gap="xs">
                    <State
                      state={attempt.status === null ? 'no answer' : String(attempt.status)}
                      tone={attempt.error === null ? 'good' : 'bad'}
                    />
                    <Text size="sm">{attempt.error ?? `accepted in ${duration(attempt.duration_ms)}`}</Text>
                  </Group>
                  <Text size="sm" c="dimmed">
                    {dateAndTime(attempt.at)}
                  </Text>
                </Group>
                {attempt.response_body && (
                  <Code block mt="xs" fz={12} mah={220} style={{ overflow: 'auto', whiteSpace: 'pre-wrap' }}>
                    {attempt.response_body}
                  </Code>
                )}
              </Box>
            ))}
          </Stack>
        )}
      </Answer>
    </FormDialog>
  );
}

/** What an attempt sends: the headers, of which the timestamp and the signatures are each attempt's own, and the event. */
function SentRequest({ endpoint, delivery }: { endpoint: Endpoint; delivery: Delivery }) {
  const event = useOwn<LogEvent>(`/events/${delivery.event_id}`, { enabled: !delivery.test });
  const last = delivery.attempts.at(-1);
  const head = [
    `POST ${endpoint.url}`,
    'content-type: application/json',
    `webhook-id: ${delivery.event_id}`,
    `webhook-timestamp: ${last ? Math.floor(new Date(last.at).getTime() / 1000) : '(of the attempt)'}`,
    'webhook-signature: (not stored)',
    ...Object.keys(endpoint.headers).map((name) => `${name}: •••`),
  ];
  return (
    <>
      <Code block fz={12} style={{ whiteSpace: 'pre-wrap' }}>
        {head.join('\n')}
      </Code>
      {delivery.test ? (
        <Text size="sm" c="dimmed">
          The body was an example of <span className="mono">{delivery.type}</span>, marked <span className="mono">"test": true</span>.
        </Text>
      ) : (
        <Answer query={event}>{(one) => <JsonText value={one} label="request body" />}</Answer>
      )}
    </>
  );
}

function ReplayDialog({ opened, endpoint, onClose }: { opened: boolean; endpoint: Endpoint; onClose: () => void }) {
  const [back, setBack] = useState('3600');
  const [directoryId, setDirectoryId] = useState('');
  const directories = useApiWhole<Directory>('/directories', { enabled: opened });
  // The moment is chosen once: the preview and the replay speak of the same one.
  const [since] = useState(
    () =>
      (seconds: string): string | undefined =>
        seconds === '' ? undefined : new Date(Math.floor(Date.now() / 60_000) * 60_000 - Number(seconds) * 1000).toISOString(),
  );
  const from = since(back);
  const preview = useOwn<ReplayPreview>(`/webhook_endpoints/${endpoint.id}/replay_preview`, {
    parameters: { since: from, directory_id: directoryId },
    enabled: opened,
  });
  const replaying = useWrite<Endpoint>(
    () => ({
      path: `/webhook_endpoints/${endpoint.id}/replay`,
      body: { ...(from && { since: from }), ...(directoryId && { directory_id: directoryId }) },
    }),
    () => {
      onClose();
      notifications.show({ message: 'The replay has started.', color: 'teal' });
    },
  );
  return (
    <FormDialog
      opened={opened}
      title="Replay"
      submit={preview.data ? `Send ${preview.data.capped ? 'more than ' : ''}${count(preview.data.events, 'event')} again` : 'Replay'}
      pending={replaying.isPending}
      error={replaying.error}
      onSubmit={() => replaying.mutate()}
      onClose={onClose}
    >
      <Text size="sm" c="dimmed">
        The endpoint gets every event from then on again, in order, according to its current settings. Each event keeps its{' '}
        <span className="mono">webhook-id</span>, so that your receiver recognizes what it has already seen.
      </Text>
      <NativeSelect
        label="From"
        value={back}
        onChange={(event) => setBack(event.currentTarget.value)}
        data={[
          { value: '3600', label: 'an hour ago' },
          { value: '21600', label: '6 hours ago' },
          { value: '86400', label: 'a day ago' },
          { value: '604800', label: '7 days ago' },
          { value: '2592000', label: '30 days ago' },
          { value: '', label: 'the oldest event that is kept' },
        ]}
      />
      <NativeSelect
        label="Directory"
        value={directoryId}
        onChange={(event) => setDirectoryId(event.currentTarget.value)}
        data={[{ value: '', label: 'all directories' }, ...(directories.data?.map(({ id, name }) => ({ value: id, label: name })) ?? [])]}
      />
      <Answer query={preview} sketch={<Sketch lines={1} />}>
        {({ events, capped, first_at: first }) => (
          <Alert color={events === 0 ? 'gray' : 'water'} role="status">
            {events === 0 ? (
              'There are no events in that time: nothing would be sent.'
            ) : (
              <>
                {capped ? 'More than ' : ''}
                {count(events, 'event')} would be sent again{first && <>, the first from {dateAndTime(first)}</>}.
              </>
            )}
          </Alert>
        )}
      </Answer>
    </FormDialog>
  );
}

function RotateDialog({
  opened,
  endpoint,
  onClose,
  onRotated,
}: {
  opened: boolean;
  endpoint: Endpoint;
  onClose: () => void;
  onRotated: (secret: string) => void;
}) {
  const [overlap, setOverlap] = useState('86400');
  const rotating = useWrite<ReplacedSecret>(
    () => ({ path: `/webhook_endpoints/${endpoint.id}/rotate_secret`, body: { overlap: Number(overlap) } }),
    ({ secret }) => {
      onClose();
      onRotated(secret);
    },
  );
  return (
    <FormDialog
      opened={opened}
      title="Rotate the signing secret"
      submit="Create a new secret"
      pending={rotating.isPending}
      error={rotating.error}
      onSubmit={() => rotating.mutate()}
      onClose={onClose}
    >
      <NativeSelect
        label="Sign with both"
        description="While webhooks are signed with both, your receivers can switch over one by one."
        value={overlap}
        onChange={(event) => setOverlap(event.currentTarget.value)}
        data={[
          { value: '0', label: 'not at all: the old secret stops working at once' },
          { value: '3600', label: 'for an hour' },
          { value: '86400', label: 'for a day' },
          { value: '604800', label: 'for 7 days' },
        ]}
      />
    </FormDialog>
  );
}

function Charts({ endpoint }: { endpoint: Endpoint }) {
  const [hours, setHours] = useState('24');
  const statistics = useOwn<EndpointStatistics>(`/webhook_endpoints/${endpoint.id}/statistics`, { parameters: { hours }, everyMs: 30_000 });
  return (
    <Stack gap="lg">
      <Group>
        <SegmentedControl
          aria-label="Time"
          value={hours}
          onChange={setHours}
          data={[
            { value: '1', label: 'Hour' },
            { value: '24', label: 'Day' },
            { value: '168', label: 'Week' },
            { value: '720', label: '30 days' },
          ]}
        />
      </Group>
      <Answer query={statistics} sketch={<Sketch lines={10} />}>
        {(now) => (
          <>
            <SimpleGrid cols={{ base: 2, md: 4 }}>
              <Figure name="Succeeded" value={share(now.succeeded, now.attempts)} />
              <Figure name="Attempts" value={number(now.attempts)} />
              <Figure name="Waiting" value={`${now.pending_capped ? '> ' : ''}${number(now.pending)}`} />
              <Figure name="Parked" value={number(now.parked)} />
            </SimpleGrid>
            {now.attempts === 0 ? (
              <Section>
                <Nothing title="No attempts in this time">Choose a longer time, or send a test event.</Nothing>
              </Section>
            ) : (
              <Suspense fallback={<Sketch lines={10} />}>
                <EndpointCharts statistics={now} />
              </Suspense>
            )}
          </>
        )}
      </Answer>
    </Stack>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <Section padding="md">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text fz={24} fw={650}>
        {value}
      </Text>
    </Section>
  );
}

function About({ endpoint }: { endpoint: Endpoint }) {
  const { page } = useHere();
  const organization = useApi<Organization>(`/organizations/${endpoint.organization_id}`, { enabled: endpoint.organization_id !== null });
  return (
    <Stack gap="lg">
      <Section title="Settings">
        <Facts
          facts={[
            ['Id', <InlineId key="id" id={endpoint.id} />],
            ['URL', endpoint.url],
            ['Events', endpoint.event_types === null ? 'all types' : endpoint.event_types.join(', ')],
            [
              'Organization',
              endpoint.organization_id === null ? (
                'all'
              ) : (
                <Link key="org" to={page(`/organizations/${endpoint.organization_id}`)}>
                  {organization.data?.name ?? endpoint.organization_id}
                </Link>
              ),
            ],
            ['Order', endpoint.ordering === 'directory' ? 'in order, per directory' : 'unordered'],
            ['Concurrency', `${count(endpoint.max_parallel, 'request')} at most`],
            ['Headers', Object.keys(endpoint.headers).join(', ') || null],
            ['Created', date(endpoint.created_at)],
          ]}
        />
      </Section>
      <Section
        title="Public key"
        about="Webhooks also carry a signature that can be verified with this key, for receivers that should not hold a secret."
      >
        <Copyable label="Public key" value={endpoint.public_key} />
      </Section>
    </Stack>
  );
}
