import { Button, Group, PasswordInput, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { SignedInPlaces } from '../broker/answers';
import { call } from '../broker/call';
import { useHere } from '../broker/session';
import { Answer, Refusal } from '../parts/Answer';
import { useFields } from '../parts/fields';
import { PageFrame, Section } from '../parts/PageFrame';
import { StackedTable } from '../parts/StackedTable';
import { When } from '../parts/When';

/** What is a member's own: their password, and where they are signed in. */
export default function Account() {
  const { session } = useHere();
  const queries = useQueryClient();
  const sessions = useQuery({
    queryKey: ['account', 'sessions'],
    queryFn: ({ signal }) => call<SignedInPlaces>('/console/api/sessions', { signal }),
  });
  const { values, text, reset } = useFields({ current: '', next: '' });
  const change = useMutation({
    mutationFn: () => call('/console/api/password', { method: 'POST', body: values }),
    onSuccess: async () => {
      reset();
      notifications.show({ message: 'Your password has been changed. You are signed out everywhere else.', color: 'teal' });
      await queries.invalidateQueries({ queryKey: ['account'] });
    },
  });
  const ending = useMutation({
    mutationFn: () => call('/console/api/sessions', { method: 'DELETE' }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['account'] }),
  });
  return (
    <PageFrame title="Your account" about={session.member?.email}>
      <Section title="Password">
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            change.mutate();
          }}
        >
          <Stack maw={420}>
            <input type="text" name="username" autoComplete="username" value={session.member?.email} readOnly hidden />
            <PasswordInput label="Current password" autoComplete="current-password" {...text('current', change.error)} />
            <PasswordInput
              label="New password"
              description="At least 10 characters"
              autoComplete="new-password"
              {...text('next', change.error)}
            />
            <Refusal error={change.error} />
            <Group>
              <Button type="submit" loading={change.isPending}>
                Change password
              </Button>
            </Group>
          </Stack>
        </form>
      </Section>
      <Section
        title="Where you are signed in"
        padding={0}
        actions={
          <Button size="xs" variant="default" loading={ending.isPending} onClick={() => ending.mutate()}>
            Sign out everywhere else
          </Button>
        }
      >
        <Answer query={sessions}>
          {({ data }) => (
            <StackedTable
              heads={['Browser', 'Last seen', 'Signed in']}
              rows={data.map((one) => ({
                key: one.id,
                cells: [
                  <Text key="browser" size="sm">
                    {browserIn(one.user_agent)}
                    {one.current && (
                      <Text span c="dimmed" inherit>
                        {' '}
                        (this one)
                      </Text>
                    )}
                  </Text>,
                  <When key="seen" time={one.last_seen_at} />,
                  <When key="in" time={one.created_at} />,
                ],
              }))}
            />
          )}
        </Answer>
      </Section>
    </PageFrame>
  );
}

function browserIn(userAgent: string | null): string {
  if (!userAgent) return 'unknown';
  const browser = /Edg\//.test(userAgent)
    ? 'Edge'
    : /Firefox\//.test(userAgent)
      ? 'Firefox'
      : /Chrome\//.test(userAgent)
        ? 'Chrome'
        : /Safari\//.test(userAgent)
          ? 'Safari'
          : undefined;
  const system = /Windows/.test(userAgent)
    ? 'Windows'
    : /iPhone|iPad/.test(userAgent)
      ? 'iOS'
      : /Mac OS X/.test(userAgent)
        ? 'macOS'
        : /Android/.test(userAgent)
          ? 'Android'
          : /Linux/.test(userAgent)
            ? 'Linux'
            : undefined;
  return browser && system ? `${browser} on ${system}` : userAgent.slice(0, 80);
}
