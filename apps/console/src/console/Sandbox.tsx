import {
  Alert,
  Anchor,
  Button,
  Checkbox,
  Group,
  NumberInput,
  Progress as Bar,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
} from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import { call } from '../broker/call';
import { useHere } from '../broker/session';
import type { Directory, IssuedToken, Organization, Page } from '../broker/answers';
import { CheckIcon, ProviderMark } from '../icons';
import { Refusal } from '../parts/Answer';
import { Facts, PageFrame, Section } from '../parts/PageFrame';
import { count } from '../parts/words';
import { play, type Play, type Progress, type Send } from '../sandbox/play';

type Run =
  | { kind: 'none' }
  | { kind: 'running' | 'done' | 'stopped'; directory: Directory | undefined; progress: Progress | undefined }
  | { kind: 'failed'; error: Error; directory: Directory | undefined };

/** Plays an identity provider, so that there are events before the first customer comes. */
export default function Sandbox() {
  const { api, page, mayChange } = useHere();
  const queries = useQueryClient();
  const [wish, setWish] = useState<Play>({
    provider: 'entra',
    users: 25,
    groups: 4,
    laterChanges: true,
    failures: true,
    domain: 'acme.example',
  });
  const [run, setRun] = useState<Run>({ kind: 'none' });
  const stopping = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => stopping.current?.abort(), []);

  const begin = async (): Promise<void> => {
    const stop = new AbortController();
    stopping.current = stop;
    let directory: Directory | undefined;
    setRun({ kind: 'running', directory, progress: undefined });
    try {
      const organization = await sandboxOrganization(api);
      directory = await call<Directory>(api('/directories'), {
        method: 'POST',
        body: {
          organization_id: organization.id,
          provider: wish.provider,
          name: `${wish.provider === 'entra' ? 'Entra' : 'Okta'} sandbox, ${new Date().toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })}`,
        },
      });
      const { token } = await call<IssuedToken>(api(`/directories/${directory.id}/bearer_token`), { method: 'POST', body: {} });
      const made = directory;
      const progress = await play(
        wish,
        scimClient(directory, token, stop.signal),
        (now) => setRun({ kind: 'running', directory: made, progress: now }),
        stop.signal,
      );
      setRun({ kind: 'done', directory, progress });
    } catch (error) {
      setRun((before) =>
        stop.signal.aborted
          ? { kind: 'stopped', directory, progress: 'progress' in before ? before.progress : undefined }
          : { kind: 'failed', directory, error: error instanceof Error ? error : new Error('Something went wrong.') },
      );
    } finally {
      await queries.invalidateQueries({ queryKey: ['broker'] });
    }
  };
  const running = run.kind === 'running';

  return (
    <PageFrame
      title="Sandbox"
      about="Simulate an identity provider: this creates a directory, and your browser sends what Entra or Okta would send, request by request. Events, webhooks and failures are real; the people are not."
    >
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Section title="Scenario">
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void begin();
            }}
          >
            <Stack>
              <SegmentedControl
                aria-label="Identity provider"
                fullWidth
                disabled={running}
                value={wish.provider}
                onChange={(provider) => setWish({ ...wish, provider })}
                data={
                  [
                    { value: 'entra', label: 'Microsoft Entra ID' },
                    { value: 'okta', label: 'Okta' },
                  ] as const
                }
              />
              <Group grow>
                <NumberInput
                  label="Users"
                  min={1}
                  max={5000}
                  allowDecimal={false}
                  clampBehavior="strict"
                  disabled={running}
                  value={wish.users}
                  onChange={(users) => setWish({ ...wish, users: Number(users) || 1 })}
                />
                <NumberInput
                  label="Groups"
                  min={0}
                  max={100}
                  allowDecimal={false}
                  clampBehavior="strict"
                  disabled={running}
                  value={wish.groups}
                  onChange={(groups) => setWish({ ...wish, groups: Number(groups) || 0 })}
                />
              </Group>
              <Checkbox
                label="Then simulate a working day: a promotion, a move, two deactivations, a return, a deletion"
                checked={wish.laterChanges}
                disabled={running}
                onChange={(event) => setWish({ ...wish, laterChanges: event.currentTarget.checked })}
              />
              <Checkbox
                label="Include two users that cannot be provisioned"
                checked={wish.failures}
                disabled={running}
                onChange={(event) => setWish({ ...wish, failures: event.currentTarget.checked })}
              />
              <Group>
                {running ? (
                  <Button variant="default" onClick={() => stopping.current?.abort()}>
                    Stop
                  </Button>
                ) : (
                  <Button type="submit" disabled={!mayChange}>
                    Start
                  </Button>
                )}
                {!mayChange && (
                  <Text size="sm" c="dimmed">
                    Only an admin can start a simulation, since it creates a directory.
                  </Text>
                )}
              </Group>
            </Stack>
          </form>
        </Section>
        <Section title="Progress">
          <Stack>
            {run.kind === 'none' && (
              <Text size="sm" c="dimmed">
                Not started yet. Keep this page open while it runs: your browser sends the requests.
              </Text>
            )}
            {run.kind === 'failed' && <Refusal error={run.error} />}
            {'progress' in run && run.progress && (
              <>
                <Bar value={(run.progress.done / Math.max(1, run.progress.of)) * 100} animated={running} size="lg" aria-label="Progress" />
                <Text size="sm" role="status">
                  {running ? `${run.progress.step}…` : run.kind === 'done' ? `Done: ${count(run.progress.done, 'step')}.` : 'Stopped.'}
                </Text>
                {run.kind === 'done' && (
                  <Alert color="teal" icon={<CheckIcon />}>
                    {run.progress.failed > 0
                      ? `${count(run.progress.failed, 'request')} failed, as intended: the directory’s page says why, and what an IT admin can do about it.`
                      : 'Every request succeeded.'}
                  </Alert>
                )}
              </>
            )}
            {running && !run.progress && (
              <Text size="sm" role="status">
                Creating the directory…
              </Text>
            )}
            {'directory' in run && run.directory && (
              <>
                <Facts
                  facts={[
                    [
                      'Directory',
                      <Group key="d" gap={8}>
                        <ProviderMark provider={run.directory.provider} size={20} />
                        <Anchor component={Link} to={page(`/directories/${run.directory.id}`)} size="sm">
                          {run.directory.name}
                        </Anchor>
                      </Group>,
                    ],
                    [
                      'Events',
                      <Anchor key="e" component={Link} to={page(`/directories/${run.directory.id}/events`)} size="sm">
                        watch them arrive
                      </Anchor>,
                    ],
                    [
                      'Webhooks',
                      <Anchor key="w" component={Link} to={page('/webhooks')} size="sm">
                        what your endpoints receive
                      </Anchor>,
                    ],
                  ]}
                />
                <Text size="xs" c="dimmed">
                  When you are done, delete the directory or the organization “Sandbox”.
                </Text>
              </>
            )}
          </Stack>
        </Section>
      </SimpleGrid>
    </PageFrame>
  );
}

async function sandboxOrganization(api: (path: string) => string): Promise<Organization> {
  const {
    data: [found],
  } = await call<Page<Organization>>(api('/organizations?external_id=causeway-sandbox'));
  return (
    found ??
    call<Organization>(api('/organizations'), {
      method: 'POST',
      body: { name: 'Sandbox', external_id: 'causeway-sandbox', domains: ['acme.example'] },
    })
  );
}

/** The broker as the identity provider sees it. The page's own origin is used, whatever address identity providers are given. */
function scimClient(directory: Directory, token: string, signal: AbortSignal): Send {
  const base = new URL(directory.base_url).pathname;
  return async (method, path, body) => {
    for (;;) {
      const response = await fetch(`${base}${path}`, {
        method,
        signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
        credentials: 'omit',
        headers: {
          Authorization: `Bearer ${token}`,
          Accept: 'application/scim+json',
          ...(body && { 'Content-Type': 'application/scim+json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (response.status !== 429) return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
      // As identity providers do.
      await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(response.headers.get('retry-after')) || 1)));
    }
  };
}
