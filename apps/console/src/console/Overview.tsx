import { Anchor, Box, Button, Group, Paper, SimpleGrid, Stack, Text, ThemeIcon } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { useOwn } from '../broker/queries';
import { useHere } from '../broker/session';
import type { NewestEvents, Overview as OverviewShape } from '../broker/answers';
import { CheckIcon, SandboxIcon } from '../icons';
import { Answer, Sketch } from '../parts/Answer';
import { subjectOf } from '../parts/event-words';
import { PageFrame, Section } from '../parts/PageFrame';
import { State } from '../parts/State';
import { When } from '../parts/When';
import { count, inSentence, number } from '../parts/words';
import classes from './Overview.module.css';

/** The environment at a glance: what needs somebody, and what has just happened. */
export default function Overview() {
  const { environment, page } = useHere();
  const overview = useOwn<OverviewShape>('/overview', { everyMs: 15_000 });
  return (
    <PageFrame
      title={environment.name}
      actions={
        <Button component={Link} to={page('/sandbox')} variant="default" leftSection={<SandboxIcon size={16} />}>
          Simulate an IdP
        </Button>
      }
    >
      <Answer query={overview} sketch={<Sketch lines={8} />}>
        {(now) => (
          <>
            <FirstSteps now={now} />
            <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md">
              <Figure to={page('/organizations')} name="Organizations" value={number(now.organizations)} />
              <Figure
                to={page('/directories')}
                name="Directories"
                value={number(now.directories.total)}
                note={
                  [
                    now.directories.pending > 0 && `${now.directories.pending} not connected yet`,
                    now.directories.disabled > 0 && `${now.directories.disabled} disabled`,
                  ]
                    .filter(Boolean)
                    .join(', ') || 'all connected'
                }
              />
              <Figure to={page('/directories')} name="Active users" value={number(now.active_users)} />
              <Figure
                to={page('/events')}
                name="Events, last 24 hours"
                value={number(now.events.last_day)}
                note={`${number(now.events.total)} in all`}
              />
            </SimpleGrid>
            <NeedsYou now={now} />
          </>
        )}
      </Answer>
      <Newest />
    </PageFrame>
  );
}

function Figure({ name, value, note, to }: { name: string; value: string; note?: string } & { to: string }) {
  return (
    <Paper component={Link} to={to} p="md" className={classes.figure}>
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text fz={26} fw={650} lh={1.3}>
        {value}
      </Text>
      {note && (
        <Text size="xs" c="dimmed">
          {note}
        </Text>
      )}
    </Paper>
  );
}

function FirstSteps({ now }: { now: OverviewShape }) {
  const { page, mayChange } = useHere();
  const steps: { done: boolean; title: string; text: string; to: string; action: string }[] = [
    {
      done: now.organizations > 0,
      title: 'Create an organization',
      text: 'One for each of your customers.',
      to: '/organizations?new',
      action: 'Create one',
    },
    {
      done: now.directories.total > 0,
      title: 'Create a directory',
      text: 'What the customer’s identity provider connects to.',
      to: '/directories?new',
      action: 'Create one',
    },
    {
      done: now.endpoints.total > 0,
      title: 'Add a webhook endpoint',
      text: 'Where your product is told about every change. Or poll the API.',
      to: '/webhooks?new',
      action: 'Add one',
    },
    {
      done: now.events.total > 0,
      title: 'See the first event',
      text: 'Send a setup link to an IT admin, or simulate an identity provider.',
      to: '/sandbox',
      action: 'Simulate an IdP',
    },
  ];
  const next = steps.findIndex(({ done }) => !done);
  if (next === -1 || !mayChange) return null;
  return (
    <Section title="Get to your first webhook" padding={0}>
      <ol className={classes.steps}>
        {steps.map((step, i) => (
          <li key={step.title} className={classes.step}>
            <ThemeIcon size={26} radius="xl" variant={step.done ? 'filled' : 'light'} color={step.done ? 'teal.8' : undefined}>
              {step.done ? (
                <CheckIcon size={15} />
              ) : (
                <Text size="xs" fw={650} inherit>
                  {i + 1}
                </Text>
              )}
            </ThemeIcon>
            <Box style={{ flex: '1 1 200px', minWidth: 0 }}>
              <Text size="sm" fw={600}>
                {step.title}
                {step.done && <span className="visually-hidden"> (done)</span>}
              </Text>
              <Text size="sm" c="dimmed">
                {step.text}
              </Text>
            </Box>
            {!step.done && (
              <Button component={Link} to={page(step.to)} size="xs" variant={i === next ? 'filled' : 'default'}>
                {step.action}
              </Button>
            )}
          </li>
        ))}
      </ol>
    </Section>
  );
}

function NeedsYou({ now }: { now: OverviewShape }) {
  const { page } = useHere();
  const lines: ReactNode[] = [
    ...now.failing_endpoints.map((endpoint) => (
      <Line key={endpoint.id} to={page(`/webhooks/${endpoint.id}`)} state={endpoint.state} title={endpoint.url}>
        {endpoint.state === 'failing' ? 'Webhooks are failing; the first failure was' : (reasons[endpoint.reason ?? ''] ?? 'Disabled')}
        {endpoint.since && (
          <>
            {' '}
            <When time={endpoint.since} />
          </>
        )}
      </Line>
    )),
    ...now.failing_directories.map((directory) => (
      <Line
        key={directory.id}
        to={page(`/directories/${directory.id}`)}
        state="failing"
        title={`${directory.organization_name} · ${directory.name}`}
      >
        {count(directory.failed, 'request')} from {inSentence(directory.provider)} failed in the last 24 hours
      </Line>
    )),
  ];
  if (lines.length === 0) return null;
  return (
    <Section title="Needs attention" padding={0}>
      {lines}
    </Section>
  );
}

const reasons: Record<string, string> = {
  gone: 'Disabled because it answered 410 Gone,',
  failing: 'Disabled after five days of nothing but failures,',
  by_hand: 'Disabled by hand',
};

function Line({ to, state, title, children }: { to: string; state: string; title: string; children: ReactNode }) {
  return (
    <Link to={to} className={classes.line}>
      <Box style={{ flex: 1, minWidth: 0 }}>
        <Text size="sm" fw={550} style={{ overflowWrap: 'anywhere' }}>
          {title}
        </Text>
        <Text size="sm" c="dimmed">
          {children}
        </Text>
      </Box>
      <State state={state} />
    </Link>
  );
}

function Newest() {
  const { page } = useHere();
  const newest = useOwn<NewestEvents>('/events', { parameters: { limit: 8 }, everyMs: 5_000 });
  return (
    <Section
      title="Newest events"
      padding={0}
      actions={
        <Anchor component={Link} to={page('/events')} size="sm">
          All events
        </Anchor>
      }
    >
      <Answer
        query={newest}
        sketch={
          <Box p="lg">
            <Sketch />
          </Box>
        }
      >
        {({ data }) =>
          data.length === 0 ? (
            <Text p="lg" size="sm" c="dimmed">
              None yet. Every change that an identity provider makes appears here within a second.
            </Text>
          ) : (
            <Stack gap={0}>
              {data.map((event) => (
                <Link key={event.id} to={page(`/events/${event.id}`)} className={classes.line}>
                  <Text size="sm" fw={550} w={{ base: '100%', xs: 190 }} className="mono">
                    {event.type}
                  </Text>
                  <Text size="sm" style={{ flex: '1 1 120px', minWidth: 0 }} truncate>
                    {subjectOf(event)}
                  </Text>
                  <Group gap={4}>
                    <Text size="sm" c="dimmed">
                      <When time={event.occurred_at} />
                    </Text>
                  </Group>
                </Link>
              ))}
            </Stack>
          )
        }
      </Answer>
    </Section>
  );
}
