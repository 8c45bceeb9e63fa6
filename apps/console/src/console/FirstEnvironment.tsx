import { Button, Center, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { call } from '../broker/call';
import { sessionKey, useSigningOut } from '../broker/session';
import type { Environment, Session } from '../broker/answers';
import { Refusal } from '../parts/Answer';
import { FormDialog } from '../parts/dialogs';
import { useFields } from '../parts/fields';

function useMakingEnvironment(onMade: (made: Environment) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => call<Environment>('/console/api/environments', { method: 'POST', body: { name } }),
    onSuccess: async (made) => {
      await queries.refetchQueries({ queryKey: sessionKey });
      onMade(made);
    },
  });
}

/** Whether somebody may make environments here: where signing up is closed, admins of one may. */
export function mayMakeEnvironments(session: Session): boolean {
  return session.sign_up === 'open' || session.environments.some(({ role }) => role === 'admin');
}

/** Somebody who belongs to no environment makes one, or waits to be invited. */
export function FirstEnvironment({ session }: { session: Session }) {
  const navigate = useNavigate();
  const { values, text } = useFields({ name: '' });
  const making = useMakingEnvironment((made) => void navigate(`/${made.id}`));
  const signingOut = useSigningOut();
  if (!mayMakeEnvironments(session)) {
    return (
      <Center component="main" mih="100vh" p="md">
        <Paper p="xl" maw={440} w="100%">
          <Stack>
            <Title order={1}>No environment yet</Title>
            <Text size="sm" c="dimmed">
              You are signed in as {session.member?.email}, and are not a member of any environment. Ask an admin of your team’s environment
              to invite this address.
            </Text>
            <Group>
              <Button variant="default" onClick={() => signingOut.mutate()}>
                Sign out
              </Button>
            </Group>
          </Stack>
        </Paper>
      </Center>
    );
  }
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper p="xl" maw={440} w="100%">
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            making.mutate(values.name);
          }}
        >
          <Stack>
            <Title order={1}>Create an environment</Title>
            <Text size="sm" c="dimmed">
              You are signed in as {session.member?.email}. An environment holds your customers, their directories, your webhooks and your
              API keys. Most teams have one for production and one for tests.
            </Text>
            <TextInput label="Name" required {...text('name', making.error)} />
            <Refusal error={making.error} />
            <Group justify="space-between">
              <Button variant="default" onClick={() => signingOut.mutate()}>
                Sign out
              </Button>
              <Button type="submit" loading={making.isPending}>
                Create
              </Button>
            </Group>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}

export function NewEnvironmentDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const { values, text, reset } = useFields({ name: '' });
  const making = useMakingEnvironment((made) => {
    reset();
    onClose();
    void navigate(`/${made.id}`);
  });
  return (
    <FormDialog
      opened={opened}
      title="New environment"
      submit="Create environment"
      pending={making.isPending}
      error={making.error}
      onClose={onClose}
      onSubmit={() => making.mutate(values.name)}
    >
      <Text size="sm" c="dimmed">
        It has its own customers, webhooks, API keys and event log, and shares nothing with the others.
      </Text>
      <TextInput label="Name" placeholder="staging" required data-autofocus {...text('name', making.error)} />
    </FormDialog>
  );
}
